"""Terms compiled into a list of array operations that is run many times on different points and instances.

Main definitions: `Plan`, `compile_plan`, `Sizes`.

What does not depend on the instance is computed when the plan is made; what depends on the data only (`H(M)`, `WᵀW`) once
for each instance, when it is loaded (`Plan.inputs`); the rest at every point. Value rules are those of the operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.evaluation.fields import FloatField
from verify.language.operations.operation import Environment
from verify.language.terms import Term, operation_of, walk

Array = Any
Action = Callable[[Sequence[Array], Environment], Array]

_FIELD = FloatField()


@dataclass(frozen=True)
class Step:
    """One operation: `action` on the values in `sources`, stored in `target`."""

    action: Action
    sources: tuple[int, ...]
    target: int


@dataclass(frozen=True)
class Plan:
    """A straight-line program for some terms.

    Attributes:
        static: slot and value of what is the same for all instances.
        inputs: slot and term of what must be given: variables and per-instance data.
        steps: the operations in order.
        outputs: the slots of the results.
        slots: how many slots there are.
    """

    static: tuple[tuple[int, Array], ...]
    inputs: tuple[tuple[int, Term], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    slots: int

    def run(self, given: Mapping[Term, Array], env: Environment) -> list[Array]:
        """The values of the terms.

        Args:
            given: arrays with a leading batch axis for every input term.
            env: sizes and operator matrices.
        """
        values: list[Array] = [None] * self.slots
        for slot, value in self.static:
            values[slot] = value
        for slot, term in self.inputs:
            values[slot] = given[term]
        for step in self.steps:
            values[step.target] = step.action([values[s] for s in step.sources], env)
        return [values[s] for s in self.outputs]


def operators_in(term: Term) -> set[str]:
    """Names of the operator variables that a node itself applies."""
    return {term.payload[0].name} if term.op in ("apply", "adjoint") else set()


def moving_nodes(terms: Sequence[Term], names: frozenset[str]) -> tuple[set[Term], set[Term]]:
    """The nodes that depend on the named variables, and those that depend on any variable or operator at all."""
    moving: set[Term] = set()
    varying: set[Term] = set()
    for term in terms:
        for node in walk(term):
            if (node.op == "sym" and node.payload[0] in names) or any(a in moving for a in node.args):
                moving.add(node)
            if node.op == "sym" or operators_in(node) or any(a in varying for a in node.args):
                varying.add(node)
    return moving, varying


def compile_plan(terms: Sequence[Term], variables: Sequence[Term], dims: Mapping[str, int]) -> Plan:
    """A plan for some terms in which `variables` change from call to call and everything else is data.

    Args:
        terms: derivative-free terms.
        variables: symbols.
        dims: the integer of every symbolic dimension.
    """
    moving, varying = moving_nodes(terms, frozenset(v.payload[0] for v in variables))
    env = Environment({}, dims, {}, {})
    slot_of: dict[Term, int] = {}
    static: list[tuple[int, Array]] = []
    inputs: list[tuple[int, Term]] = []
    steps: list[Step] = []

    def visit(node: Term) -> int:
        if node in slot_of:
            return slot_of[node]
        if node not in varying:
            slot_of[node] = slot = len(slot_of)
            static.append((slot, _constant(node, env)))
            return slot
        if node not in moving or node.op == "sym":
            slot_of[node] = slot = len(slot_of)
            inputs.append((slot, node))
            return slot
        action, sources = _action(node)
        places = tuple(visit(s) for s in sources)
        slot_of[node] = slot = len(slot_of)
        steps.append(Step(action, places, slot))
        return slot

    outputs = tuple(visit(t) for t in terms)
    return Plan(tuple(static), tuple(inputs), tuple(steps), outputs, len(slot_of))


def _constant(node: Term, env: Environment) -> Array:
    from verify.evaluation.interpret import evaluate_term

    return evaluate_term(node, env, _FIELD)


def _action(node: Term) -> tuple[Action, Sequence[Term]]:
    """The operation's own value rule; inner products are summed without the product in between."""
    if node.op == "trace" and node.args[0].op == "matmul" and len(node.args[0].args) == 2:
        left, right = node.args[0].args
        if left.op == "transpose":
            return _inner, (left.args[0], right)
        return _inner_transposed, (left, right)
    if node.op == "matmul" and len(node.args) == 2:
        return _product, node.args
    rule = operation_of(node).value

    def action(args: Sequence[Array], env: Environment) -> Array:
        return rule(_FIELD, node, args, env)

    return action, node.args


def _product(args: Sequence[Array], env: Environment) -> Array:
    return np.matmul(args[0], args[1])


def _inner(args: Sequence[Array], env: Environment) -> Array:
    """`<P, Q>`."""
    left, right = args
    if left.shape == right.shape:
        flat = (*left.shape[:-2], left.shape[-2] * left.shape[-1])
        return np.vecdot(left.reshape(flat), right.reshape(flat))
    return (left * right).sum(axis=(-2, -1))


def _inner_transposed(args: Sequence[Array], env: Environment) -> Array:
    """`tr(PQ)`."""
    return (args[0] * np.swapaxes(args[1], -1, -2)).sum(axis=(-2, -1))
