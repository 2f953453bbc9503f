"""First-order stationary points by construction: choose the factors, then the data (theory §2, SVD form).

For an opaque f and the loss `f(sABᵀ) + (λ_A/2)‖A‖² + (λ_B/2)‖B‖²`, (A, B) is stationary exactly if `s∇f B = −λ_A A` and
`s∇fᵀ A = −λ_B B`: both are linear in the gradient of f, solvable when `λ_A AᵀA = λ_B BᵀB`. The same idea serves any loss in
which the stationarity equations are linear in the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand, gradients, tangent
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.batches import Batch, instantiate
from verify.language.errors import NoSource, NotDifferentiable
from verify.language.formulas import Formula
from verify.language.statements import Stationary
from verify.language.terms import DIRECTION, Term, symbol, symbols_of
from verify.losses.taylor import data_name
from verify.points.sources.matrices import FAMILIES, orthonormal
from verify.points.sources.repair import linearized, moved, values_of
from verify.points.sources.roles import decay_of

Array = Any


def stationary_batch(batch: Batch, statement: Stationary, formula: Formula, rng: np.random.Generator) -> Batch:
    """Instances at which `statement` (first order) holds.

    The factors are balanced for the decays that the loss contains; then the remaining data that enter the gradient
    linearly are solved for by least squares. Instances for which that fails do not meet the assumption.

    Raises:
        NoSource: if no data enter the stationarity equations linearly.
    """
    return with_solved_data(_balanced_factors(batch, statement, rng), statement, formula)


def with_solved_data(batch: Batch, statement: Stationary, formula: Formula) -> Batch:
    """The factors as they are; the data that enter the gradient linearly solved for, with the least change.

    Raises:
        NoSource: if no data enter the stationarity equations linearly.
    """
    slopes = [instantiate(g, batch.functions) for g in gradients(statement.loss, statement.variables)]
    data = _linear_data(slopes, statement, batch, formula)
    if not data:
        raise NoSource("no source for stationary points of this loss yet: no data enter its gradient linearly")
    return _solve_for_data(batch, slopes, data)


def _balanced_factors(batch: Batch, statement: Stationary, rng: np.random.Generator) -> Batch:
    """Pairs with `λ_A AᵀA = λ_B BᵀB`, built as `A = UDQ`, `B = √(λ_A/λ_B) VDQ`; λ = 0 leaves pairs arbitrary."""
    names = [v.payload[0] for v in statement.variables]
    if len(names) != 2 or any(batch.values[n].ndim != 3 for n in names):
        return batch
    first, second = names
    weights = tuple(decay_of(statement.loss, v, batch) for v in statement.variables)
    rows_a, r = batch.values[first].shape[1:]
    rows_b, r_b = batch.values[second].shape[1:]
    if r != r_b:
        return batch
    k = min(rows_a, rows_b, r)
    count = batch.count
    sizes = np.abs(FAMILIES["scaled"](rng, count, 1, k))
    kind = int(rng.integers(4))
    if kind == 1:
        sizes = sizes * (rng.random((count, 1, k)) < 0.6)
    elif kind == 2:
        sizes = np.broadcast_to(sizes[:, :, :1], sizes.shape)
    turn = orthonormal(rng, count, r, r)[:, :k, :]
    ratio = np.sqrt(weights[0] / np.where(weights[1] > 0, weights[1], 1.0))[:, None, None]
    left = (orthonormal(rng, count, rows_a, k) * sizes) @ turn
    right = ratio * (orthonormal(rng, count, rows_b, k) * sizes) @ turn
    both = ((weights[0] > 0) & (weights[1] > 0))[:, None, None]
    values = dict(batch.values)
    values[first] = np.where(both, left, values[first])
    values[second] = np.where(both, right, values[second])
    return replace(batch, values=values)


@lru_cache(maxsize=256)
def moves_data(statement: Stationary, names: tuple[str, ...]) -> bool:
    """Whether some of the data of a loss without opaque functions enter its gradients linearly."""
    fixed = {v.payload[0] for v in statement.variables}
    try:
        slopes = [expand(g) for g in gradients(statement.loss, statement.variables)]
    except NotDifferentiable:
        return True
    return any(n not in fixed and _is_linear(slopes, n) for n in names)


def _linear_data(slopes: Sequence[Term], statement: Stationary, batch: Batch, formula: Formula) -> list[str]:
    """Data matrices (not the factors) that enter the gradients linearly; a function's own gradient datum first."""
    fixed = {v.payload[0] for v in statement.variables}
    own = [data_name(f.name, "G") for f in formula.functions().values()]
    for names in ([n for n in own if any(n in symbols_of(g) for g in slopes)], list(formula.matrices())):
        usable = [n for n in names if n not in fixed and _is_linear(slopes, n)]
        if usable:
            return usable
    return []


def _is_linear(slopes: Sequence[Term], name: str) -> bool:
    shapes = [symbols_of(g)[name] for g in slopes if name in symbols_of(g)]
    if not shapes:
        return False
    direction = symbol(DIRECTION + name, shapes[0])
    try:
        second = [tangent(tangent(g, {name: direction}), {name: direction}) for g in slopes]
    except NotDifferentiable:
        return False
    return all(polynomial_of(term).is_zero for term in second)


def _solve_for_data(batch: Batch, slopes: Sequence[Term], data: Sequence[str]) -> Batch:
    """The least-change solution of `gradients = 0` in the data, by least squares for each instance.

    A second step removes the rounding of the first, which is large where the data were far larger than the solution.
    """
    value, jacobian = linearized(batch, slopes, data)
    usable = np.all(np.isfinite(jacobian), axis=(-2, -1))
    inverse = np.linalg.pinv(np.where(usable[:, None, None], jacobian, 0.0), rcond=1e-12)
    for _ in range(2):
        finite = usable & np.all(np.isfinite(value), axis=-1)
        batch = moved(batch, data, -(inverse @ np.where(finite[:, None], value, 0.0)[..., None])[..., 0])
        value = values_of(batch, slopes)
    return batch
