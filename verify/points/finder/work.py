"""What the phases of the point finder share: loading data, norms, and how much work they may do.

Main definitions: `Effort`, `Loader`, `norms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.losses.problem import Problem
from verify.points.finder.lowering import Instances, Lowered

Array = Any
_CACHE_BYTES = 1_500_000


@dataclass(frozen=True)
class Effort:
    """Limits and tolerances of the finder; all limits count work, none is a time.

    Attributes:
        gradient: stationary where `‖∇L‖ ≤ gradient · (u + ‖∇L(start)‖)`, u the gradient's size at a random point, at most 1.
        curvature: second-order where `λ_min ≥ −curvature · max(v, ‖∇²L‖)` modulo gauge, v likewise the Hessian's.
        switch: the first-order phase ends at this fraction of the starting gradient.
        descent: loss evaluations in one first-order phase.
        newton: Newton steps in one second-order phase.
        rescue: damped Newton steps with eigendecompositions, for what nothing else could finish.
        waves: how often an instance may go back to the first-order phase.
    """

    gradient: float = 1e-10
    curvature: float = 1e-9
    switch: float = 1e-4
    descent: int = 400
    newton: int = 40
    rescue: int = 200
    waves: int = 12


@dataclass(frozen=True)
class Loader:
    """Gives the data of some starts of a stack of problems."""

    loss: Lowered
    problem: Problem
    instance: Array
    """The problem each start belongs to."""

    def load(self, ids: Array) -> Instances:
        """The data of some starts."""
        return self.loss.load(self.problem, self.instance[ids])


def norms(vectors: Array) -> Array:
    """Euclidean norms of rows."""
    return np.sqrt(np.vecdot(vectors, vectors))


def capacity(loss: Lowered, problem: Problem) -> int:
    """How many instances stay in cache together."""
    arrays = [*problem.data.values(), *problem.operators.values()]
    bytes_each = sum(np.asarray(a)[:1].nbytes for a in arrays) + 8 * 20 * loss.unknowns
    return int(np.clip(_CACHE_BYTES // max(bytes_each, 1), 50, 400))
