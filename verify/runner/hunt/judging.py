"""From float findings to what a unit saw: violations made exact and certified, undecided instances read again.

Main definitions: `judged`, `settled`, `Opened`, `violations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from verify.calculus.conditions import Condition, reduced
from verify.evaluation.batches import Batch, instantiate_condition
from verify.language.formulas import Formula
from verify.runner.assumed import Plain, assumptions
from verify.runner.candidates import weighed
from verify.runner.evidence import NOTHING, Evidence, Finding
from verify.runner.exact_findings import exactly, retry
from verify.runner.hunt.context import Context
from verify.runner.hunt.records import Candidate, Found, Seen
from verify.runner.profiles import Profile
from verify.runner.standings import Standings, standings
from verify.search.instances import ExactInstance

_TRIALS = 12


def judged(context: Context, evidence: Evidence, profile: Profile) -> Seen:
    """What a pass over float instances comes to."""
    late = None if evidence.violations else retry(evidence, context.formula, context.reader, profile)
    margin = None if context.seeks_witness else evidence.margin
    seen = Seen.of(evidence.counts(), margin=margin, reach=evidence.reaching.reach, stopped_early=evidence.stopped_early)
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
    plain: Plain

    def standings(self, batch: Batch) -> Standings:
        """What the instances are to the claim."""
        truths, ties, _ = assumptions(batch, self.given, self.plain)
        return standings(batch, self.conclusion, (truths, ties), self.plain)

    def seen(self, batch: Batch, found: Standings) -> Seen:
        """The counts of a batch.

        Optimization ends where both sides of a true bound agree: what is undecided there, or rests on assumptions that are
        themselves open, shows nothing. It is neither active nor held against the claim.
        """
        counts = found.counts(empty=self.plain.empty(batch))
        clear = found.active & ~found.unclear
        margins = found.then.margin[clear & np.isfinite(found.then.margin)]
        return Seen(
            n=counts.n,
            n_active=int(clear.sum()),
            n_forced=counts.n_forced,
            n_trivial=counts.n_trivial,
            n_without=counts.n_without,
            margin=float(margins.min()) if margins.size else None,
        )


def violations(batch: Batch, found: Standings) -> list[Finding]:
    """Instances that violate the claim in floating point."""
    places = [int(i) for i in np.flatnonzero(found.violated)]
    return [Finding(batch.at(i), batch.at(i), 0, float(found.then.margin[i])) for i in places]


def plain_of(formula: Formula) -> Plain:
    """The claim, to be read at plain instances."""
    return Plain(formula, [reduced(s, formula.process) for s in formula.given], _concluded(formula))


def opened(plain: Plain, batch: Batch) -> Opened:
    """The conditions that readers of the batch evaluate."""
    given = tuple(instantiate_condition(c, batch.functions) for c in plain.given)
    return Opened(given, instantiate_condition(plain.conclusion, batch.functions), plain)


def _concluded(formula: Formula) -> Condition:
    return NOTHING if formula.then is None else reduced(formula.then, formula.process)
