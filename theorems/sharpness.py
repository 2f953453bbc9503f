"""False strengthenings, each refuted by an exact example, and the textbook counterexample.

Main definitions
    See the modules the claims vary: `first_order`, `nuclear_norm`, `high_rank`.

Main statements
    Every claim here with `Expect.REFUTED` is false: a verifier that cannot refute it is broken.

Notation
    Theory §0.

References
    Theory §2, §4.

Tags
    counterexample, sharpness
"""

from sympy import MatrixSymbol, Rational

from verify import *

s = lora()
A, B, X, f, L, m, n, r, lam = s.A, s.B, s.X, s.f, s.L, s.m, s.n, s.r, s.decay
q = dimensions("q")
C, D = MatrixSymbol("C", m, q), MatrixSymbol("D", n, q)
Y = C * D.T
W = MatrixSymbol("W", m, n)
c = parameter("c", above=1)
decays = lora(decays=nonnegatives("λ_A λ_B"))


@claim(cite="theory §2, Balance needs λ > 0", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def balanced_of_stationary_without_decay():
    """False: stationary points are balanced even without weight decay."""
    return forall(s, given=s.fosp(), then=equal(A.T * A, B.T * B))


@claim(cite="theory §2, Balance (two decays)", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def balanced_of_stationary_with_unequal_decays():
    """False: stationary points are balanced whatever the two decays are."""
    return forall(
        decays,
        given=[decays.fosp(), lt(0, decays.decay_A), lt(0, decays.decay_B)],
        then=equal(A.T * A, B.T * B),
    )


@claim(cite="theory §2, Nuclear norm", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def nuclear_eq_half_of_squared_factors():
    """False: the nuclear norm equals half the squared factors always, balanced or not."""
    return forall(s, then=equal(nuclear(X), Rational(1, 2) * (frobenius(A) ** 2 + frobenius(B) ** 2)))


@claim(cite="theory §2, Nuclear norm", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def nuclear_le_smaller_constant_times_factors():
    """False: `c‖ABᵀ‖_* ≤ ½(‖A‖² + ‖B‖²)` for some c above 1."""
    return forall(s, then=le(c * nuclear(X), Rational(1, 2) * (frobenius(A) ** 2 + frobenius(B) ** 2)))


@claim(cite="theory §4, Lemma C", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def block_le_half_squared_distance_over_target_singular_value():
    """False: "C2 with constant 2", `2σ_{r⋆}(Y) ‖P_U^⊥YP_V^⊥‖_* ≤ ‖X − Y‖_F²`."""
    return forall(
        A,
        B,
        C,
        D,
        given=[equal(rank(X), r), le(rank(Y), r), lt(0, rank(Y))],
        then=le(2 * sigma(Y, rank(Y)) * nuclear(off_block(Y, X)), frobenius(X - Y) ** 2),
    )


@claim(cite="theory §4, Lemma C", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def block_le_squared_distance_of_any_rank():
    """False: C1 without the bound on the rank of Y."""
    return forall(
        A,
        B,
        W,
        given=equal(rank(X), r),
        then=le(2 * sigma(X, r) * nuclear(off_block(W, X)), frobenius(X - W) ** 2),
    )


@claim(cite="theory §2, along gradient flow", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def balance_decays_at_rate_lambda():
    """False: along gradient flow the imbalance decays at rate λ instead of 2λ."""
    flow = gradient_flow(L, start=(s.A0, zeros(n, r)))
    return always(flow, then=equal(ddt(A.T * A - B.T * B), -lam * (A.T * A - B.T * B)))


@claim(cite="theory §2, along gradient descent", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def balance_decays_geometrically_along_gradient_descent():
    """False: gradient descent shrinks the imbalance exactly by `(1−ηλ)²`, as if there were no second-order term."""
    eta = positives("η")
    descent = gradient_descent(L, step=eta)
    imbalance = A.T * A - B.T * B
    return always(descent, then=equal(after(imbalance), (1 - eta * lam) ** 2 * imbalance))


@claim(cite="theory §1", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def hessian_vanishes_along_gauge_everywhere():
    """False: the Hessian form vanishes along the gauge orbit at every point, stationary or not."""
    Omega = MatrixSymbol("Ω", r, r)
    return forall(
        s,
        Omega,
        given=equal(Omega.T, -Omega),
        then=equal(derivative(L, {A: A * Omega, B: B * Omega}, order=2), 0),
    )


@claim(
    cite="theory §4, textbook counterexample",
    expect=Expect.OPEN,
    keyword=Keyword.TIGHT,
)
def spurious_point_exists_at_kappa_three():
    """At condition number 3 a spurious second-order point exists."""
    Xs, _ = s.regularized_stationary()
    return exists(s, Xs, such_that=[uniform_curvature(f, 1, 3), s.sosp(), lt(f(Xs), f(X))])
