"""Inverse and determinant of a square matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verify.language.operations.algebra import transpose
from verify.language.operations.operation import Growth, Operation, Precedence, Printer
from verify.language.terms import Shape, Term, make, number, require_square


def _inverse_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    if tangents[0] is None:
        return None
    return make("mul", number(-1), make("matmul", term, tangents[0], term))


def _inverse_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    turned = transpose(term)
    return [make("mul", number(-1), make("matmul", turned, bar, turned))]


def _det_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    require_square(shapes[0], "a determinant")
    return ()


def _det_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    if tangents[0] is None:
        return None
    return make("mul", term, make("trace", make("matmul", make("inverse", term.args[0]), tangents[0])))


def _det_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return [make("mul", bar, term, transpose(make("inverse", term.args[0])))]


def _show_inverse(term: Term, printer: Printer) -> str:
    return printer.at(term.args[0], Precedence.ATOM) + ("^{-1}" if printer.latex else "⁻¹")


OPERATIONS = (
    Operation(
        "inverse",
        lambda payload, shapes: (require_square(shapes[0], "an inverse"),) * 2,
        lambda field, term, args, env: field.inverse(args[0]),
        _show_inverse,
        _inverse_tangent,
        _inverse_adjoint,
        Growth.SPECIAL,
        Precedence.POWER,
    ),
    Operation(
        "det",
        _det_shape,
        lambda field, term, args, env: field.det(args[0]),
        lambda t, p: p.call("det", [p.at(t.args[0], Precedence.SUM)]),
        _det_tangent,
        _det_adjoint,
        Growth.SPECIAL,
    ),
)
