"""Batched three-valued decisions in floating point.

Main definitions: `Decisions`, `decide`, `Bare`. Every comparison is decided at two tolerances relative to its error scale;
where they disagree, or a value is not a number, the instance is undecided. A NaN can never pass: only `x <= tol` tests are
used, which are false for NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from verify.calculus.conditions import (
    AllOf,
    AnyOf,
    Condition,
    CurvatureBounds,
    HessianSemidefinite,
    comparisons_in,
)
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.hessians import hessian_matrix, hessian_of_function, is_quadratic
from verify.evaluation.interpret import value_of_node
from verify.evaluation.scales import magnitudes, norm, summands, swallowed, swallows, with_scales
from verify.evaluation.tolerances import LOOSE, TIGHT
from verify.evaluation.zeros import ROUNDING
from verify.language.statements import Comparison
from verify.language.terms import Term

Array = Any
TRUE, UNDECIDED, FALSE = 1, 0, -1


@dataclass(frozen=True)
class Decisions:
    """Truth (1 true, 0 undecided, −1 false) and signed relative margin (negative: violated) for each instance.

    `trivial` marks comparisons of zero with zero; `noise` those of what is 0 up to rounding with the same, unless an equality
    says that something is 0 that need not be (see `Bare`).
    """

    truth: Array
    margin: Array
    trivial: Array
    noise: Array


class Bare(Enum):
    """How many sides of a comparison are 0 at all instances of some sizes, whether they meet the assumptions or not."""

    NEITHER = 0
    ONE = 1
    BOTH = 2


def bare_sides(condition: Condition, batch: Batch) -> list[Bare]:
    """The comparisons inside a condition, in order, read at instances that need not meet any assumption."""
    comparisons = comparisons_in(condition)
    reading = _reading([condition], batch, sized=True)
    sizes = [[_size(reading, side) for side in (c.left, c.right)] for c in comparisons]
    return [Bare(sum(bool(np.all(size == 0)) for size in pair)) for pair in sizes]


@dataclass(frozen=True)
class _Reading:
    batch: Batch
    values: Mapping[Term, Array]
    scales: Mapping[Term, Array]
    magnitudes: Mapping[Term, Array]
    strict: bool = False
    known: Mapping[Comparison, Bare] = field(default_factory=dict)

    def value(self, term: Term) -> Array:
        shape = (self.batch.count, *(self.values[term].shape[-2:] if not term.is_scalar else ()))
        return np.broadcast_to(self.values[term], shape)

    def scale(self, term: Term) -> Array:
        return np.broadcast_to(self.scales[term], (self.batch.count,))


def decide(
    conditions: Sequence[Condition],
    batch: Batch,
    *,
    strict: bool = False,
    known: Mapping[Comparison, Bare] | None = None,
) -> list[Decisions]:
    """Decide each condition on each instance of the batch.

    Args:
        conditions: what to decide.
        batch: the instances.
        strict: whether an equality (or a tie) counts as true only where it is small relative to everything that it compares,
            not to terms that cancel alone: so assumptions are read.
        known: how many sides of each comparison are 0 anyway; only where it is given, `noise` tells more than `trivial`.
    """
    with np.errstate(all="ignore"):
        reading = replace(_reading(conditions, batch, sized=known is not None), strict=strict, known=known or {})
        return [_decide(c, reading) for c in conditions]


def _reading(conditions: Sequence[Condition], batch: Batch, *, sized: bool) -> _Reading:
    """Values and error scales; magnitudes only where somebody asks for them."""
    own = FloatField()
    env = batch.environment()
    compared = [t for c in conditions for q in comparisons_in(c) for t in (q.left, q.right)]
    terms = compared + [t for c in conditions for t in _bound_terms(c)]
    with np.errstate(all="ignore"):
        values, scales = with_scales(terms, env, lambda node, done: value_of_node(node, done, env, own))
        sizes = magnitudes(compared, values, scales, _noise(batch)) if sized else {}
        return _Reading(batch, values, scales, sizes)


def _noise(batch: Batch) -> Array:
    """The fraction of its error scale up to which a value means nothing, wider where a solver's points are less accurate."""
    known = np.zeros(batch.count) if batch.slack is None else np.where(batch.slack <= LOOSE, batch.slack, 0.0)
    return np.maximum(ROUNDING, known)


def _size(reading: _Reading, side: Term) -> Array:
    """How large a side is without rounding errors."""
    return np.broadcast_to(reading.magnitudes[side], (reading.batch.count,))


def _bound_terms(condition: Condition) -> list[Term]:
    match condition:
        case CurvatureBounds():
            return [b for b in (condition.lower, condition.upper) if b is not None]
        case AllOf() | AnyOf():
            return [t for p in condition.parts for t in _bound_terms(p)]
        case _:
            return []


def _decide(condition: Condition, reading: _Reading) -> Decisions:
    count = reading.batch.count
    if condition in reading.batch.assured:
        return Decisions(np.full(count, TRUE), np.full(count, np.inf), np.zeros(count, bool), np.zeros(count, bool))
    match condition:
        case Comparison():
            return _compare(condition, reading)
        case AllOf():
            parts = [_decide(p, reading) for p in condition.parts]
            return Decisions(
                np.min([p.truth for p in parts], axis=0),
                np.min([p.margin for p in parts], axis=0),
                np.all([p.trivial for p in parts], axis=0),
                np.all([p.noise for p in parts], axis=0),
            )
        case AnyOf():
            parts = [_decide(p, reading) for p in condition.parts]
            return Decisions(
                np.max([p.truth for p in parts], axis=0),
                np.max([p.margin for p in parts], axis=0),
                np.any([p.trivial for p in parts], axis=0),
                np.any([p.noise for p in parts], axis=0),
            )
        case HessianSemidefinite():
            hessian = hessian_matrix(condition.loss, condition.variables, reading.batch)
            return _spectrum_at_least(hessian, np.zeros(count), count)
        case CurvatureBounds():
            return _curvature(condition, reading)


def _compare(condition: Comparison, reading: _Reading) -> Decisions:
    left, right = reading.value(condition.left), reading.value(condition.right)
    matrix = not condition.left.is_scalar
    tight = _tight(reading.batch)
    scale = reading.scale(condition.left) + reading.scale(condition.right)
    # Nothing is decided relative to a scale that is not finite: whatever is divided by it would be 0.
    safe = np.where(np.isfinite(scale), np.where(scale > 0, scale, 1.0), np.nan)
    trivial = (norm(left, matrix=matrix) == 0) & (norm(right, matrix=matrix) == 0)
    nothing = np.zeros_like(trivial)
    noise = trivial
    if reading.magnitudes:
        noise = (_size(reading, condition.left) == 0) & (_size(reading, condition.right) == 0)
    if condition.relation in ("equal", "distinct"):
        gap = norm(left - right, matrix=matrix) / safe
        same = np.where(gap <= tight, TRUE, np.where(gap > LOOSE, FALSE, UNDECIDED))
        if condition.relation == "equal":
            # That something is 0 which need not be is all that such an equality says.
            says = reading.known.get(condition) is Bare.ONE
            return Decisions(_resolved(condition, same, gap, scale, reading), -gap, trivial, nothing if says else noise)
        return Decisions(-same, gap, nothing, nothing)
    gap = (right - left) / safe
    if condition.relation == "le":
        truth = np.where(gap >= -tight, TRUE, np.where(gap < -LOOSE, FALSE, UNDECIDED))
        return Decisions(_resolved(condition, truth, np.abs(gap), scale, reading), gap, trivial, noise)
    # An error scale of 0 means that both sides are exactly 0 (nothing was rounded), and ranks, sizes and whole numbers are
    # not rounded either: then `<` is plainly false at a tie.
    exact = (scale == 0) | (is_whole(condition.left) and is_whole(condition.right) and (gap == 0))
    truth = np.where(gap > LOOSE, TRUE, np.where((gap < -LOOSE) | exact, FALSE, UNDECIDED))
    return Decisions(truth, gap, nothing, nothing)


def _resolved(condition: Comparison, truth: Array, gap: Array, scale: Array, reading: _Reading) -> Array:
    """The truth, undecided where an assumption that is a tie compares less than its tolerance swallows."""
    if not reading.strict:
        return truth
    sides = (condition.left, condition.right)
    parts = [p for side in sides for p in summands(side)]
    lost = swallows(parts, scale, reading.values, reading.scales, LOOSE)
    lost = lost | swallowed(sides, reading.values, reading.scales, LOOSE)
    return np.where((truth == TRUE) & (gap <= _tight(reading.batch)) & lost, UNDECIDED, truth)


def is_whole(term: Term) -> bool:
    """Whether a term's value is a whole number by its kind."""
    return term.op in ("rank", "dim") or (term.op == "num" and term.payload[0].denominator == 1)


def _tight(batch: Batch) -> Array:
    """The tight tolerance, widened by the points' own error where a solver found them; never near the loose one."""
    if batch.slack is None:
        return np.full(batch.count, TIGHT)
    return np.maximum(TIGHT, np.where(batch.slack <= LOOSE / 10, batch.slack, 0.0))


def _spectrum_at_least(matrix: Array, bound: Array, count: int) -> Decisions:
    """Whether the smallest eigenvalue reaches a bound, relative to the matrix' size."""
    finite = np.all(np.isfinite(matrix), axis=(-2, -1))
    values = np.linalg.eigvalsh(np.where(finite[..., None, None], matrix, 0.0))
    size = np.maximum(np.abs(values).max(axis=-1), np.abs(bound))
    gap = (values[..., 0] - bound) / np.where(size > 0, size, 1.0)
    gap = np.broadcast_to(np.where(finite, gap, np.nan), (count,))
    truth = np.where(gap >= -TIGHT, TRUE, np.where(gap < -LOOSE, FALSE, UNDECIDED))
    return Decisions(truth, gap, np.zeros(count, bool), np.zeros(count, bool))


def _curvature(condition: CurvatureBounds, reading: _Reading) -> Decisions:
    """Exact for quadratics, whose Hessian is constant; undecided for everything else (design §4: samples never decide)."""
    count = reading.batch.count
    if not is_quadratic(condition.function):
        nothing = np.zeros(count, bool)
        return Decisions(np.zeros(count, int), np.full(count, np.nan), nothing, nothing)
    hessian = hessian_of_function(condition.function, reading.batch)
    parts = []
    if condition.lower is not None:
        parts.append(_spectrum_at_least(hessian, reading.value(condition.lower), count))
    if condition.upper is not None:
        parts.append(_spectrum_at_least(-hessian, -reading.value(condition.upper), count))
    truth, margin = (np.min([getattr(p, name) for p in parts], axis=0) for name in ("truth", "margin"))
    return Decisions(truth, margin, np.zeros(count, bool), np.zeros(count, bool))
