"""Claims about several adapters: how the loss is read, and which points they see."""

from __future__ import annotations

import pytest

from verify import *
from verify.language.errors import ShapeError
from verify.language.statements import Stationary
from verify.points.sources.several import placement_of
from verify.points.sources.subjects import targets_of
from verify.runner.verdicts import Held, Refuted, Unknown

s = lora()
f, m, n, lam = s.f, s.m, s.n, s.decay
p, q, k, o, r, t = dimensions("p q k o r t")
A, B, C, D = matrices("A", p, r), matrices("B", k, r), matrices("C", q, t), matrices("D", o, t)
E, F, P, Q = matrices("E", m, p), matrices("F", n, k), matrices("P", m, q), matrices("Q", n, o)
Y, S, Z, W = *matrices("Y S", p, k), *matrices("Z W", q, o)


def place(first, second):
    return E * first * F.T + P * second * Q.T


factors = [A, B, C, D]
penalty = lam / 2 * sum(frobenius(x) ** 2 for x in factors)
point = sosp(f(place(A * B.T, C * D.T)) + penalty, of=factors)
stars = [
    regularized_stationary(function(lambda V: f(place(V, Z)), (p, k)), lam, Y, S),
    regularized_stationary(function(lambda V: f(place(Y, V)), (q, o)), lam, Z, W),
]
bound = (s, *factors, E, F, P, Q, Y, S, Z, W)


def placement(*given):
    formula = forall(*bound, given=given, then=le(0, lam))
    statement = next(g for g in formula.given if isinstance(g, Stationary))
    return placement_of(statement, targets_of(formula))


def test_places_and_targets_are_read_from_the_claim_in_any_order():
    found = placement(stars[1], point, stars[0])
    assert found is not None
    assert [(a.before, a.left.payload[0], a.right.payload[0], a.after) for a in found.adapters] == [
        ("E", "A", "B", "F"),
        ("P", "C", "D", "Q"),
    ]
    assert [(a.star, a.witness) for a in found.adapters] == [("Y", "S"), ("Z", "W")]
    assert all(a.star is None for a in placement(point).adapters)


def test_other_losses_have_no_placement():
    def loss(argument):
        return sosp(f(argument) + penalty, of=factors)

    assert placement(loss(E * A * B.T * F.T + 2 * P * C * D.T * Q.T)) is None
    assert placement(loss(E * A * B.T * F.T)) is None
    assert placement(sosp(f(place(A * B.T, C * D.T)) ** 2 + penalty, of=factors)) is not None  # f is applied once
    assert placement(sosp(2 * f(place(A * B.T, C * D.T)) + f(zeros(m, n)) + penalty, of=factors)) is None
    assert placement(point, stars[0]) is None  # X⋆ of one of two


def test_targets_without_a_source_are_unknown_not_held():
    other = sosp(f(place(A * B.T, C * D.T)) + f(zeros(m, n)) + penalty, of=factors)
    found = check(forall(*bound, given=[other, *stars], then=le(0, lam)))
    assert isinstance(found.payload, Unknown)
    assert "several adapters" in found.payload.reason


def test_spurious_points_are_seen_and_refute_a_false_claim():
    away = either(distinct(A * B.T, Y), distinct(C * D.T, Z))
    seen = check(forall(*bound, given=[point, *stars, away], then=le(rank(A * B.T), r)))
    assert isinstance(seen.payload, Held)
    assert seen.payload.coverage.branches["several adapters, spurious"] >= 150
    wrong = check(forall(*bound, given=[point, *stars], then=equal(A * B.T, Y)))
    assert isinstance(wrong.payload, Refuted)


def test_a_definition_of_a_target_needs_fitting_shapes():
    with pytest.raises(ShapeError, match="is needed"):
        regularized_stationary(f, lam, matrices("V", n, m), matrices("S", m, n))
    with pytest.raises(ShapeError, match="is needed"):
        regularized_stationary(f, matrices("V", m, n), matrices("V", m, n), matrices("S", m, n))


def test_a_function_of_one_update_is_shown_by_its_formula():
    assert stars[0].text == "−∇(Y ↦ f(E·Y·Fᵀ + P·Z·Qᵀ))(Y) = λ·S, S ∈ ∂‖Y‖_*"
    assert r"Y \mapsto f" in stars[0].latex
    assert s.stationary_definition().text == "−∇f(X⋆) = λ·S, S ∈ ∂‖X⋆‖_*"
    assert regularized_stationary(f, lam, *s.regularized_stationary()) == s.stationary_definition()
