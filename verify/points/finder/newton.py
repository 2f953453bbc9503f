"""The second-order phase: Newton steps modulo gauge, a Cholesky certificate at the end, and escapes from saddles.

Main definitions: `newton`, `Outcome`, `escape`, `positive_definite`, `Measured`.

`∇²L + size·TTᵀ` (T: unit tangents of the gauge orbit) is regular where the point is nondegenerate, and the gradient has no
component along T. A stationary point passes if `∇²L + size·TTᵀ + tolerance·I` has a Cholesky factorization: then
`λ_min ≥ −tolerance` modulo gauge. Eigenvectors are computed only where that fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from verify.points.finder.gauge import Gauge, compressed, lambda_min_modulo_gauge, lifted, resolved_orbit, unit_tangents
from verify.points.finder.lowering import Instances, Lowered
from verify.points.finder.work import Effort, Loader, norms

Array = Any
_CONTRACTION = 0.5
_FREE_STEPS = 2
_GROWTH = 10.0
_SHALLOW = 1e-4


class Outcome(IntEnum):
    """How the second-order phase ended for one instance."""

    SECOND_ORDER = 0
    SADDLE = 1
    BACK = 2
    """Newton's method does not converge quickly: the point is still too far away."""
    NON_FINITE = 3


@dataclass(frozen=True)
class Measured:
    """What is known at the points, all `(count,)` over all starts: loss, gradient norm, and a lower bound of λ_min.

    `curvature` is the size of Hessians that a smaller one is not told from 0 by, at most 1.
    """

    value: Array
    slope: Array
    bound: Array
    steps: Array
    curvature: Array


def positive_definite(stack: Array) -> Array:
    """Which matrices of a stack have a Cholesky factorization, `(count,)`; only lower triangles are read.

    NumPy refuses a whole stack if one member fails, so a refused stack is cut in halves.
    """
    if not len(stack):
        return np.zeros(0, bool)
    try:
        factor = np.linalg.cholesky(stack)
        return np.all(np.isfinite(np.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)
    except np.linalg.LinAlgError:
        if len(stack) == 1:
            return np.zeros(1, bool)
        half = len(stack) // 2
        return np.concatenate([positive_definite(stack[:half]), positive_definite(stack[half:])])


def hessian_size(hessian: Array) -> Array:
    """`‖∇²L‖_F/√p`, a lower bound of the spectral norm, `(batch,)`."""
    count, p, _ = hessian.shape
    flat = hessian.reshape(count, p * p)
    return np.sqrt(np.vecdot(flat, flat) / p)


def solved(matrix: Array, right: Array) -> Array:
    """`matrix⁻¹ right` for stacks; singular members get a small shift."""
    try:
        return np.linalg.solve(matrix, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        shift = 1e-10 * np.maximum(hessian_size(matrix), 1e-300)
        # Irregular per-matrix shifts, so that no eigenvalue is hit again by the same one.
        eye = np.eye(matrix.shape[-1]) * (1.0 + np.linspace(0.0, 1.0, matrix.shape[-1]))
        try:
            return np.linalg.solve(matrix + shift[:, None, None] * eye, right[..., None])[..., 0]
        except np.linalg.LinAlgError:
            return np.full(right.shape, np.nan)


@dataclass
class _Batch:
    ids: Array
    data: Instances
    x: Array
    value: Array
    slope: Array
    rounds: Array

    def pick(self, keep: Array) -> _Batch:
        return _Batch(self.ids[keep], self.data.pick(keep), self.x[keep], self.value[keep], self.slope[keep], self.rounds[keep])

    def put(self, rows: Array, other: _Batch) -> None:
        self.data.put(rows, other.data)
        for name in ("ids", "x", "value", "slope", "rounds"):
            getattr(self, name)[rows] = getattr(other, name)


def newton(
    loss: Lowered,
    loader: Loader,
    points: Array,
    ids: Array,
    tolerance: Array,
    gauge: Gauge,
    effort: Effort,
    capacity: int,
    measured: Measured,
) -> Array:
    """Newton's method from `points[ids]`, as long as it converges quickly.

    Args:
        loss, loader: the compiled loss and its data.
        points: all points `(count, p)`; rows `ids` are changed in place.
        ids: which to treat.
        tolerance: gradient norm of a stationary point, `(count,)`.
        gauge: the symmetry group of these instances.
        effort: limits and the curvature tolerance.
        capacity: instances in the batch at a time.
        measured: filled in place for `ids`.

    Returns:
        The `Outcome` for each of `ids`.
    """
    outcome = np.full(len(points), int(Outcome.BACK))
    waiting = capacity
    batch = _enter(loss, loader, ids[:capacity], points)
    while len(batch.ids):
        ended = np.flatnonzero(_round(loss, batch, points, tolerance, gauge, effort, measured, outcome))
        fresh = len(ids) - waiting
        if fresh > 0 and len(ended):
            batch.put(ended[:fresh], _enter(loss, loader, ids[waiting : waiting + len(ended)], points))
            waiting += len(ended)
        if fresh < len(ended):
            stays = np.ones(len(batch.ids), bool)
            stays[ended[max(fresh, 0) :]] = False
            batch = batch.pick(np.flatnonzero(stays))
    return outcome[ids]


def _enter(loss: Lowered, loader: Loader, ids: Array, points: Array) -> _Batch:
    x = points[ids]
    data = loader.load(ids)
    value, slope = loss.value_and_gradient(x, data)
    return _Batch(np.array(ids), data, x, np.array(value), slope, np.zeros(len(ids), int))


def _round(
    loss: Lowered,
    batch: _Batch,
    points: Array,
    tolerance: Array,
    gauge: Gauge,
    effort: Effort,
    measured: Measured,
    outcome: Array,
) -> Array:
    """One Hessian for every instance: a certificate where the gradient is small, a Newton step elsewhere.

    Returns:
        Which rows have ended, `(rows,)`.
    """
    count = len(batch.ids)
    size = norms(batch.slope)
    hessian = loss.hessian(batch.x, batch.data)
    height = hessian_size(hessian)
    lifted_hessian = lifted(hessian, unit_tangents(loss, batch.x, gauge), height)
    here = size <= tolerance[batch.ids]
    going = np.flatnonzero(~here)
    back = np.zeros(count, bool)
    bad = ~np.isfinite(height)

    def select(array: Array, rows: Array) -> Array:
        return array if len(rows) == count else array[rows]

    if len(going):
        step = solved(select(lifted_hessian, going), select(batch.slope, going))
        trial = batch.x.copy()
        trial[going] -= step
        value, slope = loss.value_and_gradient(trial, batch.data)
        new = norms(slope)
        # The first steps may raise the gradient norm, which stiff directions dominate, if they lower the loss.
        settling = (batch.rounds < _FREE_STEPS) & (value <= batch.value) & (new <= _GROWTH * size)
        better = ~here & (settling | (new <= _CONTRACTION * size) | (new <= tolerance[batch.ids])) & np.isfinite(value)
        back = ~here & ~better | (batch.rounds >= effort.newton)
        batch.x = np.where(better[:, None], trial, batch.x)
        batch.slope = np.where(better[:, None], slope, batch.slope)
        batch.value = np.where(better, value, batch.value)
        size = np.where(better, new, size)
        batch.rounds += 1
    ends = here | back | bad
    rows = np.flatnonzero(here)
    if len(rows):
        allowed = 0.5 * effort.curvature * np.maximum(measured.curvature[batch.ids[rows]], height[rows])
        orbit = resolved_orbit(loss, batch.x[rows], gauge, size[rows], height[rows])
        test = lifted(hessian[rows], orbit, height[rows])
        np.einsum("bii->bi", test)[...] += allowed[:, None]
        passed = positive_definite(test)
        outcome[batch.ids[rows]] = np.where(passed, int(Outcome.SECOND_ORDER), int(Outcome.SADDLE))
        measured.bound[batch.ids[rows]] = np.where(passed, -allowed, -np.inf)
    outcome[batch.ids[bad]] = int(Outcome.NON_FINITE)
    out = batch.ids[ends]
    points[out] = batch.x[ends]
    measured.value[out], measured.slope[out] = batch.value[ends], size[ends]
    measured.steps[out] += batch.rounds[ends]
    return ends


_LENGTHS = np.concatenate([2.0 ** np.arange(-20, 5, 2.0), -(2.0 ** np.arange(-20, 5, 2.0))])


def escape(loss: Lowered, loader: Loader, points: Array, ids: Array, gauge: Gauge, measured: Measured) -> tuple[Array, Array]:
    """Leave saddles along the direction of the most negative curvature modulo gauge.

    Returns:
        For each of `ids` whether the loss decreased (`points` is changed where it did), and whether the curvature is only
        slightly negative. Near a degenerate minimum, like that of `(xy)²`, it is so at every point nearby: what helps
        there is a smaller gradient.
    """
    left, shallow = np.zeros(len(ids), bool), np.zeros(len(ids), bool)
    for first in range(0, len(ids), 64):
        part = ids[first : first + 64]
        data = loader.load(part)
        x = points[part]
        value, slope = loss.value_and_gradient(x, data)
        hessian = loss.hessian(x, data)
        direction, lowest = _lowest(hessian, resolved_orbit(loss, x, gauge, norms(slope), hessian_size(hessian)))
        measured.bound[part] = lowest
        shallow[first : first + 64] = lowest > -_SHALLOW * np.maximum(measured.curvature[part], hessian_size(hessian))
        reach = np.maximum(1.0, norms(x))
        best, chosen = np.array(value), np.zeros(len(part))
        for length in _LENGTHS:
            trial, _ = loss.value_and_gradient(x + (length * reach)[:, None] * direction, data)
            lower = (trial < best - 1e-15 * np.abs(best)) & np.isfinite(trial)
            best, chosen = np.where(lower, trial, best), np.where(lower, length, chosen)
        left[first : first + 64] = chosen != 0
        points[part] = x + (chosen * reach)[:, None] * direction
    return left, shallow


def _lowest(hessian: Array, orbit: Array) -> tuple[Array, Array]:
    """The eigenvector of the smallest eigenvalue modulo gauge, and that eigenvalue."""
    values, vectors = np.linalg.eigh(compressed(hessian, orbit))
    return vectors[:, :, 0], values[:, 0]


def exact_lambda_min(loss: Lowered, data: Instances, x: Array, gauge: Gauge) -> Array:
    """λ_min modulo gauge at points, by eigenvalues, `(batch,)`."""
    hessian = loss.hessian(x, data)
    _, slope = loss.value_and_gradient(x, data)
    return lambda_min_modulo_gauge(hessian, resolved_orbit(loss, x, gauge, norms(slope), hessian_size(hessian)))
