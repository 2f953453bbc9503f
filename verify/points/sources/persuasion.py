"""More instances for claims whose assumptions random data hardly ever meet: inequalities are met by rescaling, in a search.

Main definitions: `persuaded_batches`. Everything is moved that the assumptions mention, scalars included: equalities are solved
for, then data are rescaled at random, one variable or several at a time, wherever that makes more assumptions true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import FALSE, TRUE, decide
from verify.language.formulas import Formula
from verify.language.statements import Comparison
from verify.points.sources.assumptions import assumed_conditions, enforce, inside, movable_matrices
from verify.points.sources.repair import repair_equalities
from verify.points.sources.sampling import random_batches

Array = Any
Generator = np.random.Generator
_ROUNDS = 3
_TRIES = 12
_SIZE = 48
_MESH = 0.5
_GRID = tuple(sign * _MESH * k for k in range(1, 13) for sign in (-1, 1))
"""Powers of ten by which variables are scaled, the nearest first."""
_BISECTIONS = 25


def persuaded_batches(formula: Formula, flat: Sequence[Condition], rng: Generator) -> Iterator[Batch]:
    """Endless batches of instances, moved until they meet as many of the assumptions as possible.

    Raises:
        NoSource: if an assumption needs a source that does not exist.
    """
    for raw in random_batches(formula, flat, rng, _SIZE):
        batch = enforce(raw, formula, rng, solve=False, keep=True).batch
        opened = [instantiate_condition(c, batch.functions) for c in assumed_conditions(formula)]
        for _ in range(_ROUNDS):
            batch = _solved(batch, opened, formula)
            if not batch.count:
                break
            batch = _slid(_rescaled(batch, opened, formula, rng), opened, formula, rng)
        yield _solved(batch, opened, formula) if batch.count else batch


def _solved(batch: Batch, opened: Sequence[Condition], formula: Formula) -> Batch:
    """All equalities solved for the matrices and scalars together, where they do not hold."""
    equalities = [c for c in opened if isinstance(c, Comparison) and c.relation == "equal" and c.left.op != "dim"]
    if not equalities or _met(equalities, batch).all():
        return batch
    numbers = [n for n, domain in formula.scalars().items() if not domain.integer]
    return inside(repair_equalities(batch, equalities, [*movable_matrices(formula), *numbers]), formula)


def _met(conditions: Sequence[Condition], batch: Batch) -> Array:
    return np.min([d.truth for d in decide(conditions, batch)], axis=0) == TRUE


def _rescaled(batch: Batch, opened: Sequence[Condition], formula: Formula, rng: Generator) -> Batch:
    """Random rescalings, each kept where it makes fewer assumptions other than equalities false."""
    others = _inequalities(opened)
    if not others:
        return batch
    missed = _missed(others, batch)
    for _ in range(_TRIES):
        if not missed.any():
            break
        moved = _scaled(batch, formula, rng)
        now = _missed(others, moved)
        better = (now < missed) & _within(moved, formula)
        missed = np.where(better, now, missed)
        batch = replace(batch, values={n: _chosen(better, moved.values[n], v) for n, v in batch.values.items()})
    return batch


def _inequalities(opened: Sequence[Condition]) -> list[Condition]:
    return [c for c in opened if not (isinstance(c, Comparison) and c.relation == "equal")]


def _slid(batch: Batch, opened: Sequence[Condition], formula: Formula, rng: Generator) -> Batch:
    """Some variables scaled together until an inequality that is missed is met by a narrow margin, each in turn."""
    others = _inequalities(opened)
    for condition in others:
        missed = _missed(others, batch)
        if not missed.any():
            break
        names = _scalable(formula)
        chosen = {n: bool(rng.random() < 0.5) for n in names} if rng.random() < 0.5 else dict.fromkeys(names, True)
        wanted = 10.0 ** rng.uniform(-5, -2, batch.count)
        moved = _by(batch, [n for n in names if chosen[n]], _crossing(batch, condition, chosen, wanted))
        better = (_missed(others, moved) < missed) & _within(moved, formula)
        batch = replace(batch, values={n: _chosen(better, moved.values[n], v) for n, v in batch.values.items()})
    return batch


def _crossing(batch: Batch, condition: Condition, chosen: dict[str, bool], wanted: Array) -> Array:
    """The factor, nearest to 1 on a coarse grid and then bisected, at which a condition's margin passes the wanted one."""
    names = [n for n, moves in chosen.items() if moves]

    def above(exponent: Array) -> Array:
        (decision,) = decide([condition], _by(batch, names, 10.0**exponent))
        return np.asarray(decision.margin >= wanted)

    inside, outside = np.zeros(batch.count), np.zeros(batch.count)
    found = above(inside)
    for exponent in _GRID:
        trial = np.full(batch.count, exponent)
        new = ~found & above(trial)
        inside, outside = np.where(new, exponent, inside), np.where(new, exponent - np.sign(exponent) * _MESH, outside)
        found |= new
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        good = above(middle)
        inside, outside = np.where(good, middle, inside), np.where(good, outside, middle)
    return 10.0**inside


def _by(batch: Batch, names: Sequence[str], factor: Array) -> Batch:
    scaled = {n: batch.values[n] * factor.reshape(-1, *[1] * (batch.values[n].ndim - 1)) for n in names}
    return replace(batch, values={**batch.values, **scaled})


def _scalable(formula: Formula) -> list[str]:
    return [*movable_matrices(formula), *(n for n, domain in formula.scalars().items() if not domain.integer)]


def _missed(conditions: Sequence[Condition], batch: Batch) -> Array:
    return np.sum([(d.truth != TRUE) + 1.0 * (d.truth == FALSE) for d in decide(conditions, batch)], axis=0)


def _scaled(batch: Batch, formula: Formula, rng: Generator) -> Batch:
    """Every variable multiplied, with chance one half, by a factor between 1/1000 and 1000; sometimes by a negative one."""
    values = dict(batch.values)
    for name in _scalable(formula):
        factor = 10.0 ** rng.uniform(-3, 3, batch.count) * rng.choice([1.0, 1.0, 1.0, -1.0], batch.count)
        factor = np.where(rng.random(batch.count) < 0.5, factor, 1.0)
        values[name] = values[name] * factor.reshape(-1, *[1] * (values[name].ndim - 1))
    return replace(batch, values=values)


def _chosen(mask: Array, new: Array, old: Array) -> Array:
    return np.where(mask.reshape(-1, *[1] * (old.ndim - 1)), new, old)


def _within(batch: Batch, formula: Formula) -> Array:
    """Whether all scalars lie in their domains."""
    good = np.full(batch.count, True)
    for name, domain in formula.scalars().items():
        value = batch.values[name]
        good &= True if domain.above is None else value > float(domain.above)
        good &= True if domain.least is None else value >= float(domain.least)
        good &= True if domain.below is None else value < float(domain.below)
        good &= True if domain.most is None else value <= float(domain.most)
    return good
