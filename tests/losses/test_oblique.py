"""Spurious points at any angle to X⋆: stationary, second-order, with the curvature that is promised."""

from __future__ import annotations

import numpy as np
import pytest

from verify.losses.hessians import is_semidefinite, lora_hessian
from verify.losses.oblique import plant_oblique

SIZES = [(2, 2, 1, 1), (3, 2, 1, 1), (4, 4, 2, 1), (4, 4, 2, 2), (5, 4, 3, 1)]


@pytest.mark.parametrize("rational", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_the_planted_point_is_second_order_and_not_the_target(sizes: tuple[int, int, int, int], *, rational: bool) -> None:
    rng = np.random.default_rng(0)
    planted = plant_oblique(rng, 30, sizes, rng.choice([0.0, 0.7], 30), rational=rational)
    assert planted is not None
    problem, left, right = planted.problem, planted.left, planted.right
    operator, star, witness, decay = problem.operators["H"], problem.star, problem.witness, problem.weight
    point = left @ np.swapaxes(right, -1, -2)
    move = (point - star).reshape(30, -1)
    slope = (operator @ move[..., None])[..., 0].reshape(star.shape) - decay[:, None, None] * witness
    size = np.abs(operator).max(axis=(-2, -1))[:, None, None]
    assert np.abs((slope @ right + decay[:, None, None] * left) / size).max() < 1e-12
    assert np.abs((np.swapaxes(slope, -1, -2) @ left + decay[:, None, None] * right) / size).max() < 1e-12
    assert is_semidefinite(lora_hessian(left, right, slope, operator, decay)).all()
    assert np.linalg.norm(move, axis=1).min() > 1e-3
    values = np.linalg.eigvalsh(operator)
    assert (problem.alpha > 0).all()
    assert (problem.alpha <= values[:, 0]).all()
    assert (problem.beta >= values[:, -1]).all()


def test_angles_of_both_signs_occur() -> None:
    rng = np.random.default_rng(1)
    planted = plant_oblique(rng, 200, (3, 3, 1, 1), np.zeros(200), rational=True)
    assert planted is not None
    products = np.sum(planted.left @ np.swapaxes(planted.right, -1, -2) * planted.problem.star, axis=(-2, -1))
    assert products.min() < -0.1
    assert products.max() > 0.1


def test_sizes_without_a_spurious_point_give_nothing() -> None:
    rng = np.random.default_rng(2)
    assert plant_oblique(rng, 5, (3, 2, 2, 1), np.zeros(5), rational=True) is None


def test_a_hessian_that_is_not_finite_is_not_semidefinite() -> None:
    stack = np.stack([np.eye(2), np.full((2, 2), np.nan), np.diag([np.inf, 1.0]), np.diag([1.0, -1.0])])
    assert is_semidefinite(stack).tolist() == [True, False, False, False]
