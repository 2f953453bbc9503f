"""Stacks of LoRA problems: one formula, one set of sizes, data for each instance.

Main definitions: `Problem`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.language.statements import FunctionOf
from verify.language.terms import Term

Array = Any


@dataclass(frozen=True)
class Problem:
    """`count` problems `min L` with common sizes.

    Attributes:
        family: the loss family's name.
        loss: the scalar LoRA loss L, a term in the adapted matrices and the data.
        pairs: the adapted factors (A, B), or several pairs; symbols of shapes `(m, r)` and `(n, r)`.
        full: for one adapter, the full loss f as a function of the `m×n` update X (None for several adapters).
        dims: sizes by dimension name.
        data: data arrays by variable name, `(count, ...)`; the decay is among them under its own name.
        operators: operator matrices on row-major vectors, `(count, q, p)`.
        weight: the effective nuclear weight for each instance, `(count,)` (theory §0).
        convex: whether f is convex by construction.
        alpha, beta: uniform curvature bounds of f that hold by construction, `(count,)`, or None.
        star, witness: X⋆ and S with `−∇f(X⋆) = weight·S` by construction, `(count, m, n)`, or None.
        count: the number of instances.
    """

    family: str
    loss: Term
    pairs: tuple[tuple[Term, Term], ...]
    full: FunctionOf | None
    dims: Mapping[str, int]
    data: Mapping[str, Array]
    operators: Mapping[str, Array] = field(default_factory=dict)
    weight: Array = None
    convex: bool = False
    alpha: Array | None = None
    beta: Array | None = None
    star: Array | None = None
    witness: Array | None = None
    count: int = 1

    @property
    def variables(self) -> tuple[Term, ...]:
        """The adapted matrices, A before B in each pair."""
        return tuple(v for pair in self.pairs for v in pair)

    def size_of(self, variable: Term) -> tuple[int, int]:
        """Rows and columns of an adapted matrix."""
        rows, cols = (d if isinstance(d, int) else self.dims[d] for d in variable.shape)
        return rows, cols

    @property
    def unknowns(self) -> int:
        """The number p of unknowns."""
        return sum(rows * cols for rows, cols in map(self.size_of, self.variables))

    def batch(self, points: Mapping[str, Array]) -> Batch:
        """The instances at some points (arrays by variable name), as readers of claims want them."""
        return Batch(self.dims, {**self.data, **points}, self.operators, {}, self.family, self.count)

    def pick(self, indices: Any) -> Problem:
        """Some instances (an index may occur several times: several starts of one problem)."""
        indices = np.asarray(indices)

        def some(array: Array | None) -> Array | None:
            return None if array is None else array[indices]

        return Problem(
            self.family,
            self.loss,
            self.pairs,
            self.full,
            self.dims,
            {n: v[indices] for n, v in self.data.items()},
            {n: v[indices] for n, v in self.operators.items()},
            some(self.weight),
            self.convex,
            some(self.alpha),
            some(self.beta),
            some(self.star),
            some(self.witness),
            len(indices),
        )
