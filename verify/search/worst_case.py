"""The worst case over what the assumptions leave free: quasi-Newton descent on the margin, all instances of a batch together.

Main definitions: `least_margin`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition
from verify.evaluation.batches import Batch
from verify.language.domains import Domain
from verify.search.margins import margins

Array = Any
_SHIFT = 1e-6
_BENDS = 1e-12
_CUTS = 8
_CHUNK = 4000


@np.errstate(all="ignore")  # where a margin is infinite or NaN no step is taken
def least_margin(batch: Batch, conclusion: Condition, names: Sequence[str], domains: Mapping[str, Domain], steps: int) -> Batch:
    """The batch with the named variables moved so that the conclusion's margin is as small as descent makes it.

    Args:
        batch: instances, any number.
        conclusion: the condition, with the batch's functions written in.
        names: scalars and matrices that no assumption mentions.
        domains: of the scalars among them; steps are cut at their ends.
        steps: the most BFGS steps.
    """
    x = _vectors(batch, names)
    ids = np.arange(batch.count)
    value, slope = _with_slope(batch, conclusion, names, x)
    inverse = np.broadcast_to(np.eye(x.shape[1]), (batch.count, x.shape[1], x.shape[1])).copy()
    for _ in range(steps):
        if not ids.size:
            break
        here = batch.pick(ids)
        step = -(inverse @ slope[..., None])[..., 0]
        wrong = ~(np.sum(step * slope, axis=1) < 0)
        step[wrong], inverse[wrong] = -slope[wrong], np.eye(x.shape[1])
        moved = _searched(here, conclusion, names, domains, x[ids], value, slope, step)
        change = moved - x[ids]
        x[ids] = moved
        going = np.linalg.norm(change, axis=1) > 1e-7 * (1.0 + np.linalg.norm(moved, axis=1))
        ids, change, inverse, slope = ids[going], change[going], inverse[going], slope[going]
        if ids.size:
            value, after = _with_slope(batch.pick(ids), conclusion, names, x[ids])
            inverse, slope = _updated(inverse, change, after - slope), after
    return _placed(batch, names, x)


def _searched(
    batch: Batch,
    conclusion: Condition,
    names: Sequence[str],
    domains: Mapping[str, Domain],
    x: Array,
    value: Array,
    slope: Array,
    step: Array,
) -> Array:
    """A point along each step where the margin is lower by Armijo's rule; where there is none the point itself."""
    found, length = x.copy(), 1.0
    descent = np.sum(step * slope, axis=1)
    left = np.arange(batch.count)
    for _ in range(_CUTS):
        trial = _inside(x[left] + length * step[left], batch, names, domains)
        there = _margins(batch.pick(left), conclusion, names, trial)
        good = there <= value[left] + 1e-4 * length * descent[left]
        found[left[good]] = trial[good]
        left = left[~good]
        if not left.size:
            break
        length *= 0.25
    return found


def _updated(inverse: Array, change: Array, turn: Array) -> Array:
    """The BFGS update, where the curvature along the step is positive."""
    along = np.sum(change * turn, axis=1)
    # Relative to both: what a step of any size, or a margin in any unit, says about the curvature.
    usable = along > _BENDS * np.linalg.norm(change, axis=1) * np.linalg.norm(turn, axis=1)
    rho = np.where(usable, 1.0 / np.where(usable, along, 1.0), 0.0)[:, None, None]
    eye = np.eye(change.shape[1])
    left = eye - rho * change[:, :, None] * turn[:, None, :]
    return left @ inverse @ np.swapaxes(left, -1, -2) + rho * change[:, :, None] * change[:, None, :]


def _with_slope(batch: Batch, conclusion: Condition, names: Sequence[str], x: Array) -> tuple[Array, Array]:
    """Margins `(count,)` and their forward differences `(count, unknowns)`, from batches of shifted instances."""
    count, size = x.shape
    shift = _SHIFT * (1.0 + np.abs(x))
    points = np.concatenate([x[:, None, :], x[:, None, :] + shift[:, :, None] * np.eye(size)], axis=1)
    width = max(1, _CHUNK // (size + 1))
    parts = []
    for first in range(0, count, width):
        places = np.arange(first, min(first + width, count))
        repeated = batch.pick(np.repeat(places, size + 1))
        parts.append(_margins(repeated, conclusion, names, points[places].reshape(-1, size)).reshape(len(places), size + 1))
    read = np.concatenate(parts)
    return read[:, 0], (read[:, 1:] - read[:, :1]) / shift


def _margins(batch: Batch, conclusion: Condition, names: Sequence[str], x: Array) -> Array:
    return margins([conclusion], _placed(batch, names, x))[0]


def _vectors(batch: Batch, names: Sequence[str]) -> Array:
    return np.concatenate([batch.values[n].reshape(batch.count, -1) for n in names], axis=1).astype(float)


def _placed(batch: Batch, names: Sequence[str], x: Array) -> Batch:
    values, start = dict(batch.values), 0
    for name in names:
        shape = batch.values[name].shape
        length = int(np.prod(shape[1:]))
        values[name] = x[:, start : start + length].reshape(shape)
        start += length
    return replace(batch, values=values)


def _inside(x: Array, batch: Batch, names: Sequence[str], domains: Mapping[str, Domain]) -> Array:
    """Scalars cut at the ends of their domains."""
    start = 0
    for name in names:
        shape = batch.values[name].shape
        if name in domains:
            domain = domains[name]
            low = [float(b) + (1e-6 if b == domain.above else 0.0) for b in (domain.least, domain.above) if b is not None]
            high = [float(b) - (1e-6 if b == domain.below else 0.0) for b in (domain.most, domain.below) if b is not None]
            x[:, start] = np.clip(x[:, start], max(low, default=-np.inf), min(high, default=np.inf))
        start += int(np.prod(shape[1:]))
    return x
