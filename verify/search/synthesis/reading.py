"""How far a synthesized instance is from violating a claim: one number, negative for a violation.

Main definitions: `ClaimReader`. Stationarity and the definition of X⋆ hold by construction and are not read again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.calculus.conditions import Condition, CurvatureBounds, HessianSemidefinite, conjuncts, reduced
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import TRUE, decide
from verify.language.statements import Comparison
from verify.language.terms import Term
from verify.search.synthesis.binding import Roles
from verify.search.synthesis.search import INFEASIBLE

Array = Any
_SOLVER = 1e-6
"""Relative accuracy up to which equalities and curvature bounds are met by a float solution."""


class ClaimReader:
    """Reads one claim at synthesized instances."""

    def __init__(self, roles: Roles) -> None:
        formula = roles.formula
        built = [roles.stationary, roles.target]
        functions = {roles.function.name: roles.model}
        given = conjuncts([reduced(s) for s in formula.given if s not in built])
        self.given = [instantiate_condition(c, functions) for c in given]
        self.then = None if formula.then is None else instantiate_condition(reduced(formula.then), functions)
        self.firm = [_is_firm(c, set(roles.loss_scalars)) for c in given]
        self.mentions_sizes = any(not firm and isinstance(c, Comparison) for c, firm in zip(given, self.firm, strict=True))

    def score(self, batch: Batch) -> float:
        """The worst of the conclusion's margin and of the assumptions' margins with opposite sign; more than 1 if an assumption
        that no small change can meet fails.
        """
        conditions: list[Condition] = [*self.given, *([] if self.then is None else [self.then])]
        decisions = decide(conditions, batch)
        worst, broken = -1.0, 0.0
        for firm, condition, decision in zip(self.firm, self.given, decisions, strict=False):
            margin = float(decision.margin[0])
            if np.isnan(margin):
                return INFEASIBLE
            if not firm:
                worst = max(worst, -margin)
            elif decision.truth[0] != TRUE and not (margin >= -_SOLVER and _is_closed(condition)):
                broken += 1 + min(abs(margin), 1.0)
        if broken:
            return 1 + broken
        if self.then is None:
            return worst
        conclusion = decisions[-1]
        margin = float(conclusion.margin[0])
        return INFEASIBLE if np.isnan(margin) or conclusion.trivial[0] else max(worst, margin)

    def met(self, batch: Batch) -> bool:
        """Whether those assumptions hold that depend on sizes, ranks and the loss' scalars only."""
        fixed = [c for c, firm in zip(self.given, self.firm, strict=True) if firm and isinstance(c, Comparison)]
        fixed = [c for c in fixed if c.relation != "equal" or _is_whole(c)]
        return all(d.truth[0] == TRUE for d in decide(fixed, batch))


def _is_firm(condition: Condition, fixed: set[str]) -> bool:
    """Whether a condition is no inequality that can be met with room: equalities, curvature, ranks and sizes."""
    if not isinstance(condition, Comparison):
        return isinstance(condition, CurvatureBounds | HessianSemidefinite)
    return condition.relation in ("equal", "distinct") or not (_moving(condition.left) | _moving(condition.right)) - fixed


def _is_closed(condition: Condition) -> bool:
    """Whether a tiny violation in floats may be rounding."""
    return not isinstance(condition, Comparison) or condition.relation in ("equal", "le")


def _is_whole(condition: Comparison) -> bool:
    return not (_moving(condition.left) | _moving(condition.right))


def _moving(term: Term) -> set[str]:
    """The variables that occur outside of ranks."""
    if term.op == "rank":
        return set()
    if term.op == "sym":
        return {term.payload[0]}
    names = {n.payload[0].name for n in (term,) if n.op in ("smooth", "smoothgrad")}
    return names.union(*(_moving(a) for a in term.args))
