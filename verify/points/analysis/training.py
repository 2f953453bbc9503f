"""Training runs of one instance: gradient flow by an ODE solver, gradient descent with line search.

Main definitions: `Run`, `flow`, `descent`, `growth_rates`. All derivatives are the derived ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.language.terms import Term
from verify.points.data.polish import placed, stacked, value_and_gradient

Array = Any


@dataclass(frozen=True, eq=False)
class Run:
    """States along training.

    Attributes:
        times: of the flow, or step numbers of descent, `(count,)`.
        losses: L at each, `(count,)`.
        slopes: `‖∇L‖_F` at each, `(count,)`.
        points: the variables by name, `(count, rows, cols)`.
    """

    times: Array
    losses: Array
    slopes: Array
    points: dict[str, Array]

    @property
    def updates(self) -> Array:
        """`X = ABᵀ` at each state."""
        return self.points["A"] @ np.swapaxes(self.points["B"], -1, -2)

    @property
    def singular_values(self) -> Array:
        """σ(X) at each state, `(count, min(m, n))`."""
        return np.linalg.svd(self.updates, compute_uv=False)

    @property
    def penalties(self) -> Array:
        """`½(‖A‖² + ‖B‖²)` at each state."""
        return sum(np.sum(p * p, axis=(1, 2)) for p in self.points.values()) / 2


def flow(loss: Term, variables: Sequence[Term], batch: Batch, times: Array, method: str = "LSODA") -> Run:
    """Gradient flow from the batch's own values, seen at increasing times (SciPy's `solve_ivp`, relative accuracy 1e-9).

    Args:
        loss, variables: the loss and its matrices.
        batch: a batch of one.
        times: from 0 on, `(count,)`.
        method: of `solve_ivp`; an explicit one such as `DOP853` needs no Jacobian, which many unknowns make costly.

    Raises:
        ArithmeticError: if the solver does not reach the last time.
    """
    from scipy.integrate import solve_ivp

    def velocity(_: float, point: Array) -> Array:
        return -value_and_gradient(loss, variables, placed(variables, batch, point))[1]

    start = stacked(variables, batch)
    found = solve_ivp(velocity, (times[0], times[-1]), start, method=method, t_eval=times, rtol=1e-9, atol=1e-14)
    if not found.success:
        raise ArithmeticError(f"the flow stopped at time {found.t[-1]:g}: {found.message}")
    return _run(loss, variables, batch, times, list(found.y.T))


def descent(loss: Term, variables: Sequence[Term], batch: Batch, steps: int) -> Run:
    """Gradient descent with Armijo's line search (L decreases by at least 1e-4 of the predicted amount), from the batch.

    The first rate tried is Barzilai and Borwein's (IMA J. Numer. Anal. 1988) where the last step met positive curvature,
    and twice the last one elsewhere. The run ends before `steps` where no rate decreases L, at rounding level.
    """
    points = [stacked(variables, batch)]
    value, slope = value_and_gradient(loss, variables, batch)
    rate = 0.5
    for _ in range(steps):
        rate, predicted = 2 * rate, float(slope @ slope)
        while rate > 1e-14:
            trial = points[-1] - rate * slope
            new, ahead = value_and_gradient(loss, variables, placed(variables, batch, trial))
            if new < value and new <= value - 1e-4 * rate * predicted:
                break
            rate /= 2
        else:
            break
        points.append(trial)
        bend = float((trial - points[-2]) @ (ahead - slope))
        if bend > 0:
            rate = float(np.sum((trial - points[-2]) ** 2)) / bend / 2
        value, slope = new, ahead
    return _run(loss, variables, batch, np.arange(len(points)), points)


def _run(loss: Term, variables: Sequence[Term], batch: Batch, times: Array, points: Sequence[Array]) -> Run:
    states = [placed(variables, batch, p) for p in points]
    measured = [value_and_gradient(loss, variables, s) for s in states]
    named = {v.payload[0]: np.stack([s.values[v.payload[0]][0] for s in states]) for v in variables}
    return Run(np.asarray(times), np.array([m[0] for m in measured]), np.array([np.linalg.norm(m[1]) for m in measured]), named)


def growth_rates(run: Run, slope: Array, decay: float) -> tuple[Array, Array]:
    """Predicted and measured growth of the factor modes `Aᵀu_i + Bᵀv_i`, for the singular pairs of `−∇f(0)` (theory §6).

    Args:
        run: a flow from a small start, as long as it stays near the origin.
        slope: `∇f(0)`, `(m, n)`.
        decay: λ.

    Returns:
        `σ_i(∇f(0)) − λ`, and the slopes of the straight lines through `log ‖Aᵀu_i + Bᵀv_i‖`.
    """
    u, sizes, vt = np.linalg.svd(-slope, full_matrices=False)
    modes = np.swapaxes(run.points["A"], 1, 2) @ u + np.swapaxes(run.points["B"], 1, 2) @ vt.T
    logs = np.log(np.linalg.norm(modes, axis=1))
    return sizes - decay, np.polyfit(run.times, logs, 1)[0]
