"""Full-rank second-order points are large: the "high rank" half of the theory.

Main definitions
    For X of rank r with singular spaces U, V, the ⊥⊥ block of Y is `P_U^⊥ Y P_V^⊥`. A second-order point is spurious when
    X ≠ X⋆. Pointwise constants: `α_pair = ⟨∇f(X)−∇f(X⋆), X−X⋆⟩/‖X−X⋆‖²`, and `β_dir = ½∇²f(X)[Z, Z]` along
    `Z = u_r vᵀ − u v_rᵀ`, with (u_r, v_r) the last singular pair of X and (u, v) the top one of G_⊥.

Main statements
    Lemma B: `‖G_⊥‖_op ≤ λ + β_dir σ_r(X)`. Theorem B: the pairing `⟨∇f(X)−∇f(X⋆), X−X⋆⟩` is bounded by the excess of G over λ
    times the ⊥⊥ block of X⋆. Lemma C: that block is bounded by the squared distance (C1, C2). Theorem C: a spurious point
    fails loudly, `σ_r(X) ≥ (α/β)σ_{r⋆}(X⋆)`, and is near, `‖X−X⋆‖ ≤ κ√r⋆ σ_r(X)`. Theorem D: the sharp bounds on its size.

Notation
    `G = ∇f(X)`, `κ = β/α`, `p = min(r⋆, min(m,n)−r)`, `ρ = 1 + (r−r⋆)/p`. See theory §0 and §4.

Implementation notes
    In the lemmas X and Y are built from factors, so that their ranks are what the lemma needs. Spurious points come from
    the loss families and, since random starts almost never end there, from planted ones (`verify.losses.spurious`,
    `verify.losses.extremal`: these attain Theorem D). Claims without a curvature assumption see every family that knows an
    X⋆, one that is not convex among them (`½‖X‖² + 2Σ sin X_ij + ⟨C, X⟩`).
    Not covered: sizes above 6, and X⋆ of two-layer networks (no X⋆ is known there by construction).

References
    Theory §4. Related: Zhang, Sojoudi & Lavaei, JMLR 2019; R. Y. Zhang, arXiv:2104.10790.

Tags
    spurious point, block, singular spaces, von Neumann inequality, restricted strong convexity
"""

from sympy import MatrixSymbol, Rational, sqrt

from verify import *

s = lora()
A, B, f, lam = s.A, s.B, s.f, s.decay
update, Xs = s.X, s.regularized_stationary()[0]
G = f.grad(update)
al, be = positives("α β")
kappa, stars = be / al, rank(Xs)
spurious = [uniform_curvature(f, al, be), s.sosp(), distinct(update, Xs)]

# Theory §4: p ⊥⊥ dimensions that X⋆ can use, and ρp = p + r − r⋆, written without a fraction.
room = minimum(stars, minimum(s.m, s.n) - s.r)
crowd = room + s.r - stars

u, v = matrices("u", s.m, 1), matrices("v", s.n, 1)
u_r, v_r = matrices("u_r", s.m, 1), matrices("v_r", s.n, 1)
z = matrices("z", s.r, 1)
block_of_gradient = off_block(G, update)
curve = u_r * v.T - u * v_r.T
beta_dir = f.hess(update)(curve, curve) / 2
pairs = [
    lt(0, spectral(block_of_gradient)),
    singular_pair(block_of_gradient, 1, u, v),
    singular_pair(update, s.r, u_r, v_r),
]
pairing = inner(G - f.grad(Xs), update - Xs)
"""`α_pair‖X−X⋆‖²`."""
distance2 = frobenius(update - Xs) ** 2
# Pointwise constants with α_pair > 0.
pointwise = [s.sosp(), distinct(update, Xs), lt(0, pairing), *pairs]
distance = frobenius(update - Xs)
radius = positives("D")


def in_ball(size):
    """RSC and RSM in the ball of a radius around X⋆, and a spurious point."""
    bounds = {"around": Xs, "rank": s.r, "radius": size}
    return [rsc(f, al, **bounds), rsm(f, be, **bounds), s.sosp(), distinct(update, Xs)]


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


@claim(cite="theory §4, Lemma C, C1 with ρ", keyword=Keyword.TIGHT)
def block_le_squared_distance_of_wide():
    """C1 with the extra rank: `2σ_r(X)√ρ ‖P_U^⊥YP_V^⊥‖_* ≤ ‖X − Y‖_F²` for rank X = r ≥ rank Y ≥ 1, r < min(m, n)."""
    p = minimum(rank(Y), minimum(m, n) - r)
    return forall(
        P,
        Q,
        C,
        D,
        given=[equal(rank(X), r), le(rank(Y), r), lt(0, nuclear(off_block(Y, X))), lt(r, minimum(m, n))],
        then=le(2 * sigma(X, r) * sqrt(p + r - rank(Y)) * nuclear(off_block(Y, X)), sqrt(p) * frobenius(X - Y) ** 2),
    )


@claim(cite="theory §8, Master inequality", keyword=Keyword.TIGHT)
def master_inequality():
    """For any columns u, v, z: `(|z|²uᵀGv + c)² ≤ (λ|z|²|u|² + a)(λ|z|²|v|² + b)` at a second-order point, for every f.

    `a = H[u(Bz)ᵀ]`, `b = H[(Az)vᵀ]`, `c = H[u(Bz)ᵀ, (Az)vᵀ]`, `H = ∇²f(X)`. It contains Theorem A and Lemma B.
    """
    left, right, length = u * (B * z).T, (A * z) * v.T, frobenius(z) ** 2
    H = f.hess(update)
    return forall(
        s,
        u,
        v,
        z,
        given=s.sosp(),
        then=le(
            (length * inner(u, G * v) + H(left, right)) ** 2,
            (lam * length * frobenius(u) ** 2 + H(left, left)) * (lam * length * frobenius(v) ** 2 + H(right, right)),
        ),
    )


@claim(cite="theory §8, Master inequality", keyword=Keyword.UPPER, uses=["master_inequality"])
def gradient_le_decay_plus_half_curvature():
    """For every f, unit z and the top singular pair (u, v) of G: `‖G‖_op ≤ λ + ½H[D_z, D_z]` with `D_z = (Az)vᵀ − u(Bz)ᵀ`."""
    move = (A * z) * v.T - u * (B * z).T
    return forall(
        s,
        u,
        v,
        z,
        given=[s.sosp(), singular_pair(G, 1, u, v)],
        then=le(frobenius(z) ** 2 * (spectral(G) - lam), f.hess(update)(move, move) / 2),
    )


@claim(cite="theory §4, Lemma B", keyword=Keyword.TIGHT, uses=["master_inequality"])
def block_of_gradient_le_decay_plus_directional_curvature():
    """Lemma B, pointwise: `‖G_⊥‖_op ≤ λ + β_dir σ_r(X)` at a full-rank second-order point, for every f."""
    return forall(
        s,
        u,
        v,
        u_r,
        v_r,
        given=[s.sosp(), equal(rank(update), s.r), *pairs],
        then=le(spectral(block_of_gradient), lam + beta_dir * sigma(update, s.r)),
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
        then=le(pairing, positive_part(spectral(block_of_gradient) - lam) * nuclear(off_block(Xs, update))),
    )


@claim(cite="theory §4, Theorem B", keyword=Keyword.UPPER, uses=["block_of_gradient_le_decay_plus_directional_curvature"])
def pairing_le_curvature_times_block():
    """Theorem B, last bound: `α_pair‖X−X⋆‖² ≤ (β_dir)_+ σ_r(X) ‖P_U^⊥X⋆P_V^⊥‖_*` at a spurious point, for every f."""
    return forall(
        s,
        Xs,
        u,
        v,
        u_r,
        v_r,
        given=[s.sosp(), equal(rank(update), s.r), distinct(update, Xs), *pairs],
        then=le(pairing, positive_part(beta_dir) * sigma(update, s.r) * nuclear(off_block(Xs, update))),
    )


@claim(cite="theory §4, Theorem C.1, pointwise", keyword=Keyword.TIGHT, uses=["pairing_le_curvature_times_block"])
def kappa_ge_two_root_rho_of_spurious():
    """Theorem C.1, pointwise: `β_dir ≥ 2√ρ α_pair` at a spurious point with α_pair > 0, for every f."""
    return forall(s, Xs, u, v, u_r, v_r, given=pointwise, then=le(2 * sqrt(crowd) * pairing, sqrt(room) * beta_dir * distance2))


@claim(cite="theory §4, Theorem C.2, pointwise", keyword=Keyword.TIGHT, uses=["pairing_le_curvature_times_block"])
def spurious_is_large_pointwise():
    """Theorem C.2, pointwise: `σ_r(X) ≥ (α_pair/β_dir)σ_{r⋆}(X⋆)` at a spurious point with α_pair > 0, for every f."""
    return forall(
        s,
        Xs,
        u,
        v,
        u_r,
        v_r,
        given=pointwise,
        then=le(pairing * sigma(Xs, stars), beta_dir * distance2 * sigma(update, s.r)),
    )


@claim(cite="theory §4, Theorem C.2, pointwise", keyword=Keyword.TIGHT, uses=["pairing_le_curvature_times_block"])
def spurious_lies_between_pointwise():
    """Theorem C.2: `x₋σ_{r⋆}(X⋆) ≤ σ_r(X) ≤ x₊‖X⋆‖_op` with `x_± = (κ ± √(κ²−4ρ))/(2ρ)`, pointwise constants, for every f.

    Written without roots: `s ≥ x₋y` exactly if `2ρs ≥ κy` or `ρs² − κsy + y² ≤ 0`, and likewise for x₊.
    """
    size, bend = sigma(update, s.r), beta_dir * distance2

    def beyond(y):
        """`s = σ_r(X)` times α_pair lies where `ρs² − κsy + y² ≤ 0`."""
        return le(pairing * (crowd * size**2 + room * y**2), room * bend * size * y)

    low, high = sigma(Xs, stars), spectral(Xs)
    return forall(
        s,
        Xs,
        u,
        v,
        u_r,
        v_r,
        given=pointwise,
        then=[
            either(le(room * bend * low, 2 * crowd * size * pairing), beyond(low)),
            either(le(2 * crowd * size * pairing, room * bend * high), beyond(high)),
        ],
    )


@claim(cite="theory §4, Theorem C.3, pointwise", keyword=Keyword.UPPER, uses=["pairing_le_curvature_times_block"])
def spurious_is_near_pointwise():
    """Theorem C.3, pointwise: `‖X−X⋆‖_F ≤ κ√r⋆ σ_r(X)` at a spurious point with α_pair > 0, for every f."""
    return forall(
        s,
        Xs,
        u,
        v,
        u_r,
        v_r,
        given=pointwise,
        then=le(pairing, beta_dir * sqrt(stars) * sigma(update, s.r) * frobenius(update - Xs)),
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


@claim(cite="theory §4, Theorem C.2", keyword=Keyword.LOWER, uses=["spurious_is_large"])
def norm_of_spurious_is_large():
    """A spurious point has `‖X‖_F ≥ √r(α/β)σ_{r⋆}(X⋆)` and `‖X‖_* ≥ r(α/β)σ_{r⋆}(X⋆)`."""
    return forall(
        s,
        Xs,
        al,
        be,
        given=spurious,
        then=[
            le(sqrt(s.r) * al * sigma(Xs, stars), be * frobenius(update)),
            le(s.r * al * sigma(Xs, stars), be * nuclear(update)),
        ],
    )


@claim(cite="theory §4, Theorem D, threshold", keyword=Keyword.TIGHT)
def kappa_ge_threshold_of_spurious():
    """Theorem D: `κ ≥ 1 + 2√ρ` at a spurious point, that is `4ρα² ≤ (β−α)²`, for every r⋆ ≤ r and all sizes."""
    return forall(s, Xs, al, be, given=spurious, then=le(4 * crowd * al**2, room * (be - al) ** 2))


@claim(cite="theory §4, Theorem D, lower bound", keyword=Keyword.TIGHT, uses=["kappa_ge_threshold_of_spurious"])
def spurious_is_larger():
    """Theorem D for every ρ: `σ_r(X)(κ + 1 + √((κ−1)² − 4ρ)) ≥ 2σ_{r⋆}(X⋆)` at a spurious point."""
    root = sqrt(positive_part((kappa - 1) ** 2 - 4 * crowd / room))
    return forall(s, Xs, al, be, given=spurious, then=le(2 * sigma(Xs, stars), sigma(update, s.r) * (kappa + 1 + root)))


@claim(cite="theory §4, Theorem D, upper bound", keyword=Keyword.UPPER, uses=["kappa_ge_threshold_of_spurious"])
def spurious_is_bounded_of_small_kappa():
    """Theorem D: `2(κ+ρ)σ_r(X) ≤ (κ + 1 + √((κ−1)² − 4ρ))‖X⋆‖_op` at a spurious point with `√κ(κ−1) ≤ √ρ(κ+1)`."""
    rho = crowd / room
    root = sqrt(positive_part((kappa - 1) ** 2 - 4 * rho))
    return forall(
        s,
        Xs,
        al,
        be,
        given=[*spurious, le(kappa * (kappa - 1) ** 2, rho * (kappa + 1) ** 2)],
        then=le(2 * (kappa + rho) * sigma(update, s.r), (kappa + 1 + root) * spectral(Xs)),
    )


@claim(cite="theory §4, Theorem D, upper bound", keyword=Keyword.UPPER, uses=["kappa_ge_threshold_of_spurious"])
def spurious_is_bounded_of_large_kappa():
    """Theorem D: `2√(κρ) σ_r(X) ≤ (κ−1)‖X⋆‖_op` at a spurious point with `√κ(κ−1) > √ρ(κ+1)`."""
    rho = crowd / room
    return forall(
        s,
        Xs,
        al,
        be,
        given=[*spurious, lt(rho * (kappa + 1) ** 2, kappa * (kappa - 1) ** 2)],
        then=le(2 * sqrt(kappa * rho) * sigma(update, s.r), (kappa - 1) * spectral(Xs)),
    )


@claim(cite="theory §4, Theorem C, inside the ball", keyword=Keyword.LOWER, uses=["spurious_is_large_pointwise"])
def spurious_is_large_inside_ball():
    """A spurious point inside the ball of RSC and RSM: `κ ≥ 2√ρ`, `σ_r(X) ≥ (α/β)σ_{r⋆}(X⋆)`, `‖X−X⋆‖_F ≤ κ√r⋆ σ_r(X)`."""
    return forall(
        s,
        Xs,
        al,
        be,
        given=in_ball(distance),
        then=[
            le(4 * crowd * al**2, room * be**2),
            le(al * sigma(Xs, stars), be * sigma(update, s.r)),
            le(al * frobenius(update - Xs), be * sqrt(stars) * sigma(update, s.r)),
        ],
    )


@claim(cite="theory §4, Theorem C, outside the ball", keyword=Keyword.LOWER, uses=["spurious_is_large_inside_ball"])
def spurious_is_outside_ball_of_small():
    """A spurious point with `σ_r(X) < (α/β)σ_{r⋆}(X⋆)` lies outside the ball of RSC and RSM: `‖X−X⋆‖_F > D`."""
    return forall(
        s,
        Xs,
        al,
        be,
        radius,
        given=in_ball(radius),
        then=either(lt(radius, frobenius(update - Xs)), le(al * sigma(Xs, stars), be * sigma(update, s.r))),
    )


@claim(cite="theory §4, Theorem D, attained", keyword=Keyword.TIGHT, uses=["kappa_ge_threshold_of_spurious"])
def spurious_point_exists_at_threshold_of_rank_four():
    """Theorem D's threshold is attained for r = 4, r⋆ = 1: at κ = 1 + 2√4 = 5 a spurious second-order point exists."""
    t = Rational(1, 3)
    eye = [[int(i == j) for j in range(4)] for i in range(5)]
    star = [[3 * int(i == j == 4) for j in range(5)] for i in range(5)]

    def loss(W):
        """`½⟨W−X⋆, H(W−X⋆)⟩`: H is 5 but on the plane of `I_4 ⊕ 0` and `0 ⊕ 1`, where it maps X − X⋆ to `0 ⊕ −5`."""
        first, second = sum(W[i, i] for i in range(4)), W[4, 4] - 3
        square = sum(W[i, j] ** 2 for i in range(5) for j in range(5) if (i, j) != (4, 4)) + second**2
        q2 = 1 / (4 * t**2)
        cross = 5 * (1 - t) / (1 + q2 * (1 - t))
        plane = (cross * q2 - 5) / 4 * first**2 + 2 * cross / (4 * t) * first * second + (5 * t + cross - 5) * second**2
        return (5 * square + plane) / 2

    witness = {A: eye, B: eye, Xs: star, s.regularized_stationary()[1]: star_witness(5), lam: 0, f: loss}
    return exists(
        s,
        Xs,
        such_that=[uniform_curvature(f, 1, 5), s.sosp(), equal(s.r, 4), equal(rank(Xs), 1), lt(f(Xs), f(update))],
        witness=witness,
    )


def star_witness(size):
    """The dual witness of a multiple of the last unit matrix, `size×size`."""
    return [[int(i == j == size - 1) for j in range(size)] for i in range(size)]


@claim(cite="theory §4, Lemma B needs ( )_+ for non-convex f", keyword=Keyword.TIGHT)
def gradient_exceeds_decay_plus_negative_curvature():
    """Lemma B's `( )_+` is needed: for a non-convex f, `‖G‖_op > λ + β_dir σ_r(X)` at a full-rank second-order point."""
    witness = {
        A: [[1], [0]],
        B: [[1], [0]],
        u: [[0], [1]],
        v: [[0], [1]],
        u_r: [[1], [0]],
        v_r: [[1], [0]],
        lam: 1,
        f: lambda W: (
            (W[0, 0] - 1) ** 2 - W[0, 0] + W[1, 1] / 2 + W[1, 1] ** 2 + (W[0, 1] + W[1, 0]) ** 2 - (W[0, 1] - W[1, 0]) ** 2 / 16
        ),
    }
    return exists(
        s,
        u,
        v,
        u_r,
        v_r,
        such_that=[s.sosp(), equal(rank(update), s.r), *pairs, lt(lam + beta_dir * sigma(update, s.r), spectral(G))],
        witness=witness,
    )


@claim(cite="theory §4, Theorem C.2", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spurious_is_large_pointwise_with_constant_two():
    """False: `σ_r(X) ≥ 2(α_pair/β_dir)σ_{r⋆}(X⋆)` with the pointwise constants."""
    return forall(
        s,
        Xs,
        u,
        v,
        u_r,
        v_r,
        given=pointwise,
        then=le(2 * pairing * sigma(Xs, stars), beta_dir * distance2 * sigma(update, s.r)),
    )


@claim(cite="theory §4, Theorem C, sharp for pointwise constants", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def kappa_gt_two_of_spurious_pointwise():
    """False: `β_dir > 2α_pair` at a spurious point with r = r⋆; at κ = 2 exactly there is one."""
    return forall(s, Xs, u, v, u_r, v_r, given=[*pointwise, equal(stars, s.r)], then=lt(2 * pairing, beta_dir * distance2))


@claim(cite="theory §4, Sharpness, RSC/RSM only", keyword=Keyword.OPEN, expect=Expect.OPEN)
def kappa_ge_three_of_spurious_inside_ball():
    """Open: `κ ≥ 3` at a spurious point inside the ball of RSC and RSM with r = r⋆.

    Proved is `κ ≥ 2` (Theorem C). Quadratic f, the only ones certified here, need 3; a smooth f that is not quadratic seems to
    do with 2.4, in floating point.
    """
    return forall(s, Xs, al, be, given=[*in_ball(distance), equal(stars, s.r)], then=le(3 * al, be))


@claim(cite="theory §4, Sharpness, RSC/RSM only", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def kappa_gt_three_of_spurious_inside_ball():
    """False: `κ > 3` at a spurious point inside the ball of RSC and RSM with r = r⋆: a quadratic has one at κ = 3."""
    return forall(s, Xs, al, be, given=[*in_ball(distance), equal(stars, s.r)], then=lt(3 * al, be))


@claim(cite="theory §4, Theorem B", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def pairing_le_half_of_excess_times_block():
    """False: Theorem B with half of its right side."""
    return forall(
        s,
        Xs,
        given=[s.sosp(), equal(rank(update), s.r), distinct(update, Xs)],
        then=le(2 * pairing, positive_part(spectral(block_of_gradient) - lam) * nuclear(off_block(Xs, update))),
    )


@claim(cite="theory §4, Lemma B", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def gradient_le_decay_plus_half_of_curvature_times_smallest_singular_value():
    """False: Lemma B with half the curvature, `‖G‖_op ≤ λ + ½βσ_r(X)`."""
    return forall(
        s,
        al,
        be,
        given=[uniform_curvature(f, al, be), s.sosp(), equal(rank(update), s.r)],
        then=le(spectral(G), lam + be * sigma(update, s.r) / 2),
    )


@claim(cite="theory §4, Theorem D, threshold", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def kappa_ge_larger_threshold_of_spurious():
    """False: `κ ≥ 1 + 2c√ρ` at a spurious point for some c above 1."""
    c = parameter("c", above=1)
    return forall(s, Xs, al, be, given=spurious, then=le(4 * c**2 * crowd * al**2, room * (be - al) ** 2))


@claim(cite="theory §4, Theorem C.3", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spurious_is_near_of_small_without_condition_number():
    """False: `‖X−X⋆‖_F ≤ √r⋆ σ_r(X)` at a spurious point, as if κ were 1."""
    return forall(s, Xs, al, be, given=spurious, then=le(frobenius(update - Xs), sqrt(stars) * sigma(update, s.r)))
