"""Gradient flow and gradient descent: rates, invariants along the process, and what is none."""

from sympy import MatrixSymbol, Rational

from verify import *

from ..judging import CANDIDATE, HELD, PROVED, REFUTED, UNKNOWN, VACUOUS, false, true

s = lora()
A, B, X, f, L, m, n, r, lam = s.A, s.B, s.X, s.f, s.L, s.m, s.n, s.r, s.decay
G = f.grad(X)
Xs, S = s.regularized_stationary()
eta = positives("η")
flow, descent = gradient_flow(L), gradient_descent(L, step=eta)
from_zero = gradient_descent(L, step=eta, start=(s.A0, zeros(n, r)))
imbalance = A.T * A - B.T * B
free = lora(decay=0)
decays = lora(decays=nonnegatives("a b"))
scaled = lora(scale=positives("c"))
k = dimensions("k")
even = lora(m=k, n=k)
M = MatrixSymbol("M", m, n)
apart = (frobenius(A) ** 2 + frobenius(B) ** 2) / 2
"""A loss that does not couple A and B."""
ALONG_A_FLOW = "states of a flow are no fractions"


@true(PROVED)
def squared_factor_along_flow():
    """d‖A‖²/dt = −2⟨A, GB⟩ − 2λ‖A‖²."""
    return always(flow, then=equal(ddt(frobenius(A) ** 2), -2 * inner(A, G * B) - 2 * lam * frobenius(A) ** 2))


@true(PROVED)
def trace_of_imbalance_along_flow():
    """At rate 2λ."""
    return always(flow, then=equal(ddt(trace(imbalance)), -2 * lam * trace(imbalance)))


@true(PROVED)
def imbalance_is_conserved_without_decay():
    """AᵀGB is the transpose of BᵀGᵀA."""
    return always(gradient_flow(free.L), then=equal(ddt(imbalance), 0))


@true(PROVED)
def one_step_of_descent():
    """A⁺ = (1 − ηλ)A − ηGB."""
    return always(descent, then=equal(after(A), (1 - eta * lam) * A - eta * G * B))


@true(PROVED)
def imbalance_along_flow_with_scale():
    """The scale cancels."""
    return always(gradient_flow(scaled.L), then=equal(ddt(imbalance), -2 * lam * imbalance))


@true(PROVED, HELD)
def norms_of_uncoupled_factors_decay():
    """d‖A‖²/dt = −2‖A‖²."""
    return always(gradient_flow(apart, of=[A, B]), then=equal(ddt(frobenius(A) ** 2), -2 * frobenius(A) ** 2))


@true(PROVED, HELD, UNKNOWN, VACUOUS, because="only the origin itself is such a start")
def origin_stays_along_descent():
    """∇L(0, 0) = 0."""
    zero = [equal(A, 0), equal(B, 0)]
    return always(descent, given=zero, then=zero)


@true(PROVED, HELD, UNKNOWN, VACUOUS, because="A = 0 is a thin set of starts")
def zero_factor_stays_of_uncoupled_loss():
    """A⁺ = (1 − η)A."""
    return always(gradient_descent(apart, step=eta, of=[A, B]), given=equal(A, 0), then=equal(A, 0))


@true(PROVED, HELD, UNKNOWN, VACUOUS, because=ALONG_A_FLOW)
def balanced_pairs_stay_balanced_along_flow():
    """d/dt of the imbalance is −2λ times itself."""
    return always(flow, given=equal(imbalance, 0), then=equal(imbalance, 0))


@true(PROVED, HELD, UNKNOWN, VACUOUS, because="stationary starts are a thin set")
def stationary_point_stays_along_descent():
    """∇L = 0 and the step adds nothing: the loss of the first state is that of the next."""
    return always(descent, given=s.fosp(), then=equal(after(L), L))


@true(HELD, PROVED)
def loss_decreases_along_flow():
    """dL/dt = −‖∇L‖²."""
    return always(flow, then=le(ddt(L), 0))


@true(HELD, PROVED, UNKNOWN, because="X⋆ beside a process needs data of its own")
def target_keeps_its_rank_along_flow():
    """rank X⋆ ≤ r comes with X⋆, along a process too."""
    return always(flow, then=le(rank(Xs), r))


@true(HELD, PROVED, UNKNOWN, because="X⋆ beside a process needs data of its own")
def witness_is_a_contraction_along_descent():
    """‖S‖ ≤ 1 comes with X⋆."""
    return always(descent, then=le(spectral(S) * nuclear(Xs), nuclear(Xs)))


@true(HELD, PROVED)
def decay_shrinks_of_zero_loss():
    """A⁺ = (1 − ηλ)A, in both factors: ‖A⁺‖ ≤ ‖A‖ for ηλ ≤ 1."""
    idle = gradient_descent(lam * apart, step=eta, of=[A, B])
    return always(idle, given=le(eta * lam, 1), then=le(frobenius(after(A)), frobenius(A)))


# False ----------------------------------------------------------------------------------------------------------------


@false(REFUTED)
def zero_factor_stays_along_descent():
    """f = y, B = 1: A⁺ = −η."""
    return always(descent, given=equal(A, 0), then=equal(A, 0))


@false(REFUTED)
def other_zero_factor_stays_along_descent():
    """f = y, A = 1."""
    return always(descent, given=equal(B, 0), then=equal(B, 0))


@false(REFUTED, CANDIDATE, UNKNOWN, because=ALONG_A_FLOW)
def zero_factor_stays_along_flow():
    """f = y, B = 1."""
    return always(flow, given=equal(A, 0), then=equal(A, 0))


@false(REFUTED, CANDIDATE, UNKNOWN, because=ALONG_A_FLOW)
def other_zero_factor_stays_along_flow_without_decay():
    """f = y, A = 1."""
    return always(gradient_flow(free.L), given=equal(B, 0), then=equal(B, 0))


@false(REFUTED)
def zero_factor_has_no_speed():
    """f = y, B = 1: dA/dt = −1."""
    return always(flow, given=equal(A, 0), then=equal(ddt(A), 0))


@false(REFUTED)
def zero_update_stays_along_descent():
    """f = y, A = 1, B = 0: B⁺ = −η."""
    return always(descent, given=equal(X, 0), then=equal(X, 0))


@false(REFUTED)
def balanced_pairs_stay_balanced_along_descent():
    """A = (1, 0), B = 1, G = (0, 1): the imbalance becomes η²."""
    return always(descent, given=equal(imbalance, 0), then=equal(imbalance, 0))


@false(REFUTED)
def unit_ball_is_invariant_along_descent():
    """f = y, A = 0, B = 1, η = 2."""
    return always(descent, given=le(frobenius(A), 1), then=le(frobenius(A), 1))


@false(REFUTED)
def rank_one_is_invariant_along_descent():
    """A = I, B = E₁₁, r = 2, G = I: B⁺ has rank 2."""
    return always(descent, given=le(rank(X), 1), then=le(rank(X), 1))


@false(REFUTED)
def sublevel_set_is_invariant_along_descent():
    """f = y²/2, A = B = 1, λ = 0: L = ½; η = 3 gives A⁺ = B⁺ = −2 and L = 8."""
    return always(descent, given=le(L, 1), then=le(L, 1))


@false(REFUTED)
def equal_factors_stay_equal_along_descent():
    """G = E₁₂, A = B = e₂: A⁺ ≠ B⁺."""
    walk = gradient_descent(even.L, step=eta)
    return always(walk, given=equal(even.A, even.B), then=equal(even.A, even.B))


@false(REFUTED)
def nonnegative_entry_stays_nonnegative_along_descent():
    """f = y, A = 0, B = 1."""
    return always(descent, given=le(0, entry(A, 0, 0)), then=le(0, entry(A, 0, 0)))


@false(REFUTED)
def symmetric_update_stays_symmetric_along_descent():
    """A = B = 0 but in one entry: A = B = e₁, G = E₂₁: X⁺ is not symmetric."""
    walk = gradient_descent(even.L, step=eta)
    return always(walk, given=equal(even.X, even.X.T), then=equal(even.X, even.X.T))


@false(REFUTED)
def imbalance_decays_with_one_of_two_decays():
    """A = 0, B = 1, a = 0, b = 1: d/dt(−1) = 2, not 0."""
    return always(gradient_flow(decays.L), then=equal(ddt(imbalance), -2 * decays.decay_A * imbalance))


@false(REFUTED)
def imbalance_decays_with_the_mean_of_two_decays():
    """A = 0, B = 1, a = 0, b = 1: 2, not 1."""
    mean = (decays.decay_A + decays.decay_B) / 2
    return always(gradient_flow(decays.L), then=equal(ddt(imbalance), -2 * mean * imbalance))


@false(REFUTED)
def squared_imbalance_decays_at_half_its_rate():
    """It is −4λ."""
    return always(flow, then=equal(ddt(frobenius(imbalance) ** 2), -2 * lam * frobenius(imbalance) ** 2))


@false(REFUTED)
def imbalance_decays_with_the_scale():
    """The scale cancels: A = 1, B = 0, λ = 1, scale 2."""
    return always(gradient_flow(scaled.L), then=equal(ddt(imbalance), -2 * lam * scaled.scale * imbalance))


@false(REFUTED)
def step_without_decay():
    """A = 1, λ = 1, f = 0."""
    return always(descent, then=equal(after(A), A - eta * G * B))


@false(REFUTED)
def step_with_transposed_gradient():
    """G = E₁₂, B = e₁: GB = 0, GᵀB = e₂."""
    slope = even.f.grad(even.X)
    walk = gradient_descent(even.L, step=eta)
    return always(walk, then=equal(after(even.A), (1 - eta * lam) * even.A - eta * slope.T * even.B))


@false(REFUTED)
def factor_shrinks_along_descent():
    """f = y, A = 0, B = 1."""
    return always(descent, then=le(frobenius(after(A)), frobenius(A)))


@false(REFUTED)
def loss_decreases_by_one_half_of_the_gradient_only():
    """It is minus the sum over both factors."""
    return always(flow, then=equal(ddt(L), -(frobenius(G * B + lam * A) ** 2)))


@false(REFUTED)
def update_follows_the_full_gradient():
    """A = B = 0: X stays, and G = 1."""
    return always(flow, then=equal(ddt(X), -G))


@false(REFUTED)
def update_never_grows_along_flow():
    """f = −y, A = B = 1, λ = 0."""
    return always(flow, then=le(ddt(frobenius(X) ** 2), 0))


@false(REFUTED)
def rank_never_grows_in_a_step():
    """A = I, B = E₁₁, G = I."""
    return always(descent, then=le(after(rank(X)), rank(X)))


@false(REFUTED)
def rank_stays_one_from_zero_initialization():
    """A₀ = I, G = I: B⁺ = −ηI."""
    return always(from_zero, then=le(rank(X), 1))


@false(REFUTED, CANDIDATE, UNKNOWN, because="it needs a curvature above 2000, from large factors or a steep f")
def small_steps_never_increase_the_loss():
    """f = 10⁴y²/2, A = B = 1, λ = 0, η = 1/1000: A⁺ = B⁺ = −9."""
    return always(descent, given=le(eta, Rational(1, 1000)), then=le(after(L), L))


@false(REFUTED)
def penalty_decreases_along_flow():
    """f = −y, A = B = 1, λ = 0."""
    return always(flow, then=le(ddt(frobenius(A) ** 2 + frobenius(B) ** 2), 0))


@false(REFUTED)
def balanced_start_from_zero_initialization():
    """A₀ = 1, B₀ = 0."""
    return always(from_zero, then=equal(imbalance, 0))


@false(REFUTED)
def descent_reaches_what_flow_says_of_the_imbalance():
    """One step has a term in η²: A = (1, 0), B = 1, G = (0, 1), λ = 0."""
    return always(descent, then=equal(after(imbalance), (1 - 2 * eta * lam) * imbalance))
