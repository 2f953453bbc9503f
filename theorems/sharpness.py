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
Xs, S = s.regularized_stationary()
al, be = positives("α β")
strongly_convex = [uniform_curvature(f, al, be), s.sosp()]


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


@claim(cite="theory §4, false strengthenings", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spurious_is_large_with_constant_two():
    """False: every singular value of a spurious point is at least 2(α/β)σ_{r⋆}(X⋆)."""
    return forall(
        s, Xs, al, be, given=[*strongly_convex, distinct(X, Xs)], then=le(2 * al * sigma(Xs, rank(Xs)), be * sigma(X, r))
    )


@claim(cite="theory §4, false strengthenings", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spurious_norm_ge_target():
    """False: a spurious point is at least as large as X⋆ in Frobenius norm (large is relative)."""
    return forall(s, Xs, al, be, given=[*strongly_convex, distinct(X, Xs)], then=le(frobenius(Xs), frobenius(X)))


@claim(cite="theory §4, false strengthenings", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def second_order_eq_target_of_strongly_convex():
    """False: a strongly convex f has no spurious second-order point, whatever its condition number."""
    return forall(s, Xs, al, be, given=strongly_convex, then=equal(X, Xs))


@claim(cite="theory §3, Theorem A needs rank X < r", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def gradient_le_decay_of_second_order():
    """False: `‖∇f(X)‖_op ≤ λ` at every second-order point, rank-deficient or not."""
    return forall(s, given=s.sosp(), then=le(spectral(f.grad(X)), lam))


@claim(cite="theory §4, textbook counterexample", keyword=Keyword.TIGHT)
def spurious_point_exists_at_kappa_three():
    """At condition number 3 a spurious second-order point exists."""
    witness = {
        A: [[Rational(1, 2)], [0]],
        B: [[1], [0]],
        Xs: [[0, 0], [0, 1]],
        S: [[0, 0], [0, 1]],
        lam: 0,
        f: lambda Y: (
            Y[0, 0] ** 2
            + Y[0, 0] * (Y[1, 1] - 1)
            + (Y[1, 1] - 1) ** 2
            + Rational(3, 4) * (Y[0, 1] + Y[1, 0]) ** 2
            + Rational(1, 4) * (Y[0, 1] - Y[1, 0]) ** 2
        ),
    }
    return exists(s, Xs, such_that=[uniform_curvature(f, 1, 3), s.sosp(), lt(f(Xs), f(X))], witness=witness)


# Thresholds and constants that are a little too good, for `verify hunt`.

pair = lora(r=2)
Zs = pair.regularized_stationary()[0]
C2, D2 = MatrixSymbol("C", m, r), MatrixSymbol("D", n, r)
M = MatrixSymbol("M", m, n)
completion = lora(loss=lambda Z: Rational(1, 2) * frobenius(hadamard(W, Z - M)) ** 2)


@claim(cite="theory §4, false strengthenings", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spurious_is_large_with_constant_six_fifths():
    """False: every singular value of a spurious point is at least 1.2(α/β)σ_{r⋆}(X⋆) (sharp at κ = 3 only with 1.5)."""
    return forall(
        s, Xs, al, be, given=[*strongly_convex, distinct(X, Xs)], then=le(6 * al * sigma(Xs, rank(Xs)), 5 * be * sigma(X, r))
    )


@claim(cite="theory §4, false strengthenings", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spurious_is_large_with_constant_1_02():
    """False: the same with the constant 1.02, which only κ near 10 and above violates."""
    return forall(
        s, Xs, al, be, given=[*strongly_convex, distinct(X, Xs)], then=le(51 * al * sigma(Xs, rank(Xs)), 50 * be * sigma(X, r))
    )


@claim(cite="theory §4, false strengthenings", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spurious_is_large_with_constant_1_001():
    """False: the same with the constant 1.001, which only κ near 50 and above violates."""
    return forall(
        s,
        Xs,
        al,
        be,
        given=[*strongly_convex, distinct(X, Xs)],
        then=le(1001 * al * sigma(Xs, rank(Xs)), 1000 * be * sigma(X, r)),
    )


@claim(cite="theory §4, Theorem C", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spurious_distance_ge_target_singular_value():
    """False: a spurious point is at least `σ_{r⋆}(X⋆)` away from X⋆; with a large κ it may point nearly the same way."""
    return forall(s, Xs, al, be, given=[*strongly_convex, distinct(X, Xs)], then=le(sigma(Xs, rank(Xs)), frobenius(X - Xs)))


@claim(cite="theory §4, Theorem C", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def inner_product_of_spurious_with_target_nonnegative():
    """False: `⟨X, X⋆⟩ ≥ 0` at every second-order point, as if spurious ones were orthogonal to X⋆ at worst."""
    return forall(s, Xs, al, be, given=strongly_convex, then=le(0, inner(X, Xs)))


@claim(cite="theory §4, Theorem C.1", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def rank_of_second_order_le_rank_of_target():
    """False: no second-order point has larger rank than X⋆."""
    return forall(s, Xs, al, be, given=strongly_convex, then=le(rank(X), rank(Xs)))


@claim(cite="theory §4, Theorem D", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def second_order_eq_target_of_kappa_lt_seven_halves():
    """False: no spurious second-order point if κ < 3.5 and r = r⋆ (the sharp threshold is 3)."""
    return forall(s, Xs, al, be, given=[*strongly_convex, lt(2 * be, 7 * al), equal(rank(Xs), r)], then=equal(X, Xs))


@claim(cite="theory §4, Theorem D", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def second_order_eq_target_of_kappa_lt_four_and_rank_two_over_one():
    """False: no spurious second-order point if κ < 4, r = 2 and r⋆ = 1 (the sharp threshold is 1 + 2√2)."""
    return forall(
        pair,
        Zs,
        al,
        be,
        given=[uniform_curvature(pair.f, al, be), pair.sosp(), lt(be, 4 * al), equal(rank(Zs), 1)],
        then=equal(pair.X, Zs),
    )


@claim(cite="theory §5", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def second_order_is_global_of_convex():
    """False: with weight decay every second-order point of a convex f minimizes `f + λ‖·‖_*`."""
    return forall(s, Xs, given=[convex(f), s.sosp(), lt(0, lam)], then=le(f(X) + lam * nuclear(X), f(Xs) + lam * nuclear(Xs)))


@claim(cite="theory §5, matrix completion", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def second_order_is_global_of_completion():
    """False: with weight decay every second-order point of a completion loss is a global minimizer."""
    other = completion.f(C2 * D2.T) + lam / 2 * (frobenius(C2) ** 2 + frobenius(D2) ** 2)
    return forall(
        completion,
        M,
        W,
        C2,
        D2,
        given=[completion.sosp(), lt(0, lam), equal(hadamard(W, W), W)],
        then=le(completion.L, other),
    )


gap = positives("δ")
Z = MatrixSymbol("Z", m, n)
lowered = lora(loss=lambda Y: f(Y) - gap / 2 * frobenius(Y - Z) ** 2)


@claim(cite="theory §6, large initialization", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def strict_second_order_of_large_norm_eq_target():
    """False: descent from a large enough start ends at X⋆, since no strict second-order point with ‖X‖ > 1/2 is spurious.

    Strict means second-order for `f − (δ/2)‖· − X‖²` too: then near X the loss of rank-r updates is at least
    `L + (δ/4)‖· − X‖²`, and the component of a low sublevel set of L around the point is an open set of starts from which no
    non-increasing method reaches X⋆. Scaling X and X⋆ together makes the point as large as one likes.
    """
    return forall(
        s,
        Xs,
        Z,
        al,
        be,
        gap,
        given=[*strongly_convex, lowered.sosp(), equal(Z, X), lt(Rational(1, 2), frobenius(X))],
        then=equal(X, Xs),
    )
