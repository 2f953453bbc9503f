"""Binary logistic regression on the breast-cancer data that scikit-learn bundles, with a matrix-shaped update.

Main definitions: `cancer_problem`.

Implementation notes
    569 samples; the 30 features are ten measurements of cell nuclei, each as mean, standard error and worst value: a natural
    10×3 matrix Z_i, standardized. `f(X) = (1/N) Σ softplus(−y_i⟨Z_i, W₀ + X⟩)`, W₀ = 0 but for the mean radius, so that the
    update has the rest to learn.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from verify.language.operations.entries import HOLE
from verify.language.operations.functions import FunctionSymbol
from verify.language.terms import ARGUMENT, Term, make, number, symbol
from verify.points.data.problem import NAME, FormulaProblem, datum, mean_entries

Array = Any
DECAY = Fraction(1, 50)
_SHAPE = (10, 3)


@lru_cache(maxsize=1)
def cancer_problem() -> FormulaProblem:
    """The data with f as a formula.

    Raises:
        ImportError: without scikit-learn (extra `data`).
    """
    from sklearn.datasets import load_breast_cancer

    bundled = load_breast_cancer()
    features = (bundled.data - bundled.data.mean(axis=0)) / bundled.data.std(axis=0)
    # scikit-learn lists ten means, then ten standard errors, then ten worst values.
    samples = features.reshape(-1, 3, 10).transpose(0, 2, 1)
    labels = np.where(bundled.target == 0, 1.0, -1.0)[:, None]
    count = len(labels)
    weights = np.zeros(_SHAPE)
    weights[0, 0] = 1.0
    flat = samples.reshape(count, -1)

    def accuracy(update: Array) -> float:
        return float(np.mean(np.sign(flat @ (weights + update).ravel()) == labels[:, 0]))

    def gap(weight: float, update: Array) -> float:
        """Fenchel's dual bound: `Θ = −y u/N` with u in [0, 1] and `‖ΣΘ_iZ_i‖_op ≤ λ`."""
        logits = flat @ (weights + update).ravel()
        chances = 1.0 / (1.0 + np.exp(labels[:, 0] * logits))
        residual = -labels[:, 0] * chances / count
        size = float(np.linalg.norm((flat.T @ residual).reshape(_SHAPE), 2))
        shrink = min(1.0, weight / size)
        u = shrink * chances
        conjugate = float(np.mean(_entropy(u) + _entropy(1 - u)))
        primal = float(np.mean(np.logaddexp(0.0, -labels[:, 0] * logits)))
        primal += weight * float(np.sum(np.linalg.svd(update, compute_uv=False)))
        bound = shrink * float(residual @ (flat @ weights.ravel())) - conjugate
        return (primal - bound) / abs(primal)

    return FormulaProblem(
        "breast-cancer logistic regression",
        FunctionSymbol(NAME, ("m", "n"), _loss(count)),
        {**{f"Z{j}": samples[:, :, j] for j in range(3)}, "y": labels, "W": weights},
        count,
        _SHAPE,
        DECAY,
        float(np.linalg.norm(flat, 2) ** 2 / (4 * count)),
        accurate=accuracy,
        bound=gap,
    )


def _entropy(u: Array) -> Array:
    return np.where(u > 0, u * np.log(np.where(u > 0, u, 1.0)), 0.0)


def _loss(count: int) -> Term:
    """`(1/N) Σ softplus(−y ∘ Σ_j Z_j(W₀ + X)e_j)`."""
    moved = make("add", datum("W", ("m", "n")), symbol(ARGUMENT, ("m", "n")))
    logits = make(
        "add",
        *(make("matmul", datum(f"Z{j}", (count, "m")), moved, make("unit", payload=("n", 1, j, 0))) for j in range(3)),
    )
    signed = make("mul", number(-1), make("hadamard", datum("y", (count, 1)), logits))
    return mean_entries(make("map", signed, payload=(make("fn", HOLE, payload=("softplus",)),)), count)
