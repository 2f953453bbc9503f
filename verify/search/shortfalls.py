"""By how much conditions fail at an instance with many digits, relative to the sizes compared and absolute.

Main definitions: `Amount`, `Amounts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.calculus.conditions import AllOf, AnyOf, Condition, CurvatureBounds, HessianSemidefinite, comparisons_in
from verify.evaluation.batches import Batch
from verify.evaluation.decide import FALSE, decide, is_whole
from verify.evaluation.fields import DecimalField, FloatField
from verify.evaluation.hessians import hessian_matrix, hessian_of_function, is_quadratic
from verify.evaluation.interpret import evaluate_terms, value_of_node
from verify.evaluation.scales import with_scales
from verify.language.statements import Comparison
from verify.language.terms import Term, is_zero

Array = Any
SEMIDEFINITE = 1e-30
"""An eigenvalue counts as 0 up to this, relative to the largest: those on gauge directions are 0 exactly."""
APART = 1e-30
"""Relative differences below this are none, where two sides must differ."""
_TIE = 1e-20
"""The amount by which `<` fails at a tie: too much to hold, too little for a violation."""


@dataclass(frozen=True)
class Amount:
    """By how much a condition fails: not positive where it holds, NaN where it has no value.

    Attributes:
        relative: to the error scale of the two sides.
        absolute: with many digits.
    """

    relative: float
    absolute: Any


class Amounts:
    """The amounts by which conditions fail at one instance, from one evaluation of all of them."""

    def __init__(self, conditions: Sequence[Condition], batch: Batch, field: DecimalField, apart: float = APART) -> None:
        self.conditions, self.batch, self.field, self.apart = list(conditions), batch, field, apart
        self.floats = in_floats(batch)
        terms = [t for c in conditions for q in comparisons_in(c) for t in (q.left, q.right)]
        bounds = [b for c in conditions if isinstance(c, CurvatureBounds) for b in (c.lower, c.upper) if b is not None]
        wanted = [*terms, *bounds]
        self.values: dict[Term, Array] = dict(zip(wanted, evaluate_terms(wanted, batch.environment(), field), strict=True))
        env, floats = self.floats.environment(), FloatField()
        _, self.scales = with_scales(terms, env, lambda node, done: value_of_node(node, done, env, floats))

    def of(self, condition: Condition) -> Amount:
        """By how much one condition fails."""
        match condition:
            case Comparison():
                return self._compared(condition)
            case AllOf():
                return max((self.of(p) for p in condition.parts), key=_order)
            case AnyOf():
                return min((self.of(p) for p in condition.parts), key=_order)
            case HessianSemidefinite():
                hessian = hessian_matrix(condition.loss, condition.variables, self.batch, self.field)
                return self._spectrum(condition, [hessian[0]])
            case CurvatureBounds():
                return self._spectrum(condition, self._bounded(condition))

    def gap(self, condition: Comparison) -> Array:
        """The entries of `left − right`."""
        return np.asarray(self.values[condition.left] - self.values[condition.right], dtype=object).ravel()

    def scale(self, condition: Comparison) -> float:
        """The error scale of both sides together; NaN beyond the range of floats, where nothing is small next to it."""
        size = float(np.max(self.scales[condition.left])) + float(np.max(self.scales[condition.right]))
        if not np.isfinite(size):
            return float("nan")
        return size if size > 0 else 1.0

    def missed(self, condition: Condition) -> float:
        """By how much an assumption fails; an equality relative to the sides themselves, not to large terms that cancel."""
        match condition:
            case AllOf():
                return max((self.missed(p) for p in condition.parts), key=nan_largest)
            case AnyOf():
                return min((self.missed(p) for p in condition.parts), key=nan_largest)
            case Comparison(relation="equal") if not (is_zero(condition.left) or is_zero(condition.right)):
                return self.of(condition).relative * self._cancelled(condition)
            case _:
                return self.of(condition).relative

    def _cancelled(self, condition: Comparison) -> float:
        """How large the terms that cancel are next to the sides that remain: 1 where nothing cancels."""
        sides = [self._norm(np.asarray(self.values[t], dtype=object).ravel()) for t in (condition.left, condition.right)]
        size = float(max(sides))
        return max(1.0, self.scale(condition) / size) if size > 0 else 1.0

    def _norm(self, entries: Array) -> Any:
        return self.field.mp.sqrt(sum((x * x for x in entries), self.field.mp.mpf(0)))

    def _compared(self, condition: Comparison) -> Amount:
        gap, scale = self.gap(condition), self.scale(condition)
        if condition.relation == "equal":
            size = self._norm(gap)
            return Amount(float(size / scale), size)
        if condition.relation == "distinct":
            # Either they are the same or not: there is no amount in between.
            apart = self._norm(gap) / scale
            if not apart >= 0:
                return Amount(float("nan"), self.field.mp.nan)
            same = apart <= self.apart
            return Amount(float(same), self.field.mp.mpf(int(same)))
        above = gap[0]
        if condition.relation == "lt" and above == 0 and (is_whole(condition.left) and is_whole(condition.right)):
            return Amount(1.0, self.field.mp.mpf(1))
        if condition.relation == "lt" and abs(above / scale) <= APART:
            # A tie to all digits: neither clearly true nor clearly false.
            return Amount(_TIE, abs(above))
        return Amount(float(above / scale), above)

    def _bounded(self, condition: CurvatureBounds) -> list[Array]:
        """Matrices that must be semidefinite."""
        hessian = hessian_of_function(condition.function, self.batch, self.field)[0]
        eye = np.eye(len(hessian), dtype=int)
        low, high = (None if b is None else self.values[b].ravel()[0] for b in (condition.lower, condition.upper))
        parts = [] if low is None else [hessian - low * eye]
        return parts if high is None else [*parts, high * eye - hessian]

    def _spectrum(self, condition: HessianSemidefinite | CurvatureBounds, matrices: Sequence[Array]) -> Amount:
        """None where all are semidefinite up to `SEMIDEFINITE`; else what floats see of the spectrum, or at least a little."""
        if isinstance(condition, CurvatureBounds) and not is_quadratic(condition.function):
            return Amount(float("nan"), self.field.mp.nan)
        if all(is_semidefinite(m, self.field) for m in matrices):
            return Amount(0.0, self.field.mp.mpf(0))
        (seen,) = decide([condition], self.floats)
        size = max(-float(seen.margin[0]), 1e-20) if seen.truth[0] != FALSE else -float(seen.margin[0])
        return Amount(size, self.field.mp.mpf(size))


def is_semidefinite(matrix: Array, field: DecimalField) -> bool:
    """Whether a symmetric matrix has no eigenvalue below 0, up to `SEMIDEFINITE` of its size: by Cholesky's factorization."""
    size = max((abs(x) for x in matrix.ravel()), default=field.mp.mpf(0))
    shift = field.mp.mpf(SEMIDEFINITE) * (size if size > 0 else 1)
    rows = [[x + (shift if i == j else 0) for j, x in enumerate(row)] for i, row in enumerate(matrix)]
    for k, pivots in enumerate(rows):
        if not pivots[k] > 0:
            return False
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivots[k]
            if factor:
                rows[i] = [x - factor * y if j > k else x for j, (x, y) in enumerate(zip(rows[i], pivots, strict=True))]
    return True


def in_floats(batch: Batch) -> Batch:
    """A batch of many digits in floats."""
    values = {n: np.asarray(a, dtype=float) for n, a in batch.values.items()}
    operators = {n: np.asarray(a, dtype=float) for n, a in batch.operators.items()}
    return Batch(batch.dims, values, operators, batch.functions, batch.family, batch.count)


def _order(amount: Amount) -> float:
    """A part without a value makes the whole have none, or leaves it to another part."""
    return nan_largest(amount.relative)


def nan_largest(value: float) -> float:
    """A key that puts a NaN last."""
    return value if value == value else float("inf")
