"""Full-rank second-order points are large: the "high rank" half of the theory.

Main definitions
    For X of rank r with singular spaces U, V, the ⊥⊥ block of Y is `P_U^⊥ Y P_V^⊥`. A second-order point is spurious when
    X ≠ X⋆.

Main statements
    Lemma B: `‖G‖_op ≤ λ + βσ_r(X)`. Theorem B: the pairing `⟨∇f(X)−∇f(X⋆), X−X⋆⟩` is bounded by the excess of G over λ times
    the ⊥⊥ block of X⋆. Lemma C: that block is bounded by the squared distance (C1, C2). Theorem C: a spurious point fails
    loudly, `σ_r(X) ≥ (α/β)σ_{r⋆}(X⋆)`, and is near, `‖X−X⋆‖ ≤ κ√r⋆ σ_r(X)`. Theorem D: the sharp bounds on its size.

Notation
    `G = ∇f(X)`, `κ = β/α`, `ρ = 1 + (r−r⋆)/min(r⋆, min(m,n)−r)`. See theory §0 and §4.

Implementation notes
    In the lemmas X and Y are built from factors, so that their ranks are what the lemma needs. Spurious points come from
    the loss families and, since random starts almost never end there, from planted ones (`verify.losses.spurious`).

References
    Theory §4. Related: Zhang, Sojoudi & Lavaei, JMLR 2019; R. Y. Zhang, arXiv:2104.10790.

Tags
    spurious point, block, singular spaces, von Neumann inequality, restricted strong convexity
"""

from sympy import MatrixSymbol, sqrt

from verify import *

s = lora()
f, lam = s.f, s.decay
update, Xs = s.X, s.regularized_stationary()[0]
G = f.grad(update)
al, be = positives("α β")
kappa, stars = be / al, rank(Xs)
spurious = [uniform_curvature(f, al, be), s.sosp(), distinct(update, Xs)]

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


@claim(cite="theory §4, Lemma B", keyword=Keyword.TIGHT)
def gradient_le_decay_plus_curvature_times_smallest_singular_value():
    """Lemma B with a uniform bound: `‖G‖_op ≤ λ + βσ_r(X)` at a full-rank second-order point."""
    return forall(
        s,
        al,
        be,
        given=[uniform_curvature(f, al, be), s.sosp(), equal(rank(update), s.r)],
        then=le(spectral(G), lam + be * sigma(update, s.r)),
    )


@claim(cite="theory §4, Theorem B", keyword=Keyword.TIGHT)
def pairing_le_excess_times_block():
    """Theorem B: `⟨∇f(X)−∇f(X⋆), X−X⋆⟩ ≤ (‖G_⊥‖_op − λ)_+ ‖P_U^⊥X⋆P_V^⊥‖_*` at a full-rank spurious point, for every f."""
    return forall(
        s,
        Xs,
        given=[s.sosp(), equal(rank(update), s.r), distinct(update, Xs)],
        then=le(
            inner(G - f.grad(Xs), update - Xs),
            positive_part(spectral(off_block(G, update)) - lam) * nuclear(off_block(Xs, update)),
        ),
    )


@claim(cite="theory §4, Theorem C.2", keyword=Keyword.LOWER, uses=["pairing_le_excess_times_block"])
def spurious_is_large():
    """A spurious point fails loudly: `σ_r(X) ≥ (α/β)σ_{r⋆}(X⋆)`."""
    return forall(s, Xs, al, be, given=spurious, then=le(al * sigma(Xs, stars), be * sigma(update, s.r)))


@claim(cite="theory §4, Theorem C.2", keyword=Keyword.LOWER, uses=["spurious_is_large"])
def spurious_has_full_rank():
    """A spurious point of a strongly convex f has rank r."""
    return forall(s, Xs, al, be, given=spurious, then=equal(rank(update), s.r))


@claim(cite="theory §4, Theorem C.3", keyword=Keyword.UPPER)
def spurious_is_near_of_small():
    """`‖X−X⋆‖_F ≤ κ√r⋆ σ_r(X)` at a spurious point."""
    return forall(s, Xs, al, be, given=spurious, then=le(al * frobenius(update - Xs), be * sqrt(stars) * sigma(update, s.r)))


@claim(cite="theory §4, Theorem D", keyword=Keyword.TIGHT)
def spurious_is_larger_of_equal_ranks():
    """Theorem D for r = r⋆: `σ_r(X)(κ + 1 + √((κ−1)² − 4)) ≥ 2σ_{r⋆}(X⋆)` at a spurious point."""
    return forall(
        s,
        Xs,
        al,
        be,
        given=[*spurious, equal(stars, s.r)],
        then=le(2 * sigma(Xs, stars), sigma(update, s.r) * (kappa + 1 + sqrt((kappa - 1) ** 2 - 4))),
    )


@claim(cite="theory §4, Theorem D", keyword=Keyword.UPPER)
def spurious_is_bounded_of_equal_ranks():
    """Theorem D for r = r⋆ and large κ: `2√κ σ_r(X) ≤ (κ−1)‖X⋆‖_op` at a spurious point with `√κ(κ−1) > κ+1`."""
    return forall(
        s,
        Xs,
        al,
        be,
        given=[*spurious, equal(stars, s.r), lt(kappa + 1, sqrt(kappa) * (kappa - 1))],
        then=le(2 * sqrt(kappa) * sigma(update, s.r), (kappa - 1) * spectral(Xs)),
    )
