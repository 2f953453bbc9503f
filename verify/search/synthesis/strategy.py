"""Counterexamples by synthesis: points guided by the claim, the loss by the program of theory §7, then rational numbers.

Main definitions: `synthesized`. For each shape the search minimizes the claim's own reading (`reading.ClaimReader`), which
turns negative when the claim is violated; α, β and other free scalars move along. A violation is then made exact with the
smallest denominators for which it lasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import islice, product

import numpy as np

from verify.language.formulas import Formula
from verify.search.instances import ExactInstance
from verify.search.synthesis.binding import Roles, as_batch, dims_at, roles_of, setting_at
from verify.search.synthesis.exactness import is_promising, made_exact
from verify.search.synthesis.family import Family
from verify.search.synthesis.program import Curvature
from verify.search.synthesis.reading import ClaimReader, Tally
from verify.search.synthesis.search import Work, minimized
from verify.search.synthesis.shapes import Setting, shapes

Generator = np.random.Generator
_SQUARE = ((2, 2, 1), (3, 3, 2), (3, 3, 1), (4, 4, 2), (4, 4, 3), (5, 5, 3), (5, 5, 4), (6, 6, 4))
_OTHER = ((3, 2, 1), (2, 3, 1), (4, 3, 2), (3, 4, 2), (4, 2, 1), (2, 4, 1))
_LARGEST = 40
"""The number of entries of the largest matrices tried."""
_SCALARS = (Fraction(0), Fraction(1), Fraction(1, 10), Fraction(1, 2), Fraction(4), Fraction(1, 4), Fraction(2))
_MOST_SETTINGS = 3
_DONE = -0.5
_YIELDS = 3
_ATTEMPTS = 12
_PROGRAMS = 60
"""Programs for one start and parameter of the shape."""


def synthesized(formula: Formula, rng: Generator, work: int, tally: Tally | None = None) -> Iterator[ExactInstance]:
    """Exact instances that should violate the claim (or satisfy an `exists` claim), the likeliest first.

    They come from claims about second-order points of `f(sABᵀ) + (λ_A/2)‖A‖² + (λ_B/2)‖B‖²` with an opaque f; other claims
    give none. Every assumption about f, X⋆ and the point holds exactly; the rest was read in floats only.

    Args:
        formula: the claim.
        rng: for the starts.
        work: semidefinite programs to solve.
        tally: counts the spurious points that were read, if given.
    """
    roles = roles_of(formula)
    if roles is None:
        return
    reader = ClaimReader(roles)
    counted = Work(work)
    families = list(_families(roles, reader, Tally() if tally is None else tally))
    # The simplest families get further attempts before the last ones get their first.
    plan = sorted(product(range(len(families)), range(_ATTEMPTS)), key=lambda p: ((1 + p[0]) * (1 + p[1]) ** 2, p))
    for position, attempt in plan:
        if counted.left <= 0:
            return
        family = families[position]
        (start,) = islice(family.starts(rng), attempt, attempt + 1)
        most = _PROGRAMS * family.shape.count * family.programs
        best = minimized(family.program, family.objective, start, counted, most, _DONE, family.programs)
        if best is not None and is_promising(family, best):
            yield from islice(made_exact(family, best, counted), _YIELDS)


def _families(roles: Roles, reader: ClaimReader, tally: Tally) -> Iterator[Family]:
    """Families of points that meet the assumptions on sizes, ranks and decays; simple ones first."""
    found: list[Family] = []
    kinds = [Curvature.UNIFORM]
    if all(b.op == "num" and b.payload[0] <= 0 for b in roles.bounds(0)):
        kinds += [Curvature.PAIRED] if roles.bounds(0) else [Curvature.PAIRED, Curvature.INDEFINITE]
    settings: dict[int, list[tuple[Setting, dict[str, Fraction]]]] = {}
    for m, n, r in _sizes(roles):
        for r_star in range(r, 0, -1):
            dims = dims_at(roles, m, n, r, r_star)
            if dims is None:
                continue
            if r not in settings:
                settings[r] = _settings(roles, reader, dims)
            # Whether assumptions on sizes and ranks can be met does not depend on where X⋆ sits.
            simplest = next(shapes(m, n, r, r_star), None)
            if simplest is None:
                continue
            for late, (setting, scalars) in enumerate(settings[r]):
                family = Family(roles, reader, dims, simplest, setting, scalars, kinds[0], tally, late)
                if _is_possible(family):
                    found += [replace(family, shape=s, curvature=k) for s, k in product(shapes(m, n, r, r_star), kinds)]
    yield from sorted(found, key=lambda t: t.size)


def _sizes(roles: Roles) -> list[tuple[int, int, int]]:
    """Small sizes, with those that the claim fixes in place of ours."""
    left, right = roles.factors
    fixed = [d if isinstance(d, int) else None for d in (left.shape[0], right.shape[0], left.shape[1])]  # type: ignore[misc]
    wanted = [[k if f is None else f for k, f in zip(s, fixed, strict=True)] for s in (*_SQUARE, *_OTHER)]
    return [(m, n, r) for m, n, r in dict.fromkeys(map(tuple, wanted)) if m * n <= _LARGEST]


def _settings(roles: Roles, reader: ClaimReader, dims: Mapping[str, int]) -> list[tuple[Setting, dict[str, Fraction]]]:
    """Small values for the loss' scalars for which there are rational factors; balanced ones without decay come last."""
    found = list(islice(_possible_settings(roles, reader, dims), _MOST_SETTINGS))
    unbalanced = [(replace(s, balanced=s.weight != 0), values) for s, values in found]
    return unbalanced + [(s, values) for s, values in found if s.weight == 0]


def _possible_settings(
    roles: Roles, reader: ClaimReader, dims: Mapping[str, int]
) -> Iterator[tuple[Setting, dict[str, Fraction]]]:
    domains = roles.formula.scalars()
    names = roles.loss_scalars
    for values in product(_SCALARS, repeat=min(len(names), 3)):
        chosen = dict(zip(names, values, strict=False))
        possible = len(chosen) == len(names) and all(domains[n].contains(v) for n, v in chosen.items())
        if possible and reader.allows(dims, chosen):
            setting = setting_at(roles, dims, chosen)
            if setting is not None:
                yield setting, chosen


def _is_possible(family: Family) -> bool:
    """Whether sizes, ranks and decays meet the assumptions at some point of the family."""
    numbers = [0.7 + 0.1 * k for k in range(family.shape.count)] + [1.0] + [1.0] * len(family.roles.parameters)
    point = family.point(numbers)
    size = point.move.size
    scalars = family.with_high(family.given(numbers), 4.0)
    batch = as_batch(family.roles, family.dims, point, np.eye(size), point.star_left @ point.star_right.T, scalars)
    return family.reader.met(batch)
