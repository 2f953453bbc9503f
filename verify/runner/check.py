"""Checking one claim: elaborate, try to prove, test, search, certify; the verdict says exactly how far that went.

Main definitions: `check`, `check_claim`.
"""

from __future__ import annotations

import time
import zlib
from fractions import Fraction

import numpy as np

from verify.calculus.conditions import conjuncts, reduced
from verify.certificates.root import root_certificate
from verify.evaluation.claim_gates import gate_derivatives
from verify.language.claims import Claim, Expect
from verify.language.errors import ClaimError, GateError, NoSource, NotDifferentiable
from verify.language.formulas import Formula, Quantifier
from verify.language.statements import Stationary
from verify.points.sources.sampling import has_data
from verify.points.sources.subjects import needs_landscape
from verify.runner.candidates import dropped, note_on, weighed
from verify.runner.evidence import Evidence, Progress, gather
from verify.runner.exact_findings import Inexact, exactly, refutation, retry
from verify.runner.exact_reading import ExactReader, show_instance
from verify.runner.exact_search import ExactPass, exact_pass
from verify.runner.faults import outcome_of
from verify.runner.known import described
from verify.runner.loading import shipped_counterexamples
from verify.runner.profiles import PROFILES, Profile
from verify.runner.proving import prove_identity
from verify.runner.reading import read
from verify.runner.replay import replay
from verify.runner.verdicts import (
    Broken,
    Candidate,
    Coverage,
    Payload,
    Proved,
    Refuted,
    Result,
    Unknown,
    with_note,
)
from verify.runner.weighing import without_violation
from verify.search.instances import ExactInstance, from_batch

_BOXED = 3
"""Violations for which an enclosure of the true point is tried."""
_IRRATIONAL = 2
"""Violations at irrational data after which no more exact ones are tried."""


def check(claim: Claim | Formula, profile: str = "dev", *, seed: int = 0) -> Result:
    """Check one claim and return its result.

    Args:
        claim: a function decorated with `@claim`, or a bare `forall(...)`, `exists(...)`, `always(...)`.
        profile: `dev`, `ci` or `deep`.
        seed: same seed, same verdict and certificate.

    Raises:
        ClaimError: if `claim` is neither, or the profile is unknown.
    """
    if profile not in PROFILES:
        raise ClaimError(f"the profile {profile!r} is unknown: use one of {', '.join(PROFILES)}")
    if isinstance(claim, Formula):
        formula = claim
        claim = Claim("claim", lambda: formula)
    if not isinstance(claim, Claim):
        raise ClaimError(f"check(...) takes a claim, not {type(claim).__name__}: decorate a function with @claim")
    return check_claim(claim, claim.name or "claim", PROFILES[profile], seed, known=shipped_counterexamples())


@np.errstate(all="ignore")  # what leaves the range of floats is counted as undecided: NumPy's warnings say nothing more
def check_claim(
    claim: Claim,
    identifier: str,
    profile: Profile,
    seed: int,
    progress: Progress | None = None,
    *,
    known: tuple[str, ...] = (),
) -> Result:
    """Check a claim under a name; whatever goes wrong is in the result, never an exception (but for Ctrl-C).

    Args:
        claim: the claim.
        identifier: its id.
        profile: how much to test.
        seed: same seed, same verdict and certificate.
        progress: told how many instances are done.
        known: folders with counterexamples to other claims, which are tried first on claims about second-order points.
    """
    began = time.perf_counter()
    payload: Payload
    try:
        reading = read(claim)
        formula = reading.formula
        replayed = replay(claim.examples, formula, profile)
        payload = replayed.settled or replayed.applied(verdict_of(formula, identifier, profile, seed, progress, known=known))
        if reading.unread is not None and not isinstance(payload, Broken):
            payload = Unknown(reading.unread)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code or ours raises is this claim's row
        payload = outcome_of(error, claim)
    return Result(identifier, claim.expect, payload, time.perf_counter() - began)


def verdict_of(
    formula: Formula,
    identifier: str,
    profile: Profile,
    seed: int,
    progress: Progress | None = None,
    *,
    known: tuple[str, ...] = (),
) -> Payload:
    """Proof first, then instances, then exact search; nothing but the kernel gives PROVED or REFUTED."""
    if formula.source is not None:
        from verify.runner.real_data import decide_on

        return decide_on(formula, identifier)
    proved = prove_identity(formula)
    if proved is not None:
        return proved
    try:
        gate_derivatives(formula)
    except GateError as error:
        return Unknown(f"a derivative that the claim needs is not gated: {error}")
    reader = ExactReader(formula)
    number = zlib.crc32(identifier.rsplit(".", 1)[-1].encode())
    elsewhere = _known_elsewhere(formula, reader, seed ^ number, known)
    if elsewhere is not None:
        return elsewhere
    if formula.quantifier is Quantifier.EXISTS:
        return _search_witness(formula, reader, profile, seed ^ number)
    rng = np.random.default_rng([seed, number])
    try:
        evidence = gather(formula, profile, rng, progress, seed=seed)
    except NoSource as reason:
        return _without_source(reason, formula, reader, profile, seed ^ number)
    except NotDifferentiable as reason:
        return Unknown(f"its points are searched for by second derivatives, and {reason}")
    return _judge(formula, reader, evidence, profile, seed ^ number)


def _without_source(reason: NoSource, formula: Formula, reader: ExactReader, profile: Profile, seed: int) -> Refuted | Unknown:
    """What small exact instances say where there are no others."""
    conditions = conjuncts([reduced(s, formula.process) for s in formula.given])
    seen = exact_pass(formula, conditions, reader, profile.exact_examples, seed)
    coverage = Coverage(seen.n, seen.n_active, exact=seen.n)
    refuted = None if seen.found is None else refutation(seen.found, formula, reader, coverage, profile)
    return refuted or Unknown(str(reason), coverage)


def _known_elsewhere(formula: Formula, reader: ExactReader, seed: int, known: tuple[str, ...]) -> Proved | Refuted | None:
    """A counterexample to another claim that is one to this claim too: they are small, and cheaper than any search."""
    if not known or not needs_landscape(formula) or formula.witness is not None:
        return None
    from verify.runner.hunt.context import context_of
    from verify.runner.hunt.records import Unit
    from verify.runner.hunt.replay import replayed

    seen = replayed(context_of(formula, seed, reader, known), Unit("replay", 0))
    if seen.found is None:
        return None
    if formula.quantifier is Quantifier.EXISTS:
        return Proved("one instance", seen.found.shown, seen.found.certificate)
    coverage = Coverage(seen.n, seen.n_active, exact=seen.n)
    return Refuted(seen.found.shown, seen.found.comparison, seen.found.certificate, coverage)


def _judge(formula: Formula, reader: ExactReader, evidence: Evidence, profile: Profile, seed: int) -> Payload:
    irrational = 0
    for finding in evidence.violations[:12]:
        exact = exactly(finding, formula, reader)
        if isinstance(exact, ExactInstance):
            refuted = refutation(exact, formula, reader, evidence.coverage(), profile)
            if refuted is not None:
                return refuted
        irrational += int(exact is Inexact.IRRATIONAL)
        if irrational == _IRRATIONAL:
            break
    conditions = conjuncts([reduced(s, formula.process) for s in formula.given])
    # An exact second-order point costs far more to arrange and read than plain data.
    landscape = needs_landscape(formula)
    examples = profile.exact_examples // 20 if landscape else profile.exact_examples if has_data(formula) else 1
    exact_seen = exact_pass(formula, conditions, reader, examples, seed)
    evidence.reaching.take(exact_seen.reaching.reach)
    if exact_seen.found is not None:
        refuted = refutation(exact_seen.found, formula, reader, evidence.coverage(exact_seen.n, exact_seen.n_active), profile)
        if refuted is not None:
            return refuted
    boxed = _in_a_box(evidence, formula, exact_seen)
    if boxed is not None:
        return boxed
    if landscape and not evidence.violations:
        hunted = _hunted(formula, reader, evidence, profile, seed)
        if hunted is not None:
            return hunted
    looked_at = weighed(evidence.violations, evidence.n_violations, formula, reader)
    if looked_at.violation is not None:
        coverage = evidence.coverage(exact_seen.n, exact_seen.n_active)
        return Candidate(looked_at.violation.shown, looked_at.violation.margin, coverage)
    refuted_late = retry(evidence, formula, reader, profile)
    if refuted_late is not None:
        return refuted_late
    dropped(evidence, looked_at)
    return with_note(_no_violation(formula, evidence, exact_seen), note_on(evidence.dropped))


def _hunted(
    formula: Formula, reader: ExactReader, evidence: Evidence, profile: Profile, seed: int
) -> Refuted | Candidate | None:
    """What the hunt's strategies find beyond random instances, in the profile's work."""
    from verify.runner.hunt.context import context_of
    from verify.runner.hunt.strategies import in_a_run

    for seen in in_a_run(context_of(formula, seed, reader), profile.syntheses):
        evidence.take(seen)
        evidence.reaching.take(seen.reach)
        evidence.dropped.update(seen.dropped)
        if seen.found is not None:
            return Refuted(seen.found.shown, seen.found.comparison, seen.found.certificate, evidence.coverage())
        if seen.candidate is not None:
            return Candidate(seen.candidate.shown, seen.candidate.margin, evidence.coverage())
    return None


def _in_a_box(evidence: Evidence, formula: Formula, exact_seen: ExactPass) -> Refuted | None:
    """A violation at a point whose data cannot be moved: the true point is enclosed, and the claim fails on the whole box."""
    if formula.process is not None or not any(isinstance(s, Stationary) for s in formula.given):
        return None
    for finding in evidence.violations[:_BOXED]:
        found = root_certificate(formula, from_batch(finding.start, formula, Fraction), "REFUTED")
        if found is not None:
            shown, comparison = described(found[1], formula)
            return Refuted(shown, comparison, found[1], evidence.coverage(exact_seen.n, exact_seen.n_active))
    return None


def _no_violation(formula: Formula, evidence: Evidence, exact_seen: ExactPass) -> Payload:
    return without_violation(
        formula,
        evidence.counts().plus(exact_seen.counts()),
        evidence.coverage(exact_seen.n, exact_seen.n_active),
        "float64" if exact_seen.n == 0 else "float64 + rational",
        forced=evidence.forced,
        stopped_early=evidence.stopped_early,
    )


def _search_witness(formula: Formula, reader: ExactReader, profile: Profile, seed: int) -> Payload:
    if formula.witness is not None:
        return _given_witness(formula, reader)
    # Small exact data are hardly ever second-order stationary: there the point finder searches, then synthesis.
    landscape = needs_landscape(formula)
    conditions = conjuncts([reduced(s, formula.process) for s in formula.given])
    seen = ExactPass() if landscape else exact_pass(formula, conditions, reader, profile.exact_examples, seed)
    found = seen.found
    evidence = Evidence()
    if found is None:
        try:
            evidence = gather(formula, profile, np.random.default_rng(seed))
        except NoSource as reason:
            return Unknown(str(reason))
        exact = (exactly(finding, formula, reader) for finding in evidence.violations[:12])
        found = next((instance for instance in exact if isinstance(instance, ExactInstance)), None)
    certified = None if found is None else reader.certify(found, profile.shrink_tests)
    if certified is not None:
        small, certificate, _ = certified
        return Proved("one instance", show_instance(small, formula), certificate)
    made = _synthesized(formula, profile, seed) if landscape else None
    if made is not None:
        return made
    coverage = evidence.coverage(seen.n, seen.n_active)
    if evidence.violations:
        return Unknown("an instance satisfies every condition in floating point, but could not be certified", coverage)
    return Unknown(f"no instance found among {coverage.n:,}: `verify hunt` searches longer", coverage)


def _synthesized(formula: Formula, profile: Profile, seed: int) -> Proved | None:
    """A second-order point with the wanted properties, made by synthesis."""
    from verify.runner.hunt.context import context_of
    from verify.runner.hunt.strategies import in_a_run

    for seen in in_a_run(context_of(formula, seed), profile.syntheses):
        if seen.found is not None:
            return Proved("one instance", seen.found.shown, seen.found.certificate)
    return None


def _given_witness(formula: Formula, reader: ExactReader) -> Payload:
    from verify.search.witnesses import instance_from_witness

    instance = instance_from_witness(formula.witness, formula)
    certified = reader.certify(instance, 0) if reader.violates(instance) is not None else None
    if certified is None:
        return Unknown("the given witness does not satisfy every condition, or not exactly")
    small, certificate, _ = certified
    return Proved("one instance", show_instance(small, formula), certificate)


def error_result(identifier: str, expect: Expect, location: str, message: str) -> Result:
    """An ERROR row for something that broke before it could be checked."""
    return Result(identifier, expect, Broken(location, message), 0.0)
