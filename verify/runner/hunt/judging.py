"""From float findings to what a unit saw: violations made exact and certified, undecided instances read again.

Main definitions: `judged`, `Opened`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verify.calculus.conditions import Condition, reduced
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import FALSE, TRUE, Decisions, decide
from verify.language.formulas import Formula
from verify.runner.assumed import decided_as_assumed, searched_for
from verify.runner.evidence import NOTHING, Evidence, Finding
from verify.runner.exact_findings import exactly, retry
from verify.runner.exact_reading import roundings, show_instance
from verify.runner.hunt.context import Context
from verify.runner.hunt.records import Candidate, Found, Seen
from verify.runner.profiles import Profile
from verify.search.instances import ExactInstance, from_batch

_TRIALS = 12


def judged(context: Context, evidence: Evidence, profile: Profile) -> Seen:
    """What a pass over float instances comes to."""
    found, candidate = settled(context, evidence.violations)
    if not evidence.violations:
        late = retry(evidence, context.formula, context.reader, profile)
        if late is not None and late.certificate["claim"] == context.stated.to_json():
            found = Found(late.certificate, late.counterexample, (late.counterexample,), late.comparison)
    margin = None if context.seeks_witness else evidence.margin
    active = evidence.n_active or evidence.n_forced
    return Seen(evidence.n, active, evidence.n_undecided, margin, found, candidate)


def settled(context: Context, violations: Sequence[Finding]) -> tuple[Found | None, Candidate | None]:
    """The first violation that can be certified, or the worst one as a candidate."""
    for finding in violations[:_TRIALS]:
        instance = exactly(finding, context.formula, context.reader)
        found = context.certified(instance) if isinstance(instance, ExactInstance) else None
        if found is not None:
            return found, None
    if not violations:
        return None, None
    worst = min(violations, key=lambda f: f.margin)
    try:
        rounded = from_batch(worst.instance, context.formula, roundings()[-3], worst.steps)
    except (ValueError, OverflowError):
        return None, None
    return None, Candidate(show_instance(rounded, context.formula), worst.margin)


@dataclass(frozen=True)
class Opened:
    """A formula's conditions with a batch's functions written in."""

    given: tuple[Condition, ...]
    conclusion: Condition
    solved: tuple[bool, ...]
    """Which assumptions are about points that are searched for."""

    def active(self, batch: Batch) -> tuple[np.ndarray, Decisions]:
        """Which instances meet every assumption, and the conclusion's reading."""
        (then,) = decide([self.conclusion], batch)
        assumed = decided_as_assumed(self.given, self.solved, batch)
        met = np.min([np.full(batch.count, TRUE), *(d.truth for d in assumed)], axis=0) == TRUE
        return met & ~then.trivial, then

    def violations(self, batch: Batch) -> list[Finding]:
        """Instances that violate the claim in floating point."""
        met, then = self.active(batch)
        places = [int(i) for i in np.flatnonzero(met & (then.truth == FALSE))]
        return [Finding(batch.at(i), batch.at(i), 0, float(then.margin[i])) for i in places]


def opened(formula: Formula, batch: Batch) -> Opened:
    """The conditions that readers of the batch evaluate."""
    given = tuple(instantiate_condition(reduced(s, formula.process), batch.functions) for s in formula.given)
    conclusion = NOTHING if formula.then is None else reduced(formula.then, formula.process)
    return Opened(given, instantiate_condition(conclusion, batch.functions), tuple(searched_for(formula)))
