"""A loss that is not convex, of one adapter: what holds "for every f" must hold here too."""

from __future__ import annotations

import numpy as np

from verify.losses import formulas
from verify.losses.problem import Problem
from verify.losses.sampling import Generator, Wanted, assembled, with_linear_term


def oscillating(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """`½‖X‖² + 2Σ sin X_ij + ⟨C, X⟩`, with curvature `1 − 2 sin X_ij` between −1 and 3; X⋆ is planted through C."""
    star, weight = wanted.star(rng, count), wanted.decays(count)
    dims = {"m": wanted.m, "n": wanted.n}
    data = with_linear_term(formulas.oscillating, dims, {}, {}, star, weight)
    if star is None:
        data = {"C": -wanted.target(rng, count, wanted.m, wanted.n)}
    low, high = np.full(count, -1.0), np.full(count, 3.0)
    return assembled(
        "oscillating", formulas.oscillating, wanted, dims, data, weight, convex=False, alpha=low, beta=high, star=star
    )
