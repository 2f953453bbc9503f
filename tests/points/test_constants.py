"""α_pair, β_dir, Theorems A–D pointwise on solved points, and what the estimates over a ball are bounds of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from local_solver import random_points, settle

from verify.evaluation.hessians import hessian_of_function
from verify.losses.families import FAMILIES
from verify.losses.planting import plant
from verify.losses.textbook import quadratic_of, strict_textbook, textbook, textbook_with_decay
from verify.points.analysis.ball_search import Ball
from verify.points.analysis.classify import Kind, classify
from verify.points.analysis.constants import block_curvature, dichotomy, pair_curvature
from verify.points.analysis.full import curvature, pairing, slope, update_of
from verify.points.analysis.restricted import Bound, Method, restricted_convexity, restricted_smoothness, uniform_bounds

CONVEX = [name for name, family in FAMILIES.items() if family.convex]


def quadratic_pair(problem, point):
    """α_pair from H itself."""
    move = (point - problem.star).reshape(problem.count, -1, 1)
    hessian = hessian_of_function(problem.full, problem.batch({}))
    return (np.swapaxes(move, -1, -2) @ hessian @ move)[:, 0, 0] / np.sum(move * move, axis=(-2, -1))


@pytest.mark.parametrize("name", ["factorization", "quadratic", "gaussian_sensing", "completion", "weighted"])
def test_pair_curvature_of_quadratics(name):
    problem = FAMILIES[name].sample(np.random.default_rng(0), 8)
    point = np.random.default_rng(1).standard_normal(problem.star.shape)
    found = pair_curvature(problem, point)
    assert np.all(found.defined)
    assert np.allclose(found.alpha, quadratic_pair(problem, point), rtol=1e-10)
    assert np.all(found.alpha >= problem.alpha - 1e-10)
    assert np.all(found.alpha <= problem.beta + 1e-10)


def test_pair_curvature_at_the_star_is_the_inner_product():
    problem = FAMILIES["logistic"].sample(np.random.default_rng(0), 3)
    found = pair_curvature(problem, problem.star)
    assert not np.any(found.defined)
    assert np.all(found.alpha == 0)
    assert np.array_equal(found.alpha, found.inner)


def test_constants_of_the_sharp_example():
    """Theory §4, Theorem C: H = diag(0, 2, 2, 2), X = e₁e₁ᵀ, X⋆ = e₂e₂ᵀ has κ = 2 exactly."""
    star = np.array([[[0.0, 0.0], [0.0, 1.0]]])
    problem = quadratic_of(np.diag([0.0, 2.0, 2.0, 2.0])[None], star, 0.0, 1, star=star, witness=star)
    found = dichotomy(problem, np.array([[[1.0, 0.0], [0.0, 0.0]]]), 1)
    assert found.kappa[0] == pytest.approx(2.0, abs=1e-14)
    assert found.pair[0] == pytest.approx(found.right[0], abs=1e-14)


@pytest.mark.parametrize(
    ("example", "both"),
    # ⟨d, H d⟩ for d = diag(½, −1): 2·¼ + 2 − 1; for d = diag(3/5, −1): 5/2·9/25 + 5/2 − 9/5.
    [(textbook(), 1.5), (strict_textbook(), 1.6)],
    ids=["textbook", "strict"],
)
def test_the_textbook_examples_attain_theorem_b(example, both):
    found = dichotomy(example.problem, update_of(example.problem, example.point), 1)
    for side in (found.pair, found.excess, found.middle):
        assert side[0] == pytest.approx(both, abs=1e-12)
    assert found.middle[0] <= found.right[0] + 1e-12


def check_theorems(problem, points, found, rank):
    """Theorems A, B, C and Lemma B at every second-order point; the number of full-rank and of spurious ones."""
    point = update_of(problem, points)
    second = (found.step <= 1e-9) & (found.inertia.minus == 0) & (found.inertia.unclear == 0)
    weight = problem.weight
    slopes = np.linalg.norm(slope(problem, point), ord=2, axis=(-2, -1))
    size = weight + slopes + np.linalg.norm(slope(problem, problem.star), axis=(-2, -1))
    low = second & (found.rank[:, 0] < rank)
    assert np.all(slopes[low] <= weight[low] + 1e-7 * size[low])  # Theorem A
    full = second & (found.rank[:, 0] == rank)
    if rank < min(point.shape[-2:]):
        block = block_curvature(problem, point, rank)
        assert np.all(block.defect[full] <= 1e-7 * size[full])  # Lemma B
    both = dichotomy(problem, point, rank)
    slack = 1e-6 * both.scale
    assert np.all((both.pair <= both.excess + slack)[full])
    assert np.all((both.excess <= both.middle + slack)[full])
    assert np.all((both.middle <= both.right + slack)[full])
    spurious = full & found.where(Kind.SPURIOUS) & (both.kappa == both.kappa)
    ratio = rank / np.maximum(1, np.linalg.matrix_rank(problem.star, rtol=1e-9))
    assert np.all(both.kappa[spurious] >= 2 * np.sqrt(np.broadcast_to(ratio, spurious.shape)[spurious]) - 1e-6)  # Theorem C
    return int(full.sum()), int(spurious.sum())


@pytest.mark.parametrize("options", [{"r": 1}, {"r": 2}, {"r": 1, "m": 1, "n": 4}, {"r": 4, "m": 3, "n": 3}], ids=str)
@pytest.mark.parametrize("name", CONVEX)
def test_theorems_hold_at_solved_points(name, options):
    problem = FAMILIES[name].sample(np.random.default_rng(2), 20, **options)
    points = settle(problem, random_points(problem, np.random.default_rng(3)))
    found = classify(problem, points)
    check_theorems(problem, points, found, min(options["r"], *problem.star.shape[-2:]))


def around_the_spurious_point(count, seed):
    """Problems near the strict example (its spurious point survives), and starts near that point."""
    example, rng = strict_textbook(), np.random.default_rng(seed)
    change = 0.05 * rng.standard_normal((count, 4, 4))
    operator = example.problem.operators["H"] + (change + np.swapaxes(change, -1, -2)) / 2
    star = np.broadcast_to(example.problem.star, (count, 2, 2))
    problem = quadratic_of(operator, star, 0.0, 1, star=star, witness=np.broadcast_to(np.eye(2), (count, 2, 2)))
    points = {k: np.repeat(v, count, axis=0) + 0.05 * rng.standard_normal((count, 2, 1)) for k, v in example.point.items()}
    return problem, points


def test_theorems_hold_at_spurious_points():
    problem, points = around_the_spurious_point(60, 0)
    points = settle(problem, points)
    found = classify(problem, points)
    full, spurious = check_theorems(problem, points, found, 1)
    assert spurious >= 40
    assert full >= spurious


def test_a_planted_violation_is_seen():
    """The check must be able to fail: at a point that is not second-order stationary Theorem B's chain breaks."""
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(4), 40, star_rank=1, r=1)
    both = dichotomy(problem, np.random.default_rng(5).standard_normal(problem.star.shape), 1)
    assert np.any(both.pair > both.right + 1e-3 * both.scale)


def test_lemma_b_at_the_textbook_point():
    example = textbook_with_decay(0.5)
    point = update_of(example.problem, example.point)
    block = block_curvature(example.problem, point, 1)
    assert block.block_norm[0] == pytest.approx(0.5 + block.beta[0] * block.smallest[0], abs=1e-12)
    assert block.defect[0] == pytest.approx(0.0, abs=1e-12)
    assert np.linalg.norm(block.move[0]) ** 2 == pytest.approx(2.0)
    assert block.beta[0] == pytest.approx(curvature(example.problem, point, block.move)[0] / 2)


def test_blocks_that_are_empty():
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(6), 4, m=1, n=3)
    point = np.random.default_rng(7).standard_normal((4, 1, 3))
    block = block_curvature(problem, point, 1)
    assert np.all(np.isnan(block.beta))
    assert np.all(block.block_norm == 0)
    assert np.all(dichotomy(problem, point, 1).right == 0)
    assert np.all(np.isnan(block_curvature(problem, point, 0).beta))
    with pytest.raises(ValueError, match="does not exist"):
        block_curvature(problem, point, 2)


def test_without_a_star_there_is_no_pair():
    problem = FAMILIES["factorization"].sample(np.random.default_rng(8), 2, star_rank=None)
    with pytest.raises(ValueError, match="no X⋆ is known"):
        pair_curvature(problem, problem.data["M"])
    assert np.all(pair_curvature(problem, problem.data["M"], star=0 * problem.data["M"]).defined)


# --- estimates over a ball ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONVEX)
def test_estimates_say_what_they_bound(name):
    problem = FAMILIES[name].sample(np.random.default_rng(9), 3)
    alpha, beta = uniform_bounds(problem)
    rng = np.random.default_rng(10)
    sampled, searched = restricted_convexity(problem, rng, rank=2, radius=2.0, starts=4, steps=25)
    assert sampled.bound is searched.bound is Bound.UPPER_BOUND_OF_ALPHA
    assert (sampled.method, searched.method) == (Method.SAMPLED, Method.ADVERSARIAL)
    assert np.all(alpha.value - 1e-9 <= searched.value)
    assert np.all(searched.value <= sampled.value)
    low, high = restricted_smoothness(problem, rng, rank=2, radius=2.0, starts=4, steps=25)
    assert low.bound is high.bound is Bound.LOWER_BOUND_OF_BETA
    assert np.all(low.value <= high.value)
    assert np.all(high.value <= beta.value + 1e-9)
    assert alpha.bound is beta.bound is Bound.CERTIFIED
    # The points are in the ball, of the rank asked for, and attain the values.
    for estimate in (sampled, searched, low, high):
        distance = np.linalg.norm(estimate.at["X"] - problem.star, axis=(-2, -1))
        assert np.all(distance <= 2.0 * (1 + 1e-12))
        assert np.all(np.linalg.matrix_rank(estimate.at["X"], rtol=1e-10) <= 2)
    assert np.allclose(pair_curvature(problem, searched.at["X"]).alpha, searched.value, rtol=1e-6, atol=1e-12)
    along = high.at["Z"]
    assert np.allclose(curvature(problem, high.at["X"], along), high.value * pairing(along, along), rtol=1e-9)
    in_tangent = np.linalg.matrix_rank(along, rtol=1e-9)
    assert np.all(in_tangent <= 2)


def test_the_search_beats_sampling():
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(11), 6)
    rng = np.random.default_rng(12)
    sampled, searched = restricted_convexity(problem, rng, rank=2, radius=2.0)
    assert np.all(searched.value < 0.7 * sampled.value)
    low, high = restricted_smoothness(problem, rng, rank=2, radius=2.0)
    assert np.all(high.value > 1.05 * low.value)


def test_full_rank_search_finds_the_exact_constants():
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(13), 3, m=2, n=2, star_rank=1, spectrum=(1.0, 4.0))
    rng = np.random.default_rng(14)
    _, alpha = restricted_convexity(problem, rng, rank=2, radius=5.0, starts=12, steps=200)
    _, beta = restricted_smoothness(problem, rng, rank=2, radius=5.0, starts=12, steps=200)
    assert np.allclose(alpha.value, 1.0, atol=0.02)
    assert np.allclose(beta.value, 4.0, atol=0.02)


def test_uniform_bounds_of_a_given_quadratic():
    problem = replace(FAMILIES["quadratic"].sample(np.random.default_rng(15), 3), alpha=None, beta=None)
    alpha, beta = uniform_bounds(problem)
    assert np.allclose(alpha.value, 1.0)
    assert np.allclose(beta.value, 10.0)
    assert np.all(alpha.value <= 1.0)
    assert np.all(beta.value >= 10.0)
    nothing = uniform_bounds(replace(FAMILIES["logistic"].sample(np.random.default_rng(0), 1), alpha=None, beta=None))
    assert nothing == (None, None)
    assert uniform_bounds(FAMILIES["attention"].sample(np.random.default_rng(0), 1)) == (None, None)


def test_balls_that_mean_nothing_are_refused():
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(16), 2, star_rank=2)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="not a positive number"):
        restricted_convexity(problem, rng, rank=2, radius=0.0)
    with pytest.raises(ValueError, match="rank above 1"):
        restricted_convexity(problem, rng, rank=1, radius=1.0)
    with pytest.raises(ValueError, match="at least 1"):
        restricted_smoothness(problem, rng, rank=0, radius=1.0)


@pytest.mark.parametrize("c", [1e-8, 1.0, 1e8])
def test_no_constant_is_read_off_a_rounding_error(c):
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(0), 20, m=4, n=4, r=2, star_rank=1, star_sizes=(c, 2 * c))
    near = problem.star * (1 + 4e-16 * np.random.default_rng(1).standard_normal(problem.star.shape))
    assert not pair_curvature(problem, near).defined.any()
    apart = problem.star + 1e-3 * c * np.random.default_rng(2).standard_normal(problem.star.shape)
    found = pair_curvature(problem, apart)
    assert found.defined.all()
    assert np.all((found.alpha >= problem.alpha * (1 - 1e-6)) & (found.alpha <= problem.beta * (1 + 1e-6)))


@pytest.mark.parametrize("c", [1e-8, 1.0, 1e8])
def test_a_ball_starts_at_factors_of_the_rank_of_its_centre(c):
    star = c * plant(np.random.default_rng(0), 30, 4, 5, 2).point
    ball = Ball.around(star, 3, np.full(30, c))
    assert not ball.left[:, :, 2].any()
    assert not ball.right[:, :, 2].any()
    assert np.abs(ball.left @ np.swapaxes(ball.right, 1, 2) - star).max() <= 1e-13 * c
    with pytest.raises(ValueError, match="above 1"):
        Ball.around(star, 1, np.full(30, c))
