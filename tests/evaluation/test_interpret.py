"""Public evaluation: batches, exact values, missing data; the fields agree with each other."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from verify import *
from verify.evaluation.fields import DecimalField
from verify.evaluation.interpret import _environment, evaluate_term
from verify.language.translate import term_of

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
S = matrices("S", n, n)
t = scalars("t")


def test_any_leading_batch_shape() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.standard_normal((5, 1, 3, 2)), rng.standard_normal((4, 3, 2))
    value = evaluate(inner(P, Q), {P: p, Q: q})
    assert value.shape == (5, 4)
    np.testing.assert_allclose(value[2, 3], np.sum(p[2, 0] * q[3]))


@pytest.mark.parametrize(
    ("expression", "reference"),
    [
        (nuclear(P), lambda p: np.linalg.norm(p, "nuc")),
        (spectral(P), lambda p: np.linalg.norm(p, 2)),
        (frobenius(P), np.linalg.norm),
        (rank(P), np.linalg.matrix_rank),
        (sigma(P, 2), lambda p: np.linalg.svd(p)[1][1]),
        (lambda_min(P.T * P), lambda p: np.linalg.eigvalsh(p.T @ p)[0]),
        (logdet(P.T * P + identity(n)), lambda p: np.linalg.slogdet(p.T @ p + np.eye(p.shape[1]))[1]),
        (trace((P.T * P + identity(n)).inv()), lambda p: np.trace(np.linalg.inv(p.T @ p + np.eye(p.shape[1])))),
        (trace(ones(1, m) * logsumexp(P)), lambda p: np.log(np.exp(p).sum(1)).sum()),
        (trace(softmax(P).T * P), lambda p: np.sum(np.exp(p) / np.exp(p).sum(1, keepdims=True) * p)),
        (trace(ones(1, m) * elementwise("softplus", P) * ones(n, 1)), lambda p: np.log1p(np.exp(p)).sum()),
        (trace(ones(1, m) * elementwise(sp.erf, P) * ones(n, 1)), lambda p: sum(map(float, map(sp.erf, p.ravel())))),
        (inner(off_block(Q, P), Q), lambda p: 0.0),
    ],
)
def test_values_agree_with_numpy(expression: object, reference: object) -> None:
    p = np.random.default_rng(1).standard_normal((3, 2))
    q = p @ np.array([[1.0, 2.0], [0.5, -1.0]])
    values = {s: v for s, v in ((P, p), (Q, q)) if s in sp.sympify(expression).atoms(sp.MatrixSymbol)}
    np.testing.assert_allclose(evaluate(expression, values), reference(p), rtol=1e-9, atol=1e-12)


def test_exact_values_are_fractions() -> None:
    assert evaluate_exact(nuclear(P), {P: [[3, 0], [0, Fraction(1, 2)]]}) == Fraction(7, 2)
    assert evaluate_exact(P.T * P, {P: [[1, 2]]}) == [[1, 2], [2, 4]]
    assert evaluate_exact(off_block(Q, P), {P: [[1, 0], [0, 0]], Q: [[1, 2], [3, 4]]}) == [[0, 0], [0, 4]]
    assert evaluate_exact(sigma(P, 1), {P: [[3, 4], [4, -3]]}) == 5


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        (frobenius(P), {P: [[1, 1]]}),
        (nuclear(P), {P: [[1, 1], [0, 1]]}),
        (sp.exp(t), {t: 1}),
        (1 / t, {t: 0}),
        ((S).inv(), {S: [[0]]}),
        (sp.sqrt(t), {t: -1}),
        (sp.pi * t, {t: 1}),
    ],
)
def test_irrational_or_undefined_values_are_not_rational(expression: object, values: dict) -> None:
    with pytest.raises(NotRational):
        evaluate_exact(expression, values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate(P + Q, {P: np.ones((2, 2))}), "no value for Q"),
        (lambda: evaluate(P + Q, {P: np.ones((2, 2)), Q: np.ones((2, 3))}), "size 3 where n = 2"),
        (lambda: evaluate(trace(P.T * P), {P: np.ones(3)}), "at least two"),
        (lambda: evaluate_exact(t, {t: 0.5}), "float"),
        (lambda: evaluate(smooth("f", (m, n))(P), {P: np.ones((2, 2))}), "no function for f"),
        (lambda: evaluate(operator("H", (m, n))(P), {P: np.ones((2, 2))}), "operator H"),
        (lambda: evaluate(trace(identity(m)), {}), "not fixed"),
    ],
)
def test_missing_or_wrong_data_are_named(call: object, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        call()


def test_functions_and_operators_take_concrete_data() -> None:
    f, H = smooth("f", (m, n)), operator("H", (m, n))
    p = np.random.default_rng(2).standard_normal((3, 2))
    data = {P: p, f: lambda Y: frobenius(Y) ** 4}
    np.testing.assert_allclose(evaluate(f(P), data), np.sum(p * p) ** 2)
    np.testing.assert_allclose(evaluate(f.grad(P), data), 4 * np.sum(p * p) * p)
    np.testing.assert_allclose(evaluate(f.hess(P)(P, P), data), 4 * np.sum(p * p) ** 2 + 8 * np.sum(p * p) ** 2, rtol=1e-12)
    matrix = np.random.default_rng(3).standard_normal((6, 6))
    np.testing.assert_allclose(evaluate(H(P), {P: p, H: matrix}), (matrix @ p.ravel()).reshape(3, 2))


entries = st.lists(st.lists(st.integers(-3, 3), min_size=2, max_size=2), min_size=2, max_size=2)


@settings(max_examples=40, deadline=None)
@given(entries, entries)
def test_rational_float_and_decimal_fields_agree(p: list, q: list) -> None:
    expression = inner(P * Q.T, Q * P.T) + frobenius(hadamard(P, Q)) ** 2 - trace(P.T * Q) * 3 + rank(P * Q.T)
    exact = evaluate_exact(expression, {P: p, Q: q})
    np.testing.assert_allclose(evaluate(expression, {P: p, Q: q}), float(exact), rtol=1e-12)
    field = DecimalField()
    term = term_of(expression)
    convert = np.vectorize(lambda x: field.mp.mpf(int(x)), otypes=[object])
    env = _environment(term, {P: p, Q: q}, lambda v, name: convert(np.array(v)))
    assert abs(evaluate_term(term, env, field).item() - field.mp.mpf(exact.numerator) / exact.denominator) < 1e-40
