"""Training as a process: gradient flow and gradient descent, with `ddt` and `after` for what changes along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import sympy as sp

from verify.language.errors import ClaimError, ShapeError
from verify.language.exact_numbers import sympified
from verify.language.nodes import MATRIX_NODES, SCALAR_NODES, Carrier, Expression, is_matrix
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
        written: what its author wrote for each of `terms()`, in the same order.
    """

    loss: Term
    variables: tuple[Term, ...]
    start: tuple[Term, ...]
    step: Term | None = None
    written: tuple[Expression, ...] = field(default=(), compare=False, repr=False)

    def mapped(self, change: Any) -> Process:
        """Every term changed; the moving variables stay symbols."""
        step = None if self.step is None else change(self.step)
        return Process(change(self.loss), self.variables, tuple(change(t) for t in self.start), step, self.written)

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
    moving = _factors_in(loss) if of is None else tuple(of)
    term = declared_term_of(loss)
    if term.shape != ():
        raise ShapeError(f"the loss is a {show_shape(term.shape)} matrix: a loss is scalar")
    variables = tuple(declared_term_of(v) for v in moving)
    if not variables or any(v.op != "sym" for v in variables):
        raise ClaimError("what moves along the training? give symbols, as in gradient_flow(loss, of=[A, B])")
    if len(set(variables)) < len(variables):
        raise ClaimError("a variable is given twice in of=[…]: name each one that moves once")
    given = () if start is None else tuple(sympified(v) for v in start)
    values = tuple(declared_term_of(v) for v in given)
    if values and len(values) != len(variables):
        raise ClaimError(f"{len(values)} starting values for {len(variables)} variables: give one for each")
    for variable, value in zip(variables, values, strict=bool(values)):
        if value.shape != variable.shape:
            raise ShapeError(
                f"{variable.payload[0]} is {show_shape(variable.shape)} but starts at a {show_shape(value.shape)} value"
            )
    size = None if step is None else declared_term_of(step)
    if size is not None and size.shape != ():
        raise ShapeError("the step size must be a scalar")
    return Process(term, variables, values, size, (loss, *moving, *given, *([] if step is None else [sympified(step)])))


def _factors_in(loss: Expression) -> tuple[Any, ...]:
    """The two factors of a loss of `A·Bᵀ`: by the product, never by their names.

    Raises:
        ClaimError: if the loss has no such product, or several.
    """
    pairs = {
        (left, right.arg)
        for product in sympified(loss).atoms(sp.MatMul)
        for left, right in pairwise(product.args)
        if isinstance(left, sp.MatrixSymbol) and isinstance(right, sp.Transpose) and isinstance(right.arg, sp.MatrixSymbol)
    }
    pairs = {(left, right) for left, right in pairs if left != right}
    if len(pairs) != 1:
        raise ClaimError("which variables move is not clear: say gradient_flow(loss, of=[A, B])")
    return pairs.pop()


def gradient_flow(loss: Expression, *, start: Sequence[Any] | None = None, of: Sequence[Any] | None = None) -> Process:
    """The flow `d/dt θ = −∇L(θ)` (theory §2).

    Args:
        loss: a scalar expression.
        start: starting values, one for each moving variable; any start if not given.
        of: the variables that move; unless given, the factors of the loss's only product `A·Bᵀ`.
    """
    return _process(loss, start, of, None)


def gradient_descent(
    loss: Expression, *, step: Expression, start: Sequence[Any] | None = None, of: Sequence[Any] | None = None
) -> Process:
    """Gradient descent `θ⁺ = θ − η∇L(θ)` with step size η (theory §2)."""
    return _process(loss, start, of, sympified(step))


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
    for variable in directions:
        if not isinstance(variable, sp.Symbol | sp.MatrixSymbol):
            raise ClaimError(f"{variable} is not a symbol: give a direction for each symbol, as in derivative(L, {{A: U}})")
    return SCALAR_NODES["derivative"](Carrier((tuple(directions), order)), expression, *directions.values())
