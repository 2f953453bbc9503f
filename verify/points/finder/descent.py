"""The first-order phase: limited-memory BFGS on many instances at once, with a line search of its own for each.

Main definitions: `Descent`, `descend`, `Left`. A gradient costs a small part of a Hessian, so most of the way to a stationary
point is first-order. Instances that arrive leave the batch, and waiting ones take their places.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from verify.points.finder.lowering import Instances, Lowered
from verify.points.finder.work import Loader, norms

Array = Any
_MEMORY = 4
_DECREASE = 1e-4
_LOWEST = 1e24
_FARTHEST = 1e9
_SHORTEST = 1e-13
_BENDS = 1e-12
"""The least cosine between a step and the change of the gradient along it that says something about the curvature."""
_SOME, _MANY = 0.06, 0.25
"""Shares of finished rows at which they are replaced by waiting ones, and at which the batch shrinks."""


class Left(IntEnum):
    """Why an instance left the first-order phase."""

    ARRIVED = 0
    """The gradient is below its target."""
    STUCK = 1
    """No step along the direction decreases the loss any more, or the iterations are spent."""
    UNBOUNDED = 2
    """The loss or the point ran away."""
    NON_FINITE = 3
    """The loss or its gradient is not finite at the start."""


@dataclass
class Descent:
    """The rows of a running batch; every array has one row for each instance in it."""

    ids: Array
    data: Instances
    x: Array
    value: Array
    slope: Array
    direction: Array
    step: Array
    rounds: Array
    scale: Array
    """What the loss and the point are compared with to tell that they ran away, `(rows, 2)`."""
    moves: list[Array]
    changes: list[Array]
    inverse: list[Array]
    """1/⟨move, change⟩, or 0 for an empty place."""

    def pick(self, keep: Array) -> Descent:
        """Some of the rows."""
        return Descent(
            self.ids[keep],
            self.data.pick(keep),
            self.x[keep],
            self.value[keep],
            self.slope[keep],
            self.direction[keep],
            self.step[keep],
            self.rounds[keep],
            self.scale[keep],
            [a[keep] for a in self.moves],
            [a[keep] for a in self.changes],
            [a[keep] for a in self.inverse],
        )

    def put(self, rows: Array, other: Descent) -> None:
        """Overwrite some rows with those of another batch."""
        self.data.put(rows, other.data)
        for name in ("ids", "x", "value", "slope", "direction", "step", "rounds", "scale"):
            getattr(self, name)[rows] = getattr(other, name)
        for mine, theirs in ((self.moves, other.moves), (self.changes, other.changes), (self.inverse, other.inverse)):
            for one, two in zip(mine, theirs, strict=True):
                one[rows] = two


def _enter(loss: Lowered, loader: Loader, ids: Array, points: Array) -> Descent:
    x = points[ids]
    data = loader.load(ids)
    value, slope = loss.value_and_gradient(x, data)
    size = norms(slope)
    # The first step is short where the gradient is large: nothing is known about the curvature yet.
    step = 1.0 / np.maximum(1.0, np.where(np.isfinite(size), size, 1.0))
    reach = np.abs(x).max(axis=1, initial=0.0)
    scale = np.stack([1.0 + np.abs(value), _FARTHEST * (1.0 + reach)], axis=1)
    empty = [np.zeros(x.shape) for _ in range(_MEMORY)]
    return Descent(
        np.array(ids),
        data,
        x,
        np.array(value),
        slope,
        -slope,
        step,
        np.zeros(len(ids), int),
        np.nan_to_num(scale, nan=np.inf),
        empty,
        [np.zeros(x.shape) for _ in range(_MEMORY)],
        [np.zeros(len(ids)) for _ in range(_MEMORY)],
    )


def descend(
    loss: Lowered, loader: Loader, points: Array, ids: Array, target: Array, limit: int, capacity: int
) -> tuple[Array, Array]:
    """Move `points[ids]` downhill until each gradient norm is at most its target.

    Args:
        loss: the compiled loss.
        loader: gives the data of some starts.
        points: all points `(count, p)`; rows `ids` are changed in place.
        ids: which to move.
        target: gradient norm to reach, `(count,)`.
        limit: evaluations for each.
        capacity: instances in the batch at a time.

    Returns:
        Why each of `ids` stopped (`Left`), and how many evaluations it took, both `(len(ids),)`.
    """
    reason = np.full(len(points), int(Left.STUCK))
    spent = np.zeros(len(points), int)
    waiting = capacity
    batch = _enter(loss, loader, ids[:capacity], points)
    turn = 0
    while len(batch.ids):
        why = _finished(batch, target, limit)
        done = np.flatnonzero(why >= 0)
        fresh = len(ids) - waiting
        if len(done) < (_SOME if fresh > 0 else _MANY) * len(why) or not len(done):
            _advance(loss, batch, turn % _MEMORY)
            turn += 1
            continue
        out = batch.ids[done]
        points[out], spent[out], reason[out] = batch.x[done], batch.rounds[done], why[done]
        # Waiting instances take the places of the finished ones; the other rows need not be moved.
        if fresh > 0:
            batch.put(done[:fresh], _enter(loss, loader, ids[waiting : waiting + len(done)], points))
            waiting += len(done)
        if fresh < len(done):
            stays = np.ones(len(why), bool)
            stays[done[max(fresh, 0) :]] = False
            batch = batch.pick(np.flatnonzero(stays))
    return reason[ids], spent[ids]


def _finished(batch: Descent, target: Array, limit: int) -> Array:
    """Why each row is finished (`Left`), or −1."""
    size = norms(batch.slope)
    why = np.full(len(size), -1)
    why[(batch.step < _SHORTEST) | (batch.rounds >= limit)] = int(Left.STUCK)
    why[size <= target[batch.ids]] = int(Left.ARRIVED)
    why[~(np.isfinite(size) & np.isfinite(batch.value))] = int(Left.NON_FINITE)
    low, far = batch.scale[:, 0], batch.scale[:, 1]
    why[(batch.value < -_LOWEST * low) | (np.abs(batch.x).max(axis=1, initial=0.0) > far)] = int(Left.UNBOUNDED)
    return why


def _advance(loss: Lowered, batch: Descent, place: int) -> None:
    """One evaluation for every instance: take the step where it decreases the loss enough, shorten it elsewhere."""
    along = np.vecdot(batch.slope, batch.direction)
    move = batch.step[:, None] * batch.direction
    trial = batch.x + move
    value, slope = loss.value_and_gradient(trial, batch.data)
    value = np.array(value)
    batch.rounds += 1
    enough = batch.value + _DECREASE * batch.step * along + 1e-15 * np.abs(batch.value)
    refused = np.flatnonzero(~((value <= enough) & np.isfinite(value)))
    # Few are refused: putting those back costs less than choosing in every row.
    shorter = _shorter(batch.step[refused], along[refused], value[refused] - batch.value[refused])
    kept = batch.direction[refused]
    trial[refused], slope[refused], value[refused] = batch.x[refused], batch.slope[refused], batch.value[refused]
    move[refused] = 0.0
    change = slope - batch.slope
    curvature = np.vecdot(move, change)
    square = np.vecdot(change, change)
    useful = curvature > _BENDS * norms(move) * np.sqrt(square)
    batch.x, batch.slope, batch.value = trial, slope, value
    batch.moves[place], batch.changes[place] = move, change
    batch.inverse[place] = np.where(useful, 1.0 / np.where(useful, curvature, 1.0), 0.0)
    scale = np.where(useful, curvature / np.where(useful, square, 1.0), np.minimum(batch.step, 1.0))
    direction = _direction(batch, place, scale)
    uphill = np.flatnonzero(~(np.vecdot(direction, slope) < 0))
    direction[uphill] = -slope[uphill]
    direction[refused] = kept
    step = np.where(useful, 1.0, 2 * batch.step)
    step[uphill] = 1.0 / np.maximum(1.0, norms(slope[uphill]))
    step[refused] = shorter
    batch.direction, batch.step = direction, step


def _shorter(step: Array, along: Array, rise: Array) -> Array:
    """The minimum of the parabola through what is known, between a tenth and a half of the step."""
    with np.errstate(all="ignore"):
        guess = -along * step * step / (2 * (rise - along * step))
    return np.where(np.isfinite(guess), np.clip(guess, 0.1 * step, 0.5 * step), 0.1 * step)


def _direction(batch: Descent, newest: int, scale: Array) -> Array:
    """The two-loop recursion; empty places have inverse 0 and drop out."""
    q = -batch.slope
    part = np.empty(q.shape)
    order = [(newest - k) % _MEMORY for k in range(_MEMORY)]
    weights = []
    for k in order:
        weight = batch.inverse[k] * np.vecdot(batch.moves[k], q)
        q -= np.multiply(weight[:, None], batch.changes[k], out=part)
        weights.append(weight)
    q *= scale[:, None]
    for k, weight in zip(reversed(order), reversed(weights), strict=True):
        weight -= batch.inverse[k] * np.vecdot(batch.changes[k], q)
        q += np.multiply(weight[:, None], batch.moves[k], out=part)
    return q
