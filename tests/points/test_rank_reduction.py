"""Barvinok–Pataki by construction: a minimizer of a linearized loss becomes one of rank ρ with ρ(ρ+1)/2 ≤ N."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.losses.families import FAMILIES
from verify.losses.planting import plant
from verify.points.analysis.full import slope, value
from verify.points.analysis.minimizers import minimize_full
from verify.points.analysis.rank_reduction import reduced


def minimizer_of(rng, rows, cols, rank, count, weight=0.3):
    """Measurements, X and S with `Σ c_iG_i = −weight·S` for some c, S in the subdifferential of the nuclear norm at X."""
    star = plant(rng, 1, rows, cols, rank)
    features = rng.standard_normal((count, rows * cols))
    residuals = rng.uniform(0.5, 2.0, count)
    features[0] = (-weight * star.witness.ravel() - residuals[1:] @ features[1:]) / residuals[0]
    return features, star.point[0], star.witness[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 6), st.integers(1, 12), st.integers(0, 10**6))
def test_the_rank_falls_below_the_bound_and_the_minimizer_stays_one(rows, cols, rank, count, seed):
    rank = min(rank, rows, cols)
    features, point, witness = minimizer_of(np.random.default_rng(seed), rows, cols, rank, count)
    found = reduced(features, point)
    rho = found.ranks[-1]
    assert found.ranks[0] == rank
    assert list(found.ranks) == sorted(set(found.ranks), reverse=True)
    assert rho * (rho + 1) <= 2 * count
    assert np.linalg.matrix_rank(found.point, rtol=1e-8) == rho == found.left.shape[1] == found.right.shape[1]
    assert np.allclose(found.left.T @ found.left, found.right.T @ found.right, atol=1e-9)
    assert np.allclose(features @ found.point.ravel(), features @ point.ravel(), atol=1e-8)
    nuclear = np.linalg.svd(found.point, compute_uv=False).sum()
    assert nuclear == pytest.approx(np.linalg.svd(point, compute_uv=False).sum(), abs=1e-8)
    # The same gradient certifies it: the measurements and so the residuals are what they were.
    assert np.sum(witness * found.point) == pytest.approx(nuclear, abs=1e-8)


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (2, 1), (3, 2), (5, 2), (6, 3), (9, 3)])
def test_the_bound_is_reached_from_full_rank(count, rank):
    features, point, _ = minimizer_of(np.random.default_rng(count), 5, 5, 5, count)
    assert reduced(features, point).ranks[-1] == rank


@pytest.mark.parametrize("name", ["linearized_squared", "linearized_logistic"])
def test_computed_minimizers_of_the_families_are_reduced(name):
    """Two equal singular directions: measurements that see only the trace leave a minimizer of full rank."""
    problem = FAMILIES[name].sample(np.random.default_rng(0), 1, m=4, n=4, samples=2, star_rank=None, decay=0.05)
    trace = np.stack([np.eye(4).ravel(), 2 * np.eye(4).ravel()])[None]
    labels = np.array([[[4.0], [8.0]]]) if name == "linearized_squared" else np.ones((1, 2, 1))
    problem = replace(problem, operators={"G": trace}, data={**problem.data, "y": labels, "C": np.zeros((1, 4, 4))})
    problem = replace(problem, alpha=None, beta=None)
    found = minimize_full(problem, bound=False).point[0]
    assert np.linalg.matrix_rank(found, rtol=1e-6) == 4
    low = reduced(trace[0], found)
    assert low.ranks[-1] == 1
    point = low.point[None]

    def total(x):
        return value(problem, x) + problem.weight * np.linalg.svd(x, compute_uv=False).sum(axis=-1)

    assert total(point) == pytest.approx(total(found[None]), abs=1e-9)
    gradient = slope(problem, point)[0]
    assert np.linalg.norm(gradient, ord=2) <= problem.weight[0] * (1 + 1e-6)


def test_an_only_minimizer_stays_as_it_is():
    """One measurement, rank one: `ρ(ρ+1)/2 = N`, and nothing of rank 0 has that measurement."""
    found = reduced(np.array([[1.0]]), np.array([[2.0]]))
    assert found.ranks == (1,)
    assert found.point == pytest.approx(np.array([[2.0]]))


def test_zero_has_rank_zero():
    assert reduced(np.ones((1, 6)), np.zeros((2, 3))).ranks == (0,)


def test_a_point_that_is_no_minimizer_is_refused():
    with pytest.raises(ValueError, match="no minimizer"):
        reduced(np.array([[1.0, 0.0, 0.0, 0.0]]), np.diag([1.0, 2.0]))


def test_wrong_shapes_and_values_are_refused():
    with pytest.raises(ValueError, match="do not measure"):
        reduced(np.ones((2, 3)), np.eye(2))
    with pytest.raises(ValueError, match="finite"):
        reduced(np.ones((1, 4)), np.full((2, 2), np.nan))
