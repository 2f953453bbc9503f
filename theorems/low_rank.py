"""Rank-deficient second-order points are global: the "low rank" half of the theory.

Main definitions
    A second-order stationary point (A, B) of L is rank-deficient when rank X < r; X⋆ is a stationary point of
    `F = f + λ‖·‖_*`, with dual witness S. With scale s and decays λ_A, λ_B the weight of the nuclear norm is `√(λ_Aλ_B)/s`.

Main statements
    Theorem A: at a rank-deficient second-order point `‖∇f(X)‖_op ≤ λ`, so that `0 ∈ ∇f(X) + λ∂‖X‖_*`; then X = X⋆ where f is
    strongly convex. Corollary A′: the same for every second-order point if `r ≥ min(m, n)`. Corollary A″: the origin. The
    same with scale, with two decays, and with λ = 0, where the gradient vanishes; for several adapters see `several_adapters`.

Notation
    `G = ∇f(X)`. See theory §0.

Implementation notes
    Points are found by the batched finder on the loss families, f any of them; coverage names family and branch.
    Not covered: sizes above 6.

References
    Theory §3. The question: Kim, Kim & Ryu, ICML 2025, arXiv:2502.09376.

Tags
    second-order stationary, low rank, nuclear norm, global minimum
"""

from sympy import MatrixSymbol

from verify import *

s = lora()
A, B, X, f, L, m, n, r, lam = s.A, s.B, s.X, s.f, s.L, s.m, s.n, s.r, s.decay
G = f.grad(X)
Xs, S = s.regularized_stationary()
al, be = positives("α β")
U, V = MatrixSymbol("U", m, r), MatrixSymbol("V", n, r)
C, D = MatrixSymbol("C", m, r), MatrixSymbol("D", n, r)
u, v, z = matrices("u", m, 1), matrices("v", n, 1), matrices("z", r, 1)
deficient = [s.sosp(), lt(rank(X), r)]
free = lora(decay=0)
scaled = lora(scale=positives("s"))
decays = lora(decays=positives("λ_A λ_B"))


@claim(cite="theory §3, Theorem A", keyword=Keyword.TIGHT)
def gradient_le_decay_of_rank_deficient():
    """At a rank-deficient second-order point no singular value of the gradient exceeds λ, for every f."""
    return forall(s, given=deficient, then=le(spectral(G), lam))


@claim(cite="theory §3, Theorem A", keyword=Keyword.TIGHT, uses=["gradient_le_decay_of_rank_deficient"])
def gradient_in_subdifferential_of_rank_deficient():
    """At a rank-deficient second-order point `−∇f(X) ∈ λ∂‖X‖_*`: `‖G‖_op ≤ λ` and `⟨G, X⟩ = −λ‖X‖_*`."""
    return forall(s, given=deficient, then=[le(spectral(G), lam), equal(inner(G, X), -lam * nuclear(X))])


@claim(cite="theory §3, Theorem A", keyword=Keyword.TIGHT, uses=["gradient_in_subdifferential_of_rank_deficient"])
def rank_deficient_eq_target_of_strongly_convex():
    """A rank-deficient second-order point of a strongly convex f is X⋆."""
    return forall(s, Xs, al, be, given=[uniform_curvature(f, al, be), *deficient], then=equal(X, Xs))


@claim(cite="theory §3, Corollary A′", keyword=Keyword.TIGHT)
def gradient_le_decay_of_full_width():
    """If `r ≥ min(m, n)`, every second-order point satisfies `‖∇f(X)‖_op ≤ λ` and `⟨G, X⟩ = −λ‖X‖_*`."""
    return forall(
        s,
        given=[s.sosp(), le(minimum(m, n), r)],
        then=[le(spectral(G), lam), equal(inner(G, X), -lam * nuclear(X))],
    )


@claim(cite="theory §3, Corollary A′", keyword=Keyword.TIGHT, uses=["gradient_le_decay_of_full_width"])
def full_width_eq_target_of_strongly_convex():
    """If `r ≥ min(m, n)` and f is strongly convex, every second-order point is X⋆."""
    return forall(s, Xs, al, be, given=[uniform_curvature(f, al, be), s.sosp(), le(minimum(m, n), r)], then=equal(X, Xs))


@claim(cite="theory §3, Corollary A″", keyword=Keyword.TIGHT)
def origin_curvature_ge_decay_minus_gradient():
    """At the origin the Hessian form is at least `(λ − ‖∇f(0)‖_op)(‖U‖² + ‖V‖²)`."""
    return forall(
        s,
        U,
        V,
        given=[equal(A, 0), equal(B, 0)],
        then=le((lam - spectral(G)) * (frobenius(U) ** 2 + frobenius(V) ** 2), derivative(L, {A: U, B: V}, order=2)),
    )


@claim(cite="theory §3, Corollary A″", keyword=Keyword.TIGHT)
def origin_is_stationary():
    """The origin is a first-order stationary point for every f."""
    slopes = [f.grad(X) * B + lam * A, f.grad(X).T * A + lam * B]
    return forall(s, given=[equal(A, 0), equal(B, 0)], then=[equal(slope, 0) for slope in slopes])


@claim(cite="theory §3, Corollary A″", keyword=Keyword.TIGHT)
def origin_curvature_along_singular_pair():
    """At the origin the Hessian form along `(uzᵀ, vzᵀ)` is `|z|²(λ(|u|² + |v|²) + 2uᵀGv)`: `λ − ‖G‖_op` is attained."""
    return forall(
        s,
        u,
        v,
        z,
        given=[equal(A, 0), equal(B, 0)],
        then=equal(
            derivative(L, {A: u * z.T, B: v * z.T}, order=2),
            inner(z, z) * (lam * (inner(u, u) + inner(v, v)) + 2 * inner(u, G * v)),
        ),
    )


@claim(cite="theory §3, Corollary A″", keyword=Keyword.TIGHT, uses=["origin_curvature_ge_decay_minus_gradient"])
def origin_is_second_order_of_small_gradient():
    """If `‖∇f(0)‖_op ≤ λ`, the Hessian at the origin is positive semidefinite."""
    return forall(
        s,
        U,
        V,
        given=[equal(A, 0), equal(B, 0), le(spectral(G), lam)],
        then=le(0, derivative(L, {A: U, B: V}, order=2)),
    )


@claim(cite="theory §3, Theorem A, f convex", keyword=Keyword.TIGHT, uses=["gradient_in_subdifferential_of_rank_deficient"])
def rank_deficient_is_global_minimum_of_convex():
    """A rank-deficient second-order point of a convex f minimizes L: `L(A, B) ≤ L(C, D)` for every pair."""
    other = f(C * D.T) + lam / 2 * (frobenius(C) ** 2 + frobenius(D) ** 2)
    return forall(s, C, D, given=[convex(f), *deficient], then=le(L, other))


@claim(cite="theory §3, Corollary A′, λ = 0", keyword=Keyword.TIGHT)
def gradient_vanishes_of_full_width_without_decay():
    """Without decay every second-order point with `r ≥ min(m, n)` is stationary for f itself: `∇f(X) = 0`."""
    return forall(free, given=[free.sosp(), le(minimum(m, n), r)], then=equal(free.f.grad(X), 0))


@claim(cite="theory §3, Theorem A, with LoRA scale", keyword=Keyword.TIGHT, uses=["gradient_le_decay_of_rank_deficient"])
def gradient_le_weight_of_rank_deficient_with_scale():
    """With scale s no singular value of the gradient exceeds λ/s at a rank-deficient second-order point."""
    return forall(
        scaled,
        given=[scaled.sosp(), lt(rank(A * B.T), r)],
        then=le(scaled.scale * spectral(scaled.f.grad(scaled.X)), lam),
    )


@claim(cite="theory §3, Theorem A, two decays", keyword=Keyword.TIGHT, uses=["gradient_le_decay_of_rank_deficient"])
def gradient_le_weight_of_rank_deficient_with_two_decays():
    """With two decays no singular value of the gradient exceeds `√(λ_Aλ_B)` at a rank-deficient second-order point."""
    return forall(
        decays,
        given=[decays.sosp(), lt(rank(X), r)],
        then=le(spectral(decays.f.grad(X)) ** 2, decays.decay_A * decays.decay_B),
    )


@claim(cite="theory §3, Theorem A", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def gradient_le_half_of_decay_of_rank_deficient():
    """False: `‖∇f(X)‖_op ≤ λ/2` at a rank-deficient second-order point."""
    return forall(s, given=[*deficient, lt(0, lam)], then=le(2 * spectral(G), lam))


@claim(cite="theory §3, Corollary A″", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def origin_is_second_order():
    """False: the Hessian at the origin is positive semidefinite for every f and λ > 0."""
    return forall(
        s,
        U,
        V,
        given=[equal(A, 0), equal(B, 0), lt(0, lam)],
        then=le(0, derivative(L, {A: U, B: V}, order=2)),
    )


@claim(cite="theory §3, Theorem A is second-order", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def gradient_le_decay_of_rank_deficient_first_order():
    """False: a rank-deficient first-order stationary point already has `‖∇f(X)‖_op ≤ λ`."""
    return forall(s, given=[s.fosp(), lt(rank(X), r)], then=le(spectral(G), lam))
