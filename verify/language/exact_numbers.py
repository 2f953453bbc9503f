"""Numbers as a claim takes them: exactly, or not at all.

Main definitions: `exact_number`, `sympified`.

Implementation notes
    A Python float is read as the decimal it prints as, 0.1 as 1/10, where that decimal is short and its nearest double is the
    float itself. Anything else is the rounded result of a computation (1/3, 0.1 + 0.2), and so are whole numbers inside an
    expression of SymPy's (`A*(1/3) + A*(2/3)` is `1.0*A` before anyone sees it): they are refused.
"""

from __future__ import annotations

import decimal
import numbers
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from verify.language.errors import ClaimError

_DIGITS = 12
"""The most significant digits of a decimal that somebody wrote, rather than a computation."""


def exact_number(value: Any) -> Fraction:
    """The rational that a Python or SymPy number stands for.

    Raises:
        ClaimError: for rounded floats, complex numbers, infinities and NaN.

    >>> exact_number(0.1)
    Fraction(1, 10)
    """
    if isinstance(value, sp.Float):
        return _exact_float(value)
    if isinstance(value, sp.Rational):
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, numbers.Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    if isinstance(value, decimal.Decimal) and value.is_finite():
        return Fraction(value)
    if not isinstance(value, float | np.floating) or isinstance(value, np.longdouble):
        raise ClaimError(f"{value!r} is a number that no claim can carry exactly: write an integer, a Rational or a Fraction")
    try:
        double = float(value)
        found = Fraction(repr(double))
    except (ValueError, TypeError, OverflowError):
        raise ClaimError(f"{value!r} is not a finite real number") from None
    if _significant(repr(double)) > _DIGITS:
        raise _rounded(value)
    return found


def _exact_float(value: Any) -> Fraction:
    """A float inside an expression, where SymPy has already computed with it."""
    if not value.is_finite:
        raise ClaimError(f"the number {value} has no meaning here: use real finite numbers")
    found = Fraction(str(value))
    if _significant(str(value)) > _DIGITS or sp.Float(str(value), precision=value._prec) != value:
        raise _rounded(value)
    if found.denominator == 1:
        raise ClaimError(
            f"the float {value} in an expression may be the rounded result of a computation: write {found} for the whole "
            "number, and Rational(1, 3) for a third"
        )
    return found


def _rounded(value: Any) -> ClaimError:
    near = Fraction(str(value)).limit_denominator(1000)
    return ClaimError(
        f"the float {value} is rounded, so that it is not clear which number is meant: write an exact one, as "
        f"Rational({near.numerator}, {near.denominator})"
    )


def _significant(text: str) -> int:
    """The significant digits of a decimal."""
    digits = text.lower().partition("e")[0].lstrip("+-").replace(".", "").lstrip("0")
    return len(digits.rstrip("0"))


def sympified(value: Any) -> Any:
    """A SymPy object as it is, a number exactly; nothing is parsed.

    Raises:
        ClaimError: for anything else, strings included.
    """
    if isinstance(value, sp.MatrixBase):
        return value.as_immutable()
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, bool):
        return sp.sympify(value)
    if isinstance(value, numbers.Number | decimal.Decimal):
        exact = exact_number(value)
        return sp.Rational(exact.numerator, exact.denominator)
    shown = f"{value!r:.60}" if isinstance(value, str) else f"an object of type {type(value).__name__}"
    raise ClaimError(f"{shown} is not an expression: {getattr(value, 'instead', 'use SymPy matrices and scalars')}")
