"""Formulas and prose as safe HTML.

Main definitions: `mathml`, `pieces`, `prose`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from latex2mathml.converter import convert
from markupsafe import Markup, escape

_BRACKETS = re.compile(r"<mo[^>]*>&#x0005B;</mo>(<mtable)(>.*?</mtable>)<mo[^>]*>&#x0005D;</mo>", re.DOTALL)
_BREAKS = ("+", "-", "=", "<", r"\le", r"\ge", r"\neq", r"\Longrightarrow", r"\text")
_OPENING, _CLOSING = "{([", "})]"


@lru_cache(maxsize=8192)
def mathml(latex: str) -> Markup:
    """A formula as MathML, which browsers typeset and screen readers read; what cannot be converted stands as code.

    Browsers do not break a `math` element into lines: a long formula becomes several, cut before its outermost signs.
    """
    try:
        return Markup(" ").join(_converted(piece) for piece in pieces(latex))
    except Exception:  # the converter raises whatever its parser meets; the formula must be shown all the same
        return Markup("<code>{}</code>").format(latex)


def _converted(latex: str) -> Markup:
    # Brackets stretch only where a mathematical font is installed: a style draws them instead.
    return Markup(_BRACKETS.sub(r'\1 class="matrix"\2', convert(latex, display="inline")))


def pieces(latex: str) -> list[str]:
    """The formula cut before the signs outside all brackets; each piece after the first begins with its sign.

    >>> pieces("f(a + b) = c + d")
    ['f(a + b)', '{} = c', '{} + d']
    """
    found, depth = [""], 0
    for token in re.findall(r"\\begin\{\w+\}|\\end\{\w+\}|\\[A-Za-z]+|\\.|.", latex, re.DOTALL):
        if token in _BREAKS and depth == 0 and found[-1].strip():
            found.append("{} ")
        if token.startswith("\\begin{") or token == r"\left" or token in _OPENING:
            depth += 1
        elif token.startswith("\\end{") or token == r"\right" or token in _CLOSING:
            depth -= 1
        found[-1] += token
    return [piece.strip() for piece in found]


def prose(text: str) -> Markup:
    """Plain text in which `backticks` mark formulas."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))
