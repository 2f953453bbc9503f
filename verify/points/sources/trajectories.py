"""States along training: the start, then gradient-descent steps or Runge–Kutta steps of gradient flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def states(batch: Batch, process: Process, steps: int) -> Iterator[Batch]:
    """The states at the start and after 1, ..., `steps` steps; only the start where any start is allowed.

    Flow is integrated with the classical Runge–Kutta method, with a step adapted to the gradient's size.
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
    start = [batch.values[n] for n in names]

    def velocity(position: Sequence[Array]) -> list[Array]:
        return [-g for g in _evaluate(slopes, _with(batch, names, position))]

    first = velocity(start)
    size = np.sqrt(sum(np.sum(x * x, axis=tuple(range(1, x.ndim))) for x in start))
    speed = np.sqrt(sum(np.sum(x * x, axis=tuple(range(1, x.ndim))) for x in first))
    h = 0.02 * np.where(speed > 0, (size + 1e-3) / np.where(speed > 0, speed, 1.0), 1.0)

    def shifted(slope: Sequence[Array], factor: float) -> list[Array]:
        return [x + factor * h.reshape((-1,) + (1,) * (x.ndim - 1)) * v for x, v in zip(start, slope, strict=True)]

    second = velocity(shifted(first, 0.5))
    third = velocity(shifted(second, 0.5))
    fourth = velocity(shifted(third, 1.0))
    mean = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(first, second, third, fourth, strict=True)]
    return _with(batch, names, shifted(mean, 1.0))
