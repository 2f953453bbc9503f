"""Training runs: what theory §6 says about flow and descent, and the experiment with both outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from verify.losses.families import FAMILIES
from verify.losses.problem import Problem
from verify.points.analysis.experiment import DECAY, both_outcomes, draw, early_growth
from verify.points.analysis.training import descent, flow


def problem() -> Problem:
    return FAMILIES["quadratic"].sample(np.random.default_rng(3), 1, m=5, n=4, r=3, decay=0.3, star_rank=1, spectrum=(1, 4))


def start(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"A": rng.standard_normal((1, 5, 3)) / np.sqrt(3), "B": np.zeros((1, 4, 3))}


def test_the_imbalance_decays_at_twice_the_decay_along_the_flow() -> None:
    loss = problem()
    run = flow(loss.loss, loss.variables, loss.batch(start(0)), np.linspace(0, 8, 30))
    a, b = run.points["A"], run.points["B"]
    imbalance = np.linalg.norm(np.swapaxes(a, 1, 2) @ a - np.swapaxes(b, 1, 2) @ b, axis=(1, 2))
    np.testing.assert_allclose(imbalance, imbalance[0] * np.exp(-2 * 0.3 * run.times), rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_monotone_training_from_zero_is_confined_at_every_step(seed: int) -> None:
    loss = problem()
    batch = loss.batch(start(seed))
    for run in (
        descent(loss.loss, loss.variables, batch, 400),
        flow(loss.loss, loss.variables, batch, np.geomspace(1e-2, 60, 80)),
    ):
        assert np.all(np.diff(run.losses) <= 1e-9 * run.losses[0])
        data_loss = run.losses - 0.3 * run.penalties
        first = run.losses[0] - 0.3 * run.penalties[0]
        radius = (first - data_loss.min()) / 0.3 + run.penalties[0]
        nuclear = run.singular_values.sum(axis=1)
        assert np.all(nuclear <= run.penalties * (1 + 1e-12))
        assert np.all(run.penalties <= radius * (1 + 1e-9))
        assert run.slopes[-1] < 1e-2 * run.slopes[0]


def test_one_loss_ends_low_rank_and_small_or_full_rank_and_large() -> None:
    found = both_outcomes()
    star = np.linalg.norm(found.star)
    assert found.zero.second_order
    assert found.large.second_order
    assert found.zero.rank == 1
    assert np.linalg.norm(found.zero.update - found.star) <= 1e-6 * star
    assert found.large.rank == 3
    assert np.linalg.norm(found.large.update) >= 2 * star
    assert found.zero.moved < 1e-2
    assert found.large.moved < 1e-6
    # Confinement excludes the full-rank end for the zero start only.
    run = found.zero.run
    data_loss = run.losses - DECAY * run.penalties
    assert np.all(run.penalties <= (data_loss[0] - data_loss.min()) / DECAY + run.penalties[0] + 1e-9)


def test_factor_modes_grow_as_predicted_and_appear_in_order() -> None:
    predicted, measured, appeared = early_growth()
    np.testing.assert_allclose(measured, predicted, rtol=0, atol=2e-3)
    alive = predicted > 0
    assert list(alive) == [True, True, True, True, False]
    assert np.all(np.diff(appeared[alive]) > 0)
    assert np.isnan(appeared[~alive]).all()


def test_the_picture_is_written(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "outcomes.svg"
    draw(both_outcomes(), str(path))
    assert "full rank" in path.read_text()
