"""Candidates: a violation that survives fifty digits, at a point that violates the claim as it is printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

from verify import *
from verify.evaluation.batches import Batch
from verify.language.formulas import Formula
from verify.runner.candidates import Fate, Judged, Readers, Weighed, dropped, judged, note_on, weighed
from verify.runner.evidence import Evidence, Finding
from verify.runner.exact_reading import ExactReader
from verify.runner.hunt.context import context_of
from verify.runner.hunt.judging import settled
from verify.runner.hunt.records import Seen
from verify.runner.verdicts import Candidate, Refuted, Verdict

m, n, r = dimensions("m n r")
A, B, Y = sp.MatrixSymbol("A", m, r), sp.MatrixSymbol("B", n, r), sp.MatrixSymbol("Y", m, n)
K, N = sp.MatrixSymbol("K", n, n), sp.MatrixSymbol("N", n, n)
t = scalars("t")
s = lora()

mp = mpmath.mp.clone()
mp.dps = 60


def number(text: str) -> Any:
    value = Fraction(text)
    return mp.mpf(value.numerator) / value.denominator


def pasted(printed: str) -> dict[str, Any]:
    """The values in a printed point, read by nothing of the verifier's."""
    found: dict[str, Any] = {}
    for name, rows, scalar in re.findall(r"([^\s,=]+)=(?:\[([^\]]*)\]|([^\s,]+))", printed):
        found[name] = mp.matrix([[number(x) for x in row.split()] for row in rows.split("; ")]) if rows else number(scalar)
    return found


def frobenius_of(matrix: Any) -> Any:
    return mp.sqrt(sum(x * x for x in matrix))


def nuclear_of(matrix: Any) -> Any:
    return sum(mp.svd_r(matrix, compute_uv=False))


def close(a: Any, b: Any) -> bool:
    return bool(abs(a - b) <= mp.mpf(10) ** -15 * max(abs(a), abs(b)))


FALSE: dict[str, tuple[Formula, Callable[[Any], bool]]] = {
    "a tiny norm is not 0": (
        forall(Y, given=equal(frobenius(Y), sp.exp(-20)), then=equal(Y, 0)),
        lambda p: close(frobenius_of(p["Y"]), mp.exp(-20)),
    ),
    "nor is a much smaller one": (
        forall(Y, given=equal(frobenius(Y), sp.exp(-60)), then=equal(Y, 0)),
        lambda p: close(frobenius_of(p["Y"]), mp.exp(-60)),
    ),
    "a huge irrational norm": (
        forall(Y, given=equal(frobenius(Y), sp.exp(40)), then=le(nuclear(Y), sp.exp(40))),
        lambda p: close(frobenius_of(p["Y"]), mp.exp(40)) and nuclear_of(p["Y"]) > mp.exp(40) * (1 + 1e-6),
    ),
    "√2": (
        forall(Y, given=equal(frobenius(Y), sp.sqrt(2)), then=le(trace(Y * Y.T), 1)),
        lambda p: close(frobenius_of(p["Y"]), mp.sqrt(2)),
    ),
    "π times an orthogonal matrix": (
        forall(K, given=equal(K.T * K, sp.pi * identity(n)), then=le(trace(K), 1)),
        lambda p: close((p["K"].T * p["K"])[0, 0], mp.pi) and sum(p["K"][i, i] for i in range(p["K"].rows)) > 1,
    ),
    "a rank under an irrational norm": (
        forall(Y, given=equal(frobenius(Y), sp.sqrt(3)), then=le(rank(Y), 1)),
        lambda p: close(frobenius_of(p["Y"]), mp.sqrt(3)) and mp.svd_r(p["Y"], compute_uv=False)[1] > 1e-3,
    ),
    "balanced factors of an irrational size": (
        forall(A, B, given=[equal(A.T * A, B.T * B), equal(frobenius(A), sp.pi)], then=le(frobenius(A * B.T), 1)),
        lambda p: close(frobenius_of(p["A"]), mp.pi) and close(frobenius_of(p["B"]), mp.pi),
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_the_printed_point_violates_the_printed_claim(name: str) -> None:
    formula, violates = FALSE[name]
    payload = check(formula).payload
    assert isinstance(payload, Candidate | Refuted)
    if isinstance(payload, Candidate):
        point = pasted(payload.counterexample)
        assert violates(point)
        assert any(abs(x) > 0 for v in point.values() if not isinstance(v, mp.mpf) for x in v)


TRUE: dict[str, Formula] = {
    "rank of a Gram matrix": forall(Y, then=equal(rank(Y.T * Y), rank(Y))),
    "rank of a cube": forall(Y, then=equal(rank(Y * Y.T * Y), rank(Y))),
    "a square that is met up to its root": forall(Y, given=equal(trace(Y.T * Y) + 1, 1), then=equal(Y, 0)),
    "the same as an inequality": forall(Y, given=le(trace(Y.T * Y) + 1, 1), then=equal(Y, 0)),
    "the square of a nilpotent matrix has trace 0": forall(K, given=equal(K**3, 0), then=equal(trace(K * K), 0)),
    "no commutator is the identity": forall(K, N, given=equal(K * N - N * K, identity(n)), then=equal(K, 0)),
    "idempotent": forall(K, given=equal(K * K, K), then=equal(trace(K), rank(K))),
    "e^-20": forall(Y, given=equal(frobenius(Y), sp.exp(-20)), then=le(spectral(Y), sp.exp(-20))),
    "10^12·√2": forall(Y, given=equal(frobenius(Y), 10**12 * sp.sqrt(2)), then=le(spectral(Y), 10**12 * sp.sqrt(2))),
    "logarithm": forall(t, given=equal(sp.exp(t), sp.pi), then=lt(t, sp.Rational(115, 100))),
    "rank at second-order points": forall(s, given=[s.sosp(), lt(0, s.decay)], then=equal(rank(s.A), rank(s.X))),
}


SLOW = {"logarithm", "no commutator is the identity"}
"""Claims that are searched for long; their violations are looked at below."""


@pytest.mark.parametrize("name", sorted(set(TRUE) - SLOW))
def test_a_true_theorem_is_no_candidate(name: str) -> None:
    assert check(TRUE[name]).verdict not in (Verdict.CANDIDATE, Verdict.REFUTED)


def finding(dims: dict[str, int], values: dict[str, Any], margin: float = -1.0) -> Finding:
    batch = Batch(dims, {k: np.array([v], dtype=float) for k, v in values.items()}, count=1)
    return Finding(batch, batch, 0, margin)


def looked_at(formula: Formula, found: Finding) -> Judged:
    return judged(found, Readers.of(formula, ExactReader(formula)))


def test_what_the_exact_reading_calls_true_holds() -> None:
    thin = finding({"m": 2, "n": 2}, {"Y": [[1.0, 0.0], [0.0, 1e-6]]})
    assert looked_at(TRUE["rank of a Gram matrix"], thin).fate is Fate.HOLDS


def test_a_rank_made_by_a_rounding_error_does_not_make_a_claim_hold() -> None:
    # Of rank 1 up to a rounding error; √3 keeps the exact search from an instance.
    line = np.outer([0.1, 0.7], [1.0, 1 / 3])
    noise = np.array([[1e-17, 0.0], [0.0, 0.0]])
    rows = line / np.linalg.norm(line) * np.sqrt(3) + noise
    formula = forall(Y, given=equal(frobenius(Y), sp.sqrt(3)), then=le(2, rank(Y)))
    assert looked_at(formula, finding({"m": 2, "n": 2}, {"Y": rows})).fate is Fate.UNCLEAR
    free = forall(Y, then=le(2, rank(Y)))
    assert looked_at(free, finding({"m": 2, "n": 2}, {"Y": line * np.sqrt(2)})).fate in (Fate.UNCLEAR, Fate.VIOLATES)


def test_a_violation_of_the_order_of_the_root_of_the_residual_shrinks() -> None:
    near = finding({"m": 1, "n": 2}, {"Y": [[1e-6, 2e-6]]})
    assert looked_at(TRUE["a square that is met up to its root"], near).fate is Fate.SHRINKS
    assert looked_at(TRUE["the same as an inequality"], near).fate is Fate.SHRINKS


def test_a_violation_of_the_order_of_the_residual_holds_at_the_true_point() -> None:
    formula = forall(t, given=equal(t**3, 2), then=le(10**6 * t, 10**6 * sp.Rational(2) ** sp.Rational(1, 3)))
    assert looked_at(formula, finding({}, {"t": 1.25993}, -5e-6)).fate is Fate.HOLDS


def test_assumptions_met_only_relative_to_cancelled_terms_are_not_met() -> None:
    huge = finding({"n": 2}, {"K": [[1e5, 3.0], [2.0, 7.0]], "N": [[1.0, 1e6], [-4.0, 2.0]]})
    assert looked_at(TRUE["no commutator is the identity"], huge).fate is Fate.UNMET


def test_a_violation_beyond_the_range_of_floats_stays_undecided() -> None:
    assert looked_at(TRUE["logarithm"], finding({}, {"t": 710.0})).fate in (Fate.UNCLEAR, Fate.UNMET)


def test_a_real_violation_is_printed_with_simple_numbers_where_they_do() -> None:
    formula = forall(Y, then=le(frobenius(Y), sp.sqrt(2)))
    found = looked_at(formula, finding({"m": 1, "n": 1}, {"Y": [[1.7320508075688772]]}))
    assert found.fate is Fate.VIOLATES
    assert found.shown == "m=1 n=1, Y=[1.73]"
    assert found.margin == pytest.approx(-(1.73 - 2**0.5) / (1.73 + 2**0.5), rel=0.6)


def test_a_conclusion_that_two_sides_differ_fails_only_where_they_are_the_same() -> None:
    formula = forall(Y, given=equal(frobenius(Y), sp.sqrt(2)), then=distinct(trace(Y * Y.T), 2))
    assert check(formula).verdict is not Verdict.HELD
    apart = forall(t, then=distinct(t, sp.sqrt(2)))
    # Every number that can be printed differs from √2.
    assert looked_at(apart, finding({}, {"t": 1.4142135623730951})).fate is Fate.UNCLEAR


def test_dropped_violations_are_counted_and_named() -> None:
    evidence = Evidence(n=10, n_active=10, margin=-0.5)
    looked = Weighed(5)
    looked.fates.update({Fate.HOLDS: 2, Fate.SHRINKS: 1})
    dropped(evidence, looked)
    assert evidence.n_undecided == 3
    assert evidence.margin == 0.0
    note = note_on(looked.dropped)
    assert note.startswith("of 5 float violations 2 hold when read exactly")
    assert "1 vanish" in note
    assert "2 were not read" in note
    assert note_on({}) == ""


def test_violations_that_were_not_kept_stay_undecided() -> None:
    formula = TRUE["rank of a Gram matrix"]
    thin = finding({"m": 2, "n": 2}, {"Y": [[1.0, 0.0], [0.0, 1e-6]]})
    found = weighed([thin] * 30, 40, formula, ExactReader(formula))
    assert found.violation is None
    assert found.fates[Fate.HOLDS] == 30
    assert found.n_open == 10


def test_a_hunt_drops_them_too() -> None:
    formula = TRUE["rank of a Gram matrix"]
    thin = finding({"m": 2, "n": 2}, {"Y": [[1.0, 0.0], [0.0, 1e-6]]})
    seen = settled(context_of(formula, 0), Seen(n=5, n_active=5, margin=-1.0), [thin], 2)
    assert seen.candidate is None
    assert seen.n_undecided == 1
    assert sum(seen.dropped.values()) == 2


def test_a_hunt_prints_a_point_that_violates_the_claim() -> None:
    formula, violates = FALSE["a tiny norm is not 0"]
    tiny = finding({"m": 1, "n": 2}, {"Y": [[1.2206e-9, 1.6609e-9]]})
    seen = settled(context_of(formula, 0), Seen(n=5, n_active=5, margin=-1.0), [tiny], 1)
    assert seen.candidate is not None
    assert violates(pasted(seen.candidate.shown))
    assert seen.n_undecided == 0


def test_a_candidate_of_a_training_claim_is_printed_from_its_start() -> None:
    # One step of descent on ‖A‖² with step 2 is A → −3A.
    start = sp.MatrixSymbol("A0", m, r)
    descent = gradient_descent(frobenius(A) ** 2, step=2, start=(start,), of=[A])
    grows = always(descent, given=equal(frobenius(start), sp.sqrt(2)), then=le(frobenius(A), frobenius(start)))
    payload = check(grows).payload
    assert isinstance(payload, Candidate)
    assert "after 1 step" in payload.counterexample
    assert close(frobenius_of(pasted(payload.counterexample)["A0"]), mp.sqrt(2))
