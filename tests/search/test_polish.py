"""Polishing an instance until its assumptions hold to fifty digits."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from verify import *
from verify.language.formulas import Formula
from verify.runner.evidence import gather
from verify.runner.profiles import PROFILES
from verify.search.instances import ExactInstance, from_batch
from verify.search.polish import MET, Polished, polished
from verify.search.precise import PreciseReader
from verify.search.shortfalls import is_semidefinite

m, n = dimensions("m n")
Y = sp.MatrixSymbol("Y", m, n)
K, N = sp.MatrixSymbol("K", n, n), sp.MatrixSymbol("N", n, n)
t, w = scalars("t w")
s = lora()


def matrix(rows: list[list[float]]) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(Fraction(repr(x)) for x in row) for row in rows)


def at(formula: Formula, instance: ExactInstance) -> tuple[Polished, PreciseReader]:
    reader = PreciseReader(formula)
    found = polished(instance, reader)
    assert found is not None
    return found, reader


def size(rows: tuple[tuple[Fraction, ...], ...]) -> mpmath.mpf:
    return mpmath.sqrt(sum(mpmath.mpf(x.numerator) ** 2 / mpmath.mpf(x.denominator) ** 2 for row in rows for x in row))


SIZES = {
    "e^-20": (sp.exp(-20), 1e-9),
    "e^-60": (sp.exp(-60), 1e-27),
    "√2": (sp.sqrt(2), 1.0),
    "π": (sp.pi, 2.0),
    "e^40": (sp.exp(40), 1e17),
    "10^-12·√3": (sp.sqrt(3) / 10**12, 1e-12),
}


@pytest.mark.parametrize("name", SIZES)
def test_an_irrational_norm_is_met_to_fifty_digits(name: str) -> None:
    value, scale = SIZES[name]
    start = ExactInstance({"m": 1, "n": 2}, {}, {"Y": matrix([[0.7 * scale, -scale]])})
    found, reader = at(forall(Y, given=equal(frobenius(Y), value), then=equal(Y, 0)), start)
    with mpmath.workdps(70):
        wanted = mpmath.mpf(str(sp.N(value, 65)))
        assert abs(size(found.instance.matrices["Y"]) / wanted - 1) < mpmath.mpf(10) ** -49
    reading = reader.read(found.instance)
    assert reading is not None
    assert reading.meets(MET * 10)


def test_scalars_and_several_equations_are_polished_together() -> None:
    formula = forall(t, w, given=[equal(t**2 + w**2, sp.pi), equal(sp.exp(t), 2)], then=le(w, 0))
    found, _ = at(formula, ExactInstance({}, {"t": Fraction("0.69"), "w": Fraction("1.63")}))
    with mpmath.workdps(60):
        there = {k: mpmath.mpf(v.numerator) / v.denominator for k, v in found.instance.scalars.items()}
        assert abs(there["t"] - mpmath.log(2)) < mpmath.mpf(10) ** -48
        assert abs(there["w"] - mpmath.sqrt(mpmath.pi - mpmath.log(2) ** 2)) < mpmath.mpf(10) ** -48


def test_what_meets_the_assumptions_already_is_left_alone() -> None:
    start = ExactInstance({"n": 2}, {}, {"K": matrix([[0.0, 3.0], [0.0, 0.0]])})
    found, _ = at(forall(K, given=equal(K * K, 0), then=equal(K, 0)), start)
    assert found.instance == start


def test_equations_without_a_solution_stay_unmet() -> None:
    # tr(KN − NK) = 0 is never n.
    start = ExactInstance({"n": 2}, {}, {"K": matrix([[1e5, 3.0], [2.0, 7.0]]), "N": matrix([[1.0, 1e6], [-4.0, 2.0]])})
    formula = forall(K, N, given=equal(K * N - N * K, identity(n)), then=equal(K, 0))
    found, reader = at(formula, start)
    reading = reader.read(found.instance)
    assert reading is not None
    assert reading.shortfall > 1e-3


def test_an_inequality_that_fails_by_a_rounding_error_is_restored() -> None:
    formula = forall(Y, given=[le(frobenius(Y), sp.sqrt(2))], then=equal(Y, 0))
    start = ExactInstance({"m": 1, "n": 2}, {}, {"Y": matrix([[1.0, 1.0000000000000002]])})
    reader = PreciseReader(formula)
    before, found = reader.read(start), polished(start, reader)
    assert before is not None
    assert found is not None
    assert before.shortfall > 1e-17
    after = reader.read(found.instance)
    assert after is not None
    assert after.meets(MET * 10)


def test_a_scalar_at_the_end_of_its_domain_stays_there() -> None:
    u = nonnegatives("u")
    formula = forall(Y, u, given=equal(frobenius(Y), sp.sqrt(2) + u), then=equal(Y, 0))
    start = ExactInstance({"m": 1, "n": 1}, {"u": Fraction(0)}, {"Y": matrix([[1.41]])})
    found, _ = at(formula, start)
    assert found.instance.scalars["u"] == 0
    assert found.after <= MET


def of_the_finder(formula: Formula, count: int) -> list[ExactInstance]:
    evidence = gather(formula, PROFILES["dev"], np.random.default_rng(0), seed=0)
    assert evidence.violations
    return [from_batch(f.start, formula, lambda x: Fraction(repr(float(x))), f.steps) for f in evidence.violations[:count]]


def test_second_order_points_are_polished_with_their_losses_kept() -> None:
    formula = forall(s, given=[s.sosp()], then=le(frobenius(s.X), spectral(s.X)))
    for start in of_the_finder(formula, 4):
        found, reader = at(formula, start)
        reading = reader.read(found.instance)
        assert reading is not None
        assert reading.meets(1e-38)
        assert reading.violation.relative > 1e-6


def test_regularized_stationary_points_get_an_exact_dual_witness() -> None:
    Xs, _ = s.regularized_stationary()
    al, be = positives("α β")
    given = [uniform_curvature(s.f, al, be), s.sosp(), distinct(s.X, Xs)]
    formula = forall(s, Xs, al, be, given=given, then=le(100 * al * sigma(Xs, rank(Xs)), be * sigma(s.X, s.r)))
    for start in of_the_finder(formula, 4):
        found, reader = at(formula, start)
        reading = reader.read(found.instance)
        assert reading is not None
        assert reading.meets(1e-38)


def test_semidefiniteness_is_decided_where_the_smallest_eigenvalue_is_zero() -> None:
    field = PreciseReader(forall(t, then=le(t, t))).field
    flat = field.literal([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(4)]])
    assert is_semidefinite(flat, field)
    bent = field.literal([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(4) - Fraction(1, 10**20)]])
    assert not is_semidefinite(bent, field)


def test_a_tie_in_a_strict_inequality_neither_holds_nor_fails() -> None:
    reader = PreciseReader(forall(t, then=lt(sp.sin(t) ** 2 + sp.cos(t) ** 2, 1)))
    reading = reader.read(ExactInstance({}, {"t": Fraction(1)}))
    assert reading is not None
    assert 1e-30 < reading.violation.relative < 1e-6


def test_beyond_the_range_of_floats_nothing_is_met() -> None:
    reader = PreciseReader(forall(t, given=equal(sp.exp(t), sp.pi), then=le(t, 1)))
    reading = reader.read(ExactInstance({}, {"t": Fraction(710)}))
    assert reading is None or not reading.meets(1.0)


def test_curvature_at_the_end_of_its_bounds_is_moved_inside() -> None:
    f = smooth("f", (m, n))
    formula = forall(f, Y, given=[equal(frobenius(f.grad(Y)), sp.pi), uniform_curvature(f, 1, 2)], then=le(f(Y), 0))
    for start in of_the_finder(formula, 3):
        found, reader = at(formula, start)
        reading = reader.read(found.instance)
        assert reading is not None
        assert reading.meets(1e-38)


def test_a_model_without_a_cubic_remainder_is_made_exact_without_one() -> None:
    f = smooth("f", (m, n))
    formula = forall(f, Y, given=uniform_curvature(f, 1, 2), then=le(f(Y), 0))
    assert all(start.scalars["f·c"] == 0 for start in of_the_finder(formula, 4))
