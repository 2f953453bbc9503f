"""Strategies that optimize: over what the assumptions leave free, over constructed points, over everything together.

Main definitions: `against_points`, `against_free`, `against_all`, and when each applies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from verify.evaluation.batches import Batch
from verify.language.errors import NoSource
from verify.language.formulas import Formula
from verify.language.operations.functions import OperatorSymbol
from verify.language.statements import Curvature, RegularizedStationary, Stationary
from verify.language.terms import symbols_of
from verify.losses.taylor import data_name
from verify.points.sources.assumptions import enforce
from verify.points.sources.landscapes import second_order_batches
from verify.points.sources.sampling import random_batches
from verify.points.sources.second_order import Tally
from verify.points.sources.subjects import needs_landscape
from verify.runner.evidence import Finding
from verify.runner.hunt.context import Context
from verify.runner.hunt.judging import opened, plain_of, settled, violations
from verify.runner.hunt.records import Seen, Unit
from verify.runner.reaching import Reaching
from verify.search.adversary import Freedom, worsened
from verify.search.constructed import constructed_batches
from verify.search.worst_case import least_margin

_BATCHES = 4
_LOOKED_AT = 30
_POINTS = 40
_RESTARTS = 4
_STEPS = 40
_LARGEST_FREE = 4
_GROWTH = 1e3


def free_variables(formula: Formula) -> tuple[str, ...]:
    """Matrices and scalars that no assumption mentions: the conclusion's worst value in them is to be found."""
    bound = {name for s in formula.given for t in s.terms() for name in symbols_of(t)}
    concluded = set() if formula.then is None else {name for t in formula.then.terms() for name in symbols_of(t)}
    return tuple(n for n in (*formula.matrices(), *formula.scalars()) if n in concluded and n not in bound)


def has_free(formula: Formula) -> bool:
    """Whether there are points to hold on to and something else to move."""
    return formula.process is None and needs_landscape(formula) and bool(free_variables(formula))


def can_construct(formula: Formula) -> bool:
    """Whether the claim speaks of second-order points of one adapter, without X⋆ (which is constructed by synthesis)."""
    stationary = [s for s in formula.given if isinstance(s, Stationary)]
    curved = any(isinstance(s, Curvature) for s in formula.given)
    if _speaks_of_target(formula):
        return False
    one = len(stationary) == 1 and len(stationary[0].variables) == 2
    return formula.process is None and needs_landscape(formula) and one and not (curved and formula.functions())


def _speaks_of_target(formula: Formula) -> bool:
    return any(isinstance(s, RegularizedStationary) for s in formula.given)


def is_small(formula: Formula) -> bool:
    """Whether everything can be moved together: no training process, and no X⋆ (its definition is not smooth)."""
    return formula.process is None and not _speaks_of_target(formula) and bool(formula.matrices() or formula.scalars())


def against_points(context: Context, unit: Unit) -> Seen:
    """Constructed second-order points, then the worst of what is free there."""
    rng = context.rng(unit.strategy, unit.number)
    batches = constructed_batches(context.formula, context.conditions, rng)
    return _from_points(context, batches, rng)


def against_free(context: Context, unit: Unit) -> Seen:
    """Points that the finder reached, then the worst of what is free there."""
    rng = context.rng(unit.strategy, unit.number)
    batches = second_order_batches(context.formula, context.conditions, rng, int(rng.integers(2**31)), Tally())
    return _from_points(context, batches, rng)


def _from_points(context: Context, batches: Iterator[Batch], rng: np.random.Generator) -> Seen:
    formula = context.formula
    names = free_variables(formula)
    seen, violating, reaching = Seen(), list[Finding](), Reaching(formula)
    plain = plain_of(formula)
    useful = 0
    for batch in islice(batches, _LOOKED_AT):
        if not batch.count:
            continue
        conditions = opened(plain, batch)
        found = conditions.standings(batch)
        useful += int(found.active.any())
        there = batch.pick(np.flatnonzero(found.active))
        seen = seen.joined(conditions.seen(batch, found))
        reaching.note(batch, found.active)
        violating += violations(batch, found)
        if names and there.count:
            starts = _restarted(there.pick(np.repeat(np.arange(min(there.count, _POINTS)), _RESTARTS)), names, formula, rng)
            moved = least_margin(starts, conditions.conclusion, names, formula.scalars(), _STEPS)
            found = conditions.standings(moved)
            seen = seen.joined(conditions.seen(moved, found))
            reaching.note(moved, found.active)
            violating += violations(moved, found)
        if useful >= _BATCHES:
            break
    violating.sort(key=lambda f: f.size)
    return _concluded(context, replace(seen, reach=reaching.reach), violating)


def _restarted(batch: Batch, names: tuple[str, ...], formula: Formula, rng: np.random.Generator) -> Batch:
    """New random values for the free matrices."""
    matrices = [n for n in names if n in formula.matrices()]
    scale = rng.choice([0.3, 1.0, 2.0], (batch.count, 1, 1))
    return replace(batch, values={**batch.values, **{n: scale * rng.normal(size=batch.values[n].shape) for n in matrices}})


def against_all(context: Context, unit: Unit) -> Seen:
    """The most promising random instances, data and point moved together under the assumptions as constraints."""
    rng = context.rng(unit.strategy, unit.number)
    formula = context.formula
    landscape = needs_landscape(formula)
    seen, violating, reaching = Seen(), list[Finding](), Reaching(formula)
    plain = plain_of(formula)
    for batch in islice(_starts(context, rng), _BATCHES):
        conditions = opened(plain, batch)
        found = conditions.standings(batch)
        margins = np.where(np.isfinite(found.then.margin), found.then.margin, np.inf)
        order = np.argsort(margins + 10.0 * ~found.active, kind="stable")[:2]
        seen = seen.joined(conditions.seen(batch, found))
        reaching.note(batch, found.active)
        freedom = _everything(formula, batch)
        for index in order:
            moved = worsened(batch.at(index), conditions.given, conditions.conclusion, freedom, _STEPS)
            if moved is not None and not (landscape and _ran_off(batch.at(index), moved)):
                found = conditions.standings(moved)
                seen = seen.joined(conditions.seen(moved, found))
                violating += violations(moved, found)
    return _concluded(context, replace(seen, reach=reaching.reach), violating)


def _ran_off(start: Batch, moved: Batch) -> bool:
    """Whether data or point grew out of proportion: then a Hessian is semidefinite only next to its largest eigenvalue."""

    def size(batch: Batch) -> float:
        return max(float(np.abs(a).max(initial=0.0)) for a in [*batch.values.values(), *batch.operators.values()])

    return size(moved) > _GROWTH * (1.0 + size(start))


def _starts(context: Context, rng: np.random.Generator) -> Iterator[Batch]:
    """Random small instances, arranged where that is possible."""
    for raw in random_batches(context.formula, context.conditions, rng, 60):
        if max(raw.dims.values(), default=1) > _LARGEST_FREE:
            continue
        try:
            arranged = enforce(raw, context.formula, rng)
        except NoSource:
            arranged = None
        batch = raw if arranged is None or not arranged.batch.count else arranged.batch
        yield batch


def _everything(formula: Formula, batch: Batch) -> Freedom:
    names = [n for n in formula.matrices() if n in batch.values] + list(formula.scalars())
    operators = list(formula.operators().values())
    for name, function in formula.functions().items():
        names.append(data_name(name, "G"))
        bend = data_name(name, "H")
        if bend in batch.operators:
            operators.append(OperatorSymbol(bend, function.shape, function.shape, symmetric=True))
    return Freedom(tuple(names), tuple(operators), formula.scalars())


def _concluded(context: Context, seen: Seen, violating: list[Finding]) -> Seen:
    return settled(context, seen if not context.seeks_witness else replace(seen, margin=None), violating)
