"""Random matrices of many kinds: the families a claim about all matrices is tested on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Generator = np.random.Generator


def gaussian(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Standard normal entries."""
    return rng.standard_normal((count, rows, cols))


def tiny(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Entries near 1e-8 ... 1e-3."""
    return gaussian(rng, count, rows, cols) * 10.0 ** rng.uniform(-8, -3, (count, 1, 1))


def huge(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Entries near 1e2 ... 1e6."""
    return gaussian(rng, count, rows, cols) * 10.0 ** rng.uniform(2, 6, (count, 1, 1))


def scaled(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Normal entries times a factor between 1e-2 and 1e2."""
    return gaussian(rng, count, rows, cols) * 10.0 ** rng.uniform(-2, 2, (count, 1, 1))


def zero(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Zero."""
    return np.zeros((count, rows, cols))


def integers(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Small integers."""
    return rng.integers(-3, 4, (count, rows, cols)).astype(float)


def sparse(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Normal entries, most of them zero."""
    return gaussian(rng, count, rows, cols) * (rng.random((count, rows, cols)) < 0.4)


def rank_deficient(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """A product of thin factors, of rank below the smaller dimension where there is room."""
    rank = max(1, min(rows, cols) - 1)
    return gaussian(rng, count, rows, rank) @ gaussian(rng, count, rank, cols)


def orthonormal(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Orthonormal columns (or rows, for wide matrices)."""
    tall = rows >= cols
    frame, _ = np.linalg.qr(gaussian(rng, count, max(rows, cols), min(rows, cols)))
    return frame if tall else np.swapaxes(frame, -1, -2)


def repeated_singular_values(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Singular values from {0, 1, 2}, so that many coincide."""
    k = min(rows, cols)
    values = rng.integers(0, 3, (count, k)).astype(float)
    left, right = orthonormal(rng, count, rows, k), orthonormal(rng, count, cols, k)
    return (left * values[:, None, :]) @ np.swapaxes(right, -1, -2)


def ill_conditioned(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Singular values spread over six decades."""
    k = min(rows, cols)
    values = 10.0 ** rng.uniform(-4, 2, (count, k))
    left, right = orthonormal(rng, count, rows, k), orthonormal(rng, count, cols, k)
    return (left * values[:, None, :]) @ np.swapaxes(right, -1, -2)


def diagonal(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Diagonal matrices."""
    return gaussian(rng, count, rows, cols) * np.eye(rows, cols)


def symmetric(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Symmetric where square."""
    g = gaussian(rng, count, rows, cols)
    return (g + np.swapaxes(g, -1, -2)) / 2 if rows == cols else g


def skew(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Skew-symmetric where square."""
    g = gaussian(rng, count, rows, cols)
    return (g - np.swapaxes(g, -1, -2)) / 2 if rows == cols else g


def positive_definite(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Positive definite where square, entries positive otherwise."""
    g = gaussian(rng, count, rows, cols)
    return g @ np.swapaxes(g, -1, -2) + 0.1 * np.eye(rows) if rows == cols else np.abs(g) + 0.1


def mask(rng: Generator, count: int, rows: int, cols: int) -> Array:
    """Zeros and ones."""
    return (rng.random((count, rows, cols)) < 0.6).astype(float)


FAMILIES: dict[str, Callable[[Generator, int, int, int], Array]] = {
    "gaussian": gaussian,
    "scaled": scaled,
    "tiny": tiny,
    "huge": huge,
    "zero": zero,
    "integer": integers,
    "sparse": sparse,
    "rank-deficient": rank_deficient,
    "orthonormal": orthonormal,
    "repeated singular values": repeated_singular_values,
    "ill-conditioned": ill_conditioned,
    "diagonal": diagonal,
    "symmetric": symmetric,
    "skew": skew,
    "positive definite": positive_definite,
    "mask": mask,
}
"""Every family by name."""
