"""Quadratics of any curvature around a chosen pair (A, B) and a chosen X⋆: indefinite, flat, or zero.

Main definitions: `Curved`, `plant_curved`.

Claims without a bound on the curvature from below fail where random data never lead: on flat valleys, and where f bends down.
With singular vectors shared by X, X⋆ and the gradient, `X = Σ sᵢuᵢvᵢᵀ`, `G = Σ gᵢuᵢvᵢᵀ` with `gᵢ = −λ` where `sᵢ > 0`, the pair
is stationary, and any symmetric H with `H(X − X⋆) = G + λS` makes X⋆ one of `½⟨Y − X⋆, H(Y − X⋆)⟩ − λ⟨S, Y⟩` (theory §7 with
one equation more). Of several random H the first is kept for which the Hessian of L is positive semidefinite; at `A = B = 0`,
`‖G‖_op ≤ λ`, every H is one (theory §3, Corollary A″). Some attain Theorem C's pointwise threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from verify.losses import formulas
from verify.losses.hessians import is_semidefinite, lora_hessian
from verify.losses.planting import Star, frames, simple_decays
from verify.losses.problem import Problem
from verify.losses.sampling import Wanted, assembled
from verify.losses.spurious import Planted, rotated

Array = Any
_TRIES = 4
_CLEAR = 0.02
_TIGHT = 0.2
"""The share of instances at Theorem C's threshold, where nothing forbids them."""


class Curved(Enum):
    """What is asked of H."""

    FLAT = "positive semidefinite, with X − X⋆ in its kernel: f is convex and both minimize F"
    ANY = "any symmetric matrix"


@dataclass(frozen=True)
class _Try:
    """Diagonals of X, X⋆, G and S in common singular vectors, `(count, k)`, and H in these coordinates."""

    point: Array
    star: Array
    slope: Array
    witness: Array
    operator: Array

    def where(self, chosen: Array, other: _Try) -> _Try:
        """Of each instance this one where chosen, else the other."""
        parts = [(getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__]
        return _Try(*(np.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in parts))


def plant_curved(
    rng: np.random.Generator, count: int, sizes: tuple[int, int, int, int], decay: Array, curved: Curved, *, rational: bool
) -> Planted:
    """Random problems with a pair of any rank up to r that is second-order stationary, and X⋆ of any rank allowed but 0.

    Args:
        rng: the source of randomness.
        count: the number of problems.
        sizes: m, n, r, and the largest rank of X⋆.
        decay: λ for each problem, `(count,)`.
        curved: what is asked of H.
        rational: small rational numbers and no rotation, so that rounding recovers an exact example; λ is 0 or ½ then.
    """
    m, n, r, _ = sizes
    decay = simple_decays(rng, decay, (0.5,)) if rational else np.asarray(decay, dtype=float)
    found = _tried(rng, count, sizes, decay, curved, rational=rational, zero=True)
    for _ in range(_TRIES):
        trial = _tried(rng, count, sizes, decay, curved, rational=rational, zero=False)
        found = trial.where(_is_second_order(trial, sizes, decay, curved), found)
    if curved is Curved.ANY and min(m, n) > r and sizes[3] > 0:
        trial = _tight(rng, count, sizes, decay, rational=rational)
        found = trial.where((rng.random(count) < _TIGHT) & _is_second_order(trial, sizes, decay, curved), found)
    if rational:
        turn, spin = (np.broadcast_to(np.eye(size), (count, size, size)) for size in (m, n))
    else:
        turn, spin = frames(rng, count, m), frames(rng, count, n)
    k = min(m, n)
    left, right = turn[:, :, :k], spin[:, :, :k]

    def matrix(diagonal: Array) -> Array:
        return (left * diagonal[:, None, :]) @ np.swapaxes(right, -1, -2)

    star, witness = matrix(found.star), matrix(found.witness)
    operator = rotated(found.operator, turn, spin)
    problem = _problem(operator, Star(star, witness), decay, r, curved)
    if rational:
        problem = replace(problem, family="rational curved")
    roots = np.sqrt(found.point)
    width = min(r, k)
    factors = [
        np.concatenate([u[:, :, :width] * roots[:, None, :width], np.zeros((count, u.shape[1], r - width))], axis=-1)
        for u in (left, right)
    ]
    return Planted(problem, factors[0], factors[1])


def _problem(operator: Array, star: Star, decay: Array, r: int, curved: Curved) -> Problem:
    m, n = star.point.shape[1:]
    data = {"M": star.point, "C": -decay[:, None, None] * star.witness}
    options = Wanted(m=m, n=n, r=r)
    return assembled(
        "curved",
        formulas.curved,
        options,
        {"m": m, "n": n},
        data,
        decay,
        operators={"H": operator},
        convex=curved is Curved.FLAT,
        star=star,
    )


def _tried(
    rng: np.random.Generator,
    count: int,
    sizes: tuple[int, int, int, int],
    decay: Array,
    curved: Curved,
    *,
    rational: bool,
    zero: bool,
) -> _Try:
    m, n, r, star_rank = sizes
    k, width = min(m, n), min(r, min(m, n))
    lam = decay[:, None]

    def drawn(shape: tuple[int, ...], choices: list[float], low: float, high: float) -> Array:
        return rng.choice(choices, shape) if rational else rng.uniform(low, high, shape)

    point = np.zeros((count, k))
    if not zero:
        # Squares of rationals, so that the factors are rational too; often of full rank.
        kept = rng.random((count, width)) < rng.choice([0.0, 0.5, 1.0, 1.0], (count, 1))
        point[:, :width] = np.where(kept, drawn((count, width), [1.0, 4.0, 0.25, 2.25], 0.1, 2.0), 0.0)
    order = np.argsort(rng.random((count, k)), axis=-1) < rng.integers(1, max(star_rank, 1) + 1, (count, 1))
    star = np.where(order, drawn((count, k), [1.0, 2.0, 0.5, 3.0], 0.2, 3.0), 0.0)
    inside = drawn((count, k), [-1.0, -0.5, 0.0, 0.5, 1.0], -1.0, 1.0)
    if curved is Curved.FLAT:
        witness = np.where((star > 0) | (point > 0), 1.0, inside)
        slope = -lam * witness
    else:
        witness = np.where(star > 0, 1.0, inside)
        full = (point[:, :width] > 0).all(axis=-1, keepdims=True) & (width == r)
        beyond = drawn((count, k), [0.0, 0.0, 0.5, 1.0], 0.0, 1.0) * full
        other = drawn((count, k), [-0.5, 0.0, 0.5, 1.0], -0.9, 1.0)
        slope = np.where(point > 0, -lam, (lam + beyond) * other)
    # Without decay X = 0 has G = 0 and α_pair = 0: only where H ⪰ 0 does nothing hang on the sign of a 0.
    bends = np.full(count, curved is Curved.ANY) & ((decay > 0) | (not zero))
    operator = _operator(rng, (m, n), point - star, slope + lam * witness, bends, rational=rational)
    return _Try(point, star, slope, witness, operator)


def _tight(rng: np.random.Generator, count: int, sizes: tuple[int, int, int, int], decay: Array, *, rational: bool) -> _Try:
    """`X = sI_r ⊕ 0`, `X⋆ = 0 ⊕ yI_{r⋆}` with pointwise `κ = ρx + 1/x`, `x = s/y`: at `x = 1/√ρ` Theorem C.1 is attained.

    H is β but on the two identity blocks: 0 on the first, βx on the second, so that `H(X − X⋆) = 0 ⊕ −βsI`.
    """
    m, n, r, most = sizes
    k = min(m, n)
    star_rank = int(rng.integers(1, min(r, k - r, most) + 1))
    best = float(np.sqrt(star_rank / r))
    if rational:
        # Squares, so that the factors are rational; 1/√ρ to a few digits where it is irrational.
        size, ratio = rng.choice([1.0, 4.0, 0.25], count), np.round(rng.choice([best, best, 0.75, 0.5], count) * 16) / 16
        beta = rng.choice([1.0, 2.0, 4.0], count)
    else:
        size, ratio = rng.uniform(0.3, 2.0, count), best * rng.choice([1.0, 0.99, 1.05, 0.7], count)
        beta = rng.uniform(0.5, 4.0, count)
    first, second = np.zeros(k), np.zeros(k)
    first[:r], second[r : r + star_rank] = 1.0, 1.0
    operator = beta[:, None, None] * np.eye(m * n)
    for block, change in ((first, -beta / r), (second, beta * (ratio - 1) / star_rank)):
        flat = np.pad(np.diag(block), ((0, m - k), (0, n - k))).ravel()
        operator = operator + change[:, None, None] * np.outer(flat, flat)
    witness = np.broadcast_to(first + second, (count, k))
    slope = -decay[:, None] * witness - (beta * size)[:, None] * second
    return _Try(size[:, None] * first, (size / ratio)[:, None] * second, slope, witness, operator)


def _operator(
    rng: np.random.Generator, shape: tuple[int, int], move: Array, change: Array, bends: Array, *, rational: bool
) -> Array:
    """Random symmetric H with `H d = g` for diagonal matrices d and g, `(count, mn, mn)`.

    `(gdᵀ + dgᵀ)/|d|² − ⟨g, d⟩ddᵀ/|d|⁴` is the least one; any `PKP` with P the projection away from d may be added,
    K ⪰ 0 but for instances that bend down.
    """
    m, n = shape
    count, k = move.shape
    places = [i * n + i for i in range(k)]
    d, g = np.zeros((count, m * n)), np.zeros((count, m * n))
    d[:, places], g[:, places] = move, change
    square = np.maximum(np.vecdot(d, d), 1e-300)[:, None, None]
    along = d[:, :, None] * d[:, None, :] / square
    cross = g[:, :, None] * d[:, None, :] / square
    least = cross + np.swapaxes(cross, -1, -2) - np.vecdot(g, d)[:, None, None] / square * along
    rank = int(rng.integers(0, m * n + 1))
    basis = rng.integers(-1, 2, (count, m * n, rank)).astype(float) if rational else rng.standard_normal((count, m * n, rank))
    negative = bends[:, None, None] & (rng.random((count, 1, rank)) < rng.choice([0.0, 0.2, 1.0], (count, 1, 1)))
    signs = np.where(negative, -1.0, 1.0)
    basis = basis - along @ basis
    scale = rng.choice([0.25, 1.0, 4.0], (count, 1, 1))
    grown = scale * (basis * signs) @ np.swapaxes(basis, -1, -2)
    return (least + grown + np.swapaxes(least + grown, -1, -2)) / 2


def _is_clear(trial: _Try, decay: Array, curved: Curved) -> Array:
    """Whether X ≠ X⋆ (else H could not meet its equation), and α_pair is not 0 by chance, which floats cannot tell."""
    move, change = trial.point - trial.star, trial.slope + decay[:, None] * trial.witness
    sizes = np.linalg.norm(move, axis=-1), np.linalg.norm(change, axis=-1)
    if curved is Curved.FLAT:
        return np.asarray(sizes[0] > 0)
    return np.asarray((np.abs(np.vecdot(move, change)) > _CLEAR * sizes[0] * sizes[1]) & (sizes[1] > 0))


def _is_second_order(trial: _Try, sizes: tuple[int, int, int, int], decay: Array, curved: Curved) -> Array:
    """Whether `∇²L ⪰ 0` at the pair, clearly so and apart from X⋆, `(count,)`."""
    m, n, r, _ = sizes
    count, k = trial.point.shape
    width = min(r, k)
    left, right = np.zeros((count, m, r)), np.zeros((count, n, r))
    at = range(width)
    left[:, at, at] = right[:, at, at] = np.sqrt(trial.point[:, :width])
    slope = np.zeros((count, m, n))
    slope[:, range(k), range(k)] = trial.slope
    hessian = lora_hessian(left, right, slope, trial.operator, decay)
    return _is_clear(trial, decay, curved) & is_semidefinite(hessian)
