"""Batched floating point on any array-API namespace (NumPy unless another is passed in)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from verify.evaluation.tolerances import LOOSE
from verify.evaluation.zeros import cleared, decided_rank, rounding_level

Array = Any


class FloatField:
    """Batched floating point on an array namespace (NumPy unless another is passed in).

    Where the array standard has no function (erf), NumPy's ecosystem is used. What depends on which singular values are 0, or
    on whether a matrix is symmetric, is decided relative to `size`: what the matrix was computed from, `(...)`, where terms
    cancelled in it, and at least its own size. What that leaves open is not a number.
    """

    def __init__(self, xp: Any = np) -> None:
        self.xp = xp

    def number(self, value: Fraction) -> Array:
        """A constant."""
        try:
            return self.xp.asarray(float(value))
        except OverflowError:
            return self.xp.asarray(float("inf") if value > 0 else float("-inf"))

    def pi(self) -> Array:
        """π."""
        return self.xp.asarray(self.xp.pi)

    def eye(self, size: int) -> Array:
        """The identity."""
        return self.xp.eye(size)

    def full(self, rows: int, cols: int, value: int) -> Array:
        """A constant matrix."""
        return self.xp.full((rows, cols), float(value))

    def literal(self, rows: Sequence[Sequence[Fraction]]) -> Array:
        """An explicit matrix."""
        return self.xp.asarray([[float(x) for x in row] for row in rows])

    def matmul(self, left: Array, right: Array) -> Array:
        """The batched product."""
        return self.xp.matmul(left, right)

    def transpose(self, x: Array) -> Array:
        """The batched transpose."""
        return self.xp.swapaxes(x, -1, -2)

    def trace(self, x: Array) -> Array:
        """The batched trace."""
        return self.xp.linalg.trace(x)

    def row_sums(self, x: Array) -> Array:
        """Row sums as a column."""
        return self.xp.sum(x, axis=-1, keepdims=True)

    def function(self, name: str, x: Array) -> Array:
        """A named function, elementwise."""
        return _FLOAT_FUNCTIONS[name](self.xp, x)

    def power(self, x: Array, exponent: Fraction) -> Array:
        """A rational power, elementwise; not a number for fractional powers of negative numbers."""
        if exponent == 2:
            return x * x
        if exponent == Fraction(1, 2):
            return self.xp.sqrt(x)
        if exponent.denominator == 1:
            return x ** int(exponent)
        return x ** float(exponent)

    def inverse(self, x: Array) -> Array:
        """The batched inverse; not a number where the matrix is singular, or is not told from a singular one."""
        try:
            found = self.xp.linalg.inv(x)
        except np.linalg.LinAlgError:
            # LAPACK refuses a stack for one member, and only where a pivot is exactly 0: on some processors it is 1e-17.
            regular = self.xp.linalg.det(x) != 0
            safe = self.xp.where(regular[..., None, None], x, self.xp.eye(x.shape[-1]))
            found = self.xp.where(regular[..., None, None], self.xp.linalg.inv(safe), self.xp.nan)
        condition = self._size(x) * self._size(found)
        return self.xp.where((condition < 1.0 / LOOSE)[..., None, None], found, self.xp.nan)

    def _size(self, x: Array) -> Array:
        """The Frobenius norm, without overflow of the squares."""
        top = self.xp.max(self.xp.abs(x), axis=(-2, -1), keepdims=True)
        safe = self.xp.where((top > 0) & self.xp.isfinite(top), top, 1.0)
        return (self.xp.sqrt(self.xp.sum((x / safe) ** 2, axis=(-2, -1), keepdims=True)) * safe)[..., 0, 0]

    def det(self, x: Array) -> Array:
        """The batched determinant."""
        return self.xp.linalg.det(x)

    def singular_values(self, x: Array) -> Array:
        """Singular values in descending order, 0 at rounding level; not a number where an entry is not finite."""
        finite = self.xp.all(self.xp.isfinite(x), axis=(-2, -1))
        safe = self.xp.where(finite[..., None, None], x, 0.0)
        values = cleared(self.xp.linalg.svd(safe, compute_uv=False), max(x.shape[-2:]), xp=self.xp)
        return self.xp.where(finite[..., None], values, self.xp.nan)

    def pick(self, values: Array, index: Array) -> Array:
        """The `index`-th value (from 1) along the last axis; 0 beyond the end, not a number below 1."""
        count = values.shape[-1]
        position = self.xp.astype(self.xp.round(index), self.xp.int64) - 1
        inside = self.xp.clip(position, 0, count - 1)
        shape = np.broadcast_shapes(values.shape[:-1], inside.shape)
        values = self.xp.broadcast_to(values, (*shape, count))
        inside = self.xp.broadcast_to(inside, shape)
        picked = self.xp.take_along_axis(values, inside[..., None], axis=-1)[..., 0]
        picked = self.xp.where(position >= count, 0.0, picked)
        return self.xp.where((position < 0) | (self.xp.round(index) != index), self.xp.nan, picked)

    def rank(self, x: Array, size: Array | None = None, clear: float = 0.0) -> Array:
        """The rank; not a number where a singular value is neither at rounding level nor clear (`zeros.decided_rank`)."""
        return decided_rank(self.singular_values(x), max(x.shape[-2:]), size, clear, xp=self.xp)

    def lambda_min(self, x: Array, size: Array | None = None) -> Array:
        """The smallest eigenvalue; not a number where the matrix is not symmetric up to rounding."""
        turned = self.transpose(x)
        largest = self.xp.max(self.xp.abs(x), axis=(-2, -1))
        level = rounding_level(largest if size is None else self.xp.maximum(largest, size), x.shape[-1])
        # Eigenvalue routines read one triangle only, and would answer for another matrix.
        usable = self.xp.isfinite(largest) & (self.xp.max(self.xp.abs(x - turned), axis=(-2, -1)) <= level)
        safe = self.xp.where(usable[..., None, None], (x + turned) / 2, 0.0)
        return self.xp.where(usable, self.xp.linalg.eigvalsh(safe)[..., 0], self.xp.nan)

    def off_block(self, y: Array, x: Array, size: Array | None = None) -> Array:
        """`P_U^⊥ Y P_V^⊥` with the singular spaces of X; not numbers where the rank of X is undecided."""
        finite = self.xp.all(self.xp.isfinite(x), axis=(-2, -1))
        safe = self.xp.where(finite[..., None, None], x, 0.0)
        u, values, vt = self.xp.linalg.svd(safe, full_matrices=False)
        rank = decided_rank(values, max(x.shape[-2:]), size, xp=self.xp)
        keep = self.xp.astype(self.xp.arange(values.shape[-1]) < rank[..., None], self.xp.float64)
        left = y - (u * keep[..., None, :]) @ (self.transpose(u) @ y)
        block = left - (left @ self.transpose(vt)) @ (keep[..., :, None] * vt)
        return self.xp.where((finite & self.xp.isfinite(rank))[..., None, None], block, self.xp.nan)

    def row_log_sum_exp(self, x: Array) -> Array:
        """Row-wise log-sum-exp as a column, without overflow."""
        top = self.xp.max(x, axis=-1, keepdims=True)
        return top + self.xp.log(self.xp.sum(self.xp.exp(x - top), axis=-1, keepdims=True))

    def row_softmax(self, x: Array) -> Array:
        """Row-wise softmax, without overflow."""
        weights = self.xp.exp(x - self.xp.max(x, axis=-1, keepdims=True))
        return weights / self.xp.sum(weights, axis=-1, keepdims=True)

    def maximum(self, x: Array, y: Array) -> Array:
        """The elementwise maximum (not a number if either is)."""
        return self.xp.maximum(x, y)

    def glue(self, switch: Array, positive: Array, negative: Array) -> Array:
        """The side the switch points to; at 0 the common value, not a number where the sides differ."""
        meeting = self.xp.where((switch == 0) & (positive == negative), positive, self.xp.nan)
        return self.xp.where(switch > 0, positive, self.xp.where(switch < 0, negative, meeting))


def _erf(xp: Any, x: Array) -> Array:
    from scipy.special import erf

    return xp.asarray(erf(np.asarray(x)))


_FLOAT_FUNCTIONS: dict[str, Callable[[Any, Array], Array]] = {
    "exp": lambda xp, x: xp.exp(x),
    "log": lambda xp, x: xp.log(x),
    "tanh": lambda xp, x: xp.tanh(x),
    "sin": lambda xp, x: xp.sin(x),
    "cos": lambda xp, x: xp.cos(x),
    "erf": _erf,
    "abs": lambda xp, x: xp.abs(x),
    "sign": lambda xp, x: xp.sign(x),
    "relu": lambda xp, x: xp.maximum(x, xp.zeros_like(x)),
    "step": lambda xp, x: xp.where(x > 0, 1.0, xp.where(x <= 0, 0.0, xp.nan)),
    "sigmoid": lambda xp, x: 0.5 * (1.0 + xp.tanh(0.5 * x)),
    "softplus": lambda xp, x: xp.logaddexp(x, xp.zeros_like(x)),
}
