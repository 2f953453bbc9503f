"""The third gate: central differences with many digits, at points of several scales and orders of sizes.

Main definition: `gate_scales`.

A step of 10⁻³⁰ leaves no truncation error that counts, so that one direction at each point tells a right formula from a
wrong one, without SymPy and at little cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from verify.evaluation.fields.decimal import DecimalField
from verify.evaluation.gate_points import Instance, Sizes, candidates, each, rational_number
from verify.evaluation.interpret import evaluate_term
from verify.language.errors import GateError
from verify.language.operations.operation import Environment
from verify.language.terms import Term

Array = Any

_ORDERS = {
    Fraction(3): Sizes.DESCENDING,
    Fraction(10): Sizes.ASCENDING,
    Fraction(100): Sizes.DESCENDING,
    Fraction(1, 30): Sizes.FROM_ONE,
}
SCALES = tuple(_ORDERS)
"""The scales of the entries, besides 1."""

_LARGEST = 1e60
_DIGITS = 130
_MORE_DIGITS = 600
_STEP = -30
_AGREE = -25
_FLOOR = -45
"""Below this power of ten, neither value is told from 0."""


def gate_scales(
    loss: Term, directions: Mapping[str, Term | None], derived: Term, order: int, terms: Sequence[Term], seed: int
) -> tuple[Fraction, ...]:
    """Compare a derived formula with differences of the loss at a point of each scale; the scales that had one.

    Args:
        loss: a scalar term.
        directions: variable name to direction; or {name: None} for a gradient in that variable.
        derived: the derivative along the directions, or the gradient.
        order: of the derivative.
        terms: whose symbols are to have values.
        seed: of the points.

    Raises:
        GateError: if they differ.
    """
    found = []
    for scale, sizes in _ORDERS.items():
        for choice in (sizes, *(s for s in Sizes if s is not sizes)):
            point = next(candidates(terms, loss, derived, seed, scale, choice, _LARGEST), None)
            if point is not None and _agrees(_Difference(loss, directions, derived, order, point), scale):
                found.append(scale)
                break
    return tuple(found)


@dataclass(frozen=True)
class _Difference:
    """One comparison: what is differentiated, along what, the formula for it, and where."""

    loss: Term
    directions: Mapping[str, Term | None]
    derived: Term
    order: int
    point: Instance

    def both(self, field: DecimalField) -> tuple[Any, Any]:
        """The derivative by differences, and by the formula."""
        point, env = self.point, self.point.environment(field.scalar)
        value = evaluate_term(self.derived, env, field)
        names = [n for n in self.directions if n in point.values and n not in point.dims]
        moves = {n: _move(n, self.directions[n], point, env, field) for n in names}
        step = field.mp.mpf(10) ** _STEP

        def at(t: Any) -> Any:
            moved = {n: env.values[n] + t * d for n, d in moves.items()}
            return evaluate_term(self.loss, replace(env, values={**env.values, **moved}), field).item()

        gradient = None in self.directions.values()
        found = sum((np.sum(value * d) for d in moves.values()), field.scalar(Fraction(0))) if gradient else value.item()
        if self.order == 1:
            return (at(step) - at(-step)) / (2 * step), found
        return (at(step) - 2 * at(0) + at(-step)) / step**2, found


def _agrees(difference: _Difference, scale: Fraction) -> bool:
    """True if they agree, and False if the loss has no value with many digits there."""
    for digits in (_DIGITS, _MORE_DIGITS):
        field = DecimalField(digits)
        try:
            wanted, found = difference.both(field)
        except (ArithmeticError, ValueError):
            return False
        if not field.mp.isfinite(wanted):
            return False
        ten = field.mp.mpf(10)
        if abs(wanted - found) <= ten**_AGREE * max(abs(wanted), abs(found)) + ten**_FLOOR:
            return True
    raise GateError(
        f"the derived formula failed a gate: differences of the loss give {float(wanted):.12g}, the formula gives "
        f"{float(found):.12g}, at a point of scale {scale} with {difference.point.where()}"
    )


def _move(name: str, direction: Term | None, point: Instance, env: Environment, field: DecimalField) -> Array:
    """The direction's value; a random one where none is given."""
    if direction is not None:
        return evaluate_term(direction, env, field)
    rng = Random(f"direction {name} {point.where()}")
    return each(lambda _: field.scalar(rational_number(rng)), point.values[name])
