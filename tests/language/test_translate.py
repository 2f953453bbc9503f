"""Expressions become terms with every shape checked; what SymPy evaluates or accepts silently is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp

from verify import *
from verify.language.printing import latex, text
from verify.language.translate import term_of
from verify.language.untranslate import expression_of

m, n, r = dimensions("m n r")
A, B = matrices("A", m, r), matrices("B", n, r)
X = A * B.T
f = smooth("f", (m, n))
H = operator("H", (m, n))

EXPRESSIONS = [
    A * A.T,
    2 * A - A / 3,
    hadamard(A, A),
    elementwise(sp.tanh, A),
    elementwise("softplus", X),
    elementwise(lambda x: x**2 + 1, A),
    A.applyfunc(sp.exp),
    sp.Trace(A.T * A) ** 3,
    sp.sqrt(sp.Trace(A.T * A)),
    logsumexp(X),
    softmax(X),
    sigma(X, rank(X)),
    logdet(A.T * A),
    (A.T * A).inv(),
    (A.T * A) ** 2,
    off_block(X, X),
    f(X),
    f.grad(X) * B,
    f.hess(X)(X, X),
    f.hess(X)(X),
    H(X),
    inner(X, H(X)),
    ones(m, n),
    identity(m) * A,
    maximum(nuclear(X), 1),
    positive_part(spectral(X) - 1),
    entry(X, 0, 1),
    sp.Matrix([[1, 2], [3, 4]]) * sp.MatrixSymbol("P", 2, 2),
    diag(X * ones(n, 1)),
    diagonal(A.T * A),
    sp.Max(1, sp.Symbol("t")),
    sp.exp(sp.Symbol("t", real=True)) * sp.pi,
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=[f"{i}" for i in range(len(EXPRESSIONS))])
def test_translation_back_and_forth_gives_the_same_term(expression: object) -> None:
    term = term_of(expression)
    assert term_of(expression_of(term, {})) == term
    assert text(term)
    assert latex(term).count("{") == latex(term).count("}")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: A * B, "inner dimensions r and n differ"),
        (lambda: A + B, "sum of m×r and n×r"),
        (lambda: hadamard(A, B), "Hadamard product of m×r and n×r"),
        (lambda: trace(A), "square matrix"),
        (lambda: inverse(X), "square matrix"),
        (lambda: sp.Eq(A, A), "already True"),
        (lambda: sp.Symbol("x") > 1, "SymPy relation"),
        (lambda: 1 < 2, "already True"),
        (lambda: f(A), "takes m×n"),
        (lambda: H(A), "takes m×n"),
        (lambda: diag(X), "needs a column"),
        (lambda: sp.I, "no meaning"),
        (lambda: sp.oo, "no meaning"),
        (lambda: sp.MatrixSymbol("P", m + 1, n), "give it a name"),
        (lambda: sp.MatrixSymbol("P", 0, 2), "at least 1"),
        (lambda: entry(sp.MatrixSymbol("P", 2, 2), 2, 0), "count from 0"),
        (lambda: sp.Derivative(sp.Symbol("x"), sp.Symbol("x"), evaluate=False), "not understood"),
    ],
)
def test_what_has_no_meaning_is_refused_with_a_hint(make: object, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        term_of(make())


def test_floats_are_read_as_the_decimals_that_were_written() -> None:
    assert term_of(0.1).payload[0] == Fraction(1, 10)
    assert term_of(sp.Float("0.25")).payload[0] == Fraction(1, 4)


def test_symbols_are_identified_by_name_not_by_assumptions() -> None:
    plain = sp.MatrixSymbol("A", sp.Symbol("m"), sp.Symbol("r"))
    assert term_of(plain) == term_of(A)


def test_terms_and_statements_have_no_truth_value() -> None:
    with pytest.raises(ClaimError, match="truth value"):
        bool(term_of(A))
    with pytest.raises(ClaimError, match="truth value"):
        bool(equal(A, A))
    with pytest.raises(ClaimError, match="truth value"):
        bool(forall(A, then=equal(A, A)))
