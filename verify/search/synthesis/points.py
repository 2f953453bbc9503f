"""Chosen points: factors, X⋆ with its singular vectors, scale and decays; and which entries of the Hessian they couple.

Main definitions: `Point`, `Layout`, `layout_of`. Arrays hold floats or, with dtype object, `Fraction`s; every formula here
and in `conditions` serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np

Array = Any
Number = Any
"""A float or a `Fraction`."""


@dataclass(frozen=True, eq=False)
class Point:
    """What is chosen before the loss: everything but H and S (theory §7).

    Attributes:
        left, right: the factors A, `(m, r)`, and B, `(n, r)`; for positive decays `λ_A AᵀA = λ_B BᵀB`.
        star: X⋆, `(m, n)`.
        star_left, star_right: orthonormal singular vectors of X⋆, `(m, r⋆)` and `(n, r⋆)`.
        scale: the LoRA scale s in `X = sABᵀ`.
        decay_left, decay_right: λ_A and λ_B, both positive or both 0.
        weight: the nuclear weight `√(λ_A λ_B)/s` of theory §0.
    """

    left: Array
    right: Array
    star: Array
    star_left: Array
    star_right: Array
    scale: Number = 1
    decay_left: Number = 0
    decay_right: Number = 0
    weight: Number = 0

    @property
    def sizes(self) -> tuple[int, int, int]:
        """m, n and r."""
        return self.left.shape[0], self.right.shape[0], self.left.shape[1]

    @cached_property
    def update(self) -> Array:
        """`X = sABᵀ`, `(m, n)`."""
        return self.scale * (self.left @ self.right.T)

    @cached_property
    def move(self) -> Array:
        """`X − X⋆` as a row-major vector, `(mn,)`."""
        return (self.update - self.star).reshape(-1)

    def in_floats(self) -> Point:
        """The same point in floating point."""

        def plain(value: Any) -> Any:
            return np.array(value, dtype=float) if isinstance(value, np.ndarray) else float(value)

        return replace(self, **{name: plain(getattr(self, name)) for name in self.__dataclass_fields__})

    def tangents(self) -> Array:
        """Directions along the gauge orbit, `((m+n)r, count)`: `(AΩ, BΩ)`, for zero decay `(AK, −BKᵀ)` (theory §1)."""
        _, _, r = self.sizes
        columns = []
        for i, j in product(range(r), repeat=2):
            turn = np.zeros((r, r), dtype=self.left.dtype)
            turn[i, j] += 1
            if self.weight != 0:
                if i >= j:
                    continue
                turn[j, i] -= 1
            columns.append(np.concatenate([(self.left @ turn).reshape(-1), (self.right @ -turn.T).reshape(-1)]))
        return np.array(columns).T if columns else np.zeros((self.left.size + self.right.size, 0), dtype=self.left.dtype)


@dataclass(frozen=True)
class Layout:
    """The entries of H and S that may differ from 0, after averaging over the sign changes that fix the point.

    Attributes:
        rows, cols: the shape of X.
        blocks: groups of entries of X (positions in the row-major vector) that H couples.
        free: the entries of S.
    """

    rows: int
    cols: int
    blocks: tuple[tuple[int, ...], ...]
    free: tuple[int, ...]

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The independent entries of H."""
        return tuple(pair for block in self.blocks for pair in combinations_with_replacement(block, 2))

    @cached_property
    def basis(self) -> Array:
        """A symmetric matrix for each independent entry of H, `(count, mn, mn)`, of small integers."""
        size = self.rows * self.cols
        found = np.zeros((len(self.pairs), size, size))
        for k, (p, q) in enumerate(self.pairs):
            found[k, p, q] = found[k, q, p] = 1
        return found

    @cached_property
    def witness_basis(self) -> Array:
        """A matrix for each free entry of S, `(count, m, n)`."""
        found = np.zeros((len(self.free), self.rows * self.cols))
        found[np.arange(len(self.free)), list(self.free)] = 1
        return found.reshape(-1, self.rows, self.cols)


def layout_of(point: Point) -> Layout:
    """The coarsest blocks that an optimal H may be assumed to have.

    Changing the signs of some rows and columns of X and of some columns of the factors, so that the point stays as it is,
    maps solutions to solutions; the average over all such changes is a solution with zeros outside of the blocks.
    """
    m, n, r = point.sizes
    find = _components(
        m + n + r,
        [(i, m + n + a) for i, a in zip(*np.nonzero(point.left), strict=True)]
        + [(m + j, m + n + a) for j, a in zip(*np.nonzero(point.right), strict=True)]
        + [(i, m + j) for i, j in zip(*np.nonzero(point.star), strict=True)],
    )
    groups: dict[tuple[int, ...], list[int]] = {}
    free = []
    for i, j in product(range(m), range(n)):
        ends = tuple(sorted({find(i), find(m + j)}))
        groups.setdefault(ends if len(ends) == 2 else (), []).append(i * n + j)
        if len(ends) == 1:
            free.append(i * n + j)
    return Layout(m, n, tuple(tuple(g) for g in groups.values()), tuple(free))


def _components(count: int, edges: Sequence[tuple[int, int]]) -> Callable[[int], int]:
    """The representative of each vertex's connected component."""
    parent = list(range(count))

    def find(v: int) -> int:
        while parent[v] != v:
            v = parent[v]
        return v

    for a, b in edges:
        parent[find(int(a))] = find(int(b))
    return find
