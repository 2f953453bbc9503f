"""Which hypotheses are used? Each is dropped in turn, and the weaker claim is hunted.

Main definitions: `ablations`, `Ablation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from verify.language.formulas import Formula
from verify.language.statements import Statement
from verify.runner.hunt.campaign import HuntResult, Options, Watch, hunt
from verify.runner.hunt.subject import Subject
from verify.runner.verdicts import Proved


@dataclass(frozen=True)
class Ablation:
    """One hypothesis and the hunt without it."""

    position: int
    hypothesis: Statement
    result: HuntResult

    @property
    def finding(self) -> str:
        """In words."""
        if self.result.found is not None:
            return "needed"
        if isinstance(self.result.payload, Proved):
            return "not needed (proved without it)"
        return "not seen to be needed"


def ablations(subject: Subject, formula: Formula, options: Options, watch: Watch | None = None) -> Iterator[Ablation]:
    """Every hypothesis in turn, each with an equal share of the budget; stops where it was stopped by hand."""
    if not formula.given:
        return
    share = replace(options, budget=options.budget / len(formula.given))
    for position, hypothesis in enumerate(formula.given):
        result = hunt(replace(subject, dropped=position), formula, share, watch)
        yield Ablation(position, hypothesis, result)
        if result.interrupted:
            return
