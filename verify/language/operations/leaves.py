"""Leaves: numbers, π, dimensions, variables, and constant matrices (identity, zeros, ones, unit, literal)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from verify.language.operations.operation import Array, Environment, Field, Growth, Operation, Printer
from verify.language.terms import Shape, Term


def _no_tangent(term: Term, tangents: Sequence[Term | None]) -> None:
    return None


def _no_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return ()


def _scalar(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    return ()


def show_fraction(value: Fraction, printer: Printer) -> str:
    """A rational: ``1/2`` or ``\\tfrac{1}{2}``."""
    if value.denominator == 1:
        return str(value.numerator)
    if printer.latex:
        sign = "-" if value < 0 else ""
        return f"{sign}\\tfrac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return f"{value.numerator}/{value.denominator}"


def _number(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.number(term.payload[0])


def _dim(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.number(Fraction(env.size(term.payload[0])))


def _pi(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.pi()


def _symbol(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return env.values[term.payload[0]]


def _eye(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.eye(env.size(term.payload[0]))


def _full(value: int) -> Any:
    def rule(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
        return field.full(env.size(term.payload[0]), env.size(term.payload[1]), value)

    return rule


def _unit(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    rows, cols, i, j = term.payload
    return field.literal([[Fraction(int((a, b) == (i, j))) for b in range(env.size(cols))] for a in range(env.size(rows))])


def _literal(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.literal(term.payload[0])


def _literal_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    return (len(payload[0]), len(payload[0][0]))


def _show_literal(term: Term, printer: Printer) -> str:
    rows = [[show_fraction(x, printer) for x in row] for row in term.payload[0]]
    if printer.latex:
        return r"\begin{bmatrix}" + r" \\ ".join(" & ".join(row) for row in rows) + r"\end{bmatrix}"
    return "[" + "; ".join(" ".join(row) for row in rows) + "]"


def _show_full(symbol: str) -> Any:
    def rule(term: Term, printer: Printer) -> str:
        rows, cols = (printer.dim(d) for d in term.payload[:2])
        return f"{symbol}_{{{rows}\\times {cols}}}" if printer.latex else f"{symbol}({rows}×{cols})"

    return rule


def _show_unit(term: Term, printer: Printer) -> str:
    _, _, i, j = term.payload
    return f"E_{{{i + 1},{j + 1}}}" if printer.latex else f"E({i + 1},{j + 1})"


def _leaf(name: str, shape: Any, value: Any, show: Any) -> Operation:
    return Operation(name, shape, value, show, _no_tangent, _no_adjoint, Growth.LEAF)


OPERATIONS = (
    _leaf("num", _scalar, _number, lambda t, p: show_fraction(t.payload[0], p)),
    _leaf("pi", _scalar, _pi, lambda t, p: r"\pi" if p.latex else "π"),
    _leaf("dim", _scalar, _dim, lambda t, p: p.dim(t.payload[0])),
    _leaf("sym", lambda payload, shapes: payload[1], _symbol, lambda t, p: p.name(t.payload[0])),
    _leaf("hole", _scalar, _symbol, lambda t, p: "x"),
    _leaf("eye", lambda payload, shapes: (payload[0], payload[0]), _eye, lambda t, p: "I"),
    _leaf("zeros", lambda payload, shapes: payload, _full(0), lambda t, p: "0"),
    _leaf("ones", lambda payload, shapes: payload, _full(1), _show_full("1")),
    _leaf("unit", lambda payload, shapes: payload[:2], _unit, _show_unit),
    _leaf("literal", _literal_shape, _literal, _show_literal),
)
