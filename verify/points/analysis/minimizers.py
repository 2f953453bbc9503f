"""Minimizers of `F(X) = f(X) + weight·‖X‖_*` for convex f, all instances at once, with a bound of the gap to the minimum.

Main definitions: `minimize_full`, `Minimizers`, `Ending`, `Proof`.

Implementation notes
    FISTA with adaptive restart (Beck & Teboulle 2009; O'Donoghue & Candès 2015), a step length for each instance, doubled
    where the quadratic upper model fails. Converged instances leave the batch.

    A proximal step `X = prox(Y − ∇f(Y)/ℓ)` comes with an exact subgradient of F at X: `p = ℓ(Y − X) − ∇f(Y) + ∇f(X)`. It bounds
    the gap without any decision about ranks: `F(X) − min F ≤ ‖p‖²/2α` and `‖X − X⋆‖ ≤ ‖p‖/α` if f is α-strongly convex.
    Otherwise `F(X) − min F ≤ ‖p‖ (‖X‖_F + R)` with any `R ≥ ‖X⋆‖_*`, and every Z with `ν = ‖∇f(Z)‖_op < weight` gives one: by
    convexity `F(X⋆) ≥ f(Z) − ⟨∇f(Z), Z⟩ + (weight − ν)‖X⋆‖_*`. Such Z come from solving with a smaller weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from verify.losses.problem import Problem
from verify.points.analysis.full import frobenius, full_of, pairing, singular, slope, value_and_slope

Array = Any
_SMALLER = (0.5, 0.875, 0.97)
_COMPACT_EVERY = 25
_ROUNDING = 20 * float(np.finfo(float).eps)
"""Added to every subgradient's norm, relative to the terms that cancel in it: a computed 0 proves nothing."""


class Ending(Enum):
    """How the iteration ended."""

    CONVERGED = "the subgradient is as small as asked for"
    BUDGET_SPENT = "the steps were spent before"
    NON_FINITE = "a value was not finite, or the iterates left every bound"


class Proof(Enum):
    """What the gap bound rests on."""

    STRONG_CONVEXITY = "f is strongly convex by construction"
    INTERIOR_SLOPE = "a point whose gradient is inside the dual ball bounds ‖X⋆‖_*"
    NONE = "no bound is known"


@dataclass(frozen=True)
class Minimizers:
    """The end of the iteration for each instance; rows are instances.

    Attributes:
        point: X, `(count, m, n)`.
        value: F(X).
        residual: the norm of a subgradient of F at X.
        gap: an upper bound of F(X) − min F, in floating point (not directed rounding); infinite without one.
        distance: an upper bound of ‖X − X⋆‖_F; infinite without one.
        ending: an `Ending` for each instance.
        proof: a `Proof` for each instance.
        steps: proximal steps taken.
    """

    point: Array
    value: Array
    residual: Array
    gap: Array
    distance: Array
    ending: tuple[Ending, ...]
    proof: tuple[Proof, ...]
    steps: Array


def shrunk(matrix: Array, amount: Array) -> Array:
    """Every singular value of `(count, m, n)` reduced by `amount` `(count,)`, smaller ones to exactly 0."""
    u, values, vt = np.linalg.svd(matrix, full_matrices=False)
    return (u * np.maximum(values - amount[:, None], 0.0)[:, None, :]) @ vt


@dataclass
class _State:
    """The iterates of the instances that are still running."""

    problem: Problem
    weight: Array
    lipschitz: Array
    current: Array
    ahead: Array
    momentum: Array
    index: Array

    def pick(self, keep: Array) -> _State:
        return _State(
            self.problem.pick(np.flatnonzero(keep)),
            self.weight[keep],
            self.lipschitz[keep],
            self.current[keep],
            self.ahead[keep],
            self.momentum[keep],
            self.index[keep],
        )


def minimize_full(
    problem: Problem,
    weight: Array | None = None,
    *,
    start: Array | None = None,
    tolerance: float = 1e-11,
    steps: int = 4000,
    bound: bool = True,
) -> Minimizers:
    """Minimize `f + weight·‖·‖_*` for a stack of problems with convex f.

    Args:
        problem: problems with one adapter and convex f.
        weight: the nuclear weight, `(count,)`; the problem's own unless given.
        start: X to start from, `(count, m, n)`; 0 unless given.
        tolerance: stop when the subgradient's norm is below this fraction of `weight·√min(m,n) + ‖∇f(0)‖_F`.
        steps: the largest number of proximal steps.
        bound: whether to look for a gap bound where f is not strongly convex (this solves further problems).

    Raises:
        ValueError: if f is not known to be convex, or there are several adapters.
    """
    full_of(problem)
    if not problem.convex:
        raise ValueError(f"f of the family {problem.family} is not known to be convex: its minimizers are out of reach")
    weight = np.asarray(problem.weight if weight is None else weight, dtype=float)
    found = _iterate(problem, weight, start, tolerance, steps)
    return _with_gap(problem, weight, found, tolerance, steps, search=bound)


@dataclass
class _Found:
    point: Array
    residual: Array
    ending: Array
    steps: Array


def _iterate(problem: Problem, weight: Array, start: Array | None, tolerance: float, steps: int) -> _Found:
    rows, cols = (d if isinstance(d, int) else problem.dims[d] for d in full_of(problem).shape)
    count = problem.count
    origin = np.zeros((count, rows, cols))
    first = np.array(origin if start is None else start, dtype=float)
    slope_size = frobenius(slope(problem, origin))
    goal = tolerance * (weight * np.sqrt(min(rows, cols)) + slope_size)
    lipschitz = np.ones(count) if problem.beta is None else np.array(problem.beta, dtype=float)
    out = _Found(first.copy(), np.full(count, np.inf), np.full(count, Ending.BUDGET_SPENT), np.zeros(count, int))
    usable = np.isfinite(goal) & np.all(np.isfinite(first), axis=(-2, -1)) & (lipschitz > 0) & np.isfinite(lipschitz)
    # A loss that is constant has every point as its minimizer for weight 0, and 0 otherwise: any step length does.
    flat = np.isfinite(goal) & (lipschitz == 0)
    lipschitz = np.where(flat, 1.0, lipschitz)
    usable |= flat
    out.ending[~usable] = Ending.NON_FINITE
    state = _State(problem, weight, lipschitz, first, first, np.ones(count), np.arange(count)).pick(usable)
    for step in range(1, steps + 1):
        if len(state.index) == 0:
            break
        here = state.index
        new, residual = _proximal_step(state)
        size = frobenius(new)
        bad = ~(np.isfinite(residual) & (size <= 1e12 * (1.0 + frobenius(first[here]))))
        out.point[here] = np.where(bad[:, None, None], out.point[here], new)
        out.residual[here] = np.where(bad, np.inf, residual)
        out.steps[here] = step
        done = residual <= goal[here]
        out.ending[here[done]] = Ending.CONVERGED
        out.ending[here[bad]] = Ending.NON_FINITE
        _advance(state, new)
        if np.any(bad) or np.mean(done) > 0.3 or (np.any(done) and step % _COMPACT_EVERY == 0) or np.all(done):
            state = state.pick(~(done | bad))
    return out


def _proximal_step(state: _State) -> tuple[Array, Array]:
    """The proximal point from `ahead`, and the norm of its subgradient of F."""
    before, slopes = value_and_slope(state.problem, state.ahead)
    for _ in range(60):
        length = state.lipschitz[:, None, None]
        target = state.ahead - slopes / length
        finite = np.all(np.isfinite(target), axis=(-2, -1))
        new = shrunk(np.where(finite[:, None, None], target, 0.0), state.weight / state.lipschitz)
        after, new_slopes = value_and_slope(state.problem, new)
        if state.problem.beta is not None:
            break
        move = new - state.ahead
        model = before + pairing(slopes, move) + state.lipschitz / 2 * pairing(move, move)
        # Rounding of f must not be mistaken for curvature.
        high = finite & ~(after <= model + 1e-14 * (np.abs(before) + np.abs(after)))
        if not np.any(high):
            break
        state.lipschitz = np.where(high, 2 * state.lipschitz, state.lipschitz)
    subgradient = length * (state.ahead - new) - slopes + new_slopes
    sizes = state.lipschitz * frobenius(state.ahead) + frobenius(slopes) + state.weight
    rounding = _ROUNDING * np.sqrt(new.shape[-1] * new.shape[-2]) * sizes
    return new, np.where(finite, frobenius(subgradient) + rounding, np.nan)


def _advance(state: _State, new: Array) -> None:
    """Nesterov's momentum with restart where it points uphill."""
    moved = new - state.current
    uphill = pairing(state.ahead - new, moved) > 0
    momentum = np.where(uphill, 1.0, state.momentum)
    larger = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
    state.ahead = new + ((momentum - 1.0) / larger)[:, None, None] * moved
    state.momentum = larger
    state.current = new


def _with_gap(problem: Problem, weight: Array, found: _Found, tolerance: float, steps: int, *, search: bool) -> Minimizers:
    values, slopes = value_and_slope(problem, found.point)
    total = values + weight * singular(found.point).sum(axis=-1)
    alpha = np.zeros(problem.count) if problem.alpha is None else np.asarray(problem.alpha, dtype=float)
    strong = alpha > 0
    safe = np.where(strong, alpha, 1.0)
    gap = np.where(strong, found.residual**2 / (2 * safe), np.inf)
    distance = np.where(strong, found.residual / safe, np.inf)
    radius = _radius(weight, total, values, slopes, found.point)
    for fraction in _SMALLER if search else ():
        open_ = np.flatnonzero(~strong & ~np.isfinite(radius) & (weight > 0) & np.isfinite(total))
        if len(open_) == 0:
            break
        part = problem.pick(open_)
        inside = _iterate(part, fraction * weight[open_], found.point[open_], 1e-3, min(steps, 1000))
        at, tilt = value_and_slope(part, inside.point)
        radius[open_] = _radius(weight[open_], total[open_], at, tilt, inside.point)
    known = ~strong & np.isfinite(radius)
    reach = frobenius(found.point) + np.where(known, radius, 0.0)
    usable = np.isfinite(found.residual)
    gap = np.where(known, np.where(usable, found.residual, 0.0) * reach, gap)
    gap = np.where(usable, gap, np.inf)
    proof = tuple(
        Proof.NONE if not np.isfinite(g) else Proof.STRONG_CONVEXITY if s else Proof.INTERIOR_SLOPE
        for g, s in zip(gap, strong, strict=True)
    )
    return Minimizers(found.point, total, found.residual, gap, distance, tuple(found.ending), proof, found.steps)


def _radius(weight: Array, total: Array, value: Array, slopes: Array, point: Array) -> Array:
    """A bound of ‖X⋆‖_* from a point with its value and gradient; infinite unless the gradient is well inside the ball."""
    norm = singular(slopes)[:, 0]
    inside = norm <= weight * (1 - 1e-6)
    room = np.where(inside, weight - norm, 1.0)
    found = (total - value + pairing(slopes, point)) / room
    return np.where(inside & np.isfinite(found), np.maximum(found, 0.0), np.inf)
