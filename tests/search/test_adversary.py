"""Optimizing searches: what they move, what they keep, and that they reach violations which samples do not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from verify import *
from verify.calculus.conditions import conjuncts, reduced
from verify.evaluation.batches import Batch
from verify.evaluation.decide import decide
from verify.kernel import Truth
from verify.language.formulas import Formula
from verify.runner.exact_reading import ExactReader
from verify.runner.hunt.adversarial import can_construct, free_variables, has_free
from verify.runner.hunt.context import context_of
from verify.runner.hunt.judging import opened, plain_of
from verify.runner.hunt.records import Unit
from verify.runner.hunt.strategies import perform
from verify.search.adversary import Freedom, worsened
from verify.search.constructed import constructed_batches
from verify.search.instances import ExactInstance, rows_of
from verify.search.local_models import as_local_models
from verify.search.margins import margins
from verify.search.recorded import recorded_instance
from verify.search.relaxed import completed, relaxed
from verify.search.shrink import shrink
from verify.search.worst_case import least_margin

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
s = lora()
f, X, lam = s.f, s.X, s.decay
Xs, S = s.regularized_stationary()
al, be = positives("α β")


def at(formula: Formula, **values: list[list[float]]) -> Batch:
    arrays = {k: np.array([v]) for k, v in values.items()}
    rows, cols = arrays["P"].shape[1:]
    return Batch({"m": rows, "n": cols}, arrays, family="test", count=1)


def test_everything_is_moved_until_the_conclusion_fails_and_the_assumptions_stay() -> None:
    """‖P+Q‖² ≤ 1.95(‖P‖²+‖Q‖²) fails only near P = Q; the assumption ‖P‖² = 1 is kept on the way."""
    formula = forall(
        P,
        Q,
        given=equal(frobenius(P) ** 2, 1),
        then=le(100 * frobenius(P + Q) ** 2, 195 * (frobenius(P) ** 2 + frobenius(Q) ** 2)),
    )
    start = at(formula, P=[[1.0, 0.0], [0.0, 0.0]], Q=[[0.2, 0.7], [0.1, -0.4]])
    conditions = opened(plain_of(formula), start)
    assert decide([conditions.conclusion], start)[0].margin[0] > 0
    moved = worsened(start, conditions.given, conditions.conclusion, Freedom(("P", "Q")), 60)
    assert moved is not None
    found = conditions.standings(moved)
    assert found.active[0]
    assert found.then.margin[0] < 0
    assert abs(np.sum(moved.values["P"] ** 2) - 1) < 1e-8


def test_what_is_not_free_does_not_move() -> None:
    formula = forall(P, Q, then=le(frobenius(P + Q) ** 2, frobenius(P) ** 2 + frobenius(Q) ** 2))
    start = at(formula, P=[[1.0, 0.0]], Q=[[-1.0, 0.5]])
    moved = worsened(start, (), reduced(formula.then), Freedom(("Q",)), 60)
    assert moved is not None
    assert np.array_equal(moved.values["P"], start.values["P"])
    assert decide([reduced(formula.then)], moved)[0].margin[0] < 0


def test_descent_on_margins_lowers_every_instance_of_a_batch() -> None:
    formula = forall(P, Q, then=le(1, frobenius(P - Q) ** 2 + 2))
    rng = np.random.default_rng(0)
    batch = Batch({"m": 2, "n": 2}, {"P": rng.normal(size=(7, 2, 2)), "Q": rng.normal(size=(7, 2, 2))}, count=7)
    moved = least_margin(batch, reduced(formula.then), ["Q"], {}, 40)
    before, after = (margins([reduced(formula.then)], b)[0] for b in (batch, moved))
    assert np.all(after < before)
    assert np.max(np.abs(moved.values["P"] - moved.values["Q"])) < 1e-3
    assert np.array_equal(moved.values["P"], batch.values["P"])


MASK, TARGET = sp.Matrix([[1, 1], [0, 1]]), sp.MatrixSymbol("T", 2, 2)
COMPLETION = lora(m=2, n=2, r=1, loss=lambda Z: frobenius(hadamard(MASK, Z - TARGET)) ** 2)


def test_constructed_points_are_stationary_and_their_factors_small_rationals() -> None:
    formula = forall(
        COMPLETION,
        TARGET,
        given=[COMPLETION.sosp(), lt(0, COMPLETION.decay)],
        then=le(nuclear(COMPLETION.X), 1),
    )
    assert can_construct(formula)
    conditions = conjuncts([reduced(g) for g in formula.given])
    batch = next(constructed_batches(formula, conditions, np.random.default_rng(0)))
    scaled = 20 * np.concatenate([batch.values["A"].ravel(), batch.values["B"].ravel()])
    assert np.allclose(scaled, np.round(scaled))
    slopes = [c for c in conditions if getattr(c, "relation", None) == "equal"]
    truth = np.min([d.truth for d in decide(slopes, batch)], axis=0)
    assert np.mean(truth == 1) > 0.3


def test_free_variables_are_those_that_no_assumption_mentions() -> None:
    C, D = sp.MatrixSymbol("C", s.m, s.r), sp.MatrixSymbol("D", s.n, s.r)
    other = f(C * D.T) + lam / 2 * (frobenius(C) ** 2 + frobenius(D) ** 2)
    formula = forall(s, C, D, given=[convex(f), s.sosp()], then=le(s.L, other))
    assert set(free_variables(formula)) == {"C", "D"}
    assert has_free(formula)
    assert not has_free(forall(s, given=s.sosp(), then=le(spectral(f.grad(X)), lam)))


def test_a_quadratic_in_closed_form_becomes_the_same_local_model() -> None:
    formula = forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.B.T * s.B))
    from verify.language.terms import ARGUMENT
    from verify.language.translate import term_of

    Y = sp.MatrixSymbol(ARGUMENT, 2, 2)
    body = term_of(3 * Y[0, 0] * Y[1, 1] + Y[0, 1] ** 2 / 2 - 5 * Y[1, 0] + 7)
    one = rows_of([[1], [0]])
    made = as_local_models(
        ExactInstance({"m": 2, "n": 2, "r": 1}, {"λ": Fraction(0)}, {"A": one, "B": one}, {"f": body}), formula
    )
    assert made is not None
    assert made.matrices["f·G"] == rows_of([[0, 0], [-5, 0]])
    assert made.matrices["f·H"] == rows_of([[0, 0, 0, 3], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0]])


def test_a_counterexample_given_in_closed_form_shrinks_to_the_smallest_size() -> None:
    formula = forall(s, Xs, al, be, given=[uniform_curvature(f, al, be), s.sosp(), distinct(X, Xs)], then=equal(X, Xs))
    seen = perform(context_of(formula, 0), Unit("random", 0))
    assert seen.found is not None
    assert seen.found.certificate["dims"] == {"m": 2, "n": 2, "r": 1}


def test_a_certificate_reads_back_as_the_instance_it_was_made_of() -> None:
    formula = forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.B.T * s.B))
    context = context_of(formula, 0)
    found = perform(context, Unit("exact", 0)).found
    assert found is not None
    instance = recorded_instance(found.certificate, formula)
    assert instance is not None
    reader = ExactReader(formula)
    assert reader.settles(reader.read(instance))
    assert recorded_instance(found.certificate, forall(P, Q, then=equal(P, Q))) is None


def test_a_claim_with_two_second_order_assumptions_is_searched_with_one() -> None:
    gap, Z = positives("δ"), sp.MatrixSymbol("Z", s.m, s.n)
    strict = lora(loss=lambda Y: f(Y) - gap / 2 * frobenius(Y - Z) ** 2)
    given = [uniform_curvature(f, al, be), s.sosp(), strict.sosp(), equal(Z, X)]
    formula = forall(s, Xs, Z, al, be, gap, given=given, then=equal(X, Xs))
    simpler = relaxed(formula)
    assert simpler is not None
    assert set(formula.variables) - set(simpler.variables) == {"δ", "Z"}
    assert relaxed(simpler) is None
    seen = perform(context_of(formula, 0), Unit("synthesis", 0))
    assert seen.found is not None
    assert seen.found.comparison is not None


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", "constructed", "free variables", "synthesis"])
def test_a_true_theorem_is_not_refuted_and_gives_no_candidate(strategy: str) -> None:
    strong = [uniform_curvature(f, al, be), s.sosp()]
    claims = [
        forall(s, given=[s.sosp(), lt(rank(X), s.r)], then=le(spectral(f.grad(X)), lam)),
        forall(s, Xs, al, be, given=[*strong, distinct(X, Xs)], then=le(al * sigma(Xs, rank(Xs)), be * sigma(X, s.r))),
        forall(s, Xs, al, be, given=[*strong, lt(be, 3 * al)], then=equal(X, Xs)),
    ]
    for formula in claims:
        seen = perform(context_of(formula, 1), Unit(strategy, 0))
        assert seen.found is None
        assert seen.candidate is None


def test_shrinking_keeps_the_violation() -> None:
    formula = forall(P, then=le(nuclear(P), frobenius(P)))
    reader = ExactReader(formula)
    start = ExactInstance({"m": 2, "n": 3}, {}, {"P": rows_of([[Fraction(7, 3), 0, 0], [0, Fraction(-5, 2), 1]])})
    small = shrink(start, formula, reader.violates, 200)
    assert reader.read(small).conclusion is Truth.FALSE
    assert small.dims == {"m": 2, "n": 2}


def test_completed_instances_have_every_variable() -> None:
    formula = forall(s, Xs, al, then=le(al, 1 + frobenius(Xs) + frobenius(X)))
    rows = rows_of([[1]])
    instance = ExactInstance(
        {"m": 1, "n": 1, "r": 1}, {"λ": Fraction(0)}, {"A": rows, "B": rows, "f·P": rows, "f·G": rows, "f·H": rows}
    )
    for whole in completed(instance, formula):
        assert set(formula.matrices()) <= set(whole.matrices)
        assert set(formula.scalars()) <= set(whole.scalars)
