"""The nuclear norm as the best factorization.

Main definitions
    `‖X‖_*` is the sum of singular values; a factorization `X = ABᵀ` is balanced when `AᵀA = BᵀB`.

Main statements
    `‖ABᵀ‖_* ≤ ½(‖A‖² + ‖B‖²)`, with equality for balanced pairs; the same with the product of norms; norm duality.

Notation
    Theory §0.

References
    Theory §2, "Nuclear norm = best factorization".

Tags
    nuclear norm, factorization, norm duality
"""

from sympy import MatrixSymbol, Rational

from verify import *

s = lora()
A, B, X, r, lam = s.A, s.B, s.X, s.r, s.decay
Y = MatrixSymbol("Y", s.m, s.n)
Z = MatrixSymbol("Z", s.m, s.n)


@claim(cite="theory §2, Nuclear norm = best factorization", keyword=Keyword.UPPER)
def nuclear_le_half_of_squared_factors():
    """The nuclear norm of a product is at most half the sum of the factors' squared Frobenius norms."""
    return forall(s, then=le(nuclear(X), Rational(1, 2) * (frobenius(A) ** 2 + frobenius(B) ** 2)))


@claim(cite="theory §2, Nuclear norm = best factorization", keyword=Keyword.TIGHT)
def nuclear_eq_half_of_squared_factors_of_balanced():
    """A balanced factorization attains the nuclear norm: `‖ABᵀ‖_* = ½(‖A‖² + ‖B‖²)`."""
    return forall(
        s,
        given=equal(A.T * A, B.T * B),
        then=equal(nuclear(X), Rational(1, 2) * (frobenius(A) ** 2 + frobenius(B) ** 2)),
    )


@claim(cite="theory §2, Nuclear norm = best factorization", keyword=Keyword.TIGHT)
def nuclear_eq_penalty_of_stationary():
    """At a first-order stationary point with decay the penalty is the nuclear norm: `‖X‖_* = ½(‖A‖² + ‖B‖²)`."""
    return forall(
        s,
        given=[s.fosp(), lt(0, lam)],
        then=equal(nuclear(X), Rational(1, 2) * (frobenius(A) ** 2 + frobenius(B) ** 2)),
    )


@claim(cite="theory §2, Cauchy–Schwarz", keyword=Keyword.UPPER)
def nuclear_le_product_of_factors():
    """The nuclear norm of a product is at most the product of the factors' Frobenius norms."""
    return forall(s, then=le(nuclear(X), frobenius(A) * frobenius(B)))


@claim(cite="norm duality", keyword=Keyword.TIGHT)
def inner_le_spectral_times_nuclear():
    """Spectral and nuclear norm are dual: `⟨Y, Z⟩ ≤ ‖Y‖_op ‖Z‖_*`."""
    return forall(Y, Z, then=le(inner(Y, Z), spectral(Y) * nuclear(Z)))


@claim(cite="triangle inequality", keyword=Keyword.TIGHT)
def nuclear_triangle_inequality():
    """The nuclear norm satisfies the triangle inequality."""
    return forall(Y, Z, then=le(nuclear(Y + Z), nuclear(Y) + nuclear(Z)))


@claim(cite="Cauchy–Schwarz on singular values", keyword=Keyword.TIGHT)
def nuclear_le_sqrt_rank_times_frobenius():
    """`‖Y‖_*² ≤ rank(Y) ‖Y‖_F²`."""
    return forall(Y, then=le(nuclear(Y) ** 2, rank(Y) * frobenius(Y) ** 2))


@claim(cite="theory §0", keyword=Keyword.UPPER)
def rank_of_update_le_lora_rank():
    """The update `X = ABᵀ` has rank at most r."""
    return forall(s, then=le(rank(X), r))
