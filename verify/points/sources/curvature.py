"""Assumed curvature: a function variable that must satisfy bounds becomes a quadratic with eigenvalues between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.statements import Curvature
from verify.language.terms import Term, number, symbols_of
from verify.losses.taylor import data_name, taylor_model
from verify.points.sources.matrices import orthonormal

Array = Any


def assumed_curvature(function: FunctionSymbol, formula: Formula) -> list[Curvature]:
    """The curvature assumptions about a function variable."""
    return [s for s in formula.given if isinstance(s, Curvature) and s.function.name == function.name]


def with_assumed_curvature(batch: Batch, function: FunctionSymbol, formula: Formula, rng: np.random.Generator) -> Batch:
    """The batch with the function's Hessian inside the assumed bounds (where the bounds do not contradict each other).

    A quadratic with `αI ⪯ H ⪯ βI` satisfies uniform curvature, convexity, RSC and RSM alike. Where both bounds are plain
    variables in the wrong order, they are exchanged.
    """
    assumed = assumed_curvature(function, formula)
    if not assumed:
        return batch
    low: Array = np.full(batch.count, -np.inf)
    high: Array = np.full(batch.count, np.inf)
    for statement in assumed:
        batch = _ordered(batch, statement)
        lower, upper = bounds_of(statement)
        if lower is not None:
            low = np.maximum(low, _value(lower, batch))
        if upper is not None:
            high = np.minimum(high, _value(upper, batch))
    spread = 10.0 ** rng.uniform(-1, 1, batch.count)
    low = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - spread, -spread))
    high = np.where(np.isfinite(high), high, low + spread)
    size = batch.operators[data_name(function.name, "H")].shape[-1]
    share = rng.random((batch.count, size))
    if rng.random() < 0.5:
        share = np.round(share)
    eigenvalues = low[:, None] + (high - low)[:, None] * share
    frame = orthonormal(rng, batch.count, size, size)
    bend = (frame * eigenvalues[:, None, :]) @ np.swapaxes(frame, -1, -2)
    return replace(
        batch,
        operators={**batch.operators, data_name(function.name, "H"): (bend + np.swapaxes(bend, -1, -2)) / 2},
        functions={**batch.functions, function.name: taylor_model(function, cubic=False)},
    )


def bounds_of(statement: Curvature) -> tuple[Term | None, Term | None]:
    """The lower and upper curvature bound of an assumption; None where it has none (`convex` has the lower bound 0)."""
    match statement.kind:
        case "uniform_curvature":
            return statement.numbers[0], statement.numbers[1]
        case "rsm":
            return None, statement.numbers[0]
        case "rsc":
            return statement.numbers[0], None
        case _:
            return number(0), None


def _value(term: Term, batch: Batch) -> Array:
    if any(name not in batch.values for name in symbols_of(term)):
        return np.full(batch.count, np.nan)
    with np.errstate(all="ignore"):
        (value,) = evaluate_terms([term], batch.environment(), FloatField())
    return np.broadcast_to(value, (batch.count,))


def _ordered(batch: Batch, statement: Curvature) -> Batch:
    """Exchange two bound variables where the lower exceeds the upper."""
    lower, upper = bounds_of(statement)
    if lower is None or upper is None or lower.op != "sym" or upper.op != "sym":
        return batch
    a, b = batch.values[lower.payload[0]], batch.values[upper.payload[0]]
    swapped = {lower.payload[0]: np.minimum(a, b), upper.payload[0]: np.maximum(a, b)}
    return replace(batch, values={**batch.values, **swapped})
