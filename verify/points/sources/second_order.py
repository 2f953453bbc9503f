"""Stationary points for claims: loss families in the place of f, points by the batched finder.

Main definitions: `draw`, `Aim`. An opaque f is replaced by the formulas of `losses.families`; X⋆ and S are known by
construction; curvature bounds are those that hold by construction. A concrete loss keeps its own formula and gets random data.
Every start that does not end at a point is counted, and is no instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition, CurvatureBounds, reduced
from verify.calculus.differentiate import expand
from verify.evaluation.batches import Batch, instantiate, instantiate_condition
from verify.evaluation.decide import TRUE, decide
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.errors import NoSource
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.statements import Comparison, Curvature, RegularizedStationary, Stationary
from verify.losses.families import FAMILIES, Family
from verify.losses.problem import Problem
from verify.losses.squares import spectrum_of
from verify.losses.taylor import data_name
from verify.points.finder.starts import Start
from verify.points.sources.binding import bind_family
from verify.points.sources.curvature import assumed_curvature
from verify.points.sources.dimensions import sizes
from verify.points.sources.draws import (
    BATCH,
    Draw,
    Sizes,
    beyond_rank,
    curved,
    extremal,
    extremal_rational,
    from_family,
    oblique,
    planted_rational,
    planted_spurious,
)
from verify.points.sources.factors import are_products, require_pairs
from verify.points.sources.found import Tally as Tally
from verify.points.sources.found import stack_of, stationary_points
from verify.points.sources.matrices import FAMILIES as MATRICES
from verify.points.sources.roles import decay_names, decay_of, plain_decay
from verify.points.sources.sampling import operator_matrix, scalar_values
from verify.points.sources.several import Placement, placement_of, planted_adapters
from verify.points.sources.subjects import (
    bent_kinds,
    bounds_rank,
    has_room,
    is_small,
    largest_star,
    opaque_function,
    stationary_of,
    target_of,
    targets_of,
)
from verify.points.sources.tilted import tilted, tilts
from verify.points.sources.zero_target import zero_target

Array = Any
Generator = np.random.Generator
_STARTS = (Start.ZERO, Start.SMALL, Start.LARGE, Start.SPECTRAL, Start.ORTHOGONAL)
_PATIENCE = 100
"""Unsuitable sizes in a row that are passed over: a claim may allow no others."""
_RARELY = 5
"""One in so many choices of sizes is for X⋆ = 0."""
_HOPELESS = 600
"""Draws in a row without a problem that meets the assumptions about it."""
_COUPLED = 8
"""Problems a stack of several adapters: sizes and branches are common to a stack, so that many small ones see more."""
_STACKS = 4
"""Planted stacks of several adapters beside each family's: only they meet assumptions about the places of the adapters."""


class Aim(Enum):
    """Which points a claim speaks of, so that enough of them are drawn."""

    ANY = "all second-order points"
    SPURIOUS = "points other than X⋆"
    RANK_DEFICIENT = "points of rank below r"
    HEAVY_DECAY = "points where (f(0) − f(X))/λ is not large"


def draw(
    formula: Formula, rules: Sequence[Comparison], rng: Generator, tally: Tally, aim: Aim, frame: Sequence[Comparison] = ()
) -> Iterator[Batch]:
    """Batches of stationary points: endless, unless nothing meets `frame`.

    Args:
        formula: the core of a claim (`sources.landscapes`): its variables are those that the points depend on.
        rules: the conditions on sizes.
        rng: the source of randomness.
        tally: where the starts of the batches drawn so far ended.
        aim: which points are of use.
        frame: assumptions about X⋆ and the data of the loss; only problems that meet them are solved (for one adapter).

    Raises:
        NoSource: if the loss has an opaque function that no family can stand for, or variables that are no pairs of factors.
    """
    function, statement = opaque_function(formula), stationary_of(formula)
    if statement is not None:
        require_pairs(statement)
    placement = None if statement is None else placement_of(statement, targets_of(formula))
    if placement is not None and targets_of(formula):
        while points := list(_on_adapters(formula, placement, rules, rng, tally)):
            yield from points
        return
    made = [] if function is None else _constructions(formula, function, aim)
    strong = function is not None and bool(assumed_curvature(function, formula)) and not bent_kinds(formula, function)
    skipped = missed = used = 0
    (apart,) = rng.spawn(1)
    for number, dims in enumerate(sizes(formula.dims, rules, rng)):
        start = _STARTS[number % len(_STARTS)]
        # Small random sizes mostly have r ≥ min(m, n), where strong convexity leaves no spurious point.
        needs_room = (number % 2 == 1 or (strong and aim is Aim.SPURIOUS)) and aim is not Aim.RANK_DEFICIENT
        fits = is_small(formula, dims) and (not needs_room or function is None or has_room(formula, function, dims))
        if not fits and skipped < _PATIENCE:
            skipped += 1
            continue
        skipped, used = 0, used + 1
        if function is None:
            # Most losses that run away from most starts have minima where the decay is large enough.
            away = 2 * tally.ended["UNBOUNDED"] > tally.ended.total()
            yield from _on_own_loss(formula, dims, rng, start, tally, heavy=away and number % 2 == 1)
            continue
        if placement is not None:
            for _ in range(_STACKS):
                yield from _on_adapters(formula, placement, rules, rng, tally)
        random = [partial(from_family, family, start) for family in _families(formula, function, number)]
        if used % _RARELY == 3 and aim is not Aim.SPURIOUS and target_of(formula) is not None:
            yield from _on_family(formula, function, zero_target, dims, apart, tally, aim, frame)
        for source in _mixed(random, made, number, aim):
            missed += 1
            for batch in _on_family(formula, function, source, dims, rng, tally, aim, frame):
                missed = 0
                yield batch
        if frame and missed > _HOPELESS:
            return


def _constructions(formula: Formula, function: FunctionSymbol, aim: Aim) -> list[Draw]:
    """Points that random starts on random losses almost never reach (theory §4): spurious, flat, or where f bends down."""
    statement = stationary_of(formula)
    if statement is None or len(statement.variables) != 2 or not are_products(statement):
        return []
    spurious: list[Draw] = [planted_spurious, extremal_rational, oblique, planted_rational, extremal]
    planted = spurious if aim in (Aim.SPURIOUS, Aim.ANY) and not tilts(statement) else []
    target = target_of(formula)
    if planted and target is not None and not any(bounds_rank(s, target) for s in formula.given):
        planted = [beyond_rank, *planted, beyond_rank]
    return [*planted, *(partial(curved, kind) for kind in bent_kinds(formula, function))]


def _mixed(random: Sequence[Draw], made: Sequence[Draw], number: int, aim: Aim) -> Sequence[Draw]:
    """Two or three sources for one choice of sizes, in turn, so that many sizes meet many sources."""
    if not made:
        return random
    if aim is not Aim.SPURIOUS:
        return [random[0], made[number % len(made)]]
    turn = [made[(2 * number) % len(made)], made[(2 * number + 1) % len(made)]]
    return [*random[:1], *turn] if number % 2 == 0 else turn


def _families(formula: Formula, function: FunctionSymbol, number: int) -> list[Family]:
    """The families that can meet the claim's assumptions, a few for each choice of sizes."""
    single = [f for f in FAMILIES.values() if f.terms.full is not None]
    if assumed_curvature(function, formula):
        single = [f for f in single if f.name in ("factorization", "quadratic", "isometric_sensing", "weighted")]
    return [single[(2 * number) % len(single)], single[(2 * number + 1) % len(single)]]


def moderate_scalars(formula: Formula, rng: Generator, count: int) -> dict[str, Array]:
    """Decays and other scalars of moderate size, sometimes 0 where that is allowed."""
    found = {}
    for name, domain in formula.scalars().items():
        # Scales are strictly positive, and a tiny one makes every loss flat.
        values = 10.0 ** rng.uniform(*((-0.5, 0.5) if domain.above == 0 else (-2.5, 0.5)), count)
        zero_allowed = domain.above is None and (domain.least is None or domain.least == 0)
        if zero_allowed and rng.random() < 0.15:
            values = np.zeros(count)
        standard = domain.below is None and domain.most is None and domain.above in (None, 0) and domain.least in (None, 0)
        found[name] = values if standard and not domain.integer else scalar_values(domain, rng, count)
    return found


def _make_heavy(values: dict[str, Array], statement: Stationary | None, rng: Generator) -> None:
    """Larger decays, where they may be chosen."""
    factor = 10.0 ** rng.uniform(0.5, 2.0, BATCH)
    for name in () if statement is None else sorted(decay_names(statement)):
        if name in values:
            values[name] = values[name] * factor


def _on_family(
    formula: Formula,
    function: FunctionSymbol,
    draw: Draw,
    dims: dict[str, int],
    rng: Generator,
    tally: Tally,
    aim: Aim,
    frame: Sequence[Comparison],
) -> Iterator[Batch]:
    """Points of the claim's loss with a family's formula in the place of f."""

    def size(d: int | str) -> int:
        return d if isinstance(d, int) else dims[d]

    rows, cols = (size(d) for d in function.shape)
    statement, target = stationary_of(formula), target_of(formula)
    r = min(rows, cols) if statement is None else size(statement.variables[0].shape[1])  # type: ignore[misc]
    values = moderate_scalars(formula, rng, BATCH)
    if aim is Aim.HEAVY_DECAY:
        _make_heavy(values, statement, rng)
    weight = _weight(target, statement, values, dims)
    made = draw(Sizes(rows, cols, r, largest_star(formula, target, r, min(rows, cols)), weight), rng)
    if made is None:
        return
    problem, start = made
    if not _set_weight(values, target, statement, weight, problem):
        return
    bound = bind_family(function, problem)
    values.update(bound.values)
    for bounds in assumed_curvature(function, formula):
        _set_bounds(values, bounds, problem.alpha, problem.beta)
    if target is not None:
        if problem.star is None or problem.witness is None:
            return
        values[target.point.payload[0]], values[target.witness.payload[0]] = problem.star, problem.witness
    functions = {function.name: bound.function}
    sizes_ = {**dims, **bound.dims}
    if statement is None:
        plain = Batch(sizes_, {**values, **other_matrices(formula, values, dims, rng)}, bound.operators, functions)
        yield _assured(replace(plain, family=problem.family, count=BATCH), formula, function, problem)
        return
    values.update(other_matrices(formula, values, dims, rng, skip=statement))
    if tilts(statement):
        plain = Batch(sizes_, values, bound.operators, functions, problem.family, BATCH)
        yield _assured(tilted(plain, statement, problem.star, rng), formula, function, problem)
        return
    loss = instantiate(statement.loss, functions)
    stack = stack_of(problem.family, loss, statement, sizes_, values, bound.operators, BATCH)
    if frame:
        fits = _meeting(frame, stack, functions)
        if not fits.size:
            return
        stack = stack.pick(fits)
        start = start if isinstance(start, Start) else tuple(x[fits] for x in start)
    for batch in stationary_points(stack, statement, () if target is None else (target.point.payload[0],), rng, start, tally):
        yield _assured(replace(batch, functions=functions), formula, function, problem)


def _meeting(frame: Sequence[Comparison], stack: Problem, functions: dict[str, FunctionSymbol]) -> Array:
    """The problems of a stack that meet all assumptions about them."""
    batch = Batch(stack.dims, stack.data, stack.operators, functions, count=stack.count)
    truths = [d.truth for d in decide([instantiate_condition(c, functions) for c in frame], batch)]
    return np.flatnonzero(np.min(truths, axis=0) == TRUE)


def _on_adapters(
    formula: Formula, placement: Placement, rules: Sequence[Comparison], rng: Generator, tally: Tally
) -> Iterator[Batch]:
    """Points of several adapters, spurious in some of them."""
    statement = stationary_of(formula)
    assert statement is not None
    scalars = moderate_scalars(formula, rng, _COUPLED)
    made = planted_adapters(placement, statement, formula.dims, scalars, rules, rng, _COUPLED)
    if made is None:
        return
    frame, starts = made
    others = other_matrices(formula, dict(frame.values), dict(frame.dims), rng, skip=statement, count=_COUPLED)
    values = {**frame.values, **others}
    for bounds in assumed_curvature(placement.function, formula):
        _set_bounds(values, bounds, *spectrum_of(frame.operators[data_name(placement.function.name, "H")]))
    loss = instantiate(statement.loss, frame.functions)
    stack = stack_of(frame.family, loss, statement, frame.dims, values, frame.operators, frame.count)
    stars = tuple(a.star for a in placement.adapters if a.star is not None)
    for batch in stationary_points(stack, statement, stars, rng, starts, tally):
        yield replace(batch, functions=frame.functions)


def other_matrices(
    formula: Formula,
    values: dict[str, Array],
    dims: dict[str, int],
    rng: Generator,
    skip: Stationary | None = None,
    count: int = BATCH,
) -> dict[str, Array]:
    """Matrices that neither the family nor the finder provides."""
    moving = set() if skip is None else {v.payload[0] for v in skip.variables}
    kinds = ["gaussian", "scaled", "integer", "rank-deficient", "mask", "diagonal"]
    if skip is not None and formula.functions():
        # Data of the loss beside an opaque f (tilts, places of adapters): badly scaled ones only make the search slow.
        kinds = ["orthonormal", "gaussian"]
    made = {}
    for name, shape in formula.matrices().items():
        if name not in moving and name not in values:
            rows, cols = (d if isinstance(d, int) else dims[d] for d in shape)
            made[name] = MATRICES[str(rng.choice(kinds))](rng, count, rows, cols)
    return made


def _weight(
    target: RegularizedStationary | None, statement: Stationary | None, values: dict[str, Array], dims: dict[str, int]
) -> Array:
    """The nuclear weight that X⋆ needs; without X⋆ the data are drawn for the decay as it is."""
    batch = Batch(dims, values, count=BATCH)
    if target is None:
        return np.zeros(BATCH) if statement is None else decay_of(statement.loss, statement.variables[0], batch)
    (weight,) = evaluate_terms([target.weight], batch.environment(), FloatField())
    return np.broadcast_to(weight, (BATCH,)).copy()


def _set_weight(
    values: dict[str, Array],
    target: RegularizedStationary | None,
    statement: Stationary | None,
    weight: Array,
    problem: Problem,
) -> bool:
    """Give the decay the value that the problem was drawn for, where it is a plain variable; else both must agree."""
    if target is None:
        plain = None if statement is None else plain_decay(statement)
        if plain in values and problem.weight is not None:
            values[plain] = np.array(problem.weight)
        return True
    if target.weight.op == "sym":
        values[target.weight.payload[0]] = np.array(problem.weight)
        return True
    return bool(np.array_equal(weight, problem.weight))


def _set_bounds(values: dict[str, Array], statement: Curvature, alpha: Array | None, beta: Array | None) -> None:
    """Give α and β, where they are plain variables, the bounds that hold by construction."""
    ends = {"uniform_curvature": (alpha, beta), "rsc": (alpha,), "rsm": (beta,)}
    for term, bound in zip(statement.numbers, ends.get(statement.kind, ()), strict=False):
        if term.op == "sym" and bound is not None:
            values[term.payload[0]] = np.array(bound)


def _assured(batch: Batch, formula: Formula, function: FunctionSymbol, problem: Problem) -> Batch:
    """Mark the curvature assumptions that hold by construction and cannot be decided from samples."""
    held: set[Condition] = set()
    for statement in assumed_curvature(function, formula):
        condition = instantiate_condition(reduced(statement), batch.functions)
        known = problem.alpha is not None and problem.beta is not None
        if isinstance(condition, CurvatureBounds) and (known or (statement.kind == "convex" and problem.convex)):
            plain = all(b is None or b.op in ("sym", "num") for b in (condition.lower, condition.upper))
            if plain and (statement.kind == "convex" or all(t.op == "sym" for t in statement.numbers[:1])):
                held.add(condition)
    return replace(batch, assured=frozenset(held))


def _on_own_loss(
    formula: Formula, dims: dict[str, int], rng: Generator, start: Start, tally: Tally, *, heavy: bool
) -> Iterator[Batch]:
    """Random data for a loss that the claim writes out itself."""
    statement = stationary_of(formula)
    if statement is None or target_of(formula) is not None:
        raise NoSource("no source for X⋆ of a loss that the claim writes out itself yet")
    values: dict[str, Array] = moderate_scalars(formula, rng, BATCH)
    if heavy:
        _make_heavy(values, statement, rng)
    values.update(other_matrices(formula, values, dims, rng, skip=statement))
    frame = Batch(dims, values, count=BATCH)
    operators = {n: operator_matrix(o, frame, rng) for n, o in formula.operators().items()}
    stack = stack_of("own loss", expand(statement.loss), statement, dims, values, operators, BATCH)
    yield from stationary_points(stack, statement, (), rng, start, tally)
