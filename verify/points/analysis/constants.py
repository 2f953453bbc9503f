"""The curvature constants of the theorems at a point: α_pair, β_dir of Lemma B, and the terms of Theorem B.

Main definitions: `pair_curvature`, `block_curvature`, `dichotomy`.

References: theory §0 (α_pair), §4 (Lemma B, Theorem B). All derivatives are the derived ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.evaluation.tolerances import TIGHT
from verify.losses.problem import Problem
from verify.points.analysis.full import curvature, frobenius, pairing, singular, slope

Array = Any


@dataclass(frozen=True)
class PairCurvature:
    """`⟨∇f(X) − ∇f(X⋆), X − X⋆⟩` and what it is of `‖X − X⋆‖²`, `(count,)` each.

    Attributes:
        inner: the inner product.
        squared: ‖X − X⋆‖_F².
        alpha: their quotient α_pair; the inner product itself where X = X⋆ up to `TIGHT` (there it is 0/0, or rounding over
            rounding).
        defined: whether alpha is the quotient.
    """

    inner: Array
    squared: Array
    alpha: Array
    defined: Array


def pair_curvature(problem: Problem, point: Array, star: Array | None = None) -> PairCurvature:
    """α_pair at points.

    Args:
        problem: problems with one adapter.
        point: X, `(count, m, n)`.
        star: X⋆; the problem's own unless given.

    Raises:
        ValueError: if no X⋆ is given or known.
    """
    star = star_of(problem, star)
    move = point - star
    inner = pairing(slope(problem, point) - slope(problem, star), move)
    squared = pairing(move, move)
    defined = squared > (TIGHT * np.maximum(frobenius(point), frobenius(star))) ** 2
    alpha = np.where(defined, inner / np.where(defined, squared, 1.0), inner)
    return PairCurvature(inner, squared, alpha, defined)


def star_of(problem: Problem, star: Array | None) -> Array:
    """The given X⋆ or the problem's own.

    Raises:
        ValueError: if there is none.
    """
    found = problem.star if star is None else star
    if found is None:
        raise ValueError(f"no X⋆ is known for the family {problem.family}: pass one, for instance from minimize_full")
    return np.asarray(found, dtype=float)


@dataclass(frozen=True)
class BlockCurvature:
    """Lemma B at points X of rank r: the ⊥⊥ block of the gradient and the curvature along Z, `(count,)` each.

    Attributes:
        beta: β_dir = ½∇²f(X)[Z, Z] along `Z = u_r vᵀ − u v_rᵀ`, (u, v) the top pair of G_⊥; not a number where the block
            is empty (r = min(m, n)) or r = 0.
        block_norm: ‖G_⊥‖_op, 0 where the block is empty.
        smallest: σ_r(X), 0 for r = 0.
        defect: how far the bound `‖G_⊥‖_op ≤ λ + β_dir σ_r(X)` is from holding (positive: violated).
        move: Z, `(count, m, n)`.
    """

    beta: Array
    block_norm: Array
    smallest: Array
    defect: Array
    move: Array


def block_curvature(problem: Problem, point: Array, rank: int) -> BlockCurvature:
    """β_dir of Lemma B.

    Args:
        problem: problems with one adapter.
        point: X, `(count, m, n)`, of the given rank (a larger rank is cut off).
        rank: r, for all points.

    Raises:
        ValueError: if the rank is impossible.
    """
    _, rows, cols = point.shape
    if not 0 <= rank <= min(rows, cols):
        raise ValueError(f"rank {rank} does not exist among {rows}×{cols} matrices")
    u, values, vt = np.linalg.svd(point)
    slopes = slope(problem, point)
    smallest = values[:, rank - 1] if rank else np.zeros(problem.count)
    off_u, off_v = u[:, :, rank:], vt[:, rank:, :]
    if rank == min(rows, cols):
        nothing = np.full(problem.count, np.nan)
        return BlockCurvature(nothing, np.zeros(problem.count), smallest, nothing, np.zeros_like(point))
    left, sizes, right = np.linalg.svd(np.swapaxes(off_u, -1, -2) @ slopes @ np.swapaxes(off_v, -1, -2))
    top_u = (off_u @ left[:, :, :1])[..., 0]
    top_v = (right[:, :1, :] @ off_v)[:, 0, :]
    norm = sizes[:, 0]
    if rank == 0:
        nothing = np.full(problem.count, np.nan)
        return BlockCurvature(nothing, norm, smallest, nothing, np.zeros_like(point))
    last_u, last_v = u[:, :, rank - 1], vt[:, rank - 1, :]
    move = last_u[:, :, None] * top_v[:, None, :] - top_u[:, :, None] * last_v[:, None, :]
    beta = curvature(problem, point, move) / 2
    return BlockCurvature(beta, norm, smallest, norm - np.asarray(problem.weight) - beta * smallest, move)


@dataclass(frozen=True)
class Dichotomy:
    """The chain of Theorem B at points of rank r, `(count,)` each: `pair ≤ excess ≤ middle ≤ right`.

    Attributes:
        pair: α_pair‖X − X⋆‖², as the inner product.
        excess: ⟨E, X⋆⟩, E the part of the singular values of −G_⊥ above λ.
        middle: (‖G_⊥‖_op − λ)_+ ‖P_U^⊥X⋆P_V^⊥‖_*.
        right: (β_dir)_+ σ_r(X) ‖P_U^⊥X⋆P_V^⊥‖_*; 0 where the block is empty.
        kappa: β_dir/α_pair where both are defined and α_pair is positive beyond rounding, else not a number.
        scale: the size of what the terms are computed from; differences below `TIGHT·scale` mean nothing.
    """

    pair: Array
    excess: Array
    middle: Array
    right: Array
    kappa: Array
    scale: Array


def dichotomy(problem: Problem, point: Array, rank: int, star: Array | None = None) -> Dichotomy:
    """Both sides of Theorem B at second-order points of rank r.

    Args and errors are those of `pair_curvature` and `block_curvature`.
    """
    star = star_of(problem, star)
    pair = pair_curvature(problem, point, star)
    block = block_curvature(problem, point, rank)
    weight = np.asarray(problem.weight, dtype=float)
    u, _, vt = np.linalg.svd(point)
    off_u, off_v = u[:, :, rank:], vt[:, rank:, :]
    slopes = slope(problem, point)
    steep = frobenius(slopes) + frobenius(slope(problem, star))
    scale = frobenius(star) * (steep + weight)
    if off_u.shape[-1] == 0 or off_v.shape[-2] == 0:
        nothing = np.zeros(problem.count)
        return Dichotomy(pair.inner, nothing, nothing, nothing, np.full(problem.count, np.nan), scale)
    seen = np.swapaxes(off_u, -1, -2) @ star @ np.swapaxes(off_v, -1, -2)
    left, sizes, right = np.linalg.svd(np.swapaxes(off_u, -1, -2) @ -slopes @ np.swapaxes(off_v, -1, -2), full_matrices=False)
    above = np.maximum(sizes - weight[:, None], 0.0)
    excess = pairing((left * above[:, None, :]) @ right, seen)
    nuclear = singular(seen).sum(axis=-1)
    bound = np.maximum(np.nan_to_num(block.beta), 0.0) * block.smallest * nuclear
    good = pair.defined & (pair.inner > TIGHT * steep * frobenius(point - star)) & np.isfinite(block.beta)
    kappa = np.where(good, block.beta / np.where(good, pair.alpha, 1.0), np.nan)
    middle = np.maximum(block.block_norm - weight, 0.0) * nuclear
    return Dichotomy(pair.inner, excess, middle, bound, kappa, scale)
