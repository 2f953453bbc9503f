"""From a float violation to exact instances, small denominators first.

Main definitions: `is_promising`, `made_exact`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil

from verify.search.instances import ExactInstance
from verify.search.synthesis.binding import as_exact
from verify.search.synthesis.family import Family
from verify.search.synthesis.points import Number, Point
from verify.search.synthesis.program import Solution, interior, least_condition
from verify.search.synthesis.rounding import rounded
from verify.search.synthesis.search import Best, Work

EDGE = 1e-6
"""A score below this may be a violation at the edge, to be settled exactly."""
_DENOMINATORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 50, 64, 100, 200, 500, 1000, 10_000)
_SLACKS = tuple(Fraction(1, d) for d in (1, 2, 4, 8, 16, 32, 64, 256, 1024, 8192, Fraction(1, 3), Fraction(1, 8)))
"""How much larger than necessary β may be: simple numbers need room, but moderate ones are preferred."""


def is_promising(family: Family, best: Best) -> bool:
    """Whether exact instances near the end of a search may violate the claim.

    Where β is free, a violation at the very edge has no room for rounding; where it is given, the edge itself may be rational.
    """
    return family.score_of(best) < (EDGE if family.capped else -EDGE)


def made_exact(family: Family, best: Best, work: Work) -> Iterator[ExactInstance]:
    """Rational instances near a float violation, small denominators first."""
    floats = family.numbers(best.free)
    seen = set()
    for denominator in _DENOMINATORS:
        numbers = [Fraction(round(x * denominator), denominator) for x in floats]
        key = tuple(numbers)
        positive = (
            all(x > 0 for x in numbers[: family.shape.count - family.shape.lengths[2]]) and numbers[family.shape.count] > 0
        )
        if key in seen or not positive or not _in_domains(family, numbers):
            continue
        seen.add(key)
        if not work.spend(family.programs):
            return
        found = _exact_at(family, numbers, work)
        if found is not None:
            yield found


def _in_domains(family: Family, numbers: Sequence[Fraction]) -> bool:
    domains = family.roles.formula.scalars()
    chosen = zip(family.roles.parameters, numbers[family.shape.count + 1 :], strict=True)
    return all(domains[n].contains(x) for n, x in chosen)


def _exact_at(family: Family, numbers: Sequence[Fraction], work: Work) -> ExactInstance | None:
    """The exact instance at rational numbers, if the violation lasts there."""
    point = family.point(numbers)
    floats = point.in_floats()
    given = family.given(numbers)
    low = family.low(given)
    least = least_condition(floats, family.curvature, float(low))
    if least is None or not isinstance(low, Fraction):
        return None
    chosen = _bounded(family, floats, least, given, low, work)
    if chosen is None or not work.spend():
        return None
    high, violating = chosen
    floor = family.floor(low, high)
    inner = interior(floats, float(floor), float(high), family.curvature, float(low))
    if inner is None:
        return None
    for share in (1.0, 0.5, 0.25, 0.1, 0.02, 0.0):
        mixed = Solution(
            share * inner.hessian + (1 - share) * violating.hessian,
            share * inner.witness + (1 - share) * violating.witness,
            inner.value,
        )
        if family.reading(floats, mixed, given, float(high)).score >= EDGE:
            continue
        made = rounded(point, mixed, floor, high)
        if made is None:
            continue
        solution = Solution(made.hessian.astype(float), made.slope.astype(float), 0.0)
        if family.reading(floats, solution, given, float(high)).score < EDGE:
            return as_exact(family.roles, family.dims, point, made.hessian, made.slope, family.with_high(given, high))
    return None


def _bounded(
    family: Family, point: Point, least: Solution, given: Mapping[str, Number], low: Fraction, work: Work
) -> tuple[Fraction, Solution] | None:
    """The upper bound on the curvature with a violating loss: the assumed one, or one with room."""
    needed = least.value * float(low)
    if family.capped:
        cap = family.high(given)
        if not isinstance(cap, Fraction) or needed > float(cap) * (1 + 1e-7):
            return None
        solution = family.pushed(point, least, given, float(cap))
        return (cap, solution) if family.reading(point, solution, given, needed).score < EDGE else None
    for slack in _SLACKS:
        if family.programs > 1 and not work.spend():
            return None
        high = _simplest(needed * float(1 + slack / 2), needed * float(1 + slack))
        solution = family.pushed(point, least, given, float(high))
        if family.reading(point, solution, given, float(high)).score < -EDGE:
            return high, solution
    return None


def _simplest(low: float, high: float) -> Fraction:
    """The rational of smallest denominator in an interval."""
    denominator = 1
    while ceil(low * denominator) > high * denominator:
        denominator += 1
    return Fraction(ceil(low * denominator), denominator)
