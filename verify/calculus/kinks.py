"""Whether a derivative at a kink can be differentiated again: only where its two sides meet.

Main definition: `require_meeting`.

`max(t, 0)²` has the derivative `glue(t; 2·max(t, 0), 0)`, whose sides meet at 0: it has a second derivative everywhere
else, and undefined at 0 itself. The derivative of `|t|` jumps, and its slope 0 on both sides would hide that.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from verify.calculus.normal_form import canonical, polynomial_of
from verify.language.errors import NotDifferentiable
from verify.language.operations.entries import HOLE
from verify.language.printing import text
from verify.language.terms import Term, make, number, rebuild, walk


def require_meeting(node: Term) -> None:
    """Check that the sides meet in a glued node, or in all that are inside an elementwise function.

    Raises:
        NotDifferentiable: if they do not, or it is not seen that they do.
    """
    inside = walk(node.payload[0]) if node.op == "map" else iter((node,))
    for part in inside:
        if part.op == "glue" and not (_meets_in_one_variable if HOLE in walk(part) else _meets)(part):
            switch = text(canonical(part.args[0]))
            raise NotDifferentiable(
                f"the derivative jumps where {switch} = 0, so there is no second derivative: state the claim "
                "without one (no second-order points), or take a loss whose gradient is continuous, as max(t, 0)**2"
            )


def _difference(left: Term, right: Term) -> Term:
    return make("add", left, make("mul", number(-1), right))


def _meets(node: Term) -> bool:
    """Whether every summand of the difference has a factor that is 0 where the switch is."""
    switch, positive, negative = node.args
    zeros = {canonical(switch), canonical(_difference(number(0), switch))}
    summands = polynomial_of(_difference(positive, negative)).terms
    return all(any(exponent > 0 and _vanishes(atom, zeros) for atom, exponent in monomial) for monomial, _ in summands)


def _vanishes(atom: Term, zeros: set[Term]) -> bool:
    if atom in zeros:
        return True
    if atom.op in ("max", "min"):
        return len(atom.args) == 2 and number(0) in atom.args and any(a in zeros for a in atom.args)
    return atom.op == "fn" and atom.payload[0] in ("abs", "relu") and atom.args[0] in zeros


# --- elementwise functions ------------------------------------------------------------------------------------------


def _meets_in_one_variable(node: Term) -> bool:
    """Whether the sides have equal values at every root of a piecewise linear switch."""
    switch, positive, negative = node.args
    roots = {_root(piece) for piece in _pieces(switch)}
    if None in roots:
        return False
    for root in roots:
        assert root is not None
        if _value(switch, root) == 0:
            left, right = _value(positive, root), _value(negative, root)
            if left is None or left != right:
                return False
    return True


def _pieces(term: Term) -> Iterator[Term]:
    """The formulas that a piecewise one consists of."""
    kink = next((n for n in walk(term) if n.op in ("max", "min") or (n.op == "fn" and n.payload[0] in ("abs", "relu"))), None)
    if kink is None:
        yield term
        return
    match kink.op, *kink.payload:
        case "fn", "abs":
            choices = [kink.args[0], make("mul", number(-1), kink.args[0])]
        case "fn", _:
            choices = [kink.args[0], number(0)]
        case _:
            choices = list(kink.args)
    for choice in choices:
        yield from _pieces(rebuild(term, {kink: choice}))


def _root(piece: Term) -> Fraction | None:
    """Where a linear function of the hole is 0; a constant one nowhere that counts (0); None for anything else."""
    at_zero, at_one = _value(piece, Fraction(0)), _value(piece, Fraction(1))
    if at_zero is None or at_one is None or canonical(_difference(piece, _line(at_zero, at_one))) != number(0):
        return None
    return -at_zero / (at_one - at_zero) if at_one != at_zero else Fraction(0)


def _line(at_zero: Fraction, at_one: Fraction) -> Term:
    return make("add", number(at_zero), make("mul", number(at_one - at_zero), HOLE))


def _value(term: Term, x: Fraction) -> Fraction | None:
    """The value of a body at a rational number, None where it has none or none that is rational."""
    args: list[Fraction] = []
    if term.op == "glue":
        return _glued_value(term, x)
    for argument in term.args:
        value = _value(argument, x)
        if value is None:
            return None
        args.append(value)
    match term.op, *term.payload:
        case "num", Fraction() as value:
            return value
        case "hole", *_:
            return x
        case "add", *_:
            return sum(args, Fraction(0))
        case "mul", *_:
            result = Fraction(1)
            for factor in args:
                result *= factor
            return result
        case "pow", exponent if exponent.denominator == 1 and (args[0] or exponent >= 0):
            return args[0] ** int(exponent)
        case "max", *_:
            return max(args)
        case "min", *_:
            return min(args)
        case "fn", "abs":
            return abs(args[0])
        case "fn", "relu":
            return max(args[0], Fraction(0))
    return None


def _glued_value(term: Term, x: Fraction) -> Fraction | None:
    switch = _value(term.args[0], x)
    if switch is None:
        return None
    positive, negative = (_value(side, x) for side in term.args[1:])
    if switch:
        return positive if switch > 0 else negative
    return positive if positive == negative else None
