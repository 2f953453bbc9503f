"""Frontiers: a scalar of the claim held at values of a grid, and at each of them a hunt or a bracket of another scalar.

Main definitions: `Grid`, `grid_of`, `sweep`, `Row`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from verify.language.errors import ClaimError
from verify.language.formulas import Formula
from verify.runner.hunt.campaign import HuntResult, Options, Watch, hunt
from verify.runner.hunt.sharpen import Bracket, sharpen
from verify.runner.hunt.subject import Subject

_POINTS = 8


@dataclass(frozen=True)
class Grid:
    """A scalar's name and the values it is held at."""

    name: str
    values: tuple[Fraction, ...]


@dataclass(frozen=True)
class Row:
    """One grid value with the hunt made there, and the bracket where a parameter was sharpened."""

    value: Fraction
    result: HuntResult
    bracket: Bracket | None

    @property
    def stopped(self) -> bool:
        """Whether it was stopped by hand."""
        return self.result.interrupted or (self.bracket is not None and self.bracket.stopped)


def grid_of(text: str, formula: Formula) -> Grid:
    """The grid that `kappa=3:50`, `kappa=3:50:12` or `kappa=3,4,5` means: geometric where both ends are positive.

    Raises:
        ClaimError: if it is malformed, or the claim has no such scalar.
    """
    name, sign, rest = text.partition("=")
    if not sign or not rest:
        raise ClaimError(f"--sweep {text}: write a scalar and its values, for example kappa=3:50 or kappa=3,4,6")
    try:
        if ":" in rest:
            parts = rest.split(":")
            low, high = Fraction(parts[0]), Fraction(parts[1])
            count = int(parts[2]) if len(parts) > 2 else _POINTS
            values = _spaced(low, high, count)
        else:
            values = tuple(Fraction(part) for part in rest.split(","))
    except (ValueError, IndexError, ZeroDivisionError):
        raise ClaimError(f"--sweep {text}: {rest} are no values: write low:high, low:high:count or a,b,c") from None
    return Grid(scalar_named(name.strip(), formula), values)


def scalar_named(name: str, formula: Formula) -> str:
    """The claim's scalar of that name; Greek letters may be spelled out.

    Raises:
        ClaimError: if there is none.
    """
    for scalar in formula.scalars():
        spelled = "".join(unicodedata.name(c, c).split()[-1].lower() if ord(c) > 127 else c for c in scalar)
        if name in (scalar, spelled) or (name == "lambda" and scalar == "λ"):
            return scalar
    raise ClaimError(f"the claim has no scalar {name}: it has {', '.join(formula.scalars()) or 'none'}")


def _spaced(low: Fraction, high: Fraction, count: int) -> tuple[Fraction, ...]:
    if not low < high or not 2 <= count <= 200:
        raise ValueError
    share = [k / (count - 1) for k in range(count)]
    if low > 0:
        inner = [float(low) * (float(high) / float(low)) ** t for t in share]
    else:
        inner = [float(low) + (float(high) - float(low)) * t for t in share]
    values = [low, *(Fraction(x).limit_denominator(20) for x in inner[1:-1]), high]
    return tuple(dict.fromkeys(values))


def sweep(
    subject: Subject, formula: Formula, grid: Grid, parameter: str | None, options: Options, watch: Watch | None = None
) -> Iterator[Row]:
    """One row a grid value, each with an equal share of the budget.

    Raises:
        ClaimError: if a value is outside the scalar's domain.
    """
    share = replace(options, budget=options.budget / len(grid.values))
    for value in grid.values:
        there = replace(subject, fixed={**subject.fixed, grid.name: value})
        if parameter is None:
            row = Row(value, hunt(there, formula, share, watch), None)
        else:
            bracket = sharpen(there, formula, parameter, share, watch)
            row = Row(value, bracket.last, bracket)
        yield row
        if row.stopped:
            return
