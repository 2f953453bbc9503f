"""Rational numbers as text that loses nothing: a fraction, or the decimal number where that is shorter.

Main definitions: `show_number`, `with_decimals`, `significant`, `is_decimal`.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from fractions import Fraction

_PLAIN = 18
"""Whole numbers of so many characters are written out."""
_FRACTION = re.compile(r"-?[0-9]+/[0-9]+")


def show_number(value: Fraction) -> str:
    """The number exactly.

    >>> show_number(Fraction(1, 3)), show_number(Fraction(20611536224385578, 10**25))
    ('1/3', '2.0611536224385578e-9')
    """
    fraction = str(value)
    if value.denominator == 1 and len(fraction) <= _PLAIN:
        return fraction
    decimal = _decimal(value)
    return fraction if decimal is None or len(fraction) <= len(decimal) else decimal


def _decimal(value: Fraction) -> str | None:
    """The terminating decimal number that a fraction is, in the shorter of both notations; None where it does not end."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    places = max(twos, fives)
    digits = value.numerator * 10**places // value.denominator
    context = _context(len(str(digits)) + 1)
    number = Decimal(digits).scaleb(-places, context).normalize(context)
    return min((f"{number:f}", f"{number:e}".replace("e+", "e")), key=len)


def is_decimal(value: Fraction) -> bool:
    """Whether the number has a decimal expansion that ends, as data have that were floats."""
    return _decimal(value) is not None


def with_decimals(text: str) -> str:
    """A text with its fractions written by `show_number`."""
    return _FRACTION.sub(lambda found: show_number(Fraction(found.group())), text)


def significant(value: Fraction, digits: int) -> Fraction:
    """The number rounded to some significant digits."""
    if value == 0:
        return value
    return Fraction(_context(digits).divide(Decimal(value.numerator), Decimal(value.denominator)))


def _context(digits: int) -> Context:
    """Room for digits and for any exponent that occurs."""
    return Context(prec=digits, Emin=-(10**9), Emax=10**9)
