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
from verify.evaluation.tolerances import TIGHT
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


def assumed_conditions(formula: Formula) -> list[Condition]:
    """The assumptions other than stationarity, conjunctions opened, in the terms of the start."""
    assumed = [at_start(s, formula.process) for s in formula.given if not isinstance(s, Stationary)]
    return conjuncts([reduced(s, formula.process) for s in assumed])


def movable_matrices(formula: Formula) -> list[str]:
    """The matrices that may be changed without leaving stationary points that were constructed."""
    held = _names_in([s for s in formula.given if isinstance(s, Stationary)])
    return [n for n in formula.matrices() if n not in held]


def enforce(batch: Batch, formula: Formula, rng: np.random.Generator, *, solve: bool = True, keep: bool = False) -> Arranged:
    """The batch changed so that the formula's assumptions hold where that can be arranged.

    Equalities that the structured families do not meet by themselves are solved for numerically if `solve`, else only the
    instances that meet them are kept (all, with `keep`).

    Raises:
        NoSource: if an assumption needs a source that does not exist.
    """
    conditions = assumed_conditions(formula)
    stationary = [s for s in formula.given if isinstance(s, Stationary)]
    for statement in stationary:
        batch = stationary_batch(batch, statement, formula, rng)
    for definition in definitions(conditions):
        batch = _carry_out(batch, definition)
    batch = with_singular_vectors(batch, formula)
    remaining = [c for c in conditions if isinstance(c, Comparison) and c.relation == "equal" and c.left.op != "dim"]
    opened = [c for c in (instantiate_condition(c, batch.functions) for c in remaining) if isinstance(c, Comparison)]
    if not opened or keep:
        return Arranged(batch, solved=False)
    met = np.flatnonzero(np.min([d.truth for d in decide(opened, batch)], axis=0) == TRUE)
    if met.size >= batch.count // 4 or not solve:
        return Arranged(batch.pick(met), solved=False)
    return Arranged(_repaired(batch, opened, formula), solved=True)


def _repaired(batch: Batch, opened: Sequence[Comparison], formula: Formula) -> Batch:
    """The equalities solved for the matrices, or for the scalars where no matrix enters them."""
    movable = movable_matrices(formula)
    entering = {name for c in opened for side in (c.left, c.right) for name in _names(side)}
    if entering & set(movable):
        return repair_equalities(batch, opened, movable)
    numbers = [n for n, domain in formula.scalars().items() if not domain.integer]
    return inside(repair_equalities(batch, opened, numbers), formula)


def inside(batch: Batch, formula: Formula) -> Batch:
    """The instances whose scalars lie in their domains, a rounding error aside at weak ends, which are taken then."""
    values, good = dict(batch.values), np.full(batch.count, True)
    for name, domain in formula.scalars().items():
        for end, below in ((domain.least, True), (domain.most, False)):
            if end is not None:
                at = float(end)
                near = np.abs(values[name] - at) <= TIGHT * max(abs(at), TIGHT)
                values[name] = np.where(near, at, values[name])
                good &= (values[name] >= at) if below else (values[name] <= at)
        good &= True if domain.above is None else values[name] > float(domain.above)
        good &= True if domain.below is None else values[name] < float(domain.below)
    return replace(batch, values=values).pick(np.flatnonzero(good))


def _names_in(statements: Sequence[Stationary]) -> set[str]:
    return {name for s in statements for name in symbols_of(s.loss)}


def _carry_out(batch: Batch, definition: Definition) -> Batch:
    term = instantiate(definition.value, batch.functions)
    with np.errstate(all="ignore"):
        (value,) = evaluate_terms([term], batch.environment(), FloatField())
    shape = (batch.count, *value.shape[value.ndim - len(term.shape) :])
    return replace(batch, values={**batch.values, definition.name: np.broadcast_to(value, shape).copy()})
