"""An exact quadratic in the place of an opaque f: its gradient at the point is given, its Hessian rounded, and X⋆ made exact.

Main definitions: `Neighbour`, `near_quadratics`, `is_semidefinite`.

With `f(Y) = ⟨G, Y − X⟩ + ½⟨Y − X, H(Y − X)⟩` the definition of X⋆ reads `H(X − X⋆) = G + wS`: one linear equation for H,
met by the least symmetric change (theory §7 prescribes the same). The bounds α and β are chosen last, by exact inertia.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from verify.certificates.rounding import FactorPair, Grid, complement, frame, simplest
from verify.evaluation.batches import Batch
from verify.evaluation.fields import RationalField
from verify.evaluation.interpret import evaluate_term
from verify.evaluation.rational_linear_algebra import Rows, product, transposed
from verify.language.formulas import Formula
from verify.language.statements import Curvature, RegularizedStationary
from verify.language.terms import Term
from verify.losses.taylor import data_name
from verify.search.exact_assumptions import environment
from verify.search.instances import ExactInstance, rows_of

Array = Any
_SAME = 1e-6
_SINGULAR = 1e-9
_WAY = 16
"""Denominator of the direction along which a Hessian is changed."""


@dataclass(frozen=True)
class Neighbour:
    """What the exact quadratic should be near to.

    Attributes:
        name: the function variable.
        point, slope: X and ∇f(X), exact.
        place: X as the float point had it, `(m, n)`.
        hessian: ∇²f(X) in floating point, `(mn, mn)`.
        pair: the exact factors.
        batch: the float instance, for X⋆ and S.
    """

    name: str
    point: Rows
    slope: Rows
    place: Array
    hessian: Array
    pair: FactorPair
    batch: Batch


def near_quadratics(formula: Formula, base: ExactInstance, near: Neighbour, grid: Grid) -> Iterator[ExactInstance]:
    """Instances with Hessian, X⋆, S, α and β filled in, for an instance that has everything else."""
    bounds = [s for s in formula.given if isinstance(s, Curvature)]
    target = next((s for s in formula.given if isinstance(s, RegularizedStationary)), None)
    for hessian in _hessians(near.hessian, bounds, base, grid):
        instance = base
        if target is not None:
            starred = _starred(target, base, near, hessian, grid)
            if starred is None:
                continue
            instance, hessian = starred
        bounded = _bounded(instance, hessian, bounds, grid)
        if bounded is not None and all(d.contains(bounded.scalars[n]) for n, d in formula.scalars().items()):
            yield bounded.with_matrix(data_name(near.name, "H"), rows_of(hessian))


def _hessians(hessian: Array, bounds: list[Curvature], base: ExactInstance, grid: Grid) -> Iterator[Rows]:
    """Rounded Hessians inside the bounds that are given numbers: entry by entry, then as `low·I + KᵀK`."""
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    low, high = _fixed(bounds, base)
    scale = max(float(np.max(np.abs(values))), 1e-300)
    if high is not None and low is not None and float(high - low) > _SINGULAR * scale:
        inset = float(high - low) / (8 * grid.q)
        values = np.clip(values, float(low) + inset, float(high) - inset)
    elif low is not None:
        values = np.maximum(values, float(low))
    rounded = grid.matrix((vectors * values) @ vectors.T)
    yield [[rounded[min(i, j)][max(i, j)] for j in range(len(rounded))] for i in range(len(rounded))]
    floor = low if low is not None else Fraction(0)
    extra = values - float(floor)
    if extra.min() > -_SINGULAR * scale and extra.min() < scale / grid.q:
        kept = extra > _SINGULAR * scale
        roots = grid.matrix((vectors[:, kept] * np.sqrt(extra[kept])).T) if kept.any() else [[Fraction(0)] * len(values)]
        gram = product(transposed(roots), roots)
        yield [[x + floor * int(i == j) for j, x in enumerate(row)] for i, row in enumerate(gram)]


def _fixed(bounds: list[Curvature], base: ExactInstance) -> tuple[Fraction | None, Fraction | None]:
    """The curvature bounds that are not variables to choose."""
    low: list[Fraction] = []
    high: list[Fraction] = []
    for statement in bounds:
        for term, sink in zip(_bound_terms(statement), (low, high), strict=True):
            if term is not None and term.op != "sym":
                sink.append(_value(term, base))
        if statement.kind == "convex":
            low.append(Fraction(0))
    return (max(low) if low else None), (min(high) if high else None)


def _bound_terms(statement: Curvature) -> tuple[Term | None, Term | None]:
    match statement.kind:
        case "uniform_curvature":
            return statement.numbers[0], statement.numbers[1]
        case "rsc":
            return statement.numbers[0], None
        case "rsm":
            return None, statement.numbers[0]
        case _:
            return None, None


def _value(term: Term, instance: ExactInstance) -> Fraction:
    return Fraction(evaluate_term(term, environment(instance), RationalField()).item())


def _starred(
    target: RegularizedStationary, base: ExactInstance, near: Neighbour, hessian: Rows, grid: Grid
) -> tuple[ExactInstance, Rows] | None:
    """X⋆ and S exact, and the Hessian changed as little as needed for `−∇f(X⋆) = weight·S`."""
    if target.point.op != "sym" or target.witness.op != "sym":
        return None
    names = (target.point.payload[0], target.witness.payload[0])
    point, witness = (near.batch.values[n][0] for n in names)
    weight = _value(target.weight, base)
    size = float(np.linalg.norm(point) + np.linalg.norm(near.place))
    if np.linalg.norm(point - near.place) <= _SAME * size:
        star, dual = near.point, _witness_here(near, weight)
        if dual is None:
            return None
    else:
        star, dual = _star(point, witness, grid)
        move = [x - y for p, q in zip(near.point, star, strict=True) for x, y in zip(p, q, strict=True)]
        wanted = [g + weight * s for p, q in zip(near.slope, dual, strict=True) for g, s in zip(p, q, strict=True)]
        hessian = _secant(hessian, move, wanted)
    return base.with_matrix(names[0], rows_of(star)).with_matrix(names[1], rows_of(dual)), hessian


def _witness_here(near: Neighbour, weight: Fraction) -> Rows | None:
    """S where X⋆ = X: fixed by the gradient, or the polar factor where the weight is 0."""
    if weight:
        return [[-x / weight for x in row] for row in near.slope]
    if any(x for row in near.slope for x in row) or not near.pair.balanced:
        return None
    if not near.pair.left[0]:
        return near.slope
    return product(near.pair.left, transposed(near.pair.right))


def _star(point: Array, witness: Array, grid: Grid) -> tuple[Rows, Rows]:
    """X⋆ with rational singular frames, and S with the ⊥⊥ block strictly inside the unit ball where it is near the boundary."""
    left, sizes, right = np.linalg.svd(point, full_matrices=False)
    rank = int(np.sum(sizes > _SAME * max(1.0, sizes[0])))
    signs = np.where(left[np.argmax(np.abs(left), axis=0), np.arange(len(sizes))] < 0, -1.0, 1.0)
    u, v = frame((left * signs)[:, :rank], grid), frame((right.T * signs)[:, :rank], grid)
    block = product(product(complement(u), grid.matrix(witness)), complement(v))
    size = float(np.linalg.norm(np.array(block, dtype=float), ord=2))
    if size > 1 - 1e-12:
        factor = (1 / Fraction(size)).limit_denominator(grid.q) * (1 - Fraction(1, grid.q))
        block = [[x * factor for x in row] for row in block]
    if rank == 0:
        return [[Fraction(0)] * len(row) for row in block], block
    middle = grid.matrix(np.diag(sizes[:rank]))
    star = product(product(u, middle), transposed(v))
    polar = product(u, transposed(v))
    return star, [[x + y for x, y in zip(p, q, strict=True)] for p, q in zip(polar, block, strict=True)]


def _secant(hessian: Rows, move: list[Fraction], wanted: list[Fraction]) -> Rows:
    """A symmetric matrix near a given one that takes `move` to `wanted` (Powell's update).

    Along `move` itself the change would be least; along that direction in small numbers it stays readable.
    """
    rest = [w - _dot(row, move) for w, row in zip(wanted, hessian, strict=True)]
    largest = max(map(abs, move))
    way = [Fraction(round(x / largest * _WAY), _WAY) for x in move]
    length = _dot(way, move)
    along = _dot(rest, move) / length**2
    spread = [x / length - along * y / 2 for x, y in zip(rest, way, strict=True)]
    size = range(len(move))
    return [[hessian[i][j] + spread[i] * way[j] + way[i] * spread[j] for j in size] for i in size]


def _dot(x: list[Fraction], y: list[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0))


def _bounded(instance: ExactInstance, hessian: Rows, bounds: list[Curvature], grid: Grid) -> ExactInstance | None:
    """α and β, where they are variables, as tight as simple numbers allow; None if a fixed bound is broken."""
    values = np.linalg.eigvalsh(np.array(hessian, dtype=float))
    for statement in bounds:
        for term, edge, sign in zip(_bound_terms(statement), (values[0], values[-1]), (1, -1), strict=True):
            if term is None:
                continue
            if term.op == "sym":
                instance = instance.with_scalar(term.payload[0], _bound(hessian, float(edge), sign, grid))
            elif not is_semidefinite(_shifted(hessian, _value(term, instance), sign)):
                return None
        if statement.kind == "convex" and not is_semidefinite(hessian):
            return None
    return instance


def _bound(hessian: Rows, edge: float, sign: int, grid: Grid) -> Fraction:
    """A simple bound of the spectrum from below (`sign = 1`) or above (`-1`), near its edge."""
    exact = Fraction(edge)
    near = exact.limit_denominator(24)
    if abs(float(near) - edge) <= 1e-9 * max(1.0, abs(edge)) and is_semidefinite(_shifted(hessian, near, sign)):
        return near
    slack = max(abs(exact) / grid.q, Fraction(1, 10**10))
    ends = sorted((exact - sign * slack, exact - sign * slack / 1000))
    if ends[0] > 0:
        return simplest(*ends)
    return -simplest(-ends[1], -ends[0]) if ends[1] < 0 else Fraction(0)


def _shifted(hessian: Rows, bound: Fraction, sign: int) -> Rows:
    """`H − bound·I`, or its negative for a bound from above."""
    return [[sign * (x - bound * int(i == j)) for j, x in enumerate(row)] for i, row in enumerate(hessian)]


def is_semidefinite(rows: Rows) -> bool:
    """Exactly: a symmetric matrix is positive semidefinite iff the signs of its characteristic polynomial alternate.

    >>> is_semidefinite([[Fraction(1), Fraction(1)], [Fraction(1), Fraction(1)]])
    True
    """
    matrix = flint.fmpq_mat([[flint.fmpq(x.numerator, x.denominator) for x in row] for row in rows])
    coefficients = list(matrix.charpoly())
    return all(c * (-1) ** (len(rows) - k) >= 0 for k, c in enumerate(coefficients))
