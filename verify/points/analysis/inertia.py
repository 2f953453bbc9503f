"""The inertia of the LoRA loss's Hessian modulo the gauge orbit, at approximate stationary points.

Main definitions: `Inertia`, `inertia`, `numerical_rank`.

Implementation notes
    At a stationary point the Hessian vanishes on the gauge directions (theory §1), whose number is known exactly from
    the ranks. They are lifted out of the way, `H + ‖H‖TTᵀ` with an orthonormal basis T of them, and leave the count of
    positive eigenvalues: none of the zeros that remain belongs to the orbit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.evaluation.hessians import hessian_matrix
from verify.evaluation.tolerances import LOOSE, TIGHT
from verify.losses.problem import Problem
from verify.points.finder.gauge import Gauge, gauge_dimension

Array = Any
RANK_CUT = 1e-6
"""Singular values of X below this fraction of the problem's length count as zero."""


@dataclass(frozen=True)
class Inertia:
    """Counts of eigenvalues off the gauge directions, all `(count,)`; their sum is `p − gauge`.

    Attributes:
        minus, zero, plus: eigenvalues below, within and above `±LOOSE·size`.
        unclear: those among the zeros with an absolute value above `TIGHT·size`.
        gauge: the number of gauge directions.
        least: the smallest eigenvalue off the gauge directions.
        size: the Hessian's spectral norm.
    """

    minus: Array
    zero: Array
    plus: Array
    unclear: Array
    gauge: Array
    least: Array
    size: Array


def numerical_rank(values: Array, length: Array) -> tuple[Array, Array]:
    """The rank and its gap from singular values `(..., k)` in descending order.

    Args:
        values: singular values.
        length: what they are compared with, `(...)`.

    Returns:
        The number of singular values above `RANK_CUT·length`, and σ_k/σ_{k+1} there (infinite where σ_{k+1} is 0 or
        does not exist, not a number at rank 0).
    """
    rank = np.sum(values > RANK_CUT * length[..., None], axis=-1)
    padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
    last = np.take_along_axis(padded, np.maximum(rank - 1, 0)[..., None], axis=-1)[..., 0]
    following = np.take_along_axis(padded, rank[..., None], axis=-1)[..., 0]
    gap = np.where(following > 0, last / np.where(following > 0, following, 1.0), np.inf)
    return rank, np.where(rank > 0, gap, np.nan)


def gauge_dimensions(rank_a: Array, rank_b: Array, r: int, weight: Array) -> Array:
    """The number of gauge directions of one pair at each point, `(count,)`, from the ranks of its factors.

    For λ > 0 both ranks are rank X (theory §1).
    """
    found = np.zeros(len(rank_a), dtype=int)
    for left, right, decayed in {*zip(rank_a.tolist(), rank_b.tolist(), (weight > 0).tolist(), strict=True)}:
        group = Gauge.ROTATIONS if decayed else Gauge.LINEAR
        same = (rank_a == left) & (rank_b == right) & ((weight > 0) == decayed)
        found[same] = gauge_dimension(r, left, right, group)
    return found


def _tangents(left: Array, right: Array, weight: Array) -> Array:
    """Spanning gauge directions of one pair as columns, `(count, (m+n)r, r²)`: `(AK, −BKᵀ)`, K skew where λ > 0."""
    count, _, r = left.shape
    units = np.eye(r * r).reshape(r * r, r, r)
    skew = units - np.swapaxes(units, -1, -2)
    turns = np.where((weight > 0)[:, None, None, None], skew[None], units[None])
    first = left[:, None] @ turns
    second = -right[:, None] @ np.swapaxes(turns, -1, -2)
    both = np.concatenate([first.reshape(count, r * r, -1), second.reshape(count, r * r, -1)], axis=-1)
    return np.swapaxes(both, -1, -2)


def gauge_basis(problem: Problem, points: Mapping[str, Array], lengths: Array) -> tuple[Array, Array]:
    """An orthonormal basis of the gauge directions, `(count, p, q)` with unused columns 0, and their number `(count,)`.

    Args:
        problem: the problems.
        points: arrays by variable name.
        lengths: the length scale of X for each instance, `(count,)`; factors are compared with its root.
    """
    weight = np.asarray(problem.weight)
    blocks, numbers = [], []
    for first, second in problem.pairs:
        left, right = points[first.payload[0]], points[second.payload[0]]
        balanced = weight > 0
        # For λ > 0 both factors of a stationary point have the rank of X; its singular values decide, not their roots.
        product = np.linalg.svd(left @ np.swapaxes(right, -1, -2), compute_uv=False)
        rank_x, _ = numerical_rank(product, lengths)
        ranks = [
            np.where(balanced, rank_x, numerical_rank(np.linalg.svd(v, compute_uv=False), np.sqrt(lengths))[0])
            for v in (left, right)
        ]
        number = gauge_dimensions(ranks[0], ranks[1], left.shape[-1], weight)
        basis = np.linalg.svd(_tangents(left, right, weight), full_matrices=False)[0]
        columns = np.arange(basis.shape[-1])
        blocks.append(np.where(columns < number[:, None, None], basis, 0.0))
        numbers.append(number)
    return _block_diagonal(blocks), np.sum(numbers, axis=0)


def _block_diagonal(blocks: list[Array]) -> Array:
    count = blocks[0].shape[0]
    rows, cols = (sum(b.shape[k] for b in blocks) for k in (1, 2))
    out = np.zeros((count, rows, cols))
    row = col = 0
    for block in blocks:
        out[:, row : row + block.shape[1], col : col + block.shape[2]] = block
        row, col = row + block.shape[1], col + block.shape[2]
    return out


def inertia(problem: Problem, points: Mapping[str, Array], lengths: Array) -> Inertia:
    """The inertia of `∇²L` off the gauge directions; counts are −1 where the Hessian is not finite.

    Args are those of `gauge_basis`.
    """
    with np.errstate(all="ignore"):
        hessian = hessian_matrix(problem.loss, problem.variables, problem.batch(points))
    finite = np.all(np.isfinite(hessian), axis=(-2, -1))
    hessian = np.where(finite[:, None, None], hessian, 0.0)
    basis, number = gauge_basis(problem, {k: np.nan_to_num(v) for k, v in points.items()}, lengths)
    size = np.linalg.norm(hessian, ord=2, axis=(-2, -1))
    lift = np.where(size > 0, size, 1.0)
    values = np.linalg.eigvalsh(hessian + lift[:, None, None] * (basis @ np.swapaxes(basis, -1, -2)))
    loose, tight = LOOSE * lift[:, None], TIGHT * lift[:, None]
    minus, plus = np.sum(values < -loose, axis=-1), np.sum(values > loose, axis=-1) - number
    near = np.abs(values) <= loose
    zero, unclear = np.sum(near, axis=-1), np.sum(near & (np.abs(values) > tight), axis=-1)

    def known(counts: Array) -> Array:
        return np.where(finite, counts, -1)

    return Inertia(
        known(minus),
        known(zero),
        known(plus),
        known(unclear),
        number,
        np.where(finite, values[:, 0], np.nan),
        np.where(finite, size, np.nan),
    )
