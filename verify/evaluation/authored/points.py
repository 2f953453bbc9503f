"""Where expressions are evaluated: values by the author's objects, cubics for opaque functions, and the training process.

Main definitions: `Point`, `Cubic`, `Training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from verify.evaluation.authored.arithmetic import MP, Number, Value
from verify.language.nodes import WrittenFunction, WrittenOperator


@dataclass(frozen=True)
class Cubic:
    """`f(Y) = Σ_k a_k t_k + b_k t_k²/2 + c_k t_k³/6` with `t_k = ⟨C_k, Y⟩`: what an opaque function is here.

    Attributes:
        forms: the matrices C_k, of exact numbers.
        factors: a_k, b_k, c_k.
    """

    forms: tuple[Value, ...]
    factors: tuple[tuple[Number, Number, Number], ...]

    def derivative(self, point: Value, directions: tuple[Value, ...]) -> Number:
        """`D^k f(Y)[Z_1, …, Z_k]`."""
        return sum((w for w, _ in self._weights(point, directions, len(directions))), MP.mpf(0))

    def gradient(self, point: Value, directions: tuple[Value, ...]) -> Value:
        """The matrix W with `⟨W, U⟩ = D^(k+1) f(Y)[Z_1, …, Z_k, U]`."""
        return sum((w * form for w, form in self._weights(point, directions, len(directions) + 1)), 0 * point)

    def _weights(self, point: Value, directions: tuple[Value, ...], order: int) -> list[tuple[Number, Value]]:
        found = []
        for form, (a, b, c) in zip(self.forms, self.factors, strict=True):
            t = (form * point).sum()
            weight = [a * t + b * t**2 / 2 + c * t**3 / 6, a + b * t + c * t**2 / 2, b + c * t, c, MP.mpf(0)][min(order, 4)]
            for direction in directions:
                weight = weight * (form * direction).sum()
            found.append((weight, form))
        return found


@dataclass(frozen=True)
class Training:
    """A process in the author's objects: the loss, the symbols that move, the step size of descent (None: a flow)."""

    loss: Any
    moving: tuple[Any, ...]
    step: Any = None


@dataclass(frozen=True)
class Point:
    """Values for the objects of some expressions.

    Attributes:
        values: by symbol: numbers for scalars, arrays for matrices, integers for dimensions.
        functions: a cubic for each opaque function.
        operators: matrices on row-major vectors.
        training: what `ddt` and `after` mean.
    """

    values: Mapping[Any, Value]
    functions: Mapping[WrittenFunction, Cubic]
    operators: Mapping[WrittenOperator, Value]
    training: Training | None = None

    def put(self, values: Mapping[Any, Value]) -> Point:
        """The same point with some values replaced."""
        return replace(self, values={**self.values, **values})

    def size(self, dim: Any) -> int:
        """The integer that a dimension stands for."""
        return int(dim) if isinstance(dim, int | sp.Integer) else int(self.values[dim])
