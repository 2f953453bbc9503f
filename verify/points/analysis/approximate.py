"""Both sides of A_ε and B_ε along training runs on real data, computed from the theory's own formulas (theory §8).

Main definitions: `Sides`, `sides_along`, `draw`. `python -m verify.points.analysis.approximate FILE` draws them (extras
`plots`, `data`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.language.sources import DATASETS, INITIALIZATIONS, Training, training
from verify.points.analysis.drawing import draw_from_command_line
from verify.points.data.digits import one_thread
from verify.points.data.problem import DataProblem, bend_of
from verify.points.data.proximal import slope_of
from verify.points.data.runs import lowest_curvatures, run_of
from verify.points.data.solved import RANKS, lora_loss, problem_of, target_point

Array = Any
STEPS = {"digits": 120, "cancer": 120, "network": 200}
"""Steps of descent in the picture."""


@dataclass(frozen=True, eq=False)
class Sides:
    """At every state of a run, `(count,)` each.

    Attributes:
        error: `ε = ‖∇L‖_F`.
        gamma: `γ = (−λ_min(∇²L))_+`.
        value_gap: the left side of A_ε at Y = X⋆, `L − F(X⋆)`; a theorem where f is convex.
        pairing: `α_pair‖X − X⋆‖²`, the left side of B_ε.
        distance_bound: its right side with `‖P_LX⋆P_R‖_*` (X⋆ stationary to rounding, so that T = 0).
        coarse_bound: with `‖X⋆‖_*` instead; also the right side of A_ε.
    """

    error: Array
    gamma: Array
    value_gap: Array
    pairing: Array
    distance_bound: Array
    coarse_bound: Array


def sides_along(source: Training) -> Sides:
    """Measure every state of a run."""
    problem, run, target = problem_of(source.name), run_of(source), target_point(source.name)
    weight = float(problem.decay)
    loss, variables = lora_loss(problem)
    states = replace(problem.batch({"λ": weight}, r=source.rank), count=len(run.times))
    values = {n: np.broadcast_to(v, (states.count, *v.shape[1:])) for n, v in states.values.items()}
    gamma = np.maximum(-lowest_curvatures(loss, variables, replace(states, values={**values, **run.points})), 0.0)
    value_at_target, slope_at_target = slope_of(problem, target.point)
    nuclear = _nuclear(target.point)
    rows = []
    for a, b, low in zip(run.points["A"], run.points["B"], gamma, strict=True):
        slope = slope_of(problem, a @ b.T)[1]
        bend = max(low + _bend(problem, a, b, slope), 0.0)
        left, sizes, right = np.linalg.svd(slope, full_matrices=False)
        above = sizes > weight
        seen = _nuclear(left[:, above].T @ target.point @ right[above].T)
        rows.append((np.sum((slope - slope_at_target) * (a @ b.T - target.point)), bend * seen, bend * nuclear))
    pairing, fine, coarse = np.array(rows).T
    slack = run.slopes * np.sqrt(2 * run.penalties) / 2
    value_gap = run.losses - value_at_target - weight * nuclear
    return Sides(run.slopes, gamma, value_gap, pairing, slack + fine, slack + coarse)


def _nuclear(matrix: Array) -> float:
    return float(np.sum(np.linalg.svd(matrix, compute_uv=False))) if matrix.size else 0.0


def _bend(problem: DataProblem, a: Array, b: Array, slope: Array) -> float:
    """`½H[D_z, D_z]` with (u, v) the top pair of G and z the last right singular vector of `[A; B]`."""
    u, _, vt = np.linalg.svd(slope, full_matrices=False)
    z = np.linalg.svd(np.concatenate([a, b]), full_matrices=False)[2][-1]
    return bend_of(problem, a @ b.T, np.outer(a @ z, vt[0]) - np.outer(u[:, 0], b @ z)) / 2


def draw(path: str, steps: Mapping[str, int] = STEPS) -> None:
    """Write the picture of all runs as PNG, SVG or PDF, by the file's ending.

    From zero the LoRA rank is above that of X⋆: the bounds go to 0 with ε, as in Theorem A. From large factors it is below.

    Raises:
        ImportError: if matplotlib or scikit-learn is not installed (extras `plots`, `data`).
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(15, 7.5), layout="constrained", sharex="col")
    with one_thread():
        for column, name in enumerate(DATASETS):
            for row, (init, rank) in enumerate(zip(INITIALIZATIONS, RANKS[name], strict=True)):
                source = training(name, rank=rank, init=init, steps=steps[name])
                _plot(sides_along(source), axes[row, column], convex=problem_of(name).convex)
                axes[row, column].set_title(f"{problem_of(name).title}, {init} start, r = {rank}")
            axes[1, column].set_xlabel("step of gradient descent with line search")
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.endswith(".svg") else None)
    plt.close(figure)


def _plot(sides: Sides, panel: Any, *, convex: bool) -> None:
    if convex:
        panel.plot(sides.value_gap, color="#2e8b57", label="A_ε: L − F(X⋆)")
    panel.plot(sides.pairing, color="#c0392b", label="B_ε: α_pair‖X−X⋆‖²")
    panel.plot(sides.distance_bound, color="#c0392b", linestyle="--", label="B_ε: its bound")
    panel.plot(sides.coarse_bound, color="#2e8b57", linestyle="--", label="bound of A_ε; of B_ε with ‖X⋆‖_*")
    panel.plot(sides.error, color="#999999", linewidth=1, label="ε = ‖∇L‖")
    panel.plot(
        np.where(sides.gamma > 0, sides.gamma, np.nan), color="#999999", linewidth=1, linestyle=":", label="γ = (−λ_min)_+"
    )
    panel.set_yscale("log")
    panel.set_ylim(bottom=1e-8)


if __name__ == "__main__":
    sys.exit(draw_from_command_line(draw, "verify.points.analysis.approximate", ("plots", "data")))
