"""Every derivative a claim stands for is gated: with a wrong rule the claim stays unknown, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from verify import (
    GateError,
    always,
    check,
    ddt,
    dimensions,
    equal,
    forall,
    frobenius,
    function,
    gradient_flow,
    le,
    lora,
    matrices,
    trace,
    zeros,
)
from verify.evaluation import claim_gates
from verify.evaluation.claim_gates import gate_derivatives
from verify.evaluation.derivatives import gated_gradient
from verify.evaluation.hessians import hessian_terms
from verify.language import terms
from verify.language.operations import OPERATIONS
from verify.language.terms import make, number
from verify.runner.verdicts import Broken, Unknown

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
s = lora()


def fourth_power():
    return function(lambda Y: trace(Y.T * Y * Y.T * Y), (m, n))


CLAIMS = {
    "gradient of a formula": lambda: forall(P, then=equal(fourth_power().grad(P), P)),
    "Hessian of a formula": lambda: forall(P, Q, then=le(0, fourth_power().hess(P)(Q, Q))),
    "first-order points": lambda: forall(s, given=s.fosp(), then=equal(s.A, 0 * s.A)),
    "second-order points": lambda: forall(s, given=s.sosp(), then=equal(s.A, 0 * s.A)),
    "rate along training": lambda: always(
        gradient_flow(s.L, start=(s.A0, zeros(s.n, s.r))), then=le(ddt(frobenius(s.A) ** 2), 1)
    ),
}


@pytest.fixture(autouse=True)
def _nothing_remembered():
    def forget():
        for cached in (gated_gradient, hessian_terms, *vars(claim_gates).values()):
            getattr(cached, "cache_clear", lambda: None)()

    forget()
    yield
    forget()


def wrong_product_rule(monkeypatch):
    """Matrix products whose derivatives forget a factor of the last place."""
    right = OPERATIONS["matmul"]

    def halved(part):
        return None if part is None else make("mul", number(2), part)

    def tangent(node, tangents):
        return right.tangent(node, [*tangents[:-1], halved(tangents[-1])])

    def adjoint(node, bar):
        *parts, last = right.adjoint(node, bar)
        return [*parts, halved(last)]

    wrong = replace(right, tangent=tangent, adjoint=adjoint)
    monkeypatch.setattr(terms, "_operation", lambda name: wrong if name == "matmul" else OPERATIONS[name])


@pytest.mark.parametrize("name", CLAIMS)
def test_right_derivatives_pass(name):
    gate_derivatives(CLAIMS[name]())


@pytest.mark.parametrize("name", CLAIMS)
def test_wrong_derivatives_are_refused(name, monkeypatch):
    formula = CLAIMS[name]()
    wrong_product_rule(monkeypatch)
    with pytest.raises(GateError, match="failed a gate"):
        gate_derivatives(formula)


def test_a_claim_whose_derivative_fails_has_no_verdict(monkeypatch):
    formula = CLAIMS["Hessian of a formula"]()
    wrong_product_rule(monkeypatch)
    assert isinstance(check(formula).payload, Unknown | Broken)
