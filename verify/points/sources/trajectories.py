"""States along training: the start, then gradient-descent steps or Runge–Kutta steps of gradient flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verify.calculus.conditions import step_of
from verify.calculus.differentiate import gradients
from verify.evaluation.batches import Batch, instantiate
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.processes import Process
from verify.language.terms import Term

Array = Any
_SHARE = 0.2
"""The longest step of flow, as a fraction of the state's size that it moves."""
_AGREEMENT = 1e-10
_HALVINGS = 8


def states(batch: Batch, process: Process, steps: int) -> Iterator[Batch]:
    """The states at the start and after 1, ..., `steps` steps; only the start where any start is allowed.

    Flow is integrated with the classical Runge–Kutta method, with steps that their halves agree with to 1e-10.
    """
    names = [v.payload[0] for v in process.variables]
    if not process.start:
        yield batch
        return
    batch = _with(batch, names, _evaluate([instantiate(t, batch.functions) for t in process.start], batch))
    yield batch
    slopes = dict(zip(process.variables, gradients(process.loss, process.variables), strict=True))
    slope_terms = [instantiate(slopes[v], batch.functions) for v in process.variables]
    for _ in range(steps):
        if process.step is not None:
            moved = step_of(process, slopes)
            batch = _with(batch, names, _evaluate([instantiate(moved[v], batch.functions) for v in process.variables], batch))
        else:
            batch = _runge_kutta(batch, names, slope_terms)
        yield batch


def _evaluate(terms: Sequence[Term], batch: Batch) -> list[Array]:
    with np.errstate(all="ignore"):
        found = evaluate_terms(terms, batch.environment(), FloatField())
    return [np.broadcast_to(v, (batch.count, *v.shape[v.ndim - len(t.shape) :])) for v, t in zip(found, terms, strict=True)]


def _with(batch: Batch, names: Sequence[str], values: Sequence[Array]) -> Batch:
    return replace(batch, values={**batch.values, **dict(zip(names, values, strict=True))})


def _runge_kutta(batch: Batch, names: Sequence[str], slopes: Sequence[Term]) -> Batch:
    """One step of flow, so short for each instance that two half steps agree with it."""
    start = [batch.values[n] for n in names]

    def velocity(position: Sequence[Array]) -> list[Array]:
        return [-g for g in _evaluate(slopes, _with(batch, names, position))]

    first = velocity(start)
    size, speed = _size(start), _size(first)
    h = _SHARE * np.where(speed > 0, (size + 1e-3) / np.where(speed > 0, speed, 1.0), 1.0)
    for _ in range(_HALVINGS):
        half = _step(velocity, start, h / 2)
        moved = _step(velocity, half, h / 2)
        gap = _size([a - b for a, b in zip(_step(velocity, start, h), moved, strict=True)])
        rough = ~(gap <= _AGREEMENT * _size(moved))
        if not rough.any():
            break
        h = np.where(rough, h / 2, h)
    # Where no step is short enough the state stays what it was: never a wrong one.
    still = [np.where(rough.reshape(_flags(x)), x, y) for x, y in zip(start, moved, strict=True)]
    return _with(batch, names, still)


def _step(velocity: Callable[[Sequence[Array]], list[Array]], start: Sequence[Array], h: Array) -> list[Array]:
    """The classical Runge–Kutta step of length h for each instance."""

    def shifted(slope: Sequence[Array], factor: float) -> list[Array]:
        return [x + factor * h.reshape(_flags(x)) * v for x, v in zip(start, slope, strict=True)]

    first = velocity(start)
    second = velocity(shifted(first, 0.5))
    third = velocity(shifted(second, 0.5))
    fourth = velocity(shifted(third, 1.0))
    return shifted([(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(first, second, third, fourth, strict=True)], 1.0)


def _size(parts: Sequence[Array]) -> Array:
    return np.sqrt(sum(np.sum(x * x, axis=tuple(range(1, x.ndim))) for x in parts))


def _flags(values: Array) -> tuple[int, ...]:
    """The shape of one number for each instance."""
    return (-1, *[1] * (int(values.ndim) - 1))
