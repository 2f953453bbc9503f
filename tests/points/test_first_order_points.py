"""First-order points where they must be searched for, X⋆ = 0, and problems chosen for assumptions that few points meet."""

from __future__ import annotations

import sympy as sp

from verify import *
from verify.runner.verdicts import Held, Proved, Refuted, Unknown

s = lora()
A, B, X, f, m, n, r, lam = s.A, s.B, s.X, s.f, s.m, s.n, s.r, s.decay
Xs, S = s.regularized_stationary()
al, be = positives("α β")
bounds = uniform_curvature(f, al, be)
ring = lora(loss=lambda Y: (frobenius(Y) ** 2 - 1) ** 2)
Z = sp.MatrixSymbol("Z", m, m)
logistic = lora(loss=lambda Y: trace(ones(n, m) * elementwise("softplus", Z * Y)))


def test_first_order_points_need_not_be_the_target() -> None:
    result = check(forall(s, Xs, al, be, given=[bounds, s.fosp(), lt(0, lam)], then=equal(X, Xs)))
    assert isinstance(result.payload, Refuted)


def test_first_order_points_are_zero_padded_and_second_order_ones() -> None:
    below = le(f(X) + lam * nuclear(X), f(Xs) + lam * nuclear(Xs))
    result = check(forall(s, Xs, given=[convex(f), s.fosp(), le(spectral(f.grad(X)), lam)], then=below))
    assert isinstance(result.payload, Held)
    branches = result.coverage.branches
    assert any(b.startswith("of smaller rank") for b in branches)
    assert any(b.startswith("full-rank") for b in branches)


def test_zero_is_a_first_order_point_of_a_loss_written_out() -> None:
    result = check(forall(ring, given=ring.fosp(), then=equal(frobenius(ring.X), 1)))
    assert isinstance(result.payload, Refuted)
    assert "A=[0], B=[0]" in result.summary


def test_balance_holds_at_first_order_points_of_a_logistic_loss() -> None:
    balance = equal(logistic.A.T * logistic.A, logistic.B.T * logistic.B)
    assert isinstance(check(forall(logistic, Z, given=[logistic.fosp(), lt(0, lam)], then=balance)).payload, Proved)


def test_a_strict_assumption_that_is_a_tie_at_the_target_says_nothing() -> None:
    above = lt(f(Xs) + lam * nuclear(Xs), f(X) + lam * nuclear(X))
    held = check(forall(s, Xs, given=[convex(f), s.sosp(), above], then=equal(rank(X), r)))
    assert isinstance(held.payload, Held)
    assert "tie" in held.payload.not_tested
    refuted = check(forall(s, Xs, given=[convex(f), s.sosp(), above], then=lt(rank(X), r)))
    assert isinstance(refuted.payload, Refuted)


def test_an_assumption_that_is_always_a_tie_never_lets_a_claim_hold() -> None:
    larger = lt(nuclear(X), (frobenius(A) ** 2 + frobenius(B) ** 2) / 2)
    payload = check(forall(s, given=[s.sosp(), le(1, lam), larger], then=equal(A, 0 * A))).payload
    assert not isinstance(payload, Held)


def test_the_target_may_be_zero() -> None:
    claim = forall(s, Xs, al, be, given=[bounds, s.sosp(), equal(frobenius(X), 0)], then=equal(f.grad(Xs), 2 * f.grad(X)))
    assert isinstance(check(claim).payload, Refuted)


def test_problems_are_chosen_for_rare_assumptions_about_them() -> None:
    room = [le(2 * rank(Xs), r), le(r + rank(Xs), m), le(r + rank(Xs), n)]
    held = check(forall(s, Xs, al, be, given=[bounds, s.sosp(), lt(be, 2 * al), *room], then=equal(X, Xs)))
    assert isinstance(held.payload, Held)
    assert len(held.coverage.cells) > 3
    wide = check(forall(s, Xs, al, be, given=[bounds, s.sosp(), lt(be, 2 * al), lt(5 * be, al)], then=equal(X, Xs)))
    assert wide.verdict is Verdict.VACUOUS


def test_losses_that_mostly_run_away_end_by_work_and_not_by_the_clock() -> None:
    linear = lora(loss=lambda Y: trace(ones(1, m) * logsumexp(Y)) - 3 * inner(Z * Y, ones(m, n)))
    payload = check(forall(linear, Z, given=linear.sosp(), then=le(0, frobenius(linear.X)))).payload
    assert not isinstance(payload, Unknown) or "stopped early" not in payload.reason
