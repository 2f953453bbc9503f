"""Initializations: sizes, the LoRA default, the slope at zero, and what is refused."""

import numpy as np
import pytest
from quadratics import quadratic

from verify.language.errors import ShapeError
from verify.losses.families import FAMILIES
from verify.points import Start, factors_of, find
from verify.points.finder.lowering import lowered
from verify.points.finder.starts import slopes_at_zero, start_points


def arrays(problem, start, **options):
    loss = lowered(problem)
    found = loss.matrices(start_points(problem, start, options.get("per_instance", 1), options.get("seed", 0)))
    return {v.payload[0]: x for v, x in found.items()}


def test_lora_default_starts_at_zero_update():
    found = arrays(quadratic(np.random.default_rng(0), 500, 4, 3, 2), Start.ZERO)
    assert np.all(found["B"] == 0)
    assert found["A"].var() == pytest.approx(1 / 2, rel=0.1)


@pytest.mark.parametrize(("start", "variance"), [(Start.RANDOM, 1.0), (Start.LARGE, 100.0)])
def test_random_updates_have_the_stated_variance(start, variance):
    found = arrays(quadratic(np.random.default_rng(0), 2000, 4, 3, 3), start)
    assert (found["A"] @ np.swapaxes(found["B"], 1, 2)).var() == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize(("m", "n", "r"), [(4, 5, 2), (2, 5, 3)])
def test_orthogonal_factors(m, n, r):
    found = arrays(quadratic(np.random.default_rng(0), 3, m, n, r), Start.ORTHOGONAL)
    for x in found.values():
        gram = np.swapaxes(x, 1, 2) @ x if x.shape[1] >= r else x @ np.swapaxes(x, 1, 2)
        assert np.allclose(gram, np.eye(gram.shape[-1]), atol=1e-12)


def test_slope_at_zero_is_the_full_gradient():
    problem = quadratic(np.random.default_rng(0), 6, 4, 3, 2)
    loss = lowered(problem)
    (found,) = slopes_at_zero(loss, loss.load(problem, np.arange(6)))
    expected = -(problem.operators["H"] @ problem.data["M"].reshape(6, 12, 1)).reshape(6, 4, 3)
    assert np.allclose(found, expected, atol=1e-12)
    start = arrays(problem, Start.SPECTRAL)
    u, s, vt = np.linalg.svd(-expected)
    best = (u[:, :, :2] * s[:, None, :2]) @ vt[:, :2]
    assert np.allclose(start["A"] @ np.swapaxes(start["B"], 1, 2), best, atol=1e-10)


def test_spectral_start_of_several_adapters():
    problem = FAMILIES["attention"].sample(np.random.default_rng(0), 3)
    found = start_points(problem, Start.SPECTRAL, 2, 0)
    assert found.shape == (6, problem.unknowns)
    assert np.isfinite(found).all()
    assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize("r", [1, 2, 5])
def test_factors_of_a_given_update(r):
    x = np.random.default_rng(0).standard_normal((3, 4, 2)) @ np.random.default_rng(1).standard_normal((3, 2, 3))
    a, b = factors_of(x, r)
    assert a.shape == (3, 4, r)
    assert b.shape == (3, 3, r)
    assert np.allclose(np.swapaxes(a, 1, 2) @ a, np.swapaxes(b, 1, 2) @ b, atol=1e-12)
    if r >= 2:
        assert np.allclose(a @ np.swapaxes(b, 1, 2), x, atol=1e-12)


def test_same_seed_same_start_and_other_seed_another():
    problem = quadratic(np.random.default_rng(0), 3, 3, 3, 2)
    one, two, other = (start_points(problem, Start.RANDOM, 2, seed) for seed in (7, 7, 8))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_refused_starts():
    problem = quadratic(np.random.default_rng(0), 3, 4, 3, 2)
    good = {"A": np.zeros((3, 4, 2)), "B": np.zeros((3, 3, 2))}
    with pytest.raises(ShapeError, match="no start for B"):
        find(problem, {"A": good["A"]})
    with pytest.raises(ShapeError, match="shape"):
        find(problem, {**good, "B": np.zeros((3, 4, 2))})
    with pytest.raises(ShapeError, match="at least one"):
        find(problem, per_instance=0)
    both = {n: np.stack([x, x], axis=1) for n, x in good.items()}
    assert find(problem, both, per_instance=2).count == 6
