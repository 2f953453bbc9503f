"""Scalar operations: powers, named functions of one variable, maximum and minimum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

from verify.language.errors import ClaimError, NotDifferentiable
from verify.language.operations.algebra import fraction_power
from verify.language.operations.kinks import glued
from verify.language.operations.leaves import show_fraction
from verify.language.operations.operation import (
    Array,
    Environment,
    Field,
    Growth,
    Operation,
    Precedence,
    Printer,
)
from verify.language.terms import Shape, Term, make, number, require_scalar


def function(name: str, x: Term) -> Term:
    """The named scalar function at a scalar term."""
    return make("fn", x, payload=(name,))


def _one_minus(x: Term) -> Term:
    return make("add", number(1), make("mul", number(-1), x))


def _gauss(x: Term) -> Term:
    """`2/√π · exp(−x²)`, the derivative of erf."""
    bell = function("exp", make("mul", number(-1), fraction_power(x, 2)))
    return make("mul", number(2), fraction_power(make("pi"), Fraction(-1, 2)), bell)


def _no_rule(name: str) -> Callable[[Term], Term]:
    def rule(x: Term) -> Term:
        raise NotDifferentiable(
            f"{name} has no derivative where it jumps: write the function with abs, relu, maximum or minimum, "
            "or state the claim without that derivative"
        )

    return rule


DERIVATIVES: dict[str, Callable[[Term], Term]] = {
    "exp": lambda x: function("exp", x),
    "log": lambda x: fraction_power(x, -1),
    "tanh": lambda x: _one_minus(fraction_power(function("tanh", x), 2)),
    "sigmoid": lambda x: make("mul", function("sigmoid", x), _one_minus(function("sigmoid", x))),
    "softplus": lambda x: function("sigmoid", x),
    "sin": lambda x: function("cos", x),
    "cos": lambda x: make("mul", number(-1), function("sin", x)),
    "erf": _gauss,
    "sign": _no_rule("sign"),
    "step": _no_rule("step"),
}
"""The derivative of every named function that has one formula for it."""

_SIDES = {"abs": (1, -1), "relu": (1, 0)}
"""Functions with a kink at 0: their slope on the right and on the left of it."""

NAMES = (*DERIVATIVES, *_SIDES)
"""The named functions."""


def _fn_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    if payload[0] not in NAMES:
        raise ClaimError(f"the function {payload[0]} is not known: use one of {', '.join(sorted(NAMES))}")
    require_scalar(shapes[0], payload[0])
    return ()


def _fn_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.function(term.payload[0], args[0])


def _fn_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    return None if tangents[0] is None else _fn_pull(term, tangents[0])


def _fn_pull(term: Term, direction: Term) -> Term | None:
    """Slope times direction; at a kink the slope multiplies inside, so that 0 has a derivative there."""
    name, x = term.payload[0], term.args[0]
    if name not in _SIDES:
        return make("mul", DERIVATIVES[name](x), direction)
    right, left = _SIDES[name]
    return glued(x, _times(right, direction), _times(left, direction))


def _times(factor: int, term: Term) -> Term | None:
    return None if factor == 0 else term if factor == 1 else make("mul", number(factor), term)


def _show_fn(term: Term, printer: Printer) -> str:
    name, inside = term.payload[0], printer.at(term.args[0], Precedence.SUM)
    if name == "abs":
        return rf"\left|{inside}\right|" if printer.latex else f"|{inside}|"
    return printer.call(name, [inside])


def _pow_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    require_scalar(shapes[0], "a power")
    return ()


def _pow_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.power(args[0], term.payload[0])


def _pow_slope(term: Term) -> Term:
    exponent: Fraction = term.payload[0]
    return make("mul", number(exponent), fraction_power(term.args[0], exponent - 1))


def _pow_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    return None if tangents[0] is None else make("mul", _pow_slope(term), tangents[0])


_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _show_pow(term: Term, printer: Printer) -> str:
    exponent: Fraction = term.payload[0]
    if exponent == Fraction(1, 2):
        inside = printer.at(term.args[0], Precedence.SUM)
        return rf"\sqrt{{{inside}}}" if printer.latex else f"√({inside})"
    base = printer.at(term.args[0], Precedence.ATOM)
    if printer.latex:
        return f"{base}^{{{exponent}}}"
    if exponent.denominator == 1:
        return base + str(exponent).translate(_SUPERSCRIPT)
    return f"{base}^({show_fraction(exponent, printer)})"


def _extreme(name: str) -> Operation:
    def shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
        for s in shapes:
            require_scalar(s, name)
        return ()

    def value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
        if name == "max":
            return reduce(field.maximum, args)
        return -reduce(field.maximum, [-a for a in args])

    def show(term: Term, printer: Printer) -> str:
        return printer.call(name, [printer.at(a, Precedence.SUM) for a in term.args])

    def over(left: Term, right: Term) -> Term:
        """Positive where `left` is the one that counts."""
        larger, smaller = (left, right) if name == "max" else (right, left)
        if smaller == number(0):
            return larger
        minus = make("mul", number(-1), smaller)
        return minus if larger == number(0) else make("add", larger, minus)

    def tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
        value, slope = term.args[0], tangents[0]
        for other, its in zip(term.args[1:], tangents[1:], strict=True):
            slope = glued(over(value, other), slope, its)
            value = make(name, value, other)
        return slope

    def adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
        if len(term.args) == 1:
            return [bar]
        others = [term.args[:i] + term.args[i + 1 :] for i in range(len(term.args))]
        rivals = [rest[0] if len(rest) == 1 else make(name, *rest) for rest in others]
        return [glued(over(own, rival), bar, None) for own, rival in zip(term.args, rivals, strict=True)]

    return Operation(name, shape, value, show, tangent, adjoint, Growth.ADDITIVE)


OPERATIONS = (
    Operation("fn", _fn_shape, _fn_value, _show_fn, _fn_tangent, lambda term, bar: [_fn_pull(term, bar)], Growth.SPECIAL),
    Operation(
        "pow",
        _pow_shape,
        _pow_value,
        _show_pow,
        _pow_tangent,
        lambda term, bar: [make("mul", bar, _pow_slope(term))],
        Growth.SPECIAL,
        Precedence.POWER,
    ),
    _extreme("max"),
    _extreme("min"),
)
