"""States along training: those that are read are right, and those that errors may have reached are not read."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from verify import *
from verify.evaluation.batches import Batch
from verify.language.processes import Process
from verify.points.sources.trajectories import started, states

s = lora(m=2, n=2, r=1, loss=lambda Y: frobenius(Y) ** 4)
t, w = scalars("t w")
eta = positives("η")


def process(made: object, *more: object) -> Process:
    formula = always(made, then=equal(t, t))
    assert formula.process is not None
    return formula.process


def scalars_at(**values: list[float]) -> Batch:
    return Batch({}, {n: np.array(v) for n, v in values.items()}, count=len(next(iter(values.values()))))


def test_descent_on_a_line_is_its_closed_form() -> None:
    start = scalars_at(t=[1.0, -3.0], η=[0.5, 0.25])
    for steps, reached in enumerate(states(start, process(gradient_descent(t**2 / 2, of=[t], step=eta)), 10)):
        assert reached.resolved.all()
        np.testing.assert_allclose(reached.batch.values["t"], start.values["t"] * (1 - start.values["η"]) ** steps, rtol=1e-13)


def test_states_of_flow_keep_what_flow_keeps() -> None:
    start = scalars_at(t=[1.0, 2.0, -0.3], w=[0.5, 2.0, 4.0])
    kept = start.values["t"] ** 2 - start.values["w"] ** 2
    last = None
    for reached in states(start, process(gradient_flow((t * w - 1) ** 2, of=[t, w])), 12):
        now = reached.batch.values["t"] ** 2 - reached.batch.values["w"] ** 2
        size = reached.batch.values["t"] ** 2 + reached.batch.values["w"] ** 2
        assert np.all(np.abs(now - kept)[reached.resolved] <= 1e-8 * size[reached.resolved])
        last = reached
    assert last is not None
    assert last.resolved.all()
    assert np.all(last.batch.values["t"] != start.values["t"])


def test_a_zero_that_stays_is_known_exactly() -> None:
    start = scalars_at(t=[0.0], w=[2.0])
    for reached in states(start, process(gradient_flow(t**2 * w**2, of=[t, w])), 6):
        assert reached.resolved.all()
        assert reached.batch.values["t"][0] == 0


def test_chaotic_descent_is_read_only_as_long_as_floats_follow_it() -> None:
    # t ↦ 4t(1 − t) as descent of a cubic: errors double at every step.
    logistic = gradient_descent(-3 * t**2 / 2 + 4 * t**3 / 3, of=[t], step=1)
    exact = sp.Rational(3, 10)
    for steps, reached in enumerate(states(scalars_at(t=[0.3]), process(logistic), 60)):
        if steps <= 6:
            assert reached.resolved.all()
            assert abs(reached.batch.values["t"][0] - float(exact)) <= 1e-9
            exact = 4 * exact * (1 - exact)
        if steps >= 30:
            assert not reached.resolved.any()


def test_a_start_that_meets_its_assumptions_only_roughly_is_followed_less_far() -> None:
    spiral = process(gradient_descent(-(t**2) / 2, of=[t], step=1))
    exact, rough = (list(states(scalars_at(t=[1.0]), spiral, 4, off)) for off in (0.0, 1e-9))
    assert all(r.resolved.all() for r in exact)
    assert not any(r.resolved.any() for r in rough[1:])


@pytest.mark.parametrize("start", [1e3, 1e30])
def test_states_beyond_the_range_of_floats_are_not_read(start: float) -> None:
    with np.errstate(all="raise"):
        runaway = list(states(scalars_at(t=[start]), process(gradient_descent(t**4, of=[t], step=1)), 20))
    assert not runaway[-1].resolved.any()


def test_a_process_with_a_start_begins_there() -> None:
    made = process(gradient_flow(t**2, of=[t], start=[2 * w]))
    assert started(scalars_at(t=[7.0], w=[1.5]), made).values["t"][0] == 3
