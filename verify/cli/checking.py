"""Checking one claim: from the cache where an earlier run has decided it, else afresh.

Main definitions: `Plan`, `check_one`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from verify.cli.cache import key_of, recall, remember
from verify.language.claims import Claim
from verify.language.formulas import Formula
from verify.runner.about import about
from verify.runner.check import check_claim
from verify.runner.evidence import Progress
from verify.runner.faults import checked_formula, outcome_of
from verify.runner.known import known_verdict
from verify.runner.loading import shipped_counterexamples
from verify.runner.profiles import Profile
from verify.runner.verdicts import Broken, Result, Unknown


@dataclass(frozen=True)
class Plan:
    """How claims are checked.

    Attributes:
        profile, seed: see `check_claim`.
        jobs: claims checked at once; None for all cores.
        cache: whether results of earlier runs are taken over.
        replay: whether counterexamples kept beside the claims are tried first.
        describe: whether results carry statement and derived formulas.
    """

    profile: Profile
    seed: int
    jobs: int | None = None
    cache: bool = True
    replay: bool = True
    describe: bool = False


def check_one(claim: Claim, identifier: str, plan: Plan, progress: Progress | None = None) -> Result:
    """Check one claim, or take over what an earlier run found; whatever goes wrong is in the result (but for Ctrl-C)."""
    began = time.perf_counter()
    try:
        result = _checked(claim, identifier, plan, progress)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code or ours raises is this claim's row
        result = Result(identifier, claim.expect, outcome_of(error, claim), time.perf_counter() - began)
    return replace(result, about=about(claim)) if plan.describe else result


def _checked(claim: Claim, identifier: str, plan: Plan, progress: Progress | None) -> Result:
    formula = checked_formula(claim)
    if isinstance(formula, Broken | Unknown) or claim.examples:
        return _afresh(claim, identifier, plan, progress)
    return _earlier(claim, identifier, plan, formula) or _kept(claim, identifier, plan, formula, progress)


def _earlier(claim: Claim, identifier: str, plan: Plan, formula: Formula) -> Result | None:
    """What a counterexample beside the claim's own file says, under its name there."""
    began = time.perf_counter()
    known = known_verdict(claim, f"{Path(claim.file).stem}.{claim.name}", formula) if plan.replay else None
    return None if known is None else Result(identifier, claim.expect, known, time.perf_counter() - began)


def _kept(claim: Claim, identifier: str, plan: Plan, formula: Formula, progress: Progress | None) -> Result:
    """The result in the cache; else a new one, which is put there."""
    began = time.perf_counter()
    key = key_of(formula, identifier, plan.profile, plan.seed) if plan.cache else None
    payload = recall(key, formula)
    if payload is not None:
        return Result(identifier, claim.expect, payload, time.perf_counter() - began, cached=True)
    result = _afresh(claim, identifier, plan, progress)
    remember(key, result.payload)
    return result


def _afresh(claim: Claim, identifier: str, plan: Plan, progress: Progress | None) -> Result:
    known = shipped_counterexamples() if plan.replay else ()
    return check_claim(claim, identifier, plan.profile, plan.seed, progress, known=known)
