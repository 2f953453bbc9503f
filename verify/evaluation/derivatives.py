"""Gradients, Hessian forms and stationarity conditions of a loss: derived, in canonical form, and gated.

Main definitions: `gradient`, `hessian_form`, `stationarity` (SymPy in and out); `gated_gradient`, `gated_hessian_form`
(terms, with the gates' report).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sympy as sp

from verify.calculus.differentiate import expand, gradients
from verify.calculus.normal_form import canonical
from verify.evaluation.gates import GateReport, gate_gradient, gate_hessian_form
from verify.language.errors import ClaimError, ShapeError
from verify.language.terms import Term, make, show_shape, symbol, symbols_of, walk
from verify.language.translate import names_in, term_of
from verify.language.untranslate import expression_of

Expression = Any


def gradient(loss: Expression, variable: Expression) -> Expression:
    """The gradient of a scalar loss, for all sizes.

    Args:
        loss: a scalar SymPy expression as in claims.
        variable: a symbol of the loss, or its name.

    Returns:
        An expression of the variable's shape in canonical form, in the user's own symbols.

    Raises:
        ShapeError: if the loss is not scalar, or the variable has another shape in the loss.
        ClaimError: if the variable is not a symbol.
        NotDifferentiable: if a moving part of the loss has no derivative.
        GateError: if the result fails a gate.

    >>> from verify.language.functions import frobenius
    >>> A = sp.MatrixSymbol("A", *sp.symbols("m r"))
    >>> gradient(frobenius(A)**2 / 2, A)
    A
    """
    term = _scalar(loss)
    derived, _ = gated_gradient(term, _variable(variable, term))
    return expression_of(derived, names_in(loss, variable))


def hessian_form(loss: Expression, directions: Mapping[Any, Expression]) -> Expression:
    """The quadratic form `D²L[d, d]` of a scalar loss along a direction for each variable, for all sizes.

    Args:
        loss: a scalar SymPy expression as in claims.
        directions: symbol (or its name) to direction, a matrix of the symbol's shape; a symbol or any expression.
            Variables that are left out do not move.

    Returns:
        A scalar expression in canonical form.

    Raises:
        ShapeError: if the loss is not scalar or a direction has the wrong shape.
        ClaimError: if a variable is not a symbol, or none is given.
        NotDifferentiable: if a moving part of the loss has no second derivative.
        GateError: if the result fails a gate.
    """
    term = _scalar(loss)
    if not directions:
        raise ClaimError("no direction is given: pass {A: U} for a variable A and a direction U of its shape")
    moves: dict[str, Term] = {}
    for key, direction in directions.items():
        variable, move = _variable(key, term), expand(term_of(direction))
        name = variable.payload[0]
        if move.shape != variable.shape:
            raise ShapeError(
                f"the direction for {name} is {show_shape(move.shape)}, but {name} is {show_shape(variable.shape)}"
            )
        moves[name] = move
    derived, _ = gated_hessian_form(term, tuple(sorted(moves.items())))
    return expression_of(derived, names_in(loss, *directions, *directions.values()))


def stationarity(loss: Expression, variables: Sequence[Expression]) -> list[Expression]:
    """The gradients that must vanish at a first-order stationary point, one for each variable.

    Args and errors are those of `gradient`.
    """
    return [gradient(loss, v) for v in variables]


@lru_cache(maxsize=256)
def gated_gradient(loss: Term, variable: Term) -> tuple[Term, GateReport]:
    """The canonical gradient of a scalar term, and what the gates saw.

    Args:
        loss: a scalar term.
        variable: a symbol term.
    """
    (raw,) = gradients(loss, [variable])
    derived = canonical(raw)
    return derived, gate_gradient(loss, variable, derived)


@lru_cache(maxsize=256)
def gated_hessian_form(loss: Term, directions: tuple[tuple[str, Term], ...]) -> tuple[Term, GateReport]:
    """The canonical quadratic form of the second derivative, and what the gates saw.

    Args:
        loss: a scalar term.
        directions: (variable name, direction) pairs.
    """
    names = tuple(name for name, _ in directions)
    second = make("derivative", loss, *(d for _, d in directions), payload=(names, 2))
    derived = canonical(expand(second))
    return derived, gate_hessian_form(loss, dict(directions), derived)


def _scalar(loss: Expression) -> Term:
    term = expand(term_of(loss))
    if not term.is_scalar:
        raise ShapeError(f"the loss is a {show_shape(term.shape)} matrix: only scalars have gradients; take trace(...)")
    return term


def _variable(variable: Any, loss: Term) -> Term:
    """The symbol term of a variable, with the shape it has in the loss."""
    shapes = symbols_of(loss)
    if isinstance(variable, str):
        if variable not in shapes:
            known = ", ".join(sorted(shapes)) or "none"
            raise ClaimError(f"the loss has no symbol {variable}: its symbols are {known}")
        return symbol(variable, shapes[variable])
    if not isinstance(variable, sp.Symbol | sp.MatrixSymbol | Term):
        raise ClaimError(f"{variable} is not a symbol: derivatives are taken in a symbol of the loss or its name")
    term = term_of(variable)
    if term.op != "sym":
        raise ClaimError(f"{variable} is not a symbol: derivatives are taken in a symbol of the loss or its name")
    name = term.payload[0]
    if name in _dimensions(loss):
        raise ClaimError(f"{name} is a dimension of the loss: derivatives are taken in its matrices and scalars")
    if name in shapes and shapes[name] != term.shape:
        raise ShapeError(f"{name} is {show_shape(shapes[name])} in the loss, but {show_shape(term.shape)} here")
    return term


def _dimensions(term: Term) -> set[str]:
    """The names of the symbolic sizes in a term."""
    sizes = {d for node in walk(term) for d in (*node.shape, *(node.payload if node.op in ("dim", "eye") else ()))}
    return {d for d in sizes if isinstance(d, str)}
