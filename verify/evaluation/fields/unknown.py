"""Explicit SymPy scalars in one unknown t, for the derivative gates: polynomials while they last, then expressions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from verify.evaluation.fields.objects import ObjectField
from verify.evaluation.fields.symbolic import SymbolicField

_RING, T = sp.ring("t", sp.QQ)
_SYMBOL = sp.Symbol("t")  # no assumptions: SymPy spends most of its time on them


class Scalar:
    """A rational polynomial in t (fast) or any SymPy expression in t."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def is_polynomial(self) -> bool:
        """Whether it is still a polynomial."""
        return isinstance(self.value, type(T))

    @property
    def expression(self) -> Any:
        """As a SymPy expression in the symbol t."""
        return self.value.as_expr(_SYMBOL) if self.is_polynomial else self.value

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Scalar):
            return self if isinstance(other, int) and other == 0 else NotImplemented
        if self.is_polynomial and other.is_polynomial:
            return Scalar(self.value + other.value)
        return Scalar(self.expression + other.expression)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Scalar(self.value * other)
        if not isinstance(other, Scalar):
            return NotImplemented
        if self.is_polynomial and other.is_polynomial:
            return Scalar(self.value * other.value)
        return Scalar(self.expression * other.expression)

    __rmul__ = __mul__

    def __neg__(self) -> Scalar:
        return Scalar(-self.value)

    def __sub__(self, other: Scalar) -> Scalar:
        return self + (-other)  # type: ignore[no-any-return]

    def __truediv__(self, other: Scalar) -> Scalar:
        return Scalar(self.expression / other.expression)


class Nowhere(ArithmeticError):
    """A value that does not exist at t = 0, or that has a kink there."""


class UnknownField(ObjectField):
    """The value rules on SymPy scalars in one unknown, near t = 0; at a kink or outside a domain they raise `Nowhere`."""

    def scalar(self, value: Fraction) -> Scalar:
        """A constant."""
        return Scalar(_RING(_RING.domain(value.numerator, value.denominator)))

    def line(self, base: Fraction, slope: Fraction) -> Scalar:
        """`base + slope·t`."""
        return self.scalar(base) + self.scalar(slope) * Scalar(T)  # type: ignore[no-any-return]

    def pi(self) -> Any:
        """π."""
        return np.array(Scalar(sp.pi), dtype=object)

    def one_function(self, name: str, x: Scalar) -> Scalar:
        """A named function, in SymPy's own functions; of a kinked one the piece that counts near t = 0."""
        pieces = _PIECES.get(name)
        if pieces is None:
            return Scalar(SymbolicField().one_function(name, x.expression))
        slope, offset = pieces[self.side(x)]
        return x * slope + self.scalar(Fraction(offset))  # type: ignore[no-any-return]

    def side(self, x: Scalar) -> int:
        """The sign near t = 0.

        Raises:
            Nowhere: if the sign is 0 or none at t = 0.
        """
        side = _side(x)
        if not side:
            raise Nowhere("a kink at the very point")
        return side

    def one_maximum(self, x: Scalar, y: Scalar) -> Scalar:
        """The larger one near t = 0."""
        return x if x.value == y.value or self.side(x - y) > 0 else y

    def one_power(self, x: Scalar, exponent: Fraction) -> Scalar:
        """A power."""
        if x.is_polynomial and exponent.denominator == 1 and exponent >= 0:
            return Scalar(x.value ** int(exponent))
        return Scalar(x.expression ** sp.Rational(exponent.numerator, exponent.denominator))

    def one_det(self, rows: list[list[Scalar]]) -> Scalar:
        """The determinant, expanded along the first row."""
        if len(rows) == 1:
            return rows[0][0]
        parts: list[Scalar] = [x * self.one_det(_minor(rows, 0, j)) for j, x in enumerate(rows[0])]
        result = parts[0]
        for j, part in enumerate(parts[1:], start=1):
            result = result - part if j % 2 else result + part
        return result

    def one_inverse(self, rows: list[list[Scalar]]) -> list[list[Scalar]]:
        """The inverse, by cofactors."""
        size = len(rows)
        scale = self.one_power(self.one_det(rows), Fraction(-1))
        if size == 1:
            return [[scale]]
        return [
            [scale * self.scalar(Fraction((-1) ** (i + j))) * self.one_det(_minor(rows, j, i)) for j in range(size)]
            for i in range(size)
        ]


_PIECES = {
    "abs": {1: (1, 0), -1: (-1, 0)},
    "relu": {1: (1, 0), -1: (0, 0)},
    "sign": {1: (0, 1), -1: (0, -1)},
    "step": {1: (0, 1), -1: (0, 0)},
}
"""Functions with a kink: slope and offset where the argument is positive, and where it is negative."""


def _side(x: Scalar) -> int | None:
    """The sign of the value at t = 0: 0 where it is zero or too near to it to tell; None where there is no value."""
    value = derivative_at_zero(x, 0, 30)
    if isinstance(value, Fraction):
        return (value > 0) - (value < 0)
    return None if value != value else 0 if abs(value) < 1e-20 else 1 if value > 0 else -1


def _minor(rows: list[list[Scalar]], i: int, j: int) -> list[list[Scalar]]:
    return [[x for b, x in enumerate(row) if b != j] for a, row in enumerate(rows) if a != i]


def derivative_at_zero(value: Scalar, order: int, digits: int) -> Any:
    """SymPy's derivative in t at t = 0: a `Fraction` where the arithmetic is rational, else an mpmath number.

    Args:
        value: what a loss was lowered to.
        order: of the derivative.
        digits: working precision where the value is irrational.

    Raises:
        Nowhere: if the value or its derivative does not exist at t = 0, or is not a finite real number.
    """
    if value.is_polynomial:
        polynomial = value.value
        for _ in range(order):
            polynomial = polynomial.diff(T)
        constant = polynomial.coeff(1)
        return Fraction(int(constant.numerator), int(constant.denominator))
    evaluator = _Evaluator(digits)
    if order:
        evaluator.value(value.expression)
    return evaluator.value(sp.diff(value.expression, _SYMBOL, order) if order else value.expression)


class _Evaluator:
    """The value of an expression at t = 0, each distinct subexpression once; only finite real numbers."""

    def __init__(self, digits: int) -> None:
        import mpmath

        self.mp = mpmath.mp.clone()
        self.mp.dps = digits
        self.known: dict[Any, Any] = {_SYMBOL: Fraction(0)}

    def value(self, expression: Any) -> Any:
        """A `Fraction` or an mpmath number.

        Raises:
            Nowhere: if there is none.
        """
        found = self.known.get(expression)
        if found is None:
            try:
                found = self._compute(expression)
            except (ZeroDivisionError, OverflowError, ValueError, TypeError, AttributeError) as error:
                raise Nowhere(f"{type(expression).__name__} has no value there") from error
            if not isinstance(found, Fraction) and not (isinstance(found, self.mp.mpf) and self.mp.isfinite(found)):
                raise Nowhere(f"{type(expression).__name__} is not a finite real number there")
            self.known[expression] = found
        return found

    def _compute(self, e: Any) -> Any:
        if e.is_Rational:
            return Fraction(int(e.p), int(e.q))
        args = [self.value(a) for a in e.args]
        if e.is_Add or e.is_Mul:
            if all(isinstance(a, Fraction) for a in args):
                return sum(args, Fraction(0)) if e.is_Add else _product(args)
            return (self.mp.fsum if e.is_Add else self.mp.fprod)(self._float(a) for a in args)
        if e.is_Pow:
            return self._power(*args)
        if not args:
            return self._evaluated(e)
        if e.func.__name__ in ("exp", "log", "tanh", "sin", "cos", "erf"):
            return getattr(self.mp, e.func.__name__)(self._float(args[0]))
        return self._evaluated(
            e.func(*(sp.Rational(a.numerator, a.denominator) if isinstance(a, Fraction) else sp.Float(a) for a in args))
        )

    def _evaluated(self, e: Any) -> Any:
        """SymPy's own number: π, or a function that mpmath does not name."""
        number = e.evalf(self.mp.dps)
        if not isinstance(number, sp.Float | sp.Rational):
            raise Nowhere(f"{number} is not a real number")
        return self.mp.mpf(sp.Float(number, self.mp.dps)._mpf_)

    def _power(self, base: Any, exponent: Any) -> Any:
        if isinstance(base, Fraction) and isinstance(exponent, Fraction):
            if exponent.denominator == 1:
                return base ** int(exponent)
            root = _square_root(base) if exponent.denominator == 2 else None
            if root is not None:
                return root**exponent.numerator
        return self.mp.power(self._float(base), self._float(exponent))

    def _float(self, x: Any) -> Any:
        return self.mp.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x


def _product(factors: list[Fraction]) -> Fraction:
    result = Fraction(1)
    for factor in factors:
        result *= factor
    return result


def _square_root(value: Fraction) -> Fraction | None:
    from verify.evaluation.rational_linear_algebra import rational_root

    return rational_root(value, 2)
