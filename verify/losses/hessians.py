"""The Hessian of the LoRA loss at given factors, from f's gradient and Hessian there, for stacks of problems (theory §1).

Main definitions: `lora_hessian`, `is_semidefinite`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.evaluation.zeros import symmetric_eigenvalues

Array = Any
_TOLERANCE = 1e-11


def lora_hessian(left: Array, right: Array, slope: Array, operator: Array, decay: Array) -> Array:
    """`∇²L(A, B)` on the entries of A, then of B, both row by row.

    Args:
        left, right: A and B, `(count, m, r)` and `(count, n, r)`.
        slope: `∇f(ABᵀ)`, `(count, m, n)`.
        operator: `∇²f(ABᵀ)` on row-major entries, `(count, mn, mn)`.
        decay: λ, `(count,)`.

    Returns:
        Symmetric matrices `(count, (m+n)r, (m+n)r)`.

    Example:
        >>> one = np.ones((1, 1, 1))
        >>> lora_hessian(one, one, one, one, np.zeros(1)).tolist()
        [[[1.0, 2.0], [2.0, 1.0]]]
    """
    (count, m, r), n = left.shape, right.shape[1]
    eye_m, eye_n, eye_r = np.eye(m), np.eye(n), np.eye(r)
    # D = UBᵀ + AVᵀ, row by row: entry (i, j) is Σ_c U_ic B_jc + A_ic V_jc.
    first = np.einsum("ia,bjc->bijac", eye_m, right).reshape(count, m * n, m * r)
    second = np.einsum("ja,bic->bijac", eye_n, left).reshape(count, m * n, n * r)
    jacobian = np.concatenate([first, second], axis=-1)
    with np.errstate(all="ignore"):  # an operator may be out of all bounds: that shows in the result
        hessian = np.swapaxes(jacobian, -1, -2) @ operator @ jacobian
    cross = np.einsum("bij,cd->bicjd", slope, eye_r).reshape(count, m * r, n * r)
    hessian[:, : m * r, m * r :] += cross
    hessian[:, m * r :, : m * r] += np.swapaxes(cross, -1, -2)
    return hessian + decay[:, None, None] * np.eye((m + n) * r)


def is_semidefinite(hessian: Array) -> Array:
    """Whether the least eigenvalues are at least 0 up to rounding of the largest, `(count,)`; no where it is not finite."""
    values = symmetric_eigenvalues(hessian)
    return np.asarray(values[:, 0] >= -_TOLERANCE * np.abs(values).max(axis=-1))
