"""A function's formula with its data written into it: the closed body that a certificate can carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.terms import ARGUMENT, Dim, Shape, Term, make, number, symbol, walk

Array = Any


def closed_body(function: FunctionSymbol, batch: Batch, rounding: Callable[[Any], Fraction]) -> Term:
    """The function's formula at the first instance of a batch: numbers for data, integers for dimensions.

    An operator becomes the sum of its entries times the entries of its argument.
    """
    assert function.body is not None

    def dim(size: Dim) -> int:
        return size if isinstance(size, int) else batch.dims[size]

    def shape(s: Shape) -> Shape:
        return (dim(s[0]), dim(s[1])) if len(s) == 2 else ()

    done: dict[Term, Term] = {}
    for node in walk(function.body):
        args = tuple(done[a] for a in node.args)
        match node.op:
            case "sym" if node.payload[0] == ARGUMENT:
                done[node] = symbol(ARGUMENT, shape(node.payload[1]))
            case "sym":
                done[node] = constant(batch.values[node.payload[0]][0], rounding)
            case "dim":
                done[node] = number(dim(node.payload[0]))
            case "eye" | "zeros" | "ones":
                done[node] = make(node.op, payload=tuple(dim(d) for d in node.payload))
            case "unit":
                rows, cols, i, j = node.payload
                entries = [[Fraction(int((a, b) == (i, j))) for b in range(dim(cols))] for a in range(dim(rows))]
                done[node] = make("literal", payload=(tuple(tuple(row) for row in entries),))
            case "apply" | "adjoint":
                done[node] = applied(node, args[0], batch.operators, shape, rounding)
            case _:
                done[node] = make(node.op, *args, payload=node.payload)
    return done[function.body]


def plain(value: Any) -> Any:
    """A number of NumPy's own as Python's float; any other, such as one of many digits, as it is."""
    return float(value) if isinstance(value, int | float | np.number) else value


def constant(value: Array, rounding: Callable[[Any], Fraction]) -> Term:
    """A number or an explicit matrix."""
    if value.ndim == 0:
        return number(rounding(plain(value.item())))
    return make("literal", payload=(tuple(tuple(rounding(plain(x)) for x in row) for row in value),))


def applied(
    node: Term,
    argument: Term,
    operators: Mapping[str, Array],
    shape: Callable[[Shape], Shape],
    rounding: Callable[[Any], Fraction],
) -> Term:
    """`H(X)` or `H*(X)` written out entry by entry."""
    operator: OperatorSymbol = node.payload[0]
    matrix = operators[operator.name][0]
    if operator.symmetric:
        matrix = (matrix + matrix.T) / 2
    if node.op == "adjoint":
        matrix = matrix.T
    rows, cols = shape(node.shape)  # type: ignore[misc]
    height, width = shape(node.args[0].shape)  # type: ignore[misc]
    assert isinstance(rows, int)
    assert isinstance(cols, int)
    assert isinstance(height, int)
    assert isinstance(width, int)
    entries = [make("entry", argument, payload=(i, j)) for i in range(height) for j in range(width)]
    parts = []
    for place, entry in enumerate(entries):
        column = [rounding(plain(x)) for x in matrix[:, place]]
        block = tuple(tuple(column[i * cols : (i + 1) * cols]) for i in range(rows))
        parts.append(make("mul", entry, make("literal", payload=(block,))))
    return parts[0] if len(parts) == 1 else make("add", *parts)
