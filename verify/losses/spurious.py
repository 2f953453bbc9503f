"""Quadratics with a planted spurious second-order point, for any sizes with min(m, n) > r (theory §4, textbook example).

Main definitions: `Planted`, `plant_spurious`, `plant_rational_spurious`, `rotated`.

In the 2×2 corner, with spectrum {1, κ} on (x₁₁, x₂₂) and on (x₁₂, x₂₁), `X = t e₁e₁ᵀ`, `t = (κ−1)/(κ+1)`, is second-order
stationary for the target `X⋆ = e₂e₂ᵀ` exactly if κ ≥ 3: κ = 3 is the textbook example, κ = 4 its strict variant. Further
singular values that X and X⋆ share raise the rank; a rotation hides the structure; for λ > 0 the term `−λ⟨S, X⟩` with S the
common polar factor keeps the point stationary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.losses.planting import frames, simple_decays
from verify.losses.problem import Problem
from verify.losses.textbook import quadratic_of

Array = Any


@dataclass(frozen=True)
class Planted:
    """Problems with the factors of a spurious point, `(count, m, r)` and `(count, n, r)`."""

    problem: Problem
    left: Array
    right: Array


def plant_spurious(rng: np.random.Generator, count: int, m: int, n: int, r: int, decay: Array) -> Planted:
    """Random problems with a known spurious second-order point of rank r = r⋆.

    Args:
        rng: the source of randomness.
        count: the number of problems.
        m, n, r: sizes, with `min(m, n) > r`.
        decay: λ for each problem, `(count,)`.

    Raises:
        ValueError: if `min(m, n) <= r`: then there is no spurious point (theory §3, Corollary A′).
    """
    _require_room(m, n, r)
    # κ = 3, on the threshold itself, is left to the rational examples, where it can be read exactly.
    kappa = rng.choice([3.25, 4.0, 6.0, 20.0], count) + rng.choice([0.0, 0.5], count)
    low = rng.choice([1.0, 0.2, 3.0], count)
    skew = 1 + rng.uniform(0, 1, count) * (kappa - 1)
    t = (kappa - 1) / (kappa + 1)
    shared = rng.uniform(1.0, 2.0, (count, r - 1))
    values = _Values(kappa, low, skew, t, np.ones(count), shared, decay)
    return _planted(values, frames(rng, count, m), frames(rng, count, n), r)


def plant_rational_spurious(rng: np.random.Generator, count: int, m: int, n: int, r: int, decay: Array) -> Planted:
    """The same in small rational numbers and without rotations, so that rounding recovers an exact example.

    The corner of X is 1 and that of X⋆ is `(κ+1)/(κ−1)`; decays that vary become 1/10, 1/4 and 1/2.
    """
    _require_room(m, n, r)
    kappa = rng.choice([3.0, 4.0, 5.0, 9.0], count)
    low = rng.choice([1.0, 2.0, 0.5], count)
    shared = rng.choice([1.0, 2.25, 4.0], (count, r - 1))
    decay = simple_decays(rng, decay, (0.1, 0.25, 0.5))
    far = (kappa + 1) / (kappa - 1)
    values = _Values(kappa, low, np.ones(count), np.ones(count), far, shared, decay)
    turn, spin = (np.broadcast_to(np.eye(size), (count, size, size)) for size in (m, n))
    planted = _planted(values, turn, spin, r)
    return replace(planted, problem=replace(planted.problem, family="rational quadratic"))


def _require_room(m: int, n: int, r: int) -> None:
    if min(m, n) <= r:
        raise ValueError(f"no spurious point exists for r = {r} and min(m, n) = {min(m, n)} (theory §3)")


@dataclass(frozen=True)
class _Values:
    """The numbers of an example: condition number, scale and a free eigenvalue of H; the corners of X and X⋆; what they
    share; λ.
    """

    kappa: Array
    low: Array
    skew: Array
    near: Array
    far: Array
    shared: Array
    decay: Array


def _planted(values: _Values, turn: Array, spin: Array, r: int) -> Planted:
    count, m, n = len(values.kappa), turn.shape[-1], spin.shape[-1]
    operator = rotated(_operator(values, m, n), turn, spin)
    k = min(m, n)
    point, star = np.zeros((count, k)), np.zeros((count, k))
    point[:, 0], star[:, 1] = values.near, values.far
    point[:, 2 : r + 1] = star[:, 2 : r + 1] = values.shared
    used = [0, *range(2, r + 1)]
    roots = np.sqrt(point[:, used])
    left, right = turn[:, :, used] * roots[:, None, :], spin[:, :, used] * roots[:, None, :]
    witness = turn[:, :, :k] @ np.swapaxes(spin[:, :, :k], -1, -2)
    goal = (turn[:, :, :k] * star[:, None, :]) @ np.swapaxes(spin[:, :, :k], -1, -2)
    pull = np.linalg.solve(operator, witness.reshape(count, -1, 1)).reshape(count, m, n)
    target = goal + values.decay[:, None, None] * pull
    return Planted(quadratic_of(operator, target, values.decay, r, star=goal, witness=witness), left, right)


def _operator(values: _Values, m: int, n: int) -> Array:
    """The Hessian in the unrotated entries, with spectrum in `[low, low·κ]`, `(count, mn, mn)`."""
    kappa = values.kappa
    found = kappa[:, None, None] * np.eye(m * n)
    corners = (((0, 0), (1, 1), np.ones_like(kappa)), ((0, 1), (1, 0), values.skew))
    for (i, j), (a, b), other in corners:
        x, y = i * n + j, a * n + b
        mean, half = (kappa + other) / 2, (kappa - other) / 2
        found[:, x, x] = found[:, y, y] = mean
        found[:, x, y] = found[:, y, x] = half
    return values.low[:, None, None] * found


def rotated(operator: Array, turn: Array, spin: Array) -> Array:
    """The operator in the entries of `turn · X · spinᵀ`."""
    count, m, n = len(operator), turn.shape[-1], spin.shape[-1]
    frame = np.einsum("bij,bkl->bikjl", turn, spin).reshape(count, m * n, m * n)
    moved = frame @ operator @ np.swapaxes(frame, -1, -2)
    return (moved + np.swapaxes(moved, -1, -2)) / 2
