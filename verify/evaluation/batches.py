"""Instances of a claim's variables, many at a time.

Main definitions: `Batch`, `instantiate`. A batch has one set of dimensions; functions are given by formulas whose data are
ordinary entries of the batch, so that every reader sees explicit terms only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verify.calculus.conditions import AllOf, AnyOf, Condition, CurvatureBounds, HessianSemidefinite
from verify.calculus.differentiate import expand
from verify.language.operations.functions import FunctionSymbol
from verify.language.operations.operation import Environment
from verify.language.statements import Comparison, FunctionOf
from verify.language.terms import Term, walk

Array = Any


@dataclass(frozen=True)
class Batch:
    """A stack of instances with common dimensions.

    Attributes:
        dims: the integer each dimension stands for.
        values: arrays `(count,)` for scalars, `(count, rows, cols)` for matrices, by variable name.
        operators: matrices on row-major vectors, `(count, codomain size, domain size)`.
        functions: a formula for each function variable; its data are in `values` and `operators`.
        family: where the instances come from, for the coverage report.
        count: the number of instances.
        assured: conditions that hold by construction and need no float test.
        slack: for points that a solver found, a bound `(count,)` of their relative error; margins are read up to it.
    """

    dims: Mapping[str, int]
    values: Mapping[str, Array]
    operators: Mapping[str, Array] = field(default_factory=dict)
    functions: Mapping[str, FunctionSymbol] = field(default_factory=dict)
    family: str = ""
    count: int = 0
    assured: frozenset[Condition] = frozenset()
    slack: Array | None = None

    def environment(self) -> Environment:
        """What terms are evaluated in."""
        return Environment(self.values, self.dims, {}, self.operators)

    def at(self, index: int) -> Batch:
        """One instance, as a batch of one."""
        return self.pick(np.array([index]))

    def pick(self, indices: Any) -> Batch:
        """Some instances."""
        return Batch(
            self.dims,
            {n: v[indices] for n, v in self.values.items()},
            {n: v[indices] for n, v in self.operators.items()},
            self.functions,
            self.family,
            len(indices),
            self.assured,
            None if self.slack is None else self.slack[indices],
        )

    @property
    def shape_text(self) -> str:
        """For example ``m=2 n=3``."""
        return " ".join(f"{k}={v}" for k, v in sorted(self.dims.items()) if "·" not in k)


def instantiate(term: Term, functions: Mapping[str, FunctionSymbol]) -> Term:
    """The term with function variables replaced by their formulas, derivatives expanded."""
    if any(node.op in ("smooth", "smoothgrad") and node.payload[0].body is not None for node in walk(term)):
        term = expand(term)  # a formula may mention function variables
    done: dict[Term, Term] = {}
    for node in walk(term):
        payload = node.payload
        if node.op in ("smooth", "smoothgrad") and payload[0].name in functions and payload[0].body is None:
            payload = (functions[payload[0].name],)
        done[node] = Term(node.op, payload, tuple(done[a] for a in node.args), node.shape)
    return expand(done[term])


def instantiate_condition(condition: Condition, functions: Mapping[str, FunctionSymbol]) -> Condition:
    """A condition with function variables replaced by formulas."""

    def change(term: Term) -> Term:
        return instantiate(term, functions)

    match condition:
        case Comparison():
            return condition.mapped(change)
        case AllOf() | AnyOf():
            return type(condition)(tuple(instantiate_condition(p, functions) for p in condition.parts))
        case HessianSemidefinite():
            return HessianSemidefinite(change(condition.loss), condition.variables)
        case CurvatureBounds():
            bounds = [None if b is None else change(b) for b in (condition.lower, condition.upper)]
            body = FunctionOf(condition.function.shape, change(condition.function.body))
            return CurvatureBounds(body, bounds[0], bounds[1])
