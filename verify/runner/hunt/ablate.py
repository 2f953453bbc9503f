"""Which hypotheses are used? Each is dropped in turn, and the weaker claim is hunted.

Main definitions: `ablations`, `Ablation`, `Finding`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from verify.kernel import Truth
from verify.language.formulas import Formula, Quantifier
from verify.language.statements import Statement
from verify.runner.exact_reading import ExactReader
from verify.runner.hunt.campaign import HuntResult, Options, Watch, hunt
from verify.runner.hunt.records import Found
from verify.runner.hunt.subject import Subject
from verify.runner.verdicts import Proved
from verify.search.recorded import recorded_instance


class Finding(Enum):
    """What a hunt without a hypothesis says about it."""

    NEEDED = "needed"
    FALSE_ALREADY = "the claim is false with it already"
    TRUE_ALREADY = "the claim is true with it already"
    PROVED_WITHOUT = "not needed (proved without it)"
    NOT_SEEN = "not seen to be needed"
    NOT_TESTED = "not tested (no instance without it)"
    STOPPED = "not tested (stopped)"


@dataclass(frozen=True)
class Ablation:
    """One hypothesis, the hunt without it (None if it was not begun), and what that says."""

    position: int
    hypothesis: Statement
    result: HuntResult | None
    finding: Finding


def ablations(subject: Subject, formula: Formula, options: Options, watch: Watch | None = None) -> Iterator[Ablation]:
    """Every hypothesis in turn, each with an equal share of the budget; after a stop by hand the others are not tested."""
    if not formula.given:
        return
    share = replace(options, budget=options.budget / len(formula.given))
    stopped = False
    for position, hypothesis in enumerate(formula.given):
        result = None if stopped else hunt(replace(subject, dropped=position), formula, share, watch)
        finding = Finding.STOPPED if result is None else _finding(result, hypothesis, formula)
        stopped = stopped or (result is not None and result.interrupted)
        yield Ablation(position, hypothesis, result, finding)


def _finding(result: HuntResult, hypothesis: Statement, formula: Formula) -> Finding:
    if result.found is not None:
        if not _meets(result.found, hypothesis, formula):
            return Finding.NEEDED
        # The instance satisfies all hypotheses: it says nothing about this one.
        return Finding.TRUE_ALREADY if formula.quantifier is Quantifier.EXISTS else Finding.FALSE_ALREADY
    if isinstance(result.payload, Proved):
        return Finding.PROVED_WITHOUT
    if result.interrupted:
        return Finding.STOPPED
    return Finding.NOT_SEEN if any(row.seen.n_active for row in result.tried) else Finding.NOT_TESTED


def _meets(found: Found, hypothesis: Statement, formula: Formula) -> bool:
    """Whether a hypothesis is true at the instance that was found without it, read exactly."""
    alone = replace(formula, given=(hypothesis,))
    instance = recorded_instance(found.certificate, alone)
    return instance is not None and all(t is Truth.TRUE for t in ExactReader(alone).read(instance).hypotheses)
