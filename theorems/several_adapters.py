"""Several adapters of one loss: the theory holds for each, and the sum of the adapters answers for the distance to X⋆.

Main definitions
    Two updates `X₁ = A₁B₁ᵀ` and `X₂ = A₂B₂ᵀ` of one f, with the decay λ on all factors. `E_l` and `F_l` place them in one
    argument, `E₁X₁F₁ᵀ + E₂X₂F₂ᵀ`: with `E₁ = [I; 0]`, `E₂ = [0; I]` and F alike, f is any function of the two.
    `G_l = E_lᵀ∇f F_l` is the gradient in X_l. X⋆ has a dual witness S_l for each update, `−G_l(X⋆) = λS_l`, `S_l ∈ ∂‖X_l⋆‖_*`.
    A point is spurious if some X_l ≠ X_l⋆.

Main statements
    Balance, and Theorem A for each adapter, whatever the others are. Theorem B adapter by adapter, hence for the sum:
    `α_pair Σ‖X_l−X_l⋆‖² ≤ Σ_l (β_dir,l)_+ σ_{r_l}(X_l) ‖⊥⊥_l‖_*`, where a rank-deficient adapter adds nothing, as its σ_{r_l}
    is 0. So at a spurious point with α_pair > 0 some full-rank adapter has `σ_{r_l}(X_l) ≥ (α_pair/β_dir,l) σ_{r⋆_l}(X_l⋆)`;
    not every one has. Theorem D's threshold holds for some full-rank adapter with its own ρ_l.

Notation
    Theory §0, §4 and §8.

Implementation notes
    The points are planted (`verify.losses.several`): each adapter at a spurious point of its own or at X⋆, coupled through f.
    Claims without X⋆ see the loss families besides. Not covered: three adapters or more, and sizes above 6.

References
    Theory §8, last item; §3 and §4 for one adapter.

Tags
    several adapters, block structure, spurious point, low rank
"""

from sympy import MatrixSymbol

from verify import *

s = lora()
f, m, n, lam = s.f, s.m, s.n, s.decay
p, q, k, o, r, t = dimensions("p q k o r t")
A1, B1 = MatrixSymbol("A1", p, r), MatrixSymbol("B1", k, r)
A2, B2 = MatrixSymbol("A2", q, t), MatrixSymbol("B2", o, t)
E1, F1 = MatrixSymbol("E1", m, p), MatrixSymbol("F1", n, k)
E2, F2 = MatrixSymbol("E2", m, q), MatrixSymbol("F2", n, o)
X1, X2 = A1 * B1.T, A2 * B2.T
Y1, S1 = matrices("X1⋆ S1", p, k)
Y2, S2 = matrices("X2⋆ S2", q, o)


def place(first, second):
    """The argument of f for two updates."""
    return E1 * first * F1.T + E2 * second * F2.T


factors = [A1, B1, A2, B2]
loss = f(place(X1, X2)) + lam / 2 * sum(frobenius(factor) ** 2 for factor in factors)
second_order = sosp(loss, of=factors)
points = (s, *factors, E1, F1, E2, F2)
targets = (*points, Y1, S1, Y2, S2)
to_targets = [
    regularized_stationary(function(lambda Y: f(place(Y, Y2)), (p, k)), lam, Y1, S1),
    regularized_stationary(function(lambda Y: f(place(Y1, Y)), (q, o)), lam, Y2, S2),
]
spurious = [second_order, *to_targets, either(distinct(X1, Y1), distinct(X2, Y2))]
# The updates in coordinates of their own: no false claim is to fail only because f sees one of them not at all.
side_by_side = [equal(P.T * P, identity(P.shape[1])) for P in (E1, F1, E2, F2)] + [equal(E1.T * E2, 0), equal(F1.T * F2, 0)]

slope, slope_at_target = f.grad(place(X1, X2)), f.grad(place(Y1, Y2))
G1, G2 = E1.T * slope * F1, E2.T * slope * F2
pairing1 = inner(G1 - E1.T * slope_at_target * F1, X1 - Y1)
pairing2 = inner(G2 - E2.T * slope_at_target * F2, X2 - Y2)
distance2 = frobenius(X1 - Y1) ** 2 + frobenius(X2 - Y2) ** 2
excess1 = positive_part(spectral(off_block(G1, X1)) - lam) * nuclear(off_block(Y1, X1))
excess2 = positive_part(spectral(off_block(G2, X2)) - lam) * nuclear(off_block(Y2, X2))

# The directions of Lemma B for each adapter: the top singular pair of its ⊥⊥ block, the last one of its update.
u1, w1 = matrices("u1 w1", p, 1)
v1, z1 = matrices("v1 z1", k, 1)
u2, w2 = matrices("u2 w2", q, 1)
v2, z2 = matrices("v2 z2", o, 1)
columns = (u1, v1, w1, z1, u2, v2, w2, z2)
pairs = [
    le(r, minimum(p, k)),
    le(t, minimum(q, o)),
    singular_pair(off_block(G1, X1), 1, u1, v1),
    singular_pair(X1, r, w1, z1),
    singular_pair(off_block(G2, X2), 1, u2, v2),
    singular_pair(X2, t, w2, z2),
]
curve1, curve2 = E1 * (w1 * v1.T - u1 * z1.T) * F1.T, E2 * (w2 * v2.T - u2 * z2.T) * F2.T
bend1, bend2 = (f.hess(place(X1, X2))(curve, curve) / 2 for curve in (curve1, curve2))
with_targets = [lt(0, pairing1 + pairing2), lt(0, spectral(Y1)), lt(0, spectral(Y2))]
large1 = le((pairing1 + pairing2) * sigma(Y1, rank(Y1)), bend1 * distance2 * sigma(X1, r))
large2 = le((pairing1 + pairing2) * sigma(Y2, rank(Y2)), bend2 * distance2 * sigma(X2, t))
"""`σ_{r_l}(X_l) ≥ (α_pair/β_dir,l) σ_{r⋆_l}(X_l⋆)`, without fractions."""


@claim(cite="theory §8, several adapters", keyword=Keyword.TIGHT)
def balanced_of_stationary_of_several_adapters():
    """Weight decay balances the factors of each of several adapters of one loss."""
    return forall(
        *points,
        given=[fosp(loss, of=factors), lt(0, lam)],
        then=[equal(A1.T * A1, B1.T * B1), equal(A2.T * A2, B2.T * B2)],
    )


@claim(cite="theory §8, several adapters", keyword=Keyword.TIGHT, uses=["gradient_le_decay_of_rank_deficient"])
def gradient_le_decay_of_rank_deficient_adapter():
    """Theorem A for one of several adapters: `‖G₁‖_op ≤ λ` if X₁ is rank-deficient, whatever the rank of X₂."""
    return forall(*points, given=[second_order, lt(rank(X1), r)], then=le(spectral(G1), lam))


@claim(cite="theory §8, several adapters, Theorem B", keyword=Keyword.TIGHT)
def pairing_le_excess_times_block_of_each():
    """Theorem B for each adapter, for every f: `⟨G_l − G_l(X⋆), X_l − X_l⋆⟩ ≤ (‖(G_l)_⊥‖_op − λ)_+ ‖⊥⊥_l‖_*`."""
    return forall(*targets, given=spurious, then=[le(pairing1, excess1), le(pairing2, excess2)])


@claim(cite="theory §8, several adapters, Theorem B", keyword=Keyword.UPPER, uses=["pairing_le_excess_times_block_of_each"])
def pairing_le_curvature_times_blocks():
    """Theorem B: `α_pair Σ‖X_l−X_l⋆‖² ≤ Σ_l (β_dir,l)_+ σ_{r_l}(X_l) ‖⊥⊥_l‖_*` at a spurious point, for every f."""
    first = positive_part(bend1) * sigma(X1, r) * nuclear(off_block(Y1, X1))
    second = positive_part(bend2) * sigma(X2, t) * nuclear(off_block(Y2, X2))
    return forall(*targets, *columns, given=[*spurious, *pairs], then=le(pairing1 + pairing2, first + second))


@claim(cite="theory §8, several adapters", keyword=Keyword.LOWER, uses=["pairing_le_curvature_times_blocks"])
def some_adapter_is_large_of_spurious():
    """At a spurious point with α_pair > 0 some full-rank adapter has `σ_{r_l}(X_l) ≥ (α_pair/β_dir,l) σ_{r⋆_l}(X_l⋆)`."""
    return forall(*targets, *columns, given=[*spurious, *pairs, *with_targets], then=either(large1, large2))


@claim(
    cite="theory §8, several adapters, Theorem D",
    keyword=Keyword.TIGHT,
    uses=["pairing_le_excess_times_block_of_each", "kappa_ge_threshold_of_spurious"],
)
def kappa_ge_threshold_of_spurious_adapters():
    """Theorem D for a sum of updates side by side: `κ ≥ 1 + 2√ρ_l` for some full-rank adapter of a spurious point."""
    al, be = positives("α β")

    def reached(update, target, width, own):
        room = minimum(rank(target), width - own)
        return both(equal(rank(update), own), lt(0, room), le(4 * (room + own - rank(target)) * al**2, room * (be - al) ** 2))

    return forall(
        *targets,
        al,
        be,
        given=[uniform_curvature(f, al, be), *spurious, *side_by_side, le(rank(Y1), r), le(rank(Y2), t)],
        then=either(reached(X1, Y1, minimum(p, k), r), reached(X2, Y2, minimum(q, o), t)),
    )


@claim(cite="theory §8, several adapters", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def every_adapter_is_large_of_spurious():
    """False: every full-rank adapter of a spurious point has `σ_{r_l}(X_l) ≥ (α_pair/β_dir,l) σ_{r⋆_l}(X_l⋆)`."""
    full = [equal(rank(X1), r), equal(rank(X2), t)]
    return forall(*targets, *columns, given=[*spurious, *pairs, *with_targets, *full, *side_by_side], then=[large1, large2])


@claim(cite="theory §8, several adapters, Theorem B", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def pairing_le_half_of_excess_times_blocks():
    """False: Theorem B of several adapters with half of its right side."""
    return forall(*targets, given=[*spurious, *side_by_side], then=le(2 * (pairing1 + pairing2), excess1 + excess2))


@claim(cite="theory §8, several adapters", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def gradient_le_decay_of_adapter():
    """False without rank deficiency: `‖G₁‖_op ≤ λ` at every second-order point of two adapters."""
    return forall(*points, given=[second_order, *side_by_side], then=le(spectral(G1), lam))
