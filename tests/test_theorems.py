"""The shipped theory: its shape, and mutants of its true claims, of which none may end PROVED or HELD.

A mutant changes one thing in a claim's elaborated formula: an assumption is dropped, a constant halved or doubled, a sign
flipped, a strict inequality turned round. The changes are made by `mutants` below, not by hand. A mutant that is still true
is listed in `EQUIVALENT` with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

from verify.cli.graph import dependencies
from verify.language.claims import Expect, Keyword
from verify.language.formulas import Formula
from verify.language.statements import Combination, Comparison, Statement
from verify.language.terms import is_zero, make, number
from verify.runner.check import verdict_of
from verify.runner.loading import Found, collect
from verify.runner.profiles import Profile
from verify.runner.verdicts import Held, Proved

TOPICS = {
    "first_order",
    "nuclear_norm",
    "low_rank",
    "high_rank",
    "special_regime",
    "implicit_bias",
    "sharpness",
    "real_data",
    "several_adapters",
}


@lru_cache(maxsize=1)
def shipped() -> dict[str, Found]:
    return {found.id: found for found in collect([]).claims}


def test_every_topic_has_its_file() -> None:
    assert {name.split(".")[0] for name in shipped()} >= TOPICS


def test_every_claim_says_what_it_is_and_where_it_comes_from() -> None:
    for found in shipped().values():
        claim = found.claim
        assert claim.title.endswith("."), found.id
        assert claim.cite, found.id
        assert claim.keyword is not None, found.id
        false = claim.keyword is Keyword.FALSE
        assert false == (claim.title.startswith("False")), found.id
        assert claim.expect in ((Expect.REFUTED, Expect.OPEN) if false else (Expect.HOLDS, Expect.PROVED, Expect.OPEN)), (
            found.id
        )


def test_there_are_enough_claims_and_false_ones() -> None:
    refuted = [f for f in shipped().values() if f.claim.expect is Expect.REFUTED]
    assert len(shipped()) >= 120
    assert len(refuted) >= 25


def test_claims_build_on_claims_that_exist_without_circles() -> None:
    edges = dependencies(list(shipped().values()))
    assert all(used in edges for name in edges for used in edges[name])
    done: set[str] = set()
    while len(done) < len(edges):
        ready = {n for n in edges if n not in done and all(u in done for u in edges[n])}
        assert ready, "the claims build on each other in a circle"
        done |= ready


# --- mutants ----------------------------------------------------------------------------------------------------------


def mutants(formula: Formula) -> Iterator[tuple[str, Formula]]:
    """Every changed formula with what was changed."""
    for position, assumption in enumerate(formula.given):
        if not _defines(assumption):
            rest = formula.given[:position] + formula.given[position + 1 :]
            yield f"without assumption {position}", replace(formula, given=rest)
    if isinstance(formula.then, Comparison | Combination):
        for name, changed in _changed(formula.then):
            yield name, replace(formula, then=changed)


def _defines(statement: Statement) -> bool:
    """Definitions of X⋆ and of singular vectors give names a meaning; they are no hypotheses of a theorem."""
    return type(statement).__name__ == "RegularizedStationary" or isinstance(statement, Combination)


def _changed(then: Any) -> Iterator[tuple[str, Statement]]:
    if isinstance(then, Combination):
        if then.kind == "both":
            for position, part in enumerate(then.parts):
                for name, changed in _changed(part):
                    parts = (*then.parts[:position], changed, *then.parts[position + 1 :])
                    yield f"{name} in part {position}", Combination("both", parts)
        else:
            for position in range(len(then.parts)):
                rest = then.parts[:position] + then.parts[position + 1 :]
                yield f"without case {position}", rest[0] if len(rest) == 1 else Combination("either", rest)
        return
    match then.relation:
        case "le" | "lt":
            yield "sides exchanged", Comparison(then.relation, then.right, then.left)
            if not is_zero(then.left):
                yield "left side doubled", Comparison(then.relation, make("mul", number(2), then.left), then.right)
        case "equal" if is_zero(then.right):
            # Twice or minus 0 is 0 again: the other side gets something added instead.
            if then.right.is_scalar:
                yield "right side plus one", Comparison("equal", then.left, number(1))
        case "equal":
            for name, factor in (("doubled", 2), ("negated", -1)):
                yield f"right side {name}", Comparison("equal", then.left, make("mul", number(factor), then.right))


MUTATED = (
    "first_order.derivative_of_lora_loss",
    "first_order.second_derivative_of_lora_loss",
    "first_order.balanced_of_stationary",
    "first_order.balanced_of_stationary_with_two_decays",
    "first_order.pairing_of_stationary",
    "first_order.balance_decays_along_gradient_flow",
    "first_order.balance_along_gradient_descent",
    "first_order.hessian_vanishes_along_gauge",
    "first_order.gradient_acts_as_minus_lambda_on_singular_spaces",
    "nuclear_norm.nuclear_le_half_of_squared_factors",
    "nuclear_norm.nuclear_eq_half_of_squared_factors_of_balanced",
    "nuclear_norm.nuclear_eq_penalty_of_stationary",
    "nuclear_norm.nuclear_le_product_of_factors",
    "nuclear_norm.inner_le_spectral_times_nuclear",
    "nuclear_norm.nuclear_triangle_inequality",
    "nuclear_norm.nuclear_le_sqrt_rank_times_frobenius",
    "low_rank.gradient_le_decay_of_rank_deficient",
    "low_rank.gradient_in_subdifferential_of_rank_deficient",
    "low_rank.origin_curvature_ge_decay_minus_gradient",
    "high_rank.block_le_squared_distance_over_smallest_singular_value",
    "high_rank.block_le_squared_distance_over_target_singular_value",
    "high_rank.gradient_le_decay_plus_curvature_times_smallest_singular_value",
    "high_rank.spurious_is_large",
    "high_rank.spurious_has_full_rank",
    "high_rank.kappa_ge_threshold_of_spurious",
    "low_rank.rank_deficient_eq_target_of_strongly_convex",
    "low_rank.full_width_eq_target_of_strongly_convex",
    "special_regime.second_order_eq_target_of_kappa_below_two",
    "special_regime.second_order_eq_target_of_kappa_below_three",
    "special_regime.top_singular_value_of_factorization",
    "special_regime.last_singular_value_of_factorization",
    "special_regime.stationary_without_escape_is_truncated_svd",
    "special_regime.nuclear_norm_is_linear_on_face",
    "special_regime.rank_le_measurements_of_extreme_pair",
    "several_adapters.pairing_le_excess_times_block_of_each",
    "implicit_bias.nuclear_norm_confined_of_monotone",
    "implicit_bias.penalty_confined_by_lower_bound",
    "implicit_bias.mode_grows_at_singular_value_minus_decay",
    "implicit_bias.modes_coincide_of_zero_initialization",
    "implicit_bias.imbalance_le_error_times_size",
    "implicit_bias.pairing_of_any_point",
    "implicit_bias.distance_of_approximate_point",
    "implicit_bias.distance_of_approximate_point_to_approximate_target",
)

_C1 = "high_rank.block_le_squared_distance_over_smallest_singular_value"
_C2 = "high_rank.block_le_squared_distance_over_target_singular_value"
EQUIVALENT = {
    (_C1, "without assumption 0"): "σ_r(X) = 0 where rank X < r, so that the left side is 0",
    (_C1, "without assumption 2"): "where the block is 0 the left side is 0",
    (_C2, "without assumption 0"): "the same: no singular value of X is needed to be positive",
    (
        _C2,
        "without assumption 1",
    ): "Lemma C with c = 1/σ_{r⋆}(Y): `y_i ≤ cy_i²` and `2cσy ≤ c(σ² + y²)` use no bound on the rank",
    (_C2, "without assumption 2"): "where the block is 0 the left side is 0",
    (
        "high_rank.gradient_le_decay_plus_curvature_times_smallest_singular_value",
        "without assumption 2",
    ): "where rank X < r Theorem A gives ‖G‖_op ≤ λ",
    (
        "high_rank.spurious_is_large",
        "without assumption 1",
    ): "Theorem B and C2 hold for every rank of X⋆: α ≤ βσ_r(X)/σ_{r⋆}(X⋆)",
    (
        "special_regime.rank_le_measurements_of_extreme_pair",
        "without assumption 2",
    ): "the lower bound alone leaves no move unseen",
    ("high_rank.spurious_has_full_rank", "without assumption 1"): "Theorem A's uniqueness needs no bound on the rank of X⋆",
    (
        "low_rank.rank_deficient_eq_target_of_strongly_convex",
        "without assumption 1",
    ): "Theorem A's uniqueness needs no bound on the rank of X⋆",
    (
        "low_rank.full_width_eq_target_of_strongly_convex",
        "without assumption 1",
    ): "Corollary A′ makes X stationary for F, and X⋆ is the only such point, whatever its rank",
    ("implicit_bias.nuclear_norm_confined_of_monotone", "without assumption 0"): "for λ = 0 both say f(X) ≤ f(0)",
    ("implicit_bias.penalty_confined_by_lower_bound", "without assumption 0"): "for λ = 0 it says c ≤ f(X) ≤ f(0)",
    ("implicit_bias.distance_of_approximate_point", "without assumption 3"): "for z = 0 the bound has no value",
    (
        "implicit_bias.distance_of_approximate_point_to_approximate_target",
        "without assumption 3",
    ): "for z = 0 the bound has no value",
}
"""Mutants that are true, with the reason."""

PROFILE = Profile("mutants", 3_000, 200, 480, 60, 45, 40, 20, 4, 60.0, 180.0)


def cases() -> list[tuple[str, str]]:
    """Every mutant of the chosen claims that is not known to be true."""
    named = [(i, name) for i in MUTATED for name, _ in mutants(shipped()[i].claim.formula())]
    return [case for case in named if case not in EQUIVALENT]


@pytest.mark.slow
@pytest.mark.parametrize(("identifier", "change"), cases(), ids=lambda text: text.replace(" ", "_"))
def test_a_mutant_of_a_true_claim_does_not_pass(identifier: str, change: str) -> None:
    mutant = dict(mutants(shipped()[identifier].claim.formula()))[change]
    assert not isinstance(verdict_of(mutant, identifier, PROFILE, 0), Proved | Held)


def test_there_are_enough_mutants_and_the_true_ones_exist() -> None:
    assert len(cases()) >= 90
    for identifier, change in EQUIVALENT:
        assert change in dict(mutants(shipped()[identifier].claim.formula()))
