"""HELD rests on many clearly active instances: more are made where few are, and where that fails the verdict is UNKNOWN."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from verify import *
from verify.calculus.conditions import conjuncts, reduced
from verify.language.formulas import Formula
from verify.points.sources.bounds import mentioned_sizes, scalar_domains
from verify.points.sources.dimensions import every_size
from verify.points.sources.persuasion import persuaded_batches
from verify.points.sources.sampling import has_data, random_batches
from verify.runner.check import _no_violation
from verify.runner.evidence import Evidence
from verify.runner.exact_search import ExactPass
from verify.runner.verdicts import Held, Refuted, Unknown

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
K = sp.MatrixSymbol("K", n, n)
t, w, x = scalars("t w x")
eta = positives("η")
thousandth = sp.Rational(1, 1000)

TRUE = {
    "circle": lambda: forall(t, w, given=equal(t**2 + w**2, 1), then=le(t + w, sp.Rational(3, 2))),
    "hyperbola": lambda: forall(t, w, given=[equal(t * w, 1), le(1, t), le(t, 2)], then=le(w, 1)),
    "simplex": lambda: forall(t, w, given=[equal(t + w, 1), le(0, t), le(0, w)], then=le(4 * t * w, 1)),
    "small_step": lambda: forall(
        P, Q, eta, given=le(eta, thousandth), then=le(nuclear(P + eta * Q), nuclear(P) + eta * nuclear(Q))
    ),
    "large_number": lambda: forall(x, given=le(5, x), then=le(25, x**2)),
    "interval": lambda: forall(x, given=[lt(2, x), lt(x, sp.Rational(21, 10))], then=lt(x**2, 5)),
    "two_small_norms": lambda: forall(
        P, Q, given=[le(frobenius(P), thousandth), le(frobenius(Q), thousandth)], then=le(spectral(P + Q), 2 * thousandth)
    ),
    "narrow_shell": lambda: forall(P, given=[le(1000, frobenius(P)), le(frobenius(P), 1001)], then=le(spectral(P), 1001)),
    "sphere": lambda: forall(P, given=equal(frobenius(P), 3), then=le(nuclear(P) ** 2, 9 * minimum(m, n))),
    "scalar_and_matrix": lambda: forall(
        P, t, given=[equal(t * frobenius(P) ** 2, 1), lt(0, t)], then=le(t * spectral(P) ** 2, 1)
    ),
}
FALSE = {
    "circle": lambda: forall(t, w, given=equal(t**2 + w**2, 1), then=le(t + w, sp.Rational(7, 5))),
    "circle_with_a_bound": lambda: forall(
        t, w, given=[equal(t**2 + w**2, 1), le(0, t), le(0, w)], then=le(t + w, sp.Rational(7, 5))
    ),
    "hyperbola": lambda: forall(t, w, given=[equal(t * w, 1), le(1, t), le(t, 2)], then=le(w, sp.Rational(9, 10))),
    "simplex": lambda: forall(t, w, given=[equal(t + w, 1), le(0, t), le(0, w)], then=le(25 * t * w, 6)),
    "small_step": lambda: forall(eta, given=le(eta, thousandth), then=le(eta, sp.Rational(1, 1001))),
    "narrow_shell": lambda: forall(P, given=[le(1000, frobenius(P)), le(frobenius(P), 1001)], then=le(nuclear(P), 1001)),
    "sphere": lambda: forall(P, given=equal(frobenius(P), 3), then=le(nuclear(P), 3)),
    "gap_in_a_wide_interval": lambda: forall(t, given=[le(0, t), le(t, 10**9)], then=either(le(t, 1), le(10, t))),
    "gap_around_zero": lambda: forall(t, given=le(sp.Abs(t), 10**6), then=either(le(t, -1), le(1, t))),
    "gap_far_out": lambda: forall(t, given=le(10**6, t), then=either(le(t, 10**7), le(10**8, t))),
    "size_beyond_the_usual": lambda: forall(P, then=le(n, 40)),
}


@pytest.mark.parametrize("name", TRUE)
def test_assumptions_that_chance_hardly_meets_are_met_on_purpose(name: str) -> None:
    result = check(TRUE[name]())
    assert isinstance(result.payload, Held), result
    assert result.coverage.n_active >= 100


@pytest.mark.parametrize("name", FALSE)
def test_a_violation_under_such_assumptions_is_found(name: str) -> None:
    assert check(FALSE[name]()).verdict in (Verdict.REFUTED, Verdict.CANDIDATE)


@pytest.mark.parametrize("active", [1, 3, 19])
def test_too_few_active_instances_are_not_enough(active: int) -> None:
    formula = forall(P, then=le(0, nuclear(P)))
    payload = _no_violation(formula, Evidence(n=830, n_active=active), ExactPass())
    assert isinstance(payload, Unknown)
    assert f"only {active} instance" in payload.reason


def test_states_of_one_run_are_one_instance() -> None:
    formula = always(gradient_flow(lora().L), then=le(0, 1))
    few = Evidence(n=900, n_active=90, n_repeats=80)
    assert isinstance(_no_violation(formula, few, ExactPass()), Unknown)
    assert isinstance(_no_violation(formula, Evidence(n=900, n_active=90, n_repeats=60), ExactPass()), Held)


def test_exact_instances_count_as_well() -> None:
    formula = forall(P, then=le(0, nuclear(P)))
    assert isinstance(_no_violation(formula, Evidence(n=20, n_active=12), ExactPass(n=9, n_active=9)), Held)


def test_a_claim_about_numbers_or_sizes_alone_has_one_instance_of_each_size() -> None:
    for formula in (forall(t, then=le(1, 2)), forall(P, given=le(2, n), then=le(4, n * n))):
        assert not has_data(formula)
        result = check(formula)
        assert isinstance(result.payload, Held), result
        assert result.coverage.n <= 5_100
    assert isinstance(check(forall(P, then=le(n * n, 40 * n))).payload, Refuted)
    assert len(list(every_size(("a", "b"), []))) == len({tuple(d.items()) for d in every_size(("a", "b"), [])})


def formula_of(*given: object) -> Formula:
    return forall(t, w, eta, P, given=list(given), then=le(0, t**2 + w**2 + eta + frobenius(P)))


def test_bounds_by_numbers_narrow_what_is_drawn() -> None:
    given = [le(eta, thousandth), both(lt(2 * t, 5), le(-1, t)), le(sp.Abs(w), 3)]
    domains = scalar_domains(formula_of(*given))
    assert domains["η"].most == Fraction(1, 1000)
    assert domains["η"].above == 0
    assert (domains["t"].least, domains["t"].below) == (-1, Fraction(5, 2))
    assert (domains["w"].least, domains["w"].most) == (-3, 3)
    for batch in (next(random_batches(formula_of(*given), [], np.random.default_rng(k))) for k in range(20)):
        assert np.all((batch.values["η"] > 0) & (batch.values["η"] <= 1e-3))
        assert np.all(np.abs(batch.values["w"]) <= 3)


def test_bounds_that_contradict_each_other_leave_the_domain_as_it_is() -> None:
    domains = scalar_domains(formula_of(le(t, 1), le(2, t)))
    assert domains["t"].least is None or domains["t"].most is None


def test_sizes_that_a_claim_mentions_are_tried() -> None:
    assert mentioned_sizes(forall(P, then=equal(sigma(P, 7), 0))) == [7, 8]
    assert mentioned_sizes(forall(P, then=equal(sigma(P, 3), 0))) == []


def test_scalars_stay_in_their_domains_when_they_are_moved() -> None:
    formula = forall(t, eta, given=[equal(eta * t**2, 2), le(t, 10)], then=le(0, eta))
    flat = conjuncts([reduced(s) for s in formula.given])
    batches = persuaded_batches(formula, flat, np.random.default_rng(0))
    for batch in (next(batches) for _ in range(5)):
        assert np.all(batch.values["η"] > 0)
        assert np.mean(np.abs(batch.values["η"] * batch.values["t"] ** 2 - 2) < 1e-9) > 0.5
