"""Counterexamples to other claims are tried first; bounds by a large constant are tried beyond it."""

from __future__ import annotations

from typing import Any

import pytest

from verify import *
from verify.runner.evidence import Evidence
from verify.runner.hunt import strategies
from verify.runner.hunt.context import context_of
from verify.runner.hunt.records import Unit
from verify.runner.verdicts import Refuted, Verdict

s = lora()
Xs, _ = s.regularized_stationary()
low, high = positives("a b")
SPURIOUS = [uniform_curvature(s.f, low, high), s.sosp(), distinct(s.X, Xs)]


def test_a_claim_with_names_of_its_own_is_refuted_by_a_known_point() -> None:
    claim = forall(s, Xs, low, high, given=SPURIOUS, then=le(17 * low * sigma(Xs, rank(Xs)), 10 * high * sigma(s.X, s.r)))
    result = check(claim)
    assert isinstance(result.payload, Refuted)
    # No float instance was drawn.
    assert result.payload.coverage.n == result.payload.coverage.exact < 100


def test_a_bound_by_a_large_constant_is_tried_beyond_it() -> None:
    t = scalars("t")
    assert check(forall(t, then=le(t, 10**12))).verdict is Verdict.REFUTED


def test_every_unit_of_a_hunt_draws_points_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def recorded(*args: Any, seed: int) -> Evidence:
        seeds.append(seed)
        return Evidence()

    monkeypatch.setattr(strategies, "gather", recorded)
    claim = forall(s, Xs, low, high, given=SPURIOUS, then=le(low * sigma(Xs, rank(Xs)), high * sigma(s.X, s.r)))
    for number in range(3):
        strategies.perform(context_of(claim, 0), Unit("random", number))
    assert len(set(seeds)) == 3
