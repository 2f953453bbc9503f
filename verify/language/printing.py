"""Printing of terms: Unicode for a terminal, LaTeX for a paper; the rules live with the operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from verify.language.operations.operation import Precedence
from verify.language.terms import Dim, Term, operation_of

_LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"
_WORDS = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega
    Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega
"""
_GREEK = dict(zip(_LETTERS, _WORDS.split(), strict=True))
_SPELLED = {word: letter for letter, word in _GREEK.items()}


def latex_name(name: str) -> str:
    """A variable's name in LaTeX: Greek letters, ⋆, primes and subscripts included."""
    base, _, index = name.partition("_")
    base = re.sub(r"⋆", r"^{\\star}", base)
    base = re.sub("|".join(_GREEK), lambda m: "\\" + _GREEK[m.group()] + " ", base).strip()
    if base.isascii() and base.isalpha() and len(base) > 1:
        base = "\\" + base if base in _SPELLED else rf"\mathit{{{base}}}"
    return f"{base}_{{{latex_name(index) if index else ''}}}" if index else base


@dataclass(frozen=True)
class TermPrinter:
    """The printer the operations' print rules are written against."""

    latex: bool

    def at(self, term: Term, level: Precedence) -> str:
        """The term, in parentheses if it binds less tightly than `level`."""
        operation = operation_of(term)
        text = operation.show(term, self)
        binding = operation.precedence
        if term.op == "num":
            value = term.payload[0]
            binding = Precedence.ATOM if value >= 0 and value.denominator == 1 else Precedence.PRODUCT
        if binding >= level:
            return text
        return rf"\left({text}\right)" if self.latex else f"({text})"

    def name(self, name: str) -> str:
        """A variable's name."""
        return latex_name(name) if self.latex else name

    def dim(self, dim: Dim) -> str:
        """A dimension."""
        return str(dim) if isinstance(dim, int) else self.name(dim)

    def call(self, name: str, arguments: Sequence[str]) -> str:
        """A function application."""
        inside = ", ".join(arguments)
        if not self.latex:
            return f"{name}({inside})"
        head = rf"\operatorname{{{name}}}" if name.isalpha() and len(name) > 1 else name
        return rf"{head}\left({inside}\right)"


UNICODE = TermPrinter(latex=False)
LATEX = TermPrinter(latex=True)


def text(term: Term) -> str:
    """The term in Unicode.

    >>> from verify.language.terms import make, symbol
    >>> A = symbol("A", ("m", "r"))
    >>> text(make("trace", make("matmul", make("transpose", A), A)))
    'tr(Aᵀ·A)'
    """
    return UNICODE.at(term, Precedence.SUM)


def latex(term: Term) -> str:
    """The term in LaTeX."""
    return LATEX.at(term, Precedence.SUM)
