"""Instances with a known X⋆: first X⋆ and its dual witness S are chosen, then the data are made to fit (theory §0).

Main definitions: `Star`, `plant`, `linear_term`.

No solver is involved: `−∇f(X⋆) = λS` with `S ∈ ∂‖X⋆‖_*` holds by construction, up to rounding of the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.calculus.conditions import gradient_of_function
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.operations.operation import Environment
from verify.language.statements import FunctionOf
from verify.language.terms import ARGUMENT, symbol

Array = Any
_SLACK = 0.9
"""Largest spectral norm of a witness's ⊥⊥ block: strictly inside, so that X⋆ is not at the edge of a larger rank."""


@dataclass(frozen=True)
class Star:
    """X⋆ and S, both `(count, m, n)`: `S = UVᵀ + W` for `X⋆ = UΣVᵀ`, W in the ⊥⊥ block with ‖W‖_op < 1."""

    point: Array
    witness: Array


def simple_decays(rng: np.random.Generator, decay: Array, choices: tuple[float, ...]) -> Array:
    """Decays from a few simple numbers where they vary and are positive; a decay that is common to all is the claim's own."""
    wanted = np.asarray(decay, dtype=float)
    if len(wanted) and np.all(wanted == wanted[0]):
        return wanted
    return np.where(wanted > 0, rng.choice(choices, len(wanted)), 0.0)


def frames(rng: np.random.Generator, count: int, size: int) -> Array:
    """Orthogonal matrices `(count, size, size)`, Haar distributed."""
    q, triangle = np.linalg.qr(rng.standard_normal((count, size, size)))
    signs = np.where(np.diagonal(triangle, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    return np.asarray(q * signs[:, None, :])


def plant(
    rng: np.random.Generator, count: int, rows: int, cols: int, rank: int, sizes: tuple[float, float] = (1.0, 2.0)
) -> Star:
    """Random X⋆ of a rank with a random witness.

    Args:
        rng: the source of randomness.
        count: number of instances.
        rows, cols: the shape of X⋆.
        rank: its rank, from 0 to `min(rows, cols)`.
        sizes: the range of its singular values, uniformly drawn.

    Raises:
        ValueError: if the rank is not possible.
    """
    if not 0 <= rank <= min(rows, cols):
        raise ValueError(f"X⋆ of rank {rank} does not exist among {rows}×{cols} matrices")
    left, right = frames(rng, count, rows), frames(rng, count, cols)
    u, v = left[..., :rank], right[..., :rank]
    values = rng.uniform(*sizes, (count, 1, rank))
    point = (u * values) @ np.swapaxes(v, -1, -2)
    witness = u @ np.swapaxes(v, -1, -2)
    if rank < min(rows, cols):
        block = rng.standard_normal((count, rows - rank, cols - rank))
        norms = np.linalg.norm(block, ord=2, axis=(-2, -1))[:, None, None]
        block = block / norms * rng.uniform(0.0, _SLACK, (count, 1, 1))
        witness = witness + left[..., rank:] @ block @ np.swapaxes(right[..., rank:], -1, -2)
    return Star(point, witness)


def slope_at(
    full: FunctionOf, dims: Mapping[str, int], data: Mapping[str, Array], operators: Mapping[str, Array], point: Array
) -> Array:
    """`∇f` at points `(count, m, n)`, from the derived gradient."""
    term = gradient_of_function(full, symbol(ARGUMENT, full.shape))
    env = Environment({**data, ARGUMENT: point}, dims, {}, operators)
    (value,) = evaluate_terms([term], env, FloatField())
    return np.broadcast_to(value, point.shape)


def linear_term(
    full: FunctionOf,
    dims: Mapping[str, int],
    data: Mapping[str, Array],
    operators: Mapping[str, Array],
    star: Star,
    weight: Array,
    name: str = "C",
) -> Array:
    """The datum C of `⟨C, X⟩` that makes `−∇f(X⋆) = weight·S`, for any loss that carries the linear term.

    A second step removes most of the first one's rounding.
    """
    wanted = -weight[:, None, None] * star.witness
    linear = np.zeros_like(star.point)
    for _ in range(2):
        linear = linear + (wanted - slope_at(full, dims, {**data, name: linear}, operators, star.point))
    return linear
