"""Stationary points of one instance to rounding level: quasi-Newton descent, then gauge-fixed Newton steps.

Main definitions: `descend`, `newton`, `gauge_directions`, `curvature_off_gauge`. All derivatives are the derived ones.

Implementation notes
    Newton's step solves `(H + ‖H‖TTᵀ) step = −∇L`, T an orthonormal basis of the gauge directions `(AΩ, BΩ)`, Ωᵀ = −Ω, on
    which H vanishes at a stationary point (theory §1): no eigenvalue is judged to be zero by a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand, gradients
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.hessians import hessian_matrix
from verify.evaluation.interpret import evaluate_terms
from verify.language.terms import Term

Array = Any
_DIRECTION_CUT = 1e-7
"""Gauge directions shorter than this fraction of the longest one are left out (they vanish where factors do)."""


@lru_cache(maxsize=64)
def _with_gradients(loss: Term, variables: tuple[Term, ...]) -> tuple[Term, ...]:
    return (expand(loss), *gradients(loss, variables))


def value_and_gradient(loss: Term, variables: Sequence[Term], batch: Batch) -> tuple[float, Array]:
    """The loss and its gradient in the stacked variables (row-major each) of a batch of one."""
    terms = _with_gradients(loss, tuple(variables))
    value, *slopes = evaluate_terms(terms, batch.environment(), FloatField())
    return float(np.reshape(value, ())), np.concatenate([np.reshape(g, -1) for g in slopes])


def stacked(variables: Sequence[Term], batch: Batch) -> Array:
    """The variables of a batch of one as one vector."""
    return np.concatenate([np.reshape(batch.values[v.payload[0]], -1) for v in variables])


def placed(variables: Sequence[Term], batch: Batch, point: Array) -> Batch:
    """The batch with its variables read from one vector."""
    values, start = dict(batch.values), 0
    for variable in variables:
        old = values[variable.payload[0]]
        values[variable.payload[0]] = point[start : start + old.size].reshape(old.shape)
        start += old.size
    return replace(batch, values=values)


def descend(loss: Term, variables: Sequence[Term], batch: Batch, tolerance: float, steps: int = 3000) -> Batch:
    """L-BFGS from the batch's own values until no gradient entry exceeds the tolerance (or `steps` iterations)."""
    from scipy.optimize import minimize

    def both(point: Array) -> tuple[float, Array]:
        return value_and_gradient(loss, variables, placed(variables, batch, point))

    options = {"maxiter": steps, "maxfun": 2 * steps, "gtol": tolerance, "ftol": 0.0, "maxcor": 20}
    found = minimize(both, stacked(variables, batch), jac=True, method="L-BFGS-B", options=options)
    return placed(variables, batch, np.asarray(found.x))


def newton(
    loss: Term,
    variables: Sequence[Term],
    batch: Batch,
    gauge: Callable[[Batch], Array],
    tolerance: float,
    steps: int = 8,
) -> Batch:
    """Newton steps until the gradient's norm is at most `tolerance`, or stops decreasing.

    Args:
        loss, variables, batch: as in `value_and_gradient`; start near a stationary point.
        gauge: orthonormal directions `(p, d)` along which the loss does not change.
        tolerance: absolute, on the gradient's Euclidean norm.
        steps: the largest number of steps.
    """
    _, slope = value_and_gradient(loss, variables, batch)
    for _ in range(steps):
        if np.linalg.norm(slope) <= tolerance:
            break
        hessian = hessian_matrix(loss, variables, batch)[0]
        fixed = gauge(batch)
        stiff = hessian + np.linalg.norm(hessian, 2) * fixed @ fixed.T
        trial = placed(variables, batch, stacked(variables, batch) - np.linalg.solve(stiff, slope))
        _, new = value_and_gradient(loss, variables, trial)
        if not np.linalg.norm(new) < np.linalg.norm(slope):
            break
        batch, slope = trial, new
    return batch


def gauge_directions(batch: Batch) -> Array:
    """An orthonormal basis `(p, d)` of the directions `(AΩ, BΩ)`, Ωᵀ = −Ω, at the pair A, B of a batch of one."""
    a, b = batch.values["A"][0], batch.values["B"][0]
    r = a.shape[1]
    columns = []
    for i in range(r):
        for j in range(i):
            turn = np.zeros((r, r))
            turn[i, j], turn[j, i] = 1.0, -1.0
            columns.append(np.concatenate([(a @ turn).ravel(), (b @ turn).ravel()]))
    if not columns:
        return np.zeros((a.size + b.size, 0))
    u, sizes, _ = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
    return u[:, sizes > _DIRECTION_CUT * sizes[0]]


def curvature_off_gauge(loss: Term, variables: Sequence[Term], batch: Batch) -> tuple[float, float, int]:
    """The smallest and largest Hessian eigenvalue off the gauge directions, and the number of those."""
    hessian = hessian_matrix(loss, variables, batch)[0]
    fixed = gauge_directions(batch)
    complement = np.linalg.qr(fixed, mode="complete")[0][:, fixed.shape[1] :]
    found = np.linalg.eigvalsh(complement.T @ hessian @ complement)
    return float(found[0]), float(found[-1]), int(fixed.shape[1])
