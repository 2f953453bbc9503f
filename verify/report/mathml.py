"""Formulas and prose as safe HTML.

Main definitions: `mathml`, `prose`.
"""

from __future__ import annotations

from functools import lru_cache

from latex2mathml.converter import convert
from markupsafe import Markup, escape


@lru_cache(maxsize=4096)
def mathml(latex: str, *, block: bool = False) -> Markup:
    """A formula as MathML, which browsers typeset and screen readers read; what cannot be converted stands as code."""
    try:
        return Markup(convert(latex, display="block" if block else "inline"))
    except Exception:  # the converter raises whatever its parser meets; the formula must be shown all the same
        return Markup("<code>{}</code>").format(latex)


def prose(text: str) -> Markup:
    """Plain text in which `backticks` mark formulas."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))
