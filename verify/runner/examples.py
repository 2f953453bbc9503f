"""An exact instance as a reader meets it: typeset values, and code to paste as a Hypothesis `@example`.

Main definitions: `Value`, `values_of`, `example_code`.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from verify.evaluation.fields.symbolic import SymbolicField
from verify.evaluation.interpret import evaluate_terms
from verify.language.operations.operation import Environment, Precedence
from verify.language.printing import LATEX, UNICODE, latex_name
from verify.language.serial import body_from_json
from verify.language.terms import ARGUMENT, Term, rebuild, symbol

_LONGEST = 40
"""The most terms of a polynomial that is shown written out."""


@dataclass(frozen=True)
class Value:
    """What an instance takes for one variable.

    Attributes:
        name: the variable's name.
        text, latex: for example ``A = [1; 0]``.
        code: a Python expression, which `from verify import *` and `from sympy import Rational` make valid; None where
            there is no short one.
    """

    name: str
    text: str
    latex: str
    code: str | None


def values_of(certificate: Mapping[str, Any]) -> list[Value]:
    """The values of an instance certificate, dimensions first; nothing for other kinds."""
    if certificate.get("kind") != "instance":
        return []
    found = [Value(n, f"{n} = {d}", f"{latex_name(n)} = {d}", str(d)) for n, d in sorted(certificate["dims"].items())]
    variables = certificate["claim"]["variables"]
    for name, value in certificate["values"].items():
        if isinstance(value, str | int):
            found.append(_scalar(name, Fraction(value)))
        elif isinstance(value, list):
            found.append(_matrix(name, [[Fraction(x) for x in row] for row in value]))
        else:
            sizes = [d if isinstance(d, int) else certificate["dims"][d] for d in variables[name]["shape"]]
            found.append(_function(name, value["body"], sizes[0], sizes[1]))
    if certificate.get("steps"):
        steps = certificate["steps"]
        found.append(Value("steps", f"after {steps} steps", rf"\text{{after {steps} steps}}", str(steps)))
    return found


def example_code(certificate: Mapping[str, Any]) -> str | None:
    """For example ``@example(m=1, n=1, r=1, λ=0, A=[[1]], B=[[0]])``; None where the instance has no short code."""
    values = values_of(certificate)
    if not values or any(v.code is None for v in values):
        return None
    plain = [f"{v.name}={v.code}" for v in values if _is_argument(v.name)]
    others = [f'"{v.name}": {v.code}' for v in values if not _is_argument(v.name)]
    tail = ["**{" + ", ".join(others) + "}"] if others else []
    return f"@example({', '.join([*plain, *tail])})"


def _is_argument(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _scalar(name: str, value: Fraction) -> Value:
    return Value(name, f"{name} = {value}", f"{latex_name(name)} = {_latex_number(value)}", _code_number(value))


def _matrix(name: str, rows: list[list[Fraction]]) -> Value:
    text = "[" + "; ".join(" ".join(str(x) for x in row) for row in rows) + "]"
    body = r" \\ ".join(" & ".join(_latex_number(x) for x in row) for row in rows)
    code = "[" + ", ".join("[" + ", ".join(_code_number(x) for x in row) + "]" for row in rows) + "]"
    return Value(name, f"{name} = {text}", rf"{latex_name(name)} = \begin{{bmatrix}} {body} \end{{bmatrix}}", code)


def _latex_number(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    if value.denominator == 1:
        return str(value)
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def _code_number(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"Rational({value.numerator}, {value.denominator})"


def _function(name: str, tree: Any, rows: int, cols: int) -> Value:
    """A polynomial in the entries where the body is one with few terms; else the body as it stands, without code."""
    body = body_from_json(tree, (rows, cols))
    head, latex_head = f"{name}(Y) = ", f"{latex_name(name)}(Y) = "
    polynomial = _polynomial(body, rows, cols)
    if polynomial is None:
        shown = rebuild(body, {symbol(ARGUMENT, (rows, cols)): symbol("Y", (rows, cols))})
        return Value(name, head + UNICODE.at(shown, Precedence.SUM), latex_head + LATEX.at(shown, Precedence.SUM), None)
    text, latex, code = [], [], []
    for powers, coefficient in polynomial or [((0,) * (rows * cols), Fraction(0))]:
        factors = [(divmod(k, cols), power) for k, power in enumerate(powers) if power]
        text.append("·".join([str(coefficient), *(f"Y{i + 1}{j + 1}{_raised('^', p)}" for (i, j), p in factors)]))
        entries = " ".join(f"Y_{{{i + 1}{j + 1}}}" + (f"^{{{p}}}" if p > 1 else "") for (i, j), p in factors)
        unit = {1: "", -1: "-"}.get(coefficient) if factors else None  # type: ignore[call-overload]
        latex.append(f"{_latex_number(coefficient) if unit is None else unit} {entries}".strip())
        number = [] if coefficient == 1 and factors else [_code_number(coefficient)]
        code.append("*".join([*number, *(f"entry(Y, {i}, {j}){_raised('**', p)}" for (i, j), p in factors)]))
    joined = [" + ".join(parts).replace("+ -", "- ") for parts in (text, latex, code)]
    return Value(name, head + joined[0].replace(" 1·Y", " Y"), latex_head + joined[1], f"lambda Y: {joined[2]}")


def _raised(sign: str, power: int) -> str:
    return "" if power == 1 else f"{sign}{power}"


def _polynomial(body: Term, rows: int, cols: int) -> list[tuple[tuple[int, ...], Fraction]] | None:
    """Exponents (by entry, row by row) and coefficients; nothing if the body is no polynomial, or a long one."""
    symbols = [sp.Symbol(f"y{k}") for k in range(rows * cols)]
    array = np.array(symbols, dtype=object).reshape(1, rows, cols)
    try:
        (value,) = evaluate_terms([body], Environment({ARGUMENT: array}, {}, {}, {}), SymbolicField())
        polynomial = sp.Poly(sp.sympify(np.reshape(value, -1)[0]), *symbols)
        terms = [(powers, Fraction(int(c.p), int(c.q))) for powers, c in polynomial.terms() if c]
    except Exception:  # an operation without symbolic entries, or no polynomial with rational coefficients
        return None
    return terms if len(terms) <= _LONGEST else None
