"""Margins for optimizers: how clearly conditions hold, without the error scales that a decision needs.

Main definitions: `margins`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verify.calculus.conditions import AllOf, AnyOf, Condition, comparisons_in
from verify.evaluation.batches import Batch
from verify.evaluation.decide import decide
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.statements import Comparison
from verify.language.terms import Term

Array = Any


def margins(conditions: Sequence[Condition], batch: Batch) -> list[Array]:
    """One array `(count,)` a condition, positive where it holds, relative to the sizes compared; 1000 for what is no number."""
    terms = [t for c in conditions for q in comparisons_in(c) for t in (q.left, q.right)]
    with np.errstate(all="ignore"):
        values = dict(zip(terms, evaluate_terms(terms, batch.environment(), FloatField()), strict=True)) if terms else {}
        return [np.nan_to_num(_margin(c, batch, values), nan=1e3, posinf=1e3, neginf=-1e3) for c in conditions]


def _margin(condition: Condition, batch: Batch, values: Mapping[Term, Array]) -> Array:
    match condition:
        case Comparison():
            return _compared(condition, batch, values)
        case AllOf():
            return np.min([_margin(p, batch, values) for p in condition.parts], axis=0)
        case AnyOf():
            return np.max([_margin(p, batch, values) for p in condition.parts], axis=0)
        case _:
            (decided,) = decide([condition], batch)
            return decided.margin


def _compared(condition: Comparison, batch: Batch, values: Mapping[Term, Array]) -> Array:
    left, right = flat(values[condition.left], batch.count), flat(values[condition.right], batch.count)
    size = np.linalg.norm(left, axis=1) + np.linalg.norm(right, axis=1)
    safe = np.where(size > 0, size, 1.0)
    if condition.relation in ("le", "lt"):
        return (right - left)[:, 0] / safe
    gap = np.linalg.norm(left - right, axis=1) / safe
    return -gap if condition.relation == "equal" else gap


def flat(value: Array, count: int) -> Array:
    """A scalar's or matrix' values as rows `(count, entries)`."""
    if value.ndim <= 1:
        return np.broadcast_to(value, (count,))[:, None]
    return np.broadcast_to(value, (count, *value.shape[-2:])).reshape(count, -1)
