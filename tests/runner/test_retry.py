"""Reading undecided instances again: an assumption met only up to rounding settles nothing."""

from __future__ import annotations

import numpy as np
import sympy as sp

from verify import *
from verify.evaluation.batches import Batch
from verify.runner.evidence import Evidence, Finding
from verify.runner.exact_findings import retry
from verify.runner.exact_reading import ExactReader
from verify.runner.profiles import PROFILES
from verify.runner.verdicts import Verdict

n = dimensions("n")
K = sp.MatrixSymbol("K", n, n)
ORTHOGONAL = forall(K, given=equal(K.T * K, identity(n)), then=le(trace(K.T * K) * (1 + sp.Rational(5, 10**8)), n))
STRICT = forall(K, given=equal(K.T * K, identity(n)), then=lt(trace(K.T * K), n * (1 + sp.Rational(1, 10**12))))
SMALL = forall(K, given=lt(trace(K.T * K), 1), then=le(trace(K.T * K) * (1 + sp.Rational(5, 10**8)), 1))


def left_after_retry(formula: object, matrix: list[list[float]], unclear: tuple[int, ...], margin: float = -1e-5) -> int:
    batch = Batch({"n": len(matrix)}, {"K": np.array([matrix])}, count=1)
    evidence = Evidence(n=1, n_active=1, n_undecided=1, undecided=[Finding(batch, batch, 0, margin, unclear)])
    assert retry(evidence, formula, ExactReader(formula), PROFILES["dev"]) is None
    return evidence.n_undecided


def test_an_assumption_that_holds_only_up_to_rounding_settles_nothing() -> None:
    c, s = np.cos(1.0), np.sin(1.0)
    assert left_after_retry(ORTHOGONAL, [[c, -s], [s, c]], ()) == 1


def test_an_undecided_assumption_that_is_exactly_false_settles_the_instance() -> None:
    assert left_after_retry(SMALL, [[1.0, 0.0], [0.0, 0.0]], (0,)) == 0


def test_a_tie_is_not_settled_by_the_sign_of_a_rounding_error() -> None:
    c, s = np.cos(1.0), np.sin(1.0)
    assert left_after_retry(STRICT, [[c, -s], [s, c]], (), 1e-12) == 1


def test_an_assumption_without_a_value_makes_no_instance_active() -> None:
    t = scalars("t")
    result = check(forall(t, given=le(0, sp.log(-1 - t**2)), then=le(sp.log(-2 - t**2), 5)))
    assert result.verdict in (Verdict.UNKNOWN, Verdict.VACUOUS)
