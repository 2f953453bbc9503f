"""Training with weight decay from zero initialization: balance, confinement, exclusion, early growth.

Main definitions
    Zero initialization is LoRA's: A₀ Gaussian, B₀ = 0, so that X₀ = 0. A method is monotone when L never increases.

Main statements
    Gradient flow decreases L and the imbalance (exactly); what a monotone method reaches is confined, `‖X‖_* ≤ ½(‖A‖²+‖B‖²) ≤
    (f(0) − f(X))/λ + ½‖A₀‖²`; spurious points that are too large for that are excluded *if the limit is second-order*, and
    not otherwise. Near the origin the modes of ∇f(0) grow at `σ_i − λ` in the factors and `2(σ_i − λ)` in X; from LoRA's own
    start X leaves 0 at speed `σ_i‖A₀ᵀu_i‖²` in each. Approximate points: with `ε = ‖∇L‖` and `λ_min(∇²L) ≥ −γ`, the balance,
    the value gap (A_ε) and the distance to X⋆ (B_ε) degrade by terms in ε and γ, and where X⋆ is approximate itself, by
    its own error.

Notation
    Theory §0, §6, §8. `ω² = ‖A‖² + ‖B‖²`, `D_z = (Az)vᵀ − u(Bz)ᵀ`.

Implementation notes
    An approximate point of L, `∇L = E` and `∇²L ⪰ −γI`, is an exact second-order point of the tilted loss
    `L + (γ/2)ω² − ⟨C, A⟩ − ⟨D, B⟩` with `(C, D) = E + γ(A, B)`: so claims about approximate points are read on exact ones.
    Descent with line search is a method, not a formula: confinement is stated for any pair that does not exceed the start's
    loss. `real_data` reads these claims at every state of runs of descent and of gradient flow. Not covered: convergence
    itself; `verify.points.analysis.experiment` shows runs.

References
    Theory §6, §8. The question: Kim, Kim & Ryu, ICML 2025, arXiv:2502.09376.

Tags
    implicit bias, zero initialization, weight decay, gradient flow, early dynamics, approximate stationarity
"""

from hypothesis import example
from sympy import MatrixSymbol, sqrt

from verify import *

s = lora()
A, B, X, f, L, m, n, r, lam = s.A, s.B, s.X, s.f, s.L, s.m, s.n, s.r, s.decay
A0, (Xs, S) = s.A0, s.regularized_stationary()
symbols = (A, B, f, lam, Xs, S)
"""Bound one by one where X⋆ may have any rank: with the setting, X⋆ comes with `rank X⋆ ≤ r`."""
G, Gs = f.grad(X), f.grad(Xs)
al, be = positives("α β")
eta = positives("η")
slope_A, slope_B = G * B + lam * A, G.T * A + lam * B
half_size = (frobenius(A) ** 2 + frobenius(B) ** 2) / 2
start_value = f(zeros(m, n)) + lam / 2 * frobenius(A0) ** 2
"""L at zero initialization (A₀, 0)."""
radius = (f(zeros(m, n)) - f(X)) / lam + frobenius(A0) ** 2 / 2
confined = [le(nuclear(X), half_size), le(lam * half_size, start_value - f(X))]
flow = gradient_flow(L, start=(A0, zeros(n, r)))

u, v, z = matrices("u", m, 1), matrices("v", n, 1), matrices("z", r, 1)
rate, floor = scalars("σ c")
# A singular pair of −∇f: Gv = −σu, Gᵀu = −σv.
mode_of_gradient = [equal(G * v, -rate * u), equal(G.T * u, -rate * v)]
G0 = MatrixSymbol("G0", m, n)
linear = lora(loss=lambda Y: inner(G0, Y))
mode_of_linear = [equal(G0 * v, -rate * u), equal(G0.T * u, -rate * v)]
growing, dying = A.T * u + B.T * v, A.T * u - B.T * v

gamma = nonnegatives("γ")
C, D = MatrixSymbol("C", m, r), MatrixSymbol("D", n, r)
T, Y = MatrixSymbol("T", m, n), MatrixSymbol("Y", m, n)
tilted = L + gamma / 2 * (frobenius(A) ** 2 + frobenius(B) ** 2) - inner(C, A) - inner(D, B)
approximate = sosp(tilted, of=[A, B])
"""`∇L = (C, D) − γ(A, B)` and `∇²L ⪰ −γI`."""
error = sqrt(frobenius(slope_A) ** 2 + frobenius(slope_B) ** 2)
"""`ε = ‖∇L‖_F`."""
size = sqrt(2 * half_size)
"""ω."""
move = (A * z) * v.T - u * (B * z).T
bend = positive_part(gamma + f.hess(X)(move, move) / 2)
"""`(γ + ½H[D_z, D_z])_+` for a unit z."""


@claim(cite="theory §6, Confinement", keyword=Keyword.TIGHT)
def loss_decreases_along_gradient_flow():
    """Along gradient flow `dL/dt = −‖∇L‖²`, whatever f is."""
    return always(flow, then=equal(ddt(L), -(frobenius(slope_A) ** 2) - frobenius(slope_B) ** 2))


@claim(cite="theory §6, Balance decays", keyword=Keyword.TIGHT, uses=["first_order.balance_decays_along_gradient_flow"])
def squared_imbalance_decays_along_gradient_flow():
    """Along gradient flow `d/dt ‖AᵀA − BᵀB‖² = −4λ‖AᵀA − BᵀB‖²`: the imbalance decays as `e^{−2λt}`."""
    imbalance = A.T * A - B.T * B
    return always(flow, then=equal(ddt(frobenius(imbalance) ** 2), -4 * lam * frobenius(imbalance) ** 2))


@claim(cite="theory §6, Confinement", keyword=Keyword.UPPER, uses=["nuclear_norm.nuclear_le_half_of_squared_factors"])
def nuclear_norm_confined_of_monotone():
    """A pair whose loss does not exceed that of (A₀, 0) has `‖X‖_* ≤ (f(0) − f(X))/λ + ½‖A₀‖²`, for every f."""
    return forall(s, A0, given=[lt(0, lam), le(L, start_value)], then=le(lam * nuclear(X), start_value - f(X)))


@claim(cite="theory §6, Confinement", keyword=Keyword.UPPER, uses=["nuclear_norm_confined_of_monotone"])
def penalty_confined_by_lower_bound():
    """The radius R of all times: with `c = inf f`, or any c ≤ f(X), `‖X‖_* ≤ ½(‖A‖² + ‖B‖²) ≤ (f(0) − c)/λ + ½‖A₀‖²`."""
    return forall(
        s,
        A0,
        floor,
        given=[lt(0, lam), le(L, start_value), le(floor, f(X))],
        then=[le(nuclear(X), half_size), le(lam * half_size, start_value - floor)],
    )


@claim(
    cite="theory §6, Exclusion",
    keyword=Keyword.UPPER,
    uses=["nuclear_norm_confined_of_monotone", "high_rank.spurious_is_large"],
)
def second_order_eq_target_of_confined():
    """A second-order point that a monotone method reaches from (A₀, 0) is X⋆ if `r(α/β)σ_{r⋆}(X⋆) > (f(0)−f(X))/λ + ½‖A₀‖²`."""
    return forall(
        s,
        Xs,
        al,
        be,
        A0,
        given=[
            uniform_curvature(f, al, be),
            s.sosp(),
            lt(0, lam),
            le(L, start_value),
            lt(be * radius, al * r * sigma(Xs, rank(Xs))),
        ],
        then=equal(X, Xs),
    )


@claim(cite="theory §6, Early dynamics", keyword=Keyword.TIGHT)
def mode_grows_at_singular_value_minus_decay():
    """Where `Gv = −σu` and `Gᵀu = −σv`, the flow moves the mode `Aᵀu + Bᵀv` at rate `σ − λ`, and `Aᵀu − Bᵀv` at `−(σ + λ)`."""
    speed_A, speed_B = -slope_A, -slope_B
    return forall(
        s,
        u,
        v,
        rate,
        given=mode_of_gradient,
        then=[
            equal(speed_A.T * u + speed_B.T * v, (rate - lam) * growing),
            equal(speed_A.T * u - speed_B.T * v, -(rate + lam) * dying),
        ],
    )


@claim(cite="theory §6, Early dynamics", keyword=Keyword.TIGHT, uses=["mode_grows_at_singular_value_minus_decay"])
def factor_mode_grows_along_linear_flow():
    """Gradient flow of the linearization `⟨G₀, X⟩` moves the factor modes of (u, v) at exactly `σ − λ` and `−(σ + λ)`."""
    return always(
        gradient_flow(linear.L),
        given=mode_of_linear,
        then=[equal(ddt(growing), (rate - lam) * growing), equal(ddt(dying), -(rate + lam) * dying)],
    )


@claim(cite="theory §6, Early dynamics", keyword=Keyword.TIGHT, uses=["factor_mode_grows_along_linear_flow"])
def update_mode_grows_at_twice_the_rate():
    """The part of `uᵀXv` in the growing mode, `¼‖Aᵀu + Bᵀv‖²`, grows at `2(σ − λ)` under the linearized flow."""
    part = inner(growing, growing)
    return always(gradient_flow(linear.L), given=mode_of_linear, then=equal(ddt(part), 2 * (rate - lam) * part))


@claim(cite="theory §6, Early dynamics", keyword=Keyword.TIGHT)
def update_mode_is_difference_of_modes():
    """`4uᵀXv = ‖Aᵀu + Bᵀv‖² − ‖Aᵀu − Bᵀv‖²`: X in a mode is what has grown minus what has died."""
    return forall(s, u, v, then=equal(4 * inner(u, X * v), inner(growing, growing) - inner(dying, dying)))


@claim(cite="theory §6, Early dynamics", keyword=Keyword.TIGHT, uses=["mode_grows_at_singular_value_minus_decay"])
def modes_coincide_of_zero_initialization():
    """At LoRA's own start B = 0 the growing and the dying mode are both `Aᵀu`: in each mode X leaves 0 at speed `σ‖Aᵀu‖²`."""
    speed_A, speed_B = -slope_A, -slope_B
    return forall(
        s,
        u,
        v,
        rate,
        given=[mode_of_gradient[0], equal(B, 0)],
        then=[
            equal(growing, A.T * u),
            equal(dying, A.T * u),
            equal(inner(u, (speed_A * B.T + A * speed_B.T) * v), rate * inner(A.T * u, A.T * u)),
        ],
    )


@claim(cite="theory §6, Exclusion needs an SOSP", keyword=Keyword.TIGHT)
def zero_update_stays_of_orthogonal_start():
    """If `∇f(0)ᵀA₀ = 0`, descent from (A₀, 0) never leaves X = 0: `∇_B L = 0` and `∇_A L = λA` where B = 0."""
    return forall(
        s,
        given=[equal(B, 0), equal(f.grad(zeros(m, n)).T * A, 0), equal(X, 0)],
        then=[equal(f.grad(zeros(m, n)).T * A + lam * B, 0), equal(f.grad(zeros(m, n)) * B + lam * A, lam * A)],
    )


@claim(cite="theory §6, Exclusion needs an SOSP", keyword=Keyword.TIGHT, uses=["zero_update_stays_of_orthogonal_start"])
def descent_that_never_leaves_zero_exists():
    """`f = ½‖X − 2e₁e₁ᵀ‖²`, λ = 1, A₀ = 0.3e₂e₁ᵀ: A₀ ≠ 0, `∇f(0)ᵀA₀ = 0`, and the origin is a strict saddle."""
    start = [[0] * 4 for _ in range(6)]
    start[1][0] = "3/10"
    witness = {
        A: start,
        B: [[0] * 4 for _ in range(6)],
        lam: 1,
        f: lambda Y: frobenius(Y) ** 2 / 2 - 2 * Y[0, 0],
    }
    slope = f.grad(zeros(m, n))
    return exists(
        s,
        such_that=[
            equal(m, 6),
            equal(n, 6),
            equal(r, 4),
            equal(B, 0),
            distinct(A, 0),
            equal(slope.T * A, 0),
            lt(lam, spectral(slope)),
        ],
        witness=witness,
    )


@claim(cite='theory §6, Exclusion is false without "to an SOSP"', keyword=Keyword.TIGHT)
def exclusion_needs_a_second_order_limit():
    """The exclusion fails for a first-order limit: on the example above descent ends at the origin, which is not X⋆."""
    start = [[0] * 4 for _ in range(6)]
    start[1][0] = "3/10"
    corner = [[int(i == j == 0) for j in range(6)] for i in range(6)]
    nothing = [[0] * 4 for _ in range(6)]
    witness = {
        A: nothing,
        B: nothing,
        A0: start,
        Xs: corner,
        S: corner,
        lam: 1,
        f: lambda Y: frobenius(Y) ** 2 / 2 - 2 * Y[0, 0],
    }
    return exists(
        s,
        Xs,
        A0,
        such_that=[
            uniform_curvature(f, 1, 1),
            s.fosp(),
            lt(0, lam),
            le(L, start_value),
            lt(radius, r * sigma(Xs, rank(Xs))),
            equal(f.grad(zeros(m, n)).T * A0, 0),
            distinct(X, Xs),
        ],
        witness=witness,
    )


@claim(cite="theory §6, Early dynamics", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def factor_mode_grows_at_twice_the_rate():
    """False: the factor mode grows at `2(σ − λ)`, as X does."""
    return always(gradient_flow(linear.L), given=mode_of_linear, then=equal(ddt(growing), 2 * (rate - lam) * growing))


@claim(cite="theory §6, Confinement", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def penalty_confined_without_start():
    """False: confinement without the term of A₀, `½(‖A‖²+‖B‖²) ≤ (f(0) − f(X))/λ`."""
    return forall(s, A0, given=[lt(0, lam), le(L, start_value)], then=le(lam * half_size, f(zeros(m, n)) - f(X)))


@claim(cite="theory §6, Confinement", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def penalty_confined_along_gradient_flow_without_start():
    """False: along gradient flow from (A₀, 0) the penalty is confined without the term of A₀."""
    return always(flow, given=lt(0, lam), then=le(lam * half_size, f(zeros(m, n)) - f(X)))


@claim(cite="theory §6, Confinement", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def nuclear_norm_confined_in_half_the_ball():
    """False: confinement with half the radius, `2‖X‖_* ≤ (f(0) − f(X))/λ + ½‖A₀‖²`."""
    return forall(s, A0, given=[lt(0, lam), le(L, start_value)], then=le(2 * lam * nuclear(X), start_value - f(X)))


@claim(cite="theory §6, Early dynamics", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def update_mode_starts_at_its_later_rate():
    """False: at LoRA's own start B = 0, X grows in a mode at `(σ − λ)‖Aᵀu‖²` (weight decay does not act on X = 0)."""
    speed_A, speed_B = -G0 * B - lam * A, -G0.T * A - lam * B
    return forall(
        linear,
        G0,
        u,
        v,
        rate,
        given=[*mode_of_linear, equal(B, 0)],
        then=equal(inner(u, (speed_A * B.T + A * speed_B.T) * v), (rate - lam) * inner(A.T * u, A.T * u)),
    )


@claim(cite="theory §6, Confinement", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def norm_never_increases_along_gradient_descent():
    """False: weight decay makes the penalty decrease at every step of descent."""
    descent = gradient_descent(L, step=eta, start=(A0, zeros(n, r)))
    return always(descent, then=le(after(half_size), half_size))


@claim(cite="theory §8, Balance of approximate points", keyword=Keyword.UPPER)
def imbalance_le_error_times_size():
    """At every point `λ‖AᵀA − BᵀB‖_F ≤ ‖∇L‖_F √(‖A‖_op² + ‖B‖_op²)`, for every f."""
    bound = error * sqrt(spectral(A) ** 2 + spectral(B) ** 2)
    return forall(s, then=le(lam * frobenius(A.T * A - B.T * B), bound))


@claim(cite="theory §8", keyword=Keyword.TIGHT)
def pairing_of_any_point():
    """At every point `2⟨G, X⟩ = ⟨(A, B), ∇L⟩ − λω²`, for every f."""
    return forall(
        s, then=equal(2 * inner(G, X), inner(A, slope_A) + inner(B, slope_B) - lam * (frobenius(A) ** 2 + frobenius(B) ** 2))
    )


@claim(cite="theory §8, Master inequality", keyword=Keyword.TIGHT)
def hessian_along_probe():
    """`D²L[(−uzᵀ, vzᵀ)] = λ|z|²(|u|² + |v|²) − 2|z|²uᵀGv + ∇²f(X)[D_z, D_z]` with `D_z = (Az)vᵀ − u(Bz)ᵀ`, for every f."""
    length = inner(z, z)
    return forall(
        s,
        u,
        v,
        z,
        then=equal(
            derivative(L, {A: -u * z.T, B: v * z.T}, order=2),
            lam * length * (inner(u, u) + inner(v, v)) - 2 * length * inner(u, G * v) + f.hess(X)(move, move),
        ),
    )


@claim(cite="theory §8, Master inequality", keyword=Keyword.UPPER, uses=["hessian_along_probe"])
def gradient_of_approximate_point():
    """With `λ_min(∇²L) ≥ −γ`, any unit z and (u, v) the top pair of G: `‖G‖_op ≤ λ + γ + ½H[D_z, D_z]`, for every f."""
    return forall(
        s,
        u,
        v,
        z,
        gamma,
        C,
        D,
        given=[approximate, singular_pair(G, 1, u, v)],
        then=le(frobenius(z) ** 2 * (spectral(G) - lam - gamma), f.hess(X)(move, move) / 2),
    )


@claim(cite="theory §8, A_ε", keyword=Keyword.UPPER, uses=["gradient_of_approximate_point", "pairing_of_any_point"])
def value_gap_of_approximate_point():
    """A_ε, f convex: `L(A, B) − F(Y) ≤ ½εω + (γ + ½H[D_z, D_z])_+ ‖Y‖_*` for every Y and unit z, (u, v) the top pair of G."""
    return forall(
        s,
        u,
        v,
        z,
        gamma,
        C,
        D,
        Y,
        given=[convex(f), approximate, singular_pair(G, 1, u, v), distinct(z, 0)],
        then=le(
            L - f(Y) - lam * nuclear(Y),
            error * size / 2 + positive_part(gamma + f.hess(X)(move, move) / (2 * inner(z, z))) * nuclear(Y),
        ),
    )


@claim(cite="theory §8, B_ε", keyword=Keyword.UPPER, uses=["gradient_of_approximate_point", "pairing_of_any_point"])
def distance_of_approximate_point():
    """B_ε: `α_pair‖X−X⋆‖² ≤ ½εω + (γ + ½H[D_z, D_z])_+ ‖X⋆‖_*` for any unit z, (u, v) the top pair of G, every f and X⋆."""
    return forall(
        *symbols,
        u,
        v,
        z,
        gamma,
        C,
        D,
        given=[s.stationary_definition(), approximate, singular_pair(G, 1, u, v), distinct(z, 0)],
        then=le(
            inner(G - Gs, X - Xs),
            error * size / 2 + positive_part(gamma + f.hess(X)(move, move) / (2 * inner(z, z))) * nuclear(Xs),
        ),
    )


@claim(cite="theory §8, B_ε", keyword=Keyword.UPPER, uses=["distance_of_approximate_point"])
def distance_of_approximate_point_to_approximate_target():
    """B_ε with `−∇h(X⋆) = λS + T`, for h = f − ⟨T, ·⟩: the bound on α_pair‖X−X⋆‖² of `h + λ‖·‖_*` gains `‖T‖_F‖X−X⋆‖_F`."""
    slopes = frobenius((G - T) * B + lam * A) ** 2 + frobenius((G - T).T * A + lam * B) ** 2
    return forall(
        *symbols,
        u,
        v,
        z,
        gamma,
        C,
        D,
        T,
        given=[
            s.stationary_definition(),
            sosp(tilted - inner(T, X), of=[A, B]),
            singular_pair(G - T, 1, u, v),
            distinct(z, 0),
        ],
        then=le(
            inner(G - Gs, X - Xs),
            sqrt(slopes) * size / 2
            + positive_part(gamma + f.hess(X)(move, move) / (2 * inner(z, z))) * nuclear(Xs)
            + frobenius(T) * frobenius(X - Xs),
        ),
    )


@claim(cite="theory §8, B_ε", expect=Expect.REFUTED, keyword=Keyword.FALSE)
@example(
    **{"m": 1, "n": 1, "r": 1, "λ": 0, "γ": 0, "A": [[1]], "B": [[1]], "C": [[0]], "D": [[0]], "T": [[1]]},
    **{"X⋆": [[0]], "S": [[0]], "u": [[1]], "v": [[1]], "z": [[1]]},
    f=lambda Y: frobenius(Y) ** 2 / 2,
)
def distance_to_approximate_target_without_its_error():
    """False: B_ε without the term in T where X⋆ is only approximately stationary."""
    slopes = frobenius((G - T) * B + lam * A) ** 2 + frobenius((G - T).T * A + lam * B) ** 2
    return forall(
        *symbols,
        u,
        v,
        z,
        gamma,
        C,
        D,
        T,
        given=[
            s.stationary_definition(),
            sosp(tilted - inner(T, X), of=[A, B]),
            singular_pair(G - T, 1, u, v),
            equal(frobenius(z), 1),
        ],
        then=le(inner(G - Gs, X - Xs), sqrt(slopes) * size / 2 + bend * nuclear(Xs)),
    )


@claim(cite="theory §8, A_ε needs the term in ε", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def value_gap_without_error():
    """False: the value gap of an approximate point is bounded by the curvature term alone."""
    return forall(
        s,
        gamma,
        C,
        D,
        Y,
        given=[convex(f), approximate, equal(rank(X), 0)],
        then=le(L - f(Y) - lam * nuclear(Y), gamma * nuclear(Y)),
    )


@claim(cite="theory §8, B_ε needs the term in ε", expect=Expect.REFUTED, keyword=Keyword.FALSE)
@example(
    **{"m": 1, "n": 1, "r": 2, "λ": 1, "γ": 0, "A": [[2, 0]], "B": [[2, 0]], "C": [[4, 0]], "D": [[4, 0]]},
    **{"X⋆": [[2]], "S": [[1]], "u": [[1]], "v": [[1]], "z": [[0], [1]]},
    f=lambda Y: frobenius(Y) ** 2 / 2 - 3 * Y[0, 0],
)
def distance_without_error():
    """False: `α_pair‖X−X⋆‖² ≤ (γ + ½H[D_z, D_z])_+ ‖X⋆‖_*` at an approximate point: the distance is bounded without ε."""
    return forall(
        *symbols,
        u,
        v,
        z,
        gamma,
        C,
        D,
        given=[s.stationary_definition(), approximate, singular_pair(G, 1, u, v), equal(frobenius(z), 1)],
        then=le(inner(G - Gs, X - Xs), bend * nuclear(Xs)),
    )


@claim(cite="theory §8, Balance of approximate points", expect=Expect.REFUTED, keyword=Keyword.FALSE)
def imbalance_le_half_of_error_times_size():
    """False: the imbalance bound with half its right side."""
    bound = error * sqrt(spectral(A) ** 2 + spectral(B) ** 2)
    return forall(s, then=le(2 * lam * frobenius(A.T * A - B.T * B), bound))
