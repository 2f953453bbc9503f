"""Planted spurious points are what they claim to be: stationary, second-order, different from X⋆, below no lower bound."""

from __future__ import annotations

import numpy as np
import pytest

from verify.calculus.differentiate import gradients
from verify.evaluation.fields import FloatField
from verify.evaluation.hessians import hessian_matrix
from verify.evaluation.interpret import evaluate_terms
from verify.losses.spurious import plant_spurious

SIZES = [(2, 2, 1), (3, 2, 1), (3, 4, 2), (5, 4, 3)]


@pytest.mark.parametrize("decay", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(("m", "n", "r"), SIZES)
def test_the_planted_point_is_second_order_and_spurious(m: int, n: int, r: int, decay: float) -> None:
    planted = plant_spurious(np.random.default_rng(0), 20, m, n, r, np.full(20, decay))
    problem = planted.problem
    (a, b), *_ = problem.pairs
    batch = problem.batch({a.payload[0]: planted.left, b.payload[0]: planted.right})
    slopes = evaluate_terms(gradients(problem.loss, problem.variables), batch.environment(), FloatField())
    assert max(np.abs(g).max() for g in slopes) < 1e-12
    values = np.linalg.eigvalsh(hessian_matrix(problem.loss, problem.variables, batch))
    assert values.min() > -1e-11
    update = planted.left @ np.swapaxes(planted.right, -1, -2)
    assert np.linalg.norm(update - problem.star, axis=(1, 2)).min() > 0.5
    kappa = problem.beta / problem.alpha
    assert kappa.min() >= 3 - 1e-9
    smallest = np.linalg.svd(update, compute_uv=False)[:, r - 1]
    target = np.linalg.svd(problem.star, compute_uv=False)[:, r - 1]
    assert np.all(smallest >= target / kappa - 1e-12)


@pytest.mark.parametrize(("m", "n", "r"), [(1, 1, 1), (2, 2, 2), (3, 2, 4)])
def test_no_spurious_point_is_planted_where_none_exists(m: int, n: int, r: int) -> None:
    with pytest.raises(ValueError, match="no spurious point exists"):
        plant_spurious(np.random.default_rng(0), 3, m, n, r, np.zeros(3))
