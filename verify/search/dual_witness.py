"""The dual witness S ∈ ∂‖X⋆‖_* with many digits: its definition is not smooth, so it is built and not solved for.

Main definitions: `with_dual_witnesses`, `dual_pairs`. With `X⋆ = UΣVᵀ` the subgradients are `UVᵀ + W`, W orthogonal to both
singular spaces and of spectral norm at most 1 (theory §0).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from verify.evaluation.batches import Batch
from verify.language.statements import RegularizedStationary
from verify.search.precise import PreciseReader

Array = Any
_RANK = 1e-10
"""Singular values of a float matrix below this, relative to the largest, are rounding errors."""


def dual_pairs(reader: PreciseReader) -> dict[str, str]:
    """The witness of each matrix that a claim defines as a regularized stationary point, by their names."""
    found = [s for s in reader.formula.given if isinstance(s, RegularizedStationary)]
    return {
        name: partner
        for s in found
        if s.point.op == s.witness.op == "sym"
        for name, partner in ((s.point.payload[0], s.witness.payload[0]), (s.witness.payload[0], s.point.payload[0]))
    }


def with_dual_witnesses(batch: Batch, reader: PreciseReader) -> Batch:
    """The batch with every X⋆ of exactly the rank that floats see, and its S a subgradient there, to all digits."""
    for statement in reader.formula.given:
        if isinstance(statement, RegularizedStationary) and statement.point.op == statement.witness.op == "sym":
            point, witness = statement.point.payload[0], statement.witness.payload[0]
            made = _pair(batch.values[point][0], batch.values[witness][0], reader)
            batch = replace(batch, values={**batch.values, point: made[0][None], witness: made[1][None]})
    return batch


def _pair(point: Array, witness: Array, reader: PreciseReader) -> tuple[Array, Array]:
    mp = reader.field.mp
    u, sizes, vt = mp.svd_r(mp.matrix(point.tolist()))
    rank = sum(1 for s in sizes if s > _RANK * sizes[0])
    left, right = u[:, :rank], vt[:rank, :]
    low = left * mp.diag(list(sizes)[:rank]) * right if rank else mp.matrix(*point.shape)
    inner = mp.matrix(witness.tolist())
    if rank:
        inner -= left * (left.T * inner)
        inner -= (inner * right.T) * right
    largest = max(mp.svd_r(inner, compute_uv=False))
    # An entry of the shell may be a rounding error too large.
    rest = inner / largest if largest > 1 else inner
    made = left * right + rest if rank else rest
    return _array(low, point), _array(made, point)


def _array(matrix: Any, like: Array) -> Array:
    made = like.copy()
    for i in range(like.shape[0]):
        for j in range(like.shape[1]):
            made[i, j] = matrix[i, j]
    return made
