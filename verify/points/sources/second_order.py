"""The source of second-order stationary points for claims: loss families in the place of f, points by the batched finder.

Main definitions: `second_order_batches`, `Tally`. An opaque f is replaced by the formulas of `losses.families`; X⋆ and S are
known by construction; curvature bounds are those that hold by construction. A concrete loss keeps its own formula and gets
random data. Every start that does not end at a second-order point is counted, and is no instance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition, CurvatureBounds, reduced
from verify.calculus.differentiate import expand
from verify.evaluation.batches import Batch, instantiate, instantiate_condition
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.evaluation.tolerances import LOOSE
from verify.language.errors import NoSource
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.statements import Comparison, Curvature, RegularizedStationary, Stationary
from verify.language.terms import Term
from verify.losses.families import FAMILIES, Family
from verify.losses.problem import Problem
from verify.losses.spurious import plant_rational_spurious, plant_spurious
from verify.points.finder.finder import find
from verify.points.finder.result import Points, Status
from verify.points.finder.starts import Start
from verify.points.finder.work import Effort
from verify.points.sources.accuracy import finished
from verify.points.sources.binding import bind_family
from verify.points.sources.dimensions import sizes
from verify.points.sources.matrices import FAMILIES as MATRICES
from verify.points.sources.sampling import operator_matrix, scalar_values

Array = Any
Generator = np.random.Generator
_STARTS = (Start.ZERO, Start.SMALL, Start.LARGE, Start.SPECTRAL, Start.ORTHOGONAL)
_BATCH = 60
_EFFORT = Effort(gradient=1e-13)
"""Points for claims are finished to rounding, so that their residuals stay far below the tight tolerance."""


@dataclass
class Tally:
    """Where the starts ended, by the finder's status."""

    ended: Counter[str] = field(default_factory=Counter)


def needs_landscape(formula: Formula) -> bool:
    """Whether the claim speaks of second-order points or of X⋆, which only this source provides."""
    return _second_order(formula) is not None or _target(formula) is not None


def _second_order(formula: Formula) -> Stationary | None:
    return next((s for s in formula.given if isinstance(s, Stationary) and s.order == 2), None)


def second_order_batches(formula: Formula, conditions: Sequence[Condition], rng: Generator, tally: Tally) -> Iterator[Batch]:
    """Endless batches of second-order points for the formula's `sosp()` assumption.

    Raises:
        NoSource: if the loss has an opaque function that no family can stand for.
    """
    function = _opaque(formula)
    spurious = any(isinstance(s, Comparison) and s.relation == "distinct" for s in formula.given)
    for number, dims in enumerate(sizes(formula.dims, conditions, rng)):
        start = _STARTS[number % len(_STARTS)]
        if function is None:
            yield from _on_own_loss(formula, dims, rng, start, tally)
            continue
        if number % 2 and not _has_room(formula, function, dims):
            # Small random sizes mostly have r ≥ min(m, n), where no spurious point exists.
            continue
        for family in _families(formula, function, number)[: 1 if spurious else 2]:
            draw = partial(_drawn, family, start)
            yield from _on_family(formula, function, draw, dims, rng, tally)
        if _second_order(formula) is not None:
            yield from _on_family(formula, function, _planted, dims, rng, tally)
            yield from _on_family(formula, function, _planted_rational, dims, rng, tally)


def _has_room(formula: Formula, function: FunctionSymbol, dims: dict[str, int]) -> bool:
    """Whether `min(m, n) > r`, as a spurious point needs (theory §3, Corollary A′)."""
    statement = _second_order(formula)
    if statement is None:
        return True
    sizes_ = [d if isinstance(d, int) else dims[d] for d in (*function.shape, statement.variables[0].shape[1])]  # type: ignore[misc]
    return min(sizes_[:2]) > sizes_[2]


def _opaque(formula: Formula) -> FunctionSymbol | None:
    """The function variable that a family stands for."""
    statement = _second_order(formula)
    found = list(formula.functions().values())
    if len(found) > 1 or (found and statement is not None and len(statement.variables) != 2):
        raise NoSource("no source for second-order points of several opaque functions or several adapters yet")
    return found[0] if found else None


def _families(formula: Formula, function: FunctionSymbol, number: int) -> list[Family]:
    """The families that can meet the claim's assumptions, a few for each choice of sizes."""
    single = [f for f in FAMILIES.values() if f.terms.full is not None]
    if _curvature(formula, function):
        single = [f for f in single if f.name in ("factorization", "quadratic", "isometric_sensing", "weighted")]
    if _target(formula) is not None:
        single = [f for f in single if f.convex]
    return [single[(2 * number) % len(single)], single[(2 * number + 1) % len(single)]]


def _curvature(formula: Formula, function: FunctionSymbol) -> list[Curvature]:
    return [s for s in formula.given if isinstance(s, Curvature) and s.function.body.op == "smooth"]


def _target(formula: Formula) -> RegularizedStationary | None:
    return next((s for s in formula.given if isinstance(s, RegularizedStationary)), None)


def _scalars(formula: Formula, rng: Generator, count: int) -> dict[str, Array]:
    """Decays and other scalars of moderate size, sometimes 0 where that is allowed."""
    found = {}
    for name, domain in formula.scalars().items():
        values = 10.0 ** rng.uniform(-2.5, 0, count)
        zero_allowed = domain.above is None and (domain.least is None or domain.least == 0)
        if zero_allowed and rng.random() < 0.15:
            values = np.zeros(count)
        standard = domain.below is None and domain.most is None and domain.above in (None, 0) and domain.least in (None, 0)
        found[name] = values if standard and not domain.integer else scalar_values(domain, rng, count)
    return found


@dataclass(frozen=True)
class _Sizes:
    """What a draw needs to know: rows, columns, LoRA rank, whether X⋆ is wanted, and the nuclear weight."""

    rows: int
    cols: int
    r: int
    star: bool
    weight: Array


Starts = Start | tuple[Array, Array]
Draw = Callable[[_Sizes, Generator], tuple[Problem, Starts] | None]


def _drawn(family: Family, start: Start, wanted: _Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """A loss family's random problems, with an initialization of all starts."""
    rank = int(rng.integers(1, min(wanted.rows, wanted.cols, wanted.r) + 1)) if wanted.star else None
    spectrum = (1.0, float(rng.choice([1.0, 1.5, 3.0, 10.0, 60.0])))
    sizes_ = {"m": wanted.rows, "n": wanted.cols, "r": wanted.r}
    try:
        problem = family.sample(rng, _BATCH, decay=wanted.weight, star_rank=rank, spectrum=spectrum, **sizes_)
    except ValueError:
        return None
    return problem, start


def _planted(wanted: _Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """Problems with a known spurious point, started there: random starts almost never end at one (theory §4)."""
    if min(wanted.rows, wanted.cols) <= wanted.r:
        return None
    planted = plant_spurious(rng, _BATCH, wanted.rows, wanted.cols, wanted.r, wanted.weight)
    return planted.problem, (planted.left, planted.right)


def _planted_rational(wanted: _Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """The same in small rational numbers, so that a violation there can be made exact."""
    if min(wanted.rows, wanted.cols) <= wanted.r:
        return None
    decayed = bool(wanted.weight.any())
    planted = plant_rational_spurious(rng, _BATCH, wanted.rows, wanted.cols, wanted.r, decayed=decayed)
    return planted.problem, (planted.left, planted.right)


def _on_family(
    formula: Formula, function: FunctionSymbol, draw: Draw, dims: dict[str, int], rng: Generator, tally: Tally
) -> Iterator[Batch]:
    """Points of the claim's loss with a family's formula in the place of f."""

    def size(d: int | str) -> int:
        return d if isinstance(d, int) else dims[d]

    rows, cols = (size(d) for d in function.shape)
    statement, target = _second_order(formula), _target(formula)
    r = min(rows, cols) if statement is None else size(statement.variables[0].shape[1])  # type: ignore[misc]
    values = _scalars(formula, rng, _BATCH)
    weight = _weight(target, values, dims)
    made = draw(_Sizes(rows, cols, r, target is not None, weight), rng)
    if made is None:
        return
    problem, start = made
    if not _set_weight(values, target, weight, problem):
        return
    bound = bind_family(function, problem)
    values.update(bound.values)
    for bounds in _curvature(formula, function):
        _set_bounds(values, bounds, problem)
    if target is not None:
        if problem.star is None or problem.witness is None:
            return
        values[target.point.payload[0]], values[target.witness.payload[0]] = problem.star, problem.witness
    functions = {function.name: bound.function}
    sizes_ = {**dims, **bound.dims}
    if statement is None:
        frame = Batch(sizes_, {**values, **_other_matrices(formula, values, dims, rng)}, bound.operators, functions)
        yield _assured(replace(frame, family=problem.family, count=_BATCH), formula, function, problem)
        return
    values.update(_other_matrices(formula, values, dims, rng, skip=statement))
    loss = instantiate(statement.loss, functions)
    stack = _problem(problem.family, loss, statement, sizes_, values, bound.operators)
    for batch in _found(stack, statement, target, rng, start, tally):
        yield _assured(replace(batch, functions=functions), formula, function, problem)


def _other_matrices(
    formula: Formula, values: dict[str, Array], dims: dict[str, int], rng: Generator, skip: Stationary | None = None
) -> dict[str, Array]:
    """Matrices that neither the family nor the finder provides."""
    moving = set() if skip is None else {v.payload[0] for v in skip.variables}
    kinds = ["gaussian", "scaled", "integer", "rank-deficient", "mask", "diagonal"]
    made = {}
    for name, shape in formula.matrices().items():
        if name not in moving and name not in values:
            rows, cols = (d if isinstance(d, int) else dims[d] for d in shape)
            made[name] = MATRICES[str(rng.choice(kinds))](rng, _BATCH, rows, cols)
    return made


def _weight(target: RegularizedStationary | None, values: dict[str, Array], dims: dict[str, int]) -> Array:
    """The nuclear weight that X⋆ needs; without X⋆ the data are drawn for the decay as it is."""
    if target is None:
        return values.get("λ", np.full(_BATCH, 0.05))
    batch = Batch(dims, values, count=_BATCH)
    (weight,) = evaluate_terms([target.weight], batch.environment(), FloatField())
    return np.broadcast_to(weight, (_BATCH,)).copy()


def _set_weight(values: dict[str, Array], target: RegularizedStationary | None, weight: Array, problem: Problem) -> bool:
    """Give the decay the value that the problem was drawn for, where it is a plain variable; else both must agree."""
    if target is None:
        if "λ" in values and problem.weight is not None:
            values["λ"] = np.array(problem.weight)
        return True
    if target.weight.op == "sym":
        values[target.weight.payload[0]] = np.array(problem.weight)
        return True
    return bool(np.array_equal(weight, problem.weight))


def _set_bounds(values: dict[str, Array], statement: Curvature, problem: Problem) -> None:
    """Give α and β, where they are plain variables, the bounds that hold by construction."""
    ends = {"uniform_curvature": (problem.alpha, problem.beta), "rsc": (problem.alpha,), "rsm": (problem.beta,)}
    for term, bound in zip(statement.numbers, ends.get(statement.kind, ()), strict=False):
        if term.op == "sym" and bound is not None:
            values[term.payload[0]] = np.array(bound)


def _assured(batch: Batch, formula: Formula, function: FunctionSymbol, problem: Problem) -> Batch:
    """Mark the curvature assumptions that hold by construction and cannot be decided from samples."""
    held: set[Condition] = set()
    for statement in _curvature(formula, function):
        condition = instantiate_condition(reduced(statement), batch.functions)
        known = problem.alpha is not None and problem.beta is not None
        if isinstance(condition, CurvatureBounds) and (known or (statement.kind == "convex" and problem.convex)):
            plain = all(b is None or b.op in ("sym", "num") for b in (condition.lower, condition.upper))
            if plain and (statement.kind == "convex" or all(t.op == "sym" for t in statement.numbers[:1])):
                held.add(condition)
    return replace(batch, assured=frozenset(held))


def _on_own_loss(formula: Formula, dims: dict[str, int], rng: Generator, start: Start, tally: Tally) -> Iterator[Batch]:
    """Random data for a loss that the claim writes out itself."""
    statement = _second_order(formula)
    if statement is None or _target(formula) is not None:
        raise NoSource("no source for X⋆ of a loss that the claim writes out itself yet")
    values: dict[str, Array] = _scalars(formula, rng, _BATCH)
    values.update(_other_matrices(formula, values, dims, rng, skip=statement))
    frame = Batch(dims, values, count=_BATCH)
    operators = {n: operator_matrix(o, frame, rng) for n, o in formula.operators().items()}
    stack = _problem("own loss", expand(statement.loss), statement, dims, values, operators)
    yield from _found(stack, statement, None, rng, start, tally)


def _problem(
    family: str, loss: Term, statement: Stationary, dims: dict[str, int], values: dict[str, Array], operators: Any
) -> Problem:
    variables = statement.variables
    pairs = tuple(zip(variables[::2], variables[1::2], strict=False))
    return Problem(family, loss, pairs, None, dims, values, operators, count=_BATCH)


def _found(
    problem: Problem,
    statement: Stationary,
    target: RegularizedStationary | None,
    rng: Generator,
    start: Starts,
    tally: Tally,
) -> Iterator[Batch]:
    """The second-order points of a stack, in one batch for each branch of the theory."""
    names = [v.payload[0] for v in statement.variables]
    given = start if isinstance(start, Start) else dict(zip(names, start, strict=True))
    points: Points = find(problem, given, seed=int(rng.integers(2**31)), effort=_EFFORT)
    tally.ended.update(Status(s).name for s in points.status)
    good = points.status == Status.SECOND_ORDER
    arrays = {v.payload[0]: points.arrays[v.payload[0]] for v in statement.variables}
    batch = finished(problem.batch(arrays), problem.loss, statement.variables)
    assert batch.slack is not None
    # Where the Hessian is too flat for the point to be accurate, margins read there would mean nothing.
    inaccurate = good & ~(batch.slack <= LOOSE / 10)
    tally.ended["SECOND_ORDER"] -= int(inaccurate.sum())
    tally.ended["INACCURATE"] += int(inaccurate.sum())
    good = good & ~inaccurate
    branches = _branches(batch, statement, target)
    for branch in sorted(set(branches[good])):
        members = np.flatnonzero(good & (branches == branch))
        yield replace(batch.pick(members), family=f"{problem.family}, {branch}")


def _branches(batch: Batch, statement: Stationary, target: RegularizedStationary | None) -> Array:
    """`rank-deficient` or `full-rank` (of one adapter), and `at X⋆` or `spurious` where X⋆ is known."""
    if len(statement.variables) != 2:
        return np.full(batch.count, "several adapters", dtype=object)
    a, b = (batch.values[v.payload[0]] for v in statement.variables)
    update = a @ np.swapaxes(b, -1, -2)
    full = FloatField().rank(update) == a.shape[-1]
    branch = np.where(full, "full-rank", "rank-deficient").astype(object)
    if target is not None:
        star = batch.values[target.point.payload[0]]
        size = np.linalg.norm(star, axis=(-2, -1))
        scales = np.array([*np.linalg.norm(update, axis=(-2, -1))])
        factor = _scale_factor(batch, update, statement)
        near = np.linalg.norm(factor * update - star, axis=(-2, -1)) <= 1e-6 * np.maximum(size, scales)
        branch = branch + np.where(near, ", at X⋆", ", spurious")
    return branch


def _scale_factor(batch: Batch, update: Array, statement: Stationary) -> Array:
    """The LoRA scale, where the claim has one among its scalars."""
    return batch.values["s"][:, None, None] if "s" in batch.values else 1.0
