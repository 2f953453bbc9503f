"""How far a synthesized instance is from violating a claim.

Main definitions: `ClaimReader`, `Reading`, `Tally`. Stationarity and the definition of X⋆ hold by construction, and are not
read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.calculus.conditions import (
    AllOf,
    Condition,
    CurvatureBounds,
    HessianSemidefinite,
    comparisons_in,
    conjuncts,
    reduced,
)
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import TRUE, decide
from verify.language.statements import Comparison
from verify.language.terms import Term, walk
from verify.search.synthesis.binding import Roles
from verify.search.synthesis.points import Number
from verify.search.synthesis.search import INFEASIBLE

Array = Any
_WEIGHT = 4.0
"""What an assumption's margin counts compared with the conclusion's."""
_SOLVER = 1e-6
"""Relative accuracy up to which equalities and curvature bounds are met by a float solution."""


@dataclass
class Tally:
    """How many spurious second-order points a search looked at, and at how many of them every assumption held."""

    n: int = 0
    n_active: int = 0

    def count(self, reading: Reading) -> None:
        """One more."""
        self.n += 1
        self.n_active += int(reading.broken == 0 and all(m > 0 for m in reading.margins))


@dataclass(frozen=True)
class Reading:
    """A claim's margins at one instance.

    Attributes:
        broken: how badly assumptions fail that are no inequalities with room; 0 if all hold, infinite if values are undefined.
        margins: of the other assumptions, relative; positive ones hold.
        conclusion: the conclusion's margin, negative if it is violated; −1 for an `exists` claim.
    """

    broken: float
    margins: tuple[float, ...] = ()
    conclusion: float = -1.0

    def with_margin(self, margin: float) -> Reading:
        """One more assumption."""
        return replace(self, margins=(*self.margins, margin))

    @property
    def score(self) -> float:
        """Negative for a violation with every assumption met with room."""
        if self.broken:
            return min(INFEASIBLE, 1 + self.broken)
        return max([self.conclusion, *(-m for m in self.margins)])

    def distance(self, clear: float) -> float:
        """The sum of what is missing to a violation by `clear`, assumptions weighted more; negative if nothing is."""
        if self.broken:
            return min(INFEASIBLE, 10 + self.broken)
        missing = max(0.0, self.conclusion + clear) + _WEIGHT * sum(max(0.0, clear - m) for m in self.margins)
        return missing if missing > 0 else -1.0


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
        open_ = [c for c, firm in zip(given, self.firm, strict=True) if not firm]
        names = {roles.function.name} | ({roles.target.witness.payload[0]} if roles.target is not None else set())
        read = comparisons_in(AllOf((*open_, *([] if formula.then is None else [reduced(formula.then)]))))
        self.speaks_of_loss = any(_variables(c.left, c.right) & names for c in read)
        sized = {roles.function.name, *formula.matrices()}
        self.compares_with_numbers = any(bool(_variables(c.left) & sized) != bool(_variables(c.right) & sized) for c in read)
        open_ = [c for c, firm in zip(given, self.firm, strict=True) if not firm]
        names = {roles.function.name} | ({roles.target.witness.payload[0]} if roles.target is not None else set())
        read = comparisons_in(AllOf((*open_, *([] if formula.then is None else [reduced(formula.then)]))))
        self.speaks_of_loss = any(_variables(c.left, c.right) & names for c in read)
        sized = {roles.function.name, *formula.matrices()}
        self.compares_with_numbers = any(bool(_variables(c.left) & sized) != bool(_variables(c.right) & sized) for c in read)
        self.mentions_sizes = any(not firm and isinstance(c, Comparison) for c, firm in zip(given, self.firm, strict=True))

    def pressures(self, batch: Batch, clear: float) -> Array:
        """How far each instance of a batch is from a clear violation, without a floor, `(count,)`."""
        conditions: list[Condition] = [*self.given, *([] if self.then is None else [self.then])]
        decisions = decide(conditions, batch)
        total = np.zeros(batch.count) if self.then is None else np.array(decisions[-1].margin)
        for firm, decision in zip(self.firm, decisions, strict=False):
            if not firm:
                total = total + _WEIGHT * np.maximum(0.0, clear - decision.margin)
        return total

    def read(self, batch: Batch) -> Reading:
        """The margins at the first instance of a batch."""
        conditions: list[Condition] = [*self.given, *([] if self.then is None else [self.then])]
        decisions = decide(conditions, batch)
        margins, broken = [], 0.0
        for firm, condition, decision in zip(self.firm, self.given, decisions, strict=False):
            margin = float(decision.margin[0])
            if np.isnan(margin):
                return Reading(np.inf)
            if not firm:
                margins.append(margin)
            elif decision.truth[0] != TRUE and not (margin >= -_SOLVER and _is_closed(condition)):
                broken += 1 + min(abs(margin), 1.0)
        if self.then is None:
            return Reading(broken, tuple(margins))
        conclusion = float(decisions[-1].margin[0])
        if np.isnan(conclusion) or decisions[-1].trivial[0]:
            return Reading(np.inf)
        return Reading(broken, tuple(margins), conclusion)

    def allows(self, dims: Mapping[str, int], scalars: Mapping[str, Number]) -> bool:
        """Whether the assumptions about nothing but the loss' scalars and sizes hold."""
        names = set(scalars)
        about = [c for c in self.given if isinstance(c, Comparison) and _variables(c.left, c.right) <= names]
        batch = Batch(dims, {k: np.array([float(v)]) for k, v in scalars.items()}, count=1)
        return all(d.truth[0] == TRUE for d in decide(about, batch))

    def met(self, batch: Batch) -> bool:
        """Whether those assumptions hold that depend on sizes, ranks and the loss' scalars only."""
        fixed = [c for c, firm in zip(self.given, self.firm, strict=True) if firm and isinstance(c, Comparison)]
        fixed = [c for c in fixed if c.relation != "equal" or not (_moving(c.left) | _moving(c.right))]
        return all(d.truth[0] == TRUE for d in decide(fixed, batch))


def _is_firm(condition: Condition, fixed: set[str]) -> bool:
    """Whether a condition is no inequality that can be met with room: equalities, curvature, ranks and sizes."""
    if not isinstance(condition, Comparison):
        return isinstance(condition, CurvatureBounds | HessianSemidefinite)
    return condition.relation in ("equal", "distinct") or not (_moving(condition.left) | _moving(condition.right)) - fixed


def _is_closed(condition: Condition) -> bool:
    """Whether a tiny violation in floats may be rounding."""
    return not isinstance(condition, Comparison) or condition.relation in ("equal", "le")


def _variables(*terms: Term) -> set[str]:
    """All variables and functions of some terms."""
    nodes = [n for term in terms for n in walk(term)]
    functions = {n.payload[0].name for n in nodes if n.op in ("smooth", "smoothgrad")}
    return {n.payload[0] for n in nodes if n.op == "sym"} | functions


def _moving(term: Term) -> set[str]:
    """The variables that occur outside of ranks."""
    if term.op == "rank":
        return set()
    if term.op == "sym":
        return {term.payload[0]}
    names = {n.payload[0].name for n in (term,) if n.op in ("smooth", "smoothgrad")}
    return names.union(*(_moving(a) for a in term.args))
