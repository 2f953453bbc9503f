"""Softmax regression on the handwritten digits that scikit-learn bundles: the data and the loss as a formula.

Main definitions: `Problem`, `digits_problem`, `data_loss`, `logit_loss`, `one_thread`.

Implementation notes
    All 1797 images of `load_digits` (8×8 pixels divided by 16, ten classes, no constant feature). `W₀` is trained with a
    ridge penalty (weight `RIDGE`) on the digits 0–4 only, with all ten outputs, so that the update has five new classes
    to learn. The loss is written once, as a term; gradients and Hessians are derived from it.

References: theory §0 (f is the full fine-tuning loss of the update X, with `W₀` inside).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.language.operations.algebra import inner
from verify.language.operations.functions import FunctionSymbol
from verify.language.terms import ARGUMENT, Dim, Term, make, number, symbol
from verify.losses.taylor import data_name, entry_sum
from verify.points.data.polish import descend
from verify.points.data.problem import one_instance

Array = Any
RIDGE = Fraction(1, 100)
OLD_DIGITS = 5
DECAY = Fraction(13, 100)
"""λ; see `points.data.datasets` for how it was chosen."""
_NAME, _SHAPE = "f", ("m", "n")


@dataclass(frozen=True, eq=False)
class Problem:
    """Images `(N, 64)`, one-hot labels `(N, 10)` and pre-trained weights `(64, 10)`."""

    images: Array
    labels: Array
    weights: Array

    title = "digits softmax regression"
    decay = DECAY
    convex = True

    @property
    def count(self) -> int:
        """The number N of images."""
        return int(self.images.shape[0])

    @property
    def dims(self) -> dict[str, int]:
        """The sizes m (features) and n (classes)."""
        return {"m": int(self.images.shape[1]), "n": int(self.labels.shape[1])}

    @property
    def loss(self) -> FunctionSymbol:
        """f, with its data named as in `values`."""
        return data_loss(FunctionSymbol(_NAME, _SHAPE), self.count)

    @property
    def curvature(self) -> float:
        """An upper bound on the Hessian of f: `‖Z‖_op² / (2N)`, as a softmax has curvature at most ½."""
        return float(np.linalg.norm(self.images, 2) ** 2 / (2 * self.count))

    def values(self) -> dict[str, Array]:
        """The data of f as a batch of one carries them."""
        parts = {"Z": self.images, "Y": self.labels, "W": self.weights}
        return {data_name(_NAME, part): value[None] for part, value in parts.items()}

    def batch(self, values: Mapping[str, Array], **dims: int) -> Batch:
        """One instance of the data together with some variables (matrices without the leading axis)."""
        return one_instance(self, values, **dims)

    def gap(self, weight: float, update: Array) -> float:
        """The duality gap of `points.data.proximal`."""
        from verify.points.data.proximal import duality_gap

        return duality_gap(self, weight, update)

    def accuracy(self, update: Array) -> float:
        """The fraction of the images that `W₀ + X` classifies correctly."""
        found = np.argmax(self.images @ (self.weights + update), axis=1)
        return float(np.mean(found == np.argmax(self.labels, axis=1)))


def data_loss(function: FunctionSymbol, count: int) -> FunctionSymbol:
    """`f(X)`, the mean softmax cross-entropy of `Z(W₀ + X)`; Z `(N, m)`, Y `(N, n)` and W₀ are `f·Z`, `f·Y`, `f·W`."""
    rows, _ = function.shape
    images = symbol(data_name(function.name, "Z"), (count, rows))
    weights = symbol(data_name(function.name, "W"), function.shape)
    moved = make("add", weights, symbol(ARGUMENT, function.shape))
    return FunctionSymbol(function.name, function.shape, _cross_entropy(function, count, make("matmul", images, moved)))


def logit_loss(function: FunctionSymbol, count: int) -> tuple[Term, Term]:
    """The same loss as a function of the logits: the term and its variable `f·logits`, `(N, n)`."""
    logits = symbol(data_name(function.name, "logits"), (count, function.shape[1]))
    return _cross_entropy(function, count, logits), logits


def _cross_entropy(function: FunctionSymbol, count: int, logits: Term) -> Term:
    """`(1/N) Σ_i (logsumexp(row i) − ⟨row i of Y, row i⟩)`."""
    size: Dim = function.shape[1]
    labels = symbol(data_name(function.name, "Y"), (count, size))
    fit = make("mul", number(-1), inner(labels, logits))
    return make("mul", number(Fraction(1, count)), make("add", entry_sum(make("rowlse", logits)), fit))


@contextmanager
def one_thread() -> Iterator[None]:
    """One BLAS thread: the matrices are small, and the same sums are made whatever the number of cores.

    Raises:
        ImportError: without scikit-learn (extra `data`), which brings threadpoolctl.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with threadpool_limits(limits=1):
        yield


@lru_cache(maxsize=1)
def digits_problem() -> Problem:
    """The data with `W₀` trained on the old digits.

    Raises:
        ImportError: without scikit-learn (extra `data`).
    """
    from sklearn.datasets import load_digits

    bundled = load_digits()
    images, digits = bundled.data / 16.0, bundled.target
    labels = np.eye(10)[digits]
    old = digits < OLD_DIGITS
    blank = np.zeros((images.shape[1], labels.shape[1]))
    return Problem(images, labels, _pretrained(Problem(images[old], labels[old], blank)))


def _pretrained(problem: Problem) -> Array:
    """The minimizer of `f(W) + (RIDGE/2)‖W‖²`."""
    start = symbol("W", _SHAPE)
    ridge = make("mul", number(RIDGE / 2), inner(start, start))
    loss = make("add", make("smooth", start, payload=(problem.loss,)), ridge)
    return descend(loss, (start,), problem.batch({"W": problem.weights}), 1e-8).values["W"][0]
