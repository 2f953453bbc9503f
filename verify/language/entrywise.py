"""Elementwise functions: their variable is one object, and other scalars of the claim may stand beside it.

Main definitions: `entrywise`. A function of its variable and numbers alone is a `map` node. Where other scalars occur it is
spelled out in matrices: `t ↦ x·t + y` applied to A is `x·A + y·1`, `t ↦ tanh(x·t)` is tanh of `x·A`.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.language.errors import ClaimError, ShapeError
from verify.language.operations.algebra import total
from verify.language.operations.entries import HOLE
from verify.language.terms import Term, make, rebuild, walk

_OF_ONE_NUMBER = ("hole", "num", "pi", "add", "mul", "pow", "fn", "max", "min")


def entrywise(body: Term, matrix: Term) -> Term:
    """The function `HOLE ↦ body` at every entry of a matrix (or at a scalar).

    Raises:
        ClaimError: if the body does more with its variable than arithmetic and functions of one number.
    """
    if not body.is_scalar:
        raise ShapeError("an elementwise function must return a scalar")
    moving = {node for node in walk(body) if node == HOLE or any(HOLE in set(walk(a)) for a in node.args)}
    strange = next((node for node in moving if node.op not in _OF_ONE_NUMBER), None)
    if strange is not None:
        raise ClaimError(
            f"the elementwise function applies {strange.op} to its variable, which is one number: only sums, products, powers "
            "and functions of one number are understood"
        )
    if all(node.op in _OF_ONE_NUMBER for node in walk(body)):
        return make("map", matrix, payload=(body,))
    return rebuild(body, {HOLE: matrix}) if matrix.is_scalar else _as_matrix(_spelled(body, matrix), matrix)


def _spelled(body: Term, matrix: Term) -> Term:
    """The body with the matrix in the place of its variable; what does not move stays a scalar."""
    nodes = list(walk(body))
    if HOLE not in nodes:
        return body
    if body == HOLE:
        return matrix
    if all(node.op in _OF_ONE_NUMBER for node in nodes):
        return make("map", matrix, payload=(body,))
    parts = [_spelled(a, matrix) for a in body.args]
    match body.op:
        case "add":
            found = total([_as_matrix(p, matrix) for p in parts])
            assert found is not None
            return found
        case "mul":
            return _product(parts)
        case "pow" | "fn":
            return make("map", parts[0], payload=(make(body.op, HOLE, payload=body.payload),))
        case _:
            raise ClaimError(
                f"the elementwise function has {body.op} of its variable and another symbol: only of numbers it is understood"
            )


def _product(parts: Sequence[Term]) -> Term:
    scalars, matrices = [p for p in parts if p.is_scalar], [p for p in parts if not p.is_scalar]
    product = matrices[0] if len(matrices) == 1 else make("hadamard", *matrices)
    return make("mul", *scalars, product) if scalars else product


def _as_matrix(part: Term, matrix: Term) -> Term:
    """A scalar as the matrix of which it is every entry."""
    return part if not part.is_scalar else make("mul", part, make("ones", payload=matrix.shape))
