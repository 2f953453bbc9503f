"""Quadratics with a spurious point of any rank r ≥ r⋆, up to those that attain Theorem D (theory §4).

Main definitions: `plant_extremal`, `extremal`.

`X = sI_r ⊕ 0` and `X⋆ = 0 ⊕ yI_{r⋆}` need `min(m, n) ≥ r + r⋆`. The Hessian H is β on every direction but the plane of the two
identity blocks, where it maps `X − X⋆` to `0 ⊕ −eI`. Then X is stationary, and it is a second-order point exactly for
`e ≤ βs`, as no tangent `UBᵀ + AVᵀ` reaches the second block. With `x = s/y`, `e = tβs` and `q² = r⋆/(x²r)` the smallest
eigenvalue is `α = β(1−tx)q²tx/(1+q²(1−tx))`; t = 1 and `x = 1/(1+√ρ)` give Theorem D's threshold `κ = 1+2√ρ`. For λ > 0
the term `−λ⟨S, X⟩` with S the identity keeps the point.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from verify.losses.planting import frames, simple_decays
from verify.losses.spurious import Planted, rotated
from verify.losses.textbook import quadratic_of

Array = Any
_RATIONAL_RATIOS = (0.5, 0.5, 0.25, 0.375, 0.75, 1 / 16, 1 / 64)
"""Small ratios come with large condition numbers, where `κx` is close to 1 (Theorem C's constant)."""


def plant_extremal(
    rng: np.random.Generator, count: int, m: int, n: int, r: int, star_rank: int, decay: Array, *, rational: bool
) -> Planted:
    """Problems with a spurious point of rank r whose X⋆ has rank `star_rank`.

    Args:
        rng: the source of randomness.
        count: the number of problems.
        m, n, r, star_rank: sizes, with `star_rank ≤ r` and `min(m, n) ≥ r + star_rank`.
        decay: λ for each problem, `(count,)`.
        rational: small rational numbers and no rotations, so that rounding recovers an exact example; λ is rounded too.

    Raises:
        ValueError: for sizes that are not possible.
    """
    if not 1 <= star_rank <= r or min(m, n) < r + star_rank:
        raise ValueError(f"no example for ranks {r} and {star_rank} in {m}×{n} matrices: min(m, n) ≥ r + r⋆ ≥ 2 is needed")
    if star_rank == r and r > 1:
        return _plant_sum(rng, count, (m, n, r), decay, rational=rational)
    if rational:
        best = round(256 / (1 + np.sqrt(r / star_rank))) / 256
        ratio, share = rng.choice((*_RATIONAL_RATIOS, best, best), count), np.ones(count)
        beta, size = rng.choice([1.0, 2.0, 4.0], count), np.ones(count)
        decay = simple_decays(rng, decay, (0.125, 0.25, 0.5))
        turn, spin = (np.broadcast_to(np.eye(k), (count, k, k)) for k in (m, n))
    else:
        # t = 1 leaves a Hessian that is singular beyond the gauge: only the rational examples have it.
        share = rng.choice([0.98, 0.9, 0.7], count)
        ratio = np.where(rng.random(count) < 0.7, rng.uniform(0.1, 0.95, count), 10.0 ** rng.uniform(-2.5, -1.0, count))
        beta, size = rng.choice([1.0, 0.3, 5.0], count), rng.uniform(0.5, 2.0, count)
        turn, spin = frames(rng, count, m), frames(rng, count, n)
    found = extremal(beta, ratio, share, size, (m, n, r, star_rank), decay, (turn, spin))
    return replace(found, problem=replace(found.problem, family="rational quadratic")) if rational else found


def _plant_sum(rng: np.random.Generator, count: int, sizes: tuple[int, int, int], decay: Array, *, rational: bool) -> Planted:
    """A direct sum of r examples of rank one with different numbers: Theorem B is strict there.

    The point is second-order where every `e_i ≤ βs_j`.
    """
    m, n, r = sizes
    if rational:
        size = rng.choice([1.0, 2.25, 4.0], (count, r))
        ratio, share = rng.choice([0.25, 0.5, 0.75], (count, r)), rng.choice([0.25, 0.5, 1.0], (count, r))
        beta, decay = rng.choice([1.0, 2.0, 4.0], count), simple_decays(rng, decay, (0.25,))
        turn, spin = (np.broadcast_to(np.eye(k), (count, k, k)) for k in (m, n))
    else:
        size, ratio = rng.uniform(0.5, 2.0, (count, r)), rng.uniform(0.2, 0.9, (count, r))
        share, beta = rng.uniform(0.3, 0.98, (count, r)), rng.choice([1.0, 0.3, 5.0], count)
        turn, spin = frames(rng, count, m), frames(rng, count, n)
    share = share * size.min(axis=1, keepdims=True) / size
    operator = beta[:, None, None] * np.eye(m * n)
    for i in range(r):
        corner = (i * n + i, (r + i) * n + r + i)
        operator = operator + _plane(beta, ratio[:, i], share[:, i], _unit(m * n, corner[0]), _unit(m * n, corner[1]))
    operator = rotated((operator + np.swapaxes(operator, -1, -2)) / 2, turn, spin)
    found = _planted(operator, size, size / ratio, np.asarray(decay), (turn, spin))
    return replace(found, problem=replace(found.problem, family="rational quadratic")) if rational else found


def _unit(length: int, place: int) -> Array:
    found = np.zeros(length)
    found[place] = 1.0
    return found


def extremal(
    beta: Array,
    ratio: Array,
    share: Array,
    size: Array,
    sizes: tuple[int, int, int, int],
    decay: Array,
    turns: tuple[Array, Array] | None = None,
) -> Planted:
    """The problems with given numbers, all `(count,)`.

    Args:
        beta: the largest eigenvalue of H.
        ratio: x = s/y, above 0, with `share·ratio < 1`.
        share: t, at most 1 (below 1 the point is strict modulo the gauge).
        size: s, the singular values of X.
        sizes: m, n, r and the rank of X⋆.
        decay: λ.
        turns: rotations of the rows and columns, `(count, m, m)` and `(count, n, n)`.
    """
    m, n, r, star_rank = sizes
    count = len(beta)
    turn, spin = turns or tuple(np.broadcast_to(np.eye(k), (count, k, k)) for k in (m, n))
    operator = rotated(_operator(beta, ratio, share, sizes), turn, spin)
    point = np.repeat(size[:, None], r, axis=1)
    star = np.repeat((size / ratio)[:, None], star_rank, axis=1)
    return _planted(operator, point, star, np.asarray(decay), (turn, spin))


def _planted(operator: Array, point: Array, star: Array, decay: Array, turns: tuple[Array, Array]) -> Planted:
    """`X = diag(point) ⊕ 0` and `X⋆ = 0 ⊕ diag(star)`, turned, with S the identity and the operator already turned."""
    turn, spin = turns
    count, r = point.shape
    m, n, k = turn.shape[-1], spin.shape[-1], min(turn.shape[-1], spin.shape[-1])
    left, right = turn[:, :, :k], spin[:, :, :k]
    sizes = np.zeros((count, k))
    sizes[:, r : r + star.shape[1]] = star
    roots = np.sqrt(point[:, None, :])
    witness = left @ np.swapaxes(right, -1, -2)
    goal = (left * sizes[:, None, :]) @ np.swapaxes(right, -1, -2)
    pull = np.linalg.solve(operator, witness.reshape(count, -1, 1)).reshape(count, m, n)
    target = goal + decay[:, None, None] * pull
    problem = quadratic_of(operator, target, decay, r, star=goal, witness=witness)
    return Planted(problem, left[:, :, :r] * roots, right[:, :, :r] * roots)


def _operator(beta: Array, ratio: Array, share: Array, sizes: tuple[int, int, int, int]) -> Array:
    """H in the unrotated entries, `(count, mn, mn)`."""
    m, n, r, star_rank = sizes
    first, second = np.zeros((m, n)), np.zeros((m, n))
    first[range(r), range(r)] = 1.0
    second[range(r, r + star_rank), range(r, r + star_rank)] = 1.0
    found = beta[:, None, None] * np.eye(m * n) + _plane(beta, ratio, share, first.ravel(), second.ravel())
    return (found + np.swapaxes(found, -1, -2)) / 2


def _plane(beta: Array, ratio: Array, share: Array, f: Array, g: Array) -> Array:
    """What H has beside β on the plane of two vectors of zeros and ones, `(count, mn, mn)`."""
    r, star_rank = f @ f, g @ g
    q2 = star_rank / (ratio**2 * r)
    cross = beta * (1 - share * ratio) / (1 + q2 * (1 - share * ratio))
    near, far = cross * q2 - beta, share * beta * ratio + cross - beta
    parts = (
        (near / r, np.outer(f, f)),
        (far / star_rank, np.outer(g, g)),
        (cross / (ratio * r), np.outer(f, g) + np.outer(g, f)),
    )
    return sum(weight[:, None, None] * block for weight, block in parts)
