"""Verdicts of whole claims: true, false, vacuous, undecided; degenerate shapes and data; planted false variants."""

from __future__ import annotations

import warnings

import pytest
import sympy as sp

from verify import *
from verify.kernel import check as kernel_check
from verify.runner.verdicts import Held, Proved, Refuted

m, n, r = dimensions("m n r")
P, Q = matrices("P Q", m, n)
K, T = matrices("K T", n, n)
t, u = scalars("t u")
s = lora()
A, B, X, f, L, lam = s.A, s.B, s.X, s.f, s.L, s.decay
G = f.grad(X)
eta = positives("η")
M = sp.MatrixSymbol("M", s.m, s.n)
fit = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2)
flow = gradient_flow(L, start=(s.A0, zeros(s.n, s.r)))

TRUE = {
    "cauchy_schwarz": lambda: forall(P, Q, then=le(inner(P, Q), frobenius(P) * frobenius(Q))),
    "weyl": lambda: forall(P, Q, given=[le(2, m), le(2, n)], then=le(sigma(P + Q, 2), sigma(P, 2) + sigma(Q, 1))),
    "determinant_of_product": lambda: forall(K, T, then=equal(det(K * T), det(K) * det(T))),
    "softmax_rows_sum_to_one": lambda: forall(P, then=equal(softmax(P) * ones(n, 1), ones(m, 1))),
    "exponential_above_tangent": lambda: forall(t, then=le(1 + t, sp.exp(t))),
    "orthogonal_invariance": lambda: forall(P, K, given=equal(K.T * K, identity(n)), then=equal(nuclear(P * K), nuclear(P))),
    "least_eigenvalue_below_mean": lambda: forall(K, given=equal(K, K.T), then=le(n * lambda_min(K), trace(K))),
    "balanced_is_optimal": lambda: forall(
        s, given=equal(A.T * A, B.T * B), then=equal(nuclear(X), frobenius(A) * frobenius(B))
    ),
    "gradient_at_least_decay": lambda: forall(s, given=[s.fosp(), lt(0, lam), distinct(X, 0)], then=le(lam, spectral(G))),
    "loss_decreases_along_flow": lambda: always(gradient_flow(L), then=le(ddt(L), 0)),
    "convex_hessian_form": lambda: forall(s, given=convex(f), then=le(0, f.hess(X)(X, X))),
    "either": lambda: forall(t, then=either(le(t, 0), lt(0, t))),
    "concrete_loss": lambda: forall(fit, M, given=[fit.fosp(), lt(0, lam)], then=le(lam * rank(X), nuclear(M))),
}

FALSE = {
    "nuclear_le_frobenius": lambda: forall(P, then=le(nuclear(P), frobenius(P))),
    "constant_too_small": lambda: forall(P, Q, then=le(inner(P, Q), sp.Rational(99, 100) * frobenius(P) * frobenius(Q))),
    "determinant_additive": lambda: forall(K, T, then=equal(det(K + T), det(K) + det(T))),
    "exponential_above_parabola": lambda: forall(t, then=le(1 + t + t**2 / 3, sp.exp(t))),
    "strict_at_zero": lambda: forall(P, then=lt(0, frobenius(P))),
    "orthogonal_has_full_trace": lambda: forall(K, given=equal(K.T * K, identity(n)), then=equal(trace(K), n)),
    "symmetric_is_psd": lambda: forall(K, given=equal(K, K.T), then=le(0, lambda_min(K))),
    "balance_without_decay": lambda: forall(s, given=s.fosp(), then=equal(A.T * A, B.T * B)),
    "balance_with_wrong_factor": lambda: forall(s, given=[s.fosp(), lt(0, lam)], then=equal(A.T * A, 2 * B.T * B)),
    "stationary_is_zero": lambda: forall(fit, M, given=fit.fosp(), then=equal(A, 0)),
    "flow_at_wrong_rate": lambda: always(flow, then=equal(ddt(A.T * A - B.T * B), -3 * lam * (A.T * A - B.T * B))),
    "descent_decreases_loss": lambda: always(gradient_descent(L, step=eta), then=le(after(L), L)),
    "start_keeps_B_small": lambda: always(
        gradient_descent(L, step=eta, start=(s.A0, zeros(s.n, s.r))), then=le(frobenius(B), frobenius(A))
    ),
    "gap_between": lambda: forall(t, then=either(le(t, 0), lt(1, t))),
    "parameter_family": lambda: forall(P, then=le(parameter("c", above=1) * spectral(P), frobenius(P))),
    "tiny_strengthening": lambda: forall(t, u, then=le(sp.Rational(20001, 10000) * t * u, t**2 + u**2)),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_claims_hold_with_active_instances(name: str) -> None:
    result = check(TRUE[name]())
    assert isinstance(result.payload, Held | Proved), result
    if isinstance(result.payload, Held):
        assert result.coverage.n >= 10_000
        assert result.coverage.n_active >= 1_000
        assert result.coverage.n_undecided == 0


@pytest.mark.parametrize("name", FALSE)
def test_false_claims_are_refuted_by_an_accepted_certificate(name: str) -> None:
    result = check(FALSE[name]())
    assert isinstance(result.payload, Refuted), result
    assert kernel_check(result.certificate).accepted
    assert max(result.certificate["dims"].values(), default=1) <= 3


def test_identities_are_proved_for_all_sizes() -> None:
    for formula in (
        forall(P, Q, then=equal(trace(P.T * Q), trace(Q * P.T))),
        forall(s, given=[s.fosp(), lt(0, lam)], then=equal(A.T * A, B.T * B)),
        always(flow, then=equal(ddt(A.T * A - B.T * B), -2 * lam * (A.T * A - B.T * B))),
    ):
        result = check(formula)
        assert isinstance(result.payload, Proved)
        assert result.payload.scope.startswith("all ")
        assert kernel_check(result.certificate).accepted


def test_assumptions_along_a_process_are_about_the_start() -> None:
    descent = gradient_descent(L, step=eta, start=(s.A0, zeros(s.n, s.r)))
    result = check(always(descent, given=equal(B, 0), then=equal(B, 0)))
    assert isinstance(result.payload, Refuted)
    assert result.certificate["steps"] >= 1


@pytest.mark.parametrize(
    "formula",
    [
        forall(P, given=lt(frobenius(P), 0), then=equal(P, 0)),
        forall(P, given=lt(nuclear(P), spectral(P)), then=le(1, 0)),
        forall(P, given=[le(frobenius(P), 1), lt(2, spectral(P))], then=equal(P, 0)),
    ],
)
def test_a_branch_that_is_never_reached_is_vacuous(formula: object) -> None:
    assert check(formula).verdict is Verdict.VACUOUS


def test_what_needs_second_order_points_says_so() -> None:
    result = check(forall(s, given=s.sosp(), then=le(spectral(G), 2 * lam)))
    assert result.verdict in (Verdict.UNKNOWN, Verdict.HELD, Verdict.REFUTED)
    if result.verdict is Verdict.UNKNOWN:
        assert "second-order" in result.summary


def test_undefined_conclusions_are_not_called_held() -> None:
    assert check(forall(K, then=le(trace(inverse(K - K)), 1))).verdict is Verdict.UNKNOWN


def test_fixed_and_degenerate_shapes() -> None:
    one = lora(m=1, n=1, r=1)
    wide = lora(m=2, n=2, r=5)
    for setting in (one, wide):
        formula = forall(setting, then=le(nuclear(setting.X), frobenius(setting.A) * frobenius(setting.B)))
        assert check(formula).verdict is Verdict.HELD
    assert check(forall(wide, then=le(rank(wide.X), 1))).verdict is Verdict.REFUTED
    assert check(forall(one, then=equal(nuclear(one.X), frobenius(one.X)))).verdict in (Verdict.HELD, Verdict.PROVED)


def test_existence_is_proved_by_an_instance() -> None:
    found = check(exists(P, Q, such_that=[lt(nuclear(P + Q), nuclear(P)), lt(frobenius(P), frobenius(Q))]))
    assert isinstance(found.payload, Proved)
    assert kernel_check(found.certificate).accepted
    given = check(exists(P, such_that=equal(rank(P), 2), witness={P: [[1, 1], [1, -1]]}))
    assert isinstance(given.payload, Proved)
    wrong = check(exists(P, such_that=equal(rank(P), 2), witness={P: [[1, 1], [1, 1]]}))
    assert wrong.verdict is Verdict.UNKNOWN
    assert check(exists(P, such_that=lt(nuclear(P), spectral(P)))).verdict is Verdict.UNKNOWN


def test_a_perturbation_of_one_part_in_1e16_flips_the_exact_reading() -> None:
    square = sp.MatrixSymbol("P", n, n)
    exact = exists(square, such_that=equal(trace(square), 1), witness={square: [[1, 0], [0, 0]]})
    moved = exists(square, such_that=equal(trace(square), 1), witness={square: [[sp.Rational(10**16 + 1, 10**16), 0], [0, 0]]})
    assert check(exact).verdict is Verdict.PROVED
    assert check(moved).verdict is Verdict.UNKNOWN


def test_the_same_seed_gives_the_same_result() -> None:
    for make in (TRUE["weyl"], FALSE["nuclear_le_frobenius"]):
        first, second = check(make(), seed=3), check(make(), seed=3)
        assert first.payload == second.payload


def test_results_show_themselves() -> None:
    result = check(FALSE["nuclear_le_frobenius"]())
    assert "REFUTED" in repr(result)
    assert "<b>REFUTED</b>" in result._repr_html_()


def test_wrong_use_of_check_is_an_error() -> None:
    with pytest.raises(ClaimError, match="profile"):
        check(forall(P, then=le(0, nuclear(P))), profile="huge")
    with pytest.raises(ClaimError, match="takes a claim"):
        check(3)


def test_a_bound_by_a_large_constant_is_refuted() -> None:
    for false in (forall(t, then=le(t, 10**6)), forall(P, then=le(frobenius(P), 10**7))):
        assert isinstance(check(false).payload, Refuted)


def test_a_claim_about_points_that_no_size_allows_is_vacuous() -> None:
    @claim
    def none() -> object:
        """With r ≥ min(m, n) strong convexity leaves no spurious point."""
        s = lora()
        Xs, _ = s.regularized_stationary()
        al, be = positives("α β")
        wide = le(minimum(s.m, s.n), s.r)
        given = [uniform_curvature(s.f, al, be), wide, s.sosp(), distinct(s.X, Xs)]
        return forall(s, Xs, al, be, given=given, then=equal(s.X, Xs))

    assert check(none).verdict is Verdict.VACUOUS


def test_without_strong_convexity_a_second_order_point_need_not_be_the_target() -> None:
    @claim
    def unique() -> object:
        """False: flat directions leave room."""
        s = lora()
        Xs, _ = s.regularized_stationary()
        return forall(s, Xs, given=[convex(s.f), s.sosp(), lt(rank(s.X), s.r)], then=equal(s.X, Xs))

    result = check(unique)
    assert isinstance(result.payload, Refuted)
    assert kernel_check(result.payload.certificate).accepted


def test_numbers_beyond_the_range_of_floats_print_no_warnings() -> None:
    scaled = lora(scale=positives("c"))
    deficient = [scaled.sosp(), lt(rank(scaled.A * scaled.B.T), scaled.r)]
    bound = le(spectral(scaled.f.grad(scaled.X)), scaled.nuclear_weight)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", RuntimeWarning)
        result = check(forall(scaled, given=deficient, then=bound))
    assert isinstance(result.payload, Held)
    assert not [w for w in seen if issubclass(w.category, RuntimeWarning)]
