"""Special regimes: when no spurious second-order point exists.

Main definitions
    κ = β/α is the condition number of f; `ρ = 1 + (r−r⋆)/min(r⋆, min(m,n)−r)`. A linearized loss is `f(X) = h(𝒢(X))` with N
    measurements `𝒢(X)_i = ⟨G_i, X⟩` (N counts every output of every sample). The face of a balanced pair is the set of all
    `APBᵀ`, P ⪰ 0: X is P = I, and `AΔBᵀ` with a symmetric Δ is a move on it; it is unmeasured if `𝒢(AΔBᵀ) = 0`.

Main statements
    No spurious point for β < 2α (Theorem C.1), for `κ² r⋆ < 4r` (Theorem C) and `(κ−1)² r⋆ < 4r` (Theorem D, with its
    converse) in large matrices, below `1+2√ρ` in all, for `r ≥ min(m, n)` (see `low_rank`), and for matrix factorization,
    whose second-order points are the truncated, shrunk singular value decompositions of the target.

    Saddles of the factorization. At a first-order point the Hessian is the sum of a form that is nowhere negative, in what
    moves within the column spaces of A and B, and one that is diagonal in the singular vectors of the rest of M: for a
    singular value σ_i of M in X (σ_i = λ for a free column) and σ_j of the rest, the eigenvalues `σ_i ± σ_j` up to a positive
    factor. So its index is the number of pairs with σ_j > σ_i, as theory §5 counts them.

    Barvinok–Pataki. The nuclear norm is linear on a face, and along unmeasured moves a stationary loss does not change, nor do
    f and the nuclear norm. While `ρ(ρ+1)/2 > N` there is an unmeasured Δ ≠ 0, and moving until `I + tΔ` is singular lowers the
    rank: a minimizer of rank ρ with `ρ(ρ+1)/2 ≤ N` exists. N cannot be N − 1, and not every minimizer has such a rank.

Notation
    Theory §0 and §4. M is the target of the factorization.

Implementation notes
    That every first-order point of a factorization is a shrunk part of an SVD of M is stated by identities below; the list of
    all of them with their indices is computed by `verify.points.analysis.enumerate` and tested there. That a minimizer of low
    rank exists is shown by making it: `verify.points.analysis.rank_reduction`.

References
    Theory §4 (Theorems C.1 and D), §5. Linearized regime: Jang, Lee & Ryu, ICML 2024, arXiv:2402.11867. Rank reduction:
    Barvinok, Discrete & Computational Geometry 13 (1995); Pataki, Mathematics of Operations Research 23 (1998).

Tags
    special regime, over-parameterization, matrix factorization, saddle, neural tangent kernel, extreme point
"""

from hypothesis import example
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
linearized_slope = features.adjoint(features(X) - y)
"""The gradient of the linearized squared loss (written out: the kernel knows no gradient of a formula)."""
A, B = s.A, s.B
move = MatrixSymbol("Δ", r, r)
unmeasured = equal(features(A * move * B.T), 0)


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


def _others():
    """Any other pair (C, D)."""
    return MatrixSymbol("C", m, r), MatrixSymbol("D", n, r)


def _loss_of_others():
    """The loss of the factorization at the pair `_others()`."""
    C, D = _others()
    return frobenius(C * D.T - M) ** 2 / 2 + lam / 2 * (frobenius(C) ** 2 + frobenius(D) ** 2)


@claim(cite="theory §5, factorization", keyword=Keyword.TIGHT)
def second_order_is_global_minimum_of_factorization():
    """Every second-order point of `½‖X−M‖²` minimizes L over all pairs of rank r."""
    return forall(fit, M, *_others(), given=fit.sosp(), then=le(fit.L, _loss_of_others()))


@claim(cite="theory §5, factorization", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def stationary_is_global_minimum_of_factorization():
    """False: every first-order point of `½‖X−M‖²` minimizes L (the others are strict saddles)."""
    return forall(fit, M, *_others(), given=fit.fosp(), then=le(fit.L, _loss_of_others()))


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


@claim(cite="theory §5, factorization, index of the saddles", keyword=Keyword.TIGHT)
def hessian_decouples_of_factorization():
    """At a first-order point of `½‖X−M‖²` the Hessian has no cross terms between `(AK, BK′)` and `(Y, Z)`, AᵀY = 0, BᵀZ = 0.

    The first part is a sum of squares, so that the index is that of the second.
    """
    K, L = matrices("K K′", r, r)
    Y, Z = MatrixSymbol("Y", m, r), MatrixSymbol("Z", n, r)
    within = frobenius(A * (K + L.T) * B.T) ** 2 + lam * frobenius(A * (K - L)) ** 2
    escape = frobenius(Y * B.T) ** 2 + frobenius(A * Z.T) ** 2 + lam * (frobenius(Y) ** 2 + frobenius(Z) ** 2)
    return forall(
        fit,
        M,
        K,
        L,
        Y,
        Z,
        given=[fit.fosp(), lt(0, lam), equal(A.T * Y, 0), equal(B.T * Z, 0)],
        then=equal(derivative(fit.L, {A: A * K + Y, B: B * L + Z}, order=2), within + escape - 2 * inner(M, Y * Z.T)),
    )


@claim(
    cite="theory §5, factorization, index of the saddles", keyword=Keyword.TIGHT, uses=["hessian_decouples_of_factorization"]
)
def hessian_is_diagonal_away_from_factors_of_factorization():
    """The Hessian of `½‖X−M‖²` along `(EWPᵀ, FW′Pᵀ)`: `Σ_ij (s_j + λ)(W_ij² + W′_ij²) − 2τ_iW_ijW′_ij`.

    E, F, P have orthonormal columns and meet `AᵀE = 0`, `BᵀF = 0`, `EᵀMF = T`, `PᵀAᵀAP = PᵀBᵀBP = Σ`. With singular vectors
    E, F of the rest of M and eigenvectors P of AᵀA, T = diag(τ) and Σ = diag(s): each pair (i, j) gives `s_j + λ ± τ_i`.
    """
    k, q = dimensions("k q")
    E, F, P = MatrixSymbol("E", m, k), MatrixSymbol("F", n, k), MatrixSymbol("P", r, q)
    T, sizes = MatrixSymbol("T", k, k), MatrixSymbol("Σ", q, q)
    W, V = matrices("W W′", k, q)
    frames = [equal(E.T * E, identity(k)), equal(F.T * F, identity(k)), equal(P.T * P, identity(q))]
    values = [equal(E.T * M * F, T), equal(P.T * A.T * A * P, sizes), equal(P.T * B.T * B * P, sizes)]
    diagonal_form = trace(W * sizes * W.T) + trace(V * sizes * V.T) + lam * (frobenius(W) ** 2 + frobenius(V) ** 2)
    return forall(
        fit,
        M,
        E,
        F,
        T,
        P,
        sizes,
        W,
        V,
        given=[*frames, *values, equal(A.T * E, 0), equal(B.T * F, 0)],
        then=equal(derivative(fit.L, {A: E * W * P.T, B: F * V * P.T}, order=2), diagonal_form - 2 * trace(W.T * T * V)),
    )


@claim(cite="theory §5, factorization, strict saddles", keyword=Keyword.TIGHT, uses=["hessian_decouples_of_factorization"])
def escape_curvature_of_factorization():
    """Exchanging a singular value σ_i of M in X for σ_j: `∇²L[(upᵀ, vpᵀ)] = 2(σ_i − σ_j)`, negative if σ_j > σ_i.

    For unit columns; written for any length. `Mv = σ_ju`, `Bᵀv = 0`, `AᵀAp = (σ_i − λ)p`, and a free column, Ap = 0,
    has σ_i = λ.
    """
    u, v, p = matrices("u", m, 1), matrices("v", n, 1), matrices("p", r, 1)
    kept, new = scalars("σ_i σ_j")
    left, right = u * p.T, v * p.T
    outside = [equal(B.T * v, 0), equal(M * v, new * u)]
    return forall(
        fit,
        M,
        u,
        v,
        p,
        kept,
        new,
        given=[fit.fosp(), lt(0, lam), *outside, equal(A.T * A * p, (kept - lam) * p)],
        then=equal(
            derivative(fit.L, {A: left, B: right}, order=2),
            kept * (frobenius(left) ** 2 + frobenius(right) ** 2) - 2 * new * frobenius(left) ** 2,
        ),
    )


def _is_truncated_svd(largest_excess):
    """At a first-order point with `‖P_U^⊥MP_V^⊥‖_op ≤ λ + …`, `σ_k(X) = (σ_k(M) − λ)_+` for every k up to r."""
    k = dimensions("k")
    pad = matrices("K", k, 1)
    return forall(
        fit,
        M,
        pad,
        given=[fit.fosp(), le(k, r), le(spectral(off_block(M, X)), lam + largest_excess)],
        then=equal(sigma(X, k), positive_part(sigma(M, k) - lam)),
    )


@claim(cite="theory §5, factorization, strict saddles", keyword=Keyword.TIGHT, uses=["escape_curvature_of_factorization"])
def stationary_without_escape_is_truncated_svd():
    """A first-order point of `½‖X−M‖²` with `‖P_U^⊥MP_V^⊥‖_op ≤ λ + σ_r(X)` is the shrunk, truncated SVD of M.

    So every other first-order point is a strict saddle: the two sides are the σ_j and σ_i of an exchange.
    """
    return _is_truncated_svd(sigma(X, r))


@claim(cite="theory §5, factorization, strict saddles", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def stationary_of_large_norm_is_truncated_svd():
    """False: a first-order point with `‖P_U^⊥MP_V^⊥‖_op ≤ λ + ‖X‖_op` is the truncated SVD (the last singular value counts)."""
    return _is_truncated_svd(spectral(X))


@claim(cite="theory §5, factorization, strict saddles", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def full_rank_stationary_is_global_minimum_of_factorization():
    """False: every first-order point of `½‖X−M‖²` of rank r minimizes L (a saddle can have any rank)."""
    return forall(fit, M, *_others(), given=[fit.fosp(), lt(0, lam), equal(rank(X), r)], then=le(fit.L, _loss_of_others()))


@claim(cite="theory §5, linearized regime", keyword=Keyword.TIGHT)
def gradient_pairs_with_face_of_stationary():
    """At every first-order point, for every f and every Δ: `⟨∇f(X), AΔBᵀ⟩ = −λ tr(AᵀAΔ)`."""
    return forall(s, move, given=s.fosp(), then=equal(inner(f.grad(X), A * move * B.T), -lam * trace(A.T * A * move)))


@claim(cite="theory §5, Barvinok–Pataki", keyword=Keyword.TIGHT)
def trace_vanishes_along_unmeasured_of_linearized():
    """Every linearized loss `h(𝒢(X))` that is stationary along (AΔ, 0): an unmeasured Δ has `tr(AᵀAΔ) = 0`."""
    h = smooth("h", (N, 1))
    any_loss = lora(loss=lambda Y: h(features(Y)))
    still = equal(derivative(any_loss.L, {A: A * move}), 0)
    return forall(any_loss, h, features, move, given=[still, unmeasured, lt(0, lam)], then=equal(trace(A.T * A * move), 0))


@claim(
    cite="theory §5, Barvinok–Pataki",
    keyword=Keyword.TIGHT,
    uses=["trace_vanishes_along_unmeasured_of_linearized"],
)
def loss_is_constant_along_unmeasured_of_linearized():
    """With `Δ = RRᵀ − I` unmeasured, `L(AR, BR) = L(A, B)` where the linearized squared loss is stationary along AΔ and BΔ."""
    R = MatrixSymbol("R", r, r)
    change = R * R.T - identity(r)
    moved = linearized.f(A * R * (B * R).T) + lam / 2 * (frobenius(A * R) ** 2 + frobenius(B * R) ** 2)
    still = [equal(derivative(linearized.L, {factor: factor * change}), 0) for factor in (A, B)]
    return forall(
        linearized,
        features,
        y,
        R,
        given=[*still, equal(features(A * change * B.T), 0)],
        then=equal(moved, linearized.L),
    )


@claim(cite="theory §5, Barvinok–Pataki", keyword=Keyword.TIGHT)
def nuclear_norm_is_linear_on_face():
    """The nuclear norm is linear on the face of a balanced pair: `‖APBᵀ‖_* = tr(AᵀAP)` for `P = RRᵀ ⪰ 0`."""
    R = MatrixSymbol("R", r, r)
    return forall(s, R, given=equal(A.T * A, B.T * B), then=equal(nuclear(A * R * R.T * B.T), trace(A.T * A * R * R.T)))


def _all_moves_measured():
    """For symmetric Δ: `(s/100)‖Δ‖² ≤ ‖𝒢(AΔBᵀ)‖² ≤ 100s‖Δ‖²`, `s = ‖𝒢(ABᵀ)‖²`, written for any square matrix.

    Some lower bound above 0 says that no move Δ ≠ 0 is unmeasured; a fixed fraction of the upper one can be told from 0.
    """
    size = frobenius(features(A * B.T)) ** 2

    def seen(W):
        return frobenius(features(A * (W + W.T) * B.T)) ** 2 / 4

    def above(W):
        return seen(W) + size * (frobenius(W - W.T) ** 2 / 4 - frobenius(W) ** 2 / 100)

    return [convex(function(above, (r, r))), convex(function(lambda W: 100 * size * frobenius(W) ** 2 - seen(W), (r, r)))]


@claim(cite="theory §5, Barvinok–Pataki", keyword=Keyword.TIGHT)
def rank_le_measurements_of_extreme_pair():
    """If no move on the face of (A, B) is unmeasured, `r(r+1)/2 ≤ N`: so it is at a minimizer whose rank cannot be reduced."""
    given = [lt(0, frobenius(features(A * B.T))), *_all_moves_measured()]
    return forall(A, B, features, given=given, then=le(r * (r + 1), 2 * N))


@claim(cite="theory §5, Barvinok–Pataki", expect=Expect.REFUTED, keyword=Keyword.FALSE)
@example(m=1, n=1, r=1, N=1, λ=1, A=[[1]], B=[[1]], y=[[2]], **{"𝒢": [[1]]})
def rank_lt_measurements_of_only_minimizer():
    """False: a linearized squared loss has a minimizer of rank ρ with `ρ(ρ+1)/2 ≤ N − 1`.

    Refuted by an only minimizer: `‖P_U^⊥∇f(X)P_V^⊥‖_op < λ` keeps all minimizers on the face, where every move is measured.
    """
    rest = off_block(linearized_slope, X)
    only = [lt(spectral(rest), lam), lt(0, frobenius(features(X))), *_all_moves_measured()]
    return forall(linearized, features, y, given=[linearized.fosp(), lt(0, lam), *only], then=le(r * (r + 1), 2 * (N - 1)))


@claim(cite="theory §5, Barvinok–Pataki", expect=Expect.REFUTED, keyword=Keyword.FALSE)
@example(m=2, n=2, r=2, N=1, λ=1, A=[[1, 0], [0, 1]], B=[[1, 0], [0, 1]], y=[[3]], **{"𝒢": [[1, 0, 0, 1]]})
def rank_le_measurements_of_every_minimizer():
    """False: every minimizer X of a linearized squared loss has `ρ(ρ+1)/2 ≤ N` for its rank ρ."""
    return forall(
        linearized,
        features,
        y,
        given=[linearized.fosp(), lt(0, lam), le(spectral(linearized_slope), lam)],
        then=le(rank(X) * (rank(X) + 1), 2 * N),
    )


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
    return forall(
        linearized,
        features,
        y,
        given=[linearized.sosp(), lt(2 * N, r * (r + 1)), lt(0, lam)],
        then=le(spectral(linearized_slope), lam),
    )
