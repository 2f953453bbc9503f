"""Samplers of the convex families that are not quadratic: logistic, softmax, linearized logistic.

The curvature bounds are those of the scalar losses: `softplus'' ≤ 1/4`, and ½ for log-sum-exp (its Hessian
`diag(p) − ppᵀ` has norm at most ½). None is bounded below by a positive number everywhere: α = 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.losses import formulas
from verify.losses.problem import Problem
from verify.losses.sampling import Generator, Wanted, assembled, gram_bounds, with_linear_term

Array = Any


def logistic(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """Gaussian inputs, labels drawn from a logistic teacher."""
    m, n, samples = wanted.m, wanted.n, wanted.samples
    star, weight = wanted.star(rng, count), wanted.decays(count)
    inputs = rng.standard_normal((count, samples, m))
    teacher = wanted.target(rng, count, m, n) if star is None else star.point
    labels = _labels(rng, inputs @ teacher)
    dims = {"m": m, "n": n, "N": samples}
    data = with_linear_term(formulas.logistic, dims, {"Z": inputs, "Y": labels}, {}, star, weight)
    _, beta = gram_bounds(inputs, 0.25 / samples)
    return assembled(
        "logistic", formulas.logistic, wanted, dims, data, weight, convex=True, alpha=np.zeros(count), beta=beta, star=star
    )


def cross_entropy(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """Gaussian inputs, one of n classes for each drawn from a softmax teacher."""
    m, n, samples = wanted.m, wanted.n, wanted.samples
    star, weight = wanted.star(rng, count), wanted.decays(count)
    inputs = rng.standard_normal((count, samples, m))
    teacher = wanted.target(rng, count, m, n) if star is None else star.point
    # The largest of logits with Gumbel noise is a draw from the softmax.
    classes = np.argmax(inputs @ teacher + rng.gumbel(size=(count, samples, n)), axis=-1)
    dims = {"m": m, "n": n, "N": samples}
    given = {"Z": inputs, "T": np.eye(n)[classes]}
    data = with_linear_term(formulas.cross_entropy, dims, given, {}, star, weight)
    _, beta = gram_bounds(inputs, 0.5 / samples)
    return assembled(
        "cross_entropy",
        formulas.cross_entropy,
        wanted,
        dims,
        data,
        weight,
        convex=True,
        alpha=np.zeros(count),
        beta=beta,
        star=star,
    )


def linearized_logistic(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """Gaussian gradients G_i with entries of order 1, labels drawn from a logistic teacher."""
    m, n, samples = wanted.m, wanted.n, wanted.samples
    star, weight = wanted.star(rng, count), wanted.decays(count)
    features = rng.standard_normal((count, samples, m * n))
    teacher = wanted.target(rng, count, m, n) if star is None else star.point
    labels = _labels(rng, features @ teacher.reshape(count, -1, 1))
    dims = {"m": m, "n": n, "N": samples}
    data = with_linear_term(formulas.linearized_logistic, dims, {"y": labels}, {"G": features}, star, weight)
    _, beta = gram_bounds(features, 0.25 / samples)
    return assembled(
        "linearized_logistic",
        formulas.linearized_logistic,
        wanted,
        dims,
        data,
        weight,
        operators={"G": features},
        convex=True,
        alpha=np.zeros(count),
        beta=beta,
        star=star,
    )


def _labels(rng: Generator, logits: Array) -> Array:
    """±1, the sign of the logits with logistic noise."""
    return np.where(logits + rng.logistic(size=logits.shape) > 0, 1.0, -1.0)
