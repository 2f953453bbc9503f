"""Every derivative that a claim stands for, passed through the gates before the claim is read.

Main definition: `gate_derivatives`.

Stationary points and training stand for gradients, second-order points for a Hessian; a function given by a formula may
be asked for its gradient or Hessian, a term for a derivative along directions, and a quantity for its rate along training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from verify.calculus.conditions import along
from verify.calculus.differentiate import expand, gradients
from verify.calculus.normal_form import canonical
from verify.evaluation.derivatives import gated_gradient
from verify.evaluation.gates import gate_along
from verify.evaluation.hessians import hessian_terms
from verify.language.formulas import Formula
from verify.language.operations.algebra import inner, total
from verify.language.operations.functions import FunctionSymbol
from verify.language.processes import Process
from verify.language.statements import Combination, Curvature, RegularizedStationary, Statement, Stationary
from verify.language.terms import ARGUMENT, DIRECTION, Term, make, number, symbol, walk

_PROBE = "·ω"


def gate_derivatives(formula: Formula) -> None:
    """Pass all derivatives that a claim needs through the gates (design §4).

    Raises:
        GateError: if one disagrees with what it is the derivative of.
        NotDifferentiable: if one does not exist.
    """
    process = formula.process
    if process is not None:
        _gate_gradients(process.loss, process.variables)
    for statement in _statements([*formula.given, *([] if formula.then is None else [formula.then])]):
        _gate_statement(statement)
        for term in statement.terms():
            for node in walk(term):
                _gate_node(node, process)


def _statements(statements: Sequence[Statement]) -> Iterator[Statement]:
    for statement in statements:
        if isinstance(statement, Combination):
            yield from _statements(statement.parts)
        else:
            yield statement


def _gate_statement(statement: Statement) -> None:
    match statement:
        case Stationary():
            _gate_gradients(statement.loss, statement.variables)
            if statement.order == 2:
                _gate_hessian(statement.loss, statement.variables)
        case RegularizedStationary() if statement.function.name is None:
            _gate_gradients(statement.function.body, [symbol(ARGUMENT, statement.function.shape)])
        case Curvature() if statement.function.name is None:
            _gate_hessian(statement.function.body, (symbol(ARGUMENT, statement.function.shape),))


def _gate_gradients(loss: Term, variables: Sequence[Term]) -> None:
    for variable in variables:
        gated_gradient(loss, variable)


@lru_cache(maxsize=256)
def _gate_hessian(loss: Term, variables: tuple[Term, ...]) -> None:
    """The directional derivative of the gradients, which is what second-order points are read by."""
    loss = expand(loss)
    directions = {v.payload[0]: symbol(DIRECTION + v.payload[0], v.shape) for v in variables}
    form = total([inner(t, d) for t, d in zip(hessian_terms(loss, variables), directions.values(), strict=True)])
    assert form is not None
    gate_along(loss, directions, form, 2)


def _gate_node(node: Term, process: Process | None) -> None:
    match node.op:
        case "smooth" | "smoothgrad" if node.payload[0].body is not None:
            _gate_function(node.payload[0], len(node.args) - 1 + (node.op == "smoothgrad"))
        case "derivative":
            _gate_derivative(node)
        case "ddt" if process is not None:
            _gate_rate(node, process)


def _gate_function(function: FunctionSymbol, order: int) -> None:
    """The derivatives, up to the second, of a function given by a formula."""
    assert function.body is not None
    argument = symbol(ARGUMENT, function.shape)
    if order >= 1:
        gated_gradient(function.body, argument)
    if order >= 2:
        _gate_hessian(function.body, (argument,))


@lru_cache(maxsize=256)
def _gate_derivative(node: Term) -> None:
    """A derivative along directions: the last one or two of its orders, from the formula of the order below."""
    names, order = node.payload
    frozen = {n: symbol(DIRECTION + n, d.shape) for n, d in zip(names, node.args[1:], strict=True)}
    last = min(order, 2)
    below = node.args[0]
    if order > last:
        below = make("derivative", below, *frozen.values(), payload=(names, order - last))
    whole = make("derivative", node.args[0], *frozen.values(), payload=(names, order))
    gate_along(expand(below), frozen, expand(whole), last)


@lru_cache(maxsize=256)
def _gate_rate(node: Term, process: Process) -> None:
    """A rate along training, paired with a probe where it is a matrix."""
    quantity = node.args[0]
    rate = along(node, process)
    slopes = zip(process.variables, gradients(process.loss, process.variables), strict=True)
    moves = {v.payload[0]: expand(make("mul", number(-1), slope)) for v, slope in slopes}
    probe = symbol(_PROBE, quantity.shape)
    gate_along(expand(inner(probe, quantity)), moves, canonical(expand(inner(probe, rate))), 1)
