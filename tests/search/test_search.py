"""Exact instances: assumptions arranged over the rationals, closed function bodies, shrinking."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import sympy as sp
from hypothesis import given, settings

from verify import *
from verify.calculus.conditions import conjuncts, reduced
from verify.kernel import Truth
from verify.runner.exact_reading import ExactReader, roundings
from verify.search.exact_assumptions import Enforcer
from verify.search.instances import ExactInstance, from_batch, rows_of
from verify.search.shrink import complexity, shrink
from verify.search.strategies import exact_instances

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
s = lora()
A, B, X, lam = s.A, s.B, s.X, s.decay
balance = forall(s, given=[s.fosp(), lt(0, lam)], then=equal(A.T * A, B.T * B))
enforce = Enforcer(balance)
conditions = conjuncts([reduced(g) for g in balance.given])
reader = ExactReader(balance)


@settings(max_examples=60, deadline=None)
@given(exact_instances(balance, conditions))
def test_a_true_theorem_is_never_violated_by_exact_instances(instance: ExactInstance) -> None:
    arranged = enforce(instance)
    if arranged is not None:
        decision = reader.read(arranged)
        assert not reader.settles(decision)


def test_stationarity_is_arranged_exactly() -> None:
    one = rows_of([[1]])
    zero = rows_of([[0]])
    start = ExactInstance(
        {"m": 1, "n": 1, "r": 1},
        {"λ": Fraction(1, 2), "f·c": Fraction(0)},
        {"A": one, "B": one, "f·P": zero, "f·G": zero, "f·H": zero},
    )
    arranged = enforce(start)
    assert arranged is not None
    decision = reader.read(arranged)
    assert all(t is Truth.TRUE for t in decision.hypotheses)
    assert decision.conclusion is Truth.TRUE


def test_definitions_are_carried_out() -> None:
    formula = forall(P, Q, given=equal(Q, 2 * P), then=equal(P, Q))
    arranged = Enforcer(formula)(ExactInstance({"m": 1, "n": 1}, {}, {"P": rows_of([[3]]), "Q": rows_of([[0]])}))
    assert arranged is not None
    values = {arranged.matrices["P"][0][0], arranged.matrices["Q"][0][0]}
    assert values in ({Fraction(3), Fraction(6)}, {Fraction(0)})


def test_shrinking_keeps_the_violation_and_makes_it_simpler() -> None:
    formula = forall(P, then=le(nuclear(P), frobenius(P)))
    exact = ExactReader(formula)
    start = ExactInstance({"m": 3, "n": 3}, {}, {"P": rows_of([[Fraction(7, 3), 1, 0], [0, Fraction(-5, 2), 4], [1, 1, 9]])})
    assert exact.violates(start) is not None
    small = shrink(start, formula, exact.violates)
    assert exact.violates(small) is not None
    assert complexity(small) < complexity(start)
    assert small.dims == {"m": 2, "n": 2}


def test_floats_are_rounded_from_coarse_to_exact() -> None:
    rounded = [r(0.1) for r in roundings()]
    assert rounded[0] == 0
    assert Fraction(1, 10) in rounded
    assert rounded[-1] == Fraction(0.1)


def test_a_bound_function_becomes_a_closed_formula_with_the_same_value() -> None:
    from verify.evaluation.batches import Batch
    from verify.language.operations.functions import FunctionSymbol
    from verify.losses.families import FAMILIES
    from verify.points.sources.binding import bind_family

    formula = forall(s, then=le(0, s.f(X)))
    problem = FAMILIES["quadratic"].sample(np.random.default_rng(0), 2, m=2, n=2, r=1)
    bound = bind_family(FunctionSymbol("f", ("m", "n")), problem)
    data = {"A": np.ones((2, 2, 1)), "B": np.ones((2, 2, 1)), **bound.values}
    sizes = {"m": 2, "n": 2, "r": 1, **bound.dims}
    batch = Batch(sizes, data, bound.operators, {"f": bound.function}, "quadratic", 2)
    instance = from_batch(batch, formula, Fraction)
    point = sp.MatrixSymbol("·", 2, 2)
    from verify.language.untranslate import expression_of

    closed = expression_of(instance.bodies["f"], {"·": point})
    opened = expression_of(problem.full.body, {})
    argument = next(a for a in sp.sympify(opened).atoms(sp.MatrixSymbol) if a.name == "·")
    y = np.array([[1.0, 2.0], [-1.0, 0.5]])
    H = operator("H", ("m", "n"))
    others = {a: problem.data[a.name][0] for a in sp.sympify(opened).atoms(sp.MatrixSymbol) if a.name != "·"}
    value = evaluate(opened, {argument: y, H: problem.operators["H"][0], **others})
    np.testing.assert_allclose(evaluate(closed, {point: y}), value, rtol=1e-12)
