"""Exact rational arithmetic; an irrational value raises `NotRational`."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from verify.evaluation import rational_linear_algebra as exact
from verify.evaluation.fields.objects import ObjectField
from verify.language.errors import NotRational


class RationalField(ObjectField):
    """Exact rational arithmetic; an irrational value raises `NotRational`."""

    def scalar(self, value: Fraction) -> Fraction:
        """One number."""
        return value

    def pi(self) -> Any:
        """π is irrational."""
        raise NotRational("π is irrational")

    def one_function(self, name: str, x: Fraction) -> Fraction:
        """The rational values of the named functions."""
        rule = _RATIONAL_FUNCTIONS.get((name, x == 0))
        if rule is not None:
            return rule(x)
        if name == "log" and x == 1:
            return Fraction(0)
        raise NotRational(f"{name}({x}) is irrational or undefined")

    def one_power(self, x: Fraction, exponent: Fraction) -> Fraction:
        """A power, if it is rational."""
        if exponent.denominator == 1:
            if x == 0 and exponent < 0:
                raise NotRational("division by zero")
            return x ** int(exponent)
        root = exact.rational_root(x, exponent.denominator)
        if root is None or (root == 0 and exponent < 0):
            raise NotRational(f"{x} to the power {exponent} is irrational or undefined")
        return root ** int(exponent.numerator)

    def one_inverse(self, rows: list[list[Fraction]]) -> list[list[Fraction]]:
        """The exact inverse."""
        return exact.inverse(rows)

    def one_det(self, rows: list[list[Fraction]]) -> Fraction:
        """The exact determinant."""
        return exact.determinant(rows)

    def one_singular_values(self, rows: list[list[Fraction]]) -> list[Fraction]:
        """The singular values, if all are rational."""
        return exact.singular_values(rows)

    def one_rank(self, rows: list[list[Fraction]]) -> int:
        """The exact rank."""
        return exact.rank(rows)

    def one_lambda_min(self, rows: list[list[Fraction]]) -> Fraction:
        """The smallest eigenvalue, if all are rational."""
        return exact.symmetric_eigenvalues(rows)[-1]

    def one_off_block(self, y: list[list[Fraction]], x: list[list[Fraction]]) -> list[list[Fraction]]:
        """The exact ⊥⊥ block."""
        return exact.off_block(y, x)


_RATIONAL_FUNCTIONS: dict[tuple[str, bool], Callable[[Fraction], Fraction]] = {
    ("exp", True): lambda x: Fraction(1),
    ("tanh", True): lambda x: Fraction(0),
    ("sin", True): lambda x: Fraction(0),
    ("cos", True): lambda x: Fraction(1),
    ("erf", True): lambda x: Fraction(0),
    ("sigmoid", True): lambda x: Fraction(1, 2),
    **{("abs", zero): abs for zero in (True, False)},
    **{("sign", zero): lambda x: Fraction((x > 0) - (x < 0)) for zero in (True, False)},
    **{("relu", zero): lambda x: max(x, Fraction(0)) for zero in (True, False)},
    **{("step", zero): lambda x: Fraction(int(x > 0)) for zero in (True, False)},
}
