"""Kinks: the derivative of a function that changes from one piece to another (`|x|`, `max`, `min`, `relu`).

Main definition: `glued`, which makes the node.

`glue(c; p, n)` is p where c > 0 and n where c < 0. Where c = 0 it is their common value if they have one, and undefined
otherwise: the derivative at a kink exists if both sides have the same, as for `max(t, 0)²` at 0, and is never silently
that of one side. Such a node is differentiated again only where its sides meet (`calculus.kinks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verify.language.operations.operation import Array, Environment, Field, Growth, Operation, Precedence, Printer
from verify.language.terms import Shape, Term, make, number, require_scalar


def glued(switch: Term, positive: Term | None, negative: Term | None) -> Term | None:
    """`positive` where `switch > 0`, `negative` where it is below 0 (None is zero); zero on both sides is None."""
    if positive is None and negative is None:
        return None
    return make("glue", switch, *(number(0) if side is None else side for side in (positive, negative)))


def _shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    for shape in shapes:
        require_scalar(shape, "glue")
    return ()


def _value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.glue(*args)


def _tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    return glued(term.args[0], tangents[1], tangents[2])


def _adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return [None, glued(term.args[0], bar, None), glued(term.args[0], None, bar)]


def _show(term: Term, printer: Printer) -> str:
    switch, positive, negative = (printer.at(a, Precedence.SUM) for a in term.args)
    if printer.latex:
        return rf"\begin{{cases}} {positive} & {switch} > 0 \\ {negative} & {switch} < 0 \end{{cases}}"
    return f"[{positive} where {switch} > 0, {negative} where {switch} < 0]"


OPERATIONS = (Operation("glue", _shape, _value, _show, _tangent, _adjoint, Growth.SPECIAL),)
