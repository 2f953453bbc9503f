"""The gates must catch every wrong derivative rule: each operation's rules, made wrong in many ways, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from verify.calculus.differentiate import gradients, tangent
from verify.calculus.normal_form import canonical
from verify.evaluation.gates import gate_along, gate_gradient
from verify.language import terms
from verify.language.errors import GateError
from verify.language.operations import OPERATIONS, scalars
from verify.language.operations.algebra import fraction_power, inner
from verify.language.operations.entries import HOLE, body_derivative
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.operations.kinks import glued
from verify.language.terms import Term, make, number, symbol

A, B, M = symbol("A", ("m", "r")), symbol("B", ("n", "r")), symbol("M", ("m", "n"))
C, K, Q, v = symbol("C", ("m", "r")), symbol("K", ("m", "m")), symbol("Q", ("m", "m")), symbol("v", ("m", 1))
x, y = symbol("x"), symbol("y")
F = FunctionSymbol("f", ("m", "r"))
S = OperatorSymbol("S", ("m", "r"), ("m", "r"), symmetric=True)
H = OperatorSymbol("H", ("m", "r"), ("n", "n"))


def times(*parts: Term) -> Term:
    return make("mul", *parts)


def minus(left: Term, right: Term) -> Term:
    return make("add", left, times(number(-1), right))


def product(*parts: Term) -> Term:
    return make("matmul", *parts)


def turned(part: Term) -> Term:
    return make("transpose", part)


def square(matrix: Term) -> Term:
    return inner(matrix, matrix)


def total(matrix: Term) -> Term:
    return make("trace", product(make("ones", payload=matrix.shape[::-1]), matrix))


def fn(name: str, argument: Term) -> Term:
    return make("fn", argument, payload=(name,))


def each_entry(body: Term, matrix: Term) -> Term:
    return make("map", matrix, payload=(body,))


GRAM = product(turned(A), A)
EXCESS = minus(square(A), number(5))
LOSSES: dict[str, tuple[Term, Term]] = {
    "add": (square(make("add", A, C)), A),
    "mul": (square(times(x, square(B), A)), A),
    "mul, scalar": (square(times(x, A)), x),
    "matmul": (inner(M, product(A, turned(B))), A),
    "matmul, middle": (make("trace", product(Q, K, Q, Q)), K),
    "transpose": (inner(turned(A), turned(C)), A),
    "transpose, square": (inner(turned(K), Q), K),
    "trace": (fraction_power(make("trace", K), 2), K),
    "hadamard": (inner(make("hadamard", A, A), C), A),
    "pow": (fraction_power(make("add", square(A), number(1)), Fraction(3, 2)), A),
    "pow, inverse": (fraction_power(x, -1), x),
    "max": (make("max", inner(A, C), x), A),
    "min": (make("min", inner(A, C), x), A),
    "max, of three": (make("max", inner(A, C), square(C), x), A),
    "min, of three": (make("min", inner(A, C), square(C), x), A),
    "glue": (make("glue", EXCESS, fraction_power(make("max", EXCESS, number(0)), 2), number(0)), A),
    "map": (inner(C, each_entry(fraction_power(HOLE, 3), A)), A),
    "entry": (fraction_power(make("entry", A, payload=(0, 1)), 3), A),
    "diag": (inner(make("diag", v), K), v),
    "diagonal": (inner(make("diagonal", K), v), K),
    "rowlse": (total(make("rowlse", A)), A),
    "rowsoftmax": (inner(C, make("rowsoftmax", A)), A),
    "inverse": (inner(make("inverse", K), Q), K),
    "inverse, of a Gram matrix": (make("trace", make("inverse", GRAM)), A),
    "det": (make("det", K), K),
    "det, of a Gram matrix": (make("det", GRAM), A),
    "smooth": (make("smooth", A, payload=(F,)), A),
    "smoothgrad": (inner(C, make("smoothgrad", A, payload=(F,))), A),
    "smooth, along a direction": (make("smooth", A, C, payload=(F,)), A),
    "smooth, in the direction": (fraction_power(make("smooth", A, C, payload=(F,)), 2), C),
    "smoothgrad, along a direction": (square(make("smoothgrad", A, C, payload=(F,))), A),
    "smoothgrad, in the direction": (square(make("smoothgrad", A, C, payload=(F,))), C),
    "apply, symmetric": (inner(C, make("apply", make("hadamard", A, A), payload=(S,))), A),
    "apply": (fraction_power(make("trace", make("apply", A, payload=(H,))), 2), A),
    "adjoint": (inner(C, make("adjoint", symbol("N", ("n", "n")), payload=(H,))), symbol("N", ("n", "n"))),
    "frobenius": (make("frobenius", A), A),
    **{
        f"fn, {name}": (total(each_entry(fn(name, HOLE), A)), A)
        for name in ("exp", "tanh", "sigmoid", "softplus", "sin", "cos", "erf", "abs", "relu", "log")
    },
    "fn, of a scalar": (fn("tanh", x), x),
}


def size(term: Term) -> Term:
    return fraction_power(term, 2) if term.is_scalar else square(term)


def somewhere(term: Term) -> Term:
    """A scalar of both signs."""
    return term if term.is_scalar else inner(term, make("ones", payload=term.shape))


def factor(switch: Term) -> Term:
    found = glued(switch, number(2), number(1))
    assert found is not None
    return found


def _scaled(by: Callable[[Term], Term | None]) -> Callable[[Term, Term], Term]:
    def change(node: Term, part: Term) -> Term:
        found = by(node.args[0])
        return part if found is None else times(found, part)

    return change


def _sides(term: Term, sign: int) -> Term | None:
    """Twice where the rows outnumber the columns (or the other way round); nothing to change without two free sizes."""
    dims = [make("dim", payload=(d,)) for d in term.shape if isinstance(d, str)]
    if len(dims) < 2 or dims[0] == dims[1]:
        return None
    return factor(make("add", times(number(sign), minus(dims[0], dims[1])), number(Fraction(-1, 2))))


def _turned(node: Term, part: Term) -> Term:
    square_matrix = len(part.shape) == 2 and part.shape[0] == part.shape[1]
    return turned(part) if square_matrix else part


MUTATIONS: dict[str, Callable[[Term, Term], Term]] = {
    "sign": lambda node, part: times(number(-1), part),
    "factor": lambda node, part: times(number(Fraction(1001, 1000)), part),
    "zero": lambda node, part: times(number(0), part),
    "transposed": _turned,
    "beyond 5": _scaled(lambda a: factor(minus(size(a), number(25)))),
    "beyond 50": _scaled(lambda a: factor(minus(size(a), number(2500)))),
    "near 0": _scaled(lambda a: factor(minus(number(Fraction(1, 50)), size(a)))),
    "on one side": _scaled(lambda a: factor(somewhere(a))),
    "more rows": _scaled(lambda a: _sides(a, 1)),
    "more columns": _scaled(lambda a: _sides(a, -1)),
}


def _use(monkeypatch: pytest.MonkeyPatch, op: str, change: Callable[[Term, Term], Term]) -> None:
    """Make the rules of an operation wrong."""
    right = OPERATIONS[op]

    def changing(node: Term, part: Term | None) -> Term | None:
        return None if part is None else change(node, part)

    def forward(node: Term, tangents: Sequence[Term | None]) -> Term | None:
        return changing(node, right.tangent(node, tangents))

    def backward(node: Term, bar: Term) -> Sequence[Term | None]:
        return [changing(node, part) for part in right.adjoint(node, bar)]

    wrong = replace(right, tangent=forward, adjoint=backward)
    monkeypatch.setattr(terms, "_operation", lambda name: wrong if name == op else OPERATIONS[name])
    body_derivative.cache_clear()


@pytest.fixture(autouse=True)
def _no_wrong_rule_stays():
    body_derivative.cache_clear()
    yield
    body_derivative.cache_clear()


def _gradient(name: str) -> Term:
    loss, variable = LOSSES[name]
    return gradients(loss, [variable])[0]


def _slope(name: str) -> Term:
    loss, variable = LOSSES[name]
    return tangent(loss, {variable.payload[0]: symbol("δ", variable.shape)})


def _gate_slope(name: str, derived: Term) -> None:
    loss, variable = LOSSES[name]
    gate_along(loss, {variable.payload[0]: symbol("δ", variable.shape)}, derived, 1)


ROUTES = {
    "adjoint": (_gradient, lambda name, derived: gate_gradient(*LOSSES[name], derived)),
    "tangent": (_slope, _gate_slope),
}
_NEVER_SMALL = "the argument of the operation is never near 0 there"
_SINGULAR = "neither the loss nor the formula has a value there"
_RARE = "one piece of three, at one kind of place"
_FLAT = "the slope there is below 10⁻⁴⁰ of that at other entries"
UNSEEN = {
    **{(f"fn, {name}", "beyond 50"): _FLAT for name in ("tanh", "sigmoid", "erf")},
    **{(f"{name}, of three", where): _RARE for name in ("max", "min") for where in ("beyond 5", "beyond 50", "near 0")},
    **{(f"{name}, of three", "on one side"): _RARE for name in ("max", "min")},
    ("pow", "near 0"): _NEVER_SMALL,
    ("glue", "near 0"): _NEVER_SMALL,
    ("inverse, of a Gram matrix", "more columns"): _SINGULAR,
}


def test_every_operation_with_a_rule_is_tried():
    leaves = {"num", "pi", "dim", "sym", "hole", "eye", "zeros", "ones", "unit", "literal"}
    ruled = {name for name, operation in OPERATIONS.items() if operation.adjoint is not None} - leaves
    assert {name.partition(",")[0] for name in LOSSES} == ruled
    tried = {name.partition(", ")[2] for name in LOSSES if name.startswith("fn, ")}
    assert set(scalars.NAMES) - {"sign", "step"} <= tried


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", LOSSES)
def test_the_right_rules_pass(name, route):
    derive, gate = ROUTES[route]
    gate(name, derive(name))


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_wrong_rules_are_caught(name, mutation, monkeypatch):
    right = {route: canonical(derive(name)) for route, (derive, _) in ROUTES.items()}
    _use(monkeypatch, name.partition(",")[0], MUTATIONS[mutation])
    wrong = {route: derive(name) for route, (derive, _) in ROUTES.items()}
    missed = []
    for route, (_, gate) in ROUTES.items():
        if canonical(wrong[route]) == right[route] or (name, mutation) in UNSEEN:
            continue  # a change that cancels, as two signs do
        try:
            gate(name, wrong[route])
        except GateError:
            continue
        missed.append(route)
    assert missed == []
