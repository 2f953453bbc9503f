"""Which products a loss sees its factors in: pairs A·Bᵀ in any order, and everything else is said to be something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp

from verify import dimensions, exists, forall, frobenius, le, lt, matrices, positives, rank, smooth, sosp, trace
from verify.language.claims import Claim
from verify.language.errors import ClaimError, NoSource
from verify.language.statements import Stationary
from verify.points.sources.factors import are_products, ordered, require_pairs
from verify.points.sources.found import Tally
from verify.points.sources.landscapes import second_order_batches
from verify.runner.check import check_claim
from verify.runner.profiles import PROFILES
from verify.runner.verdicts import Broken, Result, Verdict

m, n, r, k, q = dimensions("m n r k q")
A, C = matrices("A C", m, r)
B, D = matrices("B D", n, r)
U, V = matrices("U V", n, r)
P2, Y = matrices("P2", m, r), matrices("Y", m, n)
P1, R1 = matrices("P1 R1", r, n)
W1, W2, W3 = matrices("W1", r, n), matrices("W2", k, r), matrices("W3", m, k)
M, N, T = matrices("M N T", q, q)
c, d = matrices("c", n, 1), matrices("d", m, 1)
lam = positives("λ₁")
f, g, h, t = smooth("f", (n, n)), smooth("g", (m, n)), smooth("h", (q, q)), smooth("t", (n, m))


def squares(*factors: Any) -> Any:
    return lam / 2 * sum(frobenius(x) ** 2 for x in factors)


def stationary(loss: Any, *of: Any) -> Stationary:
    made = sosp(loss + squares(*of), of=list(of))
    assert isinstance(made, Stationary)
    return made


PRODUCTS = {
    "A·Bᵀ": (stationary(g(A * B.T), A, B), "A B"),
    "A·Bᵀ given as B, A": (stationary(g(A * B.T), B, A), "A B"),
    "(B·Aᵀ)ᵀ": (stationary(g((B * A.T).T), B, A), "A B"),
    "its transpose": (stationary(t((A * B.T).T), A, B), "B A"),
    "written out": (stationary(frobenius(A * B.T - Y) ** 2, A, B), "A B"),
    "under a trace": (stationary(trace(Y.T * A * B.T), A, B), "A B"),
    "columns": (stationary(g(d * c.T), c, d), "d c"),
    "two sums": (stationary(g(A * B.T + 2 * C * D.T), A, C, B, D), "A B C D"),
    "between other matrices": (stationary(h(T * M * N.T * T.T), N, M), "M N"),
}
OTHERS = {
    "M·N": stationary(h(M * N), M, N),
    "U·Uᵀ − V·Vᵀ": stationary(f(U * U.T - V * V.T), U, V),
    "Uᵀ·V": stationary(f(P1.T * R1), P1, R1),
    "V alone": stationary(f(U * U.T), U, V),
}
UNPAIRED = {
    "one matrix (U)": stationary(f(U * U.T), U),
    "3 matrices (W3, W2, W1)": stationary(g(W3 * W2 * W1), W3, W2, W1),
    "P2 is m×r and P1 is r×n": stationary(g(P2 * P1), P2, P1),
    "P1 is r×n and P2 is m×r": stationary(frobenius(P2 * P1 - Y) ** 2, P1, P2),
}


@pytest.mark.parametrize("which", PRODUCTS)
def test_pairs_are_found_in_whatever_order_they_are_given(which: str) -> None:
    statement, names = PRODUCTS[which]
    found = ordered(statement)
    assert [v.payload[0] for v in found.variables] == names.split()
    assert are_products(found)
    require_pairs(found)


@pytest.mark.parametrize("which", OTHERS)
def test_other_products_are_not_taken_for_pairs(which: str) -> None:
    statement = OTHERS[which]
    assert not are_products(statement)
    assert ordered(statement) == statement


@pytest.mark.parametrize("reason", UNPAIRED)
def test_what_cannot_be_searched_says_what_it_is(reason: str) -> None:
    with pytest.raises(NoSource, match=r"no source for stationary points in .* yet") as caught:
        require_pairs(UNPAIRED[reason])
    assert reason in str(caught.value)


def test_a_matrix_given_twice_is_the_claims_mistake() -> None:
    with pytest.raises(ClaimError, match="stationary in U and in U: give each matrix once"):
        sosp(f(U * U.T), of=[U, U])


def test_points_of_other_factors_are_not_called_by_the_rank_of_a_product_that_is_not_there() -> None:
    formula = forall(U, V, f, lam, given=OTHERS["U·Uᵀ − V·Vᵀ"], then=le(0, frobenius(U)))
    rng = np.random.default_rng(0)
    batch = next(b for b in second_order_batches(formula, [], rng, 0, Tally()) if b.count)
    assert batch.family.endswith(", general factors")


def checked(build: Callable[[], Any]) -> Result:
    small = replace(PROFILES["dev"], instances=400, points=30, exact_examples=40, syntheses=4)
    return check_claim(Claim("c", build), "c", small, 0)


TRUE = {
    "one factor": lambda: forall(U, f, lam, given=UNPAIRED["one matrix (U)"], then=le(0, frobenius(U))),
    "one factor, written out": lambda: forall(
        U, lam, given=stationary(frobenius(U * U.T - sp.Identity(n)) ** 2, U), then=le(0, frobenius(U))
    ),
    "three factors": lambda: forall(
        W1, W2, W3, g, lam, given=UNPAIRED["3 matrices (W3, W2, W1)"], then=le(rank(W3 * W2 * W1), rank(W1))
    ),
    "network order": lambda: forall(
        P1, P2, g, lam, given=UNPAIRED["P2 is m×r and P1 is r×n"], then=le(frobenius(P2), frobenius(P1))
    ),
    "network order, written out": lambda: forall(
        P1, P2, Y, lam, given=UNPAIRED["P1 is r×n and P2 is m×r"], then=le(frobenius(P2), frobenius(P1))
    ),
    "square network": lambda: forall(M, N, h, lam, given=OTHERS["M·N"], then=le(frobenius(M), frobenius(N))),
    "swapped columns": lambda: forall(c, d, g, lam, given=PRODUCTS["columns"][0], then=le(frobenius(c), frobenius(d))),
    "a matrix that the loss does not see": lambda: forall(U, V, f, given=sosp(f(U * U.T), of=[U, V]), then=le(0, frobenius(V))),
    "one of two factors": lambda: forall(
        A, B, g, lam, given=sosp(g(A * B.T) + squares(A, B), of=[A]), then=le(0, frobenius(A))
    ),
}
FALSE = {
    "one factor": lambda: forall(U, f, lam, given=UNPAIRED["one matrix (U)"], then=le(frobenius(U), 0)),
    "three factors": lambda: forall(W1, W2, W3, g, lam, given=UNPAIRED["3 matrices (W3, W2, W1)"], then=le(frobenius(W2), 0)),
    "network order": lambda: forall(P1, P2, Y, lam, given=UNPAIRED["P1 is r×n and P2 is m×r"], then=le(frobenius(P2), 0)),
    "square network": lambda: forall(M, N, h, lam, given=OTHERS["M·N"], then=le(frobenius(M), 0)),
    "difference of squares": lambda: forall(U, V, f, lam, given=OTHERS["U·Uᵀ − V·Vᵀ"], then=le(frobenius(U), frobenius(V))),
    "swapped": lambda: forall(A, B, g, lam, given=PRODUCTS["A·Bᵀ given as B, A"][0], then=le(frobenius(A), 0)),
    "one of two factors": lambda: forall(
        A, B, g, lam, given=sosp(g(A * B.T) + squares(A, B), of=[A]), then=le(frobenius(A), frobenius(B))
    ),
}


@pytest.mark.parametrize("which", TRUE)
def test_a_true_claim_about_any_factors_is_neither_broken_nor_refuted(which: str) -> None:
    result = checked(TRUE[which])
    assert not isinstance(result.payload, Broken), result.summary
    assert result.verdict in (Verdict.PROVED, Verdict.HELD, Verdict.UNKNOWN)
    if result.verdict is Verdict.UNKNOWN:
        assert "no source for stationary points in" in result.summary


@pytest.mark.parametrize("which", FALSE)
def test_a_false_claim_about_any_factors_does_not_hold(which: str) -> None:
    assert checked(FALSE[which]).verdict in (Verdict.REFUTED, Verdict.CANDIDATE, Verdict.UNKNOWN)


def test_an_instance_that_is_wanted_of_one_factor_is_unknown_or_shown() -> None:
    result = checked(lambda: exists(U, f, lam, such_that=[UNPAIRED["one matrix (U)"], lt(1, frobenius(U))]))
    assert result.verdict in (Verdict.PROVED, Verdict.UNKNOWN)
