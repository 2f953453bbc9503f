"""Stacks of problems with starts, for claims about second-order points: a family's random ones, or planted spurious points.

Main definitions: `Sizes`, `Draw`, `from_family`, `planted_spurious`, `planted_rational`, `extremal`, `extremal_rational`,
`oblique`, `beyond_rank`, `curved`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.losses.curved import Curved, plant_curved
from verify.losses.extremal import plant_extremal
from verify.losses.families import FAMILIES, Family
from verify.losses.oblique import plant_oblique
from verify.losses.problem import Problem
from verify.losses.spurious import plant_rational_spurious, plant_spurious
from verify.points.finder.starts import Start

Array = Any
Generator = np.random.Generator
BATCH = 50
"""Problems a stack."""
_CONDITIONED = ("factorization", "quadratic", "isometric_sensing", "weighted")
"""Families with a condition number of choice."""


@dataclass(frozen=True)
class Sizes:
    """What a draw needs to know: rows, columns, LoRA rank, the largest rank of X⋆ (0 for none), and the nuclear weight."""

    rows: int
    cols: int
    r: int
    star_rank: int
    weight: Array


Starts = Start | tuple[Array, ...]
Draw = Callable[[Sizes, Generator], tuple[Problem, Starts] | None]


def from_family(family: Family, start: Start, wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """A loss family's random problems, with an initialization of all starts."""
    rank = int(rng.integers(1, wanted.star_rank + 1)) if wanted.star_rank else None
    kappa = float(rng.choice([1.0, 1.5, 3.0, 10.0, 60.0]) if rng.random() < 0.5 else rng.uniform(1.0, 8.0))
    problem = _sampled(family, wanted, rng, rank, kappa)
    return None if problem is None else (problem, start)


def beyond_rank(wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """X⋆ of larger rank than the adapters: nothing else tells what a bound on its rank is needed for."""
    if wanted.star_rank <= wanted.r:
        return None
    # Mostly by one: in small matrices the largest ranks leave many bounds without content.
    rank = wanted.r + 1 if rng.random() < 0.7 else int(rng.integers(wanted.r + 1, wanted.star_rank + 1))
    problem = _sampled(FAMILIES[str(rng.choice(_CONDITIONED))], wanted, rng, rank, float(rng.uniform(1.0, 2.0)))
    return None if problem is None else (problem, Start.SPECTRAL)


def _sampled(family: Family, wanted: Sizes, rng: Generator, rank: int | None, kappa: float) -> Problem | None:
    """Random problems, with condition number at most κ where the family can be told; None for impossible sizes."""
    curvature = {"spectrum": (1.0, kappa), "isometry": (kappa - 1) / (kappa + 1), "weights": (1 / kappa, 1.0)}
    sizes_ = {"m": wanted.rows, "n": wanted.cols, "r": wanted.r}
    try:
        return family.sample(rng, BATCH, decay=wanted.weight, star_rank=rank, **curvature, **sizes_)
    except ValueError:
        return None


def planted_spurious(wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """Problems with a known spurious point of rank r = r⋆, started there."""
    if min(wanted.rows, wanted.cols) <= wanted.r:
        return None
    planted = plant_spurious(rng, BATCH, wanted.rows, wanted.cols, wanted.r, wanted.weight)
    return planted.problem, (planted.left, planted.right)


def planted_rational(wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """The same in small rational numbers, so that a violation there can be made exact."""
    if min(wanted.rows, wanted.cols) <= wanted.r:
        return None
    planted = plant_rational_spurious(rng, BATCH, wanted.rows, wanted.cols, wanted.r, wanted.weight)
    return planted.problem, (planted.left, planted.right)


def extremal(wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """Spurious points of any rank r⋆ ≤ r at which Theorem D is attained or nearly so."""
    return _extremal(wanted, rng, rational=False)


def extremal_rational(wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """The same in small rational numbers."""
    return _extremal(wanted, rng, rational=True)


def _extremal(wanted: Sizes, rng: Generator, *, rational: bool) -> tuple[Problem, Starts] | None:
    room = min(wanted.rows, wanted.cols) - wanted.r
    if room < 1:
        return None
    star_rank = int(rng.integers(1, min(room, wanted.r) + 1))
    planted = plant_extremal(rng, BATCH, wanted.rows, wanted.cols, wanted.r, star_rank, wanted.weight, rational=rational)
    return planted.problem, (planted.left, planted.right)


def oblique(wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """Spurious points at any angle to X⋆, every other time in small rational numbers."""
    if wanted.star_rank < 1:
        return None
    rank = int(rng.integers(1, min(wanted.star_rank, wanted.r) + 1))
    sizes_ = (wanted.rows, wanted.cols, wanted.r, rank)
    planted = plant_oblique(rng, BATCH, sizes_, wanted.weight, rational=bool(rng.random() < 0.5))
    return None if planted is None else (planted.problem, (planted.left, planted.right))


def curved(kind: Curved, wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """Quadratics of any curvature around a second-order point and an X⋆, every other time in small rational numbers."""
    sizes_ = (wanted.rows, wanted.cols, wanted.r, wanted.star_rank)
    planted = plant_curved(rng, BATCH, sizes_, wanted.weight, kind, rational=bool(rng.random() < 0.5))
    return planted.problem, (planted.left, planted.right)
