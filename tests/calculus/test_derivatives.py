"""Every loss of the list, first and second order, for symbolic sizes: both gates, and closed forms where known."""

from __future__ import annotations

import pytest
import sympy as sp
from losses import (
    LOSSES,
    A,
    B,
    H,
    K,
    M,
    T,
    W,
    X,
    Y,
    Z,
    decay,
    f,
    frobenius,
    hadamard,
    identity,
    inner,
    inverse,
    la,
    lam,
    lb,
    logits,
    m,
    mask,
    measure,
    n,
    r,
    s,
    softmax,
    trace,
    y,
)

from verify.calculus.differentiate import gradients
from verify.calculus.normal_form import canonical
from verify.evaluation.derivatives import (
    gated_gradient,
    gated_hessian_form,
    gradient,
    hessian_form,
    stationarity,
)
from verify.language.errors import ClaimError, NotDifferentiable, ShapeError
from verify.language.functions import sigmoid
from verify.language.terms import symbol
from verify.language.translate import term_of

U, V = sp.MatrixSymbol("U", m, r), sp.MatrixSymbol("V", n, r)
SLOW = {"attention", "network, GELU", "network, tanh", "network, softplus"}
CASES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in LOSSES]


@pytest.mark.parametrize("name", CASES)
def test_gradients_pass_both_gates(name):
    loss, variables = LOSSES[name]
    for variable in variables:
        derived, report = gated_gradient(term_of(loss), term_of(variable))
        assert derived.shape == term_of(variable).shape
        assert report.exact.startswith("equal")
        assert report.order is None or report.order > 1.6
        assert report.note == ""


@pytest.mark.parametrize("name", CASES)
def test_hessian_forms_pass_both_gates(name):
    loss, variables = LOSSES[name]
    directions = tuple((v.name, symbol(f"d{v.name}", term_of(v).shape)) for v in variables)
    derived, report = gated_hessian_form(term_of(loss), directions)
    assert derived.is_scalar
    assert report.order is None or report.order > 1.6


CLOSED = {
    "squared distance": [(s * (s * X - M) * B), (s * (s * X - M).T * A)],
    "quadratic": [H(X - M) * B, H(X - M).T * A],
    "sensing, operator": [2 * measure.adjoint(measure(X) - y) * B, 2 * measure.adjoint(measure(X) - y).T * A],
    "completion": [
        hadamard(hadamard(mask, mask), X - M) * B + lam * A,
        hadamard(hadamard(mask, mask), X - M).T * A + lam * B,
    ],
    "weighted low rank": [hadamard(W, X - M) * B, hadamard(W, X - M).T * A],
    "logistic": [
        -hadamard(Y, sigmoid(-hadamard(Y, X))) * B + lam * A,
        -hadamard(Y, sigmoid(-hadamard(Y, X))).T * A + lam * B,
    ],
    "softmax cross-entropy": [s * Z.T * (softmax(logits) - T) * B, s * (softmax(logits) - T).T * Z * A],
    "log det of a Gram matrix": [2 * A * inverse(A.T * A + identity(r))],
    "log det": [inverse(K).T + identity(m)],
    "opaque": [f.grad(X) * B, f.grad(X).T * A],
    "opaque, decay": [f.grad(X) * B + lam * A, f.grad(X).T * A + lam * B],
    "opaque, scale and two decays": [s * f.grad(s * X) * B + la * A, s * f.grad(s * X).T * A + lb * B],
    "distance": [(X - M) * B / frobenius(X - M), (X - M).T * A / frobenius(X - M)],
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name):
    loss, variables = LOSSES[name]
    for variable, expected in zip(variables, CLOSED[name], strict=True):
        assert term_of_result(gradient(loss, variable)) == canonical(term_of(expected))


def term_of_result(expression):
    """The canonical term of what the public functions return: SymPy and back loses nothing."""
    return canonical(term_of(expression))


def test_hessian_of_theory_section_1():
    D = U * B.T + A * V.T
    expected = f.hess(X)(D, D) + 2 * inner(f.grad(X), U * V.T) + lam * (frobenius(U) ** 2 + frobenius(V) ** 2)
    assert term_of_result(hessian_form(f(X) + decay, {A: U, B: V})) == canonical(term_of(expected))
    scaled = s**2 * f.hess(s * X)(D, D) + 2 * s * inner(f.grad(s * X), U * V.T)
    assert term_of_result(hessian_form(f(s * X), {A: U, "B": V})) == canonical(term_of(scaled))


def test_directions_are_constants_of_the_differentiation():
    K = sp.MatrixSymbol("K", r, r)
    form = hessian_form(f(X) + decay, {A: A * K, B: B * K})
    D = A * K * B.T + A * K.T * B.T
    expected = f.hess(X)(D, D) + 2 * inner(f.grad(X), A * K * K.T * B.T)
    expected += lam * (frobenius(A * K) ** 2 + frobenius(B * K) ** 2)
    assert term_of_result(form) == canonical(term_of(expected))


def test_irrational_direction():
    form = hessian_form(f(X), {A: A / frobenius(A)})
    expected = f.hess(X)(X, X) / frobenius(A) ** 2
    assert term_of_result(form) == canonical(term_of(expected))


def test_stationarity_and_scalars():
    loss = f(X) + decay
    assert stationarity(loss, [A, "B"]) == [gradient(loss, A), gradient(loss, B)]
    expected = term_of(trace(A.T * A) / 2 + trace(B.T * B) / 2)
    assert term_of_result(gradient(loss, lam)) == canonical(expected)
    assert A in gradient(loss, A).atoms(sp.MatrixSymbol)  # the user's own symbols


def test_a_variable_the_loss_does_not_mention():
    other = sp.MatrixSymbol("Other", m, r)
    assert gradient(f(X), other) == sp.ZeroMatrix(m, r)
    assert gated_gradient(term_of(f(X)), term_of(other))[1].note == "does not depend on Other"


def test_errors_say_what_to_do():
    for call, kind, words in [
        (lambda: gradient(X, A), ShapeError, "only scalars have gradients"),
        (lambda: gradient(f(X), X), ClaimError, "is not a symbol"),
        (lambda: gradient(f(X), "Q"), ClaimError, "has no symbol Q"),
        (lambda: gradient(f(X), sp.MatrixSymbol("A", r, m)), ShapeError, "A is m×r in the loss"),
        (lambda: hessian_form(f(X), {A: V}), ShapeError, "the direction for A is n×r"),
        (lambda: hessian_form(f(X), {}), ClaimError, "no direction"),
        (lambda: gradient(trace(A.T * A) * trace(identity(m)), m), ClaimError, "m is a dimension of the loss"),
        (lambda: gradient(sp.Abs(trace(A.T * A)) + sp.sign(trace(A.T * A)), A), NotDifferentiable, "jumps"),
    ]:
        with pytest.raises(kind, match=words):
            call()


# --- what SymPy 1.14 gets wrong -------------------------------------------------------------------------------------

a, b = sp.MatrixSymbol("a", m, r), sp.MatrixSymbol("b", n, r)
tA, tB = sp.Trace(a.T * a), sp.Trace(b.T * b)
LORA = sp.Trace((a * b.T - M).T * (a * b.T - M)) / 2 + (tA + tB) / 2
MASKED = sp.HadamardProduct(mask, a * b.T - M)
SYMPY = {
    "sum of traces": (tA + tB, a, 2 * a),
    "LoRA loss": (LORA, a, (a * b.T - M) * b + a),
    "trace minus a number": (tA - 3, a, 2 * a),
    "log det": (sp.log(sp.Determinant(K)), K, inverse(K).T),
    "Hadamard mask": (sp.Trace(MASKED.T * MASKED), a, 2 * hadamard(hadamard(mask, mask), a * b.T - M) * b),
    "norm": (sp.sqrt(tA), a, a / sp.sqrt(tA)),
}


@pytest.mark.parametrize("name", SYMPY)
def test_sympy_fails_and_we_do_not(name):
    loss, variable, expected = SYMPY[name]
    wanted = canonical(term_of(expected))
    assert canonical(term_of(gradient(loss, variable))) == wanted
    try:
        theirs = canonical(term_of(loss.diff(variable)))
    except Exception:  # any failure is SymPy's failure
        return
    assert theirs != wanted, "SymPy has learned this derivative: the comment in the README can go"


def test_gradients_share_one_pass():
    loss = term_of(LORA)
    one, two = gradients(loss, [term_of(a), term_of(b)])
    assert canonical(one) == gated_gradient(loss, term_of(a))[0]
    assert canonical(two) == gated_gradient(loss, term_of(b))[0]
