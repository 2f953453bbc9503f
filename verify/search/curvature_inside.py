"""Local models moved off the ends of their curvature bounds, where floats cannot tell an end from what lies beyond it.

Main definitions: `with_curvature_inside`.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from verify.calculus.conditions import CurvatureBounds
from verify.evaluation.batches import Batch
from verify.language.terms import walk
from verify.losses.taylor import data_name
from verify.search.precise import PreciseReader
from verify.search.shortfalls import Amounts

Array = Any
_SHARE = Fraction(1, 10**12)
"""How far a Hessian goes towards the middle of its bounds: far more than a rounding error, far less than a float shows."""


def with_curvature_inside(batch: Batch, reader: PreciseReader) -> Batch:
    """The batch with the Hessians of local models that miss their bounds by a rounding error moved inside."""
    bounds = [c for c in reader.opened(reader.given, batch) if isinstance(c, CurvatureBounds)]
    if not bounds:
        return batch
    amounts = Amounts(bounds, reader.begun(batch), reader.field)
    for condition in bounds:
        name = _hessian(condition)
        if name is not None and amounts.of(condition).relative > 0:
            middle = _middle(condition, amounts)
            bend = batch.operators[name]
            eye = np.eye(bend.shape[-1], dtype=int)
            inside = bend + reader.field.scalar(_SHARE) * (middle * eye - bend)
            batch = replace(batch, values={**batch.values, name: inside}, operators={**batch.operators, name: inside})
    return batch


def _hessian(condition: CurvatureBounds) -> str | None:
    """The name of the local model's Hessian; None for other functions."""
    names = {node.payload[0].name for node in walk(condition.function.body) if node.op == "apply"}
    return next((n for n in names if n.endswith(data_name("", "H"))), None)


def _middle(condition: CurvatureBounds, amounts: Amounts) -> Any:
    """A curvature well inside the bounds."""
    low, high = (None if b is None else amounts.values[b].ravel()[0] for b in (condition.lower, condition.upper))
    if low is None:
        return high - 1  # type: ignore[operator]  # one of them is given
    return low + 1 if high is None else (low + high) / 2
