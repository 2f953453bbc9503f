"""What is measured at a trained point of real data: the branch of the theory it is on and all terms of Theorem B.

Main definitions: `Measured`, `measured`, `facts`, `growth`.

References: theory §3 (Theorem A), §4 (Theorem B), §6 (early dynamics).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from verify.points.analysis.training import flow, growth_rates
from verify.points.data.problem import DataProblem, bend_of
from verify.points.data.proximal import slope_of
from verify.points.data.solved import SEED, Target, Trained, lora_loss, rank_of

Array = Any
_SAME = 1e-9
_SMALL, _GROWTH = 1e-6, 100.0


@dataclass(frozen=True)
class TheoremB:
    """At a full-rank point other than X⋆: `β_dir` and the four sides of Theorem B, each at most the next."""

    beta: float
    sides: tuple[float, float, float, float]


@dataclass(frozen=True)
class Measured:
    """A trained point, measured.

    Attributes:
        rank, adapter_rank: of X, and the LoRA rank r.
        effective_rank: `‖X‖_*² / ‖X‖_F²`.
        distance: `‖X − X⋆‖_F / ‖X⋆‖_F`.
        alpha: `α_pair`, None at X⋆, where it is 0/0.
        excess: `‖∇f(X)‖_op / λ`; at most 1 where Theorem A applies.
        theorem_b: what Theorem B says, where it says something: full rank below min(m, n), X ≠ X⋆.
        residual: `‖∇L‖ / (λ‖(A, B)‖)`.
        lowest, gauge: the smallest Hessian eigenvalue off the gauge directions, and their number.
        accuracy: fractions classified correctly before and after.
    """

    rank: int
    adapter_rank: int
    effective_rank: float
    distance: float
    alpha: float | None
    excess: float
    theorem_b: TheoremB | None
    residual: float
    lowest: float
    gauge: int
    accuracy: tuple[float, float]

    @property
    def branch(self) -> str:
        """`low rank` (Theorem A), `full rank, at X⋆`, or `loud`: full rank and not X⋆ (Theorem B)."""
        if self.rank < self.adapter_rank:
            return "low rank"
        return "full rank, at X⋆" if self.distance <= _SAME else "loud"


def measured(problem: DataProblem, target: Target, trained: Trained) -> Measured:
    """Measure a trained point."""
    update = trained.first @ trained.second.T
    sizes = np.linalg.svd(update, compute_uv=False)
    r = trained.first.shape[1]
    distance = float(np.linalg.norm(update - target.point) / np.linalg.norm(target.point))
    gap, slope = update - target.point, slope_of(problem, update)[1]
    pairing = float(np.sum((slope - slope_of(problem, target.point)[1]) * gap))
    speaks = rank_of(update) == r < min(update.shape) and distance > _SAME
    return Measured(
        rank_of(update),
        r,
        float(np.sum(sizes) ** 2 / np.sum(sizes**2)),
        distance,
        pairing / float(np.sum(gap * gap)) if distance > _SAME else None,
        float(np.linalg.norm(slope, 2)) / float(problem.decay),
        _theorem_b(problem, target, update, slope, pairing) if speaks else None,
        trained.residual,
        trained.lowest,
        trained.gauge,
        (problem.accuracy(np.zeros_like(update)), problem.accuracy(update)),
    )


def _theorem_b(problem: DataProblem, target: Target, update: Array, slope: Array, pairing: float) -> TheoremB:
    r = rank_of(update)
    u, sizes, vt = np.linalg.svd(update)
    left, right = u[:, r:], vt[r:].T
    inside = left.T @ slope @ right
    a, excess, bt = np.linalg.svd(inside)
    block = left.T @ target.point @ right
    over = np.maximum(excess - float(problem.decay), 0.0)
    top = (left @ a[:, : len(over)] * -over) @ (right @ bt[: len(over)].T).T
    curve = np.outer(u[:, r - 1], right @ bt[0]) - np.outer(left @ a[:, 0], vt[r - 1])
    beta = bend_of(problem, update, curve) / 2
    nuclear = float(np.sum(np.linalg.svd(block, compute_uv=False)))
    last = float(max(beta, 0.0) * sizes[r - 1] * nuclear)
    sides = (pairing, float(np.sum(top * target.point)), float(over[0]) * nuclear, last)
    return TheoremB(beta, sides)


def facts(problem: DataProblem, target: Target, found: Measured) -> tuple[str, ...]:
    """The measurements in words, the most telling first."""
    gap = "no lower bound (f not convex)" if target.gap is None else f"duality gap {abs(target.gap):.0e}"
    b = found.theorem_b
    terms = () if b is None else (f"α_pair = {found.alpha:.4g}", f"β_dir = {b.beta:.4g}", f"Theorem B {chain(b.sides)}")
    return (
        f"{problem.title}, N={problem.count}",
        f"λ={float(problem.decay):g}",
        f"rank X = {found.rank} of {found.adapter_rank}",
        f"rank X⋆ = {target.rank}",
        f"effective rank {found.effective_rank:.3g}",
        gap,
        f"‖X−X⋆‖/‖X⋆‖ = {found.distance:.1e}",
        *terms,
        f"‖∇L‖/(λ‖(A,B)‖) = {found.residual:.0e}",
        f"λ_min = {found.lowest:.1e} off {found.gauge} gauge directions",
        f"‖G‖_op/λ = {found.excess:.6g}",
        f"accuracy {found.accuracy[0]:.3f} → {found.accuracy[1]:.3f}",
        f"X⋆ from {target.steps} proximal steps, then Newton",
        f"⟨S,X⋆⟩ = ‖X⋆‖_* to {target.pairing_error:.0e}",
    )


def chain(sides: Sequence[float]) -> str:
    """The sides of Theorem B, `0.1 ≤ 0.2 ≤ 0.3 ≤ 0.4` where they are in order: a step that is not shows `>`."""
    text = f"{sides[0]:.4g}"
    for before, after in pairwise(sides):
        text += f" {'≤' if before <= after else '>'} {after:.4g}"
    return text


def growth(problem: DataProblem, rank: int) -> tuple[Array, Array]:
    """Early growth from LoRA's start, A Gaussian and small, B = 0: predicted `σ_i(∇f(0)) − λ`, and measured along the flow."""
    weight = float(problem.decay)
    rows, cols = problem.dims.values()
    first = np.random.default_rng(SEED).standard_normal((rows, rank))
    loss, variables = lora_loss(problem)
    batch = problem.batch({"A": _SMALL * first, "B": np.zeros((cols, rank)), "λ": weight}, r=rank)
    slope = slope_of(problem, np.zeros((rows, cols)))[1]
    fastest = float(np.linalg.norm(slope, 2)) - weight
    times = np.linspace(0.0, np.log(_GROWTH) / fastest, 30)
    return growth_rates(flow(loss, variables, batch, times, method="DOP853"), slope, weight)
