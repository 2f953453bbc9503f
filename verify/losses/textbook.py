"""Quadratic losses with given data, and the textbook examples of spurious points (theory §4).

Main definitions: `quadratic_of`, `Example`, `textbook`, `textbook_with_decay`, `strict_textbook`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.losses import formulas
from verify.losses.planting import Star
from verify.losses.problem import Problem
from verify.losses.sampling import Wanted, assembled
from verify.losses.squares import spectrum_of

Array = Any


def quadratic_of(
    operator: Array, target: Array, decay: Array | float, r: int, *, star: Array | None = None, witness: Array | None = None
) -> Problem:
    """The problems `½⟨X − M, H(X − M)⟩` with given H and M.

    Args:
        operator: symmetric H on row-major vectors, `(count, mn, mn)`.
        target: M, `(count, m, n)`.
        decay: λ, a number or `(count,)`.
        r: the adapters' rank.
        star, witness: X⋆ and S, `(count, m, n)`, if they are known; they are taken as they are.

    Raises:
        ValueError: if H is not symmetric or its shape does not fit M.
    """
    operator, target = np.asarray(operator, dtype=float), np.asarray(target, dtype=float)
    count, m, n = target.shape
    if operator.shape != (count, m * n, m * n):
        raise ValueError(f"the operator has shape {operator.shape}: ({count}, {m * n}, {m * n}) is needed")
    if not np.array_equal(operator, np.swapaxes(operator, -1, -2)):
        raise ValueError("the operator is not symmetric: pass its symmetric part")
    wanted = Wanted(m=m, n=n, r=r, decay=decay)
    alpha, beta = spectrum_of(operator)
    return assembled(
        "quadratic",
        formulas.quadratic,
        wanted,
        {"m": m, "n": n},
        {"M": target},
        wanted.decays(count),
        operators={"H": operator},
        convex=bool(np.all(alpha >= 0)),
        alpha=alpha,
        beta=beta,
        star=None if star is None or witness is None else Star(np.asarray(star, float), np.asarray(witness, float)),
    )


@dataclass(frozen=True)
class Example:
    """A problem (a stack of one) and its spurious second-order point by variable name."""

    problem: Problem
    point: Mapping[str, Array]


def _example(diagonal: Array, sums: float, differences: float, target: Array, decay: float, left: float) -> Example:
    """`½⟨D, H D⟩` with a 2×2 block on the diagonal entries; A = (left, 0)ᵀ, B = (1, 0)ᵀ.

    The off-diagonal part is `sums·(x₁₂ + x₂₁)² + differences·(x₁₂ − x₂₁)²`.
    """
    operator = np.zeros((4, 4))
    operator[np.ix_([0, 3], [0, 3])] = diagonal
    operator[np.ix_([1, 2], [1, 2])] = 2 * np.array(
        [[sums + differences, sums - differences], [sums - differences, sums + differences]]
    )
    star, witness = target, np.eye(2)
    center = star + decay * np.linalg.solve(operator, witness.ravel()).reshape(2, 2)
    problem = quadratic_of(operator[None], center[None], decay, 1, star=star[None], witness=witness[None])
    return Example(problem, {"A": np.array([[[left], [0.0]]]), "B": np.array([[[1.0], [0.0]]])})


def textbook(a: float = 1.0) -> Example:
    """m = n = 2, r = r⋆ = 1, λ = 0, spectrum {1, 3, 3, a}: X⋆ = diag(0, 1), spurious X = diag(½, 0) with f = ¾."""
    return _example(np.array([[2.0, 1.0], [1.0, 2.0]]), 0.75, a / 4, np.diag([0.0, 1.0]), 0.0, 0.5)


def textbook_with_decay(decay: float) -> Example:
    """The same with decay: X⋆ = diag(0, 2), S = I, spurious A = B = (1, 0)ᵀ, spectrum {1, 1, 3, 3}."""
    return _example(np.array([[2.0, 1.0], [1.0, 2.0]]), 0.75, 0.25, np.diag([0.0, 2.0]), decay, 1.0)


def strict_textbook() -> Example:
    """κ = 4, λ = 0: X⋆ = diag(0, 1), A = (3/5, 0)ᵀ, f = 4/5; Hessian eigenvalues 0 (gauge), 0.637, 2.763, 3.4."""
    return _example(np.array([[2.5, 1.5], [1.5, 2.5]]), 1.0, 0.25, np.diag([0.0, 1.0]), 0.0, 0.6)
