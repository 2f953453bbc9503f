"""The third gate: central differences with many digits, at points of several scales and orders of sizes.

Main definition: `gate_scales`.

A step of 10⁻³⁰ leaves no truncation error that counts, so that one direction at each point tells a right formula from a
wrong one, without SymPy and at little cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from random import Random
from typing import Any

import numpy as np

from verify.evaluation.fields.decimal import DecimalField
from verify.evaluation.gate_points import Instance, Sizes, candidates, each, is_usable, rational_number, uneven_points
from verify.evaluation.gate_sides import Side, sides_at, switches
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

_UNEVEN = 60
"""Points at which sides of kinks are looked for that no other point is on; some have none, as of `max(tr(AᵀA), 0)`."""

_TRIES = 8
"""Points of one scale, until those on all sides of a loss's kinks have been compared."""

_ALWAYS = 3
"""Of these, how many are compared in any case."""

_NEAR = Fraction(1, 100)
_LARGEST = 1e60
_DIGITS = 130
_MORE_DIGITS = 600
_STEP = -30
_AGREE = -25
_FLOOR = (-90, -60)
"""Below these powers of ten, values of derivatives of first and second order are not told from 0."""


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
    found: list[Fraction] = []
    sides = {(switch, side) for switch in switches(loss) for side in (True, False)}
    unseen = set(sides)
    difference = _Difference(loss, directions, derived, order)
    for scale in SCALES:
        here = _gate_at(difference, scale, sides, terms, seed)
        if here is not None:
            found.append(scale)
            unseen -= here
    for point in uneven_points(terms, seed, _UNEVEN if unseen else 0):
        new = sides_at(unseen, point)
        if new and is_usable(loss, derived, point, _NEAR, _LARGEST) and difference.agrees(point, Fraction(1)):
            unseen -= new
    return tuple(found)


def _gate_at(difference: _Difference, scale: Fraction, sides: Set[Side], terms: Sequence[Term], seed: int) -> set[Side] | None:
    """Compare at a point of one scale, and at more where there are kinks; the sides seen, or None without any point."""
    first = _ORDERS[scale]
    seen: set[Side] | None = None
    for choice in (first, *(s for s in Sizes if s is not first)):
        points = candidates(terms, difference.loss, difference.derived, seed, scale, choice, _LARGEST)
        for count, point in enumerate(islice(points, _TRIES if sides else 1)):
            new = sides_at(sides - (seen or set()), point)
            if (new or count < _ALWAYS) and difference.agrees(point, scale):
                seen = (seen or set()) | new
        if seen is not None:
            break
    return seen


@dataclass(frozen=True)
class _Difference:
    """What is differentiated, along what, and the formula for it."""

    loss: Term
    directions: Mapping[str, Term | None]
    derived: Term
    order: int

    def agrees(self, point: Instance, scale: Fraction) -> bool:
        """True if they agree, False if the loss has no value with many digits there.

        Raises:
            GateError: if they differ.
        """
        for digits in (_DIGITS, _MORE_DIGITS):
            field = DecimalField(digits)
            try:
                wanted, found = self._both(point, field)
            except (ArithmeticError, ValueError):
                return False
            if not field.mp.isfinite(wanted):
                return False
            ten = field.mp.mpf(10)
            if abs(wanted - found) <= ten**_AGREE * max(abs(wanted), abs(found)) + ten ** _FLOOR[self.order - 1]:
                return True
        raise GateError(
            f"the derived formula failed a gate: differences of the loss give {float(wanted):.12g}, the formula gives "
            f"{float(found):.12g}, at a point of scale {scale} with {point.where()}"
        )

    def _both(self, point: Instance, field: DecimalField) -> tuple[Any, Any]:
        """The derivative by differences, and by the formula."""
        env = point.environment(field.scalar)
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


def _move(name: str, direction: Term | None, point: Instance, env: Environment, field: DecimalField) -> Array:
    """The direction's value; a random one where none is given."""
    if direction is not None:
        return evaluate_term(direction, env, field)
    rng = Random(f"direction {name} {point.where()}")
    return each(lambda _: field.scalar(rational_number(rng)), point.values[name])
