"""Rounding to exact matrices that keep what stationarity needs: orthonormal frames, balanced factors, equal spaces.

Main definitions: `Grid`, `frame`, `FactorPair`, `factor_pairs`.

A matrix rounded entry by entry is near, but not stationary: the factors of a stationary point are balanced (theory §2), and the
gradient there is fixed on their column spaces. Here the *frames* are rounded, as products of rational reflections, so
that `UᵀU = I` holds exactly; everything else is built from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np

from verify.evaluation.rational_linear_algebra import Rows, product, transposed

Array = Any
_BALANCED = 1e-6
"""Factors whose Gram matrices agree up to this relative error are taken for balanced."""
_RANK = 1e-6


@dataclass(frozen=True)
class Grid:
    """Multiples of `1/q` for entries of matrices; scalars become the simplest number within a relative error of `1/q`."""

    q: int

    def matrix(self, values: Array) -> Rows:
        """Every entry rounded, all with the one denominator q."""
        return [[Fraction(round(float(x) * self.q), self.q) for x in row] for row in values]

    def scalar(self, value: float) -> Fraction:
        """The simplest near number; 0 stays 0 and signs are kept."""
        if value == 0:
            return Fraction(0)
        exact = Fraction(abs(float(value)))
        near = simplest(exact * (1 - Fraction(1, 2 * self.q)), exact * (1 + Fraction(1, 2 * self.q)))
        return near if value > 0 else -near


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The rational of the least denominator in `[low, high]`, `0 <= low <= high`.

    >>> simplest(Fraction(3, 10), Fraction(2, 5))
    Fraction(1, 3)
    """
    whole = floor(low)
    if whole == low:
        return Fraction(whole)
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))


def frame(columns: Array, grid: Grid) -> Rows:
    """A matrix with exactly orthonormal rational columns near a float one, `(size, k)`.

    The reflections that triangularize it are rounded; a rational vector v gives the rational reflection `I − 2vvᵀ/vᵀv`.
    """
    size, count = columns.shape
    work = np.array(columns, dtype=float)
    mirrors: list[list[Fraction]] = []
    signs: list[int] = []
    for j in range(count):
        rest = work[j:, j].copy()
        signs.append(-1 if rest[0] > 0 else 1)
        rest[0] -= signs[-1] * np.linalg.norm(rest)
        scaled = rest / max(float(np.max(np.abs(rest))), 1e-300)
        (mirror,) = grid.matrix(scaled[None])
        mirrors.append(mirror)
        v = np.array([float(x) for x in mirror])
        if v.any():
            work[j:] -= np.outer(v, 2.0 / (v @ v) * (v @ work[j:]))
    made = [[Fraction(signs[j] * int(i == j)) for j in range(count)] for i in range(size)]
    for j in range(count - 1, -1, -1):
        _reflect(made, mirrors[j], j)
    return made


def _reflect(rows: Rows, mirror: list[Fraction], start: int) -> None:
    length = sum((x * x for x in mirror), Fraction(0))
    if not length:
        return
    for j in range(len(rows[0])):
        factor = 2 * sum((x * rows[start + i][j] for i, x in enumerate(mirror)), Fraction(0)) / length
        for i, x in enumerate(mirror):
            rows[start + i][j] -= factor * x


@dataclass(frozen=True)
class FactorPair:
    """Exact factors A and B of one adapter.

    Attributes:
        a, b: the factors, `m×r` and `n×r`.
        left, right: orthonormal bases U and V of the column spaces with `A = UC`, `B = VC/ratio` (balanced pairs only).
        balanced: whether `AᵀA = ratio² BᵀB` holds exactly.
    """

    a: Rows
    b: Rows
    left: Rows
    right: Rows
    balanced: bool


def factor_pairs(a: Array, b: Array, grid: Grid) -> Iterator[FactorPair]:
    """Exact pairs near a float one: balanced with diagonal factors, balanced in the given gauge, unbalanced of equal ranks.

    Args:
        a, b: the factors, `(m, r)` and `(n, r)`.
        grid: how coarse to round.
    """
    r = a.shape[1]
    squares = a.T @ a, b.T @ b
    sizes = [float(np.trace(s)) for s in squares]
    if min(sizes) <= _RANK**2 * max(1.0, *sizes):
        if max(sizes) <= _RANK**2:
            yield FactorPair(_zeros(len(a), r), _zeros(len(b), r), [[] for _ in a], [[] for _ in b], True)
            return
    else:
        ratio = float(np.sqrt(sizes[0] / sizes[1]))
        if np.linalg.norm(squares[0] - ratio**2 * squares[1]) <= _BALANCED * sizes[0]:
            yield from _balanced(a, b, ratio, grid)
    yield FactorPair(_of_equal_rank(a, grid), _of_equal_rank(b, grid), [], [], False)


def _balanced(a: Array, b: Array, ratio: float, grid: Grid) -> Iterator[FactorPair]:
    r = a.shape[1]
    exact_ratio = Fraction(1) if abs(ratio - 1) <= _BALANCED else grid.scalar(ratio)
    left, sizes, turn = np.linalg.svd(a, full_matrices=False)
    rank = int(np.sum(sizes > _RANK * sizes[0]))
    left, sizes, turn = left[:, :rank], sizes[:rank], turn[:rank]
    # The first entry of each column is made positive, so that equal problems round to equal numbers.
    signs = np.where(left[np.argmax(np.abs(left), axis=0), np.arange(rank)] < 0, -1.0, 1.0)
    left, turn = left * signs, turn * signs[:, None]
    right = ratio * (b @ turn.T) / sizes
    u, v = frame(left, grid), frame(right, grid)
    diagonal = np.zeros((rank, r))
    diagonal[:, :rank] = np.diag(sizes)
    for middle in (diagonal, sizes[:, None] * turn):
        c = grid.matrix(middle)
        scaled = [[x / exact_ratio for x in row] for row in c]
        yield FactorPair(product(u, c), product(v, scaled), u, v, True)


def _of_equal_rank(matrix: Array, grid: Grid) -> Rows:
    """The matrix rounded so that its rank does not grow."""
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    rank = int(np.sum(sizes > _RANK * max(1.0, sizes[0])))
    if rank == min(matrix.shape):
        return grid.matrix(matrix)
    if rank == 0:
        return _zeros(*matrix.shape)
    return product(grid.matrix(left[:, :rank] * sizes[:rank]), grid.matrix(right[:rank]))


def _zeros(rows: int, cols: int) -> Rows:
    return [[Fraction(0)] * cols for _ in range(rows)]


def complement(frame_: Rows) -> Rows:
    """`I − UUᵀ` for orthonormal columns U (also for none)."""
    size = len(frame_)
    onto = product(frame_, transposed(frame_)) if frame_[0] else _zeros(size, size)
    return [[Fraction(int(i == j)) - onto[i][j] for j in range(size)] for i in range(size)]
