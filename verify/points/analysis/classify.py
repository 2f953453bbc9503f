"""What each point of a stack is: its rank, its inertia modulo the gauge orbit, and global, spurious or saddle.

Main definitions: `classify`, `Classification`, `Kind`. Points of the finder: `classify(p.problem.pick(p.instance), p.arrays)`.

Implementation notes
    Every decision is made at two tolerances (design §5); where they disagree the class is UNDECIDED, and the counts of the
    classes add up to the number of points. At a stationary point of a convex f, `0 ∈ ∂F(X)` is the inequality
    `‖∇f(X)‖_op ≤ λ` (SVD form and Theorem A, theory §2–§3): that decides whether X is a global minimizer of F without X⋆.
    F is minimized over all ranks: where its minimizers have rank above r, even the best point of rank r is SPURIOUS.

References: theory §0 (spurious), §1 (gauge), §2, §3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand, gradients
from verify.evaluation.tolerances import LOOSE, TIGHT
from verify.losses.problem import Problem
from verify.points.analysis.comparing import Against, Evidence
from verify.points.analysis.full import evaluated, frobenius, singular
from verify.points.analysis.inertia import Inertia, inertia, numerical_rank
from verify.points.analysis.minimizers import Minimizers

Array = Any
_SMALLEST_SHARE = 1e-2


class Kind(Enum):
    """What a point is; the value is the sentence for reports."""

    GLOBAL = "second-order stationary with X a minimizer of F (for f that is not convex: X = X⋆)"
    SPURIOUS = "second-order stationary, but X is not a minimizer of F (for f that is not convex: X ≠ X⋆)"
    SADDLE = "stationary with a direction of negative curvature"
    NOT_STATIONARY = "the gradient does not vanish"
    UNDECIDED = "two tolerances or two criteria disagree, a value is not finite, or X⋆ is not known"


@dataclass(frozen=True)
class Classification:
    """What `count` points are; every array's first axis is the points, `adapters` the number of adapted matrices.

    Attributes:
        kind: a `Kind` each.
        evidence: what the difference of GLOBAL and SPURIOUS rests on.
        value: L at the point.
        rank, rank_gap: numerical ranks of the X_l and σ_k/σ_{k+1} there, `(count, adapters)`.
        singular_values: of every X_l, a tuple of `(count, min(m_l, n_l))`.
        inertia: counts of Hessian eigenvalues off the gauge directions.
        balance: `‖λ(AᵀA − BᵀB)‖_F`, `(count, adapters)`.
        gradient: `‖∇L‖_F`.
        step: `‖∇L‖` over the Hessian's norm and the point's size: a relative distance to stationarity.
        slope_excess: `‖∇f(X)‖_op − λ` (one adapter; else not a number).
        value_excess: L minus F at X⋆ or at the given minimizer (not a number without one).
        distance: ‖X − X⋆‖_F to the known X⋆ or the given minimizer (not a number without one).
    """

    kind: tuple[Kind, ...]
    evidence: Evidence
    value: Array
    rank: Array
    rank_gap: Array
    singular_values: tuple[Array, ...]
    inertia: Inertia
    balance: Array
    gradient: Array
    step: Array
    slope_excess: Array
    value_excess: Array
    distance: Array

    @property
    def count(self) -> int:
        """The number of points."""
        return len(self.kind)

    @property
    def counts(self) -> dict[Kind, int]:
        """The number of points of each kind; they add up to `count`."""
        return {kind: sum(k is kind for k in self.kind) for kind in Kind}

    def where(self, kind: Kind) -> Array:
        """Which points are of a kind, `(count,)` Booleans."""
        return np.array([k is kind for k in self.kind])


def lengths_of(problem: Problem, points: Mapping[str, Array]) -> Array:
    """A length for X at each point, `(count,)`: σ_1 of X and of X⋆, at least 1 % of the largest in the stack.

    What is tiny against it is called zero. A stack of nothing but zeros has length 1.
    """
    sizes = [singular(points[a.payload[0]] @ np.swapaxes(points[b.payload[0]], -1, -2))[:, 0] for a, b in problem.pairs]
    if problem.star is not None:
        sizes.append(singular(problem.star)[:, 0])
    own = np.nan_to_num(np.max(sizes, axis=0), posinf=0.0)
    found = np.maximum(own, _SMALLEST_SHARE * np.max(own))
    return np.where(found > 0, found, 1.0)


def classify(problem: Problem, points: Mapping[str, Array], *, minimizers: Minimizers | None = None) -> Classification:
    """Classify one point for each problem of a stack.

    Args:
        problem: the problems, one for each point (`problem.pick` repeats problems with several points).
        points: arrays `(count, rows, cols)` by variable name.
        minimizers: minimizers of F for each point, from `minimize_full`, as a second witness.

    Raises:
        ValueError: if the points' shapes do not fit the problem.
    """
    for variable in problem.variables:
        name, wanted = variable.payload[0], (problem.count, *problem.size_of(variable))
        shape = np.shape(points[name]) if name in points else None
        if shape != wanted:
            raise ValueError(f"the points {name} have shape {shape}: {wanted} is needed")
    points = {v.payload[0]: np.asarray(points[v.payload[0]], dtype=float) for v in problem.variables}
    with np.errstate(all="ignore"):
        return _classified(problem, points, minimizers)


def _classified(problem: Problem, points: Mapping[str, Array], minimizers: Minimizers | None) -> Classification:
    lengths = lengths_of(problem, points)
    curved = inertia(problem, points, lengths)
    value, gradient = _value_and_gradient(problem, points)
    weight = np.asarray(problem.weight, dtype=float)
    values, ranks, gaps, balances = [], [], [], []
    for first, second in problem.pairs:
        left, right = points[first.payload[0]], points[second.payload[0]]
        values.append(singular(left @ np.swapaxes(right, -1, -2)))
        rank, gap = numerical_rank(values[-1], lengths)
        ranks.append(rank)
        gaps.append(gap)
        skew = np.swapaxes(left, -1, -2) @ left - np.swapaxes(right, -1, -2) @ right
        balances.append(weight * frobenius(skew))
    spread = np.sqrt(sum(frobenius(v) ** 2 for v in points.values()) + lengths)
    moving = np.where(curved.size > 0, curved.size * spread, 1.0)
    step = np.where(np.isfinite(curved.size), gradient / moving, np.nan)
    against = Against.of(problem, points, value, minimizers, lengths)
    return Classification(
        _kinds(step, curved, against),
        against.evidence,
        value,
        np.stack(ranks, axis=-1),
        np.stack(gaps, axis=-1),
        tuple(values),
        curved,
        np.stack(balances, axis=-1),
        gradient,
        step,
        against.slope_excess,
        against.value_excess,
        against.distance,
    )


def _value_and_gradient(problem: Problem, points: Mapping[str, Array]) -> tuple[Array, Array]:
    """L and `‖∇L‖_F`, `(count,)` each."""
    loss = expand(problem.loss)
    value, *slopes = evaluated(problem, [loss, *gradients(loss, problem.variables)], points)
    return value, np.sqrt(sum(np.sum(g * g, axis=(-2, -1)) for g in slopes))


def _kinds(step: Array, curved: Inertia, against: Against) -> tuple[Kind, ...]:
    found = []
    for k, size in enumerate(step):
        if not size <= TIGHT:
            found.append(Kind.NOT_STATIONARY if size > LOOSE else Kind.UNDECIDED)
        elif curved.minus[k] > 0:
            found.append(Kind.SADDLE)
        elif not curved.least[k] >= -TIGHT * curved.size[k] or against.verdict[k] == 0:
            found.append(Kind.UNDECIDED)
        else:
            found.append(Kind.GLOBAL if against.verdict[k] == 1 else Kind.SPURIOUS)
    return tuple(found)
