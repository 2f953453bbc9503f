"""Batched decisions: three values, two tolerances, NaN never passes, scales follow cancellation."""

from __future__ import annotations

import numpy as np
import pytest

from verify import *
from verify.calculus.conditions import reduced
from verify.evaluation.batches import Batch
from verify.evaluation.decide import FALSE, TRUE, UNDECIDED, decide

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
t = scalars("t")


def truth(statement: object, **values: object) -> int:
    arrays = {k: np.asarray(v, dtype=float)[None] for k, v in values.items()}
    dims = {}
    for array in arrays.values():
        if array.ndim == 3:
            dims = {"m": array.shape[1], "n": array.shape[2]}
    return int(decide([reduced(statement)], Batch(dims, arrays, count=1))[0].truth[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("make", [equal, le, lt])
def test_values_that_are_not_finite_are_never_true(make: object, bad: float) -> None:
    verdict = truth(make(trace(P.T * P) * 0 + t, 1), P=[[1.0]], t=bad)
    assert verdict != TRUE or (bad == -np.inf and make is not equal)


@pytest.mark.parametrize("make", [equal, le, lt, distinct])
def test_nan_is_undecided_everywhere(make: object) -> None:
    assert truth(make(t, 1), t=np.nan) == UNDECIDED
    assert truth(make(nuclear(P), 1), P=[[np.nan, 0.0]]) == UNDECIDED


def test_the_two_tolerances_disagree_in_between() -> None:
    assert truth(le(t, 1), t=1 + 1e-12) == TRUE
    assert truth(le(t, 1), t=1 + 1e-7) == UNDECIDED
    assert truth(le(t, 1), t=1 + 1e-5) == FALSE
    assert truth(lt(t, 1), t=1 - 1e-5) == TRUE
    assert truth(lt(t, 1), t=1.0) == UNDECIDED
    assert truth(equal(t, 1), t=1 + 1e-7) == UNDECIDED


def test_tiny_and_huge_data_are_judged_relative_to_their_size() -> None:
    for size in (1e-150, 1e-8, 1.0, 1e8, 1e100):
        assert truth(le(2 * t, t), t=size) == FALSE
        assert truth(equal(t + t, 2 * t), t=size) == TRUE
        assert truth(lt(0, t), t=size) == TRUE


def test_cancellation_of_large_terms_is_not_a_violation() -> None:
    rng = np.random.default_rng(0)
    p = 1e8 * rng.standard_normal((4, 3))
    assert truth(equal(trace(P.T * P) - frobenius(P) ** 2, 0), P=p) == TRUE
    assert truth(le(nuclear(P) - nuclear(P.T), 0), P=p) == TRUE


def test_a_tiny_but_true_violation_is_seen() -> None:
    assert truth(equal(trace(P.T * P), 0), P=[[1e-60]]) == FALSE
    assert truth(le(trace(P.T * P), 0), P=[[1e-60]]) == FALSE


def test_exact_zeros_are_not_strictly_ordered() -> None:
    assert truth(lt(0, trace(P.T * P)), P=[[0.0]]) == FALSE


def test_singular_values_beyond_the_end_are_zero_and_index_zero_is_undefined() -> None:
    assert truth(equal(sigma(P, 3), 0), P=[[1.0, 2.0]]) == TRUE
    assert truth(le(sigma(P, rank(P) - 1), 100), P=[[1.0, 2.0]]) == UNDECIDED


def test_curvature_bounds_of_quadratics_are_decided_and_others_are_not() -> None:
    shape = (2, 2)
    square = function(lambda Y: frobenius(Y) ** 2, shape)
    quartic = function(lambda Y: frobenius(Y) ** 4, shape)
    assert truth(uniform_curvature(square, 2, 2)) == TRUE
    assert truth(uniform_curvature(square, 1, 1)) == FALSE
    assert truth(convex(square)) == TRUE
    assert truth(convex(quartic)) == UNDECIDED
