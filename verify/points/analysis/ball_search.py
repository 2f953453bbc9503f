"""Points of low rank in a ball around X⋆, and projected gradient descent of a quotient over them.

Main definitions: `Ball`, `Search`. Points are kept as factors, `X = PQᵀ`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.calculus.conditions import gradient_of_function
from verify.evaluation.tolerances import TIGHT
from verify.language.terms import Term, symbol
from verify.losses.problem import Problem
from verify.points.analysis.constants import star_of
from verify.points.analysis.full import evaluated, frobenius, full_of
from verify.points.finder.gauge import factors_of

Array = Any
LEFT, RIGHT, STAR, STAR_SLOPE = "·P", "·Q", "·X⋆", "·G⋆"
SIDES = ("·u", "·a", "·b", "·v")
CLOSEST = 1e-4
"""Points nearer to X⋆ than this fraction of the radius are left out: rounding decides the quotient there."""


@dataclass(frozen=True)
class Ball:
    """Points `X = PQᵀ` of rank at most k within a distance of X⋆.

    Attributes:
        star: X⋆, `(count, m, n)`.
        left, right: its own factors, `(count, m, k)` and `(count, n, k)`.
        radius: the distance, `(count,)`.
    """

    star: Array
    left: Array
    right: Array
    radius: Array

    @staticmethod
    def around(star: Array, rank: int, radius: Array) -> Ball:
        """The ball around points `(count, m, n)`.

        Raises:
            ValueError: if X⋆ has a larger rank.
        """
        left, right = factors_of(star, rank)
        missing = frobenius(star - left @ np.swapaxes(right, -1, -2))
        if np.any(missing > TIGHT * frobenius(star)):
            raise ValueError(f"X⋆ has a rank above {rank}: the restricted constants are about points of rank at most {rank}")
        return Ball(star, left, right, radius)

    def pick(self, index: Array) -> Ball:
        """Some of the balls; an index may occur several times."""
        return Ball(self.star[index], self.left[index], self.right[index], self.radius[index])

    def distance(self, left: Array, right: Array) -> Array:
        """`‖PQᵀ − X⋆‖_F`."""
        return frobenius(left @ np.swapaxes(right, -1, -2) - self.star)

    def reached(self, left: Array, right: Array, radius: Array) -> tuple[Array, Array]:
        """Factors on the way from X⋆'s own to the given ones: as far as the radius `(count,)` allows, by bisection."""
        low, high = np.zeros(len(radius)), np.ones(len(radius))
        inside = self.distance(left, right) <= radius
        for _ in range(50):
            middle = (low + high) / 2
            near = self.distance(*self._on_the_way(left, right, middle)) <= radius
            low, high = np.where(near, middle, low), np.where(near, high, middle)
        return self._on_the_way(left, right, np.where(inside, 1.0, low))

    def _on_the_way(self, left: Array, right: Array, share: Array) -> tuple[Array, Array]:
        t = share[:, None, None]
        return self.left + t * (left - self.left), self.right + t * (right - self.right)

    def random(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Random factors, the distance from X⋆ spread over the ball."""
        size = np.maximum(np.sqrt(np.maximum(frobenius(self.star), self.radius)), 1e-300)[:, None, None]
        left = self.left + 3 * size * rng.standard_normal(self.left.shape)
        right = self.right + 3 * size * rng.standard_normal(self.right.shape)
        return self.reached(left, right, self.radius * np.sqrt(rng.uniform(0.01, 1.0, len(self.radius))))


class Search:
    """Several starts for each problem, minimizing a quotient over the ball."""

    def __init__(
        self, problem: Problem, rng: np.random.Generator, rank: int, radius: Any, star: Array | None, starts: int
    ) -> None:
        if rank < 1 or starts < 1:
            raise ValueError(f"rank {rank} and {starts} starts: both are at least 1")
        self.full = full_of(problem)
        distances = np.broadcast_to(np.asarray(radius, dtype=float), (problem.count,))
        if not np.all((distances > 0) & np.isfinite(distances)):
            raise ValueError(f"the radius {radius} is not a positive number")
        index = np.repeat(np.arange(problem.count), starts)
        self.count, self.starts = problem.count, starts
        self.ball = Ball.around(star_of(problem, star), rank, distances).pick(index)
        self.problem = problem.pick(index)
        at_star = evaluated(
            self.problem, [gradient_of_function(self.full, symbol(STAR, self.full.shape))], {STAR: self.ball.star}
        )
        self.fixed = {STAR: self.ball.star, STAR_SLOPE: at_star[0]}
        self.rng = rng

    def _value(self, quotient: Term, at: Mapping[str, Array]) -> Array:
        (value,) = evaluated(self.problem, [quotient], {**self.fixed, **at})
        near = self.ball.distance(at[LEFT], at[RIGHT])
        usable = (near >= CLOSEST * self.ball.radius) & (near <= self.ball.radius) & np.isfinite(value)
        return np.where(usable, value, np.inf)

    def run(
        self, quotient: Term, slopes: Mapping[str, Term], sides: Mapping[str, Array], steps: int
    ) -> tuple[Array, Array, tuple[dict[str, Array], dict[str, Array]]]:
        """Values at the starts and at the end, and the points of both."""
        left, right = self.ball.random(self.rng)
        here: dict[str, Array] = {LEFT: left, RIGHT: right, **sides}
        value = self._value(quotient, here)
        start, first = dict(here), value.copy()
        length = np.full(len(value), 0.3)
        for _ in range(steps):
            downhill = dict(zip(slopes, evaluated(self.problem, list(slopes.values()), {**self.fixed, **here}), strict=True))
            trial = self._stepped(here, downhill, length)
            tried = self._value(quotient, trial)
            better = tried < value
            here = {name: np.where(better[:, None, None], trial[name], old) for name, old in here.items()}
            value = np.where(better, tried, value)
            length = np.where(better, np.minimum(1.5 * length, 2.0), 0.4 * length)
        return first, value, (start, here)

    def _stepped(self, here: Mapping[str, Array], slopes: Mapping[str, Array], length: Array) -> dict[str, Array]:
        """A step against each block's gradient, relative to the block's size, brought back into the ball."""
        moved = {}
        for name, old in here.items():
            slope = np.nan_to_num(slopes[name])
            size = frobenius(slope)
            scale = length * frobenius(old) / np.where(size > 0, size, 1.0)
            moved[name] = old - scale[:, None, None] * slope
        moved[LEFT], moved[RIGHT] = self.ball.reached(moved[LEFT], moved[RIGHT], self.ball.radius)
        return moved

    def best(self, value: Array, at: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
        """The least value of each problem's starts (not a number if none is usable), with X and Z there."""
        table = value.reshape(self.count, self.starts)
        pick = np.arange(self.count) * self.starts + np.argmin(table, axis=-1)
        least = value[pick]
        left, right = at[LEFT][pick], at[RIGHT][pick]
        arrays = {"X": left @ np.swapaxes(right, -1, -2)}
        if SIDES[0] in at:
            u, a, b, v = (at[name][pick] for name in SIDES)
            arrays["Z"] = u @ np.swapaxes(right @ a, -1, -2) + (left @ b) @ np.swapaxes(v, -1, -2)
        return np.where(np.isfinite(least), least, np.nan), arrays
