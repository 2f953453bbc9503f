"""Training runs on real data: every state of a run as an instance, with what approximate points need.

Main definitions: `states_for`, `run_of`, `lowest_curvatures`.

Implementation notes
    A state is an exact second-order point of a tilted loss (theory §8): the tilts C, D balance the derived gradient, and
    `γ = (−λ_min)_+` comes from the eigenvalues of the Hessian derived from that very loss. The Hessian is the costly part;
    it is computed once for each run and loss.

References: theory §6, §8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.conditions import HessianSemidefinite
from verify.calculus.differentiate import expand
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.batches import Batch, instantiate, instantiate_condition
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.evaluation.zeros import symmetric_eigenvalues
from verify.language.errors import NoSource
from verify.language.formulas import Formula
from verify.language.settings import lora
from verify.language.sources import Training
from verify.language.statements import Stationary
from verify.language.terms import Term, make, number
from verify.language.translate import term_of
from verify.losses.problem import Problem
from verify.points.analysis.training import Run, descent, flow
from verify.points.data.datasets import DatasetInstance, fixed_values, on_data
from verify.points.data.solved import LARGE, SEED, lora_loss, problem_of, target_point
from verify.points.finder.lowering import lowered
from verify.points.sources.singular import singular_pairs, with_singular_vectors
from verify.points.sources.tilted import ridges, tilts, with_tilts

Array = Any
_FIRST_TIME, _LAST_TIME = 1e-2, 50.0


@lru_cache(maxsize=16)
def run_of(source: Training) -> Run:
    """The run behind a source; descent stops early where the line search finds no decrease."""
    problem = problem_of(source.name)
    rng = np.random.default_rng(SEED)
    rows, cols = problem.dims.values()
    first, second = rng.standard_normal((rows, source.rank)), rng.standard_normal((cols, source.rank))
    zero = source.init == "zero"
    spread, other = (1 / np.sqrt(source.rank), 0.0) if zero else (LARGE, LARGE)
    loss, variables = lora_loss(problem)
    batch = problem.batch({"A": spread * first, "B": other * second, "λ": float(problem.decay)}, r=source.rank)
    if source.method == "descent":
        return descent(loss, variables, batch, source.steps)
    times = np.concatenate([[0.0], np.geomspace(_FIRST_TIME, _LAST_TIME, source.steps)])
    return flow(loss, variables, batch, times, method="DOP853")


def states_for(formula: Formula) -> DatasetInstance:
    """Every state of the run that a formula's source names.

    Raises:
        NoSource: if the formula has a variable or a size that the run does not fix, or speaks of another process.
    """
    source = formula.source
    if not isinstance(source, Training):
        raise NoSource(f"{source} is not a training run")
    problem, run = problem_of(source.name), run_of(source)
    target = target_point(source.name)
    a, b = run.points["A"], run.points["B"]
    values = {"A": a, "B": b, "A0": a[:1], "Y": target.point[None], "z": _last_singular_vectors(a, b)}
    tilted = next((s for s in formula.given if isinstance(s, Stationary) and _is_tilted(s)), None)
    pairs = singular_pairs(formula)
    computed = {name for p in pairs for name in (p.left, p.right)}
    if tilted is not None:
        computed |= {t.datum for t in tilts(tilted).values()} | _unknown_ridge(tilted)
    batch = on_data(formula, problem, {**values, **fixed_values(problem, target)}, frozenset(computed))
    facts = [f"λ={float(problem.decay):g}", f"‖∇L‖ from {run.slopes[0]:.2g} to {run.slopes[-1]:.1e}"]
    if tilted is not None:
        batch = _approximate(batch, tilted, source)
        if _unknown_ridge(tilted):
            lowest = _lowest(batch, tilted, source)
            facts.append(f"−λ_min(∇²L) from {-lowest[0]:.2g} to {-lowest[-1]:.1e}")
    batch = with_singular_vectors(batch, formula)
    _require_process(formula, batch, source)
    branch = f"{batch.count} states"
    return DatasetInstance(batch, (problem.title, *facts), branch, (source, *sorted(batch.dims.items()), tilted, tuple(pairs)))


def _last_singular_vectors(a: Array, b: Array) -> Array:
    """The right singular vector of `[A; B]` for its smallest singular value, `(count, r, 1)`."""
    return np.linalg.svd(np.concatenate([a, b], axis=1), full_matrices=False)[2][:, -1, :, None]


def _is_tilted(statement: Stationary) -> bool:
    return statement.order == 2 and len(statement.variables) == 2 and bool(tilts(statement))


def _unknown_ridge(tilted: Stationary) -> set[str]:
    return {name for name in ridges(tilted) if name != "λ"}


def _approximate(batch: Batch, tilted: Stationary, source: Training) -> Batch:
    """The batch with γ and the tilts solved for; `∇²L ⪰ −γI` holds as γ is computed from that Hessian's eigenvalues."""
    names = _unknown_ridge(tilted)
    if not names:
        # Without a γ in the loss, whether its Hessian is semidefinite is read like any other assumption.
        return with_tilts(batch, tilted)
    gamma = np.maximum(-_lowest(batch, tilted, source), 0.0)
    batch = with_tilts(replace(batch, values={**batch.values, **dict.fromkeys(names, gamma)}), tilted)
    bounded = instantiate_condition(HessianSemidefinite(expand(tilted.loss), tilted.variables), batch.functions)
    return replace(batch, assured=batch.assured | {bounded})


_LOWEST: dict[tuple[Training, Stationary], Array] = {}


def _lowest(batch: Batch, tilted: Stationary, source: Training) -> Array:
    """`λ_min(∇²L)` at every state of a run, L the loss without its ridge and tilts."""
    key = (source, tilted)
    if key not in _LOWEST:
        loss = instantiate(expand(tilted.loss), batch.functions)
        _LOWEST[key] = lowest_curvatures(loss, tilted.variables, _bare(batch, tilted))
    return _LOWEST[key]


def _bare(batch: Batch, tilted: Stationary) -> Batch:
    """The batch at γ = 0 and without tilts."""
    nothing = {name: np.zeros(batch.count) for name in _unknown_ridge(tilted)}
    nothing |= {t.datum: np.zeros_like(batch.values[name]) for name, t in tilts(tilted).items()}
    return replace(batch, values={**batch.values, **nothing})


def lowest_curvatures(loss: Term, variables: Sequence[Term], batch: Batch) -> Array:
    """The smallest eigenvalue of a loss' Hessian in two factors A and B, at every instance, `(count,)`."""
    first, second = variables
    moving = {first.payload[0], second.payload[0]}
    data = {n: v for n, v in batch.values.items() if n not in moving}
    stack = Problem(batch.family, loss, ((first, second),), None, batch.dims, data, count=batch.count)
    low = lowered(stack)
    points = low.flat({name: batch.values[name] for name in moving})
    # One by one: the data of a state fill the cache.
    hessians = (low.hessian(points[[k]], low.load(stack, np.array([k]))) for k in range(batch.count))
    return np.array([symmetric_eigenvalues(h[0])[0] for h in hessians])


def _require_process(formula: Formula, batch: Batch, source: Training) -> None:
    """An `always` claim is about the run only if that is its process, from its start."""
    process = formula.process
    if process is None:
        return
    same = polynomial_of(expand(make("add", process.loss, make("mul", number(-1), term_of(lora().L))))).is_zero
    if process.step is not None or source.method != "flow" or not same:
        raise NoSource(f"the claim's process is another one than {source}")
    first = batch.at(0)
    starts = evaluate_terms([instantiate(t, batch.functions) for t in process.start], first.environment(), FloatField())
    for name, start in zip((v.payload[0] for v in process.variables), starts, strict=False):
        if np.any(start != first.values[name]):
            raise NoSource(f"the claim's {name} starts elsewhere than in {source}")
