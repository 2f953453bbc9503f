"""Minimizers of `f(X) + λ‖X‖_*` by proximal gradient steps, with a duality gap that needs no trust in the solver.

Main definitions: `nuclear_minimizer`, `duality_gap`.

References: FISTA with adaptive restart (Beck & Teboulle 2009; O'Donoghue & Candès 2015). The gap is Fenchel's for
`min_X h(Z(W₀ + X)) + λ‖X‖_*`: every Θ with `‖ZᵀΘ‖_op ≤ λ` gives the lower bound `−h*(Θ) + ⟨Θ, ZW₀⟩`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.language.terms import make, symbol
from verify.points.data.digits import Problem, logit_loss
from verify.points.data.polish import value_and_gradient
from verify.points.data.problem import DataProblem

Array = Any


def slope_of(problem: DataProblem, update: Array) -> tuple[float, Array]:
    """`f(X)` and `∇f(X)`, both from the derived formulas."""
    point = symbol("X", problem.loss.shape)
    loss = make("smooth", point, payload=(problem.loss,))
    value, slope = value_and_gradient(loss, (point,), problem.batch({"X": update}))
    return value, slope.reshape(update.shape)


def shrunk(matrix: Array, amount: float) -> Array:
    """Every singular value reduced by `amount`, those below it to exactly 0."""
    u, sizes, vt = np.linalg.svd(matrix, full_matrices=False)
    return (u * np.maximum(sizes - amount, 0.0)) @ vt


def nuclear_minimizer(problem: DataProblem, weight: float, tolerance: float = 1e-12, steps: int = 5000) -> tuple[Array, int]:
    """A minimizer of `f + weight·‖·‖_*` from X = 0, and the number of steps taken.

    Stops when a step changes X by less than `tolerance` relative to X.
    """
    step = 1.0 / problem.curvature
    current = np.zeros((problem.dims["m"], problem.dims["n"]))
    ahead, momentum = current, 1.0
    for taken in range(steps):
        _, slope = slope_of(problem, ahead)
        new = shrunk(ahead - step * slope, weight * step)
        moved = new - current
        if np.sum((ahead - new) * moved) > 0:
            momentum = 1.0
        larger = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        ahead, momentum, current = new + (momentum - 1.0) / larger * moved, larger, new
        if np.linalg.norm(moved) <= tolerance * np.linalg.norm(new):
            return current, taken + 1
    return current, steps


def duality_gap(problem: Problem, weight: float, update: Array) -> float:
    """An upper bound on `F(X) − min F`, relative to F(X), for `F = f + weight·‖·‖_*`; rounding can make it `−1e-16`.

    The dual point is `Θ = t∇h` at X's logits, `t = min(1, λ/‖Zᵀ∇h‖_op)`: then `NΘ + Y` is a probability in every row, and
    `h*(Θ) = (1/N)Σ u log u` with `u = NΘ + Y` (h as a function of the logits `Z(W₀ + X)`).
    """
    loss, logits = logit_loss(problem.loss, problem.count)
    own = {logits.payload[0]: problem.images @ (problem.weights + update)}
    value, flat = value_and_gradient(loss, (logits,), problem.batch(own))
    residual = flat.reshape(problem.labels.shape)
    size = float(np.linalg.norm(problem.images.T @ residual, 2))
    dual = residual * min(1.0, weight / size)
    chances = problem.count * dual + problem.labels
    safe = np.where(chances > 0, chances, 1.0)
    conjugate = float(np.sum(safe * np.log(safe))) / problem.count
    primal = value + weight * float(np.sum(np.linalg.svd(update, compute_uv=False)))
    bound = float(np.sum(dual * (problem.images @ problem.weights))) - conjugate
    return (primal - bound) / abs(primal)
