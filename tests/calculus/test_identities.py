"""The identity prover on theory §1-§2, and on false variants it must not prove."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import sympy as sp

from verify.calculus.differentiate import gradients, tangent
from verify.calculus.identities import Proof, prove_zero, residual
from verify.language.functions import dimensions, frobenius, inner, scalars, smooth, trace
from verify.language.terms import Term, rebuild
from verify.language.translate import term_of

m, n, r, k = dimensions("m n r k")
lam, la, lb, s, eta = scalars("λ λ_A λ_B s η")
A, B = sp.MatrixSymbol("A", m, r), sp.MatrixSymbol("B", n, r)
Q, K, W = sp.MatrixSymbol("Q", r, r), sp.MatrixSymbol("K", r, r), sp.MatrixSymbol("Ω", r, r)
f = smooth("f", (m, n))
X = A * B.T
G = f.grad(X)
tA, tB = term_of(A), term_of(B)


def loss(scale=1, decay_a=lam, decay_b=lam):
    return f(scale * X) + decay_a / 2 * frobenius(A) ** 2 + decay_b / 2 * frobenius(B) ** 2


def grads(expression) -> list[Term]:
    return gradients(term_of(expression), [tA, tB])


def prove(goal, hypotheses, nonzero=()) -> Proof | None:
    """A proof that was expanded again, or None."""
    goal, hypotheses = term_of(goal), [term_of(h) for h in hypotheses]
    proof = prove_zero(goal, hypotheses, nonzero)
    if proof is not None:
        assert residual(goal, hypotheses, proof).is_zero
    return proof


FOSP, SCALED, TWO = grads(loss()), grads(loss(s)), grads(loss(1, la, lb))
SCALED_TWO = grads(loss(s, la, lb))
BARE, BARE_SCALED = grads(loss(1, 0, 0)), grads(loss(s, 0, 0))
ANTI = W + W.T


def hessian(expression, U, V) -> Term:
    return term_of(_second(expression, {"A": U, "B": V}))


def _second(expression, directions) -> Term:
    from verify.calculus.differentiate import expand
    from verify.language.terms import make

    names = tuple(directions)
    return expand(make("derivative", term_of(expression), *map(term_of, directions.values()), payload=(names, 2)))


def flow(expression, gradient) -> Term:
    from verify.language.terms import make

    fields = {name: make("mul", term_of(-1), g) for name, g in zip("AB", gradient, strict=True)}
    return tangent(term_of(expression), fields)


def plus(*terms) -> Term:
    from verify.language.terms import make

    return make("add", *map(term_of, terms))


def minus(left, right) -> Term:
    from verify.language.terms import make

    return plus(left, make("mul", term_of(-1), term_of(right)))


def after(expression, gradient) -> Term:
    from verify.language.terms import make

    step = [make("mul", term_of(-eta), g) for g in gradient]
    return rebuild(term_of(expression), {tA: make("add", tA, step[0]), tB: make("add", tB, step[1])})


balance = A.T * A - B.T * B
Gs = f.grad(s * X)
TRUE = {
    "balance": (balance, FOSP, ["λ"], 2),
    "balance times decay": (lam * balance, FOSP, [], 2),
    "balance, scale": (balance, SCALED, ["s", "λ"], 2),
    "balance, two decays": (la * A.T * A - lb * B.T * B, TWO, [], 2),
    "balance, two decays and scale": (la * A.T * A - lb * B.T * B, SCALED_TWO, [], 2),
    "pairing with A": (inner(G, X) + lam * trace(A.T * A), FOSP, [], 1),
    "pairing with B": (inner(G, X) + lam * frobenius(B) ** 2, FOSP, [], 1),
    "pairing, scale": (s * inner(Gs, X) + lam * trace(A.T * A), SCALED, [], 1),
    "equal norms times decay": (lam * trace(A.T * A) - lam * trace(B.T * B), FOSP, [], 2),
    "equal norms": (trace(A.T * A) - trace(B.T * B), FOSP, ["λ"], 2),
    "flow": (minus(flow(balance, FOSP), -2 * lam * balance), [], [], 0),
    "flow, scale": (minus(flow(balance, SCALED), -2 * lam * balance), [], [], 0),
    "flow, two decays": (minus(flow(balance, TWO), -2 * la * A.T * A + 2 * lb * B.T * B), [], [], 0),
    "descent": (
        minus(
            after(balance, FOSP),
            (1 - eta * lam) ** 2 * balance + eta**2 * (B.T * G.T * G * B - A.T * G * G.T * A),
        ),
        [],
        [],
        0,
    ),
    "descent, scale": (
        minus(
            after(balance, SCALED),
            (1 - eta * lam) ** 2 * balance + eta**2 * s**2 * (B.T * Gs.T * Gs * B - A.T * Gs * Gs.T * A),
        ),
        [],
        [],
        0,
    ),
    "Hessian on the gauge": (hessian(loss(), A * W, B * W), [*FOSP, ANTI], [], None),
    "Hessian on the gauge, scale": (hessian(loss(s), A * W, B * W), [*SCALED, ANTI], [], None),
    "Hessian on the GL(r) gauge": (hessian(loss(1, 0, 0), A * K, -B * K.T), BARE, [], None),
    "Hessian on the GL(r) gauge, scale": (hessian(loss(s, 0, 0), A * K, -B * K.T), BARE_SCALED, [], None),
    "gradient along the gauge": (tangent(term_of(loss()), {"A": term_of(A * W), "B": term_of(B * W)}), [ANTI], [], None),
    "gradient along the GL(r) gauge": (
        tangent(term_of(loss(1, 0, 0)), {"A": term_of(A * K), "B": term_of(-B * K.T)}),
        [],
        [],
        0,
    ),
    "orthogonal invariance": (trace(Q.T * A.T * A * Q) - trace(A.T * A), [Q * Q.T - sp.Identity(r)], [], 1),
    "trace of a projection": (trace(Q.T * Q) - sp.Integer(1) * trace(sp.Identity(r)), [Q.T * Q - sp.Identity(r)], [], 1),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_identities(name):
    goal, hypotheses, nonzero, count = TRUE[name]
    seconds = []
    for _ in range(3):
        start = time.process_time()
        proof = prove(goal, hypotheses, nonzero)
        seconds.append(time.process_time() - start)
    assert proof is not None
    assert min(seconds) < 0.2
    assert count is None or len(proof.cofactors) == count


FALSE = {
    "wrong sign": (A.T * A + B.T * B, FOSP, ["λ"]),
    "wrong factor": (A.T * A - 2 * B.T * B, FOSP, ["λ"]),
    "balance without decay": (balance, BARE, ["λ"]),
    "balance where the decay may vanish": (balance, FOSP, []),
    "balance with two decays": (balance, TWO, ["λ_A", "λ_B"]),
    "balance of one gradient": (balance, FOSP[:1], ["λ"]),
    "wrong Gram matrix": (A * A.T, FOSP, ["λ"]),
    "pairing with the wrong sign": (inner(G, X) - lam * trace(A.T * A), FOSP, ["λ"]),
    "pairing with the wrong factor": (inner(G, X) + 2 * lam * trace(A.T * A), FOSP, ["λ"]),
    "pairing, scale forgotten": (inner(Gs, X) + lam * trace(A.T * A), SCALED, ["λ", "s"]),
    "gradient zero": (G, FOSP, ["λ"]),
    "flow at rate λ": (minus(flow(balance, FOSP), -lam * balance), [], ["λ"]),
    "two-decay flow closes": (minus(flow(balance, TWO), -2 * la * balance), [], ["λ_A"]),
    "descent without the square": (minus(after(balance, FOSP), (1 - eta * lam) ** 2 * balance), [], ["η", "λ"]),
    "descent, scale forgotten": (
        minus(
            after(balance, SCALED),
            (1 - eta * lam) ** 2 * balance + eta**2 * (B.T * Gs.T * Gs * B - A.T * Gs * Gs.T * A),
        ),
        [],
        ["s"],
    ),
    "gauge Hessian away from stationarity": (hessian(loss(), A * W, B * W), [ANTI], ["λ"]),
    "gauge Hessian with symmetric Ω": (hessian(loss(), A * W, B * W), [*FOSP, W - W.T], ["λ"]),
    "GL(r) gauge with decay": (hessian(loss(), A * K, -B * K.T), FOSP, ["λ"]),
    "GL(r) gauge without transpose": (hessian(loss(1, 0, 0), A * K, -B * K), BARE, []),
    "gradient along a symmetric direction": (
        tangent(term_of(loss()), {"A": term_of(A * W), "B": term_of(B * W)}),
        [W - W.T],
        ["λ"],
    ),
    "trace of a symmetric hypothesis": (trace(Q), [ANTI], []),
}


@pytest.mark.parametrize("name", FALSE)
def test_false_variants_are_not_proved(name):
    goal, hypotheses, nonzero = FALSE[name]
    assert prove(goal, hypotheses, nonzero) is None


def test_a_corrupted_certificate_leaves_a_residual():
    goal, hypotheses, nonzero, _ = TRUE["balance"]
    goal, hypotheses = term_of(goal), [term_of(h) for h in hypotheses]
    proof = prove_zero(goal, hypotheses, nonzero)
    first, *rest = proof.cofactors
    for wrong in (
        Proof(tuple(rest), proof.divide),
        Proof(proof.cofactors, ()),
        Proof((replace(first, coefficient=term_of(2)), *rest), proof.divide),
        Proof((*proof.cofactors, first), proof.divide),
    ):
        assert not residual(goal, hypotheses, wrong).is_zero
