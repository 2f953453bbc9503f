"""Rank-deficient second-order points are global: the "low rank" half of the theory.

Main definitions
    A second-order stationary point (A, B) of L is rank-deficient when rank X < r; X⋆ is a stationary point of
    `F = f + λ‖·‖_*`, with dual witness S.

Main statements
    Theorem A: at a rank-deficient second-order point `‖∇f(X)‖_op ≤ λ`, so that `0 ∈ ∇f(X) + λ∂‖X‖_*`; then X = X⋆ where f is
    strongly convex. Corollary A′: the same for every second-order point if `r ≥ min(m, n)`. Corollary A″: the origin.

Notation
    `G = ∇f(X)`. See theory §0.

Implementation notes
    Points are found by the batched finder on the loss families, f any of them; coverage names family and branch.

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
deficient = [s.sosp(), lt(rank(X), r)]


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
