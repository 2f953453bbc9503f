"""Explicit SymPy entries, for the derivative gates; only what a differentiable loss needs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from verify.evaluation.fields.objects import ObjectField


class SymbolicField(ObjectField):
    """Explicit SymPy entries; only what a differentiable loss needs."""

    def scalar(self, value: Fraction) -> Any:
        """One number."""
        return sp.Rational(value.numerator, value.denominator)

    def pi(self) -> Any:
        """π."""
        return np.array(sp.pi, dtype=object)

    def one_function(self, name: str, x: Any) -> Any:
        """A named function, in SymPy's own functions."""
        match name:
            case "sigmoid":
                return 1 / (1 + sp.exp(-x))
            case "softplus":
                return sp.log(1 + sp.exp(x))
            case "relu":
                return sp.Max(x, 0)
            case "abs":
                return sp.Abs(x)
            case "step":
                return sp.Heaviside(x)
            case _:
                return getattr(sp, name)(x)

    def one_power(self, x: Any, exponent: Fraction) -> Any:
        """A power."""
        return x ** self.scalar(exponent)

    def one_inverse(self, rows: list[list[Any]]) -> list[list[Any]]:
        """The inverse by the adjugate."""
        matrix = sp.Matrix(rows)
        return (matrix.adjugate() / matrix.det(method="berkowitz")).tolist()  # type: ignore[no-any-return]

    def one_det(self, rows: list[list[Any]]) -> Any:
        """The determinant."""
        return sp.Matrix(rows).det(method="berkowitz")
