"""Complete enumeration for factorization (theory §5): the number of values, the values, and their indices."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
import pytest

from verify.losses.families import FAMILIES
from verify.points.analysis.classify import Kind, classify
from verify.points.analysis.enumerate import predicted_values, stationary_values


def problem_of(seed, m, n, r, decay):
    options = {"m": m, "n": n, "r": r, "decay": decay, "star_rank": None, "target_rank": 5, "noise": 0.5}
    return FAMILIES["factorization"].sample(np.random.default_rng(seed), 1, **options)


def compare(problem, seed, r, decay):
    target = problem.data["M"][0]
    found = stationary_values(problem, np.random.default_rng(seed))
    values = np.linalg.svd(target, compute_uv=False)
    usable = int(np.sum(values > decay))
    assert len(found.updates) == sum(comb(usable, k) for k in range(r + 1))
    wanted, index = predicted_values(target, decay, r)
    gaps = np.linalg.norm(found.updates[:, None] - wanted[None], axis=(-2, -1))
    match = np.argmin(gaps, axis=1)
    assert sorted(match.tolist()) == list(range(len(wanted)))
    assert np.max(np.min(gaps, axis=1)) <= 1e-9
    assert np.array_equal(found.index, index[match])
    assert found.quiet
    assert np.max(found.gradient) <= 1e-10
    return found


@pytest.mark.parametrize(
    ("m", "n", "r", "decay"),
    [
        (1, 1, 1, 0.1),
        (1, 4, 2, 0.1),
        (2, 2, 1, 0.05),
        (3, 4, 2, 0.1),
        (3, 3, 3, 0.0),
        (2, 3, 4, 0.1),
        (4, 5, 2, 0.3),
        (5, 5, 1, 0.1),
    ],
    ids=str,
)
def test_every_value_is_found_with_its_index(m, n, r, decay):
    compare(problem_of(0, m, n, r, decay), 1, r, decay)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_largest_case(seed):
    compare(problem_of(seed, 5, 5, 3, 0.1), seed, 3, 0.1)


def test_decay_above_all_singular_values_leaves_only_zero():
    found = compare(problem_of(2, 3, 3, 2, 100.0), 0, 2, 100.0)
    assert found.updates.shape == (1, 3, 3)
    assert np.max(np.abs(found.updates)) <= 1e-12


@pytest.mark.parametrize(("r", "kind"), [(3, Kind.GLOBAL), (2, Kind.SPURIOUS)])
def test_exactly_the_top_value_is_second_order(r, kind):
    """With r = 2 it is the best of rank 2, but no minimizer of F, which has rank 3."""
    problem = problem_of(3, 3, 4, r, 0.1)
    found = compare(problem, 2, r, 0.1)
    kinds = classify(problem.pick(np.zeros(len(found.updates), dtype=int)), found.points)
    assert kinds.counts[kind] == 1
    assert kinds.counts[Kind.SADDLE] == len(found.updates) - 1
    assert kinds.kind[0] is kind  # sorted by the loss
    u, values, vt = np.linalg.svd(problem.data["M"][0])
    best = (u[:, :r] * (values[:r] - 0.1)) @ vt[:r]
    assert np.allclose(found.updates[0], best, atol=1e-9)


def test_the_formula_s_indices_by_hand():
    """σ = 3, 2, 1, λ = ½, r = 2: S = {2} has σ_1 above it, and one free column for σ_1 and σ_3."""
    values, index = predicted_values(np.diag([3.0, 2.0, 1.0]), 0.5, 2)
    table = {tuple(np.round(np.diag(v), 12)): int(i) for v, i in zip(values, index, strict=True)}
    assert table[(0.0, 1.5, 0.0)] == 1 + 2
    assert table[(0.0, 0.0, 0.0)] == 6
    assert table[(2.5, 1.5, 0.0)] == 0
    assert table[(0.0, 1.5, 0.5)] == 2
    assert len(table) == 1 + 3 + 3


def test_stacks_are_refused():
    problem = problem_of(0, 2, 2, 1, 0.1)
    with pytest.raises(ValueError, match="one by one"):
        stationary_values(problem.pick([0, 0]), np.random.default_rng(0))
    with pytest.raises(ValueError, match="several adapters"):
        stationary_values(replace(FAMILIES["attention"].sample(np.random.default_rng(0), 1)), np.random.default_rng(0))
