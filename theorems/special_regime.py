"""Special regimes: when no spurious second-order point exists.

Main definitions
    κ = β/α is the condition number of f; `ρ = 1 + (r−r⋆)/min(r⋆, min(m,n)−r)`.

Main statements
    No spurious point for β < 2α (Theorem C.1), for `(κ−1)² r⋆ < 4r` in large matrices (Theorem D's threshold), and for
    matrix factorization, whose second-order points are the truncated, shrunk singular value decompositions of the target.

Notation
    Theory §0 and §4. M is the target of the factorization.

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


@claim(cite="theory §4, Theorem C.1", keyword=Keyword.UPPER)
def second_order_eq_target_of_kappa_below_two():
    """No spurious second-order point if β < 2α."""
    return forall(s, Xs, al, be, given=[uniform_curvature(f, al, be), lt(be, 2 * al), s.sosp()], then=equal(X, Xs))


@claim(cite="theory §4, Theorem D, threshold", keyword=Keyword.TIGHT)
def second_order_eq_target_of_overparameterized():
    """No spurious second-order point if `(κ−1)² r⋆ < 4r` and `min(m, n) ≥ r + r⋆`."""
    stars = rank(Xs)
    return forall(
        s,
        Xs,
        al,
        be,
        given=[
            uniform_curvature(f, al, be),
            lt((be - al) ** 2 * stars, 4 * al**2 * r),
            le(r + stars, minimum(m, n)),
            s.sosp(),
        ],
        then=equal(X, Xs),
    )


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
