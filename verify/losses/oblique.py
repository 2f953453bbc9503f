"""Quadratics with a spurious second-order point X whose singular vectors have any angle with those of X⋆.

Main definitions: `plant_oblique`.

Any X of rank r is spurious for any X⋆ with a ⊥⊥ block `N = P_U^⊥ X⋆ P_V^⊥ ≠ 0`, if only the condition number is large enough.
With `d = X − X⋆`, `∇f(X) = −λUVᵀ − cN`, `g = ∇f(X) + λS` and c so large that `⟨g, d⟩ > 0`, the Hessian
`H = ggᵀ/⟨g, d⟩ + K(I − ddᵀ/|d|²)` is positive definite with `Hd = g`, so that X and X⋆ are stationary; as d is no tangent
`UBᵀ + AVᵀ`, a large K makes the Hessian of L positive semidefinite at X (theory §1, §7).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from verify.evaluation.zeros import symmetric_eigenvalues
from verify.losses import formulas
from verify.losses.hessians import is_semidefinite, lora_hessian
from verify.losses.planting import Star, frames, simple_decays
from verify.losses.problem import Problem
from verify.losses.sampling import Wanted, assembled
from verify.losses.spurious import Planted

Array = Any
Generator = np.random.Generator
_ANGLES = np.array([(3, 4, 5), (4, 3, 5), (4, 3, 5), (0, 1, 1), (12, 5, 13)]) * 1.0
"""Pythagorean triples: a cosine, a sine and their denominator."""
_GROWTH = (1.0, 2.0, 4.0, 16.0, 64.0)
_OUTWARD = 1e-12
_LARGEST = 1e5
"""The largest condition number."""


def plant_oblique(
    rng: Generator, count: int, sizes: tuple[int, int, int, int], decay: Array, *, rational: bool
) -> Planted | None:
    """Random problems with a known spurious second-order point of rank r, or None for sizes that have none.

    Args:
        rng: the source of randomness.
        count: the number of problems.
        sizes: m, n, r and the rank of X⋆.
        decay: λ for each problem, `(count,)`.
        rational: small rational numbers, so that rounding recovers an exact example; λ is 0 or ½ then.
    """
    m, n, r, star_rank = sizes
    if min(m, n) <= r or star_rank < 1:
        return None
    decay = simple_decays(rng, decay, (0.0, 0.0, 0.5)) if rational else np.asarray(decay, dtype=float)
    if rational:
        size, far = rng.choice([1.0, 1.0, 4.0, 0.25], (count, r)), rng.choice([1.0, 1.0, 2.0, 0.5], (count, star_rank))
        left_star, right_star = (_turned_axes(rng, count, k, r, star_rank) for k in (m, n))
    else:
        size, far = rng.uniform(0.3, 2.0, (count, r)), rng.uniform(0.3, 3.0, (count, star_rank))
        left_star, right_star = (_near_axes(rng, count, k, r, star_rank) for k in (m, n))
    eye_m, eye_n = (np.broadcast_to(np.eye(k, r), (count, k, r)) for k in (m, n))
    left, right = eye_m * np.sqrt(size)[:, None, :], eye_n * np.sqrt(size)[:, None, :]
    star = (left_star * far[:, None, :]) @ np.swapaxes(right_star, -1, -2)
    witness = left_star @ np.swapaxes(right_star, -1, -2)
    block = star.copy()
    block[:, :r, :] = block[:, :, :r] = 0.0
    move = (left @ np.swapaxes(right, -1, -2) - star).reshape(count, -1)
    polar = eye_m @ np.swapaxes(eye_n, -1, -2)
    pull = (decay[:, None, None] * (witness - polar)).reshape(count, -1)
    square = np.sum(block**2, axis=(-2, -1))
    strength = rng.choice([1.0, 0.5, 2.0], count)
    # ⟨g, d⟩ = c|N|² + ⟨λ(S − UVᵀ), d⟩, and the second part is at most 0.
    strength = strength + np.abs(np.vecdot(pull, move)) / np.maximum(square, 1e-300)
    slope = -decay[:, None, None] * polar - strength[:, None, None] * block
    change = slope.reshape(count, -1) + decay[:, None] * witness.reshape(count, -1)
    operator, done = _grown(change, move, (left, right), slope, decay)
    good = np.flatnonzero(done)
    if not len(good):
        return None
    # Where N is tiny the condition number is huge: others take the place of such problems.
    rows = np.where(done, np.arange(count), np.resize(good, count))
    problem = _problem(operator[rows], Star(star[rows], witness[rows]), decay[rows], r, rational=rational)
    return Planted(problem, left[rows], right[rows])


def _grown(change: Array, move: Array, factors: tuple[Array, Array], slope: Array, decay: Array) -> tuple[Array, Array]:
    """H with the least K tried that makes the point second-order, and whether one does at a moderate condition number."""
    with np.errstate(all="ignore"):
        along = np.nan_to_num(change[:, :, None] * change[:, None, :] / np.vecdot(change, move)[:, None, None])
        across = np.eye(move.shape[1]) - np.nan_to_num(
            move[:, :, None] * move[:, None, :] / np.vecdot(move, move)[:, None, None]
        )
    done, found = np.zeros(len(move), bool), along + across
    for growth in _GROWTH:
        trial = along + growth * across
        found = np.where(done[:, None, None], found, trial)
        done = done | is_semidefinite(lora_hessian(*factors, slope, trial, decay))
    # Only what is done is finite for sure.
    found = np.where(done[:, None, None], found, across[0])
    found = (found + np.swapaxes(found, -1, -2)) / 2
    values = symmetric_eigenvalues(found)
    return found, done & (values[:, 0] > values[:, -1] / _LARGEST)


def _problem(operator: Array, star: Star, decay: Array, r: int, *, rational: bool) -> Problem:
    m, n = star.point.shape[1:]
    values = np.linalg.eigvalsh(operator)
    slack = _OUTWARD * values[:, -1]
    alpha, beta = values[:, 0] - slack, values[:, -1] + slack
    if rational:
        alpha, beta = _simple(alpha, np.floor), _simple(beta, np.ceil)
    problem = assembled(
        "oblique",
        formulas.curved,
        Wanted(m=m, n=n, r=r),
        {"m": m, "n": n},
        {"M": star.point, "C": -decay[:, None, None] * star.witness},
        decay,
        operators={"H": operator},
        convex=True,
        alpha=alpha,
        beta=beta,
        star=star,
    )
    return replace(problem, family="rational oblique") if rational else problem


def _simple(values: Array, towards: Any) -> Array:
    """Numbers with four binary digits, below or above."""
    unit = 2.0 ** (np.floor(np.log2(np.maximum(values, 1e-300))) - 3)
    return towards(values / unit) * unit


def _near_axes(rng: Generator, count: int, size: int, r: int, columns: int) -> Array:
    """Orthonormal columns `(count, size, columns)`, near the first r axes, or far from them, or anyhow."""
    if columns > r:
        return frames(rng, count, size)[:, :, :columns]
    pull = rng.choice([0.0, 1.0, 3.0, -3.0], (count, 1, 1))
    q, _ = np.linalg.qr(rng.standard_normal((count, size, columns)) + pull * np.eye(size)[:, :columns])
    return np.asarray(q * np.where(rng.random((count, 1, columns)) < 0.3, -1.0, 1.0))


def _turned_axes(rng: Generator, count: int, size: int, r: int, columns: int) -> Array:
    """The same in rational numbers: axes, turned in a plane of one of the first r and one of the others."""
    frame = np.broadcast_to(np.eye(size), (count, size, size)).copy()
    cosine, sine, whole = _ANGLES[rng.integers(len(_ANGLES), size=count)].T
    i, j = int(rng.integers(r)), int(rng.integers(r, size))
    frame[:, i, i] = frame[:, j, j] = cosine / whole
    frame[:, j, i], frame[:, i, j] = sine / whole, -sine / whole
    # The turned axis comes first, as it alone has parts on both sides.
    order = [i, *(k for k in rng.permutation(size).tolist() if k != i)][:columns]
    return frame[:, :, order] * np.where(rng.random((count, 1, columns)) < 0.3, -1.0, 1.0)
