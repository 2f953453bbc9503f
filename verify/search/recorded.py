"""Certificates read back: the instance of one claim as an instance of another one whose variables fit.

Main definitions: `recorded_instance`. Nothing in a file is trusted: what comes back is read again by the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from verify.language.formulas import Formula
from verify.language.operations.entries import HOLE
from verify.language.terms import ARGUMENT, Shape, Term, make, number, symbol
from verify.search.instances import ExactInstance, Rows, free_matrices


def recorded_instance(certificate: Mapping[str, Any], formula: Formula) -> ExactInstance | None:
    """The certificate's instance as one of `formula`; None where names or shapes do not fit.

    Scalars that the file does not have are left out, for the caller to choose.

    Raises:
        KeyError, TypeError, ValueError, IndexError: if the file is malformed.
    """
    values, dims = certificate["values"], certificate["dims"]
    if not set(formula.dims) <= set(dims):
        return None
    sizes = {d: int(dims[d]) for d in formula.dims}
    scalars = {n: Fraction(values[n]) for n in formula.scalars() if n in values}
    matrices: dict[str, Rows] = {}
    for name in (*free_matrices(formula), *formula.operators()):
        if name not in values:
            return None
        matrices[name] = tuple(tuple(Fraction(x) for x in row) for row in values[name])
    for name, shape in formula.matrices().items():
        if name in matrices and (len(matrices[name]), len(matrices[name][0])) != _sizes(shape, sizes):
            return None
    bodies: dict[str, Term] = {}
    for name, function in formula.functions().items():
        if name not in values:
            return None
        bodies[name] = body_from_json(values[name]["body"], _sizes(function.shape, sizes))
    return ExactInstance(sizes, scalars, matrices, bodies, int(certificate.get("steps", 0)))


def _sizes(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, int]:
    rows, cols = (d if isinstance(d, int) else sizes[d] for d in shape)
    return rows, cols


def body_from_json(node: Any, shape: Shape) -> Term:
    """A closed function body (only numbers and the argument) from its JSON list."""
    match node:
        case ["arg"]:
            return symbol(ARGUMENT, shape)
        case ["hole"]:
            return HOLE
        case ["num", value]:
            return number(Fraction(value))
        case ["pow", base, exponent]:
            return make("pow", body_from_json(base, shape), payload=(Fraction(exponent),))
        case ["literal", rows]:
            return make("literal", payload=(tuple(tuple(Fraction(x) for x in row) for row in rows),))
        case ["entry", inside, i, j]:
            return make("entry", body_from_json(inside, shape), payload=(i, j))
        case ["map", pattern, inside]:
            return make("map", body_from_json(inside, shape), payload=(body_from_json(pattern, shape),))
        case [str(op), *rest]:
            args = [body_from_json(x, shape) for x in rest if isinstance(x, list)]
            return make(op, *args, payload=tuple(x for x in rest if not isinstance(x, list)))
    raise ValueError(f"no term: {str(node)[:60]}")
