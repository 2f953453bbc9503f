"""Conditions on the curvature of a function: bounds in all directions, convexity, and the restricted ones around a point.

Main definitions: `uniform_curvature`, `convex`, `rsc`, `rsm`, `function_of`.
"""

from __future__ import annotations

from typing import Any

from verify.language.errors import ClaimError, ShapeError
from verify.language.functions import Smooth
from verify.language.nodes import Expression
from verify.language.statements import Curvature, FunctionOf, written
from verify.language.terms import ARGUMENT, Term, make, show_shape, symbol
from verify.language.translate import declared_term_of


def function_of(f: Any) -> FunctionOf:
    """The function behind `smooth(...)`, `function(...)` or a setting's `f`.

    Raises:
        ClaimError: for anything else.
    """
    if not isinstance(f, Smooth):
        raise ClaimError(f"{f!r} is not a function of a matrix: pass s.f, smooth(...) or function(lambda X: ..., shape)")
    argument = symbol(ARGUMENT, f.shape)
    body = f.symbol.body
    return FunctionOf(f.shape, make("smooth", argument, payload=(f.symbol,)) if body is None else body)


def uniform_curvature(f: Any, alpha: Expression, beta: Expression) -> Curvature:
    """`αI ⪯ ∇²f ⪯ βI` in all directions, everywhere (theory §0).

    Raises:
        ClaimError: if α and β are numbers with α > β, which no function satisfies.
    """
    low, high = _scalar(alpha, "α"), _scalar(beta, "β")
    if low.op == high.op == "num" and low.payload[0] > high.payload[0]:
        raise ClaimError(
            f"uniform_curvature(f, {alpha}, {beta}): no function has α = {alpha} above β = {beta}: give the smaller one first"
        )
    return Curvature("uniform_curvature", function_of(f), (low, high), written(f.body, alpha, beta))


def convex(f: Any) -> Curvature:
    """`∇²f ⪰ 0` everywhere."""
    return Curvature("convex", function_of(f), (), written(f.body))


def rsc(f: Any, alpha: Expression, *, around: Expression, rank: Expression, radius: Expression) -> Curvature:
    """Restricted strong convexity RSC(α; rank, radius) around a point (theory §0)."""
    return _restricted("rsc", f, alpha, around, rank, radius)


def rsm(f: Any, beta: Expression, *, around: Expression, rank: Expression, radius: Expression) -> Curvature:
    """Restricted smoothness RSM(β; rank, radius) around a point (theory §0)."""
    return _restricted("rsm", f, beta, around, rank, radius)


def _restricted(kind: str, f: Any, number: Any, around: Any, rank: Any, radius: Any) -> Curvature:
    function, point = function_of(f), declared_term_of(around)
    if point.shape != function.shape:
        raise ShapeError(f"{kind} around {show_shape(point.shape)}: f takes {show_shape(function.shape)} matrices")
    numbers = (_scalar(number, kind), point, _scalar(rank, "rank"), _scalar(radius, "radius"))
    return Curvature(kind, function, numbers, written(f.body, number, around, rank, radius))


def _scalar(value: Expression, what: str) -> Term:
    term = declared_term_of(value)
    if term.shape != ():
        raise ShapeError(f"{what} must be a scalar, not a {show_shape(term.shape)} matrix")
    return term
