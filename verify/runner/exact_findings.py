"""Float findings read exactly: violations made rational, and instances that the floats could not decide read again.

Main definitions: `exactly`, `refutation`, `retry`.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from verify.evaluation.tolerances import LOOSE
from verify.kernel import Decision, Truth
from verify.language.formulas import Formula
from verify.runner.evidence import Evidence, Finding
from verify.runner.exact_reading import OUTSIDE, ExactReader, roundings, show_instance
from verify.runner.profiles import Profile
from verify.runner.verdicts import Coverage, Refuted
from verify.search.instances import ExactInstance, from_batch

_TIES = 6
"""Ties that are tried in simple rational numbers."""


class Inexact(Enum):
    """Why no rational counterexample was found near a float one."""

    NOT_FOUND = "no rounding violates the claim"
    IRRATIONAL = "an assumption holds up to rounding and stays undecided: its values are irrational"


def exactly(finding: Finding, formula: Formula, reader: ExactReader) -> ExactInstance | Inexact:
    """A rational counterexample near a float one: coarse numbers first."""
    for coarse, rounding in enumerate(roundings()):
        try:
            rounded = from_batch(finding.start, formula, rounding, finding.steps)
        except (ValueError, OverflowError):
            return Inexact.NOT_FOUND
        for steps in sorted({0, finding.steps}) if has_steps(formula) else (0,):
            arranged = reader.enforce(replace(rounded, steps=steps))
            if arranged is None:
                continue
            decision = reader.read(arranged)
            if reader.settles(decision):
                return arranged
            if coarse and decision is not OUTSIDE and any(t is Truth.UNDECIDED for t in decision.hypotheses):
                # Finer numbers leave it undecided too, and each such reading works with the longest numbers.
                return reader.violating_near(finding.start) or Inexact.IRRATIONAL
    return reader.violating_near(finding.start) or Inexact.NOT_FOUND


def has_steps(formula: Formula) -> bool:
    """Descent can be replayed exactly; of a flow only the start can."""
    return formula.process is not None and formula.process.step is not None


def refutation(
    instance: ExactInstance, formula: Formula, reader: ExactReader, coverage: Coverage, profile: Profile
) -> Refuted | None:
    """The verdict that an exact counterexample gives, shrunk, if the kernel accepts its certificate."""
    certified = reader.certify(instance, profile.shrink_tests)
    if certified is None:
        return None
    small, certificate, decision = certified
    return Refuted(show_instance(small, formula), decision.comparison, certificate, coverage)


def retry(evidence: Evidence, formula: Formula, reader: ExactReader, profile: Profile) -> Refuted | None:
    """Read undecided instances exactly; those that get an answer are no longer undecided.

    A tie, both sides of the conclusion (or of a strict assumption) equal up to rounding, is first tried in simple numbers:
    there `<` may fail (or hold) exactly.
    """
    for finding in [*[f for f in evidence.undecided if _is_tie(f)][:_TIES], *evidence.ties[:_TIES]]:
        simple = exactly(finding, formula, reader)
        refuted = (
            refutation(simple, formula, reader, evidence.coverage(), profile) if isinstance(simple, ExactInstance) else None
        )
        if refuted is not None:
            return refuted
    settled = 0
    for finding in evidence.undecided[: profile.retries]:
        try:
            exact = from_batch(finding.start, formula, roundings()[-1], finding.steps if has_steps(formula) else 0)
        except (ValueError, OverflowError):
            continue
        arranged = reader.enforce(exact)
        if arranged is None:
            continue
        # An assumption that the floats held true, met only up to rounding, is exactly false: that settles nothing.
        if finding.unclear and reader.excludes(arranged, finding.unclear):
            settled += 1
            continue
        decision = reader.read(arranged)
        if reader.settles(decision):
            refuted = refutation(arranged, formula, reader, evidence.coverage(), profile)
            if refuted is not None:
                return refuted
        settled += int(decision.conclusion is Truth.TRUE and (not _is_tie(finding) or _is_met(decision)))
    if settled and settled == len(evidence.undecided[: profile.retries]):
        # Every retried one was settled as true; those beyond the retry budget stay undecided and are counted.
        evidence.n_undecided = max(0, evidence.n_undecided - settled)
    else:
        evidence.n_undecided = max(evidence.n_undecided - settled, 1 if evidence.n_undecided else 0)
    return _without_values(evidence, formula, reader, profile)


def _without_values(evidence: Evidence, formula: Formula, reader: ExactReader, profile: Profile) -> Refuted | None:
    """Read instances exactly at which a side has no float value; unless it has none at all they count as undecided."""
    open_ = 0
    for finding in evidence.without[: profile.retries // 2]:
        try:
            exact = from_batch(finding.start, formula, roundings()[-1], finding.steps if has_steps(formula) else 0)
        except (ValueError, OverflowError):
            open_ += 1
            continue
        arranged = reader.enforce(exact)
        decision = None if arranged is None else reader.read(arranged)
        if arranged is not None and decision is not None and reader.settles(decision):
            refuted = refutation(arranged, formula, reader, evidence.coverage(), profile)
            if refuted is not None:
                return refuted
        open_ += int(decision is None or not (decision.conclusion is Truth.TRUE or is_outside(decision)))
    if open_:
        evidence.n_undecided += evidence.n_without
        evidence.n_without = 0
    return None


def is_outside(decision: Decision) -> bool:
    """Whether a side of the conclusion has no value at all: the instance is none of the claim's."""
    return decision.comparison is not None and decision.comparison[1] == "outside"


def _is_tie(finding: Finding) -> bool:
    """Whether the conclusion's margin is within what the assumptions may be off: its sign means nothing then."""
    return abs(finding.margin) <= LOOSE / 10


def _is_met(decision: Decision) -> bool:
    return all(t is Truth.TRUE for t in decision.hypotheses)
