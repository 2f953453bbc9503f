"""From a float solution of the program to an exact rational spurious point (Peyrl & Parrilo 2008).

Main definitions: `SpuriousPoint`, `rounded`, `is_exact`. H and S are rounded on the affine subspace of the equalities: free
entries to one small denominator, the others determined by exact elimination. Every condition is then checked over Q.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from verify.evaluation.rational_linear_algebra import eliminate
from verify.search.instances import Rows, rows_of
from verify.search.synthesis.conditions import decay_matrix, equalities, gradient_at, hessian_at, penalty, stationarity
from verify.search.synthesis.points import Layout, Point, layout_of
from verify.search.synthesis.program import Solution

Array = Any
DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 100, 128, 256, 512, 1024, 4096, 2**14, 2**17, 2**20)


@dataclass(frozen=True, eq=False)
class SpuriousPoint:
    """`f(X) = ½⟨X−X⋆, H(X−X⋆)⟩ − w⟨S, X−X⋆⟩` with a second-order point that is not X⋆, everything rational.

    Attributes:
        point: the factors, X⋆ and the decays (arrays of Fractions).
        hessian: H on row-major vectors, `(mn, mn)`.
        slope: S, `(m, n)`.
        low, high: `low·I ⪯ H ⪯ high·I`.
    """

    point: Point
    hessian: Array
    slope: Array
    low: Fraction
    high: Fraction

    @property
    def left(self) -> Rows:
        """A."""
        return rows_of(self.point.left)

    @property
    def right(self) -> Rows:
        """B."""
        return rows_of(self.point.right)

    @property
    def star(self) -> Rows:
        """X⋆."""
        return rows_of(self.point.star)

    @property
    def witness(self) -> Rows:
        """S."""
        return rows_of(self.slope)

    @property
    def operator(self) -> Rows:
        """H."""
        return rows_of(self.hessian)

    @property
    def kappa(self) -> Fraction:
        """The condition number `high/low`."""
        return self.high / self.low


def rounded(point: Point, solution: Solution, low: Fraction, high: Fraction) -> SpuriousPoint | None:
    """The exact spurious point of smallest denominator near a float solution, or None.

    Args:
        point: a rational point.
        solution: of `interior(point.in_floats(), low, high)`.
        low, high: the bounds on H.
    """
    layout = layout_of(point)
    for hessian, slope in _candidates(point, layout, solution):
        found = SpuriousPoint(point, hessian, slope, low, high)
        if _plausible(found) and is_exact(found):
            return found
    return None


def _candidates(point: Point, layout: Layout, solution: Solution) -> Iterator[tuple[Array, Array]]:
    rows, values = equalities(point, layout)
    pairs = layout.pairs
    flat = [float(solution.hessian[p, q]) for p, q in pairs]
    if point.weight != 0:
        flat += [float(solution.witness.reshape(-1)[k]) for k in layout.free]
    order = _pivot_order(np.array(rows, dtype=float))
    system = [[*(row[k] for k in order), value] for row, value in zip(rows, values, strict=True)]
    lines, pivots, _ = eliminate(system)
    if len(flat) in pivots:
        return
    dependent = {p: [(k, x) for k, x in enumerate(lines[i][:-1]) if x and k != p] for i, p in enumerate(pivots)}
    for denominator in DENOMINATORS:
        entries = [Fraction(round(flat[k] * denominator), denominator) for k in order]
        for line, p in enumerate(pivots):
            entries[p] = lines[line][-1] - sum((x * entries[k] for k, x in dependent[p]), Fraction(0))
        unknowns = dict(zip(order, entries, strict=True))
        yield _matrices(point, layout, [unknowns[k] for k in range(len(flat))])


def _pivot_order(rows: Array) -> list[int]:
    """Columns in an order in which elimination meets well-conditioned pivots first."""
    from scipy.linalg import qr

    _, _, order = qr(rows, mode="economic", pivoting=True)
    return [int(k) for k in order]


def _matrices(point: Point, layout: Layout, entries: list[Fraction]) -> tuple[Array, Array]:
    size = layout.rows * layout.cols
    hessian = np.full((size, size), Fraction(0), dtype=object)
    for (p, q), value in zip(layout.pairs, entries, strict=False):
        hessian[p, q] = hessian[q, p] = value
    if point.weight == 0:
        return hessian, point.star_left @ point.star_right.T
    slope = np.full(size, Fraction(0), dtype=object)
    slope[list(layout.free)] = entries[len(layout.pairs) :]
    return hessian, slope.reshape(layout.rows, layout.cols)


def _plausible(found: SpuriousPoint) -> bool:
    """A quick look in floats, so that exact elimination is spent on likely candidates only."""
    hessian = found.hessian.astype(float)
    values = np.linalg.eigvalsh(hessian)
    tolerance = 1e-9 * float(found.high)
    if values[0] < float(found.low) - tolerance or values[-1] > float(found.high) + tolerance:
        return False
    slope = gradient_at(found.point, found.hessian, found.slope)
    curvature = (hessian_at(found.point, found.hessian, slope) + decay_matrix(found.point)).astype(float)
    return bool(np.linalg.eigvalsh(curvature)[0] >= -tolerance and np.linalg.norm(found.slope.astype(float), 2) <= 1 + 1e-9)


def is_exact(found: SpuriousPoint) -> bool:
    """Whether every condition holds over Q: X ≠ X⋆, ∇L = 0, `∇²L ⪰ 0`, the bounds on H, and `S ∈ ∂‖X⋆‖_*`.

    The witness is checked only if the nuclear weight is not 0; then S occurs in the loss.
    """
    point, hessian = found.point, found.hessian
    slope = gradient_at(point, hessian, found.slope)
    if not any(point.move) or any(stationarity(point, slope) + penalty(point)) or (hessian != hessian.T).any():
        return False
    identity = np.eye(len(hessian), dtype=int).astype(object)
    sides = [hessian - found.low * identity, found.high * identity - hessian]
    sides.append(hessian_at(point, hessian, slope) + decay_matrix(point))
    if point.weight != 0:
        if (found.slope @ point.star_right != point.star_left).any() or (
            found.slope.T @ point.star_left != point.star_right
        ).any():
            return False
        sides.append(np.eye(found.slope.shape[1], dtype=int).astype(object) - found.slope.T @ found.slope)
    return all(is_semidefinite(side) for side in sides)


def is_semidefinite(matrix: Array) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite, by elimination with diagonal pivots.

    >>> is_semidefinite(np.array([[1, 1], [1, 1]], dtype=object)), is_semidefinite(np.array([[0, 1], [1, 0]], dtype=object))
    (True, False)
    """
    work = [[Fraction(x) for x in row] for row in matrix]
    size = len(work)
    for k in range(size):
        pivot = work[k][k]
        if pivot < 0 or (pivot == 0 and any(work[k][k:])):
            return False
        for i in range(k + 1, size):
            if work[i][k]:
                factor = work[i][k] / pivot
                for j in range(i, size):
                    work[i][j] -= factor * work[k][j]
                    work[j][i] = work[i][j]
    return True
