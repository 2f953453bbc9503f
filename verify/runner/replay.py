"""Examples that a claim's author pasted above it, tried before anything else.

Main definitions: `replay`, `Replayed`. An author believes an example to be an instance: one that stays undecided leaves the
claim undecided, and one whose assumptions are false is said to be none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from verify.evaluation.tolerances import LOOSE
from verify.kernel import Decision, Truth
from verify.language.errors import ClaimError
from verify.language.formulas import Formula, Quantifier
from verify.runner.exact_reading import ExactReader, show_instance
from verify.runner.profiles import Profile
from verify.runner.verdicts import Candidate, Coverage, Held, Payload, Proved, Refuted, Unknown, Vacuous, with_note
from verify.search.instances import ExactInstance
from verify.search.precise import HOLDS, MET, PreciseReader
from verify.search.witnesses import instance_from_witness

_STEPS = "steps"
"""Beside variables and sizes, the number of training steps after which an instance is read."""


class Standing(Enum):
    """What an example is to a claim that it does not settle."""

    TRUE = "holds"
    UNMET = "does not meet the assumptions"
    VIOLATES = "violates the claim to 50 digits, but could not be certified"
    UNDECIDED = "stays undecided"


@dataclass(frozen=True)
class Example:
    """One example read; `shown` names it by its values."""

    number: int
    standing: Standing
    shown: str
    margin: float = 0.0


@dataclass(frozen=True)
class Replayed:
    """What the examples of a claim come to.

    Attributes:
        settled: the verdict of the first that settles the claim (a counterexample, or a witness of `exists`).
        others: those read that settle nothing.
    """

    settled: Proved | Refuted | None = None
    others: tuple[Example, ...] = ()

    def applied(self, payload: Payload) -> Payload:
        """The verdict of everything else, with what the examples say about it."""
        violating = next((e for e in self.others if e.standing is Standing.VIOLATES), None)
        if violating is not None and isinstance(payload, Held | Unknown | Vacuous):
            payload = Candidate(f"@example {violating.number}: {violating.shown}", violating.margin, payload.coverage)
        undecided = [e for e in self.others if e.standing is Standing.UNDECIDED]
        if undecided and isinstance(payload, Held | Vacuous):
            return with_note(Unknown(_named(undecided), payload.coverage), self._note([Standing.UNMET]))
        told = [Standing.UNMET] if isinstance(payload, Proved | Refuted) else [Standing.UNMET, Standing.UNDECIDED]
        return with_note(payload, self._note(told))

    def _note(self, told: Sequence[Standing]) -> str:
        return _named([e for e in self.others if e.standing in told])


def _named(examples: Sequence[Example]) -> str:
    """For example ``@example 2 (A=[1]) stays undecided``."""
    return "; ".join(f"@example {e.number} ({e.shown}) {e.standing.value}" for e in examples)


def replay(examples: Sequence[Mapping[str, Any]], formula: Formula, profile: Profile) -> Replayed:
    """Read the examples in turn, up to the first that settles the claim.

    Args:
        examples: values by name; for training claims also `steps`.
        formula: the claim.
        profile: how much may be spent on shrinking.

    Raises:
        ClaimError: if an example lacks a value, has an inexact one, or one of no variable.
        ShapeError: if shapes disagree.
    """
    if not examples or formula.source is not None:
        return Replayed()  # an example of the general claim says nothing about a data set
    reader, precise = ExactReader(formula), PreciseReader(formula)
    others: list[Example] = []
    for number, example in enumerate(examples, 1):
        instance = _instance(example, formula)
        decision = reader.read(instance)
        settled = _settled(instance, decision, number, reader, profile)
        if settled is not None:
            return Replayed(settled)
        standing, margin = _standing(instance, decision, formula, precise)
        others.append(Example(number, standing, show_instance(instance, formula), margin))
    return Replayed(None, tuple(others))


def _settled(
    instance: ExactInstance, decision: Decision, number: int, reader: ExactReader, profile: Profile
) -> Proved | Refuted | None:
    certified = reader.certify(instance, profile.shrink_tests) if reader.settles(decision) else None
    if certified is None:
        return None
    small, certificate, decision = certified
    shown = show_instance(small, reader.formula)
    if reader.formula.quantifier is Quantifier.EXISTS:
        return Proved("one instance", shown, certificate)
    return Refuted(shown, decision.comparison, certificate, Coverage(n=number, n_active=1, exact=number))


def _standing(instance: ExactInstance, decision: Decision, formula: Formula, precise: PreciseReader) -> tuple[Standing, float]:
    """What an example is: by the kernel's reading, and where that leaves something open by fifty digits."""
    if any(t is Truth.FALSE for t in decision.hypotheses):
        return Standing.UNMET, 0.0
    met = all(t is Truth.TRUE for t in decision.hypotheses)
    if met and decision.conclusion is Truth.TRUE:
        return Standing.TRUE, 0.0
    reading = precise.read(instance)
    if reading is None:
        return Standing.UNDECIDED, 0.0
    if not met and reading.shortfall > LOOSE:
        return Standing.UNMET, 0.0
    if formula.quantifier is Quantifier.EXISTS or not (met or reading.meets(MET)):
        return Standing.UNDECIDED, 0.0
    # A flow is integrated in floats: there the digits of its conclusion are few.
    holds = HOLDS if formula.process is None or formula.process.step is not None or not instance.steps else -LOOSE
    if decision.conclusion is Truth.TRUE or reading.violation.relative <= holds:
        return Standing.TRUE, 0.0
    violated = reading.violation.relative > LOOSE
    return (Standing.VIOLATES, -reading.violation.relative) if violated else (Standing.UNDECIDED, 0.0)


def _instance(example: Mapping[str, Any], formula: Formula) -> ExactInstance:
    steps = [] if formula.process is None else [_STEPS]
    unknown = [name for name in example if name not in (*formula.variables, *formula.dims, *steps)]
    if unknown:
        variables = [*formula.scalars(), *formula.matrices(), *formula.operators(), *formula.functions()]
        raise ClaimError(f"@example has no variable {unknown[0]}: it has {', '.join(variables)}")
    try:
        instance = instance_from_witness(example, formula)
    except ClaimError as error:
        raise type(error)(str(error).replace("the witness", "@example")) from None
    return replace(instance, steps=int(example.get(_STEPS, 0)))
