"""Special regimes: when no spurious second-order point exists.

Main definitions
    κ = β/α is the condition number of f; `ρ = 1 + (r−r⋆)/min(r⋆, min(m,n)−r)`.

Main statements
    No spurious point for β < 2α (Theorem C.1), for `κ² r⋆ < 4r` (Theorem C) and `(κ−1)² r⋆ < 4r` (Theorem D, with its
    converse) in large matrices, below `1+2√ρ` in all, for `r ≥ min(m, n)` (see `low_rank`), and for matrix factorization,
    whose second-order points are the truncated, shrunk singular value decompositions of the target.

Notation
    Theory §0 and §4. M is the target of the factorization.

Implementation notes
    The saddles of a factorization: that every first-order point is a shrunk part of an SVD of M is stated by
    identities below; the list of all of them and the index of each saddle, which no claim can count, are
    computed by `verify.points.analysis.enumerate` and tested there.

References
    Theory §4 (Theorems C.1 and D), §5. Linearized regime: Jang, Lee & Ryu, ICML 2024, arXiv:2402.11867.

Tags
    special regime, over-parameterization, matrix factorization, neural tangent kernel
"""

from sympy import MatrixSymbol

from verify import *

s = lora()
X, f, m, n, r, lam = s.X, s.f, s.m, s.n, s.r, s.decay
Xs, S = s.regularized_stationary()
al, be = positives("α β")
M = MatrixSymbol("M", m, n)
fit = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2)
N = dimensions("N")
y = MatrixSymbol("y", N, 1)
features = measurement("𝒢", N, (m, n))
linearized = lora(loss=lambda Y: frobenius(features(Y) - y) ** 2 / 2)


def _no_spurious(*assumptions):
    """No spurious second-order point of an f with uniform curvature, under further assumptions."""
    return forall(s, Xs, al, be, given=[uniform_curvature(f, al, be), *assumptions, s.sosp()], then=equal(X, Xs))


@claim(cite="theory §4, Theorem C.1", keyword=Keyword.UPPER)
def second_order_eq_target_of_kappa_below_two():
    """No spurious second-order point if β < 2α."""
    return _no_spurious(lt(be, 2 * al))


@claim(cite="theory §4, Theorem D, threshold", keyword=Keyword.TIGHT)
def second_order_eq_target_of_overparameterized():
    """No spurious second-order point if `(κ−1)² r⋆ < 4r` and `min(m, n) ≥ r + r⋆`."""
    stars = rank(Xs)
    return _no_spurious(lt((be - al) ** 2 * stars, 4 * al**2 * r), le(r + stars, minimum(m, n)))


@claim(cite="theory §4, Theorem C.1, over-parameterization", keyword=Keyword.UPPER)
def second_order_eq_target_of_more_rank():
    """No spurious second-order point if `κ² r⋆ < 4r` and `min(m, n) ≥ r + r⋆` (over-parameterization, from Theorem C)."""
    stars = rank(Xs)
    return _no_spurious(lt(be**2 * stars, 4 * al**2 * r), le(r + stars, minimum(m, n)))


@claim(cite="theory §4, Theorem D, threshold", keyword=Keyword.TIGHT)
def second_order_eq_target_below_threshold():
    """No spurious second-order point if `κ < 1 + 2√ρ`, for all sizes with `1 ≤ r⋆ ≤ r < min(m, n)`."""
    stars = rank(Xs)
    room = minimum(stars, minimum(m, n) - r)
    return _no_spurious(lt(r, minimum(m, n)), lt(room * (be - al) ** 2, 4 * al**2 * (room + r - stars)))


@claim(cite="theory §4, Theorem D, r = r⋆", keyword=Keyword.TIGHT, uses=["second_order_eq_target_below_threshold"])
def second_order_eq_target_of_kappa_below_three():
    """No spurious second-order point if β < 3α, whatever the sizes and the rank of X⋆ (at 3 there is one)."""
    return _no_spurious(lt(be, 3 * al))


@claim(cite="theory §4, Theorem D, threshold", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def second_order_eq_target_at_threshold():
    """False: no spurious second-order point at Theorem D's threshold itself, `(κ−1)² r⋆ = 4r`."""
    stars = rank(Xs)
    return _no_spurious(le((be - al) ** 2 * stars, 4 * al**2 * r), le(r + stars, minimum(m, n)))


@claim(cite="theory §4, Theorem D, over-parameterization", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def second_order_eq_target_of_twice_the_rank():
    """False: rank `r ≥ 2r⋆` is enough for every strongly convex f (second-order points X ≠ 0)."""
    stars = rank(Xs)
    return forall(
        s,
        Xs,
        al,
        be,
        given=[uniform_curvature(f, al, be), le(2 * stars, r), lt(r, minimum(m, n)), s.sosp(), distinct(X, 0)],
        then=equal(X, Xs),
    )


@claim(cite="theory §5, factorization, all critical points", keyword=Keyword.TIGHT)
def target_acts_as_shrunk_update_of_factorization():
    """At every first-order point of `½‖X−M‖²`, `MB = A(BᵀB + λI)` and `MᵀA = B(AᵀA + λI)`: X is a shrunk part of M's SVD."""
    eye = identity(r)
    return forall(
        fit,
        M,
        given=fit.fosp(),
        then=[
            equal(M * fit.B, fit.A * (fit.B.T * fit.B + lam * eye)),
            equal(M.T * fit.A, fit.B * (fit.A.T * fit.A + lam * eye)),
        ],
    )


@claim(cite="theory §5, factorization, all critical points", keyword=Keyword.TIGHT)
def residual_orthogonality_of_factorization():
    """At every first-order point of `½‖X−M‖²` with decay, `(M − X)XᵀX = XXᵀ(M − X)`: both have one pair of singular frames."""
    return forall(fit, M, given=[fit.fosp(), lt(0, lam)], then=equal((M - X) * X.T * X, X * X.T * (M - X)))


@claim(cite="theory §5, factorization, all critical points", keyword=Keyword.UPPER)
def singular_values_of_stationary_factorization():
    """At every first-order point of `½‖X−M‖²` with decay, `σ_k(X) ≤ (σ_k(M) − λ)_+` for every k."""
    k = dimensions("k")
    pad = matrices("K", k, 1)
    return forall(fit, M, pad, given=[fit.fosp(), lt(0, lam)], then=le(sigma(X, k), positive_part(sigma(M, k) - lam)))


@claim(cite="theory §5, factorization", keyword=Keyword.TIGHT)
def second_order_is_global_minimum_of_factorization():
    """Every second-order point of `½‖X−M‖²` minimizes L over all pairs of rank r."""
    C, D = MatrixSymbol("C", m, r), MatrixSymbol("D", n, r)
    other = frobenius(C * D.T - M) ** 2 / 2 + lam / 2 * (frobenius(C) ** 2 + frobenius(D) ** 2)
    return forall(fit, M, C, D, given=fit.sosp(), then=le(fit.L, other))


@claim(cite="theory §5, factorization", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def stationary_is_global_minimum_of_factorization():
    """False: every first-order point of `½‖X−M‖²` minimizes L (the others are strict saddles)."""
    C, D = MatrixSymbol("C", m, r), MatrixSymbol("D", n, r)
    other = frobenius(C * D.T - M) ** 2 / 2 + lam / 2 * (frobenius(C) ** 2 + frobenius(D) ** 2)
    return forall(fit, M, C, D, given=fit.fosp(), then=le(fit.L, other))


@claim(cite="theory §5, factorization", keyword=Keyword.TIGHT)
def residual_spectral_norm_of_factorization():
    """Every second-order point of `½‖X−M‖²` is as good as possible: `‖X−M‖_op ≤ max(λ, σ_{r+1}(M))`."""
    return forall(fit, M, given=fit.sosp(), then=le(spectral(X - M), maximum(lam, sigma(M, r + 1))))


@claim(cite="theory §5, factorization", keyword=Keyword.TIGHT)
def top_singular_value_of_factorization():
    """At every second-order point of `½‖X−M‖²`, `σ_1(X) = (σ_1(M) − λ)_+`."""
    return forall(fit, M, given=fit.sosp(), then=equal(spectral(X), positive_part(spectral(M) - lam)))


@claim(cite="theory §5, factorization", keyword=Keyword.TIGHT)
def last_singular_value_of_factorization():
    """At every second-order point of `½‖X−M‖²`, `σ_r(X) = (σ_r(M) − λ)_+`."""
    return forall(fit, M, given=fit.sosp(), then=equal(sigma(X, r), positive_part(sigma(M, r) - lam)))


@claim(cite="theory §5, linearized regime", keyword=Keyword.UPPER)
def linearized_second_order_is_global_of_wide():
    """Linearized squared loss with `r ≥ min(m, n)`: every second-order point minimizes L over all pairs."""
    C, D = MatrixSymbol("C", m, r), MatrixSymbol("D", n, r)
    other = linearized.f(C * D.T) + lam / 2 * (frobenius(C) ** 2 + frobenius(D) ** 2)
    return forall(
        linearized,
        features,
        y,
        C,
        D,
        given=[linearized.sosp(), le(minimum(m, n), r), lt(0, lam)],
        then=le(linearized.L, other),
    )


@claim(cite="theory §5, linearized regime; Jang, Lee & Ryu 2024", expect=Expect.OPEN, keyword=Keyword.OPEN)
def gradient_le_decay_of_linearized():
    """Linearized squared loss with `r(r+1)/2 > N`: no spurious point, for almost every perturbation of the decay.

    What is tested is the statement without the perturbation, on random data.
    """
    slope = linearized.f.grad(linearized.X)
    return forall(
        linearized,
        features,
        y,
        given=[linearized.sosp(), lt(2 * N, r * (r + 1)), lt(0, lam)],
        then=le(spectral(slope), lam),
    )
