"""Assumptions count as met where that means something: not relative to terms that cancel, nor to digits that are lost."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from verify import *
from verify.calculus.conditions import reduced
from verify.evaluation.batches import Batch
from verify.evaluation.decide import FALSE, TRUE, UNDECIDED, decide
from verify.runner.verdicts import Held

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
K, N = matrices("K N", n, n)
t, w = scalars("t w")
identity_n = identity(n)
gram = P.T * P
anything = le(0, 1 + frobenius(K))

IMPOSSIBLE = {
    "commutator_is_identity": lambda: forall(K, N, given=equal(K * N - N * K, identity_n), then=anything),
    "the_same_as_a_difference": lambda: forall(K, N, given=equal(K * N - N * K - identity_n, 0), then=anything),
    "the_same_as_a_norm": lambda: forall(K, N, given=equal(frobenius(K * N - N * K - identity_n), 0), then=anything),
    "trace_of_a_commutator": lambda: forall(K, N, given=equal(trace(K * N - N * K), n), then=anything),
    "small_multiple": lambda: forall(K, N, given=equal(K * N, N * K + identity_n / 10**6), then=anything),
    "one_more_than_itself": lambda: forall(P, given=equal(gram + identity_n, gram), then=le(0, frobenius(P))),
    "square_beside_its_root": lambda: forall(P, given=le(frobenius(P) ** 4 + 1, frobenius(P) ** 4), then=le(0, frobenius(P))),
    "bound_that_is_approached": lambda: forall(t, given=equal(sp.tanh(t), 1), then=le(5, t)),
    "bound_from_below": lambda: forall(t, given=le(1, sp.tanh(t)), then=le(5, t)),
    "fraction_that_approaches_one": lambda: forall(t, given=equal(t**2 / (1 + t**2), 1), then=le(5, t**2)),
    "exponential_that_vanishes": lambda: forall(t, given=equal(sp.exp(t), 0), then=le(t, 0)),
    "exponential_that_is_negative": lambda: forall(t, given=le(sp.exp(t), 0), then=le(t, 0)),
}
MET = {
    "balance": lambda: forall(P, Q, given=equal(P.T * P, Q.T * Q), then=equal(frobenius(P), frobenius(Q))),
    "balance_as_a_difference": lambda: forall(P, Q, given=equal(gram - Q.T * Q, 0), then=equal(frobenius(P), frobenius(Q))),
    "projection": lambda: forall(K, given=[equal(K * K, K), equal(K, K.T)], then=le(spectral(K), 1)),
    "circle": lambda: forall(t, w, given=equal(t**2 + w**2, 1), then=le(t + w, sp.Rational(3, 2))),
    "commuting": lambda: forall(K, N, given=equal(K * N, N * K), then=equal(rank(K * N), rank(N * K))),
    "half_line_as_an_equality": lambda: forall(t, given=equal(sp.Abs(t), t), then=le(0, t)),
    "sign": lambda: forall(t, given=equal(sp.sign(t), 1), then=lt(0, t)),
    "index_of_a_singular_value": lambda: forall(P, t, given=equal(t, rank(P)), then=le(t * t, m * n)),
    "identity_in_disguise": lambda: forall(K, N, given=equal(trace(K * N), trace(N * K)), then=le(0, frobenius(K))),
    "squares_that_meet": lambda: forall(P, Q, given=equal(frobenius(P - Q) ** 2, 0), then=equal(nuclear(P), nuclear(Q))),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_no_instance_meets_is_not_called_met(name: str) -> None:
    result = check(IMPOSSIBLE[name]())
    assert result.verdict in (Verdict.VACUOUS, Verdict.UNKNOWN), result
    assert result.coverage.n_active == 0 or result.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("name", MET)
def test_what_many_instances_meet_is_called_met(name: str) -> None:
    result = check(MET[name]())
    assert isinstance(result.payload, Held), result
    assert result.coverage.n_active >= 200
    assert result.coverage.n_undecided == 0


def read(statement: object, **values: np.ndarray) -> int:
    arrays = {k: np.asarray(v, dtype=float)[None] for k, v in values.items()}
    rows, cols = next((v.shape[1:] for v in arrays.values() if v.ndim == 3), (1, 1))
    batch = Batch({"m": rows, "n": cols}, arrays, count=1)
    return int(decide([reduced(statement)], batch, strict=True)[0].truth[0])


@pytest.mark.parametrize("size", [1e-8, 1e-3, 1.0, 1e6, 1e12])
def test_balance_of_data_of_any_size_is_met(size: float) -> None:
    rng = np.random.default_rng(0)
    frame, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    p = size * rng.standard_normal((4, 3))
    for statement in (equal(gram, Q.T * Q), equal(gram - Q.T * Q, 0), equal(frobenius(gram - Q.T * Q), 0)):
        assert read(statement, P=p, Q=frame @ p) == TRUE
        assert read(statement, P=p, Q=1.1 * frame @ p) == FALSE


def test_a_summand_that_the_tolerance_swallows_leaves_an_assumption_undecided() -> None:
    p = 1e6 * np.random.default_rng(0).standard_normal((3, 3))
    assert read(equal(gram + identity_n, gram), P=p) == UNDECIDED
    assert read(equal(gram + identity_n, gram), P=p / 1e6) == FALSE
    assert read(le(frobenius(P) ** 2 + 1, frobenius(P) ** 2), P=p) == UNDECIDED
    assert read(equal(P + Q, P), P=p, Q=0 * p) == TRUE


def test_nothing_is_small_relative_to_what_is_not_finite() -> None:
    assert read(equal(sp.exp(t), 0), t=np.float64(705)) == UNDECIDED
