"""Terms as JSON lists, the form in which certificates carry a claim (documented in `verify/kernel/FORMAT.md`)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.terms import ARGUMENT, Term

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
        case "smooth" | "smoothgrad" | "apply" | "adjoint":
            return [term.op, term.payload[0].name, *args]
        case "derivative":
            names, order = term.payload
            return ["derivative", args[0], [[n, d] for n, d in zip(names, args[1:], strict=True)], order]
        case _:
            return [term.op, *term.payload, *args]


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


__all__ = ["Json", "declaration_to_json", "fraction_text", "term_to_json"]
