"""Which computed singular values and eigenvalues are zero: a matter of the matrix' size, undecided in between.

Main definitions: `ROUNDING`, `rounding_level`, `cleared`, `decided_rank`, `symmetric_eigenvalues`.

The smallest singular values of a computed matrix are known up to rounding of the largest (Weyl). Which of them come out as
0, 1e-17 or 3e-16 depends on the processor, and the root of such a number is no longer small. So no decision is made at a
fixed number: what is at rounding level is 0, what stands out clearly is not, and the rest is left open. How far a value must
stand out depends on the matrix: of data nothing but rounding is unknown, of a solver's point its own error is too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
ROUNDING = 64 * float(np.finfo(float).eps)
"""Singular values up to this fraction of what the matrix was computed from, for each of its rows or columns, are 0."""
_CLEAR = 100.0
"""Those above so many times that level are not 0 (Weyl); between, the estimate of the level is not trusted."""


def rounding_level(size: Array, side: int) -> Array:
    """Below what a singular value is rounding, for matrices of a size (their norm, or an error scale) and a longer side.

    >>> float(rounding_level(1.0, 4)) < 1e-13
    True
    """
    return ROUNDING * side * size


def cleared(values: Array, side: int, size: Array | None = None, xp: Any = np) -> Array:
    """Singular values `(..., k)`, descending, with those at rounding level set to 0.

    Args:
        values: the singular values; not a number stays so.
        side: the matrices' longer side.
        size: what the matrices were computed from, `(...)`, where terms cancelled; at least the largest value is used.
        xp: the array namespace.
    """
    largest = values[..., :1] if size is None else xp.maximum(values[..., :1], xp.asarray(size)[..., None])
    return xp.where(values <= rounding_level(largest, side), 0.0, values)


def decided_rank(values: Array, side: int, size: Array | None = None, clear: float = 0.0, xp: Any = np) -> Array:
    """The rank from singular values `(..., k)`, a whole number, or not a number where it is undecided.

    Args are those of `cleared`, and `clear`: the fraction of the size below which a value that is not rounding leaves the rank
    open, at least near rounding. So does one that is not finite.

    >>> decided_rank(np.array([[2.0, 1e-16], [2.0, 1e-12], [2.0, 1e-9], [0.0, 0.0]]), 2).tolist()
    [1.0, nan, 2.0, 0.0]
    """
    largest = values[..., :1] if size is None else xp.maximum(values[..., :1], xp.asarray(size)[..., None])
    level = rounding_level(largest, side)
    zero, counted = values <= level, values > xp.maximum(_CLEAR * level, clear * largest)
    known = xp.all((zero | counted) & xp.isfinite(values), axis=-1)
    return xp.where(known, xp.sum(xp.astype(counted, values.dtype), axis=-1), xp.nan)


def symmetric_eigenvalues(matrix: Array) -> Array:
    """Ascending eigenvalues of symmetric matrices `(..., p, p)`; not numbers where an entry is not finite.

    Whether LAPACK then returns something, or refuses the whole stack, depends on the processor.
    """
    finite = np.all(np.isfinite(matrix), axis=(-2, -1))
    values = np.linalg.eigvalsh(np.where(finite[..., None, None], matrix, 0.0))
    return np.where(finite[..., None], values, np.nan)
