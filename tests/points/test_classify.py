"""Classes of points: against known answers, with counts that add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from local_solver import random_points, settle, without_star

from verify.losses.families import FAMILIES
from verify.losses.textbook import quadratic_of, strict_textbook, textbook, textbook_with_decay
from verify.points.analysis.classify import Kind, classify
from verify.points.analysis.comparing import Evidence
from verify.points.analysis.distinct import distinct
from verify.points.analysis.minimizers import minimize_full

CONVEX = [name for name, family in FAMILIES.items() if family.convex]
EXAMPLES = {
    "λ = 0, a = 1": textbook(),
    "λ = 0, a = 3": textbook(3.0),
    "λ = 1/2": textbook_with_decay(0.5),
    "strict": strict_textbook(),
}


def factors_of(point, r):
    """A balanced pair of X of rank at most r."""
    u, values, vt = np.linalg.svd(point, full_matrices=False)
    k = min(r, values.shape[-1])
    # √(1e-17) would be a column of size 3e-9.
    roots = np.sqrt(np.where(values > 1e-12, values, 0.0)[:, None, :k])
    pad = ((0, 0), (0, 0), (0, r - k))
    return {"A": np.pad(u[:, :, :k] * roots, pad), "B": np.pad(np.swapaxes(vt, -1, -2)[:, :, :k] * roots, pad)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_textbook_points_are_spurious(name):
    example = EXAMPLES[name]
    found = classify(example.problem, example.point)
    assert found.kind == (Kind.SPURIOUS,)
    assert found.evidence is Evidence.CRITERION
    assert found.rank.tolist() == [[1]]
    assert found.value_excess[0] > 0.5
    assert found.balance[0, 0] <= 1e-12
    # One pair of rank one: no gauge with decay, one direction without (theory §1).
    assert found.inertia.gauge[0] == (0 if example.problem.weight[0] > 0 else 1)
    assert found.inertia.minus[0] == 0
    assert found.inertia.zero[0] == (0 if name == "strict" else 1)
    again = classify(example.problem, example.point, minimizers=minimize_full(example.problem))
    assert again.kind == (Kind.SPURIOUS,)
    assert again.evidence is Evidence.MINIMIZER


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_moved_textbook_point_is_not_stationary(name):
    example = EXAMPLES[name]
    found = classify(example.problem, {"A": example.point["A"] + 1e-3, "B": example.point["B"]})
    assert found.kind == (Kind.NOT_STATIONARY,)
    between = classify(example.problem, {"A": example.point["A"] + 3e-8, "B": example.point["B"]})
    assert between.kind == (Kind.UNDECIDED,)


@pytest.mark.parametrize("options", [{}, {"decay": 0.0}, {"m": 1, "n": 4}, {"m": 3, "n": 2, "r": 6}, {"star_rank": 2}], ids=str)
@pytest.mark.parametrize("name", CONVEX)
def test_planted_points_are_global(name, options):
    problem = FAMILIES[name].sample(np.random.default_rng(1), 6, **options)
    found = classify(problem, factors_of(problem.star, problem.dims["r"]))
    assert found.counts[Kind.GLOBAL] == 6
    assert np.max(found.distance) <= 1e-12
    assert np.all(found.rank[:, 0] == min(options.get("star_rank", 1), problem.star.shape[-2], problem.star.shape[-1]))
    sizes = found.inertia.minus + found.inertia.zero + found.inertia.plus + found.inertia.gauge
    assert np.all(sizes == problem.unknowns)


@pytest.mark.parametrize("name", CONVEX)
def test_the_origin_is_a_saddle_where_the_gradient_exceeds_the_decay(name):
    problem = FAMILIES[name].sample(np.random.default_rng(2), 6)
    origin = {v.payload[0]: np.zeros((6, *problem.size_of(v))) for v in problem.variables}
    found = classify(problem, origin)
    assert found.counts[Kind.SADDLE] == 6
    assert np.allclose(found.inertia.least, -found.slope_excess, atol=1e-12)  # Corollary A″
    calm = FAMILIES[name].sample(np.random.default_rng(2), 6, star_rank=0)
    assert classify(calm, origin).counts[Kind.GLOBAL] == 6


@pytest.mark.parametrize("name", FAMILIES)
def test_counts_add_up_and_second_order_points_of_low_rank_are_global(name):
    problem = FAMILIES[name].sample(np.random.default_rng(3), 12)
    points = settle(problem, random_points(problem, np.random.default_rng(4)))
    found = classify(problem, points)
    assert sum(found.counts.values()) == found.count == 12
    assert found.counts[Kind.NOT_STATIONARY] < 6
    if FAMILIES[name].convex:
        assert found.counts[Kind.GLOBAL] >= 6
        spurious = found.where(Kind.SPURIOUS)
        assert np.all(found.rank[spurious, 0] == problem.dims["r"])  # Theorem A
    elif problem.star is not None:
        assert found.evidence is Evidence.CONSTRUCTION  # nothing but the distance to a planted X⋆ is left
        assert found.counts[Kind.UNDECIDED] == 0
    else:
        assert found.evidence is Evidence.NONE
        assert found.counts[Kind.GLOBAL] == found.counts[Kind.SPURIOUS] == 0


@pytest.mark.parametrize("name", ["weighted", "gaussian_sensing"])
def test_points_of_the_finder(name):
    """Rank one, many starts: both branches occur, and equal points are counted once."""
    from verify.points import find

    problem = FAMILIES[name].sample(np.random.default_rng(13), 40, r=1, samples=8, weights=(0.001, 1.0), m=5, n=5)
    found = find(problem, per_instance=6)
    stack = problem.pick(found.instance)
    kinds = classify(stack, found.arrays)
    assert sum(kinds.counts.values()) == 240
    assert kinds.counts[Kind.GLOBAL] > 0
    assert kinds.counts[Kind.SPURIOUS] > 0
    spurious = kinds.where(Kind.SPURIOUS)
    assert np.all(kinds.value_excess[spurious] > 0)
    assert np.all(kinds.distance[spurious] > 1e-4)
    labels = distinct(stack, found.arrays, found.instance)
    assert 40 <= len(set(labels.tolist())) < 240
    assert np.array_equal(found.instance[labels], found.instance)


def test_spurious_points_of_completion():
    """Theory §5: three observed entries `[[1, 0.3], [·, 1]]`, λ = 0.1, r = 1."""
    family = FAMILIES["completion"]
    problem = family.sample(np.random.default_rng(0), 1, m=2, n=2, r=1, decay=0.1, star_rank=None)
    data = {**problem.data, "P": np.array([[[1.0, 1.0], [0.0, 1.0]]]), "M": np.array([[[1.0, 0.3], [0.0, 1.0]]])}
    problem = replace(problem, data=data).pick(np.zeros(60, dtype=int))
    points = settle(problem, random_points(problem, np.random.default_rng(0)))
    minimizers = minimize_full(problem)
    found = classify(problem, points, minimizers=minimizers)
    assert found.counts[Kind.SPURIOUS] >= 5
    spurious = found.where(Kind.SPURIOUS)
    assert np.all(found.value[spurious] > minimizers.value[spurious] + minimizers.gap[spurious])
    # Modulo gauge there are few of them; A and −A give the same X.
    labels = distinct(problem, points, np.zeros(60, dtype=int))
    assert 1 <= len(set(labels[spurious])) <= 4


def test_functions_that_are_not_convex_are_compared_with_the_planted_point():
    operator = np.diag([2.0, 3.0, 4.0, -0.5])[None]
    star = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    witness = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    target = star + 0.1 * (np.linalg.inv(operator) @ witness.reshape(1, 4, 1)).reshape(1, 2, 2)
    problem = quadratic_of(operator, target, 0.1, 2, star=star, witness=witness)
    assert not problem.convex
    at_star = classify(problem, factors_of(star, 2))
    assert at_star.evidence is Evidence.CONSTRUCTION
    assert at_star.kind == (Kind.GLOBAL,)
    unknown = classify(without_star(problem), factors_of(star, 2))
    assert unknown.evidence is Evidence.NONE
    assert unknown.kind == (Kind.UNDECIDED,)


def test_spurious_and_saddle_for_a_concave_function():
    """`f = −x²/2`, λ = 1: 0 is second-order stationary, the stationary X⋆ = 1 of F is a saddle of L."""
    one = np.ones((1, 1, 1))
    problem = quadratic_of(-one, 0 * one, 1.0, 1, star=one, witness=one)
    assert classify(problem, {"A": 0 * one, "B": 0 * one}).kind == (Kind.SPURIOUS,)
    assert classify(problem, {"A": one, "B": one}).kind == (Kind.SADDLE,)


def test_what_is_not_finite_is_undecided():
    problem = FAMILIES["factorization"].sample(np.random.default_rng(6), 3)
    points = factors_of(problem.star, 2)
    points["A"][1, 0, 0] = np.nan
    spoiled = {**problem.data, "M": problem.data["M"].copy()}
    spoiled["M"][2, 0, 0] = np.inf
    found = classify(replace(problem, data=spoiled), points)
    assert found.kind == (Kind.GLOBAL, Kind.UNDECIDED, Kind.UNDECIDED)


def test_contradicting_minimizers_make_the_class_undecided():
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(7), 3)
    points = factors_of(problem.star, 2)
    right = minimize_full(problem)
    wrong = replace(right, value=right.value - 1.0)
    assert classify(problem, points, minimizers=right).counts[Kind.GLOBAL] == 3
    assert classify(problem, points, minimizers=wrong).counts[Kind.UNDECIDED] == 3
    example = strict_textbook()
    true = minimize_full(example.problem)
    high = replace(true, value=true.value + 10.0)
    assert classify(example.problem, example.point, minimizers=high).kind == (Kind.UNDECIDED,)


def test_gauge_turns_change_nothing():
    problem = FAMILIES["weighted"].sample(np.random.default_rng(8), 5, star_rank=2, r=3)
    points = factors_of(problem.star, 3)
    turn, _ = np.linalg.qr(np.random.default_rng(9).standard_normal((3, 3)))
    turned = {name: value @ turn for name, value in points.items()}
    first, second = classify(problem, points), classify(problem, turned)
    assert first.kind == second.kind
    for part in ("minus", "zero", "plus", "gauge"):
        assert np.array_equal(getattr(first.inertia, part), getattr(second.inertia, part))
    assert np.all(first.inertia.gauge == 3)  # k(2r − k − 1)/2 at k = 2, r = 3
    both = {name: np.concatenate([points[name], turned[name]]) for name in points}
    labels = distinct(problem.pick(np.tile(np.arange(5), 2)), both, np.tile(np.arange(5), 2))
    assert np.array_equal(labels, np.tile(np.arange(5), 2))


def test_distinct_points_without_decay_and_without_loss():
    """At λ = 0 the least loss is 0 up to rounding: that must not make equal points different."""
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(12), 2, r=1, decay=0.0)
    points = factors_of(problem.star, 1)
    several = {
        "A": np.concatenate([points["A"], -2 * points["A"], points["A"]]),
        "B": np.concatenate([points["B"], -points["B"] / 2, 0 * points["B"]]),
    }
    labels = distinct(problem.pick([0, 1, 0, 1, 0, 1]), several, np.array([0, 1, 0, 1, 0, 1]))
    assert labels.tolist() == [0, 1, 0, 1, 4, 5]
    several["A"][2] = np.nan
    assert distinct(problem.pick([0, 1, 0, 1, 0, 1]), several, np.array([0, 1, 0, 1, 0, 1])).tolist() == [0, 1, 2, 1, 4, 5]


def test_ranks_come_with_their_gaps():
    problem = FAMILIES["factorization"].sample(np.random.default_rng(10), 2, m=3, n=3, r=3, star_rank=None)
    points = {"A": np.tile(np.eye(3), (2, 1, 1)), "B": np.stack([np.diag([2.0, 1.0, 1e-9]), np.diag([2.0, 1.0, 0.5])])}
    found = classify(problem, points)
    assert found.rank[:, 0].tolist() == [2, 3]
    assert found.rank_gap[0, 0] == pytest.approx(1e9)
    assert found.rank_gap[1, 0] == np.inf


def test_shapes_that_disagree_are_refused():
    problem = FAMILIES["factorization"].sample(np.random.default_rng(11), 2)
    points = factors_of(problem.star, 2)
    with pytest.raises(ValueError, match="is needed"):
        classify(problem, {"A": points["A"]})
    with pytest.raises(ValueError, match="is needed"):
        classify(problem, {"A": points["A"], "B": points["B"][:, :2]})
