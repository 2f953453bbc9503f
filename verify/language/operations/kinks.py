"""Kinks: the derivative of a function that changes from one piece to another (`|x|`, `max`, `min`, `relu`).

Main definition: `glued`, which makes the node.

`glue(c; p, n, p₂, n₂, ...)` is p where c > 0 and n where c < 0. Where c = 0 it is their common value if p = n, p₂ = n₂, ...
there, and undefined otherwise: a derivative at a kink exists exactly if both sides have it, as for `max(t, 0)²` at 0, and
is never silently that of one side. The pairs after the first are the derivatives of lower order: the second derivatives
of two pieces may agree (both are 0 for `|x|`) where the pieces themselves do not meet smoothly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verify.language.errors import ShapeError
from verify.language.operations.operation import Array, Environment, Field, Growth, Operation, Precedence, Printer
from verify.language.terms import Shape, Term, make, number, require_scalar


def glued(switch: Term, positive: Term | None, negative: Term | None, lower: Sequence[Term] = ()) -> Term | None:
    """`positive` where `switch > 0`, `negative` where it is below 0 (None is zero); zero on both sides is None.

    Args:
        switch: the scalar whose sign tells.
        positive: the first side.
        negative: the second side.
        lower: the pairs that must agree too where the switch is 0.
    """
    if positive is None and negative is None and not lower:
        return None
    sides = [number(0) if side is None else side for side in (positive, negative)]
    return make("glue", switch, *sides, *lower)


def _shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    if len(shapes) < 3 or len(shapes) % 2 == 0:
        raise ShapeError("glue takes a switch and pairs of sides")
    for shape in shapes:
        require_scalar(shape, "glue")
    return ()


def _value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.glue(args[0], args[1:])


def _tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    if all(t is None for t in tangents):
        return None
    return glued(term.args[0], tangents[1], tangents[2], term.args[1:])


def _adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    """Each side receives the bar where it is the one that counts; the switch's share is 0, and undefined at a jump."""
    switch, sides = term.args[0], term.args[1:]
    shares = [glued(switch, None, None, sides), glued(switch, bar, None, sides), glued(switch, None, bar, sides)]
    return [*shares, *[None] * (len(sides) - 2)]


def _show(term: Term, printer: Printer) -> str:
    switch, positive, negative = (printer.at(a, Precedence.SUM) for a in term.args[:3])
    if printer.latex:
        return rf"\begin{{cases}} {positive} & {switch} > 0 \\ {negative} & {switch} < 0 \end{{cases}}"
    return f"[{positive} where {switch} > 0, {negative} where {switch} < 0]"


OPERATIONS = (Operation("glue", _shape, _value, _show, _tangent, _adjoint, Growth.SPECIAL),)
