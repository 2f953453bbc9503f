"""The semidefinite program: against closed forms, theory §4's examples, and the conditions it stands for."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.search.synthesis.closed_form import least_condition_of_gradient, least_condition_of_pairing
from verify.search.synthesis.conditions import decay_matrix, gradient_at, hessian_at, penalty, stationarity
from verify.search.synthesis.points import Point, layout_of
from verify.search.synthesis.program import Curvature, extreme, interior, least_condition
from verify.search.synthesis.shapes import Setting, Shape, shapes


def extremal(r: int, r_star: int, ratio: float, decay: str = "0") -> Point:
    """`X = ratio·I_r ⊕ 0` and `X⋆ = 0 ⊕ I_{r⋆}` with decay, in the smallest matrices."""
    size = r + r_star
    places = tuple((r + k, r + k) for k in range(r_star))
    return Shape(size, size, r, places).build([ratio**0.5], Setting(Fraction(1), Fraction(decay), Fraction(decay)))


def random_point(seed: int, decay: str) -> Point:
    rng = np.random.default_rng(seed)
    shape = list(shapes(3, 3, 2, 1 + seed % 2))[-1]
    free = np.concatenate([rng.uniform(-0.6, 0, 3 - (shape.r_star == 1)), rng.uniform(-0.3, 0.3, shape.lengths[2])])
    return shape.build(shape.numbers(free), Setting(Fraction(1), Fraction(decay), Fraction(decay)))


@pytest.mark.parametrize("decay", ["0", "1/10", "1/2"])
@pytest.mark.parametrize(("r", "r_star"), [(1, 1), (2, 1), (3, 1), (2, 2)])
def test_the_extremal_point_of_theorem_d_attains_its_threshold(r: int, r_star: int, decay: str) -> None:
    rho = r / r_star
    found = least_condition(extremal(r, r_star, 1 / (1 + rho**0.5), decay))
    assert found is not None
    assert found.value == pytest.approx(1 + 2 * rho**0.5, abs=1e-6)


def test_pointwise_constants_reach_two() -> None:
    found = least_condition(extremal(1, 1, 1.0), Curvature.PAIRED)
    assert found is not None
    assert found.value == pytest.approx(2.0, abs=1e-6)


@pytest.mark.parametrize("decay", ["0", "1/4"])
@pytest.mark.parametrize("seed", range(4))
def test_a_solution_meets_every_condition(seed: int, decay: str) -> None:
    point = random_point(seed, decay)
    found = least_condition(point)
    assert found is not None
    values = np.linalg.eigvalsh(found.hessian)
    assert values[0] >= 1 - 1e-6
    assert values[-1] <= found.value * (1 + 1e-6)
    slope = gradient_at(point, found.hessian, found.witness)
    assert np.abs(stationarity(point, slope) + penalty(point)).max() <= 1e-6
    curvature = hessian_at(point, found.hessian, slope) + decay_matrix(point)
    assert np.linalg.eigvalsh(curvature)[0] >= -1e-6
    assert np.abs(curvature @ point.tangents()).max(initial=0.0) <= 1e-5
    assert np.linalg.norm(found.witness, 2) <= 1 + 1e-6
    assert np.abs(found.witness @ point.star_right - point.star_left).max() <= 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_the_second_order_condition_only_raises_the_closed_form(seed: int) -> None:
    point = random_point(seed, "0")
    found = least_condition(point)
    assert found is not None
    slope = gradient_at(point, found.hessian, found.witness).reshape(-1)
    bound = least_condition_of_pairing(point.move, slope)
    assert bound is not None
    assert found.value >= bound * (1 - 1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_closed_forms_agree_with_each_other(entries: list[float]) -> None:
    move, pull = np.array(entries[:3]), np.array(entries[3:])
    if move @ move < 0.1 or pull @ pull < 0.1 or move @ pull < 0.1:
        return
    both = least_condition_of_gradient(move, pull)
    assert both is not None
    kappa, alpha = both
    one = least_condition_of_pairing(move, pull / alpha)
    if kappa > 1.001:
        assert one == pytest.approx(kappa, rel=1e-6)


def test_a_large_margin_keeps_away_from_every_bound() -> None:
    point = extremal(1, 1, 0.5, "1/2")
    found = interior(point, 1.0, 4.0)
    assert found is not None
    assert found.value > 0.05
    values = np.linalg.eigvalsh(found.hessian)
    assert values[0] >= 1 + found.value - 1e-6
    assert values[-1] <= 4 - found.value + 1e-6


def test_no_loss_below_the_least_condition_number() -> None:
    assert interior(extremal(1, 1, 0.5), 1.0, 2.9) is None


def test_a_linear_objective_is_minimized_within_the_bounds() -> None:
    point = extremal(1, 1, 0.5)
    entry = np.zeros((4, 4))
    entry[0, 0] = 1.0
    lowest, highest = extreme(point, 1.0, 5.0, entry, 0 * point.star), extreme(point, 1.0, 5.0, -entry, 0 * point.star)
    middle = interior(point, 1.0, 5.0)
    assert lowest is not None
    assert highest is not None
    assert middle is not None
    assert lowest.value < middle.hessian[0, 0] < -highest.value


def test_a_point_equal_to_its_target_has_no_pairing() -> None:
    shape = Shape(3, 3, 2, ((0, 0), (1, 1)))
    point = shape.build([1.0], Setting())
    assert least_condition(point, Curvature.PAIRED) is None or not point.move.any()


def test_sign_changes_decouple_the_entries_of_aligned_points() -> None:
    layout = layout_of(extremal(1, 1, 0.5))
    assert sorted(map(sorted, layout.blocks)) == [[0, 3], [1, 2]]
    assert layout.free == (0, 3)
