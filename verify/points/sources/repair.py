"""Meeting equality assumptions numerically: Gauss–Newton on matrix and scalar variables, all instances together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.differentiate import tangent
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.errors import NotDifferentiable
from verify.language.operations.operation import Environment
from verify.language.statements import Comparison
from verify.language.terms import DIRECTION, Term, make, number, symbol, symbols_of

Array = Any
_STEPS = 25
_LIMIT = 48
_UNKNOWNS = 200


def repair_equalities(batch: Batch, equalities: Sequence[Comparison], movable: Sequence[str]) -> Batch:
    """Move some variables so that the equalities hold; at most `_LIMIT` instances are kept.

    Instances that do not converge stay as they are and will be found to violate the assumption.
    """
    residuals = [make("add", c.left, make("mul", number(-1), c.right)) for c in equalities]
    names = [n for n in movable if any(n in symbols_of(r) for r in residuals)]
    if not residuals or not names:
        return batch
    try:
        directional(tuple(residuals), tuple(names))
    except NotDifferentiable:
        return batch
    if sum(int(np.prod(batch.values[n].shape[1:])) for n in names) > _UNKNOWNS:
        return batch
    small = batch.pick(np.arange(min(batch.count, _LIMIT)))
    for _ in range(_STEPS):
        with np.errstate(all="ignore"):
            value, jacobian = linearized(small, residuals, names)
        if not np.all(np.isfinite(jacobian)) or not np.all(np.isfinite(value)):
            return small
        with np.errstate(all="ignore"):
            step = -(np.linalg.pinv(jacobian, rcond=1e-10) @ value[..., None])[..., 0]
            small = moved(small, names, step)
        if np.max(np.abs(step), initial=0.0) < 1e-15:
            break
    return small


def _shape_in(terms: Sequence[Term], name: str) -> Any:
    return next(symbols_of(t)[name] for t in terms if name in symbols_of(t))


@lru_cache(maxsize=256)
def directional(residuals: tuple[Term, ...], names: tuple[str, ...]) -> tuple[Term, ...]:
    """The derivative of each residual along direction symbols `·δ` + name."""
    moves = {n: symbol(DIRECTION + n, _shape_in(residuals, n)) for n in names}
    return tuple(tangent(r, moves) for r in residuals)


def values_of(batch: Batch, residuals: Sequence[Term]) -> Array:
    """Residual vectors `(count, k)`."""
    with np.errstate(all="ignore"):
        parts = evaluate_terms(residuals, batch.environment(), FloatField())
    return np.concatenate([_flat(p, batch.count, t) for p, t in zip(parts, residuals, strict=True)], axis=1)


def linearized(batch: Batch, residuals: Sequence[Term], names: Sequence[str]) -> tuple[Array, Array]:
    """Residual vectors `(count, k)` and Jacobians `(count, k, p)` with respect to some variables."""
    slopes = directional(tuple(residuals), tuple(names))
    field = FloatField()
    value = values_of(batch, residuals)
    shapes = [batch.values[n].shape[1:] for n in names]
    total = sum(int(np.prod(s)) for s in shapes)
    basis = np.eye(total)
    values: dict[str, Array] = {n: np.expand_dims(v, 1) for n, v in batch.values.items()}
    start = 0
    for name, shape in zip(names, shapes, strict=True):
        length = int(np.prod(shape))
        values[DIRECTION + name] = basis[:, start : start + length].reshape(total, *shape)
        start += length
    operators = {n: np.expand_dims(v, 1) for n, v in batch.operators.items()}
    columns = evaluate_terms(slopes, Environment(values, batch.dims, {}, operators), field)
    flat = []
    for column, term in zip(columns, slopes, strict=True):
        shape = column.shape[column.ndim - len(term.shape) :]
        flat.append(np.broadcast_to(column, (batch.count, total, *shape)).reshape(batch.count, total, -1))
    return value, np.swapaxes(np.concatenate(flat, axis=-1), -1, -2)


def _flat(value: Array, count: int, term: Term) -> Array:
    shape = value.shape[value.ndim - len(term.shape) :]
    return np.broadcast_to(value, (count, *shape)).reshape(count, -1)


def moved(batch: Batch, names: Sequence[str], step: Array) -> Batch:
    """The batch with a step `(count, p)` added to some variables."""
    values = dict(batch.values)
    start = 0
    for name in names:
        length = int(np.prod(values[name].shape[1:]))
        values[name] = values[name] + step[:, start : start + length].reshape(values[name].shape)
        start += length
    return replace(batch, values=values)
