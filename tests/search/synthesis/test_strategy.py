"""Claims that are false, and not in the shipped theory, are refuted by synthesis; true ones are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import MatrixSymbol, Rational, Symbol

from verify import *
from verify.language.formulas import Formula
from verify.runner.exact_reading import ExactReader
from verify.search.instances import ExactInstance
from verify.search.synthesis.reading import Tally
from verify.search.synthesis.strategy import synthesized

s = lora()
f, X, r, lam = s.f, s.X, s.r, s.decay
Xs = s.regularized_stationary()[0]
stars = rank(Xs)
al, be = positives("α β")
between = [uniform_curvature(f, al, be), s.sosp()]
spurious = [*between, distinct(X, Xs)]
P, Q, W = MatrixSymbol("P", s.m, r), MatrixSymbol("Q", s.n, r), MatrixSymbol("W", s.m, s.n)
scaled = lora(scale=Symbol("s", positive=True))
decays = lora(decays=nonnegatives("λ_A λ_B"))
wide, kappa = lora(m=6, n=3, r=2), positives("κ")
wide_star = wide.regularized_stationary()[0]
scaled_star, decayed_star = scaled.regularized_stationary()[0], decays.regularized_stationary()[0]


def paired(alpha: Any) -> Any:
    """α_pair is at least α."""
    return le(alpha * frobenius(X - Xs) ** 2, inner(f.grad(X) - f.grad(Xs), X - Xs))


FALSE = {
    "singular values at least 2(α/β) of the target's": lambda: forall(
        s, Xs, al, be, given=spurious, then=le(2 * al * sigma(Xs, stars), be * sigma(X, r))
    ),
    "constant 1.2 for κ at least 4": lambda: forall(
        s, Xs, al, be, given=[*spurious, le(4 * al, be)], then=le(Rational(6, 5) * al * sigma(Xs, stars), be * sigma(X, r))
    ),
    "constant 1.02 for κ at least 10": lambda: forall(
        s, Xs, al, be, given=[*spurious, le(10 * al, be)], then=le(Rational(51, 50) * al * sigma(Xs, stars), be * sigma(X, r))
    ),
    "any constant above 1": lambda: forall(
        s,
        Xs,
        al,
        be,
        given=spurious,
        then=le(parameter("c", above=1) * al * sigma(Xs, stars), be * sigma(X, r)),
    ),
    "no spurious point for κ < 3.5 and equal ranks": lambda: forall(
        s, Xs, al, be, given=[*between, lt(2 * be, 7 * al), equal(stars, r)], then=equal(X, Xs)
    ),
    "no spurious point for κ < 4, r = 2, r⋆ = 1": lambda: forall(
        s, Xs, al, be, given=[*between, lt(be, 4 * al), equal(r, 2), equal(stars, 1)], then=equal(X, Xs)
    ),
    "no spurious point for convex f with decay": lambda: forall(
        s, Xs, given=[convex(f), s.sosp(), lt(0, lam)], then=equal(X, Xs)
    ),
    "second-order points minimize L for convex f": lambda: forall(
        s,
        P,
        Q,
        given=[convex(f), s.sosp(), lt(0, lam)],
        then=le(s.L, f(P * Q.T) + lam / 2 * (frobenius(P) ** 2 + frobenius(Q) ** 2)),
    ),
    "numbers instead of α and β": lambda: forall(
        s, Xs, given=[uniform_curvature(f, 2, Rational(32, 5)), s.sosp()], then=equal(X, Xs)
    ),
    "a stationary point of f that is not called X⋆": lambda: forall(
        s, W, given=[uniform_curvature(f, 1, 4), s.sosp(), equal(f.grad(W), 0), le(rank(W), r)], then=le(f(X), f(W))
    ),
    "with the LoRA scale": lambda: forall(
        scaled,
        scaled_star,
        al,
        be,
        given=[uniform_curvature(scaled.f, al, be), scaled.sosp(), lt(0, scaled.decay), lt(1, scaled.scale), lt(be, 4 * al)],
        then=equal(scaled.X, scaled_star),
    ),
    "with two decays": lambda: forall(
        decays,
        decayed_star,
        al,
        be,
        given=[uniform_curvature(decays.f, al, be), decays.sosp(), lt(0, decays.decay_A), lt(decays.decay_A, decays.decay_B)],
        then=equal(decays.X, decayed_star),
    ),
    "the target is orthogonal to a spurious point": lambda: forall(s, Xs, al, be, given=spurious, then=equal(inner(X, Xs), 0)),
    "nine tenths of Lemma B": lambda: forall(
        s, Xs, al, be, given=spurious, then=le(spectral(f.grad(X)), lam + Rational(9, 10) * be * sigma(X, r))
    ),
    "restricted curvature": lambda: forall(
        s,
        Xs,
        al,
        be,
        given=[
            rsc(f, al, around=Xs, rank=r, radius=100),
            rsm(f, be, around=Xs, rank=r, radius=100),
            s.sosp(),
            le(be, 5 * al),
        ],
        then=equal(X, Xs),
    ),
    "small targets": lambda: forall(
        s, Xs, al, be, given=[*between, lt(be, 4 * al), le(frobenius(Xs), Rational(1, 5))], then=equal(X, Xs)
    ),
    "a name for the condition number": lambda: forall(
        s, Xs, al, be, kappa, given=[*between, equal(kappa, be / al), lt(kappa, 4)], then=equal(X, Xs)
    ),
    "sizes fixed by the claim": lambda: forall(
        wide,
        wide_star,
        al,
        be,
        given=[uniform_curvature(wide.f, al, be), wide.sosp(), lt(be, 5 * al)],
        then=equal(wide.X, wide_star),
    ),
    "over-parameterized": lambda: forall(s, Xs, al, be, given=[*between, lt(be, 6 * al), le(4 * stars, r)], then=equal(X, Xs)),
    "losses at a spurious point": lambda: forall(
        s,
        Xs,
        given=[uniform_curvature(f, 1, 10), s.sosp(), distinct(X, Xs)],
        then=le(f(X) - f(Xs), Rational(5, 2) * frobenius(Xs) ** 2),
    ),
    "pointwise constants with κ < 2.5": lambda: forall(
        s,
        Xs,
        al,
        be,
        given=[uniform_curvature(f, 0, be), s.sosp(), distinct(X, Xs), paired(al), lt(2 * be, 5 * al)],
        then=equal(X, Xs),
    ),
}

TRUE = {
    "Theorem C.2": lambda: forall(s, Xs, al, be, given=spurious, then=le(al * sigma(Xs, stars), be * sigma(X, r))),
    "Theorem D for κ < 3": lambda: forall(s, Xs, al, be, given=[*between, lt(be, 3 * al)], then=equal(X, Xs)),
    "Theorem C.1 for pointwise constants": lambda: forall(
        s,
        Xs,
        al,
        be,
        given=[uniform_curvature(f, 0, be), s.sosp(), distinct(X, Xs), paired(al), lt(be, 2 * al)],
        then=equal(X, Xs),
    ),
    "Lemma B": lambda: forall(s, Xs, al, be, given=spurious, then=le(spectral(f.grad(X)), lam + be * sigma(X, r))),
    "Theorem A": lambda: forall(s, Xs, al, be, given=[*between, lt(rank(X), r)], then=equal(X, Xs)),
    "full rank": lambda: forall(s, Xs, al, be, given=spurious, then=equal(rank(X), r)),
}


def violations(formula: Formula, work: int) -> tuple[list[ExactInstance], int]:
    """Those of the synthesized instances that the kernel reads as violations, up to the first, and how many were tried."""
    reader = ExactReader(formula)
    tried = 0
    for instance in synthesized(formula, np.random.default_rng(0), work):
        tried += 1
        if reader.violates(instance) is not None:
            return [instance], tried
    return [], tried


@pytest.mark.parametrize("name", FALSE)
def test_a_false_claim_is_refuted_exactly(name: str) -> None:
    formula = FALSE[name]()
    found, _ = violations(formula, 1500)
    assert len(found) == 1


@pytest.mark.parametrize("name", TRUE)
def test_a_true_claim_is_not_refuted(name: str) -> None:
    assert violations(TRUE[name](), 250)[0] == []


@pytest.mark.parametrize(
    "formula",
    [
        exists(s, Xs, such_that=[uniform_curvature(f, 1, 3), s.sosp(), lt(f(Xs), f(X))]),
        exists(s, Xs, such_that=[uniform_curvature(f, 0, 2), s.sosp(), distinct(X, Xs), paired(1)]),
    ],
    ids=["uniform curvature, κ = 3", "pointwise constants, κ = 2"],
)
def test_an_existence_claim_at_the_threshold_gets_a_witness(formula: Formula) -> None:
    assert len(violations(formula, 2500)[0]) == 1


def test_the_same_seed_gives_the_same_instances() -> None:
    formula = FALSE["no spurious point for κ < 3.5 and equal ranks"]()
    first, second = (next(iter(synthesized(formula, np.random.default_rng(3), 400))) for _ in range(2))
    assert first == second


def test_a_claim_without_second_order_points_gives_nothing() -> None:
    formula = forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.B.T * s.B))
    assert list(synthesized(formula, np.random.default_rng(0), 100)) == []


def test_spurious_points_that_were_read_are_counted() -> None:
    tally = Tally()
    assert list(synthesized(TRUE["Theorem C.2"](), np.random.default_rng(0), 60, tally)) == []
    assert 30 <= tally.n_active <= tally.n <= 60
    none_active = Tally()
    list(synthesized(TRUE["Theorem D for κ < 3"](), np.random.default_rng(0), 60, none_active))
    assert none_active.n_active == 0 < none_active.n


def test_nothing_is_solved_beyond_the_work() -> None:
    assert list(synthesized(TRUE["Theorem C.2"](), np.random.default_rng(0), 0)) == []
