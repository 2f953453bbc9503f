"""Training as a process: gradient flow and gradient descent, with `ddt` and `after` for what changes along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from verify.language.errors import ClaimError, ShapeError
from verify.language.nodes import MATRIX_NODES, SCALAR_NODES, Expression, is_matrix
from verify.language.operations.operation import Precedence
from verify.language.printing import TermPrinter
from verify.language.serial import Json, term_to_json
from verify.language.terms import Term, show_shape
from verify.language.translate import declared_term_of


@dataclass(frozen=True)
class Process:
    """Gradient flow (`step` None) or gradient descent of a scalar loss in some variables.

    Attributes:
        loss: the scalar loss.
        variables: the symbols that move.
        start: their starting values, or empty for any starting point.
        step: the step size η of descent.
    """

    loss: Term
    variables: tuple[Term, ...]
    start: tuple[Term, ...]
    step: Term | None = None

    def mapped(self, change: Any) -> Process:
        """Every term changed; the moving variables stay symbols."""
        step = None if self.step is None else change(self.step)
        return Process(change(self.loss), self.variables, tuple(change(t) for t in self.start), step)

    def terms(self) -> list[Term]:
        """All terms."""
        return [self.loss, *self.variables, *self.start, *([] if self.step is None else [self.step])]

    def show(self, printer: TermPrinter) -> str:
        """For example ``along gradient flow of ... from A = A0, B = 0``."""

        def words(text: str) -> str:
            return rf"\text{{{text}}}" if printer.latex else text

        kind = "gradient flow" if self.step is None else "gradient descent"
        names = [printer.name(v.payload[0]) for v in self.variables]
        loss = printer.at(self.loss, Precedence.SUM)
        shown = f"{words(f'along {kind} of ')}{loss}{words(' in ')}({', '.join(names)})"
        if self.step is not None:
            shown += f"{words(' with step ')}{printer.at(self.step, Precedence.SUM)}"
        if self.start:
            values = (printer.at(t, Precedence.SUM) for t in self.start)
            shown += words(" from ") + ", ".join(f"{n} = {v}" for n, v in zip(names, values, strict=True))
        return shown

    def to_json(self) -> Json:
        """`["flow", loss, names, start]` or `["descent", loss, names, step, start]`."""
        names = [v.payload[0] for v in self.variables]
        start = [term_to_json(t) for t in self.start]
        if self.step is None:
            return ["flow", term_to_json(self.loss), names, start]
        return ["descent", term_to_json(self.loss), names, term_to_json(self.step), start]


def _process(loss: Expression, start: Sequence[Any] | None, of: Sequence[Any] | None, step: Any) -> Process:
    if of is None:
        found = {a.name: a for a in sp.sympify(loss).atoms(sp.MatrixSymbol)}
        if not {"A", "B"} <= set(found):
            raise ClaimError("which variables move is not clear: say gradient_flow(loss, of=[A1, B1, ...])")
        of = [found["A"], found["B"]]
    term = declared_term_of(loss)
    if term.shape != ():
        raise ShapeError(f"the loss is a {show_shape(term.shape)} matrix: a loss is scalar")
    variables = tuple(declared_term_of(v) for v in of)
    values = tuple(declared_term_of(v) for v in start) if start is not None else ()
    if values and len(values) != len(variables):
        raise ClaimError(f"{len(values)} starting values for {len(variables)} variables: give one for each")
    for variable, value in zip(variables, values, strict=bool(values)):
        if value.shape != variable.shape:
            raise ShapeError(
                f"{variable.payload[0]} is {show_shape(variable.shape)} but starts at a {show_shape(value.shape)} value"
            )
    return Process(term, variables, values, step)


def gradient_flow(loss: Expression, *, start: Sequence[Any] | None = None, of: Sequence[Any] | None = None) -> Process:
    """The flow `d/dt θ = −∇L(θ)` (theory §2).

    Args:
        loss: a scalar expression.
        start: starting values, one for each moving variable; any start if not given.
        of: the variables that move; A and B unless given.
    """
    return _process(loss, start, of, None)


def gradient_descent(
    loss: Expression, *, step: Expression, start: Sequence[Any] | None = None, of: Sequence[Any] | None = None
) -> Process:
    """Gradient descent `θ⁺ = θ − η∇L(θ)` with step size η (theory §2)."""
    size = declared_term_of(step)
    if size.shape != ():
        raise ShapeError("the step size must be a scalar")
    return _process(loss, start, of, size)


def _node(op: str, expression: Expression) -> Expression:
    return (MATRIX_NODES if is_matrix(expression) else SCALAR_NODES)[op](expression)


def ddt(expression: Expression) -> Expression:
    """The time derivative along a gradient flow; only inside `always(flow, ...)`."""
    return _node("ddt", expression)


def after(expression: Expression) -> Expression:
    """The value after one descent step; only inside `always(descent, ...)`."""
    return _node("after", expression)


def derivative(expression: Expression, directions: dict[Any, Any], order: int = 1) -> Expression:
    """The directional derivative of a scalar, kept as a node that the prover and the kernel expand by themselves.

    `derivative(L, {A: U, B: V}, order=2)` is `D²L[(U,V),(U,V)]`.
    """
    from verify.language.nodes import Carrier

    names = tuple(str(v.name) for v in directions)
    return SCALAR_NODES["derivative"](Carrier((names, order)), expression, *directions.values())
