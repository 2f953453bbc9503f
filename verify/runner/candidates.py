"""What becomes of float violations that no exact certificate was found for: most often they are none.

Main definitions: `weighed`, `Weighed`, `dropped`, `judged`, `Readers`, `Fate`. A violation is a candidate only if it is still
there when its assumptions hold to fifty digits, if the exact reading of that point does not call the conclusion true, and if
the point as it is printed violates the claim as it is printed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from verify.evaluation.tolerances import LOOSE, TIGHT
from verify.kernel import Truth
from verify.language.formulas import Formula
from verify.language.numbers import significant
from verify.runner.evidence import Evidence, Finding
from verify.runner.exact_findings import has_steps
from verify.runner.exact_reading import ExactReader, show_instance
from verify.search.instances import ExactInstance, from_batch
from verify.search.polish import Polished, polished
from verify.search.precise import HOLDS, MET, PreciseReader, Reading

_LOOKED_AT = 12
"""Findings that are polished; beyond them only exact readings are made, and only if those called all of the others true."""
_RATE = 0.05
"""A violation that falls by more than the residual of the assumptions to this power goes to 0 with it."""
_PRINTED = (17, 25, 50)
"""Significant digits, the fewest that show the violation."""
_COARSE = 3
"""Significant digits of the numbers that a violation is tried with as well, so that less has to be printed."""
_WHOLE = 10**9
_SIGHT = 1e-13
"""Relative differences that a float computation may make out of nothing."""
_UNREAD = "were not read"


class Fate(Enum):
    """What a float violation is when it is looked at closely."""

    VIOLATES = "violates the claim"
    HOLDS = "hold when read exactly or with 50 digits"
    UNMET = "have assumptions that cannot be met to 50 digits"
    SHRINKS = "vanish as the assumptions are met better"
    UNCLEAR = "stay undecided with 50 digits"


@dataclass(frozen=True)
class Judged:
    """One finding's fate; with the point as it is printed and its relative margin where it is a violation."""

    fate: Fate
    shown: str = ""
    margin: float = 0.0


@dataclass(frozen=True)
class Readers:
    """The readings of one claim: exact, with fifty digits, and the latter with no finer sight than floats have."""

    formula: Formula
    exact: ExactReader
    precise: PreciseReader
    thick: PreciseReader

    @staticmethod
    def of(formula: Formula, reader: ExactReader) -> Readers:
        """Those of a claim."""
        return Readers(formula, reader, PreciseReader(formula), PreciseReader(formula, _SIGHT))


@dataclass
class Weighed:
    """What the float violations of one pass came to.

    Attributes:
        n: all of them.
        violation: the first that survived, if one did.
        fates: of those looked at, where none did.
    """

    n: int = 0
    violation: Judged | None = None
    fates: Counter[Fate] = field(default_factory=Counter)

    @property
    def n_open(self) -> int:
        """Those that nothing is known about: neither violations nor true."""
        return 0 if self.violation is not None else self.n - self.fates[Fate.HOLDS]

    @property
    def dropped(self) -> dict[str, int]:
        """What became of them, in words, with their numbers; nothing where one is a violation."""
        if self.violation is not None:
            return {}
        counts = {fate.value: self.fates[fate] for fate in Fate} | {_UNREAD: self.n - self.fates.total()}
        return {words: k for words, k in counts.items() if k}


def note_on(dropped: Mapping[str, int]) -> str:
    """What a verdict has to say about float violations that are none; empty where there is nothing."""
    parts = [f"{k:,} {words}" for words, k in dropped.items()]
    return f"of {sum(dropped.values()):,} float violations {', '.join(parts)}" if parts else ""


def weighed(findings: Sequence[Finding], n: int, formula: Formula, reader: ExactReader) -> Weighed:
    """The fates of float violations, up to the first that is one.

    Args:
        findings: those that were kept.
        n: how many there were.
        formula: the claim.
        reader: its exact reader.
    """
    found = Weighed(max(n, len(findings)))
    readers = Readers.of(formula, reader)
    chosen, others = _chosen(findings)
    for finding in chosen:
        verdict = judged(finding, readers)
        if verdict.fate is Fate.VIOLATES:
            return Weighed(found.n, verdict)
        found.fates[verdict.fate] += 1
    if found.fates[Fate.HOLDS] == len(chosen):
        found.fates[Fate.HOLDS] += sum(1 for f in others if _is_plainly_true(f, readers))
    return found


def _chosen(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Those to look at closely, half of them the first and half the worst, and the others."""
    first, rest = list(findings[: _LOOKED_AT // 2]), list(findings[_LOOKED_AT // 2 :])
    rest.sort(key=lambda f: f.margin)
    cut = _LOOKED_AT - len(first)
    return [*first, *rest[:cut]], rest[cut:]


def dropped(evidence: Evidence, looked_at: Weighed) -> None:
    """Count float violations that are none: what holds is no violation any more, the rest is undecided."""
    if looked_at.n and looked_at.violation is None:
        evidence.n_undecided += looked_at.n_open
        evidence.dropped.update(looked_at.dropped)
        evidence.margin = None if evidence.margin is None else max(evidence.margin, 0.0)


def judged(finding: Finding, readers: Readers) -> Judged:
    """One float violation looked at closely, at its own numbers; a violation also at simpler ones near them."""
    fine = _near(finding, readers.formula, None)
    if fine is None:
        return Judged(Fate.UNCLEAR)
    verdict = Judged(_holding(fine, readers)) if _is_true(finding, readers) else _polished(fine, readers)
    coarse = _near(finding, readers.formula, _COARSE) if verdict.fate is Fate.VIOLATES else None
    if coarse is None:
        return verdict
    simple = _polished(coarse, readers)
    return simple if simple.fate is Fate.VIOLATES else verdict


def _is_true(finding: Finding, readers: Readers) -> bool:
    """Whether the exact reading of that very point finds every assumption and the conclusion true."""
    if finding.steps and not has_steps(readers.formula):
        return False
    try:
        instance = from_batch(finding.start, readers.formula, Fraction, finding.steps)
    except (ValueError, OverflowError):
        return False
    decision = readers.exact.read(instance)
    return decision.conclusion is Truth.TRUE and all(t is Truth.TRUE for t in decision.hypotheses)


def _is_plainly_true(finding: Finding, readers: Readers) -> bool:
    near = _near(finding, readers.formula, None)
    return near is not None and _is_true(finding, readers) and _holding(near, readers) is Fate.HOLDS


def _holding(instance: ExactInstance, readers: Readers) -> Fate:
    """The fate of a point that satisfies the claim: unclear if only by a rank, or by sides that differ, below what floats see.

    Beside such a point there may well be one, with irrational data, that violates the claim.
    """
    reading = readers.thick.read(instance)
    if reading is None:
        return Fate.UNCLEAR
    return Fate.HOLDS if reading.violation.absolute == 0 or reading.violation.relative <= LOOSE else Fate.UNCLEAR


def _near(finding: Finding, formula: Formula, digits: int | None) -> ExactInstance | None:
    """The instance in decimal numbers: the shortest that are the floats, or few digits."""

    def rounding(value: float) -> Fraction:
        shortest = Fraction(repr(float(value)))
        return shortest if digits is None or _is_whole(shortest) else significant(shortest, digits)

    try:
        instance = from_batch(finding.start, formula, rounding, finding.steps)
    except (ValueError, OverflowError):
        return None
    inside = all(d.contains(instance.scalars[n]) for n, d in formula.scalars().items())
    return instance if inside else None


def _is_whole(value: Fraction) -> bool:
    return value.denominator == 1 and abs(value) < _WHOLE


def _polished(start: ExactInstance, readers: Readers) -> Judged:
    """What is left of a violation when the assumptions hold."""
    precise = readers.precise
    before = precise.read(start)
    point = polished(start, precise)
    after = None if point is None else precise.read(point.instance)
    if point is None or before is None or after is None:
        return Judged(Fate.UNCLEAR)
    if not after.meets(MET):
        return Judged(Fate.SHRINKS if _shrinks(before, after, point) else Fate.UNMET)
    if after.violation.relative <= HOLDS:
        return Judged(_holding(point.instance, readers))
    if _shrinks(before, after, point):
        return Judged(Fate.SHRINKS)
    if not after.violation.relative > LOOSE or readers.exact.concludes(point.instance) is Truth.TRUE:
        return Judged(Fate.UNCLEAR)
    printed = _printed(point.instance, after, precise)
    if printed is None:
        return Judged(Fate.UNCLEAR)
    shown = show_instance(printed, readers.formula, longest=10**9)
    return Judged(Fate.VIOLATES, shown, -after.violation.relative)


def _shrinks(before: Reading, after: Reading, point: Polished) -> bool:
    """Whether the violation falls with the residual of the assumptions: then it is 0 where they hold."""
    first, last = before.violation.absolute, after.violation.absolute
    if not (first > 0 and last > 0 and 0 < point.before < math.inf) or point.after >= point.before:
        return False
    decades = math.log10(point.before / max(point.after, 1e-70))
    fallen = math.log10(float(first / last))
    return fallen > max(1.0, _RATE * decades)


def _printed(instance: ExactInstance, reading: Reading, precise: PreciseReader) -> ExactInstance | None:
    """The instance with the fewest digits at which it still violates the claim; this is what is shown and read again."""
    batch = precise.batch(instance)
    for digits in _PRINTED:
        shorter = precise.instance(batch, instance, digits)
        again = precise.read(shorter)
        if again is None or not again.meets(TIGHT / 10) or not again.violation.relative > LOOSE:
            continue
        if again.violation.absolute >= reading.violation.absolute / 2:
            return shorter
    return None
