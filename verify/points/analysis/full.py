"""The full loss f as a function of the update X, for a stack of problems: value, gradient, curvature.

Main definitions: `full_of`, `update_of`, `value`, `slope`, `value_and_slope`, `curvature`, `curved`, `singular`. All
derivatives are the derived ones, lowered by `evaluation.interpret`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand, gradients, tangent
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.operations.algebra import inner
from verify.language.operations.operation import Environment
from verify.language.statements import FunctionOf
from verify.language.terms import ARGUMENT, Term, symbol
from verify.losses.problem import Problem

Array = Any
MOVE = "δ·"
"""The name of a direction of X; no user symbol can have it."""


@lru_cache(maxsize=64)
def _value_term(function: FunctionOf) -> Term:
    return expand(function.body)


@lru_cache(maxsize=64)
def _slope_term(function: FunctionOf) -> Term:
    (term,) = gradients(_value_term(function), [symbol(ARGUMENT, function.shape)])
    return term


@lru_cache(maxsize=64)
def _curved_term(function: FunctionOf) -> Term:
    return tangent(_slope_term(function), {ARGUMENT: symbol(MOVE, function.shape)})


@lru_cache(maxsize=64)
def _curvature_term(function: FunctionOf) -> Term:
    return inner(symbol(MOVE, function.shape), _curved_term(function))


def full_of(problem: Problem) -> FunctionOf:
    """f as a function of the update.

    Raises:
        ValueError: for several adapters, which have no single update.
    """
    if problem.full is None:
        raise ValueError(f"the family {problem.family} has several adapters: no single X exists")
    return problem.full


def update_of(problem: Problem, points: Mapping[str, Array]) -> Array:
    """`X = ABᵀ`, `(count, m, n)`, of a problem with one adapter."""
    full_of(problem)
    (left, right) = problem.pairs[0]
    return points[left.payload[0]] @ np.swapaxes(points[right.payload[0]], -1, -2)


def evaluated(problem: Problem, terms: Sequence[Term], values: Mapping[str, Array]) -> list[Array]:
    """Terms in the problem's data and further values, each `(count, ...)`; not finite where undefined."""
    env = Environment({**problem.data, **values}, problem.dims, {}, problem.operators)
    with np.errstate(all="ignore"):
        found = evaluate_terms(terms, env, FloatField())
    return [np.broadcast_to(v, (problem.count, *v.shape[v.ndim - len(t.shape) :])) for v, t in zip(found, terms, strict=True)]


def value(problem: Problem, point: Array) -> Array:
    """`f(X)`, `(count,)`."""
    return evaluated(problem, [_value_term(full_of(problem))], {ARGUMENT: point})[0]


def slope(problem: Problem, point: Array) -> Array:
    """`∇f(X)`, `(count, m, n)`."""
    return evaluated(problem, [_slope_term(full_of(problem))], {ARGUMENT: point})[0]


def value_and_slope(problem: Problem, point: Array) -> tuple[Array, Array]:
    """`f(X)` and `∇f(X)`, with their common parts evaluated once."""
    full = full_of(problem)
    found, slopes = evaluated(problem, [_value_term(full), _slope_term(full)], {ARGUMENT: point})
    return found, slopes


def curvature(problem: Problem, point: Array, move: Array) -> Array:
    """`∇²f(X)[Z, Z]`, `(count,)`."""
    return evaluated(problem, [_curvature_term(full_of(problem))], {ARGUMENT: point, MOVE: move})[0]


def curved(problem: Problem, point: Array, move: Array) -> Array:
    """`∇²f(X)[Z, ·]`, `(count, m, n)`."""
    return evaluated(problem, [_curved_term(full_of(problem))], {ARGUMENT: point, MOVE: move})[0]


def singular(matrix: Array) -> Array:
    """Singular values in descending order, `(count, min(m, n))`; not a number where an entry is not finite."""
    return FloatField().singular_values(matrix)


def pairing(left: Array, right: Array) -> Array:
    """`⟨Y, Z⟩` for each instance."""
    return np.sum(left * right, axis=(-2, -1))


def frobenius(matrix: Array) -> Array:
    """`‖Y‖_F` for each instance."""
    return np.sqrt(pairing(matrix, matrix))
