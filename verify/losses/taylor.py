"""Local models of an arbitrary C² function: any gradient and Hessian at a point, and a cubic remainder.

A claim about every C² function f is tested on these: `f(Y) = ⟨G, D⟩ + ½⟨D, H(D)⟩ + c·Σ D³/6` with `D = Y − P`. A
second-order claim sees of f only its gradient and Hessian at the points it mentions.
"""

from __future__ import annotations

from fractions import Fraction

from verify.language.operations.algebra import inner
from verify.language.operations.entries import HOLE
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.terms import ARGUMENT, Term, make, number, symbol


def data_name(function: str, part: str) -> str:
    """The name of a function's datum; users cannot write the separator."""
    return f"{function}·{part}"


def taylor_model(function: FunctionSymbol, *, cubic: bool = True) -> FunctionSymbol:
    """The formula; its data are the variables `f·P`, `f·G`, `f·c` and the operator `f·H`.

    Without the cubic remainder it is a quadratic, whose curvature bounds are the eigenvalues of H.
    """
    name, shape = function.name, function.shape
    argument = symbol(ARGUMENT, shape)
    base, slope = (symbol(data_name(name, part), shape) for part in ("P", "G"))
    operator = OperatorSymbol(data_name(name, "H"), shape, shape, symmetric=True)
    move = make("add", argument, make("mul", number(-1), base))
    bend = make("mul", number(Fraction(1, 2)), inner(move, make("apply", move, payload=(operator,))))
    if not cubic:
        return FunctionSymbol(name, shape, make("add", inner(slope, move), bend))
    cube = make("map", move, payload=(make("pow", HOLE, payload=(Fraction(3),)),))
    remainder = make("mul", number(Fraction(1, 6)), symbol(data_name(name, "c")), entry_sum(cube))
    return FunctionSymbol(name, shape, make("add", inner(slope, move), bend, remainder))


def entry_sum(term: Term) -> Term:
    """The sum of all entries of a matrix."""
    return inner(make("ones", payload=term.shape), term)
