"""Claims along a process that may start anywhere: assumptions are about the start, the conclusion about every state."""

from __future__ import annotations

import pytest
import sympy as sp

from verify import *
from verify.calculus.identities import prove_zero
from verify.certificates.build import identity_certificate
from verify.kernel import check as kernel_check
from verify.language.formulas import Formula
from verify.runner.proving import goals_of, hypotheses_of, prove_identity
from verify.runner.verdicts import Held, Proved, Refuted

s = lora()
A, B, X, L, lam = s.A, s.B, s.X, s.L, s.decay
B0 = sp.MatrixSymbol("B0", s.n, s.r)
eta, size = positives("η p")
t, w = scalars("t w")
descent, flow = gradient_descent(L, step=eta), gradient_flow(L)
from_given = gradient_flow(L, start=(s.A0, B0))
shrinking = gradient_descent(t**2 / 2, of=[t], step=size)

BROKEN_BY_DESCENT = {
    "one_factor_at_zero": lambda: always(descent, given=equal(A, 0), then=equal(A, 0)),
    "other_factor_at_zero": lambda: always(descent, given=equal(B, 0), then=equal(B, 0)),
    "balance": lambda: always(descent, given=equal(A.T * A, B.T * B), then=equal(A.T * A, B.T * B)),
    "update_at_zero": lambda: always(descent, given=equal(X, 0), then=equal(X, 0)),
    "one_step_of_each_state": lambda: always(descent, given=equal(B, 0), then=equal(after(A), (1 - eta * lam) * A)),
    "norm_stays_below": lambda: always(descent, given=le(frobenius(A), 1), then=le(frobenius(A), 1)),
    "rank_stays": lambda: always(descent, given=equal(rank(A), 0), then=equal(rank(A), 0)),
    "scalar_changes_sign": lambda: always(shrinking, given=[le(0, t), le(size, 2)], then=le(0, t)),
}
BROKEN_BY_FLOW = {
    "one_factor_at_zero": lambda: always(flow, given=equal(A, 0), then=equal(A, 0)),
    "norm_stays_below": lambda: always(flow, given=le(frobenius(A), 1), then=le(frobenius(A), 1)),
    "rank_of_a_factor": lambda: always(flow, given=equal(rank(A), 1), then=equal(rank(A), 1)),
    "rate_at_the_start_only": lambda: always(flow, given=equal(A, 0), then=equal(ddt(B), -lam * B)),
    "start_given": lambda: always(from_given, given=equal(s.A0, 0), then=equal(A, 0)),
}
TRUE = {
    "both_at_zero_under_descent": lambda: always(
        descent, given=[equal(A, 0), equal(B, 0)], then=both(equal(A, 0), equal(B, 0))
    ),
    "both_at_zero_under_flow": lambda: always(flow, given=[equal(A, 0), equal(B, 0)], then=equal(X, 0)),
    "balance_under_flow": lambda: always(flow, given=equal(A.T * A, B.T * B), then=equal(A.T * A, B.T * B)),
    "balance_from_a_start": lambda: always(from_given, given=equal(s.A0.T * s.A0, B0.T * B0), then=equal(A.T * A, B.T * B)),
    "equal_norms_under_flow": lambda: always(
        flow, given=equal(frobenius(A), frobenius(B)), then=equal(frobenius(A), frobenius(B))
    ),
    "stationary_points_stay": lambda: always(descent, given=s.fosp(), then=equal(after(X), X)),
    "each_state_anew": lambda: always(descent, then=either(distinct(B, 0), equal(after(A), (1 - eta * lam) * A))),
    "short_steps_keep_the_sign": lambda: always(shrinking, given=[le(0, t), le(size, 1)], then=le(0, t)),
    "two_scalars_balanced": lambda: always(
        gradient_flow(t**2 * w**2 / 2, of=[t, w]), given=equal(t**2, w**2), then=equal(t**2, w**2)
    ),
}


@pytest.mark.parametrize("name", BROKEN_BY_DESCENT)
def test_an_invariance_that_descent_breaks_is_refuted_exactly(name: str) -> None:
    result = check(BROKEN_BY_DESCENT[name]())
    assert isinstance(result.payload, Refuted), result
    assert result.certificate["steps"] >= 1
    assert kernel_check(result.certificate).accepted


@pytest.mark.parametrize("name", BROKEN_BY_FLOW)
def test_an_invariance_that_flow_breaks_is_never_held(name: str) -> None:
    assert check(BROKEN_BY_FLOW[name]()).verdict in (Verdict.CANDIDATE, Verdict.UNKNOWN, Verdict.REFUTED)


@pytest.mark.parametrize("name", TRUE)
def test_a_true_invariance_holds_along_the_process(name: str) -> None:
    result = check(TRUE[name]())
    assert isinstance(result.payload, Held | Proved), result
    if isinstance(result.payload, Held):
        assert result.coverage.n_active >= 1_000
        assert result.coverage.n_undecided == 0


@pytest.mark.parametrize(
    "formula",
    [
        always(descent, given=equal(A, 0), then=equal(A, 0)),
        always(flow, given=equal(A.T * A, B.T * B), then=equal(A.T * A, 2 * B.T * B - A.T * A)),
        always(flow, given=[equal(A, 0), equal(B, 0)], then=equal(ddt(B), -lam * B)),
        always(flow, given=s.fosp(), then=equal(ddt(A), 0)),
    ],
)
def test_what_holds_at_the_start_proves_nothing_later(formula: Formula) -> None:
    assert prove_identity(formula) is None
    goals, known = goals_of(formula), hypotheses_of(formula)
    proofs = [p for g in goals if (p := prove_zero(g, known, [])) is not None]
    assert len(proofs) == len(goals)
    report = kernel_check(identity_certificate(formula, proofs))
    assert not report.accepted


def test_an_assumption_about_what_does_not_move_proves_as_before() -> None:
    still = always(gradient_flow(L), given=equal(lam, 0), then=equal(ddt(A.T * A - B.T * B), 0))
    assert check(still).verdict is Verdict.PROVED
