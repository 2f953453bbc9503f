"""Ranks, signs, roots and smallest eigenvalues of computed matrices: relative to their size, never wrong, open in between."""

from __future__ import annotations

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
import sympy as sp
from hypothesis import given as with_examples
from hypothesis import settings

from verify import *
from verify.calculus.conditions import reduced
from verify.evaluation.batches import Batch
from verify.evaluation.decide import FALSE, TRUE, UNDECIDED, decide
from verify.evaluation.fields import DecimalField, FloatField, RationalField
from verify.evaluation.interpret import evaluate, evaluate_exact
from verify.evaluation.zeros import cleared, decided_rank, symmetric_eigenvalues
from verify.language.errors import NotRational

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
K, N = matrices("K N", n, n)
t = scalars("t")
PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)
SCALES = st.integers(-8, 8).map(lambda k: 10.0**k)
SIDES = st.integers(1, 6)
SEEDS = st.integers(0, 10**6)


def truth(statement: object, **values: object) -> int:
    arrays = {k: np.asarray(v, dtype=float)[None] for k, v in values.items()}
    dims = {"m": 1, "n": 1}
    for name, array in arrays.items():
        if array.ndim == 3:
            dims |= {"n": array.shape[2]} | ({"m": array.shape[1]} if name in "PQ" else {})
    return int(decide([reduced(statement)], Batch(dims, arrays, count=1))[0].truth[0])


def with_values(rng: np.random.Generator, rows: int, cols: int, values: list[float]) -> np.ndarray:
    """A matrix with these singular values and random singular vectors."""
    u, v = (np.linalg.qr(rng.standard_normal((side, side)))[0] for side in (rows, cols))
    k = len(values)
    return (u[:, :k] * values) @ v[:, :k].T


@PROPERTY
@with_examples(SCALES, SIDES, SIDES, st.integers(0, 6), SEEDS)
def test_rank_of_a_product_is_that_of_its_factors_at_every_scale(c, rows, cols, k, seed):
    rng = np.random.default_rng(seed)
    wanted = min(rows, cols, k)
    left, right = (with_values(rng, side, wanted, [1.0 + i for i in range(wanted)]) for side in (rows, cols))
    x = c * (left @ right.T)
    assert evaluate(rank(P), {P: x}) == wanted
    assert evaluate(rank(P), {P: x / c**2}) == wanted
    values = FloatField().singular_values(x)
    assert (values[:wanted] > 0).all()
    assert (values[wanted:] == 0).all()


@PROPERTY
@with_examples(SCALES, st.floats(-20, 0), SIDES, SEEDS)
def test_a_small_singular_value_is_never_read_wrongly(c, power, extra, seed):
    y = c * with_values(np.random.default_rng(seed), 2 + extra, 3, [1.0, 10.0**power])
    own, square = evaluate(rank(P), {P: y}), evaluate(rank(P.T * P), {P: y})
    assert own == 2 if power > -11 else own != 2 or power > -14
    assert square == 2 if power > -5.5 else square != 2 or power > -7
    assert evaluate(rank(P), {P: with_values(np.random.default_rng(seed), 4, 4, [c, c * 1e-3])}) == 2


@PROPERTY
@with_examples(SCALES, st.integers(1, 5), st.integers(1, 5), SEEDS)
def test_what_cancels_has_rank_zero_and_eigenvalue_zero(c, rows, cols, seed):
    rng = np.random.default_rng(seed)
    p = c * rng.standard_normal((rows, cols))
    turned = np.linalg.qr(rng.standard_normal((rows, rows)))[0] @ p
    difference = P.T * P - Q.T * Q
    assert truth(equal(rank(difference), 0), P=p, Q=turned) == TRUE
    assert truth(equal(lambda_min(difference), 0), P=p, Q=turned) == TRUE
    # A tenth of it remains: that is no rounding, and only a second singular value may be too small to tell.
    assert truth(equal(rank(difference), 0), P=p, Q=0.95 * turned) != TRUE
    assert truth(equal(rank(difference), 0), P=p[:, :1], Q=0.95 * turned[:, :1]) == FALSE


@PROPERTY
@with_examples(SCALES, SIDES, SIDES, st.integers(0, 6), SEEDS)
def test_the_off_block_is_what_both_projections_leave(c, rows, cols, k, seed):
    rng = np.random.default_rng(seed)
    wanted = min(rows, cols, k)
    u, v = (np.linalg.qr(rng.standard_normal((side, side)))[0] for side in (rows, cols))
    x = c * (u[:, :wanted] * (1.0 + np.arange(wanted))) @ v[:, :wanted].T
    y = rng.standard_normal((rows, cols))
    block = u[:, wanted:] @ (u[:, wanted:].T @ y @ v[:, wanted:]) @ v[:, wanted:].T
    assert np.abs(FloatField().off_block(y, x) - block).max() <= 1e-12 * np.abs(y).max()


def test_the_off_block_is_open_where_the_rank_is():
    x = np.diag([1.0, 1e-13])
    assert np.isnan(FloatField().off_block(np.ones((2, 2)), x)).all()
    assert np.isfinite(FloatField().off_block(np.ones((2, 2)), np.diag([1.0, 1e-10]))).all()
    assert truth(equal(rank(P), 2), P=x) == UNDECIDED
    assert truth(equal(sigma(P, rank(P)), 1), P=x) == UNDECIDED


@PROPERTY
@with_examples(SCALES, st.integers(2, 5), SEEDS)
def test_smallest_eigenvalue_is_one_of_a_symmetric_matrix_only(c, side, seed):
    x = c * np.random.default_rng(seed).standard_normal((side, side))
    assert np.isnan(evaluate(lambda_min(K), {K: x}))
    assert truth(le(lambda_min(K), frobenius(K)), K=x) == UNDECIDED
    symmetric = x @ x.T + c * (x + x.T)
    noisy = symmetric * (1 + 1e-16 * np.random.default_rng(seed + 1).standard_normal((side, side)))
    expected = np.linalg.eigvalsh(symmetric)[0]
    assert abs(evaluate(lambda_min(K), {K: noisy}) - expected) <= 1e-12 * np.abs(symmetric).max()


def test_smallest_eigenvalue_reads_both_triangles_in_every_arithmetic():
    rows = [[1, 5], [0, 2]]
    with pytest.raises(NotRational, match="not symmetric"):
        evaluate_exact(lambda_min(K), {K: rows})
    field = DecimalField()
    entries = field.literal([[Fraction(x) for x in row] for row in rows])
    assert field.mp.isnan(field.lambda_min(entries[None])[0])
    diagonal = RationalField().literal([[Fraction(2), Fraction(0)], [Fraction(0), Fraction(1)]])
    assert RationalField().lambda_min(diagonal[None])[0] == 1


@PROPERTY
@with_examples(SCALES, st.integers(2, 5), SEEDS)
def test_a_matrix_that_is_singular_up_to_rounding_has_no_inverse(c, side, seed):
    rng = np.random.default_rng(seed)
    singular = c * with_values(rng, side, side, [1.0 + i for i in range(side - 1)])
    regular = c * with_values(rng, side, side, [1.0 + i for i in range(side)])
    found = evaluate(inverse(K), {K: np.stack([singular, regular])})
    assert np.isnan(found[0]).all()
    assert np.allclose(found[1] @ regular, np.eye(side), rtol=0, atol=1e-12)
    assert truth(equal(inverse(K), N), K=singular, N=regular) == UNDECIDED


@PROPERTY
@with_examples(SCALES, st.integers(1, 5), SEEDS)
def test_the_root_and_the_sign_of_a_rounding_error_are_not_evidence(c, rows, seed):
    rng = np.random.default_rng(seed)
    p = c * rng.standard_normal((rows, 3))
    turned = np.linalg.qr(rng.standard_normal((rows, rows)))[0] @ p
    difference = trace(P.T * P) - trace(Q.T * Q)
    size = float(np.sum(p * p))
    assert truth(equal(sp.sqrt(difference**2), 0), P=p, Q=turned) == TRUE
    assert truth(equal(sp.sqrt(sp.Abs(difference)), t), P=p, Q=turned, t=0.1 * size**0.5) != TRUE
    assert truth(equal(sp.sign(difference), t), P=p, Q=turned, t=1.0) == UNDECIDED
    assert truth(equal(sp.sign(difference), t), P=p, Q=0.9 * turned, t=1.0) == TRUE
    assert truth(equal(sp.sign(t), 0), t=0.0) == TRUE


def test_nothing_is_decided_relative_to_an_infinite_scale():
    k = np.diag([1e200, 1e-200, 1e200, 1e-200])
    for value in (1.0, 5.0):
        assert truth(equal(det(K), t), K=k, t=value) == UNDECIDED


def test_values_between_rounding_and_clear_leave_the_rank_open():
    values = np.array([[1.0, 1e-16, 0.0], [1.0, 1e-12, 0.0], [1.0, 0.5, 1e-9], [np.nan, np.nan, np.nan], [0.0, 0.0, 0.0]])
    assert np.array_equal(decided_rank(values, 3), [1, np.nan, 3, np.nan, 0], equal_nan=True)
    assert np.array_equal(decided_rank(values[:1], 3, np.array([1e-3])), [1])
    assert np.isnan(decided_rank(values[2:3], 3, clear=1e-6)).all()
    assert np.array_equal(decided_rank(1e-17 * values[2:3], 3, np.ones(1)), [0])
    assert np.array_equal(cleared(values, 3)[0], [1, 0, 0])
    assert np.isnan(cleared(values, 3)[3]).all()


def test_eigenvalues_of_matrices_that_are_not_finite_are_not_numbers():
    stack = np.stack([np.eye(3), np.full((3, 3), np.nan), np.diag([1.0, np.inf, 2.0])])
    found = symmetric_eigenvalues(stack)
    assert np.array_equal(found[0], np.ones(3))
    assert np.isnan(found[1:]).all()
