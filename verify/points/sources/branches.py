"""On which branch of the theory a second-order point is: its rank, and whether it is X⋆.

Main definitions: `branches`, `AT_TARGET`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.language.statements import Stationary
from verify.points.sources.factors import are_products

Array = Any
AT_TARGET = ", at X⋆"
"""How the branch of a point that is X⋆ ends."""


def branches(batch: Batch, statement: Stationary, stars: Sequence[str]) -> Array:
    """`rank-deficient`, `full-rank` or `several adapters`, and `at X⋆` or `spurious` where X⋆ (its names) is known.

    A loss that does not see its factors as A·Bᵀ has no such branches.
    """
    if not are_products(statement):
        return np.full(batch.count, "general factors", dtype=object)
    factors = [batch.values[v.payload[0]] for v in statement.variables]
    updates = [a @ np.swapaxes(b, -1, -2) for a, b in zip(factors[::2], factors[1::2], strict=False)]
    if len(updates) == 1:
        full = FloatField().rank(updates[0]) == factors[0].shape[-1]
        branch = np.where(full, "full-rank", "rank-deficient").astype(object)
    else:
        branch = np.full(batch.count, "several adapters", dtype=object)
    if stars:
        near, factor = np.full(batch.count, True), _scale_factor(batch)
        # Starts that left every bound are among the points; their distance is infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            for update, name in zip(updates, stars, strict=True):
                star = batch.values[name]
                size, far, gap = (np.linalg.norm(x, axis=(-2, -1)) for x in (star, update, factor * update - star))
                near &= gap <= 1e-6 * np.maximum(size, far)
        branch = branch + np.where(near, AT_TARGET, ", spurious")
    return branch


def _scale_factor(batch: Batch) -> Array:
    """The LoRA scale, where the claim has one among its scalars."""
    return batch.values["s"][:, None, None] if "s" in batch.values else 1.0
