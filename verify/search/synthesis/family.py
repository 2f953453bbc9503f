"""One family of points for one claim: what is free, how it becomes a loss, and how the claim reads there.

Main definitions: `Family`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from verify.language.terms import symbols_of
from verify.search.synthesis.binding import Roles, as_batch, evaluated, inside
from verify.search.synthesis.points import Number, Point, layout_of
from verify.search.synthesis.program import Curvature, Solution, extreme, least_condition
from verify.search.synthesis.reading import ClaimReader, Reading, Tally
from verify.search.synthesis.search import Best, starts
from verify.search.synthesis.shapes import Setting, Shape

Array = Any
Generator = np.random.Generator
CLEAR = 0.03
"""A search ends at a violation by this much: the first clear one is mostly the simplest."""
_SIMPLICITY = 1e-4
_STEP = 1e-5
"""Relative step of the finite differences in H and S."""


@dataclass(frozen=True, eq=False)
class Family:
    """One family of points for a claim, with everything discrete chosen.

    Free parameters: the shape's, then the logarithm of X⋆'s unit, then the claim's parameters, then the logarithm of what β
    exceeds its least value by.
    """

    roles: Roles
    reader: ClaimReader
    dims: Mapping[str, int]
    shape: Shape
    setting: Setting
    scalars: Mapping[str, Fraction]
    curvature: Curvature
    tally: Tally
    late: int
    """How many other values of the loss' scalars are to be tried before."""

    @property
    def scaled(self) -> bool:
        """Whether X⋆'s size is searched: only where the claim compares something with a number; else only ratios matter."""
        return self.reader.compares_with_numbers

    @cached_property
    def capped(self) -> bool:
        """Whether all upper bounds on the curvature are numbers, or defined by the lower ones."""
        return bool(self.roles.bounds(1)) and not self.open_upper

    @cached_property
    def open_upper(self) -> list[str]:
        """Upper bounds to be chosen: plain variables that no assumption uses to define a lower bound."""
        names = self.roles.bound_symbols(1)
        lowest = {n for b in self.roles.bounds(0) for n in symbols_of(b)}
        used = {n for d in self.roles.defined if d.name in lowest for n in symbols_of(d.value)}
        lower = set(self.roles.bound_symbols(0))
        return [n for n in names if n not in used | lower]

    @property
    def programs(self) -> int:
        """How many programs one point takes."""
        return 2 if self.reader.speaks_of_loss else 1

    @property
    def size(self) -> tuple[int, int]:
        """Few parameters first, then small matrices."""
        return (self.shape.count + self.late, self.shape.m + self.shape.n + self.shape.r)

    def starts(self, rng: Generator) -> Iterator[Array]:
        """Starts for all free parameters."""
        for attempt, start in enumerate(starts(self.shape, rng)):
            extra = [0.0] * self.scaled
            extra += [0.0 if attempt % 2 == 0 else -4.0 for _ in self.roles.parameters]
            extra += [-4.0] * bool(self.open_upper)
            yield np.concatenate([start, extra])

    def numbers(self, free: Array) -> list[float]:
        """The shape's numbers, then the unit, then the parameters."""
        found = self.shape.numbers(free[: self.shape.count])
        rest = list(free[self.shape.count :])
        found.append(float(np.exp(rest.pop(0))) if self.scaled else 1.0)
        domains = self.roles.formula.scalars()
        return found + [inside(domains[n], x) for n, x in zip(self.roles.parameters, rest, strict=False)]

    def point(self, numbers: Sequence[Number]) -> Point:
        """The point at given numbers."""
        unit = numbers[self.shape.count]
        return replace(self.shape, unit=unit).build(numbers[: self.shape.count], self.setting)

    def given(self, numbers: Sequence[Number]) -> dict[str, Number]:
        """The scalars that are known before the program is solved."""
        exact = isinstance(numbers[0], Fraction)
        found: dict[str, Number] = {k: v if exact else float(v) for k, v in self.scalars.items()}
        found.update(zip(self.roles.parameters, numbers[self.shape.count + 1 :], strict=True))
        one: Number = Fraction(1) if exact else 1.0
        closed = [n for n in self.roles.bound_symbols(1) if n not in self.open_upper]
        found.update(dict.fromkeys([*self.roles.bound_symbols(0), *closed], one))
        return self._with_defined(found)

    def _with_defined(self, scalars: dict[str, Number]) -> dict[str, Number]:
        for definition in self.roles.defined:
            value = evaluated(definition.value, self.dims, scalars) if definition.value.is_scalar else None
            if value is not None:
                scalars[definition.name] = value
        return scalars

    def low(self, scalars: Mapping[str, Number]) -> Number:
        """The lower bound on the curvature: the largest assumed one, or 1."""
        values = [evaluated(b, self.dims, scalars) for b in self.roles.bounds(0)]
        return max([v for v in values if v is not None and v > 0], default=Fraction(1))

    def high(self, scalars: Mapping[str, Number]) -> Number | None:
        """The smallest assumed upper bound that is known."""
        values = [evaluated(b, self.dims, scalars) for b in self.roles.bounds(1)]
        return min([v for v in values if v is not None], default=None)

    def with_high(self, scalars: Mapping[str, Number], high: Number) -> dict[str, Number]:
        """All scalars, with upper bounds that were to be chosen."""
        return self._with_defined({**scalars, **dict.fromkeys(self.open_upper, high)})

    def floor(self, low: Number, high: Number) -> Number:
        """The lower bound on all of H that the kind of curvature implies."""
        return {Curvature.UNIFORM: low, Curvature.PAIRED: 0 * low, Curvature.INDEFINITE: -high}[self.curvature]

    def program(self, free: Array) -> tuple[Point, Solution] | None:
        """The point, and the loss of least condition number; where the claim speaks of f, pushed towards a violation."""
        numbers = self.numbers(free)
        point, given = self.point(numbers), self.given(numbers)
        low = float(self.low(given))
        solution = least_condition(point, self.curvature, low)
        if solution is None:
            return None
        high = low * solution.value * self._room(free)
        cap = self.high(given) if self.capped else None
        return point, self.pushed(point, solution, given, high if cap is None else float(cap))

    def _room(self, free: Array) -> float:
        """What β is compared with its least value."""
        return 1 + float(np.exp(free[-1])) if self.open_upper else 1.0

    def pushed(self, point: Point, solution: Solution, given: Mapping[str, Number], high: float) -> Solution:
        """The loss with curvature up to `high` that violates the claim most, to first order from a given one.

        The given one, where the claim does not speak of f or the other is not better.
        """
        low = float(self.low(given))
        if not self.reader.speaks_of_loss or high <= low * solution.value * (1 + 1e-6):
            return solution
        scalars = self.with_high(given, high)
        layout = layout_of(point)
        free = layout.witness_basis[: 0 if point.weight == 0 else None]
        count, size = len(layout.basis), _STEP * low
        hessians = np.concatenate([[0 * solution.hessian], size * layout.basis, np.zeros((len(free), *solution.hessian.shape))])
        witnesses = np.concatenate([np.zeros((1 + count, *point.star.shape)), _STEP * free])
        stack = as_batch(self.roles, self.dims, point, solution.hessian + hessians, solution.witness + witnesses, scalars)
        pressures = self.reader.pressures(stack, CLEAR)
        if not np.all(np.isfinite(pressures)):
            return solution
        slopes = pressures[1:] - pressures[0]
        twice = np.sum(layout.basis, axis=(-2, -1))
        toward = np.tensordot(slopes[:count] / (size * twice), layout.basis, 1)
        aside = np.tensordot(slopes[count:] / _STEP, free, 1)
        norm = float(np.linalg.norm(toward) + np.linalg.norm(aside))
        if norm < 1e-9:
            return solution
        floor = float(self.floor(low, high))
        found = extreme(point, floor, high, toward / norm, aside / norm, self.curvature, low)
        if found is None:
            return solution
        moved = Solution(found.hessian, found.witness, solution.value)
        better = self.reading(point, moved, given, high).distance(CLEAR) < self.reading(point, solution, given, high).distance(
            CLEAR
        )
        return moved if better else solution

    def objective(self, point: Point, solution: Solution, free: Array) -> float:
        """How far the claim is from a clear violation, with a slight preference for moderate numbers."""
        reading = self._at_end(point, solution, free)
        self.tally.count(reading)
        distance = reading.distance(CLEAR)
        return distance if distance < 0 else distance + _SIMPLICITY * float(np.log(solution.value) + np.abs(free).sum())

    def score_of(self, best: Best) -> float:
        """The claim's reading at the end of a search."""
        return self._at_end(best.point, best.solution, best.free).score

    def _at_end(self, point: Point, solution: Solution, free: Array) -> Reading:
        given = self.given(self.numbers(free))
        return self.reading(point, solution, given, float(self.low(given)) * solution.value * self._room(free))

    def reading(self, point: Point, solution: Solution, given: Mapping[str, Number], high: float) -> Reading:
        """The claim's reading at a loss; a known upper bound on the curvature should be kept with room."""
        scalars = self.with_high(given, high)
        batch = as_batch(self.roles, self.dims, point, solution.hessian, solution.witness, scalars)
        found = self.reader.read(batch)
        cap = self.high(scalars) if self.capped else None
        return found if cap is None else found.with_margin(1 - float(np.linalg.eigvalsh(solution.hessian)[-1]) / float(cap))
