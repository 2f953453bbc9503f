"""Second-order points, X⋆ and spurious points; factorization, completion, several adapters, losses by hand."""

from sympy import MatrixSymbol, Rational, Symbol, symbols

from verify import *

from ..judging import CANDIDATE, HELD, PROVED, REFUTED, UNKNOWN, false, true

s = lora()
A, B, X, f, L, m, n, r, lam = s.A, s.B, s.X, s.f, s.L, s.m, s.n, s.r, s.decay
G = f.grad(X)
Xs, S = s.regularized_stationary()
al, be = positives("α β")
curved = uniform_curvature(f, al, be)
spurious = [curved, s.sosp(), distinct(X, Xs)]
deficient = [s.sosp(), lt(rank(X), r)]
M = MatrixSymbol("M", m, n)
C, D = MatrixSymbol("C", m, r), MatrixSymbol("D", n, r)
fit = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2)
free = lora(decay=0)

# A loss in letters of the user's own: g(PQᵀ) + (d/2)(‖P‖² + ‖Q‖²), its target Y with witness T.
p, q, w = dimensions("p q w")
P, Q = MatrixSymbol("P", p, w), MatrixSymbol("Q", q, w)
Y, T = matrices("Y T", p, q)
g, d = smooth("g", (p, q)), Symbol("d", nonnegative=True)
by_hand = g(P * Q.T) + d / 2 * (frobenius(P) ** 2 + frobenius(Q) ** 2)
own = (P, Q, g, d)
own_target = regularized_stationary(g, d, Y, T)

# Two adapters of one loss side by side.
k, o, t = dimensions("k o t")
A1, B1, A2, B2 = MatrixSymbol("A1", p, w), MatrixSymbol("B1", q, w), MatrixSymbol("A2", k, t), MatrixSymbol("B2", o, t)
left, right = smooth("left", (p, q)), smooth("right", (k, o))
pair = left(A1 * B1.T) + right(A2 * B2.T) + lam / 2 * sum(frobenius(factor) ** 2 for factor in (A1, B1, A2, B2))
adapters = (left, right, lam, A1, B1, A2, B2)


@true(HELD, PROVED)
def update_of_factorization_is_no_larger_than_its_target():
    """σ_k(X) = (σ_k(M) − λ)₊."""
    return forall(fit, M, given=fit.sosp(), then=le(nuclear(X), nuclear(M)))


@true(HELD, PROVED)
def distance_of_factorization_le_norm_of_target():
    """L(A, B) ≤ L(0, 0)."""
    return forall(fit, M, given=fit.sosp(), then=le(frobenius(X - M), frobenius(M)))


@true(HELD, PROVED)
def second_order_is_target_of_kappa_below_five_halves():
    """Theorem D: κ ≥ 3 at a spurious point."""
    return forall(s, Xs, al, be, given=[curved, s.sosp(), lt(2 * be, 5 * al)], then=equal(X, Xs))


@true(HELD, PROVED)
def value_of_rank_deficient_le_that_of_the_target():
    """Theorem A: X = X⋆."""
    return forall(s, Xs, al, be, given=[curved, *deficient], then=le(f(X) + lam * nuclear(X), f(Xs) + lam * nuclear(Xs)))


@true(HELD, PROVED)
def value_of_target_le_that_of_a_spurious_point():
    """X⋆ minimizes f + λ‖·‖_*."""
    return forall(s, Xs, al, be, given=spurious, then=le(f(Xs) + lam * nuclear(Xs), f(X) + lam * nuclear(X)))


@true(HELD, PROVED)
def rank_of_target_le_rank_of_spurious():
    """rank X = r ≥ r⋆."""
    return forall(s, Xs, al, be, given=spurious, then=le(rank(Xs), rank(X)))


@true(HELD, PROVED)
def curvature_of_spurious_points_spreads():
    """Theorem D: κ ≥ 3, so κ ≥ 2.9."""
    return forall(s, Xs, al, be, given=[*spurious, lt(0, rank(Xs))], then=le(29 * al, 10 * be))


@true(HELD, PROVED)
def origin_is_global_of_convex_with_small_gradient():
    """f(CDᵀ) ≥ f(0) + ⟨G, CDᵀ⟩ ≥ f(0) − λ‖CDᵀ‖_*."""
    origin = [equal(A, 0), equal(B, 0), le(spectral(G), lam)]
    return forall(
        s, C, D, given=[convex(f), *origin], then=le(L, f(C * D.T) + lam / 2 * (frobenius(C) ** 2 + frobenius(D) ** 2))
    )


@true(HELD, PROVED)
def gradient_ge_decay_of_nonzero_second_order_point():
    """Gv = −λu on the singular spaces of X."""
    return forall(s, given=[s.sosp(), distinct(X, 0)], then=le(lam, spectral(G)))


@true(HELD, PROVED)
def gradient_by_hand_le_decay_of_rank_deficient():
    """Theorem A in other letters."""
    low = [sosp(by_hand, of=[P, Q]), lt(rank(P * Q.T), w)]
    return forall(*own, given=low, then=le(spectral(g.grad(P * Q.T)), d))


@true(HELD, PROVED)
def spurious_by_hand_is_large():
    """Theorem C in other letters: σ_r(X) ≥ (α/β)σ_{r⋆}(X⋆)."""
    given = [uniform_curvature(g, al, be), sosp(by_hand, of=[P, Q]), own_target, le(rank(Y), w), distinct(P * Q.T, Y)]
    return forall(*own, Y, T, al, be, given=[*given, lt(0, rank(Y))], then=le(al * sigma(Y, rank(Y)), be * sigma(P * Q.T, w)))


@true(PROVED)
def adapters_are_balanced_each():
    """∇ of each factor."""
    return forall(*adapters, given=[fosp(pair, of=[A1, B1, A2, B2]), lt(0, lam)], then=equal(A2.T * A2, B2.T * B2))


@true(HELD, PROVED, UNKNOWN, because="a sum of two functions may have no source of points")
def rank_deficient_adapter_beside_another():
    """Theorem A for one adapter."""
    given = [sosp(pair, of=[A1, B1, A2, B2]), lt(rank(A1 * B1.T), w)]
    return forall(*adapters, given=given, then=le(spectral(left.grad(A1 * B1.T)), lam))


@true(HELD, PROVED)
def residual_of_factorization_is_small_with_zero_decay():
    """Eckart–Young: ‖X − M‖_op = σ_{r+1}(M)."""
    plain = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2, decay=0)
    return forall(plain, M, given=plain.sosp(), then=le(spectral(plain.X - M), sigma(M, r + 1)))


# False ----------------------------------------------------------------------------------------------------------------


@false(REFUTED)
def second_order_point_of_factorization_is_the_target():
    """M = 1, λ = 1: X = 0."""
    return forall(fit, M, given=fit.sosp(), then=equal(X, M))


@false(REFUTED)
def distance_of_factorization_le_next_singular_value():
    """M = I of size 3, r = 1, λ = 0: √2 > 1."""
    plain = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2, decay=0)
    return forall(plain, M, given=plain.sosp(), then=le(frobenius(plain.X - M), sigma(M, r + 1)))


@false(REFUTED)
def top_singular_value_shrinks_by_half_the_decay():
    """M = 2, λ = 1: X = 1, not 3/2."""
    return forall(fit, M, given=fit.sosp(), then=equal(spectral(X), positive_part(spectral(M) - lam / 2)))


@false(REFUTED)
def nuclear_norm_shrinks_by_the_decay_only():
    """M = 3I of size 2, r = 2, λ = 1: 4 ≠ 5."""
    return forall(fit, M, given=fit.sosp(), then=equal(nuclear(X), positive_part(nuclear(M) - lam)))


@false(REFUTED)
def spurious_is_large_with_constant_seven_fourths():
    """The textbook example: κ = 3, σ_r(X) = 1/2 < 7/12."""
    return forall(s, Xs, al, be, given=spurious, then=le(7 * al * sigma(Xs, rank(Xs)), 4 * be * sigma(X, r)))


@false(REFUTED)
def spurious_is_large_with_exchanged_constants():
    """The textbook example: 1/2 < 3."""
    return forall(s, Xs, al, be, given=spurious, then=le(be * sigma(Xs, rank(Xs)), al * sigma(X, r)))


@false(REFUTED)
def spurious_is_small():
    """The textbook example: ‖X‖ = 1/2 > 1/4."""
    return forall(s, Xs, al, be, given=spurious, then=le(4 * frobenius(X), frobenius(Xs)))


@false(REFUTED)
def value_of_spurious_le_that_of_the_target():
    """The textbook example: 3/4 > 0."""
    return forall(s, Xs, al, be, given=spurious, then=le(f(X), f(Xs)))


@false(REFUTED)
def curvature_of_spurious_points_spreads_more():
    """κ = 3 < 10/3."""
    return forall(s, Xs, al, be, given=spurious, then=le(10 * al, 3 * be))


@false(REFUTED)
def gradient_le_decay_of_convex():
    """The textbook example: λ = 0, G ≠ 0."""
    return forall(s, given=[convex(f), s.sosp()], then=le(spectral(G), lam))


@false(REFUTED)
def gradient_lt_decay_of_wide():
    """X = 1, λ = 1: |G| = 1."""
    return forall(s, given=[s.sosp(), le(minimum(m, n), r), lt(0, lam)], then=lt(spectral(G), lam))


@false(REFUTED)
def gradient_exceeds_decay_of_full_rank():
    """X = X⋆ = 1: |G| = λ."""
    return forall(s, given=[s.sosp(), equal(rank(X), r), lt(0, lam)], then=lt(lam, spectral(G)))


@false(REFUTED)
def rank_deficient_second_order_point_vanishes():
    """f = ½(Y − 2)², λ = 1, r = 2: X = 1."""
    return forall(s, given=deficient, then=equal(X, 0))


@false(REFUTED)
def gradient_vanishes_of_rank_deficient():
    """The same: G = −1."""
    return forall(s, given=deficient, then=equal(G, 0))


@false(REFUTED)
def rank_of_second_order_point_is_r():
    """X = X⋆ may have smaller rank: f = ½Y²."""
    return forall(s, Xs, al, be, given=[curved, s.sosp()], then=equal(rank(X), r))


@false(REFUTED)
def balance_of_second_order_points_without_decay():
    """f = 0: any pair."""
    return forall(free, given=free.sosp(), then=equal(A.T * A, B.T * B))


@false(REFUTED)
def second_order_point_without_decay_is_stationary_for_f():
    """The textbook example."""
    return forall(free, given=free.sosp(), then=equal(free.f.grad(X), 0))


@false(REFUTED)
def target_is_stationary_for_f():
    """f = ½(Y − 2)², λ = 1: X⋆ = 1."""
    return forall(s, Xs, given=lt(0, lam), then=equal(f.grad(Xs), 0))


@false(REFUTED)
def witness_has_norm_one():
    """X⋆ = 0, S = 0."""
    return forall(s, Xs, S, given=lt(0, lam), then=equal(spectral(S), 1))


@false(REFUTED, CANDIDATE, because="an X⋆ of rank 2 is seldom rational")
def witness_pairs_with_target_as_frobenius():
    """X⋆ = S = I: 2 ≠ √2."""
    return forall(s, Xs, S, then=equal(inner(S, Xs), frobenius(Xs)))


@false(REFUTED, CANDIDATE, UNKNOWN, because="points of rank 3 are rarely met")
def third_singular_value_of_second_order_points_vanishes():
    """f = ½‖Y − 2I‖² of size 3, λ = 1, r = 3: X = I."""
    return forall(s, given=s.sosp(), then=equal(sigma(X, 3), 0))


@false(REFUTED)
def gradient_by_hand_le_decay_of_every_second_order_point():
    """The textbook example in other letters."""
    return forall(*own, given=sosp(by_hand, of=[P, Q]), then=le(spectral(g.grad(P * Q.T)), d))


@false(REFUTED)
def spurious_by_hand_is_large_with_constant_two():
    """The textbook example in other letters."""
    given = [uniform_curvature(g, al, be), sosp(by_hand, of=[P, Q]), own_target, le(rank(Y), w), distinct(P * Q.T, Y)]
    return forall(*own, Y, T, al, be, given=given, then=le(2 * al * sigma(Y, rank(Y)), be * sigma(P * Q.T, w)))


@false(REFUTED)
def second_order_by_hand_is_the_target():
    """The textbook example in other letters."""
    given = [uniform_curvature(g, al, be), sosp(by_hand, of=[P, Q]), own_target, le(rank(Y), w)]
    return forall(*own, Y, T, al, be, given=given, then=equal(P * Q.T, Y))


@false(REFUTED, CANDIDATE, UNKNOWN, because="a sum of two functions may have no source of points", slow=True)
def adapters_are_balanced_with_each_other():
    """A1 = B1 = 1, A2 = B2 = 0."""
    same = MatrixSymbol("A2", p, w), MatrixSymbol("B2", q, w)
    loss = left(A1 * B1.T) + g(same[0] * same[1].T) + lam / 2 * sum(frobenius(x) ** 2 for x in (A1, B1, *same))
    return forall(
        left,
        g,
        lam,
        A1,
        B1,
        *same,
        given=[fosp(loss, of=[A1, B1, *same]), lt(0, lam)],
        then=equal(A1.T * A1, same[0].T * same[0]),
    )


@false(REFUTED, CANDIDATE, UNKNOWN, because="a sum of two functions may have no source of points")
def rank_deficient_adapter_bounds_the_gradient_of_the_other():
    """X₁ = 0 of width 1, and X₂ at the textbook example."""
    given = [sosp(pair, of=[A1, B1, A2, B2]), lt(rank(A1 * B1.T), w)]
    return forall(*adapters, given=given, then=le(spectral(right.grad(A2 * B2.T)), lam))


@false(REFUTED, CANDIDATE, UNKNOWN, because="points with a mask may not be exact")
def completion_fits_what_is_observed():
    """All of M = I of size 2 observed, r = 1, λ = 0."""
    W = MatrixSymbol("W", m, n)
    masked = lora(loss=lambda Z: frobenius(hadamard(W, Z - M)) ** 2 / 2, decay=0)
    zero_or_one = equal(hadamard(W, W), W)
    return forall(masked, M, W, given=[masked.sosp(), zero_or_one], then=equal(hadamard(W, masked.X), hadamard(W, M)))


@false(REFUTED)
def second_order_is_target_of_kappa_at_most_sixteen_fifths():
    """κ = 3 has a spurious point, and 3 < 3.2."""
    return forall(s, Xs, al, be, given=[curved, s.sosp(), le(5 * be, 16 * al)], then=equal(X, Xs))


@false(REFUTED)
def rank_one_second_order_is_target_of_rank_one():
    """With r = 1 fixed: the textbook example."""
    thin = lora(r=1)
    Zs, _ = thin.regularized_stationary()
    return forall(thin, Zs, al, be, given=[uniform_curvature(thin.f, al, be), thin.sosp()], then=equal(thin.X, Zs))


@false(REFUTED)
def gradient_of_scaled_rank_deficient_le_half_of_decay():
    """X = 0 with scale 1/2 allows |G| = 2λ."""
    halved = lora(scale=Rational(1, 2))
    given = [halved.sosp(), lt(rank(A * B.T), r)]
    return forall(halved, given=given, then=le(spectral(halved.f.grad(halved.X)), lam))


@false(REFUTED)
def gradient_le_smaller_decay_of_rank_deficient_with_two_decays():
    """The bound is √(ab): a = 4, b = 1, |G| = 2 at X = 0."""
    two = lora(decays=symbols("a b", nonnegative=True))
    given = [two.sosp(), lt(rank(X), r)]
    return forall(two, given=given, then=le(spectral(two.f.grad(X)), minimum(two.decay_A, two.decay_B)))
