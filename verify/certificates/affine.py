"""Exact solutions of residuals that are affine in some data, near given values.

Main definitions: `affine_groups`, `solve_affine`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from verify.calculus.differentiate import tangent
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.rational_linear_algebra import Rows, eliminate
from verify.language.errors import NotDifferentiable
from verify.language.terms import DIRECTION, Term, symbol, symbols_of

Residual = Callable[[Sequence[Fraction]], Sequence[Fraction]]


def affine_groups(residuals: Sequence[Term], names: Sequence[str]) -> list[tuple[str, ...]]:
    """Sets of variables in which all residuals are affine together, each as large as possible from its first member on."""
    found: list[tuple[str, ...]] = []
    for first in names:
        group: tuple[str, ...] = ()
        for name in (first, *(n for n in names if n != first)):
            if is_affine(residuals, (*group, name)):
                group = (*group, name)
            elif not group:
                break
        if group and not any(set(group) == set(known) for known in found):
            found.append(group)
    return found


def is_affine(residuals: Sequence[Term], names: Sequence[str]) -> bool:
    """Whether the residuals are affine in the variables together, and every variable occurs in one of them."""
    shapes = {n: shape for r in residuals for n, shape in symbols_of(r).items() if n in names}
    if set(shapes) != set(names):
        return False
    moves = {n: symbol(DIRECTION + n, shape) for n, shape in shapes.items()}
    try:
        return all(polynomial_of(tangent(tangent(r, moves), moves)).is_zero for r in residuals)
    except NotDifferentiable:
        return False


def solve_affine(residual: Residual, start: Sequence[Fraction]) -> list[Fraction] | None:
    """A zero of an affine residual, moving as few of the unknowns as elimination needs; None if there is none.

    Unknowns further right are moved only where those on the left do not suffice.
    """
    value = list(residual(start))
    if not any(value):
        return list(start)
    columns = []
    for k in range(len(start)):
        moved = [x + int(i == k) for i, x in enumerate(start)]
        columns.append([a - b for a, b in zip(residual(moved), value, strict=True)])
    step = least_step(columns, value)
    return None if step is None else [x + d for x, d in zip(start, step, strict=True)]


def least_step(columns: Sequence[Sequence[Fraction]], value: Sequence[Fraction]) -> list[Fraction] | None:
    """A z with `Σ z_k columns_k = −value`, with as many zeros as elimination leaves."""
    system: Rows = [[column[i] for column in columns] + [-value[i]] for i in range(len(value))]
    # Equations that say nothing only cost time.
    system = [row for row in system if any(row)]
    reduced, pivots, _ = eliminate(system)
    if len(columns) in pivots:
        return None
    step = [Fraction(0)] * len(columns)
    for line, pivot in enumerate(pivots):
        step[pivot] = reduced[line][-1]
    return step
