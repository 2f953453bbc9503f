"""On which branch of the theory a second-order point is: its rank, and whether it is X⋆.

Main definitions: `branches`, `updates_of`, `ranks_are_decided`, `AT_TARGET`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.tolerances import LOOSE
from verify.language.statements import Stationary
from verify.points.sources.factors import are_products
from verify.points.sources.roles import scale_of

Array = Any
_DEPTH = 4.0
"""Roundings in an entry of `ABᵀ`: A, B, its transpose and the product (see `evaluation.scales`)."""
AT_TARGET = ", at X⋆"
"""How the branch of a point that is X⋆ ends."""


def updates_of(batch: Batch, statement: Stationary) -> list[Array]:
    """`X_l = A_lB_lᵀ` of every adapter, `(count, m_l, n_l)`."""
    factors = [batch.values[v.payload[0]] for v in statement.variables]
    return [a @ np.swapaxes(b, -1, -2) for a, b in zip(factors[::2], factors[1::2], strict=False)]


def ranks_are_decided(batch: Batch, statement: Stationary) -> Array:
    """Whether floats tell the rank of every update, `(count,)`: near a rank drop the exact point nearby may have another.

    It is measured by the factors, as claims do that compute `ABᵀ` from them.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # starts that left every bound are among the points
        lengths = [np.linalg.norm(batch.values[v.payload[0]], axis=(-2, -1)) for v in statement.variables]
    sizes = [_DEPTH * a * b for a, b in zip(lengths[::2], lengths[1::2], strict=False)]
    updates = updates_of(batch, statement)
    ranks = [FloatField().rank(x, size, LOOSE) for x, size in zip(updates, sizes, strict=True)]
    return np.all(np.isfinite(ranks), axis=0)


def branches(batch: Batch, statement: Stationary, stars: Sequence[str]) -> Array:
    """`rank-deficient`, `full-rank` or `several adapters`, and `at X⋆` or `spurious` where X⋆ (its names) is known.

    A loss that does not see its factors as A·Bᵀ has no such branches.
    """
    if not are_products(statement):
        return np.full(batch.count, "general factors", dtype=object)
    updates = updates_of(batch, statement)
    if len(updates) == 1:
        full = FloatField().rank(updates[0]) == batch.values[statement.variables[0].payload[0]].shape[-1]
        branch = np.where(full, "full-rank", "rank-deficient").astype(object)
    else:
        branch = np.full(batch.count, "several adapters", dtype=object)
    if stars:
        near, factor = np.full(batch.count, True), scale_of(statement, batch)[:, None, None]
        # Starts that left every bound are among the points; their distance is infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            for update, name in zip(updates, stars, strict=True):
                star = batch.values[name]
                size, far, gap = (np.linalg.norm(x, axis=(-2, -1)) for x in (star, update, factor * update - star))
                near &= gap <= 1e-6 * np.maximum(size, far)
        branch = branch + np.where(near, AT_TARGET, ", spurious")
    return branch
