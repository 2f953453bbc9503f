"""What is read is what is written: the gate that compares a claim with its author's own objects, and what it would catch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import sympy as sp
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from verify import *
from verify.language import quantifiers, serial, translate
from verify.language.entrywise import entrywise
from verify.language.formulas import Formula
from verify.language.operations.entries import HOLE
from verify.language.operations.scalars import function as named
from verify.language.terms import make, number, rebuild, symbol, walk
from verify.runner.reading import ReadingError, gate
from verify.runner.reading.gate import check_reading

s = lora()
A, B, X, m, n, r = s.A, s.B, s.X, s.m, s.n, s.r
Xs, S = s.regularized_stationary()
x, d, t = scalars("x d t")
M = matrices("M", m, n)
g = function(lambda Y: trace(Y.T * Y), (m, n))


def verdict(formula: Formula) -> str:
    return check(formula).verdict.value


# --- one name, one object -------------------------------------------------------------------------------------------


def test_a_function_given_by_a_formula_is_not_the_function_of_that_name() -> None:
    assert verdict(forall(s, given=s.fosp(), then=equal(g.grad(X), 2 * X))) == "PROVED"
    assert verdict(forall(s, given=s.fosp(), then=equal(g.grad(X), s.f.grad(X)))) != "PROVED"
    assert verdict(forall(s, then=equal(g.hess(X)(X, X), 2 * trace(X.T * X)))) == "PROVED"


def test_the_variable_of_an_elementwise_function_is_told_by_the_object() -> None:
    assert verdict(forall(A, x, then=equal(elementwise(lambda u: x, A), elementwise(lambda u: u, A)))) == "REFUTED"
    assert verdict(forall(A, d, then=equal(A.applyfunc(lambda u: d), A.applyfunc(lambda u: u)))) == "REFUTED"
    assert verdict(forall(A, x, then=equal(elementwise(lambda u: u * x, A), x * A))) == "PROVED"
    assert verdict(forall(A, x, then=equal(elementwise(lambda u: sp.tanh(u) * x, A), x * elementwise(sp.tanh, A)))) == "PROVED"


@pytest.mark.parametrize(
    "make_claim",
    [
        lambda: forall(*(two := [sp.Dummy("x", real=True) for _ in range(2)]), then=equal(*two)),
        lambda: forall(
            then=equal(*(trace(identity(sp.Dummy("n", integer=True, positive=True))) for _ in range(2))),
        ),
        lambda: forall(x, then=equal(x, sp.Symbol("x", positive=True))),
        lambda: forall(s, scalars("r"), then=le(scalars("r"), rank(X) + scalars("r"))),
        lambda: forall(s, matrices("n", 3, 3), then=le(0, frobenius(matrices("n", 3, 3)))),
        lambda: forall(A, matrices("A", n, n), then=le(0, frobenius(A))),
        lambda: forall(s, scalars("f"), then=equal(s.f(X), scalars("f"))),
        lambda: forall(s, operator("f", (m, n)), then=equal(operator("f", (m, n))(X), s.f.grad(X))),
        lambda: forall(s, Xs, matrices("X⋆", m, n), then=equal(Xs, matrices("X⋆", m, n))),
        lambda: forall(matrices("·", 2, 2), then=le(0, frobenius(matrices("·", 2, 2)))),
    ],
)
def test_two_things_of_one_name_are_an_error_that_names_them(make_claim: Callable[[], Formula]) -> None:
    with pytest.raises(ClaimError, match=r"two different things|reserved"):
        make_claim()


def test_a_matrix_that_an_author_calls_x_star_is_any_matrix() -> None:
    own = matrices("X⋆", m, n)
    formula = forall(s, own, then=le(rank(own), r))
    assert formula.given == ()
    assert verdict(formula) == "REFUTED"


def test_x_star_keeps_its_definition_along_training_and_in_prove() -> None:
    flow = gradient_flow(s.L, start=(s.A0, zeros(n, r)))
    for formula in (always(flow, then=le(0, frobenius(Xs))), forall(s, Xs, then=le(0, frobenius(Xs)))):
        assert [g.to_json()[0] for g in formula.given] == ["regularized_stationary", "le"]
    goal = equal(trace(s.f.grad(Xs).T * Xs), -s.decay * trace(S.T * Xs))
    assert prove(goal).scope.startswith("all m, n")


def test_a_claim_that_states_the_definition_of_x_star_itself_assumes_nothing_more() -> None:
    formula = forall(s, Xs, S, given=s.stationary_definition(), then=le(rank(Xs), r))
    assert len(formula.given) == 1


@pytest.mark.parametrize("name", ["λ", "μ", "weight", "s"])
def test_planted_points_are_found_whatever_the_decay_is_called(name: str) -> None:
    own = lora(decay=nonnegatives(name))
    star, _ = own.regularized_stationary()
    low, high = positives("α β")
    spurious = [uniform_curvature(own.f, low, high), own.sosp(), distinct(own.X, star)]
    claimed = le(2 * low * sigma(star, rank(star)), high * sigma(own.X, own.r))
    assert verdict(forall(own, star, low, high, given=spurious, then=claimed)) == "REFUTED"


# --- nothing dropped ------------------------------------------------------------------------------------------------


def test_the_step_function_has_the_value_at_zero_that_is_written() -> None:
    for at_zero in (0, sp.Rational(1, 2), 1, -3):
        value = le(sp.Abs(sp.Heaviside(x, at_zero) - at_zero), 0)
        assert verdict(forall(x, given=equal(x, 0), then=value)) != "REFUTED"
    assert verdict(forall(x, then=equal(sp.Heaviside(x), sp.Heaviside(x, 0)))) == "REFUTED"


@pytest.mark.parametrize(
    "assumed",
    [{"nonzero": True}, {"prime": True}, {"even": True}, {"rational": True}, {"irrational": True}, {"zero": False}],
)
def test_assumptions_that_a_claim_cannot_carry_are_refused(assumed: dict[str, bool]) -> None:
    u = sp.Symbol("u", real=True, **assumed)
    with pytest.raises(ClaimError, match="cannot be carried"):
        forall(u, then=le(0, u**2))


@pytest.mark.parametrize("u", [sp.Symbol("u"), sp.Symbol("u", imaginary=True), sp.Symbol("u", complex=True)])
def test_a_scalar_that_need_not_be_real_is_refused(u: Any) -> None:
    with pytest.raises(ClaimError, match=r"not declared real|cannot be carried"):
        forall(u, then=le(0, u**2))


def test_a_dimension_is_any_whole_number() -> None:
    even = sp.Symbol("k", even=True, positive=True)
    with pytest.raises(ClaimError, match="the dimension k is declared with even"):
        forall(then=le(1, trace(identity(even))))
    plain = sp.Symbol("k")
    assert verdict(forall(then=equal(trace(identity(plain)), plain))) == "PROVED"


@pytest.mark.parametrize(
    "make_claim",
    [
        lambda: equal(x / 3, x * (1 / 3)),
        lambda: equal(A * (1 / 3) + A * (2 / 3), A),
        lambda: equal(x * 0.1 + x * 0.2, x * 0.3),
        lambda: le(x, 1 / 3),
        lambda: le(x, float("nan")),
        lambda: le(x, float("inf")),
    ],
)
def test_rounded_floats_are_refused_with_what_to_write(make_claim: Callable[[], Any]) -> None:
    with pytest.raises(ClaimError, match=r"Rational|finite"):
        make_claim()


def test_a_float_that_somebody_wrote_is_the_decimal_that_it_prints_as() -> None:
    from decimal import Decimal

    assert equal(x, 0.1).to_json()[2] == ["num", "1/10"]
    assert equal(x, Decimal("1e-30")).to_json()[2] == ["num", str(sp.Rational(1, 10**30))]
    assert verdict(forall(x, then=equal(x * 0.5, x / 2))) == "PROVED"


def test_a_formula_is_called_once() -> None:
    calls = count()

    def formula(Y: Any) -> Any:
        return next(calls) * trace(Y.T * Y)

    h = function(formula, (m, n))
    assert h(X) == h(X)
    equal(h.grad(X), h.grad(M))
    equal(h.hess(X)(X, X), h(M))
    assert next(calls) == 1


def test_a_claim_that_is_another_one_the_second_time_is_an_error() -> None:
    calls = count()

    @claim
    def changing() -> Formula:
        return forall(x, then=le(0, x**2 + next(calls)))

    result = check(changing)
    assert result.verdict.value == "ERROR"
    assert "another one each time" in result.summary


@pytest.mark.parametrize("thing", [s.f, s.f.hess(X), operator("H", (m, n)), s, "A", None, [A]])
def test_what_is_no_expression_is_refused_at_once(thing: Any) -> None:
    with pytest.raises(ClaimError, match="is not an expression"):
        le(0, lambda_min(thing))


def test_the_smallest_eigenvalue_is_that_of_a_symmetric_matrix() -> None:
    K = matrices("K", n, n)
    refused = check(forall(K, then=le(lambda_min(K), spectral(K))))
    assert refused.verdict.value == "ERROR"
    assert "needs a symmetric matrix" in refused.summary
    for formula in (
        forall(K, then=le(lambda_min((K + K.T) / 2), spectral(K))),
        forall(K, given=equal(K, K.T), then=le(lambda_min(K), spectral(K))),
        forall(A, then=le(0, lambda_min(A.T * A))),
    ):
        assert verdict(formula) == "HELD"


# --- what the gate catches when a mend is undone --------------------------------------------------------------------


def _by_name(variable: Any, body: Any, matrix: Any) -> Any:
    """The variable of an elementwise function, told by its name."""
    term = translate.term_of(body)
    named_so = {node: HOLE for node in walk(term) if node.op == "sym" and node.payload[0] == variable.name}
    return entrywise(rebuild(term, named_so), matrix)


def _half_step(e: Any, go: Any) -> Any:
    """Heaviside without its second argument."""
    return named("step", go(e.args[0]))


def _truncated(value: Any) -> Any:
    """A float by its printed digits, whatever it was rounded from."""
    from fractions import Fraction

    return Fraction(str(value))


def _called_x_star(objects: Any, given: Any) -> Any:
    """The definition of X⋆ for whatever is called so."""
    named_so = [o for o in objects if getattr(o, "name", None) == "X⋆"]
    return [regularized_stationary(s.f, s.decay, o, matrices("Sx", m, n)) for o in named_so]


UNDONE: list[tuple[str, list[tuple[Any, str, Any]], Callable[[], Formula]]] = [
    (
        "a formula serialized by its name",
        [(serial, "_function_to_json", lambda f: f.name)],
        lambda: forall(s, given=s.fosp(), then=equal(g.grad(X), 2 * X)),
    ),
    (
        "an elementwise variable told by its name",
        [(translate, "_mapped", _by_name)],
        lambda: forall(A, x, then=equal(elementwise(lambda u: x, A), elementwise(lambda u: u, A))),
    ),
    (
        "an applied function's variable told by its name",
        [(translate, "_mapped", _by_name)],
        lambda: forall(A, sp.Symbol("d", real=True), then=equal(_applied_with_own_d(), A)),
    ),
    (
        "two dummies of one name",
        [(quantifiers, "check_objects", lambda *objects: None)],
        lambda: forall(*(two := [sp.Dummy("x", real=True) for _ in range(2)]), then=equal(*two)),
    ),
    (
        "two dimensions of one name",
        [(quantifiers, "check_objects", lambda *objects: None)],
        lambda: forall(then=equal(*(trace(identity(sp.Dummy("n", integer=True, positive=True))) for _ in range(2)))),
    ),
    (
        "a real and a positive scalar of one name",
        [(quantifiers, "check_objects", lambda *objects: None)],
        lambda: forall(x, then=equal(x, sp.Symbol("x", positive=True))),
    ),
    (
        "a scalar named as a dimension",
        [(quantifiers, "check_objects", lambda *objects: None)],
        lambda: forall(s, then=le(scalars("r"), rank(X) + scalars("r") ** 2)),
    ),
    (
        "a definition given to what is called X⋆",
        [(quantifiers, "_definitions", _called_x_star)],
        lambda: forall(s, matrices("X⋆", m, n), matrices("Sx", m, n), then=le(rank(matrices("X⋆", m, n)), r)),
    ),
    (
        "X⋆ without its definition",
        [(quantifiers, "_definitions", lambda objects, given: [])],
        lambda: forall(s, Xs, S, then=le(0, frobenius(Xs) + frobenius(S))),
    ),
    (
        "a step function without its value at 0",
        [(translate, "_RULES", [(sp.Heaviside, _half_step), *translate._RULES])],
        lambda: forall(x, then=le(sp.Heaviside(x), 1)),
    ),
    (
        "an assumption dropped",
        [(quantifiers, "check_objects", lambda *objects: None)],
        lambda: forall(sp.Symbol("u", real=True, nonzero=True), then=le(0, sp.Symbol("u", real=True, nonzero=True) ** 2)),
    ),
    (
        "a plain symbol taken for a real one",
        [(quantifiers, "check_objects", lambda *objects: None)],
        lambda: forall(sp.Symbol("u"), then=le(0, sp.Symbol("u") ** 2)),
    ),
    (
        "a rounded float taken for the number that it prints as",
        [(translate, "exact_number", _truncated)],
        lambda: forall(x, then=equal(x / 3, x * (1 / 3))),
    ),
    (
        "a float that is the result of a computation",
        [(translate, "exact_number", _truncated)],
        lambda: forall(A, then=equal(A * (1 / 3) + A * (2 / 3), A)),
    ),
]


def _applied_with_own_d() -> Any:
    return A.applyfunc(lambda u: sp.Symbol("d", real=True) + 0 * u)


@pytest.mark.parametrize(("what", "undo", "make_claim"), UNDONE, ids=[what for what, _, _ in UNDONE])
def test_the_gate_catches_a_mend_that_is_undone(
    what: str, undo: list[tuple[Any, str, Any]], make_claim: Callable[[], Formula], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, old in undo:
        monkeypatch.setattr(module, name, old)
    with pytest.raises(ReadingError):
        check_reading(make_claim())


WRONG = {
    "a product turned around": (sp.MatMul, lambda e, go: make("matmul", *(go(a) for a in reversed(e.args)))),
    "a transpose dropped": (sp.Transpose, lambda e, go: go(e.args[0])),
    "a summand dropped": ((sp.Add, sp.MatAdd), lambda e, go: go(e.args[0])),
    "an exponent changed": (sp.Pow, lambda e, go: make("pow", go(e.base), payload=(3,))),
    "an absolute value dropped": (sp.Abs, lambda e, go: go(e.args[0])),
    "a maximum for a minimum": (sp.Min, lambda e, go: make("max", *(go(a) for a in e.args))),
    "a number rounded": (sp.Rational, lambda e, go: number(round(float(e)))),
}
SQUARE = matrices("K", n, n)
READ_BY = {
    "a product turned around": lambda: forall(SQUARE, matrices("Q", n, n), then=equal(SQUARE * matrices("Q", n, n), SQUARE)),
    "a transpose dropped": lambda: forall(SQUARE, then=equal(SQUARE.T, SQUARE)),
    "a summand dropped": lambda: forall(x, t, then=le(x + t, 1)),
    "an exponent changed": lambda: forall(x, then=le(0, x**2)),
    "an absolute value dropped": lambda: forall(x, then=le(0, sp.Abs(x))),
    "a maximum for a minimum": lambda: forall(x, t, then=le(sp.Min(x, t), x)),
    "a number rounded": lambda: forall(x, then=le(sp.Rational(2, 5) * x, x)),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_gate_catches_a_wrong_rule_of_the_translation(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    translate_again = [WRONG[what], *translate._RULES]
    check_reading(READ_BY[what]())
    monkeypatch.setattr(translate, "_RULES", translate_again)
    with pytest.raises(ReadingError):
        check_reading(READ_BY[what]())


@cases(st.integers(0, 40))
@settings(max_examples=20, deadline=None)
def test_points_do_not_depend_on_what_things_are_called(turn: int) -> None:
    from verify.runner.reading.points import draw

    mine = draw([A, B, x], None, turn, {}, {})
    theirs = draw([matrices("X⋆", m, r), matrices("λ", n, r), scalars("s")], None, turn, {}, {})
    ours, others = list(mine.point.values.values()), list(theirs.point.values.values())
    assert all((a == b).all() if hasattr(a, "shape") else a == b for a, b in zip(ours, others, strict=True))


def test_an_expression_without_any_value_is_unknown() -> None:
    nowhere = sp.sqrt(-1 - x**2)
    result = check(forall(x, then=equal(nowhere, nowhere + 0 * d)))
    assert result.verdict.value == "UNKNOWN"
    assert "has no value at any of" in result.summary


def test_derivatives_are_read_twice_too() -> None:
    flow = gradient_flow(s.L)
    good = always(flow, then=equal(ddt(A.T * A - B.T * B), -2 * s.decay * (A.T * A - B.T * B)))
    assert check_reading(good) is None
    U = matrices("U", m, r)
    assert check_reading(forall(s, U, then=le(derivative(s.L, {A: U}, order=2), 1))) is None


def test_a_wrong_derivative_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "along", lambda term, process: symbol("A", ("m", "r")) if term.op == "ddt" else term)
    with pytest.raises(ReadingError):
        check_reading(always(gradient_flow(s.L), then=equal(ddt(A), -A)))
