"""What the point finder returns: every start with its end, nothing dropped.

Main definitions: `Points`, `Status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np

from verify.losses.problem import Problem

Array = Any


class Status(IntEnum):
    """How a start ended."""

    SECOND_ORDER = 0
    SADDLE_STALLED = 1
    NOT_CONVERGED = 2
    UNBOUNDED = 3
    NON_FINITE = 4

    @property
    def sentence(self) -> str:
        """What it means."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.SECOND_ORDER: "a second-order stationary point within the tolerances",
    Status.SADDLE_STALLED: "a stationary point with negative curvature along which the loss does not decrease",
    Status.NOT_CONVERGED: "the work limit was reached before the gradient was small enough",
    Status.UNBOUNDED: "the loss or the point ran away: the loss seems to be unbounded below",
    Status.NON_FINITE: "the loss, its gradient or its Hessian is not finite",
}


@dataclass(frozen=True)
class Points:
    """The ends of `count` starts.

    Attributes:
        problem: the stack of problems.
        instance: the problem each start belongs to, `(count,)`.
        arrays: the adapted matrices by name, `(count, rows, cols)`.
        value: the loss, `(count,)`.
        gradient: `‖∇L‖`, `(count,)`.
        relative_gradient: `‖∇L‖ / (u + ‖∇L(start)‖)`, `(count,)`, u the gradient's size at a random point, at most 1.
        lambda_min_bound: a lower bound of λ_min(∇²L) modulo gauge: certified by a Cholesky factorization at
            second-order points, the eigenvalue itself at saddles, not a number elsewhere; `(count,)`.
        iterations: loss evaluations of the first-order phase plus Newton steps, `(count,)`.
        status: a `Status` for each start, `(count,)`.
    """

    problem: Problem
    instance: Array
    arrays: Mapping[str, Array]
    value: Array
    gradient: Array
    relative_gradient: Array
    lambda_min_bound: Array
    iterations: Array
    status: Array
    _free: Array = field(repr=False)
    """Whether the instance has no weight decay, so that its gauge group is GL(r)."""

    @property
    def count(self) -> int:
        """The number of starts."""
        return len(self.status)

    @property
    def reached(self) -> dict[Status, int]:
        """How many starts ended in each way; the counts add up to `count`."""
        return {s: int(np.sum(self.status == s)) for s in Status}

    @property
    def second_order(self) -> Array:
        """Which starts ended at a second-order point, `(count,)`."""
        return self.status == Status.SECOND_ORDER

    @cached_property
    def lambda_min(self) -> Array:
        """λ_min(∇²L) modulo gauge at every point, by eigenvalues, `(count,)`; computed when first asked for."""
        from verify.points.finder.finder import smallest_eigenvalues

        return smallest_eigenvalues(self)

    def pick(self, indices: Array) -> Points:
        """Some of the points; a boolean mask or indices."""
        return Points(
            self.problem,
            self.instance[indices],
            {n: a[indices] for n, a in self.arrays.items()},
            self.value[indices],
            self.gradient[indices],
            self.relative_gradient[indices],
            self.lambda_min_bound[indices],
            self.iterations[indices],
            self.status[indices],
            self._free[indices],
        )

    def __str__(self) -> str:
        parts = [f"{n} {s.name.lower().replace('_', ' ')}" for s, n in self.reached.items() if n]
        return f"{self.count} starts: {', '.join(parts) or 'none'}"
