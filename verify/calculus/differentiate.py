"""Matrix-valued forward and reverse differentiation on terms; the rules of each node kind live with the operation.

Main definitions: `tangent` (directional derivative), `gradients` (reverse mode), `expand` (removes `derivative` nodes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verify.language.errors import NotDifferentiable, ShapeError
from verify.language.operations.algebra import total
from verify.language.printing import text
from verify.language.terms import Shape, Term, make, number, operation_of, show_shape, symbols_of, walk, zeros_like


def _moving(term: Term, names: frozenset[str]) -> set[Term]:
    """The nodes of `term` that depend on one of the variables."""
    found: set[Term] = set()
    for node in walk(term):
        if (node.op == "sym" and node.payload[0] in names) or any(a in found for a in node.args):
            found.add(node)
    return found


def tangent(term: Term, directions: Mapping[str, Term]) -> Term:
    """The derivative of `term` along `directions` (variable name to direction), in forward mode.

    Raises:
        ShapeError: if a direction has not the shape of its variable.
        NotDifferentiable: if a moving part has no derivative rule.
    """
    for name, shape in symbols_of(term).items():
        if name in directions and directions[name].shape != shape:
            raise ShapeError(f"the direction for {name} is {show_shape(directions[name].shape)}, not {show_shape(shape)}")
    term = expand(term)
    moving = _moving(term, frozenset(directions))
    done: dict[Term, Term | None] = {}
    for node in walk(term):
        if node not in moving:
            done[node] = None
        elif node.op == "sym":
            done[node] = directions[node.payload[0]]
        else:
            rule = operation_of(node).tangent
            if rule is None:
                raise _no_rule(node)
            done[node] = rule(node, [done[a] for a in node.args])
    return _or_zero(done[term], term.shape)


def gradients(loss: Term, variables: Sequence[Term]) -> list[Term]:
    """The gradients of a scalar term with respect to some variables, in reverse mode.

    Raises:
        ShapeError: if the loss is not scalar.
        NotDifferentiable: if a moving part has no derivative rule.
    """
    if not loss.is_scalar:
        raise ShapeError(f"the loss is a {show_shape(loss.shape)} matrix: only scalars have gradients; take trace(...)")
    loss = expand(loss)
    moving = _moving(loss, frozenset(v.payload[0] for v in variables))
    bars: dict[Term, list[Term]] = {loss: [number(1)]}
    for node in reversed(list(walk(loss))):
        if node not in moving or node not in bars or node.op == "sym":
            continue
        rule = operation_of(node).adjoint
        if rule is None:
            raise _no_rule(node)
        bar = total(bars[node])
        assert bar is not None
        for argument, part in zip(node.args, rule(node, bar), strict=True):
            if part is not None and argument in moving:
                bars.setdefault(argument, []).append(part)
    return [_or_zero(total(bars.get(v, [])), v.shape) for v in variables]


def _or_zero(term: Term | None, shape: Shape) -> Term:
    return zeros_like(shape) if term is None else term


def _no_rule(node: Term) -> NotDifferentiable:
    return NotDifferentiable(f"{text(node)} cannot be differentiated: {operation_of(node).why_not}")


def expand(term: Term) -> Term:
    """Replace every `derivative` node by the derivative it stands for."""
    if not any(node.op == "derivative" for node in walk(term)):
        return term
    done: dict[Term, Term] = {}
    for node in walk(term):
        args = [done[a] for a in node.args]
        if node.op == "derivative":
            names, order = node.payload
            value = args[0]
            for _ in range(order):
                value = tangent(value, dict(zip(names, args[1:], strict=True)))
            done[node] = value
        else:
            done[node] = make(node.op, *args, payload=node.payload)
    return done[term]
