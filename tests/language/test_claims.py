"""Claims: binding, elaboration, and the errors a claim's author can make."""

from __future__ import annotations

import copy
import json

import pytest
import sympy as sp

from verify import *
from verify.language.formulas import Quantifier

s = lora()
A, B, X, f, L, r, lam = s.A, s.B, s.X, s.f, s.L, s.r, s.decay
Xs, S = s.regularized_stationary()
al, be = positives("α β")


def test_a_claim_binds_what_it_uses_and_nothing_else() -> None:
    formula = forall(s, then=le(nuclear(X), frobenius(A) ** 2 + frobenius(B) ** 2))
    assert set(formula.variables) == {"A", "B"}
    assert formula.dims == ("m", "n", "r")


def test_quantifying_over_the_regularized_stationary_point_assumes_its_definition() -> None:
    formula = forall(s, Xs, then=le(rank(Xs), r))
    kinds = [given.to_json()[0] for given in formula.given]
    assert kinds == ["regularized_stationary", "le"]
    assert set(formula.variables) == {"X⋆", "S", "f", "λ"}


def test_domains_come_from_assumptions_and_parameters() -> None:
    c = parameter("c", above=1)
    formula = forall(al, then=le(c * al, 2 * al))
    domains = formula.scalars()
    assert domains["α"].above == 0
    assert domains["c"].above == 1
    assert not domains["c"].contains(sp.Integer(1))
    assert json.loads(json.dumps(formula.to_json()))["variables"]["c"]["domain"] == {"above": "1"}


def test_dimension_symbols_used_as_numbers_become_dimensions() -> None:
    formula = forall(s, then=le(rank(X), r))
    assert formula.then.to_json() == ["le", ["rank", ["matmul", ["sym", "A"], ["transpose", ["sym", "B"]]]], ["dim", "r"]]


def test_the_tree_is_kept_as_written_not_simplified() -> None:
    formula = forall(s, then=equal(A.T * A, A.T * A))
    tree = formula.to_json()["tree"]
    assert tree[2][0] == "equal"
    assert tree[2][1] == tree[2][2]


def test_design_examples_elaborate() -> None:
    flow = gradient_flow(L, start=(s.A0, zeros(s.n, r)))
    examples = [
        forall(s, given=[s.fosp(), lt(0, lam)], then=equal(A.T * A, B.T * B)),
        forall(
            s,
            Xs,
            al,
            be,
            given=[uniform_curvature(f, al, be), s.sosp(), distinct(X, Xs)],
            then=le(2 * al * sigma(Xs, rank(Xs)), be * sigma(X, r)),
        ),
        exists(s, Xs, such_that=[uniform_curvature(f, 1, 3), s.sosp(), lt(f(Xs), f(X))]),
        always(flow, then=equal(ddt(A.T * A - B.T * B), -2 * lam * (A.T * A - B.T * B))),
        forall(s, Xs, al, given=[rsc(f, al, around=Xs, rank=r, radius=1), s.sosp()], then=equal(X, Xs)),
        forall(s, Xs, be, given=[rsm(f, be, around=Xs, rank=r, radius=1), s.sosp()], then=equal(X, Xs)),
    ]
    for formula in examples:
        assert formula.text
        assert formula.latex
        assert json.dumps(formula.to_json())
    assert examples[2].quantifier is Quantifier.EXISTS


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: forall(s, then=le(nuclear(X), sp.Symbol("t", real=True))), "unknown symbol t"),
        (lambda: forall(A, then=le(nuclear(X), 1)), "unknown symbol B"),
        (lambda: forall(s, then=1 < 2), "Python value True"),
        (lambda: forall(s, then=sp.Eq(A.T * A, B.T * B)), "not a statement"),
        (lambda: forall(s, then=None), "no conclusion"),
        (lambda: forall(s, given=True, then=equal(A, A)), "Python value True"),
        (lambda: equal(A, B), "m×r with n×r"),
        (lambda: le(A, A), "compares scalars"),
        (lambda: exists(s), "no condition"),
        (lambda: always(L, then=equal(A, A)), "gradient_flow"),
        (lambda: always(gradient_flow(L), then=equal(after(A), A)), "use ddt"),
        (lambda: always(gradient_descent(L, step=1), then=equal(ddt(A), A)), "use after"),
        (lambda: gradient_flow(L, start=(A,)), "1 starting values for 2"),
        (lambda: gradient_flow(L, start=(B, A)), "starts at"),
        (lambda: gradient_flow(trace(A.T * A)), "which variables move"),
        (lambda: lora(decay=-1), "negative"),
        (lambda: lora(scale=0), "not positive"),
        (lambda: lora(r=0).L and forall(lora(r=0), then=equal(1, 1)), "at least 1"),
        (lambda: lora(loss=lambda Y: Y), "not scalar"),
        (lambda: parameter("c", above=2, below=1), "empty domain"),
        (lambda: dataset("mnist"), "unknown"),
        (lambda: uniform_curvature(lambda Y: 1, al, be), "not a function of a matrix"),
        (lambda: uniform_curvature(f, A, be), "must be a scalar"),
        (lambda: rsc(f, al, around=A, rank=1, radius=1), "takes m×n"),
        (lambda: forall(smooth("A", (s.m, s.n)), A, then=equal(A, A)), "two different things"),
        (lambda: forall(3, then=equal(1, 1)), "cannot be quantified"),
        (lambda: both(), "empty"),
        (lambda: f.gradient(X), r"no attribute gradient: use grad, as in f\.grad\(X\)"),
        (lambda: f.value(X), r"use f\(X\), f\.grad\(X\) or f\.hess\(X\)"),
        (lambda: le(0, nuclear(X)) and le(0, 1), r"use both\(a, b\) or then=\[a, b\]"),
        (lambda: le(X[0, 0], 1), r"entry\(X, 0, 0\)"),
        (lambda: forall(s, then=frobenius(X) <= nuclear(X)), r"you wrote <=: use le\(a, b\)"),
        (lambda: forall(s, then=frobenius(X) > nuclear(X)), r"you wrote >: use lt\(b, a\)"),
        (lambda: equal(sp.kronecker_product(A, B), 1), r"see help\(verify\)"),
        (lambda: sigma(X, 0), "whole number, at least 1"),
        (lambda: sigma(X, sp.Rational(1, 2)), "whole number, at least 1"),
        (lambda: uniform_curvature(f, 3, 1), "no function has α = 3 above β = 1"),
        (lambda: lora(m=-1), r"lora\(m=-1\): a dimension of -1: every dimension is at least 1"),
        (lambda: lora(m=1.5), r"lora\(m=1\.5\): a dimension of 1\.5: every dimension is a whole number"),
    ],
)
def test_mistakes_are_named_with_what_to_do(make: object, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        make()


def test_a_claim_that_returns_no_claim_is_refused() -> None:
    for value, message in [(True, "a bool"), (sp.Eq(al, be), "Equality"), (None, "nothing"), (equal(A, A), "bare statement")]:
        made = claim(lambda value=value: value)
        with pytest.raises(ClaimError, match=message):
            made.formula()


def test_a_claim_may_be_about_a_source_from_the_beginning():
    source = training("cancer", rank=1, steps=3)

    @claim(source=source)
    def along():
        return forall(s, then=le(0, frobenius(s.A)))

    assert along.formula().source is source
    assert "3 steps of gradient descent with line search on cancer (rank 1, zero initialization)" in str(source)
    assert on(along, source=dataset("cancer", rank=1)).formula().source.name == "cancer"


def test_a_function_of_a_matrix_says_by_itself_what_it_has() -> None:
    assert not hasattr(f, "gradient")
    assert copy.copy(f) == f


def test_the_text_of_a_proof_does_not_hold_its_certificate() -> None:
    shown = repr(check(forall(s, then=equal(trace(A.T * A), trace(A * A.T)))).payload)
    assert shown.startswith("Proved(scope='all m, n, r'") or shown.startswith("Proved(scope='all m, r'")
    assert "certificate=" not in shown
