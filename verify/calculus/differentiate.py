"""Matrix-valued forward and reverse differentiation on terms; the rules of each node kind live with the operation.

Main definitions: `tangent` (directional derivative), `gradients` (reverse mode), `expand` (removes `derivative` nodes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from verify.calculus.kinks import require_meeting
from verify.calculus.normal_form import canonical
from verify.language.errors import NotDifferentiable, ShapeError
from verify.language.operations.algebra import fraction_power, inner, total
from verify.language.operations.functions import FunctionSymbol
from verify.language.operations.operation import no_derivative
from verify.language.printing import text
from verify.language.terms import (
    ARGUMENT,
    Shape,
    Term,
    make,
    number,
    operation_of,
    rebuild,
    show_shape,
    symbol,
    symbols_of,
    walk,
    zeros_like,
)


def _moving(term: Term, names: frozenset[str]) -> set[Term]:
    """The nodes of `term` that depend on one of the variables."""
    found: set[Term] = set()
    for node in walk(term):
        if (node.op == "sym" and node.payload[0] in names) or any(a in found for a in node.args):
            found.add(node)
        elif node.op == "map" and not names.isdisjoint(symbols_of(node.payload[0])):
            raise NotDifferentiable(f"{text(node)} cannot be differentiated in a variable inside the elementwise function")
    return found


def tangent(term: Term, directions: Mapping[str, Term]) -> Term:
    """The derivative of `term` along `directions` (variable name to direction), in forward mode.

    Raises:
        ShapeError: if a direction has not the shape of its variable.
        NotDifferentiable: if a moving part has no derivative rule.
    """
    for name, shape in symbols_of(term).items():
        if name in directions and directions[name].shape != shape:
            found = show_shape(directions[name].shape)
            raise ShapeError(f"the direction for {name} is {found}, not {show_shape(shape)}")
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
                raise no_derivative(node)
            require_meeting(node)
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
            raise no_derivative(node)
        require_meeting(node)
        bar = total(bars[node])
        assert bar is not None
        for argument, part in zip(node.args, rule(node, bar), strict=True):
            if part is not None and argument in moving:
                bars.setdefault(argument, []).append(part)
    return [_or_zero(total(bars.get(v, [])), v.shape) for v in variables]


def _or_zero(term: Term | None, shape: Shape) -> Term:
    return zeros_like(shape) if term is None else term


def is_even_norm_power(node: Term) -> bool:
    """Whether the node is `‖X‖_F` to a positive even power: a polynomial, differentiable at X = 0 too."""
    if node.op != "pow" or node.args[0].op != "frobenius":
        return False
    exponent: Fraction = node.payload[0]
    return exponent > 0 and exponent.denominator == 1 and exponent.numerator % 2 == 0


def _along(value: Term, directions: Mapping[str, Term]) -> Term:
    """The derivative of a scalar along directions; through a kink by the gradients, whose sides meet wherever they can."""
    if not any(n.op in ("max", "min") or (n.op == "fn" and n.payload[0] in ("abs", "relu")) for n in walk(value)):
        return tangent(value, directions)
    variables = [symbol(name, direction.shape) for name, direction in directions.items()]
    slopes = zip(gradients(value, variables), directions.values(), strict=True)
    return _or_zero(total([inner(slope, direction) for slope, direction in slopes]), ())


def _stands_for_more(node: Term) -> bool:
    opened = node.op in ("smooth", "smoothgrad") and node.payload[0].body is not None
    return opened or node.op == "derivative" or is_even_norm_power(node) or len(_distinct(node)) < len(node.args)


def _distinct(node: Term) -> tuple[Term, ...]:
    """The arguments of a maximum or minimum without repetitions: between equal ones there would be a kink everywhere."""
    if node.op not in ("max", "min"):
        return node.args
    return tuple({canonical(expand(a)): a for a in reversed(node.args)}.values())[::-1]


def expand(term: Term) -> Term:
    """Replace `derivative` nodes, and functions given by a formula, by what they stand for.

    The directions are constants of the differentiation, even where they mention the variables: `D²L[(AΩ, BΩ)]` is the
    Hessian's quadratic form at that direction, not the second derivative along the field `AΩ`.
    """
    if not any(_stands_for_more(node) for node in walk(term)):
        return term
    done: dict[Term, Term] = {}
    for node in walk(term):
        args = [done[a] for a in node.args]
        if node.op == "derivative":
            names, order = node.payload
            frozen = {n: symbol(f"·d{n}", d.shape) for n, d in zip(names, args[1:], strict=True)}
            value = args[0]
            for _ in range(order):
                value = _along(value, frozen)
            done[node] = rebuild(value, dict(zip(frozen.values(), args[1:], strict=True)))
        elif is_even_norm_power(node):
            square = inner(args[0].args[0], args[0].args[0])
            half = node.payload[0] / 2
            done[node] = square if half == 1 else fraction_power(square, half)
        elif node.op in ("max", "min"):
            kept = [done[a] for a in _distinct(node)]
            done[node] = kept[0] if len(kept) == 1 else make(node.op, *kept)
        elif _stands_for_more(node):
            done[node] = _open_function(node, args)
        else:
            done[node] = make(node.op, *args, payload=node.payload)
    return done[term]


def _open_function(node: Term, args: Sequence[Term]) -> Term:
    """A derivative of a function given by a formula, at its arguments."""
    function: FunctionSymbol = node.payload[0]
    assert function.body is not None
    value = expand(function.body)
    argument = symbol(ARGUMENT, function.shape)
    slots = {symbol(f"{ARGUMENT}{k}", function.shape): direction for k, direction in enumerate(args[1:])}
    for slot in slots:
        value = tangent(value, {ARGUMENT: slot})
    if node.op == "smoothgrad":
        (value,) = gradients(value, [argument])
    return rebuild(value, {argument: args[0], **slots})
