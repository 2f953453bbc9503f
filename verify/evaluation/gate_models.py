"""Stand-ins for functions and operators at the points of the derivative gates: random cubics, random integer matrices.

Main definitions: `Cubic`, `cubic`, `operator_matrix`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from verify.language.operations.functions import OperatorSymbol
from verify.language.operations.operation import Field
from verify.language.terms import Dim

Array = Any


@dataclass(frozen=True)
class Cubic:
    """`f(X) = Σ_k φ_k(⟨C_k, X⟩)` with cubics φ_k: an opaque smooth function's stand-in, with closed derivatives."""

    forms: tuple[tuple[tuple[Fraction, ...], ...], ...]
    coefficients: tuple[tuple[Fraction, ...], ...]

    def _weights(self, field: Field, point: Array, directions: Sequence[Array], order: int) -> Iterator[tuple[Any, Any]]:
        for form, (a, b, c) in zip(self.forms, self.coefficients, strict=True):
            matrix = field.literal(form)
            t = (matrix * point).sum(axis=(-2, -1))
            one, half = field.number(Fraction(1)), field.number(Fraction(1, 2))
            sixth, zero = field.number(Fraction(1, 6)), field.number(Fraction(0))
            x, y, z = field.number(a), field.number(b), field.number(c)
            table = [
                t * (x + t * (half * y + sixth * z * t)),
                x + t * (y + half * z * t),
                y + z * t,
                z * one + zero * t,
            ]
            weight = table[order] if order < len(table) else zero * t
            for direction in directions:
                weight = weight * (matrix * direction).sum(axis=(-2, -1))
            yield weight, matrix

    def derivative(self, field: Field, point: Array, directions: Sequence[Array]) -> Array:
        """`D^k f(X)[Z1, ..., Zk]`."""
        return sum(w for w, _ in self._weights(field, point, directions, len(directions)))

    def gradient(self, field: Field, point: Array, directions: Sequence[Array]) -> Array:
        """The matrix of `D^(k+1) f(X)[Z1, ..., Zk, ·]`."""
        parts = self._weights(field, point, directions, len(directions) + 1)
        return sum((w if hasattr(w, "shape") else np.array(w, dtype=object))[..., None, None] * c for w, c in parts)


def cubic(rng: Random, rows: int, cols: int) -> Cubic:
    """A random cubic of a matrix, with small integers and halves in it."""

    def whole() -> Fraction:
        return Fraction(rng.randint(-2, 2))

    forms = [tuple(tuple(whole() for _ in range(cols)) for _ in range(rows)) for _ in range(rows * cols)]
    factors = [(whole(), whole() + Fraction(1, 2), whole() + Fraction(1, 2)) for _ in forms]
    return Cubic(tuple(forms), tuple(factors))


def operator_matrix(rng: Random, operator: OperatorSymbol, size: Callable[[Dim], int], *, definite: bool) -> Array:
    """A random integer matrix on row-major vectors; symmetric, or also semidefinite, where the operator is symmetric."""
    rows = size(operator.codomain[0]) * size(operator.codomain[1])
    cols = size(operator.domain[0]) * size(operator.domain[1])
    out = np.empty((rows, cols), dtype=object)
    for i, j in np.ndindex(rows, cols):
        out[i, j] = Fraction(rng.randint(-3, 3))
    if not operator.symmetric:
        return out
    return out.T @ out if definite else out + out.T
