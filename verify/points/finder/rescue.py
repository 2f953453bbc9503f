"""The slow and robust phase for what the fast ones could not finish: Newton steps with |eigenvalues|, damped and guarded.

Main definitions: `rescue`.

Every step decreases the loss (or, at rounding level, the gradient), so saddles repel; each step costs an eigendecomposition.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.points.finder.gauge import Gauge, lifted, unit_tangents
from verify.points.finder.lowering import Instances, Lowered
from verify.points.finder.newton import hessian_size
from verify.points.finder.work import Effort, Loader, norms

Array = Any
_CHUNK = 64


def rescue(loss: Lowered, loader: Loader, points: Array, ids: Array, tolerance: Array, gauge: Gauge, effort: Effort) -> Array:
    """Move `points[ids]` to stationary points.

    Returns:
        For each of `ids` the number of steps; rows of `points` are changed in place.
    """
    spent = np.zeros(len(ids), int)
    for first in range(0, len(ids), _CHUNK):
        part = ids[first : first + _CHUNK]
        points[part], spent[first : first + _CHUNK] = _run(
            loss, loader.load(part), points[part], tolerance[part], gauge, effort.rescue
        )
    return spent


def _run(loss: Lowered, data: Instances, x: Array, tolerance: Array, gauge: Gauge, limit: int) -> tuple[Array, Array]:
    count = len(x)
    result, spent = x.copy(), np.zeros(count, int)
    rows = np.arange(count)
    value, slope = loss.value_and_gradient(x, data)
    damping = np.full(count, 1e-3)
    for _ in range(limit):
        size = norms(slope)
        open_ = (size > tolerance[rows]) & np.isfinite(size) & (damping < 1e12)
        if not open_.all():
            keep = np.flatnonzero(open_)
            rows, data, x, value, slope, damping = rows[keep], data.pick(keep), x[keep], value[keep], slope[keep], damping[keep]
            size = size[keep]
        if not len(rows):
            break
        hessian = loss.hessian(x, data)
        height = hessian_size(hessian)
        if not np.all(np.isfinite(height)):
            damping = np.where(np.isfinite(height), damping, np.inf)
            hessian = np.where(np.isfinite(height)[:, None, None], hessian, 0.0)
            height = np.where(np.isfinite(height), height, 1.0)
        whole = lifted(hessian, unit_tangents(loss, x, gauge), height)
        values, vectors = np.linalg.eigh((whole + np.swapaxes(whole, -1, -2)) / 2)
        inside = (np.swapaxes(vectors, -1, -2) @ slope[..., None])[..., 0]
        floor = np.maximum(height, 1e-300)[:, None]
        divisor = np.abs(values) + damping[:, None] * floor + 1e-12 * floor
        step = -(vectors @ (inside / divisor)[..., None])[..., 0]
        trial = x + step
        new_value, new_slope = loss.value_and_gradient(trial, data)
        expected = np.vecdot(slope, step)
        lower = new_value <= value + 1e-4 * expected
        # Below rounding the loss says nothing any more; the gradient still does.
        level = new_value <= value + 1e-14 * np.abs(value)
        taken = (lower | (level & (norms(new_slope) <= 0.9 * size))) & np.isfinite(new_value) & np.isfinite(damping)
        x = np.where(taken[:, None], trial, x)
        value = np.where(taken, new_value, value)
        slope = np.where(taken[:, None], new_slope, slope)
        damping = np.where(taken, np.where(damping < 1e-14, 0.0, 0.1 * damping), np.maximum(8 * damping, 1e-8))
        result[rows] = x
        spent[rows] += 1
    return result, spent
