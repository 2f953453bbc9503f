"""A reader of the kernel's statements, written against the notation alone: text back to a tree, for the test that no two
trees look the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

INFIX = {" · ": "matmul", " * ": "mul", " ∘ ": "hadamard", " and ": "both", " or ": "either"}
INFIX |= {" = ": "equal", " ≠ ": "distinct", " ≤ ": "le", " < ": "lt"}
ELEMENTARY = ["exp", "tanh", "sigmoid", "softplus", "sin", "cos", "erf", "log", "abs", "sign", "relu", "step"]
NUMBER = re.compile(r"-?(0x[0-9a-f]+|\d+)(/(0x[0-9a-f]+|\d+))?")
WORD = re.compile(r'"[^"]*"|[A-Za-zΓ-Ωα-ω][A-Za-zΓ-Ωα-ω0-9_⋆]*')
OPERATIONS = (
    " max min trace inverse det diag diagonal rowlse rowsoftmax frobenius nuclear spectral sigma rank "
    " lambda_min off_block ddt after convex uniform_curvature rsc rsm regularized_stationary derivative map entry eye zeros "
    " ones unit fosp sosp adjoint add mul matmul hadamard both either "
)


def unquoted(shown: str) -> str:
    """The name behind a shown name."""
    if shown[0] != '"':
        return shown
    return re.sub(r"<U\+([0-9A-F]{4,6})>", lambda m: chr(int(m.group(1), 16)), shown[1:-1])


class Reader:
    """Reads one line; `kinds` gives dimension, function or operator for names that are not matrices or scalars."""

    def __init__(self, text: str, kinds: Mapping[str, str]) -> None:
        self.text, self.at, self.kinds = text, 0, kinds

    def take(self, wanted: str) -> bool:
        if self.text.startswith(wanted, self.at):
            self.at += len(wanted)
            return True
        return False

    def need(self, wanted: str) -> None:
        assert self.take(wanted), f"{wanted!r} is needed: {self.text[self.at :][:40]!r}"

    def match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()

    def whole(self) -> Any:
        tree = self.bare()
        assert self.at == len(self.text), self.text[self.at :]
        return tree

    def bare(self) -> Any:
        """What may stand in parentheses: a chain of one operation, a power, or a single term."""
        first = self.term(signed=True)
        if self.take("^"):
            negative = self.take("(")
            exponent = number(self.match(NUMBER) or "")
            assert not negative or self.take(")")
            return ["pow", first, exponent]
        for sign, op in INFIX.items():
            if self.take(sign):
                parts = [first, self.term()]
                while self.take(sign):
                    parts.append(self.term())
                return [op, *parts]
        parts = [first]
        while (minus := self.take(" - ")) or self.take(" + "):
            part = self.term()
            parts.append(["mul", ["num", "-1"], part] if minus else part)
        return first if len(parts) == 1 else ["add", *parts]

    def term(self, *, signed: bool = False) -> Any:
        tree = self.unit(signed=signed)
        while self.take("ᵀ"):
            tree = ["transpose", tree]
        return tree

    def unit(self, *, signed: bool) -> Any:
        if self.take("(arg in "):
            rows = self.dimension()
            self.need(" × ")
            columns = self.dimension()
            self.need(" ↦ ")
            body = self.bare()
            self.need(")")
            function = ["function", [rows, columns], body]
            return self.slots("smooth", function) if self.text.startswith("(", self.at) else function
        if self.take("("):
            inside = self.bare()
            self.need(")")
            return inside
        if self.take("["):
            rows = [[self.rational()]]
            while not self.take("]"):
                if self.take("; "):
                    rows.append([])
                else:
                    self.need(", ")
                rows[-1].append(self.rational())
            return ["literal", rows]
        if self.take("∇"):
            return self.smooth("smoothgrad")
        if self.take("∂"):
            self.match(re.compile(r"\d+ "))
            return self.smooth("smooth")
        if (signed or self.text[self.at] != "-") and (found := self.match(NUMBER)) is not None:
            return ["num", number(found)]
        return self.word()

    def rational(self) -> str:
        return number(self.match(NUMBER) or "")

    def dimension(self) -> Any:
        found = self.match(re.compile(r"\d+"))
        return int(found) if found else unquoted(self.match(WORD) or "")

    def name(self) -> str:
        return unquoted(self.match(WORD) or "")

    def smooth(self, op: str) -> Any:
        if not self.text.startswith("(arg in ", self.at):
            return self.slots(op, self.name())
        called = self.unit(signed=False)
        return [op, *called[1:]]

    def slots(self, op: str, function: Any) -> Any:
        self.need("(")
        point = self.bare()
        self.need(")")
        return [op, function, point, *(self.terms("]") if self.take("[") else [])]

    def terms(self, end: str) -> list[Any]:
        found = [] if self.take(end) else [self.bare()]
        while found and not self.take(end):
            self.need(", ")
            found.append(self.bare())
        return found

    def word(self) -> Any:
        shown = self.match(WORD)
        assert shown is not None, self.text[self.at :][:40]
        if shown[0] == '"' or not self.operation(shown):
            name = unquoted(shown)
            match self.kinds.get(name):
                case "dim":
                    return ["dim", name]
                case "function":
                    self.at -= len(shown)
                    return self.smooth("smooth")
                case "operator":
                    self.need("(")
                    return ["apply", name, *self.terms(")")]
            return ["sym", name]
        if shown in ("arg", "hole"):
            return [shown]
        self.need("(")
        if shown == "adjoint":
            name = self.name()
            self.need(")(")
            return ["adjoint", name, *self.terms(")")]
        if shown == "map":
            self.need("hole ↦ ")
            return ["map", *self.terms(")")]
        if shown in ELEMENTARY:
            return ["fn", shown, *self.terms(")")]
        if shown in ("fosp", "sosp"):
            loss = self.bare()
            self.need(", [")
            names = [self.name()]
            while not self.take("])"):
                self.need(", ")
                names.append(self.name())
            return [shown, loss, names]
        if shown == "derivative":
            return self.derivative()
        if shown in ("eye", "zeros", "ones", "unit"):
            sides = [self.dimension()]
            while not self.take(")"):
                self.need(", ")
                sides.append(self.dimension())
            return [shown, *sides]
        args = self.terms(")")
        if shown == "entry":
            return ["entry", args[0], *(int(x[1]) for x in args[1:])]
        return [shown, *args]

    def operation(self, shown: str) -> bool:
        """Is this plain word one of the notation? A variable of that name would be quoted."""
        end = self.text[self.at : self.at + 1]
        return shown in ("arg", "hole") or (end == "(" and (shown in ELEMENTARY or f" {shown} " in OPERATIONS))

    def derivative(self) -> Any:
        inside = self.bare()
        self.need(", [")
        moves = []
        while not self.take("], order "):
            self.take(", ")
            name = self.name()
            self.need(" along ")
            moves.append([name, self.term()])
        order = int(self.match(re.compile(r"\d+")) or "")
        self.need(")")
        return ["derivative", inside, moves, order]


def number(text: str) -> str:
    """As certificates write it."""
    top, _, bottom = text.partition("/")
    return str(Fraction(int(top, 0), int(bottom or "1", 0)))
