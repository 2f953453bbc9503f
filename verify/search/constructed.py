"""Second-order points in small rational numbers, made rather than found: choose balanced factors, then solve for the data.

Main definitions: `constructed_batches`. Stationarity is linear in the data of most losses (theory §7), so that a small rational
point with small rational λ needs data near small rationals; a rounded instance can then be made exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition
from verify.evaluation.batches import Batch
from verify.language.errors import NoSource
from verify.language.formulas import Formula
from verify.language.statements import Stationary
from verify.points.sources.dimensions import sizes
from verify.points.sources.factors import require_pairs
from verify.points.sources.matrices import FAMILIES
from verify.points.sources.sampling import scalar_values, with_functions
from verify.points.sources.stationary import with_solved_data

Array = Any
Generator = np.random.Generator
_BATCH = 200
_KINDS = ("integer", "mask", "diagonal", "mask")


def constructed_batches(formula: Formula, conditions: Sequence[Condition], rng: Generator, largest: int = 3) -> Iterator[Batch]:
    """Endless batches of points that are stationary for the claim's loss, most of them not yet second-order.

    Raises:
        NoSource: if the claim has not exactly one stationarity assumption about one adapter, or no data enter it linearly.
    """
    stationary = [s for s in formula.given if isinstance(s, Stationary)]
    if len(stationary) != 1 or len(stationary[0].variables) != 2:
        raise NoSource("points are constructed for one adapter and one loss only")
    require_pairs(stationary[0])
    left, right = stationary[0].variables
    for dims in sizes(formula.dims, conditions, rng):
        rows, cols, width = (d if isinstance(d, int) else dims[d] for d in (left.shape[0], right.shape[0], left.shape[1]))  # type: ignore[misc]
        # Where r ≥ min(m, n) a second-order point is global for many losses (theory §3, Corollary A′): a few are enough.
        narrow = width < min(rows, cols) or rng.random() < 0.2
        if max(dims.values(), default=1) <= largest and narrow:
            yield with_solved_data(_drawn(formula, stationary[0], dims, rng), stationary[0], formula)


def _drawn(formula: Formula, statement: Stationary, dims: dict[str, int], rng: Generator) -> Batch:
    values: dict[str, Array] = {}
    for name, shape in formula.matrices().items():
        rows, cols = (d if isinstance(d, int) else dims[d] for d in shape)
        values[name] = np.round(FAMILIES[str(rng.choice(_KINDS))](rng, _BATCH, rows, cols))
    left, right = (v.payload[0] for v in statement.variables)
    values[left], values[right] = _balanced(values[left].shape, values[right].shape, rng)
    for name, domain in formula.scalars().items():
        drawn = np.round(20 * scalar_values(domain, rng, _BATCH)) / 20
        inside = np.array([domain.contains(_exact(x)) for x in drawn])
        values[name] = np.where(inside, drawn, scalar_values(domain, rng, _BATCH))
    return with_functions(Batch(dims, values, family="constructed", count=_BATCH), formula, rng)


def _exact(value: float) -> Any:
    from fractions import Fraction

    return Fraction(float(value)).limit_denominator(1000)


def _balanced(left: tuple[int, ...], right: tuple[int, ...], rng: Generator) -> tuple[Array, Array]:
    """Pairs with `AᵀA = BᵀB`: a few rows of halves and tenths, permuted and with signs changed."""
    rows = min(left[1], right[1])
    step = rng.choice([0.1, 0.25, 0.5], (_BATCH, 1, 1))
    core = step * rng.integers(-4, 5, (_BATCH, rows, left[2]))

    def placed(height: int) -> Array:
        padded = np.concatenate([core, np.zeros((_BATCH, height - rows, left[2]))], axis=1)
        order = np.argsort(rng.random((_BATCH, height)), axis=1)
        signs = rng.choice([-1.0, 1.0], (_BATCH, height, 1))
        return signs * np.take_along_axis(padded, order[:, :, None], axis=1)

    return placed(left[1]), placed(right[1])
