"""Entry by entry: elementwise functions, single entries, diagonals, row-wise log-sum-exp and softmax."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from verify.language.errors import ClaimError, NotRational, ShapeError
from verify.language.operations.algebra import total
from verify.language.operations.operation import (
    Array,
    Environment,
    Field,
    Growth,
    Operation,
    Precedence,
    Printer,
    no_derivative,
)
from verify.language.terms import Shape, Term, make, number, require_matrix, require_square, walk

HOLE = Term("hole", (), (), ())
"""The variable of an elementwise function's body."""


@lru_cache(maxsize=1024)
def body_derivative(body: Term) -> Term:
    """The derivative of a scalar body with respect to the hole, in reverse mode.

    Raises:
        NotDifferentiable: if a part that depends on the hole has no derivative.
    """
    from verify.language.terms import operation_of

    moving: set[Term] = set()
    for node in walk(body):
        if node == HOLE or any(a in moving for a in node.args):
            moving.add(node)
    bars: dict[Term, list[Term]] = {body: [number(1)]}
    for node in reversed(list(walk(body))):
        if node not in moving or node not in bars or node == HOLE:
            continue
        rule = operation_of(node).adjoint
        if rule is None:
            raise no_derivative(node)
        bar = total(bars[node])
        assert bar is not None
        for argument, part in zip(node.args, rule(node, bar), strict=True):
            if part is not None and argument in moving:
                bars.setdefault(argument, []).append(part)
    slope = total(bars.get(HOLE, []))
    return number(0) if slope is None else slope


def evaluate_body(field: Field, body: Term, x: Array, env: Environment) -> Array:
    """The body at every entry of `x`."""
    from verify.language.terms import operation_of

    values: dict[Term, Array] = {}
    for node in walk(body):
        values[node] = x if node == HOLE else operation_of(node).value(field, node, [values[a] for a in node.args], env)
    return values[body] + 0 * x


def _map_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    for node in walk(payload[0]):
        if node.op == "sym":
            raise ClaimError(
                f"the elementwise function mentions {node.payload[0]}: only numbers and its own variable are allowed"
            )
    return shapes[0]


def _map_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return evaluate_body(field, term.payload[0], args[0], env)


def _map_slope(term: Term) -> Term:
    return make("map", term.args[0], payload=(body_derivative(term.payload[0]),))


def _map_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    if tangents[0] is None:
        return None
    return make("mul" if term.is_scalar else "hadamard", _map_slope(term), tangents[0])


def _map_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return [make("mul" if term.is_scalar else "hadamard", bar, _map_slope(term))]


def _show_map(term: Term, printer: Printer) -> str:
    body, inside = term.payload[0], printer.at(term.args[0], Precedence.SUM)
    if body.op == "fn" and body.args[0] == HOLE:
        return printer.call(body.payload[0], [inside])
    shown = printer.at(body, Precedence.SUM)
    return rf"\left(x \mapsto {shown}\right)[{inside}]" if printer.latex else f"(x ↦ {shown})[{inside}]"


# --- entries and diagonals ------------------------------------------------------------------------------------------


def _entry_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    for index, dim in zip(payload, require_matrix(shapes[0], "an entry"), strict=True):
        if index < 0 or (isinstance(dim, int) and index >= dim):
            raise ShapeError(f"entry {payload} of a {'×'.join(map(str, shapes[0]))} matrix: count from 0")
    return ()


def _entry_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    i, j = term.payload
    if i < args[0].shape[-2] and j < args[0].shape[-1]:
        return args[0][..., i, j]
    if args[0].dtype == object:
        raise NotRational(f"entry {(i, j)} does not exist in a {args[0].shape[-2]}×{args[0].shape[-1]} matrix")
    return np.full(args[0].shape[:-2], np.nan)


def _entry_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return [make("mul", bar, make("unit", payload=(*term.args[0].shape, *term.payload)))]


def _keep_payload(name: str) -> Any:
    def rule(term: Term, tangents: Sequence[Term | None]) -> Term | None:
        return None if tangents[0] is None else make(name, tangents[0], payload=term.payload)

    return rule


def _show_entry(term: Term, printer: Printer) -> str:
    i, j = (k + 1 for k in term.payload)
    base = printer.at(term.args[0], Precedence.ATOM)
    return f"{base}_{{{i}{j}}}" if printer.latex else f"{base}[{i},{j}]"


def _diag_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    rows, cols = require_matrix(shapes[0], "diag")
    if cols != 1:
        raise ShapeError(f"diag needs a column, not a {rows}×{cols} matrix")
    return (rows, rows)


def _diag_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.eye(args[0].shape[-2]) * args[0]


def _diagonal_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.row_sums(field.eye(args[0].shape[-1]) * args[0])


# --- log-sum-exp ----------------------------------------------------------------------------------------------------


def _column_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    return (require_matrix(shapes[0], "a row-wise log-sum-exp")[0], 1)


def _row_sums(matrix: Term) -> Term:
    """Sums over each row, repeated in every column."""
    cols = matrix.shape[1]  # type: ignore[misc]
    return make("matmul", matrix, make("ones", payload=(cols, cols)))


def _lse_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    if tangents[0] is None:
        return None
    weighted = make("hadamard", make("rowsoftmax", term.args[0]), tangents[0])
    return make("matmul", weighted, make("ones", payload=(term.args[0].shape[1], 1)))  # type: ignore[misc]


def _lse_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    spread = make("matmul", bar, make("ones", payload=(1, term.args[0].shape[1])))  # type: ignore[misc]
    return [make("hadamard", make("rowsoftmax", term.args[0]), spread)]


def _softmax_pull(softmax: Term, direction: Term) -> Term:
    """`S∘D − S∘((S∘D)11ᵀ)`: the derivative of the row-wise softmax, which is its own adjoint."""
    weighted = make("hadamard", softmax, direction)
    return make("add", weighted, make("mul", number(-1), make("hadamard", softmax, _row_sums(weighted))))


def _softmax_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    return None if tangents[0] is None else _softmax_pull(term, tangents[0])


def _show_call(name: str) -> Any:
    return lambda term, printer: printer.call(name, [printer.at(term.args[0], Precedence.SUM)])


OPERATIONS = (
    Operation("map", _map_shape, _map_value, _show_map, _map_tangent, _map_adjoint, Growth.SPECIAL),
    Operation(
        "entry",
        _entry_shape,
        _entry_value,
        _show_entry,
        _keep_payload("entry"),
        _entry_adjoint,
        Growth.ADDITIVE,
    ),
    Operation(
        "diag",
        _diag_shape,
        _diag_value,
        _show_call("diag"),
        _keep_payload("diag"),
        lambda term, bar: [make("diagonal", bar)],
        Growth.ADDITIVE,
    ),
    Operation(
        "diagonal",
        lambda payload, shapes: (require_square(shapes[0], "the diagonal"), 1),
        _diagonal_value,
        _show_call("diagonal"),
        _keep_payload("diagonal"),
        lambda term, bar: [make("diag", bar)],
        Growth.ADDITIVE,
    ),
    Operation(
        "rowlse",
        _column_shape,
        lambda field, term, args, env: field.row_log_sum_exp(args[0]),
        _show_call("logsumexp"),
        _lse_tangent,
        _lse_adjoint,
        Growth.ADDITIVE,
    ),
    Operation(
        "rowsoftmax",
        lambda payload, shapes: require_matrix(shapes[0], "a row-wise softmax"),
        lambda field, term, args, env: field.row_softmax(args[0]),
        _show_call("softmax"),
        _softmax_tangent,
        lambda term, bar: [_softmax_pull(term, bar)],
        Growth.ADDITIVE,
    ),
)
