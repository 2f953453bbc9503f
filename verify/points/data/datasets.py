"""Real-data instances: a LoRA problem trained from zero or large initialization and polished to a second-order point.

Main definitions: `batch_for`, `on_data`, `DatasetInstance`, `problem_of`.

Implementation notes
    `digits` (see `points.data.digits`): the weight decay is 0.13, chosen by measurement so that the minimizer X⋆ of
    `f + λ‖·‖_*` has rank 3, clearly: σ(X⋆) = 2.14, 1.08, 0.27 and σ(∇f(X⋆))/λ = 1, 1, 1, 0.956, 0.62, … (rank X⋆ is 2 at
    λ = 0.145, 3 from 0.14 to 0.125, 4 from 0.12 to 0.1, 5 at 0.08). So LoRA rank 4 ends on the rank-deficient branch
    (Theorem A) and rank 2 on the full-rank branch with X ≠ X⋆ (Theorem B, which needs no r⋆ ≤ r).
    `cancer` and `network` likewise: see their modules. X⋆ comes from proximal gradient steps and Newton on its own factor
    pair of rank X⋆; the trained point never enters.

References: theory §0, §3, §4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition, reduced
from verify.evaluation.batches import Batch, instantiate, instantiate_condition
from verify.evaluation.interpret import bind_dims
from verify.language.errors import NoSource, ShapeError
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.settings import lora
from verify.language.sources import Dataset
from verify.language.statements import Curvature
from verify.language.terms import Dim, Term
from verify.language.translate import term_of
from verify.points.data.cancer import cancer_problem
from verify.points.data.digits import digits_problem
from verify.points.data.network import network_problem
from verify.points.data.polish import curvature_off_gauge, descend, gauge_directions, newton, stacked, value_and_gradient
from verify.points.data.problem import DataProblem, bend_of
from verify.points.data.proximal import nuclear_minimizer, slope_of
from verify.points.sources.binding import renamed

Array = Any
SPREAD = 1e-2
"""Standard deviation of the entries of A at the start; B starts at 0."""
LARGE = 2.0
"""Standard deviation of the entries of both factors at a large start."""
SEED = 20250209
_RANK_CUT = 1e-9
_ROUNDING = 1e-15


@dataclass(frozen=True, eq=False)
class DatasetInstance:
    """One polished point.

    Attributes:
        batch: a batch of one with A, B, λ, X⋆, S, the loss f and its data.
        facts: what was measured, for people, the most telling first.
        branch: `rank-deficient branch` or `full-rank branch`.
        key: the same for claims that see the same instance.
    """

    batch: Batch
    facts: tuple[str, ...]
    branch: str
    key: tuple[Any, ...]


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


def batch_for(formula: Formula) -> DatasetInstance:
    """The instance of a formula's data set, with values for exactly the formula's kind of variables.

    Raises:
        NoSource: if the formula has a variable or a size that the data set does not fix.
    """
    source = formula.source
    if not isinstance(source, Dataset):
        raise NoSource(f"{source} is not a data set")
    problem = problem_of(source.name)
    target, trained = target_point(source.name), trained_point(source.rank, source.name, source.init)
    values = {"A": trained.first[None], "B": trained.second[None], **fixed_values(problem, target)}
    batch = on_data(formula, problem, values, frozenset())
    deficient = _rank(trained.first @ trained.second.T) < source.rank
    branch = f"{'rank-deficient' if deficient else 'full-rank'} branch"
    return DatasetInstance(batch, _facts(problem, target, trained), branch, (source, *sorted(batch.dims.items())))


def fixed_values(problem: DataProblem, target: Target) -> dict[str, Array]:
    """X⋆, S and λ of a data set, each with a leading axis of one."""
    return {"X⋆": target.point[None], "S": target.witness[None], "λ": np.array([float(problem.decay)])}


def on_data(formula: Formula, problem: DataProblem, values: dict[str, Array], computed: frozenset[str]) -> Batch:
    """Instances of a formula with the data's loss as its function.

    Args:
        formula: the claim.
        problem: the data.
        values: of the variables, all with the same leading axis or one of length 1.
        computed: names of variables that the caller computes later.

    Raises:
        NoSource: if the formula has a variable or a size that the data set does not fix.
    """
    for name in formula.variables:
        if name not in values and name not in computed and name not in formula.functions():
            raise NoSource(f"the data set has no value for {name}")
    for name in formula.functions():
        if name != problem.loss.name:
            raise NoSource(f"the data set has no function {name}, only {problem.loss.name}")
    for name, domain in formula.scalars().items():
        if name == "λ" and not domain.contains(problem.decay):
            raise NoSource(f"the data set's {name} = {float(problem.decay)} lies outside {domain.text(name)}")
    functions = {name: _renamed(problem.loss, f) for name, f in formula.functions().items()}
    dims = _dims(formula, {n: v.shape[1:] for n, v in values.items()}, problem, computed)
    count = max(len(v) for v in values.values())
    full = {n: np.broadcast_to(v, (count, *v.shape[1:])) for n, v in {**values, **problem.values()}.items()}
    assured = _convexity(formula, functions) if problem.convex else frozenset()
    return Batch(dims, full, {}, functions, str(formula.source), count, assured)


def _convexity(formula: Formula, functions: dict[str, FunctionSymbol]) -> frozenset[Condition]:
    """The assumptions `convex(f)`: they hold by construction for a convex data loss."""
    kept = [s for s in formula.given if isinstance(s, Curvature) and s.kind == "convex" and s.function.body.op == "smooth"]
    return frozenset(instantiate_condition(reduced(s), functions) for s in kept)


def _dims(
    formula: Formula, sizes: dict[str, tuple[int, ...]], problem: DataProblem, computed: frozenset[str]
) -> dict[str, int]:
    shapes = {name: shape for name, shape in formula.matrices().items() if shape and name not in computed}
    shapes |= {f"the argument of {name}": f.shape for name, f in formula.functions().items()}
    known = sizes | {name: tuple(problem.dims.values()) for name in shapes if name not in sizes}
    try:
        dims = bind_dims(shapes, known)
    except ShapeError as error:
        raise NoSource(f"the data set has other sizes: {error}") from None
    for dim in formula.dims:
        if dim not in dims:
            raise NoSource(f"the data set has no value for the size {dim}")
    return dims


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
    found, steps = nuclear_minimizer(problem, weight, 1e-12 if problem.gap(weight, _nothing(problem)) is not None else 1e-6)
    rank = _rank(found)
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


def _rank(matrix: Array) -> int:
    sizes = np.linalg.svd(matrix, compute_uv=False)
    return int(np.sum(sizes > _RANK_CUT * sizes[0]))


def _facts(problem: DataProblem, target: Target, trained: Trained) -> tuple[str, ...]:
    update = trained.first @ trained.second.T
    excess = float(np.linalg.norm(slope_of(problem, update)[1], 2)) / float(problem.decay)
    distance = float(np.linalg.norm(update - target.point) / np.linalg.norm(target.point))
    sizes = np.linalg.svd(update, compute_uv=False)
    gap = "no lower bound (f not convex)" if target.gap is None else f"duality gap {abs(target.gap):.0e}"
    return (
        f"{problem.title}, N={problem.count}",
        f"λ={float(problem.decay):g}",
        f"rank X = {_rank(update)} of {trained.first.shape[1]}",
        f"rank X⋆ = {target.rank}",
        f"effective rank {float(np.sum(sizes) ** 2 / np.sum(sizes**2)):.3g}",
        gap,
        f"‖X−X⋆‖/‖X⋆‖ = {distance:.1e}",
        *_terms(problem, target, update, trained.first.shape[1]),
        f"‖∇L‖/(λ‖(A,B)‖) = {trained.residual:.0e}",
        f"λ_min = {trained.lowest:.1e} off {trained.gauge} gauge directions",
        f"‖G‖_op/λ = {excess:.6g}",
        f"accuracy {problem.accuracy(np.zeros_like(update)):.3f} → {problem.accuracy(update):.3f}",
        f"X⋆ from {target.steps} proximal steps, then Newton",
        f"⟨S,X⋆⟩ = ‖X⋆‖_* to {target.pairing_error:.0e}",
    )


def _terms(problem: DataProblem, target: Target, update: Array, r: int) -> tuple[str, ...]:
    """The terms of Theorem B where it speaks: α_pair, β_dir and every bound of the pairing (theory §4)."""
    gap = update - target.point
    if _rank(update) < r or r >= min(update.shape) or np.linalg.norm(gap) <= 1e-9 * np.linalg.norm(target.point):
        return ()
    slope, other = slope_of(problem, update)[1], slope_of(problem, target.point)[1]
    weight = float(problem.decay)
    u, sizes, vt = np.linalg.svd(update)
    left, right = u[:, r:], vt[r:].T
    inside = left.T @ slope @ right
    a, excess, bt = np.linalg.svd(inside)
    block = left.T @ target.point @ right
    over = np.maximum(excess - weight, 0.0)
    top = (left @ a[:, : len(over)] * -over) @ (right @ bt[: len(over)].T).T
    curve = np.outer(u[:, r - 1], right @ bt[0]) - np.outer(left @ a[:, 0], vt[r - 1])
    beta = bend_of(problem, update, curve) / 2
    pairing = float(np.sum((slope - other) * gap))
    nuclear = float(np.sum(np.linalg.svd(block, compute_uv=False)))
    terms = (pairing, float(np.sum(top * target.point)), float(over[0]) * nuclear, max(beta, 0.0) * sizes[r - 1] * nuclear)
    chain = " ≤ ".join(f"{x:.4g}" for x in terms)
    return (f"α_pair = {pairing / float(np.sum(gap * gap)):.4g}", f"β_dir = {beta:.4g}", f"Theorem B {chain}")


_PROBLEMS: dict[str, Callable[[], DataProblem]] = {
    "digits": digits_problem,
    "cancer": cancer_problem,
    "network": network_problem,
}


def problem_of(name: str) -> DataProblem:
    """The problem behind a data set's name."""
    return _PROBLEMS[name]()


def _nothing(problem: DataProblem) -> Array:
    return np.zeros(tuple(problem.dims.values()))


def _renamed(loss: FunctionSymbol, wanted: FunctionSymbol) -> FunctionSymbol:
    """The data loss with the claim's names for the sizes; its data keep their names."""
    assert loss.body is not None
    sizes: dict[Dim, Dim] = dict(zip(loss.shape, wanted.shape, strict=True))
    body = renamed(loss.body, lambda d: sizes.get(d, d), lambda name: name)
    return FunctionSymbol(wanted.name, wanted.shape, body)
