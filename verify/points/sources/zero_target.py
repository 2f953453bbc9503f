"""Problems whose X⋆ is 0: the gradient at 0 is within the ball of the nuclear weight (theory §3, Corollary A″).

Main definitions: `zero_target`, `leaves_room`, `is_zero_target`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.language.formulas import Formula
from verify.language.statements import RegularizedStationary
from verify.language.terms import walk
from verify.losses.families import FAMILIES
from verify.losses.problem import Problem
from verify.losses.textbook import quadratic_of
from verify.points.sources.draws import BATCH, Sizes, Starts

Array = Any
Generator = np.random.Generator
_STRONG = ("factorization", "quadratic", "isometric_sensing", "weighted")


def zero_target(wanted: Sizes, rng: Generator) -> tuple[Problem, Starts] | None:
    """Quadratic problems with X⋆ = 0, every other stack in small rational numbers, started there.

    From elsewhere the search would end near 0 and not at it, and no tolerance relative to the size tells these apart.
    """
    sizes_ = {"m": wanted.rows, "n": wanted.cols, "r": wanted.r}
    if rng.random() < 0.5:
        problem = _rational(wanted, rng)
    else:
        kappa = float(rng.uniform(1.0, 8.0))
        curvature = {"spectrum": (1.0, kappa), "isometry": (kappa - 1) / (kappa + 1), "weights": (1 / kappa, 1.0)}
        problem = FAMILIES[str(rng.choice(_STRONG))].sample(rng, BATCH, decay=wanted.weight, star_rank=0, **curvature, **sizes_)
    return problem, (np.zeros((BATCH, wanted.rows, wanted.r)), np.zeros((BATCH, wanted.cols, wanted.r)))


def _rational(wanted: Sizes, rng: Generator) -> Problem:
    """`∇f(0) = −λS` with diagonal H and S, in numbers that rounding recovers."""
    m, n = wanted.rows, wanted.cols
    bend = rng.choice([1.0, 2.0, 4.0], (BATCH, m, n))
    decay = rng.choice([0.25, 0.5, 1.0], BATCH) * float(wanted.weight.any())
    witness = np.zeros((BATCH, m, n))
    place = np.arange(min(m, n))
    witness[:, place, place] = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0], (BATCH, min(m, n)))
    operator = np.zeros((BATCH, m * n, m * n))
    operator[:, np.arange(m * n), np.arange(m * n)] = bend.reshape(BATCH, -1)
    target = decay[:, None, None] * witness / bend
    problem = quadratic_of(operator, target, decay, wanted.r, star=np.zeros((BATCH, m, n)), witness=witness)
    return replace(problem, family="rational quadratic")


def leaves_room(formula: Formula, target: RegularizedStationary) -> bool:
    """Whether a claim has a meaning at X⋆ = 0: it counts no singular values and divides by nothing that vanishes there."""
    terms = [t for s in (*formula.given, formula.then) if s is not None and s is not target for t in s.terms()]
    nodes = {node for term in terms for node in walk(term)}
    counted = [n.args[1] for n in nodes if n.op == "sigma"]
    inverted = [n.args[0] for n in nodes if n.op == "pow" and n.payload[0] < 0]
    return not any(node == target.point for term in (*counted, *inverted) for node in walk(term))


def is_zero_target(batch: Batch, target: RegularizedStationary) -> bool:
    """Whether X⋆ = 0 in a whole batch."""
    return not batch.values[target.point.payload[0]].any()
