"""Terms as JSON lists, the form in which certificates carry a claim (documented in `verify/kernel/FORMAT.md`)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.terms import ARGUMENT, Shape, Term, make, number, symbol

Json = Any


def fraction_text(value: Fraction | int) -> str:
    """A rational as ``"p/q"`` or ``"p"``."""
    return str(Fraction(value))


def term_to_json(term: Term) -> Json:
    """The JSON list of a term: the operation's name, its payload, its arguments."""
    args = [term_to_json(a) for a in term.args]
    match term.op:
        case "num" | "pow":
            head = [term.op] if term.op == "num" else [term.op, *args]
            return [*head, fraction_text(term.payload[0])]
        case "sym":
            return ["arg"] if term.payload[0] == ARGUMENT else ["sym", term.payload[0]]
        case "literal":
            return ["literal", [[fraction_text(x) for x in row] for row in term.payload[0]]]
        case "entry":
            return ["entry", *args, *term.payload]
        case "map":
            return ["map", term_to_json(term.payload[0]), *args]
        case "smooth" | "smoothgrad":
            return [term.op, _function_to_json(term.payload[0]), *args]
        case "apply" | "adjoint":
            return [term.op, term.payload[0].name, *args]
        case "derivative":
            names, order = term.payload
            return ["derivative", args[0], [[n, d] for n, d in zip(names, args[1:], strict=True)], order]
        case _:
            return [term.op, *term.payload, *args]


def _function_to_json(function: FunctionSymbol) -> Json:
    """The name of an opaque function; of one given by a formula the formula: a name would say another function."""
    return function.name if function.body is None else ["function", list(function.shape), term_to_json(function.body)]


def body_from_json(tree: Json, shape: Shape) -> Term:
    """The body of a function in a certificate, the inverse of `term_to_json` for terms that mention only the argument.

    Args:
        tree: the JSON list.
        shape: of the function's argument.

    Raises:
        KeyError: for an operation that is unknown.
        ShapeError: if shapes disagree.
    """
    op, *rest = tree
    match op:
        case "arg":
            return symbol(ARGUMENT, shape)
        case "num":
            return number(Fraction(rest[0]))
        case "pow":
            return make("pow", body_from_json(rest[0], shape), payload=(Fraction(rest[1]),))
        case "literal":
            return make("literal", payload=(tuple(tuple(Fraction(x) for x in row) for row in rest[0]),))
        case "map":
            return make("map", body_from_json(rest[1], shape), payload=(body_from_json(rest[0], shape),))
        case _:
            args = [body_from_json(part, shape) for part in rest if isinstance(part, list)]
            return make(op, *args, payload=tuple(part for part in rest if not isinstance(part, list)))


def declaration_to_json(symbol: FunctionSymbol | OperatorSymbol) -> Json:
    """The declaration of a function or operator variable."""
    if isinstance(symbol, FunctionSymbol):
        return {"kind": "function", "shape": list(symbol.shape)}
    return {
        "kind": "operator",
        "domain": list(symbol.domain),
        "codomain": list(symbol.codomain),
        "symmetric": symbol.symmetric,
    }


__all__ = ["Json", "body_from_json", "declaration_to_json", "fraction_text", "term_to_json"]
