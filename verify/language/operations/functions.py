"""Function and operator variables: an opaque C² function with all its derivatives, and a linear map with its adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verify.language.errors import ShapeError
from verify.language.operations.algebra import total
from verify.language.operations.operation import (
    Array,
    Environment,
    Field,
    Growth,
    Operation,
    Precedence,
    Printer,
)
from verify.language.terms import ARGUMENT, Dim, Shape, Term, make, rebuild, show_shape, symbol, symbols_of


@dataclass(frozen=True, order=True)
class FunctionSymbol:
    """A C² function `name : R^{shape} → R`: a variable, or with a `body` the abbreviation of a formula in its argument."""

    name: str
    shape: tuple[Dim, Dim]
    body: Term | None = None


@dataclass(frozen=True, order=True)
class OperatorSymbol:
    """A linear map variable from `domain` to `codomain` matrices; `symmetric` means it equals its adjoint."""

    name: str
    domain: tuple[Dim, Dim]
    codomain: tuple[Dim, Dim]
    symmetric: bool = False


# --- smooth functions -----------------------------------------------------------------------------------------------


def _require_shapes(shapes: Sequence[Shape], wanted: Shape, what: str) -> None:
    for shape in shapes:
        if shape != wanted:
            raise ShapeError(f"{what} takes {show_shape(wanted)} matrices, not {show_shape(shape)}")


def _smooth_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    _require_shapes(shapes, payload[0].shape, payload[0].name)
    return ()


def _smoothgrad_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    _require_shapes(shapes, payload[0].shape, payload[0].name)
    return payload[0].shape  # type: ignore[no-any-return]


def _smooth_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return env.functions[term.payload[0].name].derivative(field, args[0], args[1:])


def _smoothgrad_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return env.functions[term.payload[0].name].gradient(field, args[0], args[1:])


def _smooth_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    """Another slot for the moving point, and linearity in the slots that are there; both node kinds alike."""
    changes: list[Term | None] = []
    if tangents[0] is not None:
        changes.append(make(term.op, *term.args, tangents[0], payload=term.payload))
    for i, d in enumerate(tangents[1:], start=1):
        changes.append(None if d is None else make(term.op, *term.args[:i], d, *term.args[i + 1 :], payload=term.payload))
    return total(changes)


def _smooth_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    slots = [make("smoothgrad", *term.args, payload=term.payload)]
    for i in range(1, len(term.args)):
        slots.append(make("smoothgrad", *term.args[:i], *term.args[i + 1 :], payload=term.payload))
    return [make("mul", bar, g) for g in slots]


def _smoothgrad_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    slots = [make("smoothgrad", *term.args, bar, payload=term.payload)]
    for i in range(1, len(term.args)):
        slots.append(make("smoothgrad", *term.args[:i], *term.args[i + 1 :], bar, payload=term.payload))
    return slots


def show_function(function: FunctionSymbol, printer: Printer) -> str:
    """The function's name, or its formula where it has one: `(Y ↦ tr(Yᵀ·Y))`."""
    if function.body is None:
        return printer.name(function.name)
    arrow, taken = r" \mapsto " if printer.latex else " ↦ ", symbols_of(function.body)
    letter = next((x for x in "YZVW" if x not in taken), ARGUMENT)
    shown = rebuild(function.body, {symbol(ARGUMENT, function.shape): symbol(letter, function.shape)})
    return f"({printer.name(letter)}{arrow}{printer.at(shown, Precedence.SUM)})"


def _show_smooth(term: Term, printer: Printer) -> str:
    name = show_function(term.payload[0], printer)
    point, *directions = (printer.at(a, Precedence.SUM) for a in term.args)
    if not directions:
        return printer.call(name, [point])
    order = len(directions)
    if order == 2:
        head = rf"\nabla^2 {name}" if printer.latex else f"∇²{name}"
    else:
        head = f"D^{{{order}}} {name}" if printer.latex else f"D{'' if order == 1 else order}{name}"
    return f"{head}({point})[{', '.join(directions)}]"


def _show_smoothgrad(term: Term, printer: Printer) -> str:
    name = show_function(term.payload[0], printer)
    point, *directions = (printer.at(a, Precedence.SUM) for a in term.args)
    if not directions:
        return rf"\nabla {name}({point})" if printer.latex else f"∇{name}({point})"
    order = len(directions) + 1
    nabla = rf"\nabla^{{{order}}}" if printer.latex else "∇" + {2: "²", 3: "³"}.get(order, f"^{order}")
    return f"{nabla}{name}({point})[{', '.join(directions)}]"


# --- linear operators -----------------------------------------------------------------------------------------------


def _apply_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    _require_shapes(shapes, payload[0].domain, f"the operator {payload[0].name}")
    return payload[0].codomain  # type: ignore[no-any-return]


def _adjoint_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    _require_shapes(shapes, payload[0].codomain, f"the adjoint of {payload[0].name}")
    return payload[0].domain  # type: ignore[no-any-return]


def _act(field: Field, matrix: Array, x: Array, shape: tuple[int, int]) -> Array:
    column = x.reshape((*x.shape[:-2], x.shape[-2] * x.shape[-1], 1))
    image = field.matmul(matrix, column)
    return image.reshape((*image.shape[:-2], *shape))


def _apply_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    operator: OperatorSymbol = term.payload[0]
    size = (env.size(operator.codomain[0]), env.size(operator.codomain[1]))
    return _act(field, env.operators[operator.name], args[0], size)


def _adjoint_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    operator: OperatorSymbol = term.payload[0]
    size = (env.size(operator.domain[0]), env.size(operator.domain[1]))
    return _act(field, field.transpose(env.operators[operator.name]), args[0], size)


def adjoint_node(operator: OperatorSymbol, argument: Term) -> Term:
    """`Hᵀ(argument)`; the operator itself where it is symmetric."""
    return make("apply" if operator.symmetric else "adjoint", argument, payload=(operator,))


def _keep(name: str) -> Any:
    def rule(term: Term, tangents: Sequence[Term | None]) -> Term | None:
        return None if tangents[0] is None else make(name, tangents[0], payload=term.payload)

    return rule


def _show_operator(mark: str) -> Any:
    def rule(term: Term, printer: Printer) -> str:
        star = (r"^{*}" if printer.latex else "*") if mark else ""
        return printer.call(printer.name(term.payload[0].name) + star, [printer.at(term.args[0], Precedence.SUM)])

    return rule


OPERATIONS = (
    Operation("smooth", _smooth_shape, _smooth_value, _show_smooth, _smooth_tangent, _smooth_adjoint, Growth.SPECIAL),
    Operation(
        "smoothgrad",
        _smoothgrad_shape,
        _smoothgrad_value,
        _show_smoothgrad,
        _smooth_tangent,
        _smoothgrad_adjoint,
        Growth.SPECIAL,
    ),
    Operation(
        "apply",
        _apply_shape,
        _apply_value,
        _show_operator(""),
        _keep("apply"),
        lambda term, bar: [adjoint_node(term.payload[0], bar)],
        Growth.SPECIAL,
    ),
    Operation(
        "adjoint",
        _adjoint_shape,
        _adjoint_value,
        _show_operator("*"),
        _keep("adjoint"),
        lambda term, bar: [make("apply", bar, payload=term.payload)],
        Growth.SPECIAL,
    ),
)
