"""0 = 0 says something where the assumptions force it, and nothing where both sides are 0 anyway; rounding errors are 0."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from verify import *
from verify.calculus.conditions import reduced
from verify.evaluation.batches import Batch
from verify.evaluation.decide import Bare, bare_sides, decide
from verify.language.formulas import Formula
from verify.runner.verdicts import Held, Refuted

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
K, N = matrices("K N", n, n)
narrow = sp.MatrixSymbol("P", 2, n)
s = lora()
thin = lora(m=4, n=3, r=2)
alpha, beta = positives("α β")

FORCED = {
    "gram_matrix_vanishes": lambda: forall(P, given=equal(P.T * P, 0), then=equal(P, 0)),
    "the_other_way_round": lambda: forall(P, given=equal(P.T * P, 0), then=equal(0 * P, P)),
    "norm_vanishes": lambda: forall(P, given=le(frobenius(P), 0), then=equal(nuclear(P), 0)),
    "bound_by_a_norm_that_vanishes": lambda: forall(P, given=le(nuclear(P), 0), then=le(frobenius(P), 2 * frobenius(P))),
    "rank_zero": lambda: forall(P, given=equal(rank(P), 0), then=equal(trace(P.T * P), 0)),
    "difference_vanishes": lambda: forall(P, Q, given=equal(frobenius(P - Q), 0), then=equal(P - Q, 0)),
    "skew_has_no_trace": lambda: forall(K, given=equal(K, -K.T), then=equal(trace(K), 0)),
}
NOTHING_TESTED = {
    "beyond_the_last_singular_value": lambda: forall(narrow, then=equal(sigma(narrow, 3), 0)),
    "beyond_the_adapter_rank": lambda: forall(thin, then=equal(sigma(thin.X, 3), 0)),
    "beyond_the_adapter_rank_at_stationary_points": lambda: forall(thin, given=thin.sosp(), then=equal(sigma(thin.X, 3), 0)),
    "as_a_bound": lambda: forall(thin, then=le(sigma(thin.X, 3), 0)),
}
FALSE = {
    "gram_matrix_of_rank_one": lambda: forall(P, given=le(rank(P.T * P), 1), then=equal(P, 0)),
    "singular_value_just_beyond_the_usual_sizes": lambda: forall(P, then=equal(sigma(P, 7), 0)),
    "third_singular_value": lambda: forall(s, given=s.fosp(), then=equal(sigma(s.X, 3), 0)),
    "symmetric_has_no_trace": lambda: forall(K, given=equal(K, K.T), then=equal(trace(K), 0)),
}


@pytest.mark.parametrize("name", FORCED)
def test_zero_that_the_assumptions_force_is_what_the_claim_says(name: str) -> None:
    result = check(FORCED[name]())
    assert result.verdict in (Verdict.HELD, Verdict.PROVED), result
    if isinstance(result.payload, Held):
        assert result.coverage.n_active >= 20


@pytest.mark.parametrize("name", NOTHING_TESTED)
def test_zero_that_is_there_anyway_tests_nothing(name: str) -> None:
    result = check(NOTHING_TESTED[name]())
    assert result.verdict is Verdict.UNKNOWN, result
    assert "whatever is assumed" in result.summary


@pytest.mark.parametrize("name", FALSE)
def test_what_is_zero_at_small_sizes_only_is_refuted(name: str) -> None:
    assert isinstance(check(FALSE[name]()).payload, Refuted)


def test_points_of_smaller_rank_are_no_evidence_about_further_singular_values() -> None:
    convex_and_decayed = [uniform_curvature(s.f, alpha, beta), lt(0, s.decay), s.sosp(), lt(rank(s.X), 2)]
    result = check(forall(s, alpha, beta, given=convex_and_decayed, then=equal(sigma(s.X, 3), 0)))
    if isinstance(result.payload, Held):
        sizes = [dict(part.split("=") for part in cell.split()) for _, cell in result.coverage.cells]
        assert min(min(int(k) for k in size.values()) for size in sizes) >= 3


def noise(statement: object, **values: np.ndarray) -> bool:
    arrays = {k: np.asarray(v, dtype=float)[None] for k, v in values.items()}
    rows, cols = next(v.shape[1:] for v in arrays.values() if v.ndim == 3)
    (decision,) = decide([reduced(statement)], Batch({"m": rows, "n": cols}, arrays, count=1), known={})
    return bool(decision.noise[0])


@pytest.mark.parametrize("size", [1e-100, 1e-8, 1.0, 1e8])
def test_rounding_errors_of_any_size_are_zero_and_small_data_are_not(size: float) -> None:
    rng = np.random.default_rng(0)
    product = size * rng.standard_normal((5, 1)) @ rng.standard_normal((1, 4))
    assert noise(equal(sigma(P, 3), 0), P=product)
    assert noise(le(sigma(P, 3), sigma(P, 2)), P=product)
    assert not noise(equal(sigma(P, 1), 0), P=product)
    assert not noise(equal(P, 0), P=1e-12 * product)


def test_a_difference_that_vanishes_has_been_compared() -> None:
    p = np.random.default_rng(0).standard_normal((3, 3))
    assert not noise(equal(P - Q, 0), P=p, Q=p)
    assert not noise(equal(frobenius(P.T * P - Q.T * Q), 0), P=p, Q=-p)
    assert noise(equal(P - Q, 0), P=0 * p, Q=0 * p)


def test_sides_that_are_zero_anyway_are_known_from_plain_instances() -> None:
    rng = np.random.default_rng(0)
    batch = Batch({"m": 2, "n": 3}, {"P": rng.standard_normal((9, 2, 3))}, count=9)
    for statement, bare in (
        (equal(sigma(P, 3), 0), Bare.BOTH),
        (equal(sigma(P, 2), 0), Bare.ONE),
        (equal(sigma(P, 2), sigma(P, 1)), Bare.NEITHER),
    ):
        assert bare_sides(reduced(statement), batch) == [bare]


def test_the_rule_does_not_depend_on_how_zero_is_written() -> None:
    def verdict(zero: object) -> Verdict:
        made: Formula = forall(P, given=equal(P.T * P, 0), then=equal(P, zero))
        return check(made).verdict

    assert {verdict(z) for z in (0, zeros(m, n), 0 * P, zeros(m, m) * P)} <= {Verdict.HELD, Verdict.PROVED}
