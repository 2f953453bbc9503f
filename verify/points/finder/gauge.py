"""The gauge orbit: directions in which a LoRA loss cannot change, and second-order tests modulo them (theory §1).

Main definitions: `Gauge`, `tangents`, `gauge_dimension`, `resolved_orbit`, `lifted`, `lambda_min_modulo_gauge`,
`balanced`, `gauge_of`.

With weight decay the group is O(r), with tangents `(AΩ, BΩ)`, Ωᵀ = −Ω; without it GL(r), with tangents `(AK, −BKᵀ)`. At a
stationary point these are exact null directions of the Hessian: no tolerance decides that.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np

from verify.evaluation.zeros import ROUNDING, cleared
from verify.losses.problem import Problem
from verify.points.finder.lowering import Instances, Lowered

Array = Any
_INVARIANT = 1e-9
_NULL = 1e-8


class Gauge(Enum):
    """The symmetry group of the loss, one copy for each adapter."""

    ROTATIONS = "O(r): the loss depends on (A, B) up to a common rotation of the columns"
    LINEAR = "GL(r): the loss depends on A Bᵀ only"


def gauge_dimension(r: int, left_rank: int, right_rank: int, gauge: Gauge) -> int:
    """The exact dimension of one adapter's orbit at a stationary point (theory §1).

    Args:
        r: the number of columns of A and B.
        left_rank, right_rank: the ranks of A and B (both are rank X at a stationary point with weight decay).
        gauge: the group.

    Raises:
        ValueError: for O(r) with different ranks: such a pair is not stationary.

    >>> gauge_dimension(3, 3, 3, Gauge.ROTATIONS), gauge_dimension(3, 2, 1, Gauge.LINEAR)
    (3, 7)
    """
    if gauge is Gauge.LINEAR:
        return r * r - (r - left_rank) * (r - right_rank)
    if left_rank != right_rank:
        raise ValueError(f"A has rank {left_rank} and B has rank {right_rank}: stationary pairs with decay are balanced")
    return left_rank * (2 * r - left_rank - 1) // 2


@lru_cache(maxsize=64)
def _generators(r: int, gauge: Gauge) -> tuple[Array, Array]:
    """The Lie algebra's basis as it acts on A and on B, each `(t, r, r)`."""
    units = np.eye(r * r).reshape(r * r, r, r)
    if gauge is Gauge.LINEAR:
        return units, -units.transpose(0, 2, 1)
    pairs = [(i, j) for i in range(r) for j in range(i + 1, r)]
    spins = np.zeros((len(pairs), r, r))
    for k, (i, j) in enumerate(pairs):
        spins[k, i, j], spins[k, j, i] = 1.0, -1.0
    return spins, spins


def tangents(lowered: Lowered, points: Array, gauge: Gauge) -> Array:
    """Tangent vectors of the orbit at each point, `(batch, t, p)`; not normalized, dependent where the rank drops.

    Args:
        lowered: the compiled loss; its variables are pairs (A, B).
        points: `(batch, p)`.
        gauge: the group, the same for all points.
    """
    count, p = points.shape
    ranges, shapes = lowered.ranges, lowered.shapes
    parts = []
    for first in range(0, len(shapes), 2):
        r = shapes[first][1]
        generators = _generators(r, gauge)
        size = len(generators[0])
        rows = np.zeros((count, size, p))
        for place, generator in zip((first, first + 1), generators, strict=True):
            (start, stop), shape = ranges[place], shapes[place]
            factor = points[:, start:stop].reshape(count, *shape)
            moved = factor @ generator.transpose(1, 0, 2).reshape(r, size * r)
            block = rows[:, :, start:stop].reshape(count, size, *shape)
            block[...] = moved.reshape(count, shape[0], size, r).transpose(0, 2, 1, 3)
        parts.append(rows)
    return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]


def unit_tangents(lowered: Lowered, points: Array, gauge: Gauge) -> Array:
    """The tangents scaled to length 1; zero tangents stay zero."""
    found = tangents(lowered, points, gauge)
    length = np.sqrt(np.vecdot(found, found))
    found /= np.where(length > 0, length, 1.0)[..., None]
    return found


def resolved_orbit(lowered: Lowered, points: Array, gauge: Gauge, slope: Array, size: Array) -> Array:
    """Orthonormal gauge directions along which the Hessian is null to 1e-8 of its size, `(batch, t, p)`; the others are 0.

    Differentiating the invariance along an orbit gives `∇²L t = −(∂t)ᵀ∇L`: for a tangent of length s the Hessian is null
    on its direction up to √2‖∇L‖/s. Where the rank nearly drops, s is small, and that says nothing unless the gradient is
    smaller still: such a direction is not excused from the test of the curvature.

    Args:
        lowered: the compiled loss.
        points: `(batch, p)`.
        gauge: the group.
        slope: gradient norms, `(batch,)`.
        size: of the Hessian, `(batch,)`.
    """
    found = tangents(lowered, points, gauge)
    if not found.shape[1]:
        return found
    gram = found @ np.swapaxes(found, -1, -2)
    finite = np.all(np.isfinite(gram), axis=(-2, -1))
    squares, turn = np.linalg.eigh(np.where(finite[:, None, None], gram, 0.0))
    least = np.sqrt(2.0) * slope / (_NULL * np.maximum(size, 1e-300))
    # Squared lengths are known to rounding of the largest.
    kept = squares > np.maximum(least[:, None] ** 2, ROUNDING * squares.shape[-1] * squares[:, -1:])
    turn = turn * np.where(kept, 1.0 / np.sqrt(np.where(kept, squares, 1.0)), 0.0)[:, None, :]
    return np.swapaxes(turn, -1, -2) @ found


def lifted(hessian: Array, unit: Array, size: Array) -> Array:
    """`∇²L + size·TTᵀ`: no longer singular along the orbit, unchanged on its complement.

    Args:
        hessian: `(batch, p, p)`.
        unit: tangents of length 1, `(batch, t, p)`.
        size: how far to lift, `(batch,)`.
    """
    if unit.shape[1] == 0:
        return hessian
    return hessian + (np.swapaxes(unit, -1, -2) * size[:, None, None]) @ unit


def orbit_basis(tangent: Array) -> tuple[Array, Array]:
    """An orthonormal basis of the span of the tangents `(batch, t, p)`, and which of its vectors count `(batch, k)`.

    Factors are roots of X: where its rank drops, tangents may have the length of a root of rounding, and what is not
    longer does not count. This only chooses what the smallest eigenvalue is measured on; a direction that is left out stays
    in the test. The dimension itself is `gauge_dimension`.
    """
    _, values, basis = np.linalg.svd(tangent, full_matrices=False)
    return basis, values > np.sqrt(ROUNDING * max(tangent.shape[1:])) * values[:, :1]


def compressed(hessian: Array, orthonormal: Array) -> Array:
    """The Hessian on the complement of some orthonormal (or zero) rows `(batch, t, p)`, lifted above its spectrum on them."""
    if not orthonormal.shape[1]:
        return hessian
    turned = np.swapaxes(orthonormal, -1, -2)
    h = hessian - turned @ (orthonormal @ hessian)
    h = h - (h @ turned) @ orthonormal
    return lifted((h + np.swapaxes(h, -1, -2)) / 2, orthonormal, 1.0 + np.abs(hessian).sum(axis=-1).max(axis=-1))


def lambda_min_modulo_gauge(hessian: Array, tangent: Array) -> Array:
    """The smallest eigenvalue of the Hessian on the complement of the orbit, `(batch,)`.

    It is not a number where the Hessian is not finite, and infinite where there is no complement.

    Args:
        hessian: `(batch, p, p)`.
        tangent: tangents of the orbit, `(batch, t, p)`, of any lengths.
    """
    finite = np.all(np.isfinite(hessian), axis=(-2, -1)) & np.all(np.isfinite(tangent), axis=(-2, -1))
    h = np.where(finite[:, None, None], hessian, 0.0)
    dimension = np.zeros(len(h), int)
    if tangent.shape[1]:
        basis, counted = orbit_basis(np.where(finite[:, None, None], tangent, 0.0))
        h = compressed(h, basis * counted[..., None])
        dimension = counted.sum(axis=-1)
    values = np.linalg.eigvalsh(h)[:, 0]
    return np.where(finite, np.where(dimension < hessian.shape[-1], values, np.inf), np.nan)


def balanced(lowered: Lowered, points: Array) -> Array:
    """The points `(batch, p)` moved along their GL(r) orbits to pairs with `AᵀA = BᵀB`, where the Hessian is best conditioned.

    Columns beyond the rank of X become 0; points that are not finite stay as they are.
    """
    result = points.copy()
    rows = np.flatnonzero(np.all(np.isfinite(points), axis=1))
    for first in range(0, len(lowered.shapes), 2):
        (a, b), (c, d) = lowered.ranges[first], lowered.ranges[first + 1]
        (m, r), (n, _) = lowered.shapes[first], lowered.shapes[first + 1]
        left = points[rows, a:b].reshape(-1, m, r)
        right = points[rows, c:d].reshape(-1, n, r)
        # What cancels in the product leaves rounding of the factors, not of X.
        size = np.linalg.norm(left, axis=(-2, -1)) * np.linalg.norm(right, axis=(-2, -1))
        new_left, new_right = factors_of(left @ np.swapaxes(right, -1, -2), r, size)
        result[rows, a:b], result[rows, c:d] = new_left.reshape(-1, m * r), new_right.reshape(-1, n * r)
    return result


def factors_of(updates: Array, r: int, size: Array | None = None) -> tuple[Array, Array]:
    """Balanced factors of the best rank-r approximation: `(..., m, n)` to `(..., m, r)` and `(..., n, r)`.

    To start at a given X pass `dict(zip("AB", factors_of(X, r)))`; columns beyond the rank of X are exactly 0.

    Args:
        updates: X.
        r: the number of columns.
        size: what X was computed from, `(...)`, where that is larger than X: singular values at its rounding level are 0.
    """
    updates = np.asarray(updates, dtype=float)
    u, values, vt = np.linalg.svd(updates, full_matrices=False)
    # The root of a rounding error is no rounding error: √1e-17 = 3e-9.
    values = cleared(values, max(updates.shape[-2:]), size)
    k = min(r, values.shape[-1])
    root = np.sqrt(values[..., None, :k])
    rows, cols = updates.shape[-2:]
    left = np.zeros((*updates.shape[:-2], rows, r))
    right = np.zeros((*updates.shape[:-2], cols, r))
    left[..., :k] = u[..., :k] * root
    right[..., :k] = np.swapaxes(vt, -1, -2)[..., :k] * root
    return left, right


def gauge_of(problem: Problem, lowered: Lowered, instances: Instances, seed: int = 0) -> Array:
    """For each instance, whether the loss is invariant under GL(r) (True) or only under O(r) (False).

    Only instances without weight decay can be; for them the derived gradient must vanish along all `(AK, −BKᵀ)` at a
    random point (a decay on one of the factors alone has effective weight 0 too).
    """
    weight = np.zeros(problem.count) if problem.weight is None else np.asarray(problem.weight)
    candidates = np.broadcast_to(weight == 0, (instances.count,))
    if not candidates.any():
        return candidates
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((instances.count, lowered.unknowns))
    _, slope = lowered.value_and_gradient(points, instances)
    unit = unit_tangents(lowered, points, Gauge.LINEAR)
    along = np.abs(np.einsum("btp,bp->bt", unit, slope)).max(axis=1)
    length = np.sqrt(np.vecdot(slope, slope))
    return candidates & (along <= _INVARIANT * length)
