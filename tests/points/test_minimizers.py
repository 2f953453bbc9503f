"""The batched proximal solver: it finds planted points, and its bounds are bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from verify.losses.families import FAMILIES
from verify.points.analysis.full import slope, value
from verify.points.analysis.minimizers import Ending, Proof, minimize_full, shrunk

CONVEX = [name for name, family in FAMILIES.items() if family.convex]


def total(problem, point):
    return value(problem, point) + problem.weight * np.linalg.svd(point, compute_uv=False).sum(axis=-1)


def far(left, right):
    return np.linalg.norm(left - right, axis=(-2, -1))


@pytest.mark.parametrize("options", [{}, {"star_rank": 2}, {"star_rank": 0}, {"m": 1, "n": 3}, {"r": 7}], ids=str)
@pytest.mark.parametrize("name", CONVEX)
def test_planted_points_are_found_within_the_bounds(name, options):
    problem = FAMILIES[name].sample(np.random.default_rng(1), 10, **options)
    found = minimize_full(problem)
    assert set(found.ending) == {Ending.CONVERGED}
    assert np.max(far(found.point, problem.star)) <= 1e-6
    # The true error is known here: the reported bounds must not be below it, up to the rounding of F itself.
    rounding = 1e-14 * (1 + np.abs(found.value))
    assert np.all(found.value - total(problem, problem.star) <= found.gap + rounding)
    assert np.all(far(found.point, problem.star) <= found.distance)
    assert np.all(found.gap <= 1e-7)
    assert np.allclose(found.value, total(problem, found.point), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CONVEX)
def test_minimizers_of_natural_data_satisfy_the_inclusion(name):
    problem = FAMILIES[name].sample(np.random.default_rng(2), 10, star_rank=None)
    found = minimize_full(problem)
    slopes = slope(problem, found.point)
    norms = np.linalg.norm(slopes, ord=2, axis=(-2, -1))
    nuclear = np.linalg.svd(found.point, compute_uv=False).sum(axis=-1)
    assert np.all(norms <= problem.weight * (1 + 1e-6))
    assert np.allclose(np.sum(-slopes * found.point, axis=(-2, -1)), problem.weight * nuclear, atol=1e-6)
    assert np.all(found.gap <= 1e-6)
    assert Proof.NONE not in found.proof


@pytest.mark.parametrize("name", CONVEX)
def test_gap_bounds_hold_when_stopped_early(name):
    problem = FAMILIES[name].sample(np.random.default_rng(3), 12)
    rough = minimize_full(problem, steps=4)
    excess = rough.value - total(problem, problem.star)
    known = np.isfinite(rough.gap)
    assert np.all(excess[known] <= rough.gap[known] + 1e-13 * (1 + np.abs(rough.value[known])))
    assert np.all(far(rough.point, problem.star) <= rough.distance)
    if name not in ("factorization", "isometric_sensing"):
        assert np.max(excess) > 1e-8
        assert Ending.BUDGET_SPENT in rough.ending


def test_unknown_curvature_is_found_by_doubling():
    problem = FAMILIES["cross_entropy"].sample(np.random.default_rng(4), 6)
    problem = replace(problem, beta=None, data={**problem.data, "Z": 5 * problem.data["Z"]}, star=None, witness=None)
    found = minimize_full(problem, bound=False)
    known = FAMILIES["quadratic"].sample(np.random.default_rng(4), 6)
    blind = minimize_full(replace(known, beta=None, alpha=None), bound=False)
    assert Ending.NON_FINITE not in found.ending
    assert set(blind.ending) == {Ending.CONVERGED}
    assert np.max(far(blind.point, known.star)) <= 1e-8
    assert set(blind.proof) == {Proof.NONE}
    assert np.all(np.isinf(blind.gap))


def test_unbounded_and_undefined_losses_end():
    problem = FAMILIES["linearized_squared"].sample(np.random.default_rng(5), 3, star_rank=None)
    tilted = {**problem.data, "C": problem.data["C"] + 10.0}
    spoiled = {**tilted, "y": tilted["y"].copy()}
    spoiled["y"][1] = np.nan
    found = minimize_full(replace(problem, data=spoiled), steps=300)
    assert found.ending[1] is Ending.NON_FINITE
    assert Ending.CONVERGED not in found.ending
    assert np.all(np.isinf(found.gap))


def test_a_problem_that_is_not_convex_is_refused():
    with pytest.raises(ValueError, match="not known to be convex"):
        minimize_full(FAMILIES["quadratic"].sample(np.random.default_rng(0), 2, spectrum=(-2.0, -1.0)))
    with pytest.raises(ValueError, match="several adapters"):
        minimize_full(FAMILIES["network_tanh"].sample(np.random.default_rng(0), 2))


def test_each_instance_has_its_own_weight():
    problem = FAMILIES["factorization"].sample(np.random.default_rng(6), 4, star_rank=None)
    weights = np.array([0.0, 0.1, 1.0, 100.0])
    found = minimize_full(problem, weights)
    assert np.allclose(found.point, shrunk(problem.data["M"], weights), atol=1e-10)
    assert np.all(found.point[3] == 0)
