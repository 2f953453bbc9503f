"""Claims with every quick verdict, for tests of what a run writes."""

QUICK = '''
from sympy import MatrixSymbol, symbols
from verify import *

s = lora()
A, B, X, lam = s.A, s.B, s.X, s.decay
Q = MatrixSymbol("Q", 2, 2)


@claim(cite="theory §2 | balance", keyword=Keyword.TIGHT)
def proved():
    """Weight decay `λ > 0` balances the factors."""
    return forall(s, given=[s.fosp(), lt(0, lam)], then=equal(A.T * A, B.T * B))


@claim
def held():
    """The nuclear norm is at least the spectral norm."""
    return forall(Q, then=le(spectral(Q), nuclear(Q)))


@claim(expect=Expect.REFUTED, keyword=Keyword.FALSE)
def refuted():
    """False without decay; <b>not bold</b>."""
    return forall(s, given=s.fosp(), then=equal(A.T * A, B.T * B))


@claim(expect=Expect.REFUTED)
def loud():
    """True, but expected to be refuted."""
    return forall(Q, then=le(0, frobenius(Q)))


@claim
def broken():
    """Shapes that do not fit."""
    return forall(s, then=equal(A, B))
'''
