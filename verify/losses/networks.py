"""Samplers of the losses with several adapters: two-layer networks and one attention head.

The target is the same network with a low-rank change of both matrices, plus noise: what fine-tuning is for. The losses are
not convex in the updates, so there is no X⋆ by construction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import erf

from verify.losses import formulas
from verify.losses.formulas import Adapted
from verify.losses.problem import Problem
from verify.losses.sampling import Generator, Sampler, Wanted, assembled

Array = Any


def _teacher(wanted: Wanted, rng: Generator, frozen: Array) -> Array:
    count, rows, cols = frozen.shape
    change = wanted.target(rng, count, rows, cols)
    return frozen + change / np.sqrt(rows)


def two_layers(name: str, formula: Callable[[], Adapted], activation: Callable[[Array], Array]) -> Sampler:
    """The sampler of two-layer networks with an activation."""

    def sampler(rng: Generator, count: int, wanted: Wanted) -> Problem:
        d, h, k, samples = wanted.d, wanted.h, wanted.k, wanted.samples
        inputs = rng.standard_normal((count, samples, d))
        first = rng.standard_normal((count, d, h)) / np.sqrt(d)
        second = rng.standard_normal((count, h, k)) / np.sqrt(h)
        target = activation(inputs @ _teacher(wanted, rng, first)) @ _teacher(wanted, rng, second)
        target = target + wanted.noise * rng.standard_normal(target.shape)
        data = {"Z": inputs, "W1": first, "W2": second, "T": target}
        dims = {"N": samples, "d": d, "h": h, "k": k}
        return assembled(name, formula, wanted, dims, data, wanted.decays(count))

    return sampler


def gelu(x: Array) -> Array:
    """`x(1 + erf(x/√2))/2`."""
    return x * (1 + erf(x / np.sqrt(2))) / 2


def softplus(x: Array) -> Array:
    """`log(1 + eˣ)`."""
    return np.logaddexp(x, 0.0)


def attention(rng: Generator, count: int, wanted: Wanted) -> Problem:
    """Gaussian tokens and values; logits of order 1."""
    d, h, k, samples = wanted.d, wanted.h, wanted.k, wanted.samples
    tokens = rng.standard_normal((count, samples, d)) / np.sqrt(d)
    queries, keys = (rng.standard_normal((count, d, h)) / h**0.25 for _ in range(2))
    values = rng.standard_normal((count, samples, k))
    logits = tokens @ _teacher(wanted, rng, queries) @ np.swapaxes(_teacher(wanted, rng, keys), -1, -2)
    logits = logits @ np.swapaxes(tokens, -1, -2)
    chances = np.exp(logits - logits.max(axis=-1, keepdims=True))
    target = (chances / chances.sum(axis=-1, keepdims=True)) @ values
    target = target + wanted.noise * rng.standard_normal(target.shape)
    data = {"Z": tokens, "Wq": queries, "Wk": keys, "V": values, "T": target}
    dims = {"N": samples, "d": d, "h": h, "k": k}
    return assembled("attention", formulas.attention, wanted, dims, data, wanted.decays(count))
