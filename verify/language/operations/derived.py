"""Nodes that stand for a derivative and are expanded by the calculus: `derivative`, and `ddt`, `after` inside `always`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verify.language.errors import ClaimError, ShapeError
from verify.language.operations.operation import Array, Environment, Field, Operation, Precedence, Printer
from verify.language.terms import Shape, Term, require_scalar, show_shape, symbols_of, walk

DERIVED = frozenset({"derivative", "ddt", "after"})


def _derivative_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    names, order = payload
    if order < 1:
        raise ShapeError(f"a derivative of order {order}: the order is 1 or more")
    require_scalar(shapes[0], "derivative")
    if len(names) != len(shapes) - 1:
        raise ShapeError("derivative needs one direction for each variable")
    return ()


def _not_expanded(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    raise ClaimError(f"{term.op} stands for a derivative that was not expanded: use it inside a claim")


def _show_derivative(term: Term, printer: Printer) -> str:
    names, order = term.payload
    inside = printer.at(term.args[0], Precedence.SUM)
    power = "" if order == 1 else (f"^{{{order}}}" if printer.latex else {2: "²", 3: "³"}.get(order, f"^{order}"))
    moved = ", ".join(f"{printer.name(n)}: {printer.at(d, Precedence.SUM)}" for n, d in zip(names, term.args[1:], strict=True))
    return f"D{power}({inside})[{moved}]"


def check_directions(term: Term) -> None:
    """Each direction must have the shape of its variable."""
    for node in walk(term):
        if node.op == "derivative":
            shapes = symbols_of(node.args[0])
            for name, direction in zip(node.payload[0], node.args[1:], strict=True):
                if name in shapes and shapes[name] != direction.shape:
                    raise ShapeError(
                        f"the direction for {name} is {show_shape(direction.shape)}, but {name} is {show_shape(shapes[name])}"
                    )


OPERATIONS = (
    Operation("derivative", _derivative_shape, _not_expanded, _show_derivative),
    Operation(
        "ddt",
        lambda payload, shapes: shapes[0],
        _not_expanded,
        lambda t, p: (r"\frac{d}{dt}" if p.latex else "d/dt ") + f"[{p.at(t.args[0], Precedence.SUM)}]",
        precedence=Precedence.POWER,
    ),
    Operation(
        "after",
        lambda payload, shapes: shapes[0],
        _not_expanded,
        lambda t, p: f"[{p.at(t.args[0], Precedence.SUM)}]" + ("^{+}" if p.latex else "⁺"),
        precedence=Precedence.POWER,
    ),
)
