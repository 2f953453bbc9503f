"""One loss with both outcomes: zero initialization ends low-rank and small, a large one ends full-rank and large.

Main definitions: `Outcome`, `both_outcomes`, `early_growth`, `draw`. `python -m verify.points.analysis.experiment FILE` draws
the picture (extra `plots`).

The loss is a strongly convex quadratic with κ = 37 on 6×6 matrices, r = 3, and X⋆ of rank 1 (theory §4, Theorem D: σ_r(X) ≤
(κ−1)/(2√(κρ)) ‖X⋆‖_op allows a spurious point larger than X⋆). The large start lies in the sublevel set of a strict
spurious point, so that gradient flow cannot leave (theory §6).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.losses.extremal import extremal
from verify.losses.families import FAMILIES
from verify.losses.problem import Problem
from verify.points.analysis.drawing import draw_from_command_line
from verify.points.analysis.training import Run, flow, growth_rates
from verify.points.finder.finder import find
from verify.points.finder.result import Status

Array = Any
DECAY = 0.05
_SIZES = (6, 6, 3, 1)
_RATIO, _SHARE = 1.5, 0.5


@dataclass(frozen=True, eq=False)
class Outcome:
    """One run and the second-order point that it ends at.

    Attributes:
        run: the flow.
        update: the polished X, `(m, n)`.
        second_order: whether the finder confirmed the end as a second-order point.
        moved: the distance between the flow's end and the polished point, relative.
    """

    run: Run
    update: Array
    second_order: bool
    moved: float

    @property
    def rank(self) -> int:
        """The rank of the polished update: singular values that ∇f puts at λ exactly vanish slowly (cut at 1e-6)."""
        return int(np.linalg.matrix_rank(self.update, 1e-6 * np.linalg.norm(self.update, 2)))


@dataclass(frozen=True, eq=False)
class Experiment:
    """Both runs on one problem, with its X⋆."""

    problem: Problem
    zero: Outcome
    large: Outcome

    @property
    def star(self) -> Array:
        """X⋆, `(m, n)`."""
        assert self.problem.star is not None
        return self.problem.star[0]


def both_outcomes(seed: int = 0) -> Experiment:
    """Train one loss from A Gaussian, B = 0, and from near its spurious point."""
    planted = extremal(np.array([1.0]), np.array([_RATIO]), np.array([_SHARE]), np.array([1.5]), _SIZES, np.array([DECAY]))
    rng = np.random.default_rng(seed)
    m, n, r, _ = _SIZES
    zero = {"A": rng.standard_normal((m, r)) / np.sqrt(r), "B": np.zeros((n, r))}
    shake = 0.05 * rng.standard_normal((m + n, r))
    large = {"A": planted.left[0] + shake[:m], "B": planted.right[0] + shake[m:]}
    return Experiment(planted.problem, *(_trained(planted.problem, start) for start in (zero, large)))


def _trained(problem: Problem, start: dict[str, Array]) -> Outcome:
    batch = _placed(problem, start)
    times = np.concatenate([[0.0], np.geomspace(1e-2, 2e3, 160)])
    run = flow(problem.loss, problem.variables, batch, times)
    ends = {name: values[-1:] for name, values in run.points.items()}
    points = find(problem, ends)
    update = points.arrays["A"][0] @ points.arrays["B"][0].T
    moved = float(np.linalg.norm(update - run.updates[-1]) / np.linalg.norm(update))
    return Outcome(run, update, bool(points.status[0] == Status.SECOND_ORDER), moved)


def _placed(problem: Problem, values: dict[str, Array]) -> Batch:
    return problem.batch({name: value[None] for name, value in values.items()})


def early_growth(seed: int = 0, size: float = 1e-6) -> tuple[Array, Array, Array]:
    """Predicted and measured growth rates of a factorization with σ(M) = 2, 1.5, 1, 0.5, 0.1, and when each mode appears.

    Returns:
        `σ_i − λ`, the measured rates of the factor modes, and the time at which σ_i(X) first reaches half its final value
        (not a number for modes that die).
    """
    rng = np.random.default_rng(seed)
    problem = FAMILIES["factorization"].sample(rng, 1, m=6, n=5, r=5, decay=0.25, star_rank=None)
    left, right = (np.linalg.qr(rng.standard_normal((k, 5)))[0] for k in (6, 5))
    target = (left * np.array([2.0, 1.5, 1.0, 0.5, 0.1])) @ right.T
    problem = replace(problem, data={**problem.data, "M": target[None]})
    start = {"A": size * rng.standard_normal((6, 5)), "B": np.zeros((5, 5))}
    batch = _placed(problem, start)
    early = flow(problem.loss, problem.variables, batch, np.linspace(2.0, 5.0, 40) - 2.0)
    settled = Run(early.times[20:], early.losses[20:], early.slopes[20:], {n: p[20:] for n, p in early.points.items()})
    predicted, measured = growth_rates(settled, -target, 0.25)
    whole = flow(problem.loss, problem.variables, batch, np.linspace(0.0, 250.0, 2000))
    sizes = np.einsum("tij,ik,jk->tk", whole.updates, left, right)
    alive = np.array([2.0, 1.5, 1.0, 0.5, 0.1]) > 0.25
    reached = np.argmax(sizes >= np.where(alive, sizes[-1], np.inf) / 2, axis=0)
    return predicted, measured, np.where(alive, whole.times[reached], np.nan)


def draw(found: Experiment, path: str) -> None:
    """Write the picture as PNG, SVG or PDF, by the file's ending.

    Raises:
        ImportError: if matplotlib is not installed (extra `plots`).
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(15, 3.8), layout="constrained")
    colours = ("#3b6fb6", "#c0392b", "#2e8b57")
    titles = ("zero initialization: low rank, small", "large initialization: full rank, large")
    for panel, outcome, title in zip(axes, (found.zero, found.large), titles, strict=False):
        values = outcome.run.singular_values[:, : _SIZES[2]]
        for i in range(values.shape[1]):
            panel.plot(outcome.run.times + 1e-2, np.maximum(values[:, i], 1e-8), color=colours[i], label=f"σ_{i + 1}(X)")
        panel.set(xscale="log", yscale="log", ylim=(1e-8, 10), xlabel="time of gradient flow", title=title)
        panel.legend(frameon=False)
    index = np.arange(1, min(_SIZES[:2]) + 1)
    ends = ((found.star, "X⋆"), (found.zero.update, "end from zero"), (found.large.update, "end from large"))
    for shift, (matrix, label), colour in zip((-0.25, 0.0, 0.25), ends, ("#999999", *colours[:2]), strict=True):
        axes[2].bar(index + shift, np.linalg.svd(matrix, compute_uv=False), 0.25, label=label, color=colour)
    axes[2].set(xlabel="i", title="singular values at the ends")
    axes[2].legend(frameon=False)
    predicted, measured, _ = early_growth()
    axes[3].plot(predicted, predicted, color="black", linewidth=1, label="predicted: σ_i(∇f(0)) − λ")
    axes[3].plot(predicted, measured, "o", color=colours[1], label="measured")
    axes[3].set(xlabel="predicted rate", ylabel="measured rate", title="early growth of the factor modes")
    axes[3].legend(frameon=False)
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.endswith(".svg") else None)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(draw_from_command_line(lambda path: draw(both_outcomes(), path), "verify.points.analysis.experiment"))
