"""The outer search finds the thresholds and the frontier of Theorem D by itself (theory §4, sharpness)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verify.search.synthesis.search import Work, search, sharp_threshold, smallest_ratio
from verify.search.synthesis.shapes import Setting, shapes


@pytest.mark.parametrize("decay", ["0", "1/10", "1/2"])
def test_threshold_of_rank_one(decay: str) -> None:
    found = sharp_threshold(2, 2, 1, 1, Fraction(decay))
    assert found.value == pytest.approx(3.0, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("decay", ["0", "1/10", "1/2"])
@pytest.mark.parametrize(("r", "r_star"), [(2, 1), (3, 1), (2, 2), (3, 2)])
def test_thresholds_of_higher_rank(r: int, r_star: int, decay: str) -> None:
    found = sharp_threshold(r + r_star, r + r_star, r, r_star, Fraction(decay), work=250)
    expected = 1 + 2 * (r / r_star) ** 0.5
    assert expected - 1e-6 <= found.value <= expected + 1e-3


@pytest.mark.slow
def test_the_threshold_is_larger_in_smaller_matrices() -> None:
    found = sharp_threshold(4, 4, 3, 2, Fraction(0), work=350)
    assert found.value == pytest.approx(1 + 2 * 2**0.5, abs=1e-3)


@pytest.mark.parametrize("kappa", [3.5, 5.25, 10.0, 50.0])
def test_the_frontier_of_rank_one(kappa: float) -> None:
    found = smallest_ratio(kappa, 2, 2, 1, 1)
    expected = 2 / (kappa + 1 + ((kappa - 1) ** 2 - 4) ** 0.5)
    assert found.value == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("r", "r_star", "kappa", "decay"), [(2, 1, 6.0, "0"), (2, 2, 5.0, "1/2"), (3, 1, 8.0, "0")])
def test_the_frontier_of_higher_rank(r: int, r_star: int, kappa: float, decay: str) -> None:
    found = smallest_ratio(kappa, r + r_star, r + r_star, r, r_star, Fraction(decay), work=500)
    expected = 2 / (kappa + 1 + ((kappa - 1) ** 2 - 4 * r / r_star) ** 0.5)
    assert found.value == pytest.approx(expected, rel=1e-4)


def test_below_the_threshold_there_is_no_spurious_point() -> None:
    with pytest.raises(ValueError, match="threshold"):
        smallest_ratio(2.9, 2, 2, 1, 1)


def test_without_room_there_is_no_spurious_point() -> None:
    assert list(shapes(2, 2, 2, 1)) == []
    with pytest.raises(ValueError, match="min"):
        sharp_threshold(2, 2, 2, 1, 0)


def test_an_objective_of_ones_own_is_minimized() -> None:
    found = search(
        lambda point, solution, _: abs(float(np.linalg.norm(point.update)) - 0.4) + 0.01 * solution.value,
        [(2, 2, 1, 1)],
        np.random.default_rng(0),
        Work(300),
        setting=Setting(),
    )
    assert found is not None
    assert float(np.linalg.norm(found.point.update)) == pytest.approx(0.4, abs=1e-2)
