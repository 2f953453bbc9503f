"""What the fields on NumPy object arrays share: the same value rules, with numbers of any kind as entries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from verify.language.errors import NotRational

Array = Any


class ObjectField(ABC):
    """What the three fields on object arrays share; subclasses say what a number and a function is."""

    @abstractmethod
    def scalar(self, value: Fraction) -> Any:
        """One number of the field."""

    @abstractmethod
    def one_function(self, name: str, x: Any) -> Any:
        """A named function at one number."""

    @abstractmethod
    def one_power(self, x: Any, exponent: Fraction) -> Any:
        """A rational power of one number."""

    def one_singular_values(self, rows: list[list[Any]]) -> list[Any]:
        """Singular values of one matrix, descending."""
        raise NotRational("singular values have no value in this arithmetic")

    @abstractmethod
    def one_inverse(self, rows: list[list[Any]]) -> list[list[Any]]:
        """The inverse of one matrix."""

    @abstractmethod
    def one_det(self, rows: list[list[Any]]) -> Any:
        """The determinant of one matrix."""

    def one_rank(self, rows: list[list[Any]]) -> int:
        """The rank of one matrix."""
        raise NotRational("the rank has no value in this arithmetic")

    def one_lambda_min(self, rows: list[list[Any]]) -> Any:
        """The smallest eigenvalue of one symmetric matrix."""
        raise NotRational("eigenvalues have no value in this arithmetic")

    def one_off_block(self, y: list[list[Any]], x: list[list[Any]]) -> list[list[Any]]:
        """The ⊥⊥ block of one pair."""
        raise NotRational("projections have no value in this arithmetic")

    def number(self, value: Fraction) -> Array:
        """A constant."""
        return np.array(self.scalar(value), dtype=object)

    def eye(self, size: int) -> Array:
        """The identity."""
        return self.literal([[Fraction(int(i == j)) for j in range(size)] for i in range(size)])

    def full(self, rows: int, cols: int, value: int) -> Array:
        """A constant matrix."""
        return self.literal([[Fraction(value)] * cols] * rows)

    def literal(self, rows: Sequence[Sequence[Fraction]]) -> Array:
        """An explicit matrix."""
        out = np.empty((len(rows), len(rows[0])), dtype=object)
        for i, row in enumerate(rows):
            for j, x in enumerate(row):
                out[i, j] = self.scalar(x)
        return out

    def matmul(self, left: Array, right: Array) -> Array:
        """The product."""
        return np.matmul(left, right)

    def transpose(self, x: Array) -> Array:
        """The transpose."""
        return np.swapaxes(x, -1, -2)

    def trace(self, x: Array) -> Array:
        """The trace."""
        return np.asarray(x.diagonal(0, -2, -1).sum(-1))

    def row_sums(self, x: Array) -> Array:
        """Row sums as a column."""
        return x.sum(axis=-1, keepdims=True)

    def function(self, name: str, x: Array) -> Array:
        """A named function, elementwise."""
        return _each(lambda v: self.one_function(name, v), x)

    def power(self, x: Array, exponent: Fraction) -> Array:
        """A rational power, elementwise."""
        return _each(lambda v: self.one_power(v, exponent), x)

    def maximum(self, x: Array, y: Array) -> Array:
        """The elementwise maximum."""
        return np.asarray(np.frompyfunc(self.one_maximum, 2, 1)(x, y), dtype=object)

    def glue(self, switch: Array, positive: Array, negative: Array) -> Array:
        """The side the switch points to; at 0 the common value, undefined where the sides differ."""
        return np.asarray(np.frompyfunc(self._one_glue, 3, 1)(switch, positive, negative), dtype=object)

    def _one_glue(self, switch: Any, positive: Any, negative: Any) -> Any:
        side = self.side(switch)
        if side:
            return positive if side > 0 else negative
        return positive if side == 0 and positive == negative else self.undefined()

    def side(self, x: Any) -> int | None:
        """The sign of a number; None where it has none."""
        return 1 if x > 0 else -1 if x < 0 else 0 if x == 0 else None

    def one_maximum(self, x: Any, y: Any) -> Any:
        """The larger of two numbers; undefined if one is."""
        return x if x >= y else y if x < y else self.undefined()

    def undefined(self) -> Any:
        """What stands for a value that does not exist."""
        raise NotRational("a derivative does not exist at a kink")

    def inverse(self, x: Array) -> Array:
        """The inverse."""
        return _matrixwise(self.one_inverse, x)

    def det(self, x: Array) -> Array:
        """The determinant."""
        return _matrixwise(self.one_det, x)

    def singular_values(self, x: Array) -> Array:
        """Singular values, descending."""
        return _matrixwise(self.one_singular_values, x)

    def rank(self, x: Array) -> Array:
        """The rank."""
        return _matrixwise(lambda rows: self.scalar(Fraction(self.one_rank(rows))), x)

    def lambda_min(self, x: Array) -> Array:
        """The smallest eigenvalue."""
        return _matrixwise(self.one_lambda_min, x)

    def off_block(self, y: Array, x: Array) -> Array:
        """The ⊥⊥ block."""
        shape = np.broadcast_shapes(y.shape, x.shape)
        flat_y = np.broadcast_to(y, shape).reshape(-1, *shape[-2:])
        flat_x = np.broadcast_to(x, shape).reshape(-1, *shape[-2:])
        blocks = [self.one_off_block(a.tolist(), b.tolist()) for a, b in zip(flat_y, flat_x, strict=True)]
        return np.array(blocks, dtype=object).reshape(shape)

    def pick(self, values: Array, index: Array) -> Array:
        """The `index`-th value (from 1); 0 beyond the end."""
        index = np.broadcast_to(np.asarray(index, dtype=object), values.shape[:-1])
        out = np.empty(values.shape[:-1], dtype=object)
        for where in np.ndindex(*values.shape[:-1]):
            k = index[where]
            if k < 1 or k != int(k):
                raise NotRational(f"the singular value number {k} does not exist")
            out[where] = values[where][int(k) - 1] if k <= values.shape[-1] else self.scalar(Fraction(0))
        return out

    def row_log_sum_exp(self, x: Array) -> Array:
        """Row-wise log-sum-exp."""
        return self.function("log", self.row_sums(self.function("exp", x)))

    def row_softmax(self, x: Array) -> Array:
        """Row-wise softmax."""
        weights = self.function("exp", x)
        return weights / self.row_sums(weights)


def _each(function: Callable[[Any], Any], x: Array) -> Array:
    out = np.empty(np.shape(x), dtype=object)
    values = np.asarray(x, dtype=object)
    for where in np.ndindex(*out.shape):
        out[where] = function(values[where])
    return out


def _matrixwise(function: Callable[[list[list[Any]]], Any], x: Array) -> Array:
    flat = x.reshape(-1, *x.shape[-2:])
    results = [function(rows.tolist()) for rows in flat]
    shape = np.array(results[0], dtype=object).shape
    out = np.empty((len(results), *shape), dtype=object)
    for position, result in enumerate(results):
        out[position] = np.array(result, dtype=object) if shape else result
    return out.reshape((*x.shape[:-2], *shape))
