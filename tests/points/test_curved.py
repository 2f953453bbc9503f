"""Quadratics around chosen points: the points are second-order stationary, X⋆ is known, and H is of the wanted kind."""

from __future__ import annotations

import numpy as np
import pytest

from verify.losses.curved import Curved, plant_curved
from verify.points.finder.finder import find
from verify.points.finder.result import Status

SIZES = [(1, 1, 1, 1), (2, 2, 1, 2), (3, 2, 2, 2), (3, 3, 1, 3), (2, 3, 5, 2), (4, 4, 2, 4)]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("curved", list(Curved))
@pytest.mark.parametrize("rational", [False, True])
def test_planted_pairs_are_second_order_and_the_target_is_stationary(
    sizes: tuple[int, int, int, int], curved: Curved, *, rational: bool
) -> None:
    rng = np.random.default_rng([*sizes, rational])
    decay = np.where(rng.random(30) < 0.3, 0.0, rng.uniform(0.05, 1.0, 30))
    planted = plant_curved(rng, 30, sizes, decay, curved, rational=rational)
    problem = planted.problem
    points = find(problem, {"A": planted.left, "B": planted.right}, seed=0)
    assert (points.status == Status.SECOND_ORDER).all()
    update = planted.left @ np.swapaxes(planted.right, -1, -2)
    found = points.arrays["A"] @ np.swapaxes(points.arrays["B"], -1, -2)
    assert np.abs(found - update).max() < 1e-7

    star, witness, weight = problem.star, problem.witness, problem.weight
    assert star is not None
    assert witness is not None
    assert weight is not None
    operator = problem.operators["H"]
    centre, linear = problem.data["M"], problem.data["C"]
    flat = (star - centre).reshape(30, -1, 1)
    slope = (operator @ flat).reshape(star.shape) + linear
    assert np.allclose(slope, -weight[:, None, None] * witness, atol=1e-12)
    assert (np.linalg.norm(witness, 2, axis=(-2, -1)) <= 1 + 1e-12).all()
    assert np.allclose(np.sum(witness * star, axis=(-2, -1)), np.linalg.norm(star, "nuc", axis=(-2, -1)))
    assert (np.linalg.matrix_rank(star, rtol=1e-9) >= 1).all()


@pytest.mark.parametrize("rational", [False, True])
def test_flat_ones_are_convex_and_level_between_the_points(*, rational: bool) -> None:
    rng = np.random.default_rng(3)
    planted = plant_curved(rng, 40, (3, 3, 2, 3), np.full(40, 0.5), Curved.FLAT, rational=rational)
    operator = planted.problem.operators["H"]
    assert (np.linalg.eigvalsh(operator) > -1e-9).all()
    assert planted.problem.star is not None
    move = planted.left @ np.swapaxes(planted.right, -1, -2) - planted.problem.star
    assert np.abs(operator @ move.reshape(40, -1, 1)).max() < 1e-9


def test_others_bend_down_somewhere() -> None:
    rng = np.random.default_rng(4)
    found = [plant_curved(rng, 40, (3, 3, 2, 3), np.full(40, 0.5), Curved.ANY, rational=False) for _ in range(3)]
    least = np.concatenate([np.linalg.eigvalsh(p.problem.operators["H"])[:, 0] for p in found])
    assert (least < -0.1).mean() > 0.3
