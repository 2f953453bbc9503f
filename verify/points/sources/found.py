"""The stationary points of a stack of problems, in one batch for each branch of the theory.

Main definitions: `Tally`, `stack_of`, `stationary_points`. Second-order points come from the finder. First-order ones are, in
turn, zero, the second-order points of a smaller LoRA rank with zero columns added (theory §2: both are stationary, and neither
need be second-order), and the second-order points themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.evaluation.tolerances import LOOSE
from verify.language.statements import Stationary
from verify.language.terms import Term, make, rebuild, symbol
from verify.losses.problem import Problem
from verify.points.finder.finder import find
from verify.points.finder.result import Status
from verify.points.finder.starts import Start
from verify.points.finder.work import Effort
from verify.points.sources.accuracy import finished
from verify.points.sources.branches import branches, ranks_are_decided
from verify.points.sources.draws import Starts

Array = Any
Generator = np.random.Generator
_EFFORT = Effort(gradient=1e-13, rescue=60, waves=6)
"""Points for claims are finished to rounding, so that their residuals stay far below the tight tolerance; starts that run off
along a valley without a minimum are given up early, as many as there are without decay."""
_NEARBY = replace(_EFFORT, descent=100, rescue=20, waves=2)
"""For starts at or near a point."""
_LOW, _PAD = "·low", "·pad"


@dataclass
class Tally:
    """Where the starts ended, by the finder's status."""

    ended: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Reached:
    """Points by variable name, and how each start ended."""

    kind: str
    arrays: Mapping[str, Array]
    status: Array


def stack_of(
    family: str,
    loss: Term,
    statement: Stationary,
    dims: Mapping[str, int],
    values: Mapping[str, Array],
    operators: Mapping[str, Array],
    count: int,
) -> Problem:
    """The problems whose stationary points a claim speaks of."""
    variables = statement.variables
    pairs = tuple(zip(variables[::2], variables[1::2], strict=False))
    return Problem(family, loss, pairs, None, dims, values, operators, count=count)


def stationary_points(
    problem: Problem, statement: Stationary, stars: Sequence[str], rng: Generator, start: Starts, tally: Tally
) -> Iterator[Batch]:
    """The stationary points of a stack that the statement speaks of.

    Args:
        problem: the stack.
        statement: stationarity of first or second order.
        stars: the names of X⋆, one for each adapter, where it is known.
        rng: the source of randomness.
        start: where the search begins.
        tally: where the starts ended, added to.
    """
    reached = _first_order(problem, statement, rng, start) if statement.order == 1 else _reached(problem, rng, start)
    tally.ended.update(Status(s).name for s in reached.status)
    good = reached.status == Status.SECOND_ORDER
    batch = finished(problem.batch(reached.arrays), problem.loss, statement.variables)
    assert batch.slack is not None
    # Where the Hessian is too flat for the point to be accurate, margins read there would mean nothing; along directions in
    # which it is flat altogether, the rank tells.
    inaccurate = good & ~((batch.slack <= LOOSE / 10) & ranks_are_decided(batch, statement))
    tally.ended["SECOND_ORDER"] -= int(inaccurate.sum())
    tally.ended["INACCURATE"] += int(inaccurate.sum())
    good = good & ~inaccurate
    branch_of = branches(batch, statement, stars)
    for branch in sorted(set(branch_of[good])):
        members = np.flatnonzero(good & (branch_of == branch))
        yield replace(batch.pick(members), family=f"{problem.family}, {reached.kind}{branch}")


def _reached(problem: Problem, rng: Generator, start: Starts) -> _Reached:
    names = [v.payload[0] for v in problem.variables]
    seed = int(rng.integers(2**31))
    if isinstance(start, Start):
        points = find(problem, start, seed=seed, effort=_EFFORT)
    else:
        points = find(problem, dict(zip(names, start, strict=True)), seed=seed, effort=_NEARBY)
    return _Reached("", {n: points.arrays[n] for n in names}, points.status)


def _first_order(problem: Problem, statement: Stationary, rng: Generator, start: Starts) -> _Reached:
    """One kind of first-order points; whether a zero is stationary for this loss shows when it is finished."""
    kind = int(rng.integers(3))
    if kind == 0:
        arrays = {v.payload[0]: np.zeros((problem.count, *problem.size_of(v))) for v in statement.variables}
        return _Reached("zero, ", arrays, np.full(problem.count, int(Status.SECOND_ORDER)))
    padded = _padded(problem, rng, start) if kind == 1 else None
    return _reached(problem, rng, start) if padded is None else padded


def _padded(problem: Problem, rng: Generator, start: Starts) -> _Reached | None:
    """Second-order points of the same losses at a smaller rank; None where there is none (a rank of 1, several adapters)."""
    if len(problem.pairs) != 1 or any(len(v.shape) != 2 for v in problem.variables):
        return None
    (pair,) = problem.pairs
    (_, r), (_, cols) = map(problem.size_of, pair)
    if r == 1 or cols != r:
        return None
    low = int(rng.integers(1, r))
    pad = symbol(_PAD, (_LOW, pair[0].shape[1]))  # type: ignore[misc]
    small = tuple(symbol(v.payload[0] + _LOW, (v.shape[0], _LOW)) for v in pair)  # type: ignore[misc]
    loss = rebuild(problem.loss, {v: make("matmul", w, pad) for v, w in zip(pair, small, strict=True)})
    rows = np.broadcast_to(np.eye(low, r), (problem.count, low, r))
    smaller = replace(
        problem,
        loss=loss,
        pairs=((small[0], small[1]),),
        dims={**problem.dims, _LOW: low},
        data={**problem.data, _PAD: rows},
    )
    begin = start if isinstance(start, Start) else tuple(x[..., :low] for x in start)
    reached = _reached(smaller, rng, begin)
    arrays = {v.payload[0]: reached.arrays[w.payload[0]] @ rows for v, w in zip(pair, small, strict=True)}
    return _Reached("of smaller rank, ", arrays, reached.status)
