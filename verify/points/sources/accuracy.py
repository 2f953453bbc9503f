"""How far a computed stationary point is from the exact one, to first order: one more Newton step and its length.

Main definitions: `finished`. The length relative to the point becomes the slack of every margin read there (design §4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verify.calculus.differentiate import gradients
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.hessians import hessian_matrix
from verify.evaluation.interpret import evaluate_terms
from verify.language.terms import Term
from verify.points.sources.repair import moved as moved_by

Array = Any
_CUTOFF = 1e-8
"""Hessian directions below this fraction of the largest eigenvalue are gauge or flat; no step is taken along them."""
_SAFETY = 100.0


def finished(batch: Batch, loss: Term, variables: Sequence[Term]) -> Batch:
    """The points after one Newton step, with the slack that the length of the next step suggests.

    Args:
        batch: second-order points of `loss`.
        loss: the loss with all its data in the batch.
        variables: the adapted matrices.
    """
    names = [v.payload[0] for v in variables]
    hessian = hessian_matrix(loss, variables, batch)
    finite = np.all(np.isfinite(hessian), axis=(-2, -1))
    inverse = np.linalg.pinv(np.where(finite[:, None, None], hessian, 0.0), rcond=_CUTOFF, hermitian=True)
    slopes = gradients(loss, variables)
    moved = moved_by(batch, names, -_step(batch, slopes, inverse))
    better = _norm(_slope(moved, slopes)) <= _norm(_slope(batch, slopes))
    values = {n: np.where(better[:, None, None], moved.values[n], batch.values[n]) for n in names}
    kept = replace(batch, values={**batch.values, **values})
    rest = _norm(_step(kept, slopes, inverse))
    size = _norm(np.concatenate([kept.values[n].reshape(batch.count, -1) for n in names], axis=1))
    return replace(kept, slack=_SAFETY * rest / np.where(size > 0, size, 1.0))


def _slope(batch: Batch, slopes: Sequence[Term]) -> Array:
    with np.errstate(all="ignore"):
        parts = evaluate_terms(slopes, batch.environment(), FloatField())
    return np.concatenate([np.broadcast_to(p, (batch.count, *p.shape[-2:])).reshape(batch.count, -1) for p in parts], axis=1)


def _step(batch: Batch, slopes: Sequence[Term], inverse: Array) -> Array:
    return (inverse @ _slope(batch, slopes)[..., None])[..., 0]


def _norm(vectors: Array) -> Array:
    return np.linalg.norm(vectors, axis=-1)
