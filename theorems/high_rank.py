"""Full-rank second-order points: the block lemmas behind "high rank and large".

Main definitions
    For X of rank r with singular spaces U, V, the ⊥⊥ block of Y is `P_U^⊥ Y P_V^⊥`.

Main statements
    Lemma C: the nuclear norm of the ⊥⊥ block of a low-rank Y is bounded by the squared distance of X and Y (C1, C2).

Notation
    Theory §0 and §4.

Implementation notes
    X and Y are built from factors, so that their ranks are what the lemma needs.

References
    Theory §4, Lemma C.

Tags
    block, singular spaces, von Neumann inequality
"""

from sympy import MatrixSymbol

from verify import *

m, n, r, q = dimensions("m n r q")
P, Q = MatrixSymbol("P", m, r), MatrixSymbol("Q", n, r)
C, D = MatrixSymbol("C", m, q), MatrixSymbol("D", n, q)
X, Y = P * Q.T, C * D.T


@claim(cite="theory §4, Lemma C, C1", keyword=Keyword.TIGHT)
def block_le_squared_distance_over_smallest_singular_value():
    """C1: `2σ_r(X) ‖P_U^⊥YP_V^⊥‖_* ≤ ‖X − Y‖_F²` for rank X = r ≥ rank Y."""
    return forall(
        P,
        Q,
        C,
        D,
        given=[equal(rank(X), r), le(rank(Y), r), lt(0, nuclear(off_block(Y, X)))],
        then=le(2 * sigma(X, r) * nuclear(off_block(Y, X)), frobenius(X - Y) ** 2),
    )


@claim(cite="theory §4, Lemma C, C2", keyword=Keyword.TIGHT)
def block_le_squared_distance_over_target_singular_value():
    """C2: `σ_{r⋆}(Y) ‖P_U^⊥YP_V^⊥‖_* ≤ ‖X − Y‖_F²` for rank X = r ≥ rank Y = r⋆."""
    return forall(
        P,
        Q,
        C,
        D,
        given=[equal(rank(X), r), le(rank(Y), r), lt(0, nuclear(off_block(Y, X)))],
        then=le(sigma(Y, rank(Y)) * nuclear(off_block(Y, X)), frobenius(X - Y) ** 2),
    )
