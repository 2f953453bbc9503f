"""The outer search over points: thresholds and frontiers of Theorem D, and any objective over synthesized instances.

Main definitions: `search`, `sharp_threshold`, `smallest_ratio`. Nothing here knows the theory's constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from verify.search.synthesis.points import Point
from verify.search.synthesis.program import Curvature, Solution, least_condition
from verify.search.synthesis.shapes import Setting, Shape, shapes

Array = Any
Generator = np.random.Generator
INFEASIBLE = 100.0
"""The score of a point for which no loss was found."""
_FAR = 12.0
"""Free parameters beyond this are not looked at."""
Objective = Callable[[Point, Solution, Array], float]
"""What is minimized: the point, the solution of its program and the free parameters to a number, preferably of order 1."""
Program = Callable[[Array], tuple[Point, Solution] | None]
"""The point and the solved program at free parameters."""


@dataclass(frozen=True, eq=False)
class Best:
    """The best point seen: its free parameters, the solution of its program, the objective's value."""

    free: Array
    point: Point
    solution: Solution
    score: float


@dataclass(frozen=True)
class Threshold:
    """An infimum over points, where it was found, and the number of programs solved."""

    value: float
    best: Best
    programs: int


class Work:
    """A count of programs to solve."""

    def __init__(self, programs: int) -> None:
        self.left = programs
        self.spent = 0

    def spend(self, programs: int = 1) -> bool:
        """Whether more are allowed."""
        if self.left <= 0:
            return False
        self.left -= programs
        self.spent += programs
        return True


class _StopError(Exception):
    """Raised inside an optimizer to end it."""


def minimized(
    program: Program, objective: Objective, start: Array, work: Work, most: int = 250, enough: float = -np.inf, cost: int = 1
) -> Best | None:
    """Nelder–Mead over free parameters from one start; None if no point was feasible.

    Args:
        program: the point and the solved program at some parameters; None where there is no solution.
        objective: what to minimize.
        start: free parameters.
        work: programs left.
        most: programs for this start at most.
        enough: the search stops at a smaller value.
        cost: how many programs `program` solves.
    """
    from scipy.optimize import minimize

    best: Best | None = None
    own = Work(min(most, work.left))

    def score(free: Array) -> float:
        nonlocal best
        hopeless = own.spent > (2 * len(start) + 2) * cost and (best is None or best.score >= INFEASIBLE)
        if hopeless or not (own.spend(cost) and work.spend(cost)):
            raise _StopError
        found = program(free) if np.max(np.abs(free), initial=0.0) <= _FAR else None
        if found is None:
            return INFEASIBLE
        value = objective(*found, free)
        if best is None or value < best.score:
            best = Best(free.copy(), *found, value)
            if value < enough:
                raise _StopError
        return value

    simplex = np.vstack([start, start + 0.25 * np.eye(len(start))])
    try:
        if len(start):
            minimize(score, start, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 1e-5, "fatol": 1e-9})
        else:
            score(start)
    except _StopError:
        pass
    return best


def of_shape(shape: Shape, setting: Setting, curvature: Curvature = Curvature.UNIFORM) -> Program:
    """The program at a shape's parameters, with the loss of least condition number."""

    def program(free: Array) -> tuple[Point, Solution] | None:
        point = shape.build(shape.numbers(free), setting)
        solution = least_condition(point, curvature)
        return None if solution is None else (point, solution)

    return program


def starts(shape: Shape, rng: Generator) -> Iterator[Array]:
    """Endless starts for a shape: X smaller and smaller than X⋆ and little turned, then at random."""
    positive = shape.count - shape.lengths[2]
    for size in (-0.2, -0.7, -1.2):
        turns = rng.uniform(-0.1, 0.1, shape.count - positive)
        yield np.concatenate([size - 0.05 * np.arange(positive), turns])
    while True:
        sizes = rng.uniform(-1.2, 0.5, positive)
        yield np.concatenate([sizes, rng.uniform(-1.0, 1.0, shape.count - positive)])


def search(
    objective: Objective,
    sizes: Iterable[tuple[int, int, int, int]],
    rng: Generator,
    work: Work,
    *,
    setting: Setting | None = None,
    curvature: Curvature = Curvature.UNIFORM,
    tries: int = 2,
) -> Best | None:
    """The point with the smallest objective over all shapes of the given sizes.

    Args:
        objective: see `Objective`; for each point the program has chosen the loss of least condition number.
        sizes: (m, n, r, r⋆).
        rng: for the starts.
        work: programs to solve.
        setting: scale and decays; none unless given.
        curvature: what is assumed of H.
        tries: starts for each shape.
    """
    found: list[Best] = []
    for shape in [s for size in sizes for s in shapes(*size)]:
        several = 1 if shape.count == 1 else tries
        for _, start in zip(range(several), starts(shape, rng), strict=False):
            best = minimized(of_shape(shape, setting or Setting(), curvature), objective, start, work)
            found += [] if best is None else [best]
    return min(found, key=lambda b: b.score, default=None)


def sharp_threshold(
    m: int, n: int, r: int, r_star: int, decay: Fraction | float, *, seed: int = 0, work: int = 2500
) -> Threshold:
    """The infimum of κ over all points X ≠ X⋆ of one size that some `I ⪯ H ⪯ κI` makes second-order stationary.

    Args:
        m, n, r, r_star: sizes.
        decay: λ.
        seed: for the starts.
        work: programs to solve.

    Raises:
        ValueError: if no spurious point was found.
    """
    setting = _setting(decay)
    counted = Work(work)
    best = search(
        lambda _, solution, __: float(np.log(solution.value)),
        [(m, n, r, r_star)],
        np.random.default_rng(seed),
        counted,
        setting=setting,
    )
    if best is None:
        raise ValueError(f"no spurious point found for m={m}, n={n}, r={r}, r⋆={r_star}: is min(m, n) > r ≥ r⋆ ≥ 1?")
    return Threshold(best.solution.value, best, counted.spent)


def smallest_ratio(
    kappa: float, m: int, n: int, r: int, r_star: int, decay: Fraction | float = 0, *, seed: int = 0, work: int = 2500
) -> Threshold:
    """The infimum of `σ_r(X)/σ_{r⋆}(X⋆)` over spurious points whose program has condition number at most κ.

    Raises:
        ValueError: if no spurious point was found at that κ.
    """

    def objective(point: Point, solution: Solution, _: Array) -> float:
        excess = max(0.0, float(np.log(solution.value / kappa)))
        # Near the threshold the ratio changes like the square root of κ: hence the root.
        return float(np.log(ratio_of(point)) + 3.0 * excess + 10.0 * np.sqrt(excess))

    counted = Work(work)
    rng = np.random.default_rng(seed)
    best = search(objective, [(m, n, r, r_star)], rng, counted, setting=_setting(decay))
    if best is None or best.solution.value > kappa * (1 + 1e-6):
        raise ValueError(f"no spurious point found at κ = {kappa}: it may be below the threshold")
    return Threshold(ratio_of(best.point), best, counted.spent)


def ratio_of(point: Point) -> float:
    """`σ_r(X)/σ_{r⋆}(X⋆)`."""
    values = np.linalg.svd(point.update, compute_uv=False)
    stars = np.linalg.svd(point.star, compute_uv=False)
    return float(values[point.sizes[2] - 1] / stars[point.star_left.shape[1] - 1])


def _setting(decay: Fraction | float) -> Setting:
    exact = Fraction(decay).limit_denominator(10**6)
    return Setting(Fraction(1), exact, exact)
