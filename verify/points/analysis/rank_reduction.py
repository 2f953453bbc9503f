"""A minimizer of a linearized loss with small rank, made from any minimizer (theory §5, Barvinok–Pataki).

Main definitions: `reduced`, `Reduction`.

Statement
    `F(X) = h(𝒢(X)) + λ‖X‖_*` with N measurements `𝒢(X)_i = ⟨G_i, X⟩` (every output of every sample is one), any h, λ > 0. If F
    has a minimizer, it has one of rank ρ with `ρ(ρ+1)/2 ≤ N`.

Proof
    Let X be a minimizer of rank ρ and `X = ABᵀ`, `AᵀA = BᵀB`, with ρ columns. The symmetric Δ have ρ(ρ+1)/2 dimensions: if that
    is above N, there is one, not 0, with `𝒢(AΔBᵀ) = 0`. While `I + tΔ ⪰ 0`, the pair `A(I + tΔ)^½, B(I + tΔ)^½` is balanced,
    so that `‖A(I + tΔ)Bᵀ‖_* = tr(AᵀA(I + tΔ))`, and h(𝒢) stays. F would fall for t of one sign unless `tr(AᵀAΔ) = 0`. So F is
    constant, and as AᵀA is positive definite, Δ ≠ 0 has an eigenvalue of each sign: where `I + tΔ` becomes singular the
    rank is lower.

Implementation notes
    Floating point only: there is no rational version. With `P₁₁ = 1`, `P₂₂ = 2` measured, rank one needs `P₁₂ = ±√2`.

References
    Barvinok, Problems of distance geometry and convex properties of quadratic maps, Discrete Comput. Geom. 13 (1995). Pataki,
    On the rank of extreme matrices in semidefinite programs, Math. Oper. Res. 23 (1998). Tags: extreme point, low rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
_SMALL = 1e-10
"""Singular values below this fraction of the largest count as 0."""
_STATIONARY = 1e-6
"""The largest `tr(AᵀAΔ)` for a unit Δ, relative to ‖AᵀA‖_F, that counts as 0: what a computed minimizer is good for."""


@dataclass(frozen=True)
class Reduction:
    """A minimizer that no further step reduces.

    Attributes:
        left, right: a balanced pair, `(m, ρ)` and `(n, ρ)`; the minimizer is `left · rightᵀ`.
        ranks: the rank of the minimizer given, and after each step.
    """

    left: Array
    right: Array
    ranks: tuple[int, ...]

    @property
    def point(self) -> Array:
        """The minimizer, `(m, n)`."""
        return self.left @ self.right.T


def reduced(features: Array, point: Array) -> Reduction:
    """Lower a minimizer's rank while a move of its face is unmeasured; measurements and nuclear norm stay as they are.

    Args:
        features: the G_i flattened row by row, `(N, m·n)`; a linear term of the loss is one more of them.
        point: a minimizer X of `h(𝒢(X)) + λ‖X‖_*`, `(m, n)`, for any h and λ > 0.

    Returns:
        A minimizer of rank ρ with `ρ(ρ+1)/2 ≤ N`.

    Raises:
        ValueError: if the shapes disagree, an entry is not finite, or the nuclear norm changes along an unmeasured move: then X
            is no minimizer.

    >>> half = reduced(np.eye(2).reshape(1, 4), np.eye(2))  # measured: the trace
    >>> half.ranks, round(float(np.trace(half.point)), 12)
    ((2, 1), 2.0)
    """
    features, point = np.asarray(features, dtype=float), np.asarray(point, dtype=float)
    if point.ndim != 2 or features.ndim != 2 or features.shape[1] != point.size:
        raise ValueError(f"features {features.shape} do not measure a matrix {point.shape}: their rows need its entries")
    if not (np.all(np.isfinite(features)) and np.all(np.isfinite(point))):
        raise ValueError("an entry is not finite")
    gradients = features.reshape(-1, *point.shape)
    left, right = _balanced(point)
    ranks = [left.shape[1]]
    while (move := _unmeasured(gradients, left, right)) is not None:
        left, right = _moved(left, right, move)
        ranks.append(left.shape[1])
    return Reduction(left, right, tuple(ranks))


def _balanced(point: Array) -> tuple[Array, Array]:
    """Factors with `AᵀA = BᵀB` and as many columns as the rank."""
    u, values, vt = np.linalg.svd(point, full_matrices=False)
    rank = int(np.sum(values > _SMALL * values[0]))
    root = np.sqrt(values[:rank])
    return u[:, :rank] * root, vt[:rank].T * root


def _unmeasured(gradients: Array, left: Array, right: Array) -> Array | None:
    """A symmetric Δ of norm 1 with `⟨G_i, AΔBᵀ⟩ = 0` for all i, or None where only 0 is one."""
    rank = left.shape[1]
    rows, cols = np.triu_indices(rank)
    seen = left.T @ gradients @ right
    # Coordinates of symmetric matrices in which the Frobenius product is the usual one.
    weights = np.where(rows == cols, 1.0, np.sqrt(2.0))
    forms = (seen + np.swapaxes(seen, -1, -2))[:, rows, cols] / 2 * weights
    _, values, vt = np.linalg.svd(forms)
    measured = int(np.sum(values > _SMALL * max(values.max(initial=0.0), np.finfo(float).tiny)))
    if measured == len(rows):
        return None
    move = np.zeros((rank, rank))
    move[rows, cols] = move[cols, rows] = vt[-1] / weights
    return move


def _moved(left: Array, right: Array, move: Array) -> tuple[Array, Array]:
    """The factors of `A(I + tΔ)Bᵀ` for the t of least size at which `I + tΔ` is singular."""
    gram = left.T @ left
    change = float(np.sum(gram * move))
    if abs(change) > _STATIONARY * np.linalg.norm(gram):
        raise ValueError(f"the nuclear norm changes by {change:.1e} along a move that no measurement sees: X is no minimizer")
    values, frame = np.linalg.eigh(move)
    largest = values[np.argmax(np.abs(values))]
    grown = 1.0 - values / largest
    kept = grown > _SMALL
    turn = frame[:, kept] * np.sqrt(grown[kept])
    return left @ turn, right @ turn
