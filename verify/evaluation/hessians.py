"""Hessian matrices of lowered losses, from the derived gradient's directional derivative along all basis directions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.differentiate import gradients, is_even_norm_power, tangent
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.operations.operation import Environment, Field
from verify.language.statements import FunctionOf
from verify.language.terms import ARGUMENT, DIRECTION, Term, symbol, walk

Array = Any


@lru_cache(maxsize=256)
def hessian_terms(loss: Term, variables: tuple[Term, ...]) -> tuple[Term, ...]:
    """The derivative of every gradient along direction symbols `δ` + variable name."""
    moves = {v.payload[0]: symbol(DIRECTION + v.payload[0], v.shape) for v in variables}
    return tuple(tangent(g, moves) for g in gradients(loss, variables))


def hessian_matrix(loss: Term, variables: Sequence[Term], batch: Batch, field: Field | None = None) -> Array:
    """The Hessian in the stacked variables (row-major each), `(count, p, p)`; in floats, or in the field of the batch."""
    terms = hessian_terms(loss, tuple(variables))
    sizes = [_size(v, batch) for v in variables]
    lengths = [rows * cols for rows, cols in sizes]
    total = sum(lengths)
    values: dict[str, Array] = {n: np.expand_dims(v, 1) for n, v in batch.values.items()}
    basis = np.eye(total)
    start = 0
    for variable, (rows, cols), length in zip(variables, sizes, lengths, strict=True):
        block = basis[:, start : start + length]
        values[DIRECTION + variable.payload[0]] = block.reshape(total, rows, cols) if variable.shape else block[:, 0]
        start += length
    operators = {n: np.expand_dims(v, 1) for n, v in batch.operators.items()}
    env = Environment(values, batch.dims, {}, operators)
    parts = evaluate_terms(terms, env, FloatField() if field is None else field)
    columns = [
        np.broadcast_to(part, (batch.count, total, *size[: len(v.shape)])).reshape(batch.count, total, length)
        for part, v, size, length in zip(parts, variables, sizes, lengths, strict=True)
    ]
    matrix = np.concatenate(columns, axis=-1)
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2


def _size(variable: Term, batch: Batch) -> tuple[int, int]:
    if variable.shape == ():
        return (1, 1)
    rows, cols = (d if isinstance(d, int) else batch.dims[d] for d in variable.shape)
    return (rows, cols)


def hessian_of_function(function: FunctionOf, batch: Batch, field: Field | None = None) -> Array:
    """The constant Hessian of a quadratic function of a matrix, `(count, mn, mn)`; in floats, or in the field of the batch."""
    rows, cols = (d if isinstance(d, int) else batch.dims[d] for d in function.shape)
    origin = np.zeros((batch.count, rows, cols))
    at_zero = Batch(batch.dims, {**batch.values, ARGUMENT: origin}, batch.operators, {}, count=batch.count)
    return hessian_matrix(function.body, [symbol(ARGUMENT, function.shape)], at_zero, field)


def is_quadratic(function: FunctionOf) -> bool:
    """Whether the body is, by its structure, a polynomial of degree at most 2 in its argument."""
    degree = _degrees(function.body).get(function.body)
    return degree is not None and degree <= 2


def _degrees(body: Term) -> dict[Term, int | None]:
    found: dict[Term, int | None] = {}
    for node in walk(body):
        inner = [found[a] for a in node.args]
        if node.op == "sym":
            found[node] = 1 if node.payload[0] == ARGUMENT else 0
        elif is_even_norm_power(node):
            inside = found[node.args[0].args[0]]
            found[node] = None if inside is None else inside * int(node.payload[0])
        elif any(d is None for d in inner):
            found[node] = None
        else:
            found[node] = _degree(node, [d for d in inner if d is not None])
    return found


def _degree(node: Term, inner: list[int]) -> int | None:
    if all(d == 0 for d in inner):
        return 0
    match node.op:
        case "add" | "transpose" | "trace" | "entry" | "diag" | "diagonal" | "apply" | "adjoint":
            return max(inner)
        case "mul" | "matmul" | "hadamard":
            return sum(inner)
        case "frobenius":
            return None
        case "pow":
            exponent = node.payload[0]
            return int(exponent) * inner[0] if exponent.denominator == 1 and exponent >= 0 else None
        case _:
            return None
