"""What an author wrote, object by object: the SymPy symbols, functions and operators of an expression.

Main definitions: `objects_in`, `bound_objects`. Two objects are the same if SymPy says so: a name alone never decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from verify.language.nodes import Argument, Carrier, WrittenFunction, WrittenOperator

Object = Any
"""A `Symbol`, a `MatrixSymbol`, a `WrittenFunction` without a formula, or a `WrittenOperator`."""


def objects_in(*expressions: Any) -> dict[Object, None]:
    """Every free object below some expressions, dimensions included, in the order in which they are met."""
    found: dict[Object, None] = {}
    for expression in expressions:
        found.update(dict.fromkeys(_objects(expression, frozenset())))
    return found


def _objects(node: Any, bound: frozenset[Any]) -> Iterator[Object]:
    match node:
        case sp.MatrixSymbol():
            if not isinstance(node, Argument):
                yield node
            yield from _below(node, bound)
        case sp.Symbol():
            if node not in bound:
                yield node
        case WrittenFunction():
            yield from _of_function(node, bound)
        case WrittenOperator():
            yield node
            for size in (*node.domain, *node.codomain):
                yield from _objects(size, bound)
        case Carrier():
            yield from _objects(node.payload, bound)
        case sp.Lambda():
            yield from _objects(node.expr, bound | set(node.variables))
        case sp.Sum():
            yield from _objects(node.function, bound | set(node.variables))
            for _, *ends in node.limits:
                for end in ends:
                    yield from _objects(end, bound)
        case tuple():
            yield from _of_pair(node, bound)
        case sp.Basic() | sp.MatrixBase():
            yield from _below(node, bound)


def _below(node: Any, bound: frozenset[Any]) -> Iterator[Object]:
    for argument in node if isinstance(node, sp.MatrixBase) else node.args:
        yield from _objects(argument, bound)


def _of_function(function: WrittenFunction, bound: frozenset[Any]) -> Iterator[Object]:
    if function.formula is None:
        yield function
    else:
        yield from _objects(function.formula, bound)
    for size in function.argument.shape:
        yield from _objects(size, bound)


def _of_pair(payload: tuple[Any, ...], bound: frozenset[Any]) -> Iterator[Object]:
    """The variable and body of an elementwise function, the variables and order of a derivative; constants have no objects."""
    if len(payload) == 2 and isinstance(payload[0], sp.Symbol):
        yield from _objects(payload[1], bound | {payload[0]})
        return
    for part in payload:
        yield from _objects(part, bound)


def bound_objects(item: Any) -> dict[Object, None]:
    """The objects that an item of a quantifier stands for: a symbol, a smooth function, an operator."""
    return objects_in(getattr(item, "written", item))
