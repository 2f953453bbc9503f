"""Text for a paper: what Markdown and LaTeX need escaped.

Main definitions: `markdown_cell`, `escape_latex`, `latex_code`.
"""

from __future__ import annotations

from verify.language.printing import latex_name

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_SIGNS = {
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "×": r"\times",
    "‖": r"\|",
    "∇": r"\nabla",
    "⋆": r"\star",
    "·": r"\cdot",
    "−": "-",
    "⪰": r"\succeq",
    "⪯": r"\preceq",
    "∈": r"\in",
    "√": r"\surd",
    "²": "^2",
    "ᵀ": r"^{\top}",
    "⊥": r"\perp",
    "→": r"\to",
    "½": r"\tfrac12",
}
_WORDS = {"§": r"\S{}", "—": "---", "–": "--", "′": "$'$", "″": "$''$", "…": r"\dots{}", "“": "``", "”": "''"}


def escape_latex(text: str) -> str:
    """Plain text for LaTeX with any engine: special characters escaped, Greek letters and signs in math mode."""
    shown = []
    for letter in " ".join(text.split()):
        if letter in _SPECIAL:
            shown.append(_SPECIAL[letter])
        elif letter in _WORDS:
            shown.append(_WORDS[letter])
        elif letter in _SIGNS:
            shown.append(f"${_SIGNS[letter]}$")
        elif "Α" <= letter <= "ω":
            shown.append(f"${latex_name(letter)}$")
        else:
            shown.append(letter)
    return "".join(shown).replace("`", "")


def latex_code(name: str) -> str:
    """A dotted name for LaTeX that may be broken after its dots and underscores."""
    return escape_latex(name).replace(r"\_", r"\_\allowbreak{}").replace(".", r".\allowbreak{}")


def markdown_cell(text: str) -> str:
    """Plain text for a cell of a Markdown table; `code` stays code."""
    return " ".join(text.split()).replace("|", r"\|")
