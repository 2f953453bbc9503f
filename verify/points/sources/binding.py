"""Putting a loss family in the place of a claim's opaque function: names and dimensions of the formula are renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.terms import ARGUMENT, Dim, Shape, Term, walk
from verify.losses.problem import Problem
from verify.losses.taylor import data_name

Array = Any


@dataclass(frozen=True)
class Bound:
    """A function variable with a family's formula, and the data under their new names."""

    function: FunctionSymbol
    values: Mapping[str, Array]
    operators: Mapping[str, Array]
    dims: Mapping[str, int]


def bind_family(function: FunctionSymbol, problem: Problem) -> Bound:
    """The family's full loss f as the formula of a claim's function variable.

    Args:
        function: the claim's opaque function, of shape (rows, cols).
        problem: a stack of problems with one adapter.
    """
    assert problem.full is not None
    rows, cols = problem.full.shape  # type: ignore[misc]
    sizes: dict[Dim, Dim] = {rows: function.shape[0], cols: function.shape[1]}

    def dim(size: Dim) -> Dim:
        return size if isinstance(size, int) else sizes.get(size, data_name(function.name, size))

    body = renamed(problem.full.body, dim, lambda name: name if name == ARGUMENT else data_name(function.name, name))
    return Bound(
        replace(function, body=body),
        {data_name(function.name, n): v for n, v in problem.data.items()},
        {data_name(function.name, n): v for n, v in problem.operators.items()},
        {data_name(function.name, d): k for d, k in problem.dims.items()},
    )


def renamed(term: Term, dim: Callable[[Dim], Dim], name: Callable[[str], str]) -> Term:
    """The term with dimensions and variables renamed."""

    def shape(s: Shape) -> Shape:
        return (dim(s[0]), dim(s[1])) if len(s) == 2 else ()

    def payload(node: Term) -> tuple[Any, ...]:
        match node.op:
            case "sym":
                return (name(node.payload[0]), shape(node.payload[1]))
            case "eye" | "dim":
                return (dim(node.payload[0]),)
            case "zeros" | "ones":
                return tuple(dim(d) for d in node.payload)
            case "unit":
                return (dim(node.payload[0]), dim(node.payload[1]), *node.payload[2:])
            case "apply" | "adjoint":
                operator: OperatorSymbol = node.payload[0]
                domain, codomain = ((dim(a), dim(b)) for a, b in (operator.domain, operator.codomain))
                return (OperatorSymbol(name(operator.name), domain, codomain, operator.symmetric),)
            case _:
                return node.payload

    done: dict[Term, Term] = {}
    for node in walk(term):
        done[node] = Term(node.op, payload(node), tuple(done[a] for a in node.args), shape(node.shape))
    return done[term]
