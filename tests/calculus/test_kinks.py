"""Maximum, minimum, |x| and relu: a derivative where there is one, undefined at a kink, never that of one side."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from verify import ClaimError, NotDifferentiable, NotRational, check, equal, evaluate, evaluate_exact, forall, lora, lt
from verify.calculus.conditions import reduced
from verify.evaluation.batches import Batch
from verify.evaluation.decide import UNDECIDED, decide
from verify.evaluation.derivatives import gated_gradient, gradient, hessian_form
from verify.language.functions import (
    dimensions,
    elementwise,
    frobenius,
    function,
    maximum,
    minimum,
    ones,
    positive_part,
    relu,
    scalars,
    trace,
)
from verify.language.operations.entries import HOLE, body_derivative
from verify.language.statements import Comparison
from verify.language.terms import make, symbol
from verify.language.translate import term_of
from verify.runner.verdicts import Candidate, Held, Refuted, Unknown

m, n, r = dimensions("m n r")
A, B, dA = (sp.MatrixSymbol(name, m, r) for name in ("A", "B", "dA"))
x, y = scalars("x y")


def total(matrix):
    """The sum of all entries."""
    return trace(ones(*matrix.shape[::-1]) * matrix)


def huber(t):
    return t**2 / 2 - sp.Max(sp.Abs(t) - 2, 0) ** 2 / 2


def slopes(body, values):
    """The derivative of an elementwise function at some numbers, by way of the gradient."""
    row = np.array([values], dtype=float)
    return evaluate(gradient(total(elementwise(body, A)), A), {A: row})[0]


BODIES = {
    "max": (lambda t: sp.Max(t - 5, 0), lambda t: 1.0 * (t > 5)),
    "min": (lambda t: sp.Min(t, 1), lambda t: 1.0 * (t < 1)),
    "abs": (sp.Abs, np.sign),
    "Huber": (huber, lambda t: np.clip(t, -2, 2)),
    "squared hinge": (lambda t: sp.Max(1 - t, 0) ** 2, lambda t: -2 * np.maximum(1 - t, 0)),
    "three pieces": (lambda t: sp.Max(t, 3 * t - 4, -t), lambda t: np.where(t < 0, -1.0, np.where(t < 2, 1.0, 3.0))),
    "clipped": (lambda t: sp.Min(sp.Max(t, -1), 1) ** 3, lambda t: np.where(np.abs(t) < 1, 3 * t**2, 0.0)),
    "product with a kink": (lambda t: t * sp.Abs(t), lambda t: 2 * np.abs(t)),
}


@pytest.mark.parametrize("name", BODIES)
def test_elementwise_slopes(name):
    body, wanted = BODIES[name]
    points = np.array([-7.5, -2.5, -1.5, -0.25, 0.25, 0.5, 1.5, 2.25, 4.5, 5.5, 60.0])
    np.testing.assert_allclose(slopes(body, points), wanted(points), rtol=1e-12, atol=1e-12)


def test_at_a_kink_there_is_no_slope():
    assert np.isnan(slopes(sp.Abs, [0.0]))
    assert np.isnan(slopes(lambda t: sp.Max(t - 5, 0), [5.0]))
    assert np.isnan(slopes(lambda t: sp.Min(t, 1), [1.0]))
    with pytest.raises(NotRational):
        evaluate_exact(gradient(total(elementwise(sp.Abs, A)), A), {A: [[0]]})
    with pytest.raises(NotRational):
        evaluate_exact(gradient(sp.Max(x, y), x), {x: 3, y: 3})


def test_where_both_sides_have_the_same_slope_it_is_the_slope():
    np.testing.assert_array_equal(slopes(lambda t: sp.Max(t, 0) ** 2, [-1.0, 0.0, 1.0]), [0, 0, 2])
    np.testing.assert_array_equal(slopes(huber, [-2.0, -1.0, 2.0]), [-2, -1, 2])
    assert evaluate_exact(gradient(total(elementwise(huber, A)), A), {A: [[2, -3]]}) == [[2, -2]]
    assert evaluate_exact(gradient(positive_part(trace(A.T * A) - 4) ** 2, A), {A: [[2]]}) == [[0]]
    assert evaluate_exact(gradient(positive_part(trace(A.T * A) - 4) ** 2, A), {A: [[3]]}) == [[60]]


def test_scalar_arguments():
    loss = sp.Max(trace(A.T * A), trace(B.T * B), x)
    a, b = np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]])
    np.testing.assert_allclose(evaluate(gradient(loss, A), {A: a, B: b, x: 1}), 2 * a)
    np.testing.assert_allclose(evaluate(gradient(loss, B), {A: a, B: b, x: 1}), 0 * b)
    assert evaluate(gradient(loss, x), {A: a, B: b, x: 9}) == 1
    np.testing.assert_allclose(evaluate(gradient(sp.Min(trace(A.T * A), x), A), {A: a, x: 9}), 2 * a)


def test_second_derivatives_where_the_gradient_is_continuous():
    second = hessian_form(total(elementwise(huber, A)), {A: dA})
    values = [evaluate(second, {A: [[t]], dA: [[3.0]]}) for t in (-5.0, -1.0, 1.0, 5.0)]
    np.testing.assert_array_equal(values, [0, 9, 9, 0])
    assert np.isnan(evaluate(second, {A: [[2.0]], dA: [[3.0]]}))
    square = hessian_form(positive_part(trace(A.T * A) - 4) ** 2, {A: dA})
    assert evaluate_exact(square, {A: [[3]], dA: [[1]]}) == 8 * 9 + 4 * 5
    assert evaluate_exact(square, {A: [[1]], dA: [[1]]}) == 0


@pytest.mark.parametrize(
    "loss",
    [
        total(elementwise(sp.Abs, A)),
        total(relu(A)),
        total(elementwise(lambda t: sp.Max(1 - t, 0), A)),
        total(elementwise(lambda t: sp.Min(sp.Max(t, -1), 1) ** 2, A)),
        total(elementwise(lambda t: sp.Max(t, 1) ** 2, A)),
        sp.Max(trace(A.T * A), x),
        minimum(frobenius(A) ** 2, x) ** 2,
        frobenius(relu(A) - B) ** 2,
    ],
)
def test_a_gradient_that_jumps_has_no_derivative(loss):
    gradient(loss, A)
    with pytest.raises(NotDifferentiable, match="the derivative jumps where"):
        hessian_form(loss, {A: dA})


def test_equal_arguments_are_no_kink():
    assert gradient(maximum(trace(A.T * A), trace(A * A.T)), A) == 2 * A
    assert gradient(minimum(trace(A.T * A), trace(A * A.T), trace(A.T * A)), A) == 2 * A


def test_jumps_and_unknown_functions_are_refused_with_a_hint():
    for body, words in [
        (lambda t: sp.sign(t) * t, "write the function with abs, relu, maximum or minimum"),
        (lambda t: sp.Piecewise((t, t > 0), (0, True)), "Piecewise is not understood"),
        (lambda t: sp.floor(t), "not understood"),
    ]:
        with pytest.raises(ClaimError, match=words):
            gradient(total(elementwise(body, A)), A)


def test_a_part_without_a_rule_is_never_constant():
    body = make("nuclear", make("mul", HOLE, make("eye", payload=(1,))))
    with pytest.raises(NotDifferentiable, match="cannot be differentiated"):
        body_derivative(body)


def test_both_sides_of_a_kink_are_gated():
    loss = total(elementwise(lambda t: sp.Max(t - 5, 0), A))
    _, report = gated_gradient(term_of(loss), term_of(A))
    assert [str(s) for s in report.scales] == ["3", "10", "100", "1/30"]


def test_a_side_hidden_by_rounding_is_undecided():
    a = symbol("a")
    noise = make("add", make("mul", a, a), make("mul", term_of(sp.Integer(-2)), symbol("h")))
    sign = make("glue", noise, term_of(sp.Integer(1)), term_of(sp.Integer(-1)))
    batch = Batch({}, {"a": np.array([0.1, 0.1]), "h": np.array([0.005, 0.004])}, {}, {}, count=2)
    (found,) = decide([reduced(Comparison("equal", sign, term_of(sp.Integer(1))))], batch)
    assert found.truth.tolist() == [UNDECIDED, 1]


def test_claims_about_the_huber_loss():
    g = function(lambda Y: total(elementwise(huber, Y)), (m, r))
    assert isinstance(check(forall(A, then=equal(g.grad(A), A))).payload, Refuted | Candidate)
    clipped = elementwise(lambda t: sp.Min(sp.Max(t, -2), 2), A)
    assert isinstance(check(forall(A, then=equal(g.grad(A), clipped))).payload, Held)


def test_first_order_points_of_a_loss_with_kinks_are_unknown_not_an_error():
    s = lora(loss=lambda Y: total(elementwise(sp.Abs, Y)))
    payload = check(forall(s, given=[s.fosp(), lt(0, s.decay)], then=equal(s.A.T * s.A, s.B.T * s.B))).payload
    assert isinstance(payload, Unknown)
    assert "the derivative jumps where x = 0" in payload.reason
