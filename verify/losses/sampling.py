"""What all samplers share: the sizes and options of a draw, and the stack of problems made of the data.

Main definitions: `Wanted`, `assembled`, `planted_by_linear_term`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.losses.elaborated import elaborated
from verify.losses.formulas import Adapted
from verify.losses.planting import Star, linear_term, plant
from verify.losses.problem import Problem

Array = Any
Generator = np.random.Generator
OUTWARD = 1e-12
"""Computed curvature bounds are moved outward by this fraction of the upper one, far above the eigenvalues' rounding."""


@dataclass(frozen=True)
class Wanted:
    """Sizes and options of a draw; a family reads those that mean something to it.

    Attributes:
        m, n: the shape of X.
        r: the adapters' rank.
        decay: λ ≥ 0, a number or `(count,)`.
        star_rank: the rank of a planted X⋆; None draws natural data (a noisy target of rank `target_rank`) instead.
        star_sizes: the range of the planted singular values.
        target_rank: the rank of natural targets.
        noise: the size of the noise on natural targets.
        samples: N, the number of inputs, measurements or tokens.
        spectrum: (α, β) of the operator H; 0 may not lie at or between them if X⋆ is planted in M.
        isometry: δ < 1 of restricted-isometry sensing: the spectrum is [1 − δ, 1 + δ].
        observed: the chance of an entry to be observed in completion.
        weights: the range of the weights of weighted approximation.
        d, h, k: input, hidden and output width of networks.
    """

    m: int = 4
    n: int = 5
    r: int = 2
    decay: Any = 0.05
    star_rank: int | None = 1
    star_sizes: tuple[float, float] = (1.0, 2.0)
    target_rank: int = 2
    noise: float = 0.1
    samples: int = 12
    spectrum: tuple[float, float] = (1.0, 10.0)
    isometry: float = 0.3
    observed: float = 0.6
    weights: tuple[float, float] = (0.1, 1.0)
    d: int = 4
    h: int = 5
    k: int = 3

    def decays(self, count: int) -> Array:
        """λ for each instance, `(count,)`.

        Raises:
            ValueError: for negative or non-finite decays.
        """
        found = np.broadcast_to(np.asarray(self.decay, dtype=float), (count,)).copy()
        if not np.all((found >= 0) & np.isfinite(found)):
            raise ValueError(f"the weight decay {self.decay} is not a finite number at least 0")
        return found

    def __post_init__(self) -> None:
        sizes = {k: getattr(self, k) for k in ("m", "n", "r", "samples", "d", "h", "k")}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} = {size}: every size is at least 1")

    def star(self, rng: Generator, count: int) -> Star | None:
        """A random X⋆ with its witness, if one is to be planted."""
        if self.star_rank is None:
            return None
        return plant(rng, count, self.m, self.n, self.star_rank, self.star_sizes)

    def target(self, rng: Generator, count: int, rows: int, cols: int) -> Array:
        """A noisy matrix of low rank, entries of order 1."""
        rank = min(self.target_rank, rows, cols)
        product = rng.standard_normal((count, rows, rank)) @ rng.standard_normal((count, rank, cols))
        return product / np.sqrt(max(rank, 1)) + self.noise * rng.standard_normal((count, rows, cols))


Sampler = Callable[[Generator, int, Wanted], Problem]


def assembled(
    name: str,
    formula: Callable[[], Adapted],
    wanted: Wanted,
    dims: Mapping[str, int],
    data: Mapping[str, Array],
    weight: Array,
    *,
    operators: Mapping[str, Array] | None = None,
    convex: bool = False,
    alpha: Array | None = None,
    beta: Array | None = None,
    star: Star | None = None,
) -> Problem:
    """The stack of problems of a family's formula with its data."""
    terms = elaborated(formula)
    return Problem(
        name,
        terms.loss,
        terms.pairs,
        terms.full,
        {**dims, "r": wanted.r},
        {**data, "λ": weight},
        dict(operators or {}),
        weight,
        convex,
        alpha,
        beta,
        None if star is None else star.point,
        None if star is None else star.witness,
        len(weight),
    )


def with_linear_term(
    formula: Callable[[], Adapted],
    dims: Mapping[str, int],
    data: Mapping[str, Array],
    operators: Mapping[str, Array],
    star: Star | None,
    weight: Array,
) -> dict[str, Array]:
    """The data with C: 0, or what makes the planted X⋆ stationary."""
    nothing = np.zeros((len(weight), dims["m"], dims["n"]))
    if star is None:
        return {**data, "C": nothing}
    full = elaborated(formula).full
    assert full is not None
    return {**data, "C": linear_term(full, dims, data, operators, star, weight)}


def gram_bounds(matrix: Array, factor: Array | float = 1.0) -> tuple[Array, Array]:
    """Bounds `(count,)` from below and above of the eigenvalues of `factor·KᵀK` for matrices K `(count, N, p)`."""
    gram = np.swapaxes(matrix, -1, -2) @ matrix * factor
    values = np.linalg.eigvalsh(gram)
    slack = OUTWARD * values[:, -1]
    # Fewer rows than columns leave exact zeros, which rounding would hide.
    least = np.maximum(values[:, 0] - slack, 0.0) if matrix.shape[-2] >= matrix.shape[-1] else np.zeros(len(matrix))
    return least, values[:, -1] + slack
