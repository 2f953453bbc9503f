"""Many digits with mpmath: no proof, but far below any float tolerance."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from verify.evaluation.fields.objects import ObjectField


class DecimalField(ObjectField):
    """mpmath at a fixed number of digits: no proof, but far below any float tolerance.

    Singular values below `rank_tolerance` of the largest count as zero in ranks; half the digits if not given.
    """

    def __init__(self, digits: int = 50, rank_tolerance: float | None = None) -> None:
        import mpmath

        self.mp = mpmath.mp.clone()
        self.mp.dps = digits
        self.rank_tolerance = self.mp.mpf(10) ** (-digits // 2) if rank_tolerance is None else self.mp.mpf(rank_tolerance)

    def scalar(self, value: Fraction) -> Any:
        """One number."""
        return self.mp.mpf(value.numerator) / value.denominator

    def pi(self) -> Any:
        """π."""
        return np.array(+self.mp.pi, dtype=object)

    def one_function(self, name: str, x: Any) -> Any:
        """A named function."""
        mp = self.mp
        match name:
            case "sigmoid":
                return 1 / (1 + mp.exp(-x))
            case "softplus":
                return mp.log(1 + mp.exp(x)) if x < 100 else x + mp.log(1 + mp.exp(-x))
            case "abs":
                return abs(x)
            case "sign":
                return mp.sign(x)
            case "relu":
                return max(x, mp.mpf(0))
            case "step":
                return mp.nan if mp.isnan(x) else mp.mpf(1 if x > 0 else 0)
            case "log" if x <= 0:
                return mp.nan
            case _:
                return getattr(mp, name)(x)

    def one_power(self, x: Any, exponent: Fraction) -> Any:
        """A power; not a number where it is undefined."""
        if (x < 0 and exponent.denominator != 1) or (x == 0 and exponent < 0):
            return self.mp.nan
        return self.mp.power(x, self.scalar(exponent)) if exponent.denominator != 1 else x ** int(exponent)

    def undefined(self) -> Any:
        """Not a number."""
        return self.mp.nan

    def one_inverse(self, rows: list[list[Any]]) -> list[list[Any]]:
        """The inverse; not a number where the matrix is singular at half the digits."""
        nothing = [[self.mp.nan] * len(rows)] * len(rows)
        if not self._all_finite(rows):
            return nothing
        try:
            inverse = self.mp.matrix(rows) ** -1
        except ZeroDivisionError:
            return nothing
        condition = self.mp.mnorm(self.mp.matrix(rows), 1) * self.mp.mnorm(inverse, 1)
        return inverse.tolist() if condition < self.mp.mpf(10) ** (self.mp.dps // 2) else nothing

    def one_det(self, rows: list[list[Any]]) -> Any:
        """The determinant; 0 where it is below half the digits of its largest possible value."""
        if not self._all_finite(rows):
            return self.mp.nan
        value = self.mp.det(self.mp.matrix(rows))
        largest = self.mp.fprod(self.mp.sqrt(self.mp.fsum(x * x for x in row)) for row in rows)
        return value if abs(value) > largest * self.mp.mpf(10) ** (-self.mp.dps // 2) else self.mp.mpf(0)

    def _all_finite(self, rows: list[list[Any]]) -> bool:
        return all(self.mp.isfinite(x) for row in rows for x in row)

    def one_singular_values(self, rows: list[list[Any]]) -> list[Any]:
        """The singular values."""
        return list(self.mp.svd_r(self.mp.matrix(rows), compute_uv=False))

    def one_rank(self, rows: list[list[Any]]) -> int:
        """The rank at the field's tolerance."""
        values = self.one_singular_values(rows)
        return sum(1 for v in values if v > self.rank_tolerance * values[0])

    def one_lambda_min(self, rows: list[list[Any]]) -> Any:
        """The smallest eigenvalue; not a number where the matrix is not symmetric up to rounding."""
        largest = max(abs(x) for row in rows for x in row)
        level = self.mp.mpf(10) ** (5 - self.mp.dps) * largest
        if not all(abs(x - rows[j][i]) <= level for i, row in enumerate(rows) for j, x in enumerate(row)):
            return self.mp.nan
        return min(self.mp.eigsy(self.mp.matrix(rows), eigvals_only=True))

    def one_off_block(self, y: list[list[Any]], x: list[list[Any]]) -> list[list[Any]]:
        """The ⊥⊥ block."""
        mp = self.mp
        u, _, vt = mp.svd_r(mp.matrix(x))
        k = self.one_rank(x)
        block = mp.matrix(y)
        for i in range(k):
            block = block - u[:, i] * (u[:, i].T * block)
        for i in range(k):
            block = block - (block * vt[i, :].T) * vt[i, :]
        return block.tolist()  # type: ignore[no-any-return]
