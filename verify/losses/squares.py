"""Samplers of the quadratic families: factorization, operators, sensing, completion, weights, linearized squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.losses import formulas
from verify.losses.planting import Star, frames
from verify.losses.problem import Problem
from verify.losses.sampling import OUTWARD, Generator, Wanted, assembled, gram_bounds, with_linear_term

Array = Any


def factorization(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """`M = X⋆ + λS`."""
    star, weight = wanted.star(rng, count), wanted.decays(count)
    if star is None:
        target = wanted.target(rng, count, wanted.m, wanted.n)
    else:
        target = star.point + weight[:, None, None] * star.witness
    one = np.ones(count)
    dims = {"m": wanted.m, "n": wanted.n}
    return assembled(
        "factorization",
        formulas.factorization,
        wanted,
        dims,
        {"M": target},
        weight,
        convex=True,
        alpha=one,
        beta=one,
        star=star,
    )


def quadratic(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """H with random eigenvectors and eigenvalues in [α, β], both ends attained; `M = X⋆ + λH⁻¹S`.

    Raises:
        ValueError: if α > β, or X⋆ is to be planted and H may be singular.
    """
    low, high = wanted.spectrum
    if not low <= high:
        raise ValueError(f"the spectrum [{low}, {high}] is empty: give (α, β) with α ≤ β")
    star, weight = wanted.star(rng, count), wanted.decays(count)
    if star is not None and low <= 0 <= high:
        raise ValueError(f"X⋆ cannot be planted in M when H may be singular (spectrum [{low}, {high}]): use star_rank=None")
    size = wanted.m * wanted.n
    values = rng.uniform(low, high, (count, 1, size))
    # One unknown has one eigenvalue: the upper end.
    values[:, 0, 0] = low
    values[:, 0, -1] = high
    basis = frames(rng, count, size)
    operator = _symmetric((basis * values) @ np.swapaxes(basis, -1, -2))
    if star is None:
        target = wanted.target(rng, count, wanted.m, wanted.n)
    else:
        inverse = (basis / values) @ np.swapaxes(basis, -1, -2)
        target = star.point + weight[:, None, None] * _applied(inverse, star.witness)
    slack = 1e-14 * size * max(abs(low), abs(high))
    return assembled(
        "quadratic",
        formulas.quadratic,
        wanted,
        {"m": wanted.m, "n": wanted.n},
        {"M": target},
        weight,
        operators={"H": operator},
        convex=low >= 0,
        alpha=np.full(count, (high if size == 1 else low) - slack),
        beta=np.full(count, high + slack),
        star=star,
    )


def gaussian_sensing(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """N Gaussian measurements, scaled to be isometric on average."""
    size = wanted.m * wanted.n
    measure = rng.standard_normal((count, wanted.samples, size)) / np.sqrt(wanted.samples)
    return _sensing("gaussian_sensing", rng, wanted, measure, gram_bounds(measure))


def isometric_sensing(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """At least mn measurements with `ΦᵀΦ` of spectrum in [1 − δ, 1 + δ], both ends attained.

    Raises:
        ValueError: if δ is not in [0, 1).
    """
    delta = wanted.isometry
    if not 0 <= delta < 1:
        raise ValueError(f"the isometry constant {delta} is not in [0, 1)")
    size = wanted.m * wanted.n
    rows = max(wanted.samples, size)
    values = rng.uniform(1 - delta, 1 + delta, (count, 1, size))
    values[:, 0, 0] = 1 - delta
    values[:, 0, -1] = 1 + delta
    tall = np.linalg.qr(rng.standard_normal((count, rows, size)))[0]
    measure = (tall * np.sqrt(values)) @ np.swapaxes(frames(rng, count, size), -1, -2)
    return _sensing("isometric_sensing", rng, wanted, measure, gram_bounds(measure))


def _sensing(name: str, rng: Generator, wanted: Wanted, measure: Array, bounds: tuple[Array, Array]) -> Problem:
    """`y = Φ(X⋆) + e` with `Φᵀe = λS` where ΦᵀΦ is regular; otherwise C makes up for what y cannot do."""
    count, rows, size = measure.shape
    star, weight = wanted.star(rng, count), wanted.decays(count)
    dims = {"m": wanted.m, "n": wanted.n, "N": rows}
    point = wanted.target(rng, count, wanted.m, wanted.n) if star is None else star.point
    labels = measure @ point.reshape(count, size, 1)
    if star is None or rows < size:
        labels = labels + wanted.noise * rng.standard_normal(labels.shape)
    else:
        labels = labels + _dual_error(measure, weight, star)
    data = {"y": labels}
    planted = star if rows < size else None
    data = with_linear_term(formulas.sensing, dims, data, {"Φ": measure}, planted, weight)
    return assembled(
        name,
        formulas.sensing,
        wanted,
        dims,
        data,
        weight,
        operators={"Φ": measure},
        convex=True,
        alpha=bounds[0],
        beta=bounds[1],
        star=star,
    )


def _dual_error(measure: Array, weight: Array, star: Star) -> Array:
    """The least e with `Φᵀe = λS`."""
    wanted = weight[:, None, None] * star.witness.reshape(len(weight), -1, 1)
    q, triangle = np.linalg.qr(measure)
    return q @ np.linalg.solve(np.swapaxes(triangle, -1, -2), wanted)


def completion(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """A random mask with an observation in every row and column."""
    m, n = wanted.m, wanted.n
    star, weight = wanted.star(rng, count), wanted.decays(count)
    mask = rng.random((count, m, n)) < wanted.observed
    rows, cols = rng.integers(0, m, (count, n)), rng.integers(0, n, (count, m))
    every = np.arange(count)[:, None]
    mask[every, rows, np.arange(n)] = True
    mask[every, np.arange(m), cols] = True
    target = wanted.target(rng, count, m, n) if star is None else star.point + wanted.noise * rng.standard_normal((count, m, n))
    dims = {"m": m, "n": n}
    observed = mask.astype(float)
    data = with_linear_term(formulas.completion, dims, {"P": observed, "M": target * observed}, {}, star, weight)
    return assembled(
        "completion",
        formulas.completion,
        wanted,
        dims,
        data,
        weight,
        convex=True,
        alpha=observed.min(axis=(-2, -1)),
        beta=np.ones(count),
        star=star,
    )


def weighted(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """Log-uniform weights; `M = X⋆ + λS/W` entrywise.

    Raises:
        ValueError: if a weight may be 0 or negative.
    """
    low, high = wanted.weights
    if not 0 < low <= high:
        raise ValueError(f"the weights are drawn from [{low}, {high}]: give 0 < low ≤ high")
    star, decay = wanted.star(rng, count), wanted.decays(count)
    weights = np.exp(rng.uniform(np.log(low), np.log(high), (count, wanted.m, wanted.n)))
    if star is None:
        target = wanted.target(rng, count, wanted.m, wanted.n)
    else:
        target = star.point + decay[:, None, None] * star.witness / weights
    return assembled(
        "weighted",
        formulas.weighted,
        wanted,
        {"m": wanted.m, "n": wanted.n},
        {"M": target, "W": weights},
        decay,
        convex=True,
        alpha=weights.min(axis=(-2, -1)),
        beta=weights.max(axis=(-2, -1)),
        star=star,
    )


def linearized_squared(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """Gaussian gradients G_i of size 1 on average; C plants X⋆."""
    m, n, samples = wanted.m, wanted.n, wanted.samples
    star, weight = wanted.star(rng, count), wanted.decays(count)
    features = rng.standard_normal((count, samples, m * n)) / np.sqrt(m * n)
    dims = {"m": m, "n": n, "N": samples}
    hidden = wanted.target(rng, count, m, n) if star is None else star.point
    labels = features @ hidden.reshape(count, -1, 1) + wanted.noise * rng.standard_normal((count, samples, 1))
    data = with_linear_term(formulas.linearized_squared, dims, {"y": labels}, {"G": features}, star, weight)
    alpha, beta = gram_bounds(features, 1.0 / samples)
    return assembled(
        "linearized_squared",
        formulas.linearized_squared,
        wanted,
        dims,
        data,
        weight,
        operators={"G": features},
        convex=True,
        alpha=alpha,
        beta=beta,
        star=star,
    )


def spectrum_of(operator: Array) -> tuple[Array, Array]:
    """Bounds `(count,)` from below and above of the eigenvalues of symmetric matrices, moved outward past rounding."""
    values = np.linalg.eigvalsh(operator)
    slack = OUTWARD * np.max(np.abs(values), axis=-1)
    return values[:, 0] - slack, values[:, -1] + slack


def _symmetric(matrix: Array) -> Array:
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2


def _applied(operator: Array, point: Array) -> Array:
    return (operator @ point.reshape(len(point), -1, 1)).reshape(point.shape)
