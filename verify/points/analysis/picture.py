"""A picture of one landscape run: singular values of X at the end, against the threshold of Theorem C.

Main definitions: `Landscape`, `landscape`, `draw`. `python -m verify.points.analysis.picture FILE` draws it (extra `plots`).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.losses.families import FAMILIES
from verify.losses.problem import Problem
from verify.losses.spurious import plant_spurious
from verify.points import Start, Status, find
from verify.points.analysis.drawing import draw_from_command_line

Array = Any


@dataclass(frozen=True)
class Landscape:
    """Second-order points of strongly convex quadratics.

    Attributes:
        relative: singular values of X in units of `(α/β)σ_{r⋆}(X⋆)`, `(count, r)`.
        spurious: whether X ≠ X⋆, `(count,)`.
        lost: starts that did not end at a second-order point.
    """

    relative: Array
    spurious: Array
    lost: int


def landscape(seed: int = 0, count: int = 150) -> Landscape:
    """Points of random quadratics (m = 5, n = 4, r = 2, κ = 10) and of planted spurious ones, λ = 0.05.

    By Theorem C.2 every singular value of a spurious point is at least 1 in these units (theory §4).
    """
    rng = np.random.default_rng(seed)
    drawn = FAMILIES["quadratic"].sample(rng, count, m=5, n=4, r=2, decay=0.05, star_rank=1, spectrum=(1.0, 10.0))
    planted = plant_spurious(rng, count, 5, 4, 2, np.full(count, 0.05))
    (a, b), *_ = planted.problem.pairs
    parts = [
        _measure(drawn, Start.LARGE, seed),
        _measure(planted.problem, Start.ZERO, seed),
        _measure(planted.problem, {a.payload[0]: planted.left, b.payload[0]: planted.right}, seed),
    ]
    return Landscape(
        np.concatenate([p.relative for p in parts]),
        np.concatenate([p.spurious for p in parts]),
        sum(p.lost for p in parts),
    )


def _measure(problem: Problem, starts: Any, seed: int) -> Landscape:
    points = find(problem, starts, seed=seed)
    good = np.flatnonzero(points.status == Status.SECOND_ORDER)
    (a, b), *_ = problem.pairs
    update = points.arrays[a.payload[0]][good] @ np.swapaxes(points.arrays[b.payload[0]][good], -1, -2)
    assert problem.star is not None
    assert problem.alpha is not None
    assert problem.beta is not None
    star = problem.star[good]
    sizes = np.linalg.svd(star, compute_uv=False)
    rank = np.sum(sizes > 1e-9 * sizes[:, :1], axis=1)
    smallest = np.take_along_axis(sizes, rank[:, None] - 1, axis=1)[:, 0]
    threshold = problem.alpha[good] / problem.beta[good] * smallest
    r = points.arrays[a.payload[0]].shape[-1]
    values = np.linalg.svd(update, compute_uv=False)[:, :r]
    spurious = np.linalg.norm(update - star, axis=(1, 2)) > 1e-6 * np.linalg.norm(star, axis=(1, 2))
    return Landscape(values / threshold[:, None], spurious, len(points.status) - len(good))


def draw(found: Landscape, path: str) -> None:
    """Write the picture as PNG, SVG or PDF, by the file's ending.

    Raises:
        ImportError: if matplotlib is not installed (extra `plots`).
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    plot(found, axes)
    figure.savefig(path, dpi=140, metadata={"Date": None} if path.endswith(".svg") else None)
    plt.close(figure)


def plot(found: Landscape, axes: Any) -> None:
    """Draw on a matplotlib axes."""
    index = np.arange(1, found.relative.shape[1] + 1)
    rng = np.random.default_rng(0)
    groups = ((~found.spurious, "o", "#3b6fb6", "X = X⋆", -0.12), (found.spurious, "^", "#c0392b", "spurious", 0.12))
    for members, marker, colour, label, shift in groups:
        values = np.maximum(found.relative[members], 1e-3)
        places = index + shift + rng.uniform(-0.08, 0.08, values.shape)
        axes.scatter(places, values, s=14, marker=marker, color=colour, alpha=0.5, label=f"{label} ({members.sum()})")
    axes.axhline(1.0, color="black", linewidth=1, linestyle="--", label="Theorem C.2: (α/β)σ_{r⋆}(X⋆)")
    axes.set_yscale("log")
    axes.set_xticks(index)
    axes.set_xlabel("index i of the singular value")
    axes.set_ylabel("σ_i(X) / ((α/β) σ_{r⋆}(X⋆)), at least 0.001")
    axes.set_title("Second-order points: low rank, or full rank and large")
    axes.legend(frameon=False)


if __name__ == "__main__":
    sys.exit(draw_from_command_line(lambda path: draw(landscape(), path), "verify.points.analysis.picture"))
