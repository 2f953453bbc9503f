"""Second-order points against the minimizers of F: by convexity, by a minimizer with a gap bound, or by a planted X⋆.

Main definitions: `Against`, `Evidence`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from verify.evaluation.tolerances import LOOSE, TIGHT
from verify.losses.problem import Problem
from verify.points.analysis.full import frobenius, singular, slope, update_of
from verify.points.analysis.full import value as value_of
from verify.points.analysis.minimizers import Minimizers

Array = Any


class Evidence(Enum):
    """What GLOBAL or SPURIOUS rests on."""

    CRITERION = "f is convex: ‖∇f(X)‖_op against λ"
    MINIMIZER = "f is convex: ‖∇f(X)‖_op against λ, and L against a minimizer with a gap bound"
    CONSTRUCTION = "the distance to X⋆, known by construction"
    NONE = "nothing to compare with"


@dataclass(frozen=True)
class Against:
    """Where a second-order point stands: 1 global, −1 not, 0 undecided, with the numbers behind it.

    Attributes:
        evidence: what the verdict rests on.
        verdict: 1, −1 or 0, `(count,)`.
        slope_excess, value_excess, distance: as in `Classification`.
    """

    evidence: Evidence
    verdict: Array
    slope_excess: Array
    value_excess: Array
    distance: Array

    @staticmethod
    def of(
        problem: Problem, points: Mapping[str, Array], value: Array, minimizers: Minimizers | None, lengths: Array
    ) -> Against:
        """Compare points, arrays by variable name, with losses `value` and length scales `lengths`, `(count,)` each."""
        unknown = np.full(problem.count, np.nan)
        if problem.full is None:
            return Against(Evidence.NONE, np.zeros(problem.count, int), unknown, unknown, unknown)
        update = update_of(problem, points)
        weight = np.asarray(problem.weight, dtype=float)
        slopes = singular(slope(problem, update))[:, 0]
        start = singular(slope(problem, np.zeros_like(update)))[:, 0]
        excess = slopes - weight
        value_excess = distance = unknown
        if problem.star is not None:
            value_excess = value - _regularized(problem, problem.star)
            distance = frobenius(update - problem.star)
        elif minimizers is not None:
            value_excess, distance = value - minimizers.value, frobenius(update - minimizers.point)
        if problem.convex:
            verdict = _two_sided(excess / (weight + np.maximum(slopes, start)))
            if minimizers is None:
                return Against(Evidence.CRITERION, verdict, excess, value_excess, distance)
            # Values are compared with the size of what cancels in them, not with themselves.
            scale = np.abs(value_of(problem, np.zeros_like(update))) + np.abs(value) + weight * singular(update).sum(axis=-1)
            verdict = np.where(_contradicted(verdict, value, scale, minimizers), 0, verdict)
            return Against(Evidence.MINIMIZER, verdict, excess, value_excess, distance)
        if problem.star is None:
            return Against(Evidence.NONE, np.zeros(problem.count, int), excess, value_excess, distance)
        return Against(Evidence.CONSTRUCTION, _two_sided(distance / lengths), excess, value_excess, distance)


def _regularized(problem: Problem, point: Array) -> Array:
    """`F(X) = f(X) + λ‖X‖_*`."""
    return value_of(problem, point) + np.asarray(problem.weight) * singular(point).sum(axis=-1)


def _two_sided(excess: Array) -> Array:
    """1 where at most `TIGHT`, −1 where above `LOOSE`, 0 between and where not a number."""
    return np.where(excess <= TIGHT, 1, np.where(excess > LOOSE, -1, 0))


def _contradicted(verdict: Array, value: Array, scale: Array, minimizers: Minimizers) -> Array:
    """Where the values say otherwise: a global minimum above another value, or a spurious point no higher than min F."""
    above = value - minimizers.value
    high = above > LOOSE * scale
    low = above + minimizers.gap <= TIGHT * 1e-3 * scale
    return ((verdict == 1) & high) | ((verdict == -1) & low) | np.isnan(above)
