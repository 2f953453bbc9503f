"""Every first-order stationary value of X of a small problem: many Newton starts, deflation, and merging by X.

Main definitions: `stationary_values`, `Enumeration`, `predicted_values`.

Implementation notes
    `points.analysis.deflation` solves `∇L = 0`, so that saddles attract like minima. Rounds go on until several in a row find
    nothing new. Nothing proves that a list is complete: for factorization theory §5 says what must be on it.

References: theory §5 (factorization: the values, their number `Σ_{k≤r} C(q, k)` and their indices).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand
from verify.losses.problem import Problem
from verify.points.analysis.classify import lengths_of
from verify.points.analysis.deflation import hessian_and_gradient, polished, settle
from verify.points.analysis.distinct import merged
from verify.points.analysis.full import curvature, evaluated, frobenius, full_of, update_of
from verify.points.analysis.full import slope as slope_of
from verify.points.analysis.inertia import inertia

Array = Any
_SAME = 1e-5
_QUIET_ROUNDS = 3


@dataclass(frozen=True)
class Enumeration:
    """The distinct stationary values of X of one problem.

    Attributes:
        updates: X of each, `(found, m, n)`.
        points: one pair for each, arrays by variable name.
        values: L there.
        index: the number of negative Hessian eigenvalues.
        gradient: ‖∇L‖_F there.
        rounds, starts: rounds made, and starts tried in all.
        quiet: whether the search ended because rounds found nothing new (else because the rounds were spent).
    """

    updates: Array
    points: dict[str, Array]
    values: Array
    index: Array
    gradient: Array
    rounds: int
    starts: int
    quiet: bool


def stationary_values(problem: Problem, rng: np.random.Generator, *, starts: int = 160, rounds: int = 40) -> Enumeration:
    """All stationary values of X that the search finds, for a stack of one problem with one adapter.

    Args:
        problem: a stack of one.
        rng: the source of starts.
        starts: starts in a round.
        rounds: the largest number of rounds.

    Raises:
        ValueError: for stacks of several problems, or several adapters.
    """
    full_of(problem)
    if problem.count != 1:
        raise ValueError(f"a stack of {problem.count} problems: enumerate them one by one")
    stack = problem.pick(np.zeros(starts, dtype=int))
    scale = np.sqrt(_length(problem))
    found: dict[str, Array] = {v.payload[0]: np.zeros((0, *problem.size_of(v))) for v in problem.variables}
    quiet = made = 0
    while made < rounds and quiet < _QUIET_ROUNDS:
        known = len(next(iter(found.values())))
        begin = _begin(stack, found, rng, scale)
        # The first round has nothing to be kept away from; later ones deflate half of the starts.
        avoid = _products(problem, found) if made else np.zeros((0, 1))
        ended = settle(stack, begin, avoid, scale**2)
        found = _merged(problem, {n: np.concatenate([found[n], ended[n]]) for n in found})
        quiet = 0 if len(next(iter(found.values()))) > known else quiet + 1
        made += 1
    several = problem.pick(np.zeros(len(next(iter(found.values()))), dtype=int))
    found = polished(several, found)
    order = np.argsort(_value(several, found), kind="stable")
    found = {n: v[order] for n, v in found.items()}
    _, slope = hessian_and_gradient(several, found)
    return Enumeration(
        update_of(problem, found),
        found,
        _value(several, found),
        inertia(several, found, lengths_of(several, found)).minus,
        np.linalg.norm(slope, axis=-1),
        made,
        made * starts,
        quiet >= _QUIET_ROUNDS,
    )


def _length(problem: Problem) -> float:
    """How large X is where f decreases: the length of the best gradient step from 0, or 1 where that means nothing."""
    rows, cols = (problem.size_of(v)[0] for v in problem.pairs[0])
    origin = np.zeros((1, rows, cols))
    slope = slope_of(problem, origin)
    bend = curvature(problem, origin, slope)[0]
    found = float(frobenius(slope)[0] ** 3 / bend) if bend > 0 else 1.0
    return found if np.isfinite(found) and found > 0 else 1.0


def _begin(stack: Problem, found: dict[str, Array], rng: np.random.Generator, scale: float) -> dict[str, Array]:
    """Random pairs of every rank and several sizes; the first start is 0, and some change one column of a known point."""
    r = stack.size_of(stack.variables[0])[1]
    count = stack.count
    size = scale * 10.0 ** rng.uniform(-1.0, 0.3, (count, 1, 1))
    kept = (np.arange(r) < rng.integers(0, r + 1, (count, 1)))[:, None, :]
    begin = {v.payload[0]: size * kept * rng.standard_normal((count, *stack.size_of(v))) for v in stack.variables}
    known = len(next(iter(found.values())))
    if known:
        from_known = np.arange(count) % 3 == 2
        which, column = rng.integers(0, known, count), rng.integers(0, r, count)
        changed = (np.arange(r) == column[:, None])[:, None, :]
        fresh = scale * rng.integers(0, 2, (count, 1, 1))
        for name, array in begin.items():
            replaced = np.where(changed, fresh * rng.standard_normal(array.shape), found[name][which])
            begin[name] = np.where(from_known[:, None, None], replaced, array)
    for array in begin.values():
        array[0] = 0.0
    return begin


def _products(problem: Problem, found: dict[str, Array]) -> Array:
    """The known X, flattened, `(found, mn)`."""
    return update_of(problem, found).reshape(len(next(iter(found.values()))), -1)


def _value(stack: Problem, points: dict[str, Array]) -> Array:
    return evaluated(stack, [expand(stack.loss)], points)[0]


def _merged(problem: Problem, points: dict[str, Array]) -> dict[str, Array]:
    """One pair for each distinct X."""
    count = len(next(iter(points.values())))
    if count == 0:
        return points
    nothing = np.zeros(count)
    labels = merged(_products(problem, points), nothing, nothing, np.zeros(count, dtype=int), _SAME)
    kept = np.flatnonzero(labels == np.arange(count))
    return {n: v[kept] for n, v in points.items()}


def predicted_values(target: Array, weight: float, r: int) -> tuple[Array, Array]:
    """The stationary values of factorization and their indices, from one SVD (theory §5).

    Args:
        target: M, `(m, n)`, with distinct singular values.
        weight: λ ≥ 0.
        r: the adapters' rank.

    Returns:
        The values `Σ_{i∈S} (σ_i − λ)u_iv_iᵀ`, `(number, m, n)`, and the number of negative Hessian eigenvalues of each.
    """
    u, values, vt = np.linalg.svd(target, full_matrices=False)
    usable = [i for i in range(len(values)) if values[i] > weight]
    found, index = [], []
    for k in range(min(r, len(usable)) + 1):
        for chosen in combinations(usable, k):
            left = [j for j in usable if j not in chosen]
            found.append(sum((np.outer(u[:, i], vt[i]) * (values[i] - weight) for i in chosen), np.zeros_like(target)))
            index.append(sum(sum(values[j] > values[i] for j in left) for i in chosen) + (r - k) * len(left))
    return np.array(found), np.array(index)
