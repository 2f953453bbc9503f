"""Kinks in a loss, and on which sides of them a point lies: the gates look at points on both.

Main definitions: `switches`, `sides_at`.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

import numpy as np

from verify.evaluation.gate_points import Instance
from verify.language.operations.entries import HOLE
from verify.language.terms import Term, make, number, walk

Side = tuple[Term, bool]
"""A switch, and whether it is positive."""


def switches(loss: Term) -> tuple[Term, ...]:
    """The terms whose signs decide which pieces of the loss count; a matrix counts entry by entry."""
    found: dict[Term, None] = {}
    for node in walk(loss):
        for switch in _switches_of(node):
            found[switch] = None
        if node.op == "map":
            for inside in walk(node.payload[0]):
                for switch in _switches_of(inside):
                    moved = make("map", node.args[0], payload=(switch,)) if HOLE in walk(switch) else switch
                    found[moved] = None
    return tuple(found)


def _switches_of(node: Term) -> Iterator[Term]:
    if (node.op == "fn" and node.payload[0] in ("abs", "relu")) or node.op == "glue":
        yield node.args[0]
    elif node.op in ("max", "min"):
        for i, argument in enumerate(node.args[:-1] if len(node.args) == 2 else node.args):
            others = node.args[:i] + node.args[i + 1 :]
            rival = others[0] if len(others) == 1 else make(node.op, *others)
            yield make("add", argument, make("mul", number(-1), rival))


def sides_at(wanted: Set[Side], point: Instance) -> set[Side]:
    """Those of some sides on which a point lies."""
    values = {switch: point.float_value(switch) for switch, _ in wanted}
    return {(switch, side) for switch, side in wanted if np.any(values[switch] > 0 if side else values[switch] < 0)}
