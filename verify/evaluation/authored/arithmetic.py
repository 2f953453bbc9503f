"""Arithmetic of the second reading: real numbers of 60 digits, matrices of them, their singular values.

Main definitions: `MP`, `UndefinedError`, `filled`, `FUNCTIONS`, `MATRIX_FUNCTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from mpmath import mp as _mp

Number = Any
"""A real number of `MP`."""
Value = Any
"""A `Number`, or a two-dimensional object array of them."""

MP = _mp.clone()
MP.dps = 60
_ZERO = MP.mpf(10) ** -25
"""Relative size below which a computed singular value or asymmetry is rounding."""
LARGE = 16
"""Beyond this size singular values and eigenvalues are computed in floating point, which tells readings apart as well."""


class UndefinedError(ArithmeticError):
    """The expression has no value here: 1/0, the log of a negative number, an entry beyond the matrix."""


class RoundedError(ValueError):
    """The expression has a float that may be the rounded result of a computation."""


def filled(rows: int, cols: int, entry: Callable[[int, int], Number]) -> Value:
    """A matrix by its entries."""
    out = np.empty((rows, cols), dtype=object)
    for i, j in np.ndindex(rows, cols):
        out[i, j] = MP.convert(entry(i, j))
    return out


def each(function: Callable[[Number], Number], matrix: Value) -> Value:
    """A function of every entry."""
    rows, cols = matrix.shape
    return filled(rows, cols, lambda i, j: function(matrix[i, j]))


def _matrix(array: Value) -> Any:
    return MP.matrix(array.tolist())


def _array(matrix: Any) -> Value:
    return filled(matrix.rows, matrix.cols, lambda i, j: matrix[i, j])


def _size(array: Value) -> Number:
    return MP.sqrt((array * array).sum())


def _svd(array: Value) -> tuple[Value, list[Number]]:
    """Left singular vectors as columns, and singular values, rounding set to 0."""
    return _known_svd(tuple(map(tuple, array)))


@lru_cache(maxsize=512)
def _known_svd(rows: tuple[tuple[Number, ...], ...]) -> tuple[Value, list[Number]]:
    """The expressions of a claim take the same few matrices apart over and over."""
    array = np.array(rows, dtype=object)
    if max(array.shape) > LARGE:
        left, values, _ = np.linalg.svd(array.astype(float), full_matrices=False)
        vectors, found, zero = _each(left), [MP.mpf(float(x)) for x in values], MP.mpf(10) ** -10
    else:
        turned = array.shape[0] < array.shape[1]
        u, s, v = MP.svd_r(_matrix(array.T if turned else array))
        vectors, found, zero = _array(v).T if turned else _array(u), [s[k] for k in range(len(s))], _ZERO
    floor = zero * max(map(abs, found))
    return vectors, [x if abs(x) > floor else MP.mpf(0) for x in found]


def _each(array: Any) -> Value:
    rows, cols = array.shape
    return filled(rows, cols, lambda i, j: MP.mpf(float(array[i, j])))


def _singular_values(array: Value) -> list[Number]:
    return sorted(_svd(array)[1], reverse=True)


def _complement(array: Value) -> Value:
    """The projection on the complement of the column space."""
    u, values = _svd(array)
    basis = u[:, [k for k, x in enumerate(values) if x > 0]]
    return filled(len(array), len(array), lambda i, j: int(i == j)) - basis @ basis.T


def inverse(array: Value) -> Value:
    """The inverse of a regular matrix."""
    values = _singular_values(array)
    if values[-1] == 0:
        raise UndefinedError("an inverse of a singular matrix")
    return _array(MP.inverse(_matrix(array)))


def _smallest_eigenvalue(array: Value) -> Number:
    if _size(array - array.T) > _ZERO * _size(array):
        raise UndefinedError("the smallest eigenvalue of a matrix that is not symmetric")
    half = (array + array.T) / 2
    if len(array) > LARGE:
        return MP.mpf(float(np.linalg.eigvalsh(half.astype(float))[0]))
    return min(MP.eigsy(_matrix(half), eigvals_only=True))


def power(base: Number, exponent: Number) -> Number:
    """A real power, where it is a real number."""
    whole = exponent == MP.floor(exponent)
    if base == 0 and exponent <= 0:
        raise UndefinedError("0 to a power that is not positive")
    if base < 0 and not whole:
        raise UndefinedError("a root of a negative number")
    return base ** int(exponent) if whole else base**exponent


def _log(x: Number) -> Number:
    if x <= 0:
        raise UndefinedError("the log of a number that is not positive")
    return MP.log(x)


def _told_from_zero(x: Number) -> Number:
    """A number whose side of 0 is known: a tiny one may be a rounding error."""
    if 0 < abs(x) < _ZERO:
        raise UndefinedError("the side of a rounding error")
    return x


def _softplus(x: Number) -> Number:
    return MP.log(1 + MP.exp(x))


FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "exp": MP.exp,
    "log": _log,
    "tanh": MP.tanh,
    "sin": MP.sin,
    "cos": MP.cos,
    "erf": MP.erf,
    "abs": abs,
    "sign": lambda x: MP.sign(_told_from_zero(x)),
    "sigmoid": lambda x: 1 / (1 + MP.exp(-x)),
    "softplus": _softplus,
    "relu": lambda x: max(x, MP.mpf(0)),
    "step": lambda x: MP.mpf(int(_told_from_zero(x) > 0)),
}


def _multiplied(*factors: Value) -> Value:
    """Scalars times at most one matrix."""
    matrices = [f for f in factors if isinstance(f, np.ndarray)]
    scalar = MP.fprod(f for f in factors if not isinstance(f, np.ndarray))
    return scalar * matrices[0] if matrices else scalar


def _sigma(matrix: Value, k: Number) -> Number:
    if k != MP.floor(k) or k < 1:
        raise UndefinedError("singular values are counted 1, 2, 3, …")
    values = _singular_values(matrix)
    return values[int(k) - 1] if k <= len(values) else MP.mpf(0)


def _row_log_sum_exp(matrix: Value) -> Value:
    return filled(len(matrix), 1, lambda i, j: MP.log(sum(MP.exp(x) for x in matrix[i])))


def _row_softmax(matrix: Value) -> Value:
    rows, cols = matrix.shape
    return filled(rows, cols, lambda i, j: MP.exp(matrix[i, j]) / sum(MP.exp(x) for x in matrix[i]))


def entry(matrix: Value, i: Any, j: Any) -> Number:
    """One entry, counted from 0."""
    if not (0 <= int(i) < matrix.shape[0] and 0 <= int(j) < matrix.shape[1]):
        raise UndefinedError("an entry beyond the matrix")
    return matrix[int(i), int(j)]


def column_diagonal(matrix: Value) -> Value:
    """The diagonal matrix of a column."""
    return filled(len(matrix), len(matrix), lambda i, j: matrix[i, 0] if i == j else 0)


def diagonal(matrix: Value) -> Value:
    """The diagonal, as a column."""
    return filled(min(matrix.shape), 1, lambda i, j: matrix[i, i])


MATRIX_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "sigma": _sigma,
    "nuclear": lambda x: sum(_singular_values(x), MP.mpf(0)),
    "frobenius": _size,
    "spectral": lambda x: _singular_values(x)[0],
    "rank": lambda x: MP.mpf(sum(1 for v in _singular_values(x) if v > 0)),
    "lambda_min": _smallest_eigenvalue,
    "max": lambda *xs: max(xs),
    "min": lambda *xs: min(xs),
    "det": lambda x: MP.det(_matrix(x)),
    "trace": lambda x: sum((x[i, i] for i in range(len(x))), MP.mpf(0)),
    "off_block": lambda y, x: _complement(x) @ y @ _complement(x.T),
    "rowlse": _row_log_sum_exp,
    "rowsoftmax": _row_softmax,
    "diag": column_diagonal,
    "diagonal": diagonal,
    "hadamard": lambda *xs: np.multiply.reduce(np.array(xs, dtype=object)),
    "inverse": inverse,
    "mul": _multiplied,
}
