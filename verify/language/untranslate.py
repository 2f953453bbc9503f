"""Terms back to SymPy expressions, with the user's own symbols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.matrices.expressions.special import OneMatrix

from verify.language.nodes import MATRIX_NODES, SCALAR_NODES, Carrier
from verify.language.operations.entries import HOLE
from verify.language.terms import Dim, Term, rebuild, symbol, walk
from verify.language.translate import sympy_dim

_FUNCTIONS = {
    "exp": sp.exp,
    "log": sp.log,
    "tanh": sp.tanh,
    "sin": sp.sin,
    "cos": sp.cos,
    "erf": sp.erf,
    "abs": sp.Abs,
    "sign": sp.sign,
}


def expression_of(term: Term, names: Mapping[str, Any]) -> Any:
    """A SymPy expression of the term.

    Args:
        term: any term.
        names: the user's symbols by name; missing ones are made (dimensions as positive integers).
    """

    def dim(size: Dim) -> Any:
        return names.get(size, sympy_dim(size)) if isinstance(size, str) else sp.Integer(size)

    done: dict[Term, Any] = {}
    for node in walk(term):
        done[node] = _build(node, [done[a] for a in node.args], dim, names)
    return done[term]


def _build(node: Term, args: list[Any], dim: Callable[[Dim], Any], names: Mapping[str, Any]) -> Any:
    match node.op:
        case "num":
            return sp.Rational(node.payload[0].numerator, node.payload[0].denominator)
        case "pi":
            return sp.pi
        case "dim":
            return dim(node.payload[0])
        case "sym":
            return _symbol(node, dim, names)
        case "eye":
            return sp.Identity(dim(node.payload[0]))
        case "zeros":
            return sp.ZeroMatrix(dim(node.payload[0]), dim(node.payload[1]))
        case "ones":
            return OneMatrix(dim(node.payload[0]), dim(node.payload[1]))
        case "literal":
            return sp.ImmutableMatrix([[sp.Rational(x.numerator, x.denominator) for x in r] for r in node.payload[0]])
        case "add":
            return sp.Add(*args) if node.is_scalar else sp.MatAdd(*args, evaluate=False)
        case "mul":
            return sp.Mul(*args) if node.is_scalar else _scaled(args)
        case "matmul":
            return sp.MatMul(*args, evaluate=False)
        case "transpose":
            return sp.Transpose(args[0])
        case "trace":
            return sp.Trace(args[0])
        case "pow":
            exponent = node.payload[0]
            return sp.Pow(args[0], sp.Rational(exponent.numerator, exponent.denominator))
        case "fn" if node.payload[0] in _FUNCTIONS:
            return _FUNCTIONS[node.payload[0]](args[0])
        case "map":
            return _map(node, args[0])
        case "glue":  # undefined at the kink, as x/|x| is
            switch, positive, negative = args
            return (positive + negative) / 2 + (positive - negative) / 2 * switch / sp.Abs(switch)
        case "entry":
            return SCALAR_NODES["entry"](args[0], *node.payload)
        case "unit" | "derivative":
            nodes = MATRIX_NODES if node.op == "unit" else SCALAR_NODES
            return nodes[node.op](Carrier(node.payload), *args)
        case _:
            nodes = SCALAR_NODES if node.is_scalar else MATRIX_NODES
            return nodes[node.op](*(Carrier(p) for p in node.payload), *args)


def _symbol(node: Term, dim: Callable[[Dim], Any], names: Mapping[str, Any]) -> Any:
    name, shape = node.payload
    if name in names:
        return names[name]
    return sp.Symbol(name, real=True) if shape == () else sp.MatrixSymbol(name, dim(shape[0]), dim(shape[1]))


def _scaled(args: list[Any]) -> Any:
    matrix = next(a for a in args if getattr(a, "is_Matrix", False))
    scalar = sp.Mul(*(a for a in args if a is not matrix))
    if scalar == 1:
        return matrix
    factors = matrix.args if isinstance(matrix, sp.MatMul) else (matrix,)
    return sp.MatMul(scalar, *factors, evaluate=False)


def _map(node: Term, matrix: Any) -> Any:
    variable = sp.Symbol("x", real=True)
    body = expression_of(rebuild(node.payload[0], {HOLE: symbol("x")}), {"x": variable})
    return MATRIX_NODES["map"](Carrier((variable, body)), matrix)
