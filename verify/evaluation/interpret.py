"""Evaluation of terms: one pass over the shared tree, in any field, for a whole stack of instances at once.

Main definitions: `evaluate_term`, `evaluate`, `evaluate_exact`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand
from verify.evaluation.fields import FloatField, RationalField
from verify.evaluation.models import as_model
from verify.language.errors import ClaimError, ShapeError
from verify.language.functions import Operator, Smooth
from verify.language.operations.operation import Environment, Field
from verify.language.terms import Dim, Shape, Term, operation_of, symbols_of, walk
from verify.language.translate import term_of

Array = Any


def evaluate_term(term: Term, env: Environment, field: Field) -> Array:
    """The value of a term; every distinct node is evaluated once."""
    return evaluate_terms([term], env, field)[0]


def evaluate_terms(terms: Sequence[Term], env: Environment, field: Field) -> list[Array]:
    """The values of several terms that share their common nodes."""
    done: dict[Term, Array] = {}
    for term in terms:
        for node in walk(term):
            if node not in done:
                done[node] = value_of_node(node, done, env, field)
    # NumPy turns 0-dimensional object arrays into their one number: undo that.
    return [done[t] if hasattr(done[t], "shape") else np.array(done[t], dtype=object) for t in terms]


def value_of_node(node: Term, done: Mapping[Term, Array], env: Environment, field: Field) -> Array:
    """The value of one node whose arguments are already in `done`."""
    if node.op == "trace" and node.args[0].op == "matmul":
        # tr(PQ) without forming PQ: the sum of P ∘ Qᵀ.
        *heads, last = node.args[0].args
        left = done[heads[0]]
        for head in heads[1:]:
            left = field.matmul(left, done[head])
        return (left * field.transpose(done[last])).sum(axis=(-2, -1))
    return operation_of(node).value(field, node, [done[a] for a in node.args], env)


def bind_dims(shapes: Mapping[str, Shape], sizes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """The integers that symbolic dimensions must have, from the arrays' shapes.

    Raises:
        ShapeError: if an array has the wrong number of axes or two arrays disagree on a dimension.
    """
    dims: dict[str, int] = {}
    for name, shape in shapes.items():
        if name not in sizes:
            continue
        if len(sizes[name]) < len(shape):
            raise ShapeError(f"the value of {name} has {len(sizes[name])} axes: a matrix needs at least two")
        for dim, size in zip(shape, sizes[name][len(sizes[name]) - len(shape) :], strict=True):
            _bind(dims, dim, size, name)
    return dims


def _bind(dims: dict[str, int], dim: Dim, size: int, name: str) -> None:
    known = dim if isinstance(dim, int) else dims.setdefault(dim, size)
    if known != size:
        raise ShapeError(f"the value of {name} has size {size} where {dim} = {known} is needed")


def _environment(term: Term, values: Mapping[Any, Any], convert: Any) -> Environment:
    """Sort user-given values into arrays, functions and operators, and infer the dimensions."""
    arrays: dict[str, Array] = {}
    functions: dict[str, Any] = {}
    operators: dict[str, Array] = {}
    for key, value in values.items():
        if isinstance(key, Smooth):
            functions[key.symbol.name] = as_model(value, key.symbol)
        elif isinstance(key, Operator):
            operators[key.symbol.name] = convert(value, key.symbol.name)
        else:
            name = key if isinstance(key, str) else getattr(key, "name", None)
            if name is None:
                raise ClaimError(f"a value was given for {key}: give values for symbols only")
            arrays[str(name)] = convert(value, str(name))
    shapes = symbols_of(term)
    dims = bind_dims(shapes, {n: tuple(a.shape) for n, a in arrays.items()})
    dims.update({n: int(a) for n, a in arrays.items() if n not in shapes and a.shape == () and _is_whole(a)})
    for name in shapes:
        if name not in arrays:
            if name in dims and shapes[name] == ():
                arrays[name] = convert(dims[name], name)
            else:
                raise ClaimError(f"no value for {name}: pass {{{name}: array}}")
    for node in walk(term):
        if node.op in ("smooth", "smoothgrad") and node.payload[0].name not in functions:
            raise ClaimError(f"no function for {node.payload[0].name}: pass {{{node.payload[0].name}: expression}}")
        if node.op in ("apply", "adjoint") and node.payload[0].name not in operators:
            raise ClaimError(f"no data for the operator {node.payload[0].name}: pass its matrix on row-major vectors")
    for node in walk(term):
        for dim in _dims_of(node):
            if isinstance(dim, str) and dim not in dims:
                raise ClaimError(f"the dimension {dim} is not fixed by any array: pass {{'{dim}': size}}")
    return Environment(arrays, dims, functions, operators)


def _is_whole(value: Any) -> bool:
    return bool(value == int(value)) if np.isfinite(float(value)) else False


def _dims_of(node: Term) -> list[Dim]:
    if node.op in ("dim", "eye"):
        return [node.payload[0]]
    return [*node.payload[:2]] if node.op in ("ones", "zeros", "unit") else []


def evaluate(expression: Any, values: Mapping[Any, Any]) -> Any:
    """The value of an expression on NumPy arrays with any leading batch shape.

    Args:
        expression: a SymPy expression as in claims.
        values: symbol (or its name) to array: `(...)` for scalars, `(..., rows, cols)` for matrices; an operator's
            matrix on row-major vectors; for `smooth` functions see `models.as_model`.

    Returns:
        An array of shape `(...)` or `(..., rows, cols)`; not a number where the expression is undefined.

    Raises:
        ClaimError: if a value is missing.
        ShapeError: if shapes disagree.

    >>> import numpy as np, sympy as sp
    >>> A = sp.MatrixSymbol("A", *sp.symbols("m r"))
    >>> float(evaluate(sp.Trace(A.T * A), {A: np.ones((2, 3))}))
    6.0
    """
    term = expand(term_of(expression))

    def convert(value: Any, name: str) -> Array:
        return np.asarray(value, dtype=np.float64)

    env = _environment(term, values, convert)
    with np.errstate(all="ignore"):
        return evaluate_term(term, env, FloatField())


def evaluate_exact(expression: Any, values: Mapping[Any, Any]) -> Any:
    """The exact value of an expression on rational data.

    Args:
        expression: a SymPy expression as in claims.
        values: symbol (or its name) to an int, a `Fraction`, or rows of them.

    Returns:
        A `Fraction`, or rows of them.

    Raises:
        NotRational: if the value is irrational or does not exist.
        ClaimError: if a value is missing or is not rational (floats are refused).

    >>> import sympy as sp
    >>> A = sp.MatrixSymbol("A", *sp.symbols("m r"))
    >>> evaluate_exact(sp.Trace(A.T * A) / 3, {A: [[1, 2]]})
    Fraction(5, 3)
    """
    term = expand(term_of(expression))
    env = _environment(term, values, exact_array)
    result = evaluate_term(term, env, RationalField())
    return result.item() if np.shape(result) == () else [list(row) for row in result]


def exact_array(value: Any, name: str) -> Array:
    """Rationals as an object array.

    Raises:
        ClaimError: for floats, which are not exact data.
    """
    array = np.array(value, dtype=object)
    out = np.empty(array.shape, dtype=object)
    for where in np.ndindex(*array.shape):
        out[where] = exact_number(array[where], name)
    return out


def exact_number(value: Any, name: str) -> Fraction:
    """One rational number."""
    if isinstance(value, float | np.floating):
        raise ClaimError(f"the value of {name} contains the float {value}: exact data are ints and Fractions")
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise ClaimError(f"the value of {name} contains {value!r}: exact data are ints and Fractions") from None
