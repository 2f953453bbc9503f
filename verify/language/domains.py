"""Where a scalar variable may lie."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from verify.language.errors import ClaimError
from verify.language.exact_numbers import exact_number


@dataclass(frozen=True)
class Domain:
    """An interval, perhaps of integers only: strict bounds `above`/`below`, weak bounds `least`/`most`.

    `free` marks a parameter of a family of claims, which no quantifier needs to bind.
    """

    above: Fraction | None = None
    least: Fraction | None = None
    below: Fraction | None = None
    most: Fraction | None = None
    integer: bool = False
    free: bool = False

    def meet(self, other: Domain) -> Domain:
        """The intersection."""

        def pick(a: Fraction | None, b: Fraction | None, best: Any) -> Fraction | None:
            return b if a is None else a if b is None else best(a, b)

        return Domain(
            pick(self.above, other.above, max),
            pick(self.least, other.least, max),
            pick(self.below, other.below, min),
            pick(self.most, other.most, min),
            self.integer or other.integer,
            self.free or other.free,
        )

    def contains(self, value: Fraction) -> bool:
        """Whether a number lies in the domain."""
        return (
            (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.below is None or value < self.below)
            and (self.most is None or value <= self.most)
            and (not self.integer or value.denominator == 1)
        )

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside, so that the variable may be divided by."""
        return not self.contains(Fraction(0)) and not (self.integer and self.above is None and self.below is None)

    def to_json(self) -> dict[str, Any]:
        """The declaration's `domain` object."""
        bounds = {k: getattr(self, k) for k in ("above", "least", "below", "most")}
        shown: dict[str, Any] = {k: str(v) for k, v in bounds.items() if v is not None}
        return {**shown, "integer": True} if self.integer else shown

    def text(self, name: str) -> str:
        """For example ``c > 1``."""
        marks = {"above": ">", "least": "≥", "below": "<", "most": "≤"}
        parts = [f"{name} {mark} {getattr(self, k)}" for k, mark in marks.items() if getattr(self, k) is not None]
        return ", ".join([*parts, f"{name} integer"] if self.integer else parts) or f"{name} real"


REALS = Domain()

_SAYABLE = ("real", "positive", "negative", "nonnegative", "nonpositive", "integer")
"""Assumptions of SymPy's that a domain can say."""


class Parameter(sp.Symbol):  # type: ignore[misc]
    """A scalar symbol with an explicit domain, made by `parameter`."""

    domain: Domain

    def __new__(cls, name: str, domain: Domain) -> Parameter:  # noqa: D102
        made = sp.Symbol.__xnew__(cls, name, real=True)
        made.domain = domain
        return made  # type: ignore[no-any-return]

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.domain)


def parameter(
    name: str,
    *,
    above: float | None = None,
    below: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> Parameter:
    """A free parameter of a claim: one claim for each value in the domain.

    A run tests many values; a hunt can look for the largest or smallest value for which the claim holds.

    >>> parameter("c", above=1).domain.text("c")
    'c > 1'
    """
    bounds = {"above": above, "below": below, "least": least, "most": most}
    exact = {k: None if v is None else exact_number(v) for k, v in bounds.items()}
    low = max((v for v in (exact["above"], exact["least"]) if v is not None), default=None)
    high = min((v for v in (exact["below"], exact["most"]) if v is not None), default=None)
    if low is not None and high is not None and low > high:
        raise ClaimError(f"the parameter {name} has an empty domain: its lower bound exceeds its upper bound")
    return Parameter(name, Domain(exact["above"], exact["least"], exact["below"], exact["most"], free=True))


def domain_of(symbol: Any) -> Domain:
    """The domain a SymPy symbol's assumptions state."""
    if isinstance(symbol, Parameter):
        return symbol.domain
    zero = Fraction(0)
    return Domain(
        above=zero if symbol.is_positive else None,
        least=zero if symbol.is_nonnegative and not symbol.is_positive else None,
        below=zero if symbol.is_negative else None,
        most=zero if symbol.is_nonpositive and not symbol.is_negative else None,
        integer=bool(symbol.is_integer),
    )


def unsaid_assumptions(symbol: Any) -> list[str]:
    """What a symbol's assumptions say beyond its domain, in SymPy's words: nothing may be dropped in silence.

    >>> unsaid_assumptions(sp.Symbol("x", real=True, nonzero=True))
    ['nonzero']
    """
    if isinstance(symbol, Parameter):
        return []
    sayable = {word: True for word in _SAYABLE if getattr(symbol, f"is_{word}")}
    known = sp.Symbol("x", **sayable).assumptions0
    stated = {k: v for k, v in symbol.assumptions0.items() if known.get(k) != v}
    given = getattr(symbol, "_assumptions_orig", {})
    own = [k for k in given if k in stated] or sorted(stated)
    return [k if stated[k] else f"not {k}" for k in own]
