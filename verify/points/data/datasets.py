"""Real-data instances of claims: the data loss in the place of f, and the values that a data set fixes.

Main definitions: `batch_for`, `on_data`, `DatasetInstance`.

References: theory §0, §3, §4.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition, reduced
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.interpret import bind_dims
from verify.language.errors import NoSource, ShapeError
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.sources import Dataset
from verify.language.statements import Curvature
from verify.language.terms import Dim
from verify.points.data.measurements import facts, measured
from verify.points.data.problem import DataProblem
from verify.points.data.solved import Target, problem_of, target_point, trained_point
from verify.points.sources.binding import renamed

Array = Any


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
    found = measured(problem, target, trained)
    values = {"A": trained.first[None], "B": trained.second[None], **fixed_values(problem, target)}
    values["α"] = np.array([1.0 if found.alpha is None else found.alpha])
    batch = on_data(formula, problem, values, frozenset())
    branch = f"{'rank-deficient' if found.rank < source.rank else 'full-rank'} branch"
    return DatasetInstance(batch, facts(problem, target, found), branch, (source, *sorted(batch.dims.items())))


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
        outside = [v for v in values.get(name, ()) if not domain.contains(Fraction(float(v)))]
        if outside:
            raise NoSource(f"the data set's {name} = {outside[0]:g} lies outside {domain.text(name)}")
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


def _renamed(loss: FunctionSymbol, wanted: FunctionSymbol) -> FunctionSymbol:
    """The data loss with the claim's names for the sizes; its data keep their names."""
    assert loss.body is not None
    sizes: dict[Dim, Dim] = dict(zip(loss.shape, wanted.shape, strict=True))
    body = renamed(loss.body, lambda d: sizes.get(d, d), lambda name: name)
    return FunctionSymbol(wanted.name, wanted.shape, body)
