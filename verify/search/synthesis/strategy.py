"""Counterexamples by synthesis: points guided by the claim, the loss by the program of theory §7, then rational numbers.

Main definitions: `synthesized`. For each shape the search minimizes the claim's own reading (`reading.ClaimReader`), which
turns negative when the claim is violated; α, β and other free scalars move along. A violation is then made exact with the
smallest denominators for which it lasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice, product
from math import ceil
from typing import Any

import numpy as np

from verify.language.formulas import Formula
from verify.search.instances import ExactInstance
from verify.search.synthesis.binding import (
    Roles,
    as_batch,
    as_exact,
    dims_at,
    evaluated,
    inside,
    roles_of,
    setting_at,
)
from verify.search.synthesis.points import Number, Point
from verify.search.synthesis.program import Curvature, Solution, interior, least_condition
from verify.search.synthesis.reading import ClaimReader, Reading
from verify.search.synthesis.rounding import rounded
from verify.search.synthesis.search import Best, Work, minimized, starts
from verify.search.synthesis.shapes import Setting, Shape, shapes

Array = Any
Generator = np.random.Generator
_SIZES = ((2, 2, 1), (3, 3, 2), (3, 3, 1), (4, 4, 2), (3, 2, 1), (2, 3, 1), (4, 4, 3), (4, 3, 2), (3, 4, 2), (5, 5, 3))
_SCALARS = (Fraction(0), Fraction(1), Fraction(1, 10), Fraction(1, 2), Fraction(4), Fraction(1, 4), Fraction(2))
_MOST_SETTINGS = 4
_EDGE = 1e-6
"""A score below this may be a violation at the edge, to be settled exactly."""
_CLEAR = 0.03
"""A search ends at a violation by this much: the first clear one is mostly the simplest."""
_DONE = -0.5
_SIMPLICITY = 1e-4
_DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 50, 64, 100, 200, 500, 1000, 10_000)
_SLACKS = tuple(Fraction(1, d) for d in (1, 2, 4, 8, 16, 32, 64, 256, 1024, 8192))
_YIELDS = 3
_ATTEMPTS = 12
_PROGRAMS = 60
"""Programs for one start and parameter of the shape."""


def synthesized(formula: Formula, rng: Generator, work: int) -> Iterator[ExactInstance]:
    """Exact instances that should violate the claim (or satisfy an `exists` claim), the likeliest first.

    They come from claims about second-order points of `f(sABᵀ) + (λ_A/2)‖A‖² + (λ_B/2)‖B‖²` with an opaque f; other claims
    give none. Every assumption about f, X⋆ and the point holds exactly; the rest was read in floats only.

    Args:
        formula: the claim.
        rng: for the starts.
        work: semidefinite programs to solve.
    """
    roles = roles_of(formula)
    if roles is None:
        return
    reader = ClaimReader(roles)
    counted = Work(work)
    tasks = list(_tasks(roles, reader))
    # The simplest families get further attempts before the last ones get their first.
    plan = sorted(product(range(len(tasks)), range(_ATTEMPTS)), key=lambda p: ((1 + p[0]) * (1 + p[1]) ** 2, p))
    for position, attempt in plan:
        if counted.left <= 0:
            return
        task = tasks[position]
        (start,) = islice(task.starts(rng), attempt, attempt + 1)
        best = minimized(task.program, task.objective, start, counted, _PROGRAMS * task.shape.count, enough=_DONE)
        if best is not None and task.score_of(best) < _EDGE:
            yield from islice(_made_exact(task, best, counted), _YIELDS)


@dataclass(frozen=True, eq=False)
class _Task:
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
    late: int
    """How many other values of the loss' scalars are to be tried before."""

    @cached_property
    def scaled(self) -> bool:
        """Whether X⋆'s size is searched: only where an assumption may speak of sizes."""
        return self.reader.mentions_sizes and self.setting.weight != 0

    @cached_property
    def capped(self) -> bool:
        """Whether all upper bounds on the curvature are numbers, or defined by the lower ones."""
        return bool(self.roles.bounds(1)) and not self._open_upper

    @cached_property
    def _open_upper(self) -> list[str]:
        """Upper bounds to be chosen: plain variables that no assumption uses to define another."""
        names = self.roles.bound_symbols(1)
        used = {n for d in self.roles.defined for n in _scalar_names(d.value)}
        lower = set(self.roles.bound_symbols(0))
        return [n for n in names if n not in used | lower]

    @property
    def size(self) -> tuple[int, int]:
        """Few parameters first, then small matrices."""
        return (self.shape.count + self.late, self.shape.m + self.shape.n + self.shape.r)

    def starts(self, rng: Generator) -> Iterator[Array]:
        """Starts for all free parameters."""
        for attempt, start in enumerate(starts(self.shape, rng)):
            extra = [0.0] * self.scaled
            extra += [0.0 if attempt % 2 == 0 else -4.0 for _ in self.roles.parameters]
            extra += [-4.0] * bool(self._open_upper)
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
        closed = [n for n in self.roles.bound_symbols(1) if n not in self._open_upper]
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
        return self._with_defined({**scalars, **dict.fromkeys(self._open_upper, high)})

    def program(self, free: Array) -> tuple[Point, Solution] | None:
        """The point and the loss of least condition number."""
        numbers = self.numbers(free)
        point = self.point(numbers)
        solution = least_condition(point, self.curvature, float(self.low(self.given(numbers))))
        return None if solution is None else (point, solution)

    def objective(self, point: Point, solution: Solution, free: Array) -> float:
        """How far the claim is from a clear violation, with a slight preference for moderate numbers."""
        distance = self.reading(point, solution, *self._chosen(solution, free)).distance(_CLEAR)
        return distance if distance < 0 else distance + _SIMPLICITY * float(np.log(solution.value) + np.abs(free).sum())

    def score_of(self, best: Best) -> float:
        """The claim's reading at the end of a search."""
        return self.reading(best.point, best.solution, *self._chosen(best.solution, best.free)).score

    def _chosen(self, solution: Solution, free: Array) -> tuple[dict[str, Number], float]:
        given = self.given(self.numbers(free))
        excess = float(np.exp(free[-1])) if self._open_upper else 0.0
        return given, float(self.low(given)) * solution.value * (1 + excess)

    def reading(self, point: Point, solution: Solution, given: Mapping[str, Number], high: float) -> Reading:
        """The claim's reading at a loss; a known upper bound on the curvature should be kept with room."""
        scalars = self.with_high(given, high)
        batch = as_batch(self.roles, self.dims, point, solution.hessian, solution.witness, scalars)
        found = self.reader.read(batch)
        cap = self.high(scalars) if self.capped else None
        return found if cap is None else found.with_margin(1 - float(np.linalg.eigvalsh(solution.hessian)[-1]) / float(cap))


def _scalar_names(term: Any) -> set[str]:
    from verify.language.terms import symbols_of

    return set(symbols_of(term))


def _tasks(roles: Roles, reader: ClaimReader) -> Iterator[_Task]:
    """Families of points that meet the assumptions on sizes, ranks and decays; simple ones first."""
    found: list[_Task] = []
    kinds = [Curvature.UNIFORM]
    if not any(s.kind != "convex" for s in roles.curvature):
        kinds += [Curvature.PAIRED] if roles.curvature else [Curvature.PAIRED, Curvature.INDEFINITE]
    settings: dict[int, list[tuple[Setting, dict[str, Fraction]]]] = {}
    for m, n, r in _SIZES:
        for r_star in range(r, 0, -1):
            dims = dims_at(roles, m, n, r, r_star)
            if dims is None:
                continue
            if r not in settings:
                settings[r] = list(islice(_settings(roles, reader, dims), _MOST_SETTINGS))
            # Whether assumptions on sizes and ranks can be met does not depend on where X⋆ sits.
            simplest = next(shapes(m, n, r, r_star))
            for late, (setting, scalars) in enumerate(settings[r]):
                task = _Task(roles, reader, dims, simplest, setting, scalars, kinds[0], late)
                if _is_possible(task):
                    found += [replace(task, shape=s, curvature=k) for s, k in product(shapes(m, n, r, r_star), kinds)]
    yield from sorted(found, key=lambda t: t.size)


def _settings(roles: Roles, reader: ClaimReader, dims: Mapping[str, int]) -> Iterator[tuple[Setting, dict[str, Fraction]]]:
    """Small values for the loss' scalars for which there are rational balanced factors."""
    domains = roles.formula.scalars()
    names = roles.loss_scalars
    for values in product(_SCALARS, repeat=min(len(names), 3)):
        chosen = dict(zip(names, values, strict=False))
        possible = len(chosen) == len(names) and all(domains[n].contains(v) for n, v in chosen.items())
        if possible and reader.allows(dims, chosen):
            setting = setting_at(roles, dims, chosen)
            if setting is not None:
                yield setting, chosen


def _is_possible(task: _Task) -> bool:
    """Whether sizes, ranks and decays meet the assumptions at some point of the family."""
    numbers = [0.7 + 0.1 * k for k in range(task.shape.count)] + [1.0] + [1.0] * len(task.roles.parameters)
    point = task.point(numbers)
    size = point.move.size
    scalars = task.with_high(task.given(numbers), 4.0)
    batch = as_batch(task.roles, task.dims, point, np.eye(size), point.star_left @ point.star_right.T, scalars)
    return task.reader.met(batch)


def _made_exact(task: _Task, best: Best, work: Work) -> Iterator[ExactInstance]:
    """Rational instances near a float violation, small denominators first."""
    floats = task.numbers(best.free)
    seen = set()
    for denominator in _DENOMINATORS:
        numbers = [Fraction(round(x * denominator), denominator) for x in floats]
        key = tuple(numbers)
        positive = all(x > 0 for x in numbers[: task.shape.count - task.shape.lengths[2]]) and numbers[task.shape.count] > 0
        if key in seen or not positive or not _in_domains(task, numbers):
            continue
        seen.add(key)
        if not work.spend():
            return
        found = _exact_at(task, numbers, work)
        if found is not None:
            yield found


def _in_domains(task: _Task, numbers: Sequence[Fraction]) -> bool:
    domains = task.roles.formula.scalars()
    chosen = zip(task.roles.parameters, numbers[task.shape.count + 1 :], strict=True)
    return all(domains[n].contains(x) for n, x in chosen)


def _exact_at(task: _Task, numbers: Sequence[Fraction], work: Work) -> ExactInstance | None:
    """The exact instance at rational numbers, if the violation lasts there."""
    point = task.point(numbers)
    floats = point.in_floats()
    given = task.given(numbers)
    low = task.low(given)
    least = least_condition(floats, task.curvature, float(low))
    if least is None or not isinstance(low, Fraction):
        return None
    high = _upper(task, floats, least, given, low)
    if high is None or not work.spend():
        return None
    floor = float(low) if task.curvature is Curvature.UNIFORM else 0.0 if task.curvature is Curvature.PAIRED else -float(high)
    inner = interior(floats, floor, float(high), task.curvature, float(low))
    if inner is None:
        return None
    for share in (1.0, 0.5, 0.25, 0.1, 0.02, 0.0):
        mixed = Solution(
            share * inner.hessian + (1 - share) * least.hessian,
            share * inner.witness + (1 - share) * least.witness,
            inner.value,
        )
        if task.reading(floats, mixed, given, float(high)).score >= _EDGE:
            continue
        made = rounded(point, mixed, Fraction(floor).limit_denominator(10**6) if floor != float(low) else low, high)
        if made is None:
            continue
        solution = Solution(made.hessian.astype(float), made.slope.astype(float), 0.0)
        if task.reading(floats, solution, given, float(high)).score < _EDGE:
            return as_exact(task.roles, task.dims, point, made.hessian, made.slope, task.with_high(given, high))
    return None


def _upper(task: _Task, point: Point, least: Solution, given: Mapping[str, Number], low: Fraction) -> Fraction | None:
    """The upper bound on the curvature: the assumed one, or the simplest with as much room as the violation allows."""
    needed = least.value * float(low)
    if task.capped:
        cap = task.high(given)
        good = (
            isinstance(cap, Fraction)
            and needed <= float(cap) * (1 + 1e-7)
            and task.reading(point, least, given, needed).score < _EDGE
        )
        return cap if good else None
    for slack in _SLACKS:
        high = _simplest(needed * float(1 + slack / 2), needed * float(1 + slack))
        if task.reading(point, least, given, float(high)).score < -_EDGE:
            return high
    return None


def _simplest(low: float, high: float) -> Fraction:
    """The rational of smallest denominator in an interval."""
    denominator = 1
    while ceil(low * denominator) > high * denominator:
        denominator += 1
    return Fraction(ceil(low * denominator), denominator)
