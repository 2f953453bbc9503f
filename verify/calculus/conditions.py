"""Statements reduced to what readers evaluate: comparisons of derivative-free terms, semidefiniteness, and/or.

Main definitions: `reduced`, `Condition` and its kinds, `along`.

Stationarity becomes `gradient = 0` with the derived gradient; the definition of X⋆ becomes three comparisons; `ddt` and
`after` are replaced by the derivative along, or the value after, the training process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.calculus.differentiate import expand, gradients, tangent
from verify.language.errors import ClaimError
from verify.language.operations.algebra import inner
from verify.language.processes import Process
from verify.language.statements import (
    Combination,
    Comparison,
    Curvature,
    FunctionOf,
    RegularizedStationary,
    Statement,
    Stationary,
)
from verify.language.terms import ARGUMENT, Term, make, number, rebuild, symbol, walk, zeros_like


@dataclass(frozen=True)
class HessianSemidefinite:
    """`∇²loss ⪰ 0` in the named variables at the instance."""

    loss: Term
    variables: tuple[Term, ...]


@dataclass(frozen=True)
class CurvatureBounds:
    """`lower·I ⪯ ∇²function ⪯ upper·I` everywhere (None: no bound on that side)."""

    function: FunctionOf
    lower: Term | None
    upper: Term | None


@dataclass(frozen=True)
class AllOf:
    """All parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


Condition = Comparison | HessianSemidefinite | CurvatureBounds | AllOf | AnyOf


def reduced(statement: Statement, process: Process | None = None) -> Condition:
    """The condition a statement stands for, free of derivative nodes.

    Raises:
        NotDifferentiable: if a needed derivative does not exist.
    """
    match statement:
        case Comparison():
            return statement.mapped(lambda t: expand(along(t, process)))
        case Combination():
            kind = AllOf if statement.kind == "both" else AnyOf
            return kind(tuple(reduced(p, process) for p in statement.parts))
        case Stationary():
            zero = tuple(_vanishes(g) for g in gradients(statement.loss, statement.variables))
            if statement.order == 1:
                return AllOf(zero)
            return AllOf((*zero, HessianSemidefinite(expand(statement.loss), statement.variables)))
        case RegularizedStationary():
            return AllOf(tuple(_definition(statement)))
        case Curvature():
            return _curvature(statement)
    raise ClaimError(f"{type(statement).__name__} has no reading yet")


def _vanishes(term: Term) -> Comparison:
    return Comparison("equal", expand(term), zeros_like(term.shape))


def gradient_of_function(function: FunctionOf, point: Term) -> Term:
    """`∇f` at a point, expanded."""
    argument = symbol(ARGUMENT, function.shape)
    (slope,) = gradients(function.body, [argument])
    return rebuild(expand(slope), {argument: point})


def _definition(statement: RegularizedStationary) -> list[Comparison]:
    slope = gradient_of_function(statement.function, statement.point)
    balance = make("add", slope, make("mul", statement.weight, statement.witness))
    return [
        _vanishes(balance),
        Comparison("le", make("spectral", statement.witness), number(1)),
        Comparison("equal", inner(statement.witness, statement.point), make("nuclear", statement.point)),
    ]


def _curvature(statement: Curvature) -> Condition:
    function = statement.function.mapped(expand)
    match statement.kind:
        case "uniform_curvature":
            return CurvatureBounds(function, statement.numbers[0], statement.numbers[1])
        case "convex":
            return CurvatureBounds(function, number(0), None)
        case "rsc":
            return CurvatureBounds(function, statement.numbers[0], None)
        case _:
            return CurvatureBounds(function, None, statement.numbers[0])


def at_start(statement: Statement, process: Process | None) -> Statement:
    """An assumption of a claim along a process, which is about the start, in the terms that the start is given by."""
    if process is None or not process.start:
        return statement
    begin = dict(zip(process.variables, process.start, strict=True))
    return statement if isinstance(statement, Stationary) else statement.mapped(lambda t: rebuild(t, begin))


def along(term: Term, process: Process | None) -> Term:
    """Replace `ddt` and `after` by what they mean along the process."""
    if not any(node.op in ("ddt", "after") for node in walk(term)):
        return term
    if process is None:
        raise ClaimError("ddt(...) and after(...) have a meaning only inside always(...)")
    slopes = dict(zip(process.variables, gradients(process.loss, process.variables), strict=True))
    done: dict[Term, Term] = {}
    for node in walk(term):
        args = [done[a] for a in node.args]
        if node.op == "ddt":
            moves = {v.payload[0]: make("mul", number(-1), g) for v, g in slopes.items()}
            done[node] = tangent(args[0], moves)
        elif node.op == "after":
            done[node] = rebuild(args[0], step_of(process, slopes))
        else:
            done[node] = make(node.op, *args, payload=node.payload)
    return done[term]


def step_of(process: Process, slopes: dict[Term, Term]) -> dict[Term, Term]:
    """Each moving variable's value after one descent step."""
    assert process.step is not None
    minus = make("mul", number(-1), process.step)
    return {v: make("add", v, make("mul", minus, g)) for v, g in slopes.items()}


def comparisons_in(condition: Condition) -> list[Comparison]:
    """All comparisons inside a condition."""
    match condition:
        case Comparison():
            return [condition]
        case AllOf() | AnyOf():
            return [c for part in condition.parts for c in comparisons_in(part)]
        case _:
            return []


def conjuncts(conditions: Sequence[Condition]) -> list[Condition]:
    """Conditions with nested conjunctions flattened."""
    flat: list[Condition] = []
    for condition in conditions:
        flat += conjuncts(condition.parts) if isinstance(condition, AllOf) else [condition]
    return flat
