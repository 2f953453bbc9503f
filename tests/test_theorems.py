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
from verify.language.terms import make, number
from verify.runner.check import verdict_of
from verify.runner.loading import Found, collect
from verify.runner.profiles import PROFILES
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
    scaled = {factor: make("mul", number(factor), then.right) for factor in (2, -1)}
    match then.relation:
        case "le" | "lt":
            yield "sides exchanged", Comparison(then.relation, then.right, then.left)
            yield "left side doubled", Comparison(then.relation, make("mul", number(2), then.left), then.right)
        case "equal":
            yield "right side doubled", Comparison("equal", then.left, scaled[2])
            yield "right side negated", Comparison("equal", then.left, scaled[-1])
        case _:
            yield "equal instead", Comparison("equal", then.left, then.right)


EQUIVALENT: dict[tuple[str, str], str] = {}
"""Mutants that are true, with the reason."""

UNDECIDABLE: set[str] = set()


def cases() -> list[tuple[str, str]]:
    """The mutants of all true claims that are neither data-bound nor existential."""
    found = []
    for identifier, claim in shipped().items():
        true = claim.claim.keyword is not Keyword.FALSE and claim.claim.expect is not Expect.OPEN
        if true and claim.claim.source is None and not identifier.startswith("real_data"):
            found += [(identifier, name) for name, _ in mutants(claim.claim.formula())]
    return found
