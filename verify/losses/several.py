"""Quadratics of several adapters with a known second-order point, spurious in some of them (theory §8).

Main definitions: `Part`, `Placed`, `spurious_part`, `part_at_target`, `placed`.

f sees the updates through `X = Σ_l E_lX_lF_lᵀ` with orthonormal columns side by side, so that every X_l has its own
coordinates. Each adapter brings its own quadratic with a second-order point, X_l⋆ and S_l; their sum has all of them. A
coupling `⟨w, ·⟩²` of the adapters with `⟨w, X−X⋆⟩ = 0` leaves the gradient at X and at X⋆ as it is, and adds a form that is
nowhere negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from verify.evaluation.zeros import rounding_level
from verify.losses.planting import frames, plant
from verify.losses.spurious import Planted, plant_rational_spurious, plant_spurious

Array = Any
Generator = np.random.Generator


@dataclass(frozen=True)
class Part:
    """One adapter's own problem, `½⟨X − X⋆, H(X − X⋆)⟩ − λ⟨S, X⟩` for every λ ≥ 0, and a second-order point of it.

    Attributes:
        operator: H on row-major vectors, `(count, pk, pk)`.
        left, right: a balanced pair, `(count, p, r)` and `(count, k, r)`.
        star, witness: X⋆ and S, `(count, p, k)`.
    """

    operator: Array
    left: Array
    right: Array
    star: Array
    witness: Array

    @property
    def offset(self) -> Array:
        """`X − X⋆`, `(count, pk)`."""
        return (self.left @ np.swapaxes(self.right, -1, -2) - self.star).reshape(len(self.star), -1)


def spurious_part(rng: Generator, count: int, p: int, k: int, r: int, *, rational: bool) -> Part:
    """A part at a spurious point of full rank.

    Raises:
        ValueError: if `min(p, k) <= r`, where there is none (theory §3, Corollary A′).
    """
    if rational:
        found: Planted = plant_rational_spurious(rng, count, p, k, r, np.zeros(count))
    else:
        found = plant_spurious(rng, count, p, k, r, np.zeros(count))
    problem = found.problem
    # S is the common polar factor of X and X⋆: with it the point stays second-order for every decay.
    return Part(problem.operators["H"], found.left, found.right, problem.star, problem.witness)


def part_at_target(rng: Generator, count: int, p: int, k: int, r: int, *, rational: bool) -> Part:
    """A part at X⋆, of any rank up to r, with a Hessian between 1/10 and 4."""
    rank = int(rng.integers(1, min(p, k, r) + 1))
    size = p * k
    if rational:
        operator = rng.choice([0.125, 0.5, 1.0, 4.0], (count, 1, 1)) * np.eye(size)
        roots = np.zeros((count, min(p, k)))
        roots[:, :rank] = rng.choice([1.0, 1.5, 2.0], (count, rank))
        turn, spin = (np.broadcast_to(np.eye(d), (count, d, d)) for d in (p, k))
        witness = np.broadcast_to(np.eye(p, k), (count, p, k))
    else:
        basis = frames(rng, count, size)
        operator = (basis * rng.uniform(0.1, 4.0, (count, 1, size))) @ np.swapaxes(basis, -1, -2)
        operator = (operator + np.swapaxes(operator, -1, -2)) / 2
        planted = plant(rng, count, p, k, rank)
        turn, values, spin = np.linalg.svd(planted.point)
        spin, roots, witness = np.swapaxes(spin, -1, -2), np.sqrt(values), planted.witness
        roots[:, rank:] = 0.0
    left, right = np.zeros((count, p, r)), np.zeros((count, k, r))
    left[..., :rank] = turn[..., :rank] * roots[:, None, :rank]
    right[..., :rank] = spin[..., :rank] * roots[:, None, :rank]
    return Part(operator, left, right, left @ np.swapaxes(right, -1, -2), witness)


@dataclass(frozen=True)
class Placed:
    """Several parts in one quadratic `f(X) = ⟨slope, X − base⟩ + ½⟨X − base, bend(X − base)⟩` of an m×n matrix.

    Attributes:
        before, after: E_l and F_l of each part, `(count, m, p)` and `(count, n, k)`.
        base: `Σ E_lX_l⋆F_lᵀ`, `(count, m, n)`.
        slope: the gradient there, `−Σ λ_lE_lS_lF_lᵀ`.
        bend: the Hessian on row-major vectors, `(count, mn, mn)`.
    """

    before: tuple[Array, ...]
    after: tuple[Array, ...]
    base: Array
    slope: Array
    bend: Array

    def bent(self, rng: Generator, share: float) -> Placed:
        """The Hessian changed at random by a share of its norm: X⋆ stays, and a strict second-order point moves a little."""
        noise = rng.standard_normal(self.bend.shape)
        noise = (noise + np.swapaxes(noise, -1, -2)) / 2
        sizes = [np.linalg.norm(x, ord=2, axis=(-2, -1))[:, None, None] for x in (self.bend, noise)]
        return replace(self, bend=self.bend + share * sizes[0] * noise / sizes[1])


def placed(rng: Generator, parts: Sequence[Part], decays: Sequence[Array], m: int, n: int, *, rational: bool) -> Placed:
    """The parts side by side in m×n matrices, coupled or not.

    Args:
        rng: the source of randomness.
        parts: one for each adapter.
        decays: λ_l of each, `(count,)`.
        m, n: at least the sum of the parts' rows and of their columns.
        rational: unit columns and small numbers, so that rounding recovers an exact example.

    Raises:
        ValueError: if the parts do not fit side by side.
    """
    rows, cols = ([p.star.shape[axis] for p in parts] for axis in (1, 2))
    if sum(rows) > m or sum(cols) > n:
        raise ValueError(f"parts of {sum(rows)} rows and {sum(cols)} columns do not fit into {m}×{n}")
    count = len(parts[0].star)
    turn, spin = (np.broadcast_to(np.eye(d), (count, d, d)) if rational else frames(rng, count, d) for d in (m, n))
    before, after = _split(turn, rows), _split(spin, cols)
    maps = [np.einsum("bij,bkl->bikjl", e, f).reshape(count, m * n, -1) for e, f in zip(before, after, strict=True)]
    bend = sum(f @ p.operator @ np.swapaxes(f, -1, -2) for f, p in zip(maps, parts, strict=True))
    seen = np.concatenate(maps, axis=-1)
    beyond = np.eye(m * n) - seen @ np.swapaxes(seen, -1, -2)
    if rng.random() < 0.5:
        way = _across(rng, parts, rational=rational)
        bend = bend + seen @ (way[:, :, None] * way[:, None, :]) @ np.swapaxes(seen, -1, -2)
    bend = bend + beyond
    stars = [_at(e, p.star, f) for e, p, f in zip(before, parts, after, strict=True)]
    pulls = [d[:, None, None] * _at(e, p.witness, f) for e, p, f, d in zip(before, parts, after, decays, strict=True)]
    return Placed(tuple(before), tuple(after), sum(stars), -sum(pulls), (bend + np.swapaxes(bend, -1, -2)) / 2)


def _split(frame: Array, sizes: Sequence[int]) -> list[Array]:
    ends = np.cumsum([0, *sizes])
    return [np.array(frame[:, :, a:b]) for a, b in pairwise(ends)]


def _at(before: Array, update: Array, after: Array) -> Array:
    return before @ update @ np.swapaxes(after, -1, -2)


def _across(rng: Generator, parts: Sequence[Part], *, rational: bool) -> Array:
    """A direction w of all updates together with `⟨w, X − X⋆⟩ = 0`, `(count, total)`."""
    offset = np.concatenate([p.offset for p in parts], axis=-1)
    if rational:
        # Entries in which X and X⋆ agree in every instance.
        level = rounding_level(np.max(np.abs(offset), axis=-1, keepdims=True), offset.shape[-1])
        return rng.integers(-1, 2, offset.shape[-1]) * np.all(np.abs(offset) <= level, axis=0) * np.ones_like(offset)
    way = rng.standard_normal(offset.shape)
    length = np.sum(offset * offset, axis=-1, keepdims=True)
    return (
        way - np.where(length > 0, np.sum(way * offset, axis=-1, keepdims=True) / np.where(length > 0, length, 1.0), 0) * offset
    )
