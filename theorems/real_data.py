"""The theory on real data that scikit-learn bundles: digits, breast cancer, a network; trained with LoRA, then polished.

Main definitions
    (A, B) is the polished end of training from B = 0 (`zero`) or from large Gaussian factors (`large`); X⋆ is stationary for
    `f + λ‖·‖_*` and is computed independently. f is the mean softmax cross-entropy of `Z(W₀ + X)` on the handwritten digits
    (64×10, `W₀` pre-trained on the digits 0–4); logistic regression on the breast-cancer data (10×3); or the cross-entropy
    of a two-layer tanh network on digits as a function of its first layer's update (64×8), where f is not convex.

Main statements
    Balance, the SVD form, the pairing and the nuclear norm at the trained point; rank 4 ends rank-deficient, so Theorem A
    makes it X⋆; rank 2 is below the rank of X⋆ and ends at full rank, where Theorem B is tested. Likewise for the two other
    problems. Every row prints the branch, α_pair, β_dir, all terms of Theorem B, the effective rank and the distance to X⋆;
    `verify experiment` prints them as a table. Whole runs, from A Gaussian with variance 1/r and B = 0 or from large factors:
    the bounds for approximate points (A_ε, B_ε, balance) at every step of descent with line search, with measured `ε = ‖∇L‖`
    and `γ = (−λ_min(∇²L))_+`; and confinement at every step of descent and along gradient flow.

Notation
    Theory §0. `digits` and `narrow` are the same problem with LoRA rank 4 and 2; `wide_…` and `narrow_…` likewise.

Implementation notes
    A claim on data whose branch the trained point is not on comes out VACUOUS, and is `Expect.OPEN` with a comment. The
    claims about X⋆ bind their symbols one by one, because binding the setting would add `rank X⋆ ≤ r`, false for `narrow`.
    On these data, at these ranks and weights, a large start ends at the same point as a small one:
    `verify.points.analysis.experiment` has a loss where it does not.

References
    Theory §2, §3 (Theorem A), §4 (Theorem B), §6 (Confinement), §8 (A_ε, B_ε).

Tags
    real data, handwritten digits, breast cancer, softmax regression, logistic regression, two-layer network, dichotomy,
    approximate stationarity, confinement
"""

from first_order import (
    balanced_of_stationary,
    gradient_acts_as_minus_lambda_on_singular_spaces,
    pairing_of_stationary,
    singular_values_of_gradient_reach_decay,
)
from implicit_bias import (
    confined,
    distance_of_approximate_point,
    flow,
    imbalance_le_error_times_size,
    nuclear_norm_confined_of_monotone,
    value_gap_of_approximate_point,
)
from low_rank import gradient_in_subdifferential_of_rank_deficient
from nuclear_norm import nuclear_eq_penalty_of_stationary

from verify import *

s = lora()
A, B, X, f, r, lam = s.A, s.B, s.X, s.f, s.r, s.decay
Xs, S = s.regularized_stationary()
G, Gs = f.grad(X), f.grad(Xs)
symbols = (A, B, f, lam, Xs, S)
alpha = positives("α")
sosp, target = [s.sosp(), lt(0, lam)], s.stationary_definition()
pairing = inner(G - Gs, X - Xs)

digits = dataset("digits", rank=4, init="zero")
narrow = dataset("digits", rank=2, init="zero")
wide_cancer = dataset("cancer", rank=3, init="zero")
large_cancer = dataset("cancer", rank=2, init="large")
narrow_cancer = dataset("cancer", rank=1, init="zero")
wide_network = dataset("network", rank=5, init="zero")
narrow_network = dataset("network", rank=2, init="zero")
large_network = dataset("network", rank=2, init="large")


@claim(cite="theory §3, Theorem A", keyword=Keyword.UPPER)
def pairing_nonpositive_of_rank_deficient():
    """At a rank-deficient second-order point `⟨∇f(X) − ∇f(X⋆), X − X⋆⟩ ≤ 0`, whatever f is."""
    return forall(*symbols, given=[*sosp, target, lt(rank(X), r)], then=le(pairing, 0))


@claim(cite="theory §3, Theorem A, uniqueness", keyword=Keyword.TIGHT)
def update_eq_target_of_rank_deficient():
    """A rank-deficient second-order point is X⋆, and has its rank, where α_pair > 0 (that is, α_pair ≥ α for some α > 0)."""
    return forall(
        *symbols,
        alpha,
        given=[*sosp, target, lt(rank(X), r), le(alpha * frobenius(X - Xs) ** 2, pairing)],
        then=[equal(X, Xs), equal(rank(X), rank(Xs))],
    )


@claim(cite="theory §3, Theorem A", keyword=Keyword.TIGHT)
def full_rank_or_gradient_le_decay():
    """A second-order point has full rank r, or `‖G‖_op ≤ λ`."""
    return forall(s, given=sosp, then=either(equal(rank(X), r), le(spectral(G), lam)))


@claim(cite="theory §4, Theorem B, first inequalities", keyword=Keyword.UPPER)
def pairing_le_excess_times_block():
    """At a full-rank second-order point `⟨G − ∇f(X⋆), X − X⋆⟩ ≤ (‖G_⊥‖_op − λ)_+ ‖P_U^⊥X⋆P_V^⊥‖_*`."""
    excess = positive_part(spectral(off_block(G, X)) - lam)
    return forall(
        *symbols,
        given=[*sosp, target, distinct(X, Xs), equal(rank(X), r)],
        then=le(pairing, excess * nuclear(off_block(Xs, X))),
    )


u, v = matrices("u", s.m, 1), matrices("v", s.n, 1)
u_r, v_r = matrices("u_r", s.m, 1), matrices("v_r", s.n, 1)


@claim(cite="theory §4, Theorem B", keyword=Keyword.UPPER)
def pairing_le_curvature_times_block():
    """Theorem B, last bound, any rank of X⋆: `α_pair‖X−X⋆‖² ≤ (β_dir)_+ σ_r(X) ‖P_U^⊥X⋆P_V^⊥‖_*` at a full-rank point."""
    curve = u_r * v.T - u * v_r.T
    return forall(
        *symbols,
        u,
        v,
        u_r,
        v_r,
        given=[
            *sosp,
            target,
            distinct(X, Xs),
            equal(rank(X), r),
            lt(0, spectral(off_block(G, X))),
            singular_pair(off_block(G, X), 1, u, v),
            singular_pair(X, r, u_r, v_r),
        ],
        then=le(pairing, positive_part(f.hess(X)(curve, curve) / 2) * sigma(X, r) * nuclear(off_block(Xs, X))),
    )


digits_balanced = on(balanced_of_stationary, source=digits)
digits_pairing = on(pairing_of_stationary, source=digits)
digits_svd_form = on(gradient_acts_as_minus_lambda_on_singular_spaces, source=digits)
digits_gradient_reaches_decay = on(singular_values_of_gradient_reach_decay, source=digits)
digits_nuclear_norm_is_penalty = on(nuclear_eq_penalty_of_stationary, source=digits)
digits_theorem_a = on(gradient_in_subdifferential_of_rank_deficient, source=digits)
# X = X⋆ to rounding level, so the pairing in the next two is a rounding error: the equality X = X⋆ is what they show.
digits_pairing_nonpositive = on(pairing_nonpositive_of_rank_deficient, source=digits)
digits_update_is_target = on(update_eq_target_of_rank_deficient, source=digits)
digits_dichotomy = on(full_rank_or_gradient_le_decay, source=digits)
# Rank 4 ends on the rank-deficient branch, at X⋆: vacuous here, active for `narrow`.
digits_theorem_b = on(pairing_le_excess_times_block, source=digits, expect=Expect.OPEN)

narrow_balanced = on(balanced_of_stationary, source=narrow)
narrow_svd_form = on(gradient_acts_as_minus_lambda_on_singular_spaces, source=narrow)
narrow_dichotomy = on(full_rank_or_gradient_le_decay, source=narrow)
narrow_theorem_b = on(pairing_le_excess_times_block, source=narrow)
# Rank 2 ends at full rank: vacuous here, active for `digits`.
narrow_theorem_a = on(gradient_in_subdifferential_of_rank_deficient, source=narrow, expect=Expect.OPEN)

cancer_balanced = on(balanced_of_stationary, source=wide_cancer)
cancer_svd_form = on(gradient_acts_as_minus_lambda_on_singular_spaces, source=wide_cancer)
cancer_theorem_a = on(gradient_in_subdifferential_of_rank_deficient, source=wide_cancer)
cancer_update_is_target = on(update_eq_target_of_rank_deficient, source=wide_cancer)
cancer_large_start_dichotomy = on(full_rank_or_gradient_le_decay, source=large_cancer)
cancer_theorem_b = on(pairing_le_excess_times_block, source=narrow_cancer)

network_balanced = on(balanced_of_stationary, source=wide_network)
network_theorem_a = on(gradient_in_subdifferential_of_rank_deficient, source=wide_network)
network_update_is_target = on(update_eq_target_of_rank_deficient, source=wide_network)
network_theorem_b = on(pairing_le_excess_times_block, source=narrow_network)
network_large_start_theorem_b = on(pairing_le_excess_times_block, source=large_network)


# Whole runs: each claim is read at the start and after every step.
digits_run = training("digits", rank=2, init="zero", steps=30)
digits_large_run = training("digits", rank=2, init="large", steps=30)
cancer_run = training("cancer", rank=3, init="zero", steps=60)
cancer_large_run = training("cancer", rank=2, init="large", steps=60)
network_run = training("network", rank=2, init="zero", steps=30)
network_large_run = training("network", rank=2, init="large", steps=30)

digits_value_gap_along_training = on(value_gap_of_approximate_point, source=digits_run)
digits_large_start_value_gap_along_training = on(value_gap_of_approximate_point, source=digits_large_run)
cancer_value_gap_along_training = on(value_gap_of_approximate_point, source=cancer_run)
cancer_large_start_value_gap_along_training = on(value_gap_of_approximate_point, source=cancer_large_run)

digits_distance_along_training = on(distance_of_approximate_point, source=digits_run)
digits_large_start_distance_along_training = on(distance_of_approximate_point, source=digits_large_run)
cancer_distance_along_training = on(distance_of_approximate_point, source=cancer_run)
cancer_large_start_distance_along_training = on(distance_of_approximate_point, source=cancer_large_run)
network_distance_along_training = on(distance_of_approximate_point, source=network_run)
network_large_start_distance_along_training = on(distance_of_approximate_point, source=network_large_run)

digits_balance_along_training = on(imbalance_le_error_times_size, source=digits_run)
digits_large_start_balance_along_training = on(imbalance_le_error_times_size, source=digits_large_run)
cancer_balance_along_training = on(imbalance_le_error_times_size, source=cancer_run)
network_balance_along_training = on(imbalance_le_error_times_size, source=network_run)

# Active at every state: so descent with line search has met the assumption L ≤ L₀ at every step.
digits_confined_along_descent = on(nuclear_norm_confined_of_monotone, source=digits_run)
cancer_confined_along_descent = on(nuclear_norm_confined_of_monotone, source=cancer_run)
network_confined_along_descent = on(nuclear_norm_confined_of_monotone, source=network_run)


@claim(
    cite="theory §6, Confinement",
    keyword=Keyword.UPPER,
    uses=["implicit_bias.loss_decreases_along_gradient_flow", "nuclear_norm.nuclear_le_half_of_squared_factors"],
    source=training("digits", rank=2, method="flow", steps=40),
)
def digits_confined_along_flow():
    """Along gradient flow from (A₀, 0), on the digits, `‖X_t‖_* ≤ ½(‖A_t‖² + ‖B_t‖²) ≤ (f(0) − f(X_t))/λ + ½‖A₀‖²`."""
    return always(flow, given=lt(0, lam), then=confined)


cancer_confined_along_flow = on(digits_confined_along_flow, source=training("cancer", rank=2, method="flow", steps=40))
network_confined_along_flow = on(digits_confined_along_flow, source=training("network", rank=2, method="flow", steps=40))
