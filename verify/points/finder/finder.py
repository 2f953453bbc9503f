"""Second-order stationary points of thousands of LoRA problems at once.

Main definitions: `find`, `find_streamed`.

All starts advance together in waves. In a wave, a first-order phase (`descent`) brings each start near a stationary point,
Newton's method modulo gauge (`newton`) finishes it and certifies the curvature by a Cholesky factorization; saddles are left
along negative curvature, and what was too far for Newton goes on descending. What several waves cannot finish goes through
the robust phase (`rescue`). All derivatives are derived from the loss term (`lowering`). Every limit counts work, so losses
that are unbounded below or not finite end with a status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.losses.problem import Problem
from verify.points.finder.descent import Left, descend
from verify.points.finder.gauge import Gauge, balanced, gauge_of
from verify.points.finder.lowering import Instances, Lowered, lowered
from verify.points.finder.newton import Measured, Outcome, escape, exact_lambda_min, hessian_size, newton
from verify.points.finder.rescue import rescue
from verify.points.finder.result import Points, Status
from verify.points.finder.starts import Start, start_points
from verify.points.finder.work import Effort, Loader, capacity, norms

Array = Any
_CLOSER = 0.1
_TIGHTER = 1e-2
_ROUNDING = 1e-15
_OPEN = -1


def find(
    problem: Problem,
    starts: Start | Mapping[str, Array] = Start.RANDOM,
    *,
    per_instance: int = 1,
    seed: int = 0,
    effort: Effort | None = None,
) -> Points:
    """Second-order stationary points of every problem in a stack.

    Args:
        problem: the problems, with common sizes.
        starts: an initialization, or arrays by variable name, `(count·per_instance, rows, cols)`.
        per_instance: starts for each problem.
        seed: of random starts.
        effort: tolerances and work limits.

    Returns:
        Every start with its end and status (`Points`): second-order where `‖∇L‖ ≤ 1e-10·(u + ‖∇L(start)‖)` and
        `λ_min(∇²L) ≥ −1e-9·max(v, ‖∇²L‖)` modulo the gauge directions of theory §1, u and v the sizes of ∇L and ∇²L at a
        random point, or 1 where they are larger.

    Raises:
        ShapeError: if the starts do not fit.
    """
    effort = effort or Effort()
    loss = lowered(problem)
    points = start_points(problem, starts, per_instance, seed)
    instance = np.repeat(np.arange(problem.count), per_instance)
    loader = Loader(loss, problem, instance)
    with np.errstate(all="ignore"):
        search = _begin(loss, loader, points, effort)
        for gauge in Gauge:
            members = np.flatnonzero(search.free == (gauge is Gauge.LINEAR))
            if len(members):
                _waves(search, members, gauge, capacity(loss, problem))
    arrays = {v.payload[0]: np.ascontiguousarray(x) for v, x in loss.matrices(search.points).items()}
    return Points(
        problem,
        instance,
        arrays,
        search.measured.value,
        search.measured.slope,
        search.measured.slope / search.size,
        search.measured.bound,
        search.measured.steps,
        search.status,
        search.free,
    )


@dataclass
class _Search:
    """Everything that is known about the starts, one row each."""

    loss: Lowered
    loader: Loader
    effort: Effort
    points: Array
    start: Array
    """Gradient norms at the start."""
    size: Array
    """What gradient norms are compared with: those at the start, and no less than the loss' own size."""
    free: Array
    status: Array
    measured: Measured


def _begin(loss: Lowered, loader: Loader, points: Array, effort: Effort) -> _Search:
    count = len(points)
    value, slope, free = np.zeros(count), np.zeros(count), np.zeros(count, bool)
    units = np.ones((2, count))
    for first in range(0, count, 256):
        ids = np.arange(first, min(first + 256, count))
        data = loader.load(ids)
        value[ids], found = loss.value_and_gradient(points[ids], data)
        slope[ids] = norms(found)
        free[ids] = gauge_of(loader.problem.pick(loader.instance[ids]), loss, data)
        units[:, ids] = _units(loss, data)
    status = np.where(np.isfinite(value) & np.isfinite(slope), _OPEN, int(Status.NON_FINITE))
    measured = Measured(value, slope.copy(), np.full(count, np.nan), np.zeros(count, int), units[1])
    return _Search(loss, loader, effort, points.copy(), slope, units[0] + slope, free, status, measured)


def _units(loss: Lowered, data: Instances) -> Array:
    """The sizes of gradient and Hessian at a random point, at most 1, `(2, batch)`.

    A loss times 1e-8 is not nearly stationary for that.
    """
    point = np.random.default_rng(0).standard_normal((1, loss.unknowns))
    points = np.repeat(point, data.count, axis=0)
    _, slope = loss.value_and_gradient(points, data)
    sizes = np.stack([norms(slope), hessian_size(loss.hessian(points, data))])
    return np.minimum(np.where(np.isfinite(sizes) & (sizes > 0), sizes, 1.0), 1.0)


def _waves(search: _Search, members: Array, gauge: Gauge, size: int) -> None:
    """Descend, then Newton, then back again for what is not finished."""
    loss, loader, points, effort = search.loss, search.loader, search.points, search.effort
    tolerance = effort.gradient * search.size
    floor = _ROUNDING * search.size
    target = np.maximum(effort.switch * search.start, tolerance)
    returns = np.zeros(len(points), int)
    ids = members[search.status[members] == _OPEN]
    for _ in range(effort.waves):
        if not len(ids):
            return
        reason, spent = descend(loss, loader, points, ids, target, effort.descent, 4 * size)
        search.measured.steps[ids] += spent
        ids = _settle(search, ids, reason)
        tired = returns[ids] >= 3
        if tired.any():
            search.measured.steps[ids[tired]] += rescue(loss, loader, points, ids[tired], tolerance, gauge, effort)
        outcome = newton(loss, loader, points, ids, tolerance, gauge, effort, 2 * size, search.measured)
        search.status[ids[outcome == Outcome.SECOND_ORDER]] = int(Status.SECOND_ORDER)
        search.status[ids[outcome == Outcome.NON_FINITE]] = int(Status.NON_FINITE)
        saddles = ids[outcome == Outcome.SADDLE]
        back = ids[outcome == Outcome.BACK]
        if len(saddles):
            left, shallow = escape(loss, loader, points, saddles, gauge, search.measured)
            closer = shallow & (tolerance[saddles] > floor[saddles])
            tolerance[saddles[closer]] = np.maximum(_TIGHTER * tolerance[saddles[closer]], floor[saddles[closer]])
            search.status[saddles[~left & ~closer]] = int(Status.SADDLE_STALLED)
            saddles = saddles[left | closer]
            target[saddles] = np.maximum(np.minimum(effort.switch * search.start[saddles], 1e-3), tolerance[saddles])
        returns[back] += 1
        if gauge is Gauge.LINEAR:
            points[back] = balanced(loss, points[back])
        target[back] = np.maximum(_CLOSER * search.measured.slope[back], tolerance[back])
        ids = np.sort(np.concatenate([saddles, back]))
    _remeasure(search, ids)
    stationary = search.measured.slope[ids] <= effort.gradient * search.size[ids]
    search.status[ids] = np.where(stationary, int(Status.SADDLE_STALLED), int(Status.NOT_CONVERGED))
    search.measured.bound[ids] = np.nan
    for first in range(0, int(stationary.sum()), 64):
        part = ids[stationary][first : first + 64]
        search.measured.bound[part] = exact_lambda_min(loss, loader.load(part), points[part], gauge)


def _remeasure(search: _Search, ids: Array) -> None:
    """Loss and gradient where points have moved since they were measured."""
    for first in range(0, len(ids), 256):
        part = ids[first : first + 256]
        value, slope = search.loss.value_and_gradient(search.points[part], search.loader.load(part))
        search.measured.value[part], search.measured.slope[part] = value, norms(slope)


def _settle(search: _Search, ids: Array, reason: Array) -> Array:
    """Give the final status to what left the first-order phase for good; the others go on."""
    for left, status in ((Left.UNBOUNDED, Status.UNBOUNDED), (Left.NON_FINITE, Status.NON_FINITE)):
        gone = ids[reason == left]
        search.status[gone] = int(status)
        _remeasure(search, gone)
        search.measured.bound[gone] = np.nan
    return ids[(reason == Left.ARRIVED) | (reason == Left.STUCK)]


def smallest_eigenvalues(points: Points) -> Array:
    """λ_min(∇²L) modulo gauge at all points, `(count,)`; not a number where the Hessian is not finite."""
    loss = lowered(points.problem)
    loader = Loader(loss, points.problem, points.instance)
    x = loss.flat(points.arrays)
    result = np.full(points.count, np.nan)
    for gauge in Gauge:
        members = np.flatnonzero(points._free == (gauge is Gauge.LINEAR))
        for first in range(0, len(members), 128):
            ids = members[first : first + 128]
            with np.errstate(all="ignore"):
                result[ids] = exact_lambda_min(loss, loader.load(ids), x[ids], gauge)
    return result


def find_streamed(
    problems: Iterable[Problem],
    starts: Start = Start.RANDOM,
    *,
    per_instance: int = 1,
    seed: int = 0,
    effort: Effort | None = None,
) -> Iterable[Points]:
    """The points of a stream of stacks, one stack in memory at a time; each stack gets a seed of its own."""
    for position, problem in enumerate(problems):
        yield find(problem, starts, per_instance=per_instance, seed=seed + position, effort=effort)
