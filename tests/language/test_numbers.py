"""Numbers as text: nothing is rounded away."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.language.numbers import is_decimal, show_number, significant, with_decimals

DECIMALS = st.builds(lambda n, k: Fraction(n) * Fraction(10) ** k, st.integers(-(10**17), 10**17), st.integers(-300, 300))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(-7), "-7"),
        (Fraction(1, 2), "1/2"),
        (Fraction(1, 3), "1/3"),
        (Fraction("2.0611536224385578e-9"), "2.0611536224385578e-9"),
        (Fraction("-1.4142135623730951"), "-1.4142135623730951"),
        (Fraction(10) ** 30, "1e30"),
    ],
)
def test_the_shorter_exact_form_is_written(value: Fraction, text: str) -> None:
    assert show_number(value) == text


@given(DECIMALS)
def test_a_number_is_read_back_as_it_was(value: Fraction) -> None:
    assert Fraction(show_number(value)) == value


@given(st.fractions())
def test_a_fraction_is_read_back_as_it_was(value: Fraction) -> None:
    assert Fraction(show_number(value)) == value


@given(DECIMALS, st.integers(1, 30))
def test_significant_digits_are_relative(value: Fraction, digits: int) -> None:
    rounded = significant(value, digits)
    assert abs(rounded - value) * 2 * 10 ** (digits - 1) <= abs(value)
    assert (rounded == 0) == (value == 0)


def test_fractions_inside_a_formula_are_written_the_same_way() -> None:
    assert with_decimals("3/2·Y + 14142135623730951/10000000000000000·Y") == "3/2·Y + 1.4142135623730951·Y"


def test_only_terminating_expansions_are_decimal() -> None:
    assert is_decimal(Fraction(1, 1024))
    assert not is_decimal(Fraction(1, 3))
