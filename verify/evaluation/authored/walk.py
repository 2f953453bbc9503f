"""An author's expression, walked object by object.

Main definitions: `value_of`. Derivatives are central differences, good to 20 digits; those of an opaque function are written
out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.special import OneMatrix

from verify.evaluation.authored.arithmetic import (
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    MP,
    Number,
    RoundedError,
    UndefinedError,
    Value,
    column_diagonal,
    diagonal,
    each,
    entry,
    filled,
    inverse,
    power,
)
from verify.evaluation.authored.points import Point, Training
from verify.language.nodes import Carrier, MatrixNode, ScalarNode, WrittenFunction, WrittenOperator

_STEP = MP.mpf(10) ** -14
"""The length of a difference."""
_WRITTEN = 12
"""The most digits of a float that somebody wrote."""


def value_of(expression: Any, at: Point) -> Value:
    """The value of an author's expression.

    Raises:
        UndefinedError: where it has none.
        NotImplementedError: for a kind of object that has no rule here.
    """
    for kind, rule in _RULES:
        if isinstance(expression, kind):
            found = rule(expression, at)
            if isinstance(found, np.ndarray) or MP.isfinite(found):
                return found
            raise UndefinedError(f"{expression} is not finite")
    if isinstance(expression, int):
        return MP.mpf(expression)
    raise NotImplementedError(f"no rule for {type(expression).__name__}")


# --- SymPy's own classes --------------------------------------------------------------------------------------------


def _decimal(e: Any) -> Number:
    """A float as the decimal that it prints as, where somebody may have written that."""
    digits = repr(float(e)).partition("e")[0].strip("+-0.").replace(".", "")
    if float(e).is_integer() or len(digits) > _WRITTEN or sp.Float(repr(float(e)), precision=e._prec) != e:
        raise RoundedError(f"the float {e}")
    return MP.mpf(repr(float(e)))


def _variable(e: Any, at: Point) -> Value:
    found = at.values[e]
    return MP.mpf(found) if isinstance(found, int) else found


def _sum(e: Any, at: Point) -> Value:
    parts = [value_of(a, at) for a in e.args]
    matrices = [p for p in parts if isinstance(p, np.ndarray)]
    # SymPy drops no zero beside a matrix, but a number 0 may stand for the zero matrix.
    return sum(matrices[1:], matrices[0]) if matrices else sum(parts, MP.mpf(0))


def _product(e: Any, at: Point) -> Value:
    scalar, matrix = MP.mpf(1), None
    for argument in e.args:
        factor = value_of(argument, at)
        if not isinstance(factor, np.ndarray):
            scalar = scalar * factor
        else:
            matrix = factor if matrix is None else matrix @ factor
    return scalar if matrix is None else scalar * matrix


def _matrix_power(e: Any, at: Point) -> Value:
    base, exponent = value_of(e.base, at), int(e.exp)
    factor = inverse(base) if exponent < 0 else base
    found = filled(len(base), len(base), lambda i, j: int(i == j))
    for _ in range(abs(exponent)):
        found = found @ factor
    return found


def _scalar_power(e: Any, at: Point) -> Value:
    base = value_of(e.base, at)
    return _matrix_power(e, at) if isinstance(base, np.ndarray) else power(base, value_of(e.exp, at))


def _heaviside(e: Any, at: Point) -> Number:
    x = value_of(e.args[0], at)
    return value_of(e.args[1], at) if x == 0 else FUNCTIONS["step"](x)


def _applied(variable: Any, body: Any, matrix: Value, at: Point) -> Value:
    if not isinstance(matrix, np.ndarray):
        return value_of(body, at.put({variable: matrix}))
    return each(lambda x: value_of(body, at.put({variable: x})), matrix)


def _finite_sum(e: Any, at: Point) -> Value:
    (variable, low, high), *rest = e.limits
    inner = e.function if not rest else sp.Sum(e.function, *rest)
    parts = [value_of(inner, at.put({variable: k})) for k in range(int(low), int(high) + 1)]
    return sum(parts[1:], parts[0]) if parts else MP.mpf(0)


def _of(function: Callable[..., Value]) -> Callable[[Any, Point], Value]:
    """A rule that evaluates all arguments first."""
    return lambda e, at: function(*(value_of(a, at) for a in e.args))


# --- the package's nodes --------------------------------------------------------------------------------------------


def _own(e: Any, at: Point) -> Value:
    carried = [a.payload for a in e.args if isinstance(a, Carrier)]
    rest = [a for a in e.args if not isinstance(a, Carrier)]
    if e.op in MATRIX_FUNCTIONS:
        return MATRIX_FUNCTIONS[e.op](*(value_of(a, at) for a in rest))
    match e.op:
        case "fn":
            return FUNCTIONS[carried[0]](value_of(rest[0], at))
        case "map":
            variable, body = carried[0]
            return _applied(variable, body, value_of(rest[0], at), at)
        case "entry":
            return entry(value_of(rest[0], at), rest[1], rest[2])
        case "smooth" | "smoothgrad":
            point, *directions = (value_of(a, at) for a in rest)
            return _of_function(carried[0], point, tuple(directions), at, gradient=e.op == "smoothgrad")
        case "apply" | "adjoint":
            return _of_operator(carried[0], value_of(rest[0], at), at, adjoint=e.op == "adjoint")
        case "derivative":
            (variables, order), (expression, *directions) = carried[0], rest
            moves = {v: value_of(d, at) for v, d in zip(variables, directions, strict=True)}
            return _along(lambda here: value_of(expression, here), moves, order, at)
        case "ddt" if at.training is not None:
            slopes = _gradients(at.training, at)
            return _along(lambda here: value_of(rest[0], here), {v: -g for v, g in slopes.items()}, 1, at)
        case "after" if at.training is not None:
            step, slopes = value_of(at.training.step, at), _gradients(at.training, at)
            return value_of(rest[0], at.put({v: at.values[v] - step * g for v, g in slopes.items()}))
    raise NotImplementedError(f"no rule for {e.op}")


def _of_function(f: WrittenFunction, point: Value, directions: tuple[Value, ...], at: Point, *, gradient: bool) -> Value:
    if f.formula is None:
        cubic = at.functions[f]
        return cubic.gradient(point, directions) if gradient else cubic.derivative(point, directions)

    def mixed(moves: tuple[Value, ...]) -> Number:
        """`D^k f(point)[moves]`, by nested differences."""

        def nested(base: Value, left: tuple[Value, ...]) -> Number:
            if not left:
                return value_of(f.formula, at.put({f.argument: base}))
            step = _step(len(moves))
            ahead, back = nested(base + step * left[0], left[1:]), nested(base - step * left[0], left[1:])
            return (ahead - back) / (2 * step)

        return nested(point, moves)

    if not gradient:
        return mixed(directions)
    rows, cols = point.shape
    return np.array([mixed((*directions, unit)) for unit in _units(rows, cols)], dtype=object).reshape(rows, cols)


def _units(rows: int, cols: int) -> list[Value]:
    """The matrices with a single entry 1, row by row."""
    found = []
    for place in np.ndindex(rows, cols):
        unit = filled(rows, cols, lambda i, j: 0)
        unit[place] = MP.mpf(1)
        found.append(unit)
    return found


def _step(order: int) -> Number:
    """Larger steps for higher derivatives: each order loses the digits of one step."""
    return _STEP if order < 4 else MP.mpf(10) ** -9


def _of_operator(h: WrittenOperator, x: Value, at: Point, *, adjoint: bool) -> Value:
    matrix = at.operators[h].T if adjoint else at.operators[h]
    rows, cols = (at.size(d) for d in (h.domain if adjoint else h.codomain))
    return (matrix @ x.reshape(-1, 1)).reshape(rows, cols)


def _along(value: Callable[[Point], Value], moves: Mapping[Any, Value], order: int, at: Point) -> Value:
    """The derivative of that order along a straight line, by nested central differences."""
    if order == 0:
        return value(at)
    step = _step(order + 1)

    def shifted(t: Number) -> Point:
        return at.put({v: at.values[v] + t * d for v, d in moves.items()})

    def nested(t: Number, left: int) -> Value:
        if left == 0:
            return value(shifted(t))
        return (nested(t + step, left - 1) - nested(t - step, left - 1)) / (2 * step)

    return nested(MP.mpf(0), order)


def _gradients(training: Training, at: Point) -> dict[Any, Value]:
    """The slopes of the loss in everything that moves, entry by entry."""

    def slope(symbol: Any, direction: Value) -> Number:
        return _along(lambda here: value_of(training.loss, here), {symbol: direction}, 1, at)

    found = {}
    for symbol in training.moving:
        base = at.values[symbol]
        if not isinstance(base, np.ndarray):
            found[symbol] = slope(symbol, MP.mpf(1))
            continue
        rows, cols = base.shape
        found[symbol] = np.array([slope(symbol, unit) for unit in _units(rows, cols)], dtype=object).reshape(rows, cols)
    return found


_SYMPY_FUNCTIONS = {
    sp.exp: "exp",
    sp.log: "log",
    sp.tanh: "tanh",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.erf: "erf",
    sp.Abs: "abs",
    sp.sign: "sign",
}

_RULES: list[tuple[Any, Callable[[Any, Point], Value]]] = [
    ((ScalarNode, MatrixNode), _own),
    (sp.Rational, lambda e, at: MP.mpf(int(e.p)) / int(e.q)),
    (sp.Float, lambda e, at: _decimal(e)),
    (sp.NumberSymbol, lambda e, at: MP.make_mpf(sp.N(e, MP.dps + 5)._mpf_)),
    ((sp.Symbol, sp.MatrixSymbol), _variable),
    ((sp.Add, sp.MatAdd), _sum),
    ((sp.Mul, sp.MatMul), _product),
    (sp.Inverse, lambda e, at: inverse(value_of(e.args[0], at))),
    (sp.MatPow, _matrix_power),
    (sp.Pow, _scalar_power),
    ((sp.Transpose, sp.matrices.expressions.adjoint.Adjoint), lambda e, at: value_of(e.args[0], at).T),
    (sp.Trace, lambda e, at: MATRIX_FUNCTIONS["trace"](value_of(e.args[0], at))),
    (sp.Determinant, lambda e, at: MATRIX_FUNCTIONS["det"](value_of(e.args[0], at))),
    (HadamardProduct, _of(MATRIX_FUNCTIONS["hadamard"])),
    (HadamardPower, lambda e, at: each(lambda x: power(x, value_of(e.exp, at)), value_of(e.base, at))),
    (ElementwiseApplyFunction, lambda e, at: _applied(e.function.variables[0], e.function.expr, value_of(e.expr, at), at)),
    (sp.Identity, lambda e, at: filled(at.size(e.shape[0]), at.size(e.shape[0]), lambda i, j: int(i == j))),
    (sp.ZeroMatrix, lambda e, at: filled(at.size(e.shape[0]), at.size(e.shape[1]), lambda i, j: 0)),
    (OneMatrix, lambda e, at: filled(at.size(e.shape[0]), at.size(e.shape[1]), lambda i, j: 1)),
    ((DiagMatrix, DiagonalMatrix), lambda e, at: column_diagonal(value_of(e.args[0], at))),
    (DiagonalOf, lambda e, at: diagonal(value_of(e.args[0], at))),
    (MatrixElement, lambda e, at: entry(value_of(e.args[0], at), e.i, e.j)),
    (sp.MatrixBase, lambda e, at: filled(e.rows, e.cols, lambda i, j: value_of(e[i, j], at))),
    (sp.Max, _of(max)),
    (sp.Min, _of(min)),
    (sp.Sum, _finite_sum),
    (sp.Heaviside, _heaviside),
    *((cls, _of(FUNCTIONS[name])) for cls, name in _SYMPY_FUNCTIONS.items()),
]
