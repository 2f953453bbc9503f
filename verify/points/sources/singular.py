"""Columns that a claim assumes to be singular vectors (`singular_pair`) are computed, once the matrix is known.

Main definitions: `SingularPair`, `singular_pairs`, `with_singular_vectors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.batches import Batch, instantiate
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.formulas import Formula
from verify.language.statements import Combination, Comparison, Statement
from verify.language.terms import Term, make, number, symbol, symbols_of

Array = Any


@dataclass(frozen=True)
class SingularPair:
    """`matrix · right = σ_index(matrix) · left` for two column symbols."""

    matrix: Term
    index: Term
    left: str
    right: str


def singular_pairs(formula: Formula) -> list[SingularPair]:
    """The pairs of singular vectors that the assumptions name, those whose matrix needs no other pair first."""
    found = [p for s in _parts(formula.given) if (p := _pair(s)) is not None]
    named = {name for p in found for name in (p.left, p.right)}
    return sorted(found, key=lambda p: bool(named & set(symbols_of(p.matrix))))


def _parts(statements: Sequence[Statement]) -> list[Statement]:
    flat: list[Statement] = []
    for statement in statements:
        opened = isinstance(statement, Combination) and statement.kind == "both"
        flat += _parts(statement.parts) if opened else [statement]  # type: ignore[attr-defined]
    return flat


def _pair(statement: Statement) -> SingularPair | None:
    """Reads `M v = σ_k(M) u`, whatever the order in which the product and the multiple were written."""
    if not isinstance(statement, Comparison) or statement.relation != "equal":
        return None
    image, multiple = statement.left, statement.right
    if multiple.op != "mul" or len(multiple.args) != 2:
        return None
    sizes = [a for a in multiple.args if a.op == "sigma"]
    columns = [a for a in multiple.args if a.op == "sym" and a.shape != ()]
    if len(sizes) != 1 or len(columns) != 1:
        return None
    matrix, index = sizes[0].args
    for name, shape in symbols_of(image).items():
        if len(matrix.shape) == 2 and shape == (matrix.shape[1], 1) and name not in symbols_of(matrix):
            product = make("matmul", matrix, symbol(name, shape))
            if product.shape == image.shape and polynomial_of(_difference(image, product)).is_zero:
                return SingularPair(matrix, index, columns[0].payload[0], name)
    return None


def _difference(left: Term, right: Term) -> Term:
    return expand(make("add", left, make("mul", number(-1), right)))


def with_singular_vectors(batch: Batch, formula: Formula) -> Batch:
    """The batch with the columns of every `singular_pair` set; other batches as they are.

    Instances without such a pair (σ_r of a matrix with fewer than r rows) meet no assumption that names it: they are left out.
    """
    for pair in singular_pairs(formula):
        terms = [instantiate(t, batch.functions) for t in (pair.matrix, pair.index)]
        with np.errstate(all="ignore"):
            matrix, index = evaluate_terms(terms, batch.environment(), FloatField())
        rows, cols = matrix.shape[-2:]
        matrix = np.broadcast_to(matrix, (batch.count, rows, cols))
        finite = np.all(np.isfinite(matrix), axis=(-2, -1))
        u, _, vt = np.linalg.svd(np.where(finite[:, None, None], matrix, 0.0))
        # An index that is not known (an undecided rank) names no pair.
        place = np.broadcast_to(np.asarray(np.where(np.isfinite(index), index, 0), dtype=int), (batch.count,)) - 1
        safe = np.clip(place, 0, min(rows, cols) - 1)
        own = np.arange(batch.count)
        left, right = u[own, :, safe], vt[own, safe, :]
        left, right = np.where(finite[:, None], left, np.nan), np.where(finite[:, None], right, np.nan)
        batch = replace(batch, values={**batch.values, pair.left: left[..., None], pair.right: right[..., None]})
        batch = batch.pick(np.flatnonzero(place == safe))
    return batch
