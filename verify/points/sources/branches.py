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
from verify.points.sources.roles import scale_of

Array = Any
AT_TARGET = ", at X⋆"
"""How the branch of a point that is X⋆ ends."""


def branches(batch: Batch, statement: Stationary, stars: Sequence[str]) -> Array:
    """`rank-deficient`, `full-rank` or `several adapters`, and `at X⋆` or `spurious` where X⋆ (its names) is known."""
    factors = [batch.values[v.payload[0]] for v in statement.variables]
    updates = [a @ np.swapaxes(b, -1, -2) for a, b in zip(factors[::2], factors[1::2], strict=False)]
    if len(updates) == 1:
        full = FloatField().rank(updates[0]) == factors[0].shape[-1]
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
