"""LoRA problems on real data, solved: trained from zero or large initialization, then polished; and X⋆ by itself.

Main definitions: `trained_point`, `target_point`, `problem_of`, `lora_loss`.

Implementation notes
    `digits` (see `points.data.digits`): the weight decay is 0.13, chosen by measurement so that the minimizer X⋆ of
    `f + λ‖·‖_*` has rank 3, clearly: σ(X⋆) = 2.14, 1.08, 0.27 and σ(∇f(X⋆))/λ = 1, 1, 1, 0.956, 0.62, … (rank X⋆ is 2 at
    λ = 0.145, 3 from 0.14 to 0.125, 4 from 0.12 to 0.1, 5 at 0.08). So LoRA rank 4 ends on the rank-deficient branch
    (Theorem A) and rank 2 on the full-rank branch with X ≠ X⋆ (Theorem B, which needs no r⋆ ≤ r).
    `cancer` and `network` likewise: see their modules. X⋆ comes from proximal gradient steps and Newton on its own factor
    pair of rank X⋆; the trained point never enters.

References: theory §0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch, instantiate
from verify.language.settings import lora
from verify.language.terms import Term
from verify.language.translate import term_of
from verify.points.data.cancer import cancer_problem
from verify.points.data.digits import digits_problem
from verify.points.data.network import network_problem
from verify.points.data.polish import curvature_off_gauge, descend, gauge_directions, newton, stacked, value_and_gradient
from verify.points.data.problem import DataProblem
from verify.points.data.proximal import nuclear_minimizer, slope_of

Array = Any
RANKS = {"digits": (4, 2), "cancer": (3, 1), "network": (5, 2)}
"""LoRA ranks above and below the rank of X⋆."""
SPREAD = 1e-2
"""Standard deviation of the entries of A at the start; B starts at 0."""
LARGE = 2.0
"""Standard deviation of the entries of both factors at a large start."""
SEED = 20250209
_RANK_CUT = 1e-9
_ROUNDING = 1e-15


@dataclass(frozen=True, eq=False)
class Target:
    """X⋆ with its witness `S = −∇f(X⋆)/λ`, both `(m, n)`, and what was measured about them."""

    point: Array
    witness: Array
    rank: int
    steps: int
    raw_gap: float | None
    gap: float | None
    pairing_error: float


@dataclass(frozen=True, eq=False)
class Trained:
    """The trained pair `(m, r)`, `(n, r)` and what was measured about it."""

    first: Array
    second: Array
    residual: float
    lowest: float
    highest: float
    gauge: int


_PROBLEMS: dict[str, Callable[[], DataProblem]] = {
    "digits": digits_problem,
    "cancer": cancer_problem,
    "network": network_problem,
}


def problem_of(name: str) -> DataProblem:
    """The problem behind a data set's name."""
    return _PROBLEMS[name]()


def lora_loss(problem: DataProblem) -> tuple[Term, tuple[Term, Term]]:
    """The LoRA loss of `lora()` with f replaced by the data loss, and its variables A and B."""
    setting = lora()
    loss = instantiate(term_of(setting.L), {problem.loss.name: problem.loss})
    return loss, (term_of(setting.A), term_of(setting.B))


@lru_cache(maxsize=8)
def target_point(name: str = "digits") -> Target:
    """X⋆ of a data set: proximal gradient from 0, then Newton on a factor pair of its own rank."""
    problem = problem_of(name)
    weight = float(problem.decay)
    # Newton does the rest; without a duality gap to reach, the rank is all that the proximal steps have to find.
    found, steps = nuclear_minimizer(problem, weight, 1e-12 if problem.convex else 1e-6)
    rank = rank_of(found)
    u, sizes, vt = np.linalg.svd(found, full_matrices=False)
    roots = np.sqrt(sizes[:rank])
    pair = problem.batch({"A": u[:, :rank] * roots, "B": vt[:rank].T * roots, "λ": weight}, r=rank)
    pair, _ = _polished(problem, pair)
    point = pair.values["A"][0] @ pair.values["B"][0].T
    witness = -slope_of(problem, point)[1] / weight
    nuclear = float(np.sum(np.linalg.svd(point, compute_uv=False)))
    pairing = abs(float(np.sum(witness * point)) - nuclear) / nuclear
    raw_gap, gap = (problem.gap(weight, x) for x in (found, point))
    return Target(point, witness, rank, steps, raw_gap, gap, pairing)


@lru_cache(maxsize=16)
def trained_point(rank: int, name: str = "digits", init: str = "zero") -> Trained:
    """A second-order point from A Gaussian with standard deviation `SPREAD`, B = 0, or from large Gaussian factors."""
    problem = problem_of(name)
    rng = np.random.default_rng(SEED)
    rows, cols = problem.dims.values()
    first, second = rng.standard_normal((rows, rank)), rng.standard_normal((cols, rank))
    spread, other = (SPREAD, 0.0) if init == "zero" else (LARGE, LARGE)
    start = {"A": spread * first, "B": other * second, "λ": float(problem.decay)}
    loss, variables = lora_loss(problem)
    pair, residual = _polished(problem, descend(loss, variables, problem.batch(start, r=rank), 1e-9))
    lowest, highest, gauge = curvature_off_gauge(loss, variables, pair)
    return Trained(pair.values["A"][0], pair.values["B"][0], residual, lowest, highest, gauge)


def _polished(problem: DataProblem, pair: Batch) -> tuple[Batch, float]:
    """Newton to rounding level; the residual is `‖∇L‖ / (λ‖(A, B)‖)`."""
    loss, variables = lora_loss(problem)
    size = float(problem.decay) * float(np.linalg.norm(stacked(variables, pair)))
    pair = newton(loss, variables, pair, gauge_directions, _ROUNDING * size)
    return pair, float(np.linalg.norm(value_and_gradient(loss, variables, pair)[1])) / size


def rank_of(matrix: Array) -> int:
    """The number of singular values above 1e-9 of the largest: the points are solved to rounding level."""
    sizes = np.linalg.svd(matrix, compute_uv=False)
    return int(np.sum(sizes > _RANK_CUT * sizes[0]))
