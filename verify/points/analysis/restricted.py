"""Estimates of restricted strong convexity and smoothness over a ball, and what each one is a bound of.

Main definitions: `restricted_convexity`, `restricted_smoothness`, `uniform_bounds`, `Estimate`, `Bound`, `Method`.

Implementation notes
    A value found at some point of the ball bounds α from *above* and β from *below*, whether it was sampled or searched
    for: it may never refute a claim (design §4). Only bounds by construction are CERTIFIED. The search is projected
    gradient descent on derived derivatives of the quotient itself, in the factors of X.

References: theory §0 (RSC, RSM).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.conditions import gradient_of_function
from verify.calculus.differentiate import expand, gradients, tangent
from verify.evaluation.hessians import hessian_of_function, is_quadratic
from verify.evaluation.zeros import symmetric_eigenvalues
from verify.language.operations.algebra import inner, negated
from verify.language.statements import FunctionOf
from verify.language.terms import ARGUMENT, Dim, Term, make, rebuild, symbol
from verify.losses.problem import Problem
from verify.losses.sampling import OUTWARD
from verify.points.analysis.ball_search import LEFT, RIGHT, SIDES, STAR, STAR_SLOPE, Search
from verify.points.analysis.full import MOVE

Array = Any


class Bound(Enum):
    """What an estimate is a bound of."""

    UPPER_BOUND_OF_ALPHA = "found at a point: α is at most this"
    LOWER_BOUND_OF_BETA = "found at a point: β is at least this"
    CERTIFIED = "holds everywhere, by construction of the loss"


class Method(Enum):
    """How an estimate was found."""

    SAMPLED = "the extreme of random points"
    ADVERSARIAL = "projected gradient steps on the quotient"
    CONSTRUCTION = "known from the data"


@dataclass(frozen=True)
class Estimate:
    """A value for each problem, `(count,)`, with what it is and where it was found.

    Attributes:
        value: the estimate; not a number where no point could be evaluated.
        bound: what it bounds.
        method: how it was found.
        at: the arrays it is attained at (X, and Z for β), `(count, m, n)` each; empty by construction.
    """

    value: Array
    bound: Bound
    method: Method
    at: Mapping[str, Array]


def uniform_bounds(problem: Problem) -> tuple[Estimate | None, Estimate | None]:
    """α and β with `αI ⪯ ∇²f ⪯ βI` everywhere: by construction, or the constant Hessian's eigenvalues moved outward.

    Either is None where nothing is known. A uniform α is also an RSC constant, a uniform β an RSM constant.
    """
    alpha, beta = problem.alpha, problem.beta
    if (alpha is None or beta is None) and problem.full is not None and is_quadratic(problem.full):
        with np.errstate(all="ignore"):
            hessian = hessian_of_function(problem.full, problem.batch({}))
        values = symmetric_eigenvalues(hessian)
        slack = OUTWARD * np.max(np.abs(values), axis=-1)
        alpha = values[:, 0] - slack if alpha is None else alpha
        beta = values[:, -1] + slack if beta is None else beta

    def known(value: Array | None) -> Estimate | None:
        return None if value is None else Estimate(np.asarray(value), Bound.CERTIFIED, Method.CONSTRUCTION, {})

    return known(alpha), known(beta)


def restricted_convexity(
    problem: Problem,
    rng: np.random.Generator,
    *,
    rank: int,
    radius: Array | float,
    star: Array | None = None,
    starts: int = 8,
    steps: int = 60,
) -> tuple[Estimate, Estimate]:
    """Upper bounds of α in RSC(α; rank, radius): the least quotient sampled, and the least one found by search.

    Args:
        problem: problems with one adapter.
        rng: the source of starts.
        rank: the largest rank k of X.
        radius: D, a number or `(count,)`.
        star: X⋆, `(count, m, n)`; the problem's own unless given.
        starts: random points for each problem.
        steps: gradient steps from each of them.

    Returns:
        The sampled and the adversarial estimate; the latter is never above the former.

    Raises:
        ValueError: if X⋆ is unknown or has a larger rank, or the radius is not positive.
    """
    search = Search(problem, rng, rank, radius, star, starts)
    quotient, slopes = _convexity_terms(search.full, rank)
    first, last, values = search.run(quotient, slopes, {}, steps)
    found = [search.best(v, x) for v, x in ((first, values[0]), (last, values[1]))]
    return (
        Estimate(found[0][0], Bound.UPPER_BOUND_OF_ALPHA, Method.SAMPLED, {"X": found[0][1]["X"]}),
        Estimate(found[1][0], Bound.UPPER_BOUND_OF_ALPHA, Method.ADVERSARIAL, {"X": found[1][1]["X"]}),
    )


def restricted_smoothness(
    problem: Problem,
    rng: np.random.Generator,
    *,
    rank: int,
    radius: Array | float,
    star: Array | None = None,
    starts: int = 8,
    steps: int = 60,
) -> tuple[Estimate, Estimate]:
    """Lower bounds of β in RSM(β; rank, radius): the largest `∇²f(X)[Z,Z]/‖Z‖²` sampled, and found by search.

    Directions are `Z = u(Qa)ᵀ + (Pb)vᵀ` for `X = PQᵀ`, that is `MX + XN` with M and N of rank one.

    Args, returns and errors are those of `restricted_convexity`; the adversarial estimate is never below the sampled.
    """
    search = Search(problem, rng, rank, radius, star, starts)
    quotient, slopes = _smoothness_terms(search.full, rank)
    count, rows, cols = search.ball.star.shape
    shapes = zip(SIDES, (rows, rank, rank, cols), strict=True)
    sides = {name: rng.standard_normal((count, size, 1)) for name, size in shapes}
    first, last, values = search.run(quotient, slopes, sides, steps)
    found = [search.best(v, x) for v, x in ((first, values[0]), (last, values[1]))]
    return (
        Estimate(-found[0][0], Bound.LOWER_BOUND_OF_BETA, Method.SAMPLED, found[0][1]),
        Estimate(-found[1][0], Bound.LOWER_BOUND_OF_BETA, Method.ADVERSARIAL, found[1][1]),
    )


# --- the quotients and their derived gradients ----------------------------------------------------------------------


def _factors(full: FunctionOf, rank: Dim) -> tuple[Term, Term, Term]:
    rows, cols = full.shape  # type: ignore[misc]
    left, right = symbol(LEFT, (rows, rank)), symbol(RIGHT, (cols, rank))
    return left, right, make("matmul", left, make("transpose", right))


def _over(above: Term, below: Term) -> Term:
    return make("mul", above, make("pow", below, payload=(-1,)))


@lru_cache(maxsize=64)
def _convexity_terms(full: FunctionOf, rank: int) -> tuple[Term, dict[str, Term]]:
    """`⟨∇f(PQᵀ) − G⋆, PQᵀ − X⋆⟩/‖PQᵀ − X⋆‖²` and its gradients."""
    left, right, point = _factors(full, rank)
    move = make("add", point, negated(symbol(STAR, full.shape)))
    rise = make("add", gradient_of_function(full, point), negated(symbol(STAR_SLOPE, full.shape)))
    return _with_gradients(_over(inner(rise, move), inner(move, move)), [left, right])


@lru_cache(maxsize=64)
def _smoothness_terms(full: FunctionOf, rank: int) -> tuple[Term, dict[str, Term]]:
    """`−∇²f(PQᵀ)[Z, Z]/‖Z‖²` and its gradients."""
    left, right, point = _factors(full, rank)
    rows, cols = full.shape  # type: ignore[misc]
    sides = [symbol(name, (size, 1)) for name, size in zip(SIDES, (rows, rank, rank, cols), strict=True)]
    u, a, b, v = sides
    first = make("matmul", u, make("transpose", make("matmul", right, a)))
    second = make("matmul", make("matmul", left, b), make("transpose", v))
    move = make("add", first, second)
    (slope,) = gradients(expand(full.body), [symbol(ARGUMENT, full.shape)])
    curved = tangent(slope, {ARGUMENT: symbol(MOVE, full.shape)})
    curved = rebuild(curved, {symbol(ARGUMENT, full.shape): point, symbol(MOVE, full.shape): move})
    return _with_gradients(negated(_over(inner(curved, move), inner(move, move))), [left, right, *sides])


def _with_gradients(quotient: Term, variables: list[Term]) -> tuple[Term, dict[str, Term]]:
    slopes = gradients(quotient, variables)
    return quotient, {v.payload[0]: g for v, g in zip(variables, slopes, strict=True)}
