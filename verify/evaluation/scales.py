"""How large the rounding error of a float value can be: one number an instance for every node.

The *scale* of a node is its first-order error bound in units of the machine precision, propagated with the values: sums
add, products multiply by the other factors' norms. Tolerances are relative to it, so that cancellation of large terms is
not mistaken for a violation, and a tiny but exact quantity is not mistaken for zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from verify.evaluation.fields.float64 import FloatField
from verify.evaluation.tolerances import LOOSE, TIGHT
from verify.evaluation.zeros import ROUNDING
from verify.language.errors import NotDifferentiable
from verify.language.operations.entries import HOLE, body_derivative, evaluate_body
from verify.language.operations.operation import Environment, Growth
from verify.language.operations.scalars import DERIVATIVES
from verify.language.terms import Term, operation_of, walk

Array = Any
_FIELD = FloatField()


def norm(value: Array, *, matrix: bool) -> Array:
    """The Frobenius norm of each matrix, or the absolute value of each scalar."""
    if not matrix:
        return np.abs(value)
    top = np.max(np.abs(value), axis=(-2, -1), keepdims=True)
    safe = np.where((top > 0) & np.isfinite(top), top, 1.0)
    return np.sqrt(np.sum((value / safe) ** 2, axis=(-2, -1))) * safe[..., 0, 0]


def scale_of(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    """The error scale of one node, from those of its arguments."""
    size = norm(values[node], matrix=not node.is_scalar)
    rule = _SPECIAL.get(node.op)
    if rule is not None:
        return rule(node, values, scales, env) + size
    match operation_of(node).growth:
        case Growth.LEAF:
            return size
        case Growth.ADDITIVE:
            return sum((scales[a] for a in node.args), size)
        case _:
            return _multilinear(node, values, scales) + size


def _multilinear(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array]) -> Array:
    norms = [norm(values[a], matrix=not a.is_scalar) for a in node.args]
    total: Array = 0.0
    for i, argument in enumerate(node.args):
        product = scales[argument]
        for j, other in enumerate(norms):
            if j != i:
                product = product * other
        total = total + product
    return total


def _trace(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    return scales[node.args[0]]


def _function(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    name = node.payload[0]
    if name in ("sign", "step"):
        return np.zeros(())
    if name in ("abs", "relu"):
        return scales[node.args[0]]
    slope_term = DERIVATIVES[name](HOLE)
    slope = evaluate_body(_FIELD, slope_term, values[node.args[0]], env)
    return np.abs(slope) * scales[node.args[0]]


def _map(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    point = values[node.args[0]]
    slope = np.abs(_steepest(node.payload[0], point, env))
    return (slope if node.is_scalar else np.max(slope, axis=(-2, -1))) * scales[node.args[0]]


def _steepest(body: Term, point: Array, env: Environment) -> Array:
    """The slope of an elementwise function's body; at a kink, or where it has none, what its steepest parts add up to."""
    try:
        slope = evaluate_body(_FIELD, body_derivative(body), point, env)
    except NotDifferentiable:
        slope = np.full(np.shape(point), np.nan)
    except ArithmeticError:
        return np.ones(())
    if not np.isnan(slope).any():
        return slope
    _, scale = _through(body, point, np.ones(np.shape(point)), env, exact=True)
    return np.where(np.isnan(slope), scale, slope)


def _through(body: Term, point: Array, scale: Array, env: Environment, *, exact: bool = False) -> tuple[Array, Array]:
    """Value and scale of an elementwise function's body at every entry; `exact` if the entries are data."""
    values, scales = {HOLE: point}, {HOLE: scale}
    for node in walk(body):
        if node != HOLE:
            values[node] = _jump(node, values, scales, env, exact=frozenset([HOLE]) if exact else frozenset())
            scales[node] = scale_of(node, values, scales, env)
            values[node] = _settled(node, values, scales, env)
    return values[body] + 0 * point, scales[body]


def _glue(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    switch = values[node.args[0]]
    first, second = (scales[side] for side in node.args[1:3])
    return np.where(switch > 0, first, np.where(switch < 0, second, np.maximum(first, second)))


def _settled(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    """The node's value; not a number where rounding hides the side of a kink, unless both sides are the same there."""
    if node.op == "map" and any(part.op == "glue" or _jumps(part) for part in walk(node.payload[0])):
        point, scale = values[node.args[0]], scales[node.args[0]]
        wide = scale if node.is_scalar else scale[..., None, None]
        return _through(node.payload[0], point, wide, env, exact=_is_datum(node.args[0]))[0]
    if node.op != "glue":
        return values[node]
    switch, positive, negative = node.args
    doubt = np.abs(values[switch]) <= LOOSE * scales[switch]
    gap = np.abs(values[positive] - values[negative])
    meeting = np.where(gap <= TIGHT * (scales[positive] + scales[negative]), values[positive], np.nan)
    return np.where(doubt, meeting, values[node])


def _power(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    exponent = float(node.payload[0])
    base, error = np.abs(values[node.args[0]]), scales[node.args[0]]
    if 0 < exponent < 1:
        # √x moves by error/(2√x) away from 0, and near it by no more than √(error): an x at its tolerance has a root there.
        slope = exponent * np.where(base > 0, base, np.inf) ** (exponent - 1)
        near = (TIGHT * error) ** exponent / TIGHT
        return np.where(base > 0, np.minimum(slope * error, near), near)
    return np.abs(exponent) * base ** (exponent - 1) * error


def _inverse(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    size = norm(values[node], matrix=True)
    return size * size * scales[node.args[0]]


def _det(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    argument = values[node.args[0]]
    size = norm(argument, matrix=True)
    order = argument.shape[-1]
    return scales[node.args[0]] * size ** max(order - 1, 0)


def _first_argument(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    return scales[node.args[0]]


def _exact_value(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    return np.zeros(())


def _operator(node: Term, values: Mapping[Term, Array], scales: Mapping[Term, Array], env: Environment) -> Array:
    return norm(env.operators[node.payload[0].name], matrix=True) * scales[node.args[0]]


_SPECIAL: dict[str, Callable[..., Array]] = {
    "trace": _trace,
    "fn": _function,
    "glue": _glue,
    "map": _map,
    "pow": _power,
    "inverse": _inverse,
    "det": _det,
    "sigma": _first_argument,
    "off_block": _first_argument,
    "rank": _exact_value,
    "apply": _operator,
    "adjoint": _operator,
}


def _is_datum(node: Term) -> bool:
    """Whether nothing was rounded to compute the node: its own floats are the data."""
    return operation_of(node).growth is Growth.LEAF


def _jumps(node: Term) -> bool:
    return node.op == "fn" and node.payload[0] in ("sign", "step")


def _jump(
    node: Term,
    values: Mapping[Term, Array],
    scales: Mapping[Term, Array],
    env: Environment,
    *,
    exact: frozenset[Term] = frozenset(),
) -> Array:
    """The node's value; functions that jump at 0 have none where their argument is rounding, unless it is one of `exact`."""
    value = operation_of(node).value(_FIELD, node, [values[a] for a in node.args], env)
    if not _jumps(node) or node.args[0] in exact or (node.args[0] != HOLE and _is_datum(node.args[0])):
        return value
    (argument,) = node.args
    return np.where(np.abs(values[argument]) > ROUNDING * scales[argument], value, np.nan)


_RESOLVED: dict[str, Callable[..., Array]] = {
    "rank": lambda node, values, scales, env: _FIELD.rank(values[node.args[0]], scales[node.args[0]]),
    "lambda_min": lambda node, values, scales, env: _FIELD.lambda_min(values[node.args[0]], scales[node.args[0]]),
    "off_block": lambda node, values, scales, env: _FIELD.off_block(
        values[node.args[0]], values[node.args[1]], scales[node.args[1]]
    ),
    "fn": _jump,
}
"""What jumps, or is defined on symmetric matrices only: which side of the jump a value is on depends on its error."""


_PASSING = ("transpose", "trace", "frobenius", "nuclear", "spectral", "rowsums", "diag", "diagonal", "add", "abs")


def magnitudes(
    terms: Sequence[Term], values: Mapping[Term, Array], scales: Mapping[Term, Array], noise: Array
) -> dict[Term, Array]:
    """How large the parts of a term are that are no rounding errors; 0 where nothing but such errors is there.

    A difference of equal matrices is as large as they are: it has been compared. A singular value beyond the rank, which
    came out as 1e-17, is 0.

    Args:
        terms: the terms.
        values: the values of all nodes below them.
        scales: their error scales.
        noise: the fraction of a node's scale, `(count,)`, up to which its value means nothing.
    """
    found: dict[Term, Array] = {}
    for term in terms:
        for node in walk(term):
            if node not in found:
                found[node] = _magnitude(node, found, values, scales, noise)
    return found


def _magnitude(
    node: Term, found: Mapping[Term, Array], values: Mapping[Term, Array], scales: Mapping[Term, Array], noise: Array
) -> Array:
    size = norm(values[node], matrix=not node.is_scalar)
    if not node.args:
        return size
    own = np.where(size > noise * scales[node], size, np.where(np.isnan(size), np.nan, 0.0))
    parts = [found[a] for a in node.args]
    if node.op in _PASSING:
        return np.maximum(own, np.max(np.broadcast_arrays(*parts), axis=0))
    if node.op in ("mul", "matmul", "hadamard"):
        # A product that vanishes although no factor does has been compared with 0 as well.
        smallest = np.min(np.broadcast_arrays(*parts), axis=0)
        return np.maximum(own, np.where(smallest > 0, smallest, 0.0))
    if node.op == "pow" and node.payload[0] > 0:
        return np.maximum(own, np.where(parts[0] > 0, parts[0], 0.0))
    return own


def swallowed(terms: Sequence[Term], values: Mapping[Term, Array], scales: Mapping[Term, Array], least: float) -> Array:
    """Where some sum inside the terms has a summand that its own tolerance would swallow: smaller than `least` of its scale.

    There a statement about the sum cannot be told from the one without the summand.
    """
    lost: Array = np.zeros((), bool)
    for term in terms:
        for node in walk(term):
            if node.op == "add":
                lost = lost | swallows(summands(node), scales[node], values, scales, least)
    return lost


def swallows(
    parts: Sequence[Term], scale: Array, values: Mapping[Term, Array], scales: Mapping[Term, Array], least: float
) -> Array:
    """Where one of the summands is no rounding error and yet smaller than `least` of the sum's scale."""
    lost: Array = np.zeros((), bool)
    for part in parts:
        size = norm(values[part], matrix=not part.is_scalar)
        lost = lost | ((size > ROUNDING * scales[part]) & (size <= least * scale))
    return lost


def summands(term: Term) -> list[Term]:
    """The terms of a sum, opened to the bottom."""
    if term.op != "add":
        return [term]
    return [part for a in term.args for part in summands(a)]


def with_scales(
    terms: Sequence[Term], env: Environment, evaluate_node: Callable[[Term, Mapping[Term, Array]], Array]
) -> tuple[dict[Term, Array], dict[Term, Array]]:
    """Values and scales of all nodes below some terms."""
    values: dict[Term, Array] = {}
    scales: dict[Term, Array] = {}
    for term in terms:
        for node in walk(term):
            if node not in values:
                resolved = _RESOLVED.get(node.op)
                values[node] = resolved(node, values, scales, env) if resolved else evaluate_node(node, values)
                scales[node] = scale_of(node, values, scales, env)
                values[node] = _settled(node, values, scales, env)
    return values, scales
