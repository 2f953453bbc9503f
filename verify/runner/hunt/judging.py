"""From float findings to what a unit saw: violations made exact and certified, undecided instances read again.

Main definitions: `judged`, `settled`, `Opened`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from verify.calculus.conditions import Condition, reduced
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import FALSE, TRUE, Decisions, decide
from verify.language.formulas import Formula
from verify.runner.assumed import decided_as_assumed, searched_for
from verify.runner.candidates import weighed
from verify.runner.evidence import NOTHING, Evidence, Finding
from verify.runner.exact_findings import exactly, retry
from verify.runner.hunt.context import Context
from verify.runner.hunt.records import Candidate, Found, Seen
from verify.runner.profiles import Profile
from verify.search.instances import ExactInstance

_TRIALS = 12


def judged(context: Context, evidence: Evidence, profile: Profile) -> Seen:
    """What a pass over float instances comes to."""
    late = None if evidence.violations else retry(evidence, context.formula, context.reader, profile)
    margin = None if context.seeks_witness else evidence.margin
    seen = Seen(evidence.n, evidence.n_active or evidence.n_forced, evidence.n_undecided, margin, reach=evidence.reaching.reach)
    if late is not None and late.certificate["claim"] == context.stated.to_json():
        found = Found(late.certificate, late.counterexample, (late.counterexample,), late.comparison)
        return replace(seen, found=found)
    return settled(context, seen, evidence.violations, evidence.n_violations)


def settled(context: Context, seen: Seen, violations: Sequence[Finding], n: int = 0) -> Seen:
    """With the first violation that can be certified, or one that stays a violation when it is looked at closely.

    Args:
        context: the claim's.
        seen: what was seen up to here.
        violations: those that were kept.
        n: how many there were.
    """
    for finding in violations[:_TRIALS]:
        instance = exactly(finding, context.formula, context.reader)
        found = context.certified(instance) if isinstance(instance, ExactInstance) else None
        if found is not None:
            return replace(seen, found=found)
    if not violations or context.seeks_witness:
        return seen
    worst_first = sorted(violations, key=lambda f: f.margin)
    looked_at = weighed(worst_first, n, context.formula, context.reader)
    if looked_at.violation is not None:
        return replace(seen, candidate=Candidate(looked_at.violation.shown, looked_at.violation.margin))
    margin = None if seen.margin is None else max(seen.margin, 0.0)
    return replace(seen, n_undecided=seen.n_undecided + looked_at.n_open, margin=margin, dropped=looked_at.dropped)


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
