"""Sharp constants: for which values of a parameter does a claim hold?

Main definitions: `sharpen`, `Bracket`, `End`, `Side`. One end of the bracket is refuted with a certificate; the other is what
no hunt refuted, or what was proved. Every counterexample is used up: its parameter is moved, exactly, as far as the claim stays
false.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from verify.language.domains import Domain
from verify.language.errors import ClaimError
from verify.language.formulas import Formula, Quantifier
from verify.runner.hunt.campaign import HuntResult, Options, Watch, hunt
from verify.runner.hunt.context import Context, prepared
from verify.runner.hunt.records import Found
from verify.runner.hunt.subject import Subject
from verify.runner.verdicts import Coverage, Held, Payload, Proved
from verify.search.instances import ExactInstance
from verify.search.recorded import recorded_instance

_ROUNDS = 12
_CLOSE = Fraction(1, 500)
_READINGS = 24
_FAR = 64
_SHRINK_TESTS = 6
_LEAST_SECONDS = 3.0


class Side(Enum):
    """On which side of the bracket the false values lie."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True)
class End:
    """The end of a bracket that was not refuted.

    Attributes:
        value: of the parameter.
        tested: whether a hunt was made there; else it is the end of the parameter's domain.
        payload: what that hunt came to.
    """

    value: Fraction
    tested: bool = False
    payload: Payload | None = None

    @property
    def basis(self) -> str:
        """What it rests on, in words."""
        match self.payload:
            case Proved():
                return f"proved ({self.payload.scope})"
            case Held(coverage=Coverage(n_active=active)):
                return f"held on {active:,} active instances"
            case None:
                return "the end of its domain, not tested"
            case _:
                return "not decided there"


@dataclass(frozen=True)
class Bracket:
    """What is known about a parameter.

    Attributes:
        parameter: its name.
        refuted: the value nearest to the other end for which there is a certificate, or None.
        found: its certified counterexample.
        end: the other end.
        side: where the false values lie.
        strategy: what found the counterexample.
        rounds: hunts made.
        last: the last hunt, for what was tried.
        stopped: whether it was stopped by hand.
    """

    parameter: str
    refuted: Fraction | None
    found: Found | None
    end: End | None
    side: Side
    strategy: str | None
    rounds: int
    last: HuntResult
    stopped: bool = False

    @property
    def text(self) -> str:
        """For example ``c ≥ 201/200 refuted; c = 1 the end of its domain, not tested``."""
        if self.refuted is None:
            return f"no value of {self.parameter} refuted{' before the stop' if self.stopped else ''}"
        sign = "≥" if self.side is Side.ABOVE else "≤"
        other = "" if self.end is None else f"; at {self.parameter} = {self.end.value} {self.end.basis}"
        return f"{self.parameter} = {self.refuted} ≈ {float(self.refuted):.6g} refuted (so is the claim for {sign}){other}"


def sharpen(subject: Subject, formula: Formula, parameter: str, options: Options, watch: Watch | None = None) -> Bracket:
    """Bracket the values of a scalar for which the claim holds, by bisection within the budget.

    Args:
        subject: the claim; what it fixes stays fixed.
        formula: the claim, elaborated, without the subject's changes.
        parameter: the scalar's name.
        options: the budget is for the whole bracket.
        watch: told about every finished unit.

    Raises:
        ClaimError: if there is no such scalar, or the claim is not a `forall`.
    """
    domain = formula.scalars().get(parameter)
    if domain is None:
        raise ClaimError(f"the claim has no scalar {parameter}: it has {', '.join(formula.scalars()) or 'none'}")
    if formula.quantifier is not Quantifier.FORALL:
        raise ClaimError("only claims with forall(...) have constants to sharpen")
    deadline = time.monotonic() + options.budget
    options = replace(options, shrink_tests=_SHRINK_TESTS)
    first = hunt(subject, formula, replace(options, budget=max(options.budget / 3, _LEAST_SECONDS)), watch)
    bracket = Bracket(parameter, None, first.found, None, Side.ABOVE, first.strategy, 1, first, first.interrupted)
    if first.found is None:
        return bracket
    try:
        for better in _narrowed(subject, formula, bracket, options, deadline, watch):
            bracket = better
    except KeyboardInterrupt:
        bracket = replace(bracket, stopped=True)
    return bracket


def _narrowed(
    subject: Subject, formula: Formula, bracket: Bracket, options: Options, deadline: float, watch: Watch | None
) -> Iterator[Bracket]:
    """Better and better brackets, from one with a counterexample."""
    parameter, domain = bracket.parameter, formula.scalars()[bracket.parameter]
    assert bracket.found is not None
    # Shrinking would move the parameter back to a simpler number.
    context = prepared(subject, formula, options.seed, shrink_tests=0)
    moved = _Moved(context, parameter, domain)
    instance = moved.instance(bracket.found)
    bracket = replace(bracket, refuted=instance.scalars[parameter])
    yield bracket
    bracket = _used_up(moved, instance, replace(bracket, side=moved.side(instance)))
    end = domain.above if domain.above is not None else domain.least
    if bracket.side is Side.BELOW:
        end = domain.below if domain.below is not None else domain.most
    bracket = replace(bracket, end=None if end is None else End(end))
    yield bracket
    while not bracket.stopped and bracket.rounds < _ROUNDS and not _is_tight(bracket):
        left = deadline - time.monotonic()
        if left <= _LEAST_SECONDS:
            return
        middle = _between(bracket)
        share = min(left, max(_LEAST_SECONDS, options.budget / 6))
        there = replace(subject, fixed={**subject.fixed, parameter: middle})
        result = hunt(there, formula, replace(options, budget=share), watch)
        bracket = replace(bracket, rounds=bracket.rounds + 1, last=result, stopped=result.interrupted)
        if result.found is not None:
            bracket = _used_up(
                moved, moved.instance(result.found), replace(bracket, found=result.found, strategy=result.strategy)
            )
        elif not result.interrupted:
            bracket = replace(bracket, end=End(middle, tested=True, payload=result.payload))
        yield bracket


def _is_tight(bracket: Bracket) -> bool:
    assert bracket.refuted is not None
    if bracket.end is None:
        return False
    return abs(bracket.refuted - bracket.end.value) <= _CLOSE * max(abs(bracket.refuted), Fraction(1, 1000))


def _between(bracket: Bracket) -> Fraction:
    """The value to try next: the middle, or a step away where the domain has no end."""
    assert bracket.refuted is not None
    if bracket.end is None:
        step = max(abs(bracket.refuted), Fraction(1)) / 2
        return bracket.refuted - step if bracket.side is Side.ABOVE else bracket.refuted + step
    middle = (bracket.refuted + bracket.end.value) / 2
    return _simple(middle, abs(bracket.refuted - bracket.end.value) / 8)


def _simple(value: Fraction, room: Fraction) -> Fraction:
    """A fraction of small denominator within `room` of a value."""
    denominator = 1
    while abs(value.limit_denominator(denominator) - value) > room:
        denominator *= 2
    return value.limit_denominator(denominator)


def _used_up(moved: _Moved, instance: ExactInstance, bracket: Bracket) -> Bracket:
    """The counterexample with its parameter as far on as the violation lasts."""
    best = moved.extreme(instance, bracket.side)
    found = moved.context.certified(best) if best is not instance else None
    if found is None:
        return replace(bracket, refuted=instance.scalars[bracket.parameter])
    return replace(bracket, refuted=moved.instance(found).scalars[bracket.parameter], found=found)


@dataclass(frozen=True)
class _Moved:
    """One counterexample with its parameter changed, read exactly."""

    context: Context
    parameter: str
    domain: Domain

    def instance(self, found: Found) -> ExactInstance:
        made = recorded_instance(found.certificate, self.context.formula)
        assert made is not None
        return made

    def fails(self, instance: ExactInstance, value: Fraction) -> bool:
        """Whether the claim is false there."""
        if not self.domain.contains(value):
            return False
        return self.context.reader.settles(self.context.reader.read(instance.with_scalar(self.parameter, value)))

    def side(self, instance: ExactInstance) -> Side:
        """Whether larger or smaller values are false too."""
        value = instance.scalars[self.parameter]
        step = max(abs(value), Fraction(1)) * 4
        if self.fails(instance, value + step):
            return Side.ABOVE
        low = self.domain.above if self.domain.above is not None else self.domain.least
        below = value - step if low is None else (value + low) / 2
        return Side.BELOW if self.fails(instance, below) else Side.ABOVE

    def extreme(self, instance: ExactInstance, side: Side) -> ExactInstance:
        """The violation nearest to the values that may hold."""
        bad = instance.scalars[self.parameter]
        good = self._holding(instance, bad, side)
        if good is None:
            return instance
        for _ in range(_READINGS):
            if abs(bad - good) <= Fraction(1, 10**6) * max(abs(bad), Fraction(1, 1000)):
                break
            middle = _simple((bad + good) / 2, abs(bad - good) / 8)
            if self.fails(instance, middle):
                bad = middle
            else:
                good = middle
        return instance.with_scalar(self.parameter, bad) if bad != instance.scalars[self.parameter] else instance

    def _holding(self, instance: ExactInstance, bad: Fraction, side: Side) -> Fraction | None:
        """A value on the other side for which this instance is no counterexample."""
        low = self.domain.above if self.domain.above is not None else self.domain.least
        high = self.domain.below if self.domain.below is not None else self.domain.most
        edge = low if side is Side.ABOVE else high
        if edge is not None:
            return None if self.fails(instance, edge) else edge
        step = max(abs(bad), Fraction(1))
        while step < _FAR * max(abs(bad), Fraction(1)):
            value = bad - step if side is Side.ABOVE else bad + step
            if not self.fails(instance, value):
                return value
            step *= 2
        return None
