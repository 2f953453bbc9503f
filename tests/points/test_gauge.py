"""Gauge directions: exact null vectors of the Hessian at stationary points, of the predicted dimension."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from quadratics import quadratic

from verify.evaluation.zeros import rounding_level
from verify.losses.families import FAMILIES
from verify.points import find
from verify.points.finder.gauge import (
    Gauge,
    balanced,
    factors_of,
    gauge_dimension,
    gauge_of,
    lambda_min_modulo_gauge,
    lifted,
    orbit_basis,
    tangents,
    unit_tangents,
)
from verify.points.finder.lowering import lowered

PROPERTY = settings(max_examples=80, deadline=None, derandomize=True)
SCALES = st.integers(-8, 8).map(lambda k: 10.0**k)


def rank_of(matrix):
    """The rank of a matrix whose singular values are 0 up to rounding or within a factor of 1e6 of the largest."""
    return int(np.linalg.matrix_rank(matrix, rtol=1e-10)) if matrix.any() else 0


def deficient(rng, m, n, rank):
    """A matrix of a rank with singular values between 1 and 3."""
    u, v = (np.linalg.qr(rng.standard_normal((side, side)))[0][:, :rank] for side in (m, n))
    return (u * rng.uniform(1.0, 3.0, rank)) @ v.T


@pytest.mark.parametrize("gauge", Gauge)
@pytest.mark.parametrize(("m", "n", "r"), [(4, 3, 2), (3, 3, 3), (2, 5, 3), (1, 3, 2), (3, 2, 1)])
def test_dimension_is_the_rank_of_the_tangents(gauge, m, n, r):
    problem = quadratic(np.random.default_rng(0), 1, m, n, r, decay=0.0)
    loss = lowered(problem)
    rng = np.random.default_rng(1)
    for rank in range(min(m, n, r) + 1):
        x = rng.standard_normal((m, rank)) @ rng.standard_normal((rank, n))
        a, b = factors_of(x, r)
        pairs = [(a, b, rank)]
        if gauge is Gauge.LINEAR:
            # Unbalanced pairs, and a kernel of A that B does not share.
            pairs += [(a @ np.diag(np.arange(1.0, r + 1)), b, rank), (a, rng.standard_normal((n, r)), min(n, r))]
        for left, right, right_rank in pairs:
            assert (rank_of(left), rank_of(right)) == (rank, right_rank)
            point = loss.flat({"A": left, "B": right})[None]
            assert rank_of(tangents(loss, point, gauge)[0]) == gauge_dimension(r, rank, right_rank, gauge)


@PROPERTY
@given(SCALES, st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.integers(0, 6), st.integers(0, 10**6))
def test_factors_of_a_rank_deficient_update_have_columns_of_exact_zeros(c, m, n, r, rank, seed):
    rank = min(m, n, r, rank)
    x = c * deficient(np.random.default_rng(seed), m, n, rank)
    a, b = factors_of(x, r)
    assert not a[:, rank:].any()
    assert not b[:, rank:].any()
    assert (np.linalg.norm(a[:, :rank], axis=0) > 0.9 * c**0.5).all()
    assert np.abs(a @ b.T - x).max() <= rounding_level(3.0 * c, max(m, n))
    assert np.abs(a.T @ a - b.T @ b).max() <= rounding_level(3.0 * c, max(m, n))


@PROPERTY
@given(st.sampled_from(Gauge), SCALES, st.tuples(*[st.integers(1, 4)] * 3), st.integers(0, 4), st.integers(0, 99))
def test_balanced_points_have_orbits_of_the_predicted_dimension_at_every_scale(gauge, c, sizes, rank, seed):
    (m, n, r), rng = sizes, np.random.default_rng(seed)
    loss = lowered(quadratic(rng, 1, m, n, r, decay=0.0))
    rank = min(m, n, r, rank)
    # Unbalanced factors with a regular change of basis of moderate condition.
    left, right = factors_of(c * deficient(rng, m, n, rank), r)
    change = deficient(rng, r, r, r)
    point = balanced(loss, loss.flat({"A": left @ change, "B": right @ np.linalg.inv(change).T})[None])
    a, b = (x[0] for x in loss.matrices(point).values())
    assert np.count_nonzero(np.linalg.norm(a, axis=0)) == np.count_nonzero(np.linalg.norm(b, axis=0)) == rank
    found = tangents(loss, point, gauge)
    dimension = gauge_dimension(r, rank, rank, gauge)
    assert rank_of(found[0]) == dimension
    assert orbit_basis(found)[1].sum() == dimension


def test_dimension_refuses_unbalanced_ranks():
    with pytest.raises(ValueError, match="balanced"):
        gauge_dimension(3, 2, 1, Gauge.ROTATIONS)


@pytest.mark.parametrize("decay", [0.05, 0.0])
def test_tangents_are_null_vectors_at_stationary_points(decay):
    problem = quadratic(np.random.default_rng(2), 20, 4, 5, 3, decay=decay)
    points = find(problem)
    assert points.second_order.all()
    loss = lowered(problem)
    x, data = loss.flat(points.arrays), loss.load(problem, points.instance)
    gauge = Gauge.LINEAR if decay == 0 else Gauge.ROTATIONS
    hessian, unit = loss.hessian(x, data), unit_tangents(loss, x, gauge)
    assert np.abs(unit @ hessian).max() <= 1e-7 * np.abs(hessian).max()
    # Off the stationary points the loss is still flat along them to first order.
    y = np.random.default_rng(3).standard_normal(x.shape)
    _, slope = loss.value_and_gradient(y, data)
    assert np.abs(np.einsum("btp,bp->bt", unit_tangents(loss, y, gauge), slope)).max() <= 1e-12 * np.abs(slope).max()


@pytest.mark.parametrize("family", ["quadratic", "logistic", "network_tanh", "attention"])
def test_smallest_eigenvalue_modulo_gauge_against_a_dense_computation(family):
    problem = FAMILIES[family].sample(np.random.default_rng(0), 6)
    points = find(problem)
    loss = lowered(problem)
    x, data = loss.flat(points.arrays), loss.load(problem, points.instance)
    hessian, tangent = loss.hessian(x, data), tangents(loss, x, Gauge.ROTATIONS)
    for h, t, value in zip(hessian, tangent, lambda_min_modulo_gauge(hessian, tangent), strict=True):
        # Independent: an explicit basis of the orthogonal complement of the tangents, and dense eigenvalues on it.
        u, sizes, _ = np.linalg.svd(t.T, full_matrices=True)
        complement = u[:, int(np.sum(sizes > 1e-9 * sizes.max(initial=0.0))) :]
        expected = np.linalg.eigvalsh(complement.T @ h @ complement)[0]
        assert abs(value - expected) <= 1e-10 * np.abs(h).max()


def test_negative_curvature_survives_the_lift():
    problem = quadratic(np.random.default_rng(0), 1, 3, 3, 2)
    loss = lowered(problem)
    zero = np.zeros((1, loss.unknowns))
    data = loss.load(problem, np.array([0]))
    h, t = loss.hessian(zero, data), tangents(loss, zero, Gauge.ROTATIONS)
    # Theory §3, Corollary A'': λ_min at the origin is λ − ‖∇f(0)‖_op.
    slope = -(problem.operators["H"][0] @ problem.data["M"][0].ravel()).reshape(3, 3)
    assert lambda_min_modulo_gauge(h, t)[0] == pytest.approx(0.05 - np.linalg.norm(slope, 2), rel=1e-12)
    assert np.linalg.eigvalsh(lifted(h, t, np.ones(1))[0])[0] < 0


def test_non_finite_matrices_have_no_smallest_eigenvalue():
    h = np.stack([np.eye(3), np.full((3, 3), np.nan)])
    found = lambda_min_modulo_gauge(h, np.zeros((2, 1, 3)))
    assert found[0] == pytest.approx(1.0)
    assert np.isnan(found[1])


def test_group_is_read_off_the_loss():
    problem = quadratic(np.random.default_rng(0), 4, 3, 3, 2, decay=0.0)
    mixed = np.array([0.0, 0.1, 0.0, 0.1])
    problem = type(problem)(**{**vars(problem), "data": {**problem.data, "λ": mixed}, "weight": mixed})
    loss = lowered(problem)
    assert gauge_of(problem, loss, loss.load(problem, np.arange(4))).tolist() == [True, False, True, False]
    # A weight that claims to be 0 while the loss does have decay is not believed.
    wrong = type(problem)(**{**vars(problem), "weight": np.zeros(4)})
    assert gauge_of(wrong, loss, loss.load(wrong, np.arange(4))).tolist() == [True, False, True, False]


def test_balancing_moves_along_the_orbit():
    problem = quadratic(np.random.default_rng(0), 5, 4, 3, 2, decay=0.0)
    loss = lowered(problem)
    x = np.random.default_rng(1).standard_normal((5, loss.unknowns))
    data = loss.load(problem, np.arange(5))
    y = balanced(loss, x)
    assert np.allclose(loss.value_and_gradient(x, data)[0], loss.value_and_gradient(y, data)[0], rtol=1e-12)
    a, b = loss.matrices(y).values()
    assert np.allclose(np.swapaxes(a, 1, 2) @ a, np.swapaxes(b, 1, 2) @ b, atol=1e-12)
