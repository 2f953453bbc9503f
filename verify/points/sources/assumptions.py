"""Making instances meet assumptions: definitions are solved, stationarity is constructed, other equalities are repaired.

Main definitions: `enforce`. Steps, in order: an assumption `Y = expression` sets Y; `fosp()` for an opaque f chooses a balanced
pair and then f's gradient (theory §2, SVD form); remaining equalities are met by Gauss–Newton on the matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from verify.calculus.conditions import Condition, at_start, conjuncts, reduced
from verify.evaluation.batches import Batch, instantiate, instantiate_condition
from verify.evaluation.decide import TRUE, decide
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.formulas import Formula
from verify.language.statements import Comparison, Stationary
from verify.language.terms import Term, symbols_of
from verify.points.sources.repair import repair_equalities
from verify.points.sources.singular import with_singular_vectors
from verify.points.sources.stationary import stationary_batch


@dataclass(frozen=True)
class Definition:
    """An assumption `name = expression` that can simply be carried out."""

    name: str
    value: Term


def definitions(conditions: Sequence[Condition]) -> list[Definition]:
    """Assumptions that define a variable by others, in an order in which they can be carried out."""
    found: list[Definition] = []
    taken: set[str] = set()
    for condition in conditions:
        if not isinstance(condition, Comparison) or condition.relation != "equal":
            continue
        for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
            if side.op == "sym" and side.payload[0] not in taken and not (_names(other) & (taken | {side.payload[0]})):
                found.append(Definition(side.payload[0], other))
                taken.add(side.payload[0])
                break
    return found


def _names(term: Term) -> set[str]:
    return set(symbols_of(term))


@dataclass(frozen=True)
class Arranged:
    """A batch whose assumptions were arranged; `solved` if a numerical solve was needed for each instance."""

    batch: Batch
    solved: bool


def enforce(batch: Batch, formula: Formula, rng: np.random.Generator, *, solve: bool = True) -> Arranged:
    """The batch changed so that the formula's assumptions hold where that can be arranged.

    Equalities that the structured families do not meet by themselves are solved for numerically if `solve`, else only the
    instances that meet them are kept.

    Raises:
        NoSource: if an assumption needs a source that does not exist.
    """
    assumed = [at_start(s, formula.process) for s in formula.given if not isinstance(s, Stationary)]
    conditions = conjuncts([reduced(s, formula.process) for s in assumed])
    stationary = [s for s in formula.given if isinstance(s, Stationary)]
    for statement in stationary:
        batch = stationary_batch(batch, statement, formula, rng)
    for definition in definitions(conditions):
        batch = _carry_out(batch, definition)
    batch = with_singular_vectors(batch, formula)
    remaining = [c for c in conditions if isinstance(c, Comparison) and c.relation == "equal" and c.left.op != "dim"]
    opened = [c for c in (instantiate_condition(c, batch.functions) for c in remaining) if isinstance(c, Comparison)]
    if not opened:
        return Arranged(batch, solved=False)
    met = np.flatnonzero(np.min([d.truth for d in decide(opened, batch)], axis=0) == TRUE)
    if met.size >= batch.count // 4 or not solve:
        return Arranged(batch.pick(met), solved=False)
    movable = [n for n in formula.matrices() if not (stationary and n in _names_in(stationary))]
    return Arranged(repair_equalities(batch, opened, movable), solved=True)


def _names_in(statements: Sequence[Stationary]) -> set[str]:
    return {name for s in statements for name in symbols_of(s.loss)}


def _carry_out(batch: Batch, definition: Definition) -> Batch:
    term = instantiate(definition.value, batch.functions)
    with np.errstate(all="ignore"):
        (value,) = evaluate_terms([term], batch.environment(), FloatField())
    shape = (batch.count, *value.shape[value.ndim - len(term.shape) :])
    return replace(batch, values={**batch.values, definition.name: np.broadcast_to(value, shape).copy()})
