"""A small two-layer network on scikit-learn's handwritten digits: f is not convex in the first layer's update.

Main definitions: `network_problem`.

Implementation notes
    `f(X)` is the mean softmax cross-entropy of `tanh(Z(W₁ + X))W₂` with 8 hidden units; W₁ and W₂ are trained together on the
    digits 0–4 with a ridge penalty, W₂ then stays as it is but for random weights of the new classes (fixed seed), so that
    the update of the first layer has to learn them. There is no convexity and no lower bound: X⋆ is *a* stationary point of
    `f + λ‖·‖_*`, the one that proximal steps from 0 reach.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from verify.language.operations.algebra import inner
from verify.language.operations.entries import HOLE
from verify.language.operations.functions import FunctionSymbol
from verify.language.terms import ARGUMENT, Term, make, number, symbol
from verify.losses.taylor import entry_sum
from verify.points.data.digits import OLD_DIGITS, digits_problem
from verify.points.data.problem import NAME, FormulaProblem, datum

Array = Any
DECAY = Fraction(1, 4)
_HIDDEN = 8
_SEED = 20250209
_EVERY = 6
"""Every sixth image: the exact Hessian of one point stays cheap."""


@lru_cache(maxsize=1)
def network_problem() -> FormulaProblem:
    """The data with f as a formula.

    Raises:
        ImportError: without scikit-learn (extra `data`).
    """
    digits = digits_problem()
    images, labels = digits.images[::_EVERY], digits.labels[::_EVERY]
    count = len(images)
    rng = np.random.default_rng(_SEED)
    first = rng.standard_normal((images.shape[1], _HIDDEN)) / 4
    second = rng.standard_normal((_HIDDEN, labels.shape[1]))
    second[:, :OLD_DIGITS] = _readout(np.tanh(images @ first), labels)[:, :OLD_DIGITS]

    def accuracy(update: Array) -> float:
        found = np.argmax(np.tanh(images @ (first + update)) @ second, axis=1)
        return float(np.mean(found == np.argmax(labels, axis=1)))

    return FormulaProblem(
        "two-layer tanh network on digits",
        FunctionSymbol(NAME, ("m", "n"), _loss(count, labels.shape[1])),
        {"Z": images, "Y": labels, "W1": first, "W2": second},
        count,
        first.shape,
        DECAY,
        # The Gauss–Newton part; the curvature of tanh, weighted by residuals, is smaller.
        float(np.linalg.norm(images, 2) ** 2 * np.linalg.norm(second, 2) ** 2 / (2 * count)),
        accurate=accuracy,
        bound=None,
    )


def _readout(hidden: Array, labels: Array) -> Array:
    """Least-squares weights of the old classes (ridge 1)."""
    old = np.argmax(labels, axis=1) < OLD_DIGITS
    h, y = hidden[old], 4 * labels[old] - 2
    return np.asarray(np.linalg.solve(h.T @ h + np.eye(h.shape[1]), h.T @ y))


def _loss(count: int, classes: int) -> Term:
    moved = make("add", datum("W1", ("m", "n")), symbol(ARGUMENT, ("m", "n")))
    hidden = make("map", make("matmul", datum("Z", (count, "m")), moved), payload=(make("fn", HOLE, payload=("tanh",)),))
    logits = make("matmul", hidden, datum("W2", ("n", classes)))
    fit = make("mul", number(-1), inner(datum("Y", (count, classes)), logits))
    return make("mul", number(Fraction(1, count)), make("add", entry_sum(make("rowlse", logits)), fit))
