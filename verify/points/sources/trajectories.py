"""States along training: the start, then gradient-descent steps or Runge–Kutta steps of gradient flow.

Main definitions: `started`, `states`, `Reached`.

Implementation notes
    What a claim says along a process is read at computed states, so each comes with a bound of its own error. Errors made on
    the way grow or shrink as a perturbation of the start does: a twin, started a little aside (entry by entry, so that zeros
    stay zeros), moves along and shows by how much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.calculus.conditions import step_of
from verify.calculus.differentiate import gradients
from verify.evaluation.batches import Batch, instantiate
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms, value_of_node
from verify.evaluation.scales import with_scales
from verify.evaluation.tolerances import TIGHT
from verify.language.processes import Process
from verify.language.terms import Term

Array = Any
_SHARE = 0.2
"""The longest step of flow, as a fraction of the state's size that it moves."""
_AGREEMENT = 1e-11
_SHORTER = 6
"""Attempts to find a step that is short enough."""
_ASIDE = 1e-6
"""How far from the start the twin begins, relative to each entry."""
_ROUNDING = 4 * float(np.finfo(float).eps)
_RESOLVED = TIGHT / 10
"""A state is read where every variable is known to this fraction of its own size."""
_RANGE = 1e-60, 1e60
"""Sizes of states at which norms of products neither overflow nor vanish."""


@dataclass(frozen=True)
class Reached:
    """The instances at one time, and which of them are known well enough to be read."""

    batch: Batch
    resolved: Array


def started(batch: Batch, process: Process) -> Batch:
    """The state at the start; where any start is allowed, the batch's own values are one."""
    if not process.start:
        return batch
    values = _evaluate([instantiate(t, batch.functions) for t in process.start], batch)
    return _with(batch, [v.payload[0] for v in process.variables], values)


def states(start: Batch, process: Process, steps: int, off: Array | float = 0.0) -> Iterator[Reached]:
    """The states at the start and after 1, ..., `steps` steps.

    Flow is integrated with the classical Runge–Kutta method, with steps that their halves agree with to 1e-11.

    Args:
        start: the state at the start, see `started`.
        process: the process.
        steps: how many steps.
        off: how far the start may be, relative to its size, from one that meets the assumptions exactly.
    """
    yield Reached(start, np.full(start.count, True))
    names = [v.payload[0] for v in process.variables]
    batch, twin = start, _with(start, names, _aside([start.values[n] for n in names]))
    advance, errors = _advance_of(batch, process, names), _Errors.at(batch, twin, names, off)
    for _ in range(steps):
        with np.errstate(all="ignore"):
            batch, twin, made = advance(batch, twin)
            errors = errors.later(batch, twin, made)
            reached = Reached(batch, errors.resolved(batch))
        yield reached


Advance = Callable[[Batch, Batch], tuple[Batch, Batch, list[Array]]]
"""One step of the batch and its twin, with a bound of the error that the step makes in each variable."""


@dataclass(frozen=True)
class _Errors:
    """Distances of the twin by variable, and the errors made so far as they stand now."""

    names: Sequence[str]
    apart: Array
    absolute: Array

    @staticmethod
    def at(batch: Batch, twin: Batch, names: Sequence[str], off: Array | float) -> _Errors:
        sizes = np.array([_norm(batch.values[n]) for n in names])
        return _Errors(names, _apart(batch, twin, names), off * sizes)

    def later(self, batch: Batch, twin: Batch, made: Sequence[Array]) -> _Errors:
        """Earlier errors grow as the twin's distance does, all variables together; new ones are added."""
        apart = _apart(batch, twin, self.names)
        before, now = np.linalg.norm(self.apart, axis=0), np.linalg.norm(apart, axis=0)
        growth = np.where(before > 0, now / np.where(before > 0, before, 1.0), 1.0)
        # A variable that the twin leaves alone is reached by no error either.
        carried = np.where(apart != 0, np.linalg.norm(self.absolute, axis=0) * growth, 0.0)
        return _Errors(self.names, apart, carried + np.array(made))

    def resolved(self, batch: Batch) -> Array:
        sizes = np.array([_norm(batch.values[n]) for n in self.names])
        known = np.all(self.absolute <= _RESOLVED * sizes, axis=0)
        largest = sizes.max(axis=0)
        within = (largest == 0) | ((largest >= _RANGE[0]) & (largest <= _RANGE[1]))
        return np.asarray(known & within)


def _apart(batch: Batch, twin: Batch, names: Sequence[str]) -> Array:
    with np.errstate(all="ignore"):
        return np.array([_norm(batch.values[n] - twin.values[n]) for n in names])


def _aside(values: Sequence[Array]) -> list[Array]:
    rng = np.random.default_rng(0)
    return [x * (1 + _ASIDE * rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1.5, x.shape)) for x in values]


def _advance_of(batch: Batch, process: Process, names: Sequence[str]) -> Advance:
    slopes = dict(zip(process.variables, gradients(process.loss, process.variables), strict=True))
    if process.step is None:
        return _flow([instantiate(slopes[v], batch.functions) for v in process.variables], names)
    moved = step_of(process, slopes)
    return _descent([instantiate(moved[v], batch.functions) for v in process.variables], names)


def _descent(moved: Sequence[Term], names: Sequence[str]) -> Advance:
    def advance(batch: Batch, twin: Batch) -> tuple[Batch, Batch, list[Array]]:
        made = [_ROUNDING * s for s in _scales(moved, batch)]
        return _with(batch, names, _evaluate(moved, batch)), _with(twin, names, _evaluate(moved, twin)), made

    return advance


def _flow(slopes: Sequence[Term], names: Sequence[str]) -> Advance:
    def velocity(batch: Batch) -> Callable[[Sequence[Array]], list[Array]]:
        return lambda position: [-g for g in _evaluate(slopes, _with(batch, names, position))]

    longest: Array = np.inf

    def advance(batch: Batch, twin: Batch) -> tuple[Batch, Batch, list[Array]]:
        nonlocal longest
        start = [batch.values[n] for n in names]
        moved, gaps, h = _runge_kutta(start, velocity(batch), longest)
        longest = np.where(h > 0, 2 * h, np.inf)
        along = velocity(twin)
        aside = _step(along, _step(along, [twin.values[n] for n in names], h / 2), h / 2)
        rounding = [_ROUNDING * (_norm(x) + h * s) for x, s in zip(start, _scales(slopes, batch), strict=True)]
        made = [gap + r for gap, r in zip(gaps, rounding, strict=True)]
        return _with(batch, names, moved), _with(twin, names, aside), made

    return advance


def _evaluate(terms: Sequence[Term], batch: Batch) -> list[Array]:
    with np.errstate(all="ignore"):
        found = evaluate_terms(terms, batch.environment(), FloatField())
    return [np.broadcast_to(v, (batch.count, *v.shape[v.ndim - len(t.shape) :])) for v, t in zip(found, terms, strict=True)]


def _scales(terms: Sequence[Term], batch: Batch) -> list[Array]:
    """The error scales of some terms."""
    env, own = batch.environment(), FloatField()
    with np.errstate(all="ignore"):
        _, scales = with_scales(terms, env, lambda node, done: value_of_node(node, done, env, own))
    return [np.broadcast_to(scales[t], (batch.count,)) for t in terms]


def _with(batch: Batch, names: Sequence[str], values: Sequence[Array]) -> Batch:
    return replace(batch, values={**batch.values, **dict(zip(names, values, strict=True))})


def _runge_kutta(
    start: Sequence[Array], velocity: Callable[[Sequence[Array]], list[Array]], longest: Array
) -> tuple[list[Array], list[Array], Array]:
    """One step of flow, so short for each instance that two half steps agree with it in every variable.

    Returns the state, bounds of the error made by variable, and the length of the step.
    """
    first = velocity(start)
    size, speed = _size(start), _size(first)
    h = np.minimum(_SHARE * np.where(speed > 0, (size + 1e-3) / np.where(speed > 0, speed, 1.0), 1.0), longest)
    for _ in range(_SHORTER):
        moved = _step(velocity, _step(velocity, start, h / 2), h / 2)
        gaps = [_norm(a - b) for a, b in zip(_step(velocity, start, h), moved, strict=True)]
        excess = np.max([_excess(gap, _AGREEMENT * _norm(x)) for gap, x in zip(gaps, moved, strict=True)], axis=0)
        rough = ~(excess <= 1)
        if not rough.any():
            break
        # The disagreement falls as the fifth power of the step.
        h = np.where(rough, h * np.clip(0.8 * np.where(excess > 1, excess, 1e9) ** -0.2, 1 / 64, 0.5), h)
    # Where no step is short enough the state stays what it was: never a wrong one.
    still = [np.where(rough.reshape(_flags(x)), x, y) for x, y in zip(start, moved, strict=True)]
    # The classical method is of order 4: two half steps are off by a fifteenth of what they differ from the whole one.
    return still, [np.where(rough, 0.0, gap / 15) for gap in gaps], np.where(rough, 0.0, h)


def _excess(gap: Array, allowed: Array) -> Array:
    return np.where(gap == 0, 0.0, gap / np.where(allowed > 0, allowed, np.nan))


def _step(velocity: Callable[[Sequence[Array]], list[Array]], start: Sequence[Array], h: Array) -> list[Array]:
    """The classical Runge–Kutta step of length h for each instance."""

    def shifted(slope: Sequence[Array], factor: float) -> list[Array]:
        return [x + factor * h.reshape(_flags(x)) * v for x, v in zip(start, slope, strict=True)]

    first = velocity(start)
    second = velocity(shifted(first, 0.5))
    third = velocity(shifted(second, 0.5))
    fourth = velocity(shifted(third, 1.0))
    return shifted([(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(first, second, third, fourth, strict=True)], 1.0)


def _norm(x: Array) -> Array:
    """The Frobenius norm of one variable, for each instance."""
    with np.errstate(all="ignore"):
        return np.sqrt(np.sum(x * x, axis=tuple(range(1, x.ndim))))


def _size(parts: Sequence[Array]) -> Array:
    return np.sqrt(sum(_norm(x) ** 2 for x in parts))


def _flags(values: Array) -> tuple[int, ...]:
    """The shape of one number for each instance."""
    return (-1, *[1] * (int(values.ndim) - 1))
