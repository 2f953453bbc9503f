"""Claims about second-order points: the theory holds on every branch, false variants do not, branches are counted."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from verify import *
from verify.evaluation.batches import Batch
from verify.language.statements import Stationary
from verify.points.sources.branches import branches, ranks_are_decided
from verify.runner.verdicts import Candidate, Held, Refuted

s = lora()
A, B, X, f, r, lam = s.A, s.B, s.X, s.f, s.r, s.decay
G = f.grad(X)
Xs, S = s.regularized_stationary()
al, be = positives("α β")
M = sp.MatrixSymbol("M", s.m, s.n)
W = sp.MatrixSymbol("W", s.m, s.n)
masked = lora(loss=lambda Y: frobenius(hadamard(W, Y - M)) ** 2 / 2)
bounds = uniform_curvature(f, al, be)


def test_theorem_a_holds_for_a_loss_that_no_family_has() -> None:
    slope = masked.f.grad(masked.X)
    result = check(forall(masked, M, W, given=[masked.sosp(), lt(rank(X), r)], then=le(spectral(slope), lam)))
    assert isinstance(result.payload, Held)
    assert result.coverage.n_active > 100


def test_spurious_points_are_really_reached_and_counted() -> None:
    result = check(
        forall(s, Xs, al, be, given=[bounds, s.sosp(), distinct(X, Xs)], then=le(al * sigma(Xs, rank(Xs)), be * sigma(X, r)))
    )
    assert isinstance(result.payload, Held)
    assert result.coverage.branches["full-rank, spurious"] > 100
    assert sum(result.coverage.branches.values()) <= result.coverage.n_active
    assert sum(result.coverage.ends.values()) >= result.coverage.n - result.coverage.exact


@pytest.mark.parametrize(
    "formula",
    [
        forall(s, given=[s.sosp(), lt(rank(X), r)], then=le(2 * spectral(G), lam)),
        forall(s, given=s.sosp(), then=le(spectral(G), lam)),
        forall(s, Xs, al, be, given=[bounds, s.sosp()], then=equal(X, Xs)),
        forall(s, Xs, al, be, given=[bounds, s.sosp(), distinct(X, Xs)], then=le(frobenius(Xs), frobenius(X))),
        forall(
            s, Xs, al, be, given=[bounds, s.sosp(), distinct(X, Xs)], then=le(2 * al * sigma(Xs, rank(Xs)), be * sigma(X, r))
        ),
    ],
)
def test_false_claims_about_second_order_points_never_hold(formula: object) -> None:
    assert isinstance(check(formula).payload, Candidate | Refuted)


def test_the_branch_that_cannot_exist_is_vacuous() -> None:
    formula = forall(s, Xs, al, be, given=[bounds, s.sosp(), distinct(X, Xs), lt(be, 2 * al)], then=le(frobenius(X), 0))
    assert check(formula).verdict is Verdict.VACUOUS


def test_a_loss_without_a_second_order_point_is_unknown_in_bounded_time() -> None:
    unbounded = lora(loss=lambda Y: -(frobenius(Y) ** 4), decay=0)
    result = check(forall(unbounded, given=[unbounded.sosp(), distinct(X, 0)], then=le(spectral(X), 1)))
    assert result.verdict in (Verdict.VACUOUS, Verdict.UNKNOWN)
    assert result.coverage.ends.get("UNBOUNDED", 0) > 0


@pytest.mark.parametrize("c", [1e-8, 1.0, 1e8])
def test_near_a_rank_drop_the_rank_of_a_point_is_not_known(c: float) -> None:
    statement = next(q for q in forall(s, given=s.sosp(), then=equal(X, X)).given if isinstance(q, Stationary))
    small = np.array([0.0, 1e-17, 1e-9, 1e-3])
    left = c**0.5 * np.array([np.diag([1.0, x]) for x in small])
    right = np.broadcast_to(c**0.5 * np.eye(3, 2), (4, 3, 2))
    batch = Batch({"m": 2, "n": 3, "r": 2}, {"A": left, "B": right}, count=4)
    assert ranks_are_decided(batch, statement).tolist() == [True, True, False, True]
    found = branches(batch, statement, [])
    assert found[[0, 1, 3]].tolist() == ["rank-deficient", "rank-deficient", "full-rank"]
