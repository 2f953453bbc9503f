"""A hunt from beginning to end: prove first, then units of work on all cores until something is certified or time is up.

Main definitions: `Options`, `HuntResult`, `hunt`. Results are judged in the order of the plan, whatever the order in which
processes finish, so that the same seed finds the same counterexample as long as the budget reaches it.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

from verify.evaluation.claim_gates import gate_derivatives
from verify.kernel import check as kernel_check
from verify.language.errors import GateError
from verify.language.formulas import Formula, Quantifier
from verify.runner.candidates import note_on
from verify.runner.hunt.context import Context, lines_of, prepared
from verify.runner.hunt.records import Found, Outcome, Seen, Tried, Unit, total
from verify.runner.hunt.store import Store
from verify.runner.hunt.strategies import BY_NAME, STRATEGIES, plan
from verify.runner.hunt.subject import Subject
from verify.runner.hunt.workers import Workers, died
from verify.runner.proving import prove_identity
from verify.runner.verdicts import Candidate as CandidatePayload
from verify.runner.verdicts import Coverage, Payload, Proved, Refuted, Unknown, Vacuous, with_note
from verify.runner.weighing import without_violation
from verify.search.recorded import recorded_instance

Watch = Callable[[Unit, Seen, float], None]
"""Called after each unit, with the seconds spent so far."""

_STOPPED = "stopped before any instance was tested"
_REPLAY = "replay"
"""The strategy that tries known counterexamples."""
_EXAMPLE = "example"
"""What found a counterexample that the claim's author gave."""


@dataclass(frozen=True)
class Options:
    """How to hunt.

    Attributes:
        budget: seconds of wall time.
        seed: of all units.
        jobs: processes.
        state: the SQLite file.
        folders: where known counterexamples are looked for; without any, what an earlier run replayed is not taken over.
        shrink_tests: exact readings spent on shrinking; None leaves it to the claim's kind.
    """

    budget: float
    seed: int
    jobs: int
    state: Path
    folders: tuple[str, ...] = ()
    shrink_tests: int | None = None


@dataclass(frozen=True)
class HuntResult:
    """What a hunt came to.

    Attributes:
        payload: the verdict with its evidence.
        strategy: what found the counterexample (or proved the claim), or None.
        tried: one row a strategy.
        found: the certified counterexample.
        seconds: wall time of this run.
        resumed: units that earlier runs had done.
        interrupted: whether it was stopped by hand.
    """

    payload: Payload
    strategy: str | None
    tried: tuple[Tried, ...]
    found: Found | None
    seconds: float
    resumed: int = 0
    interrupted: bool = False


def hunt(subject: Subject, formula: Formula, options: Options, watch: Watch | None = None) -> HuntResult:
    """Hunt one claim.

    Args:
        subject: where the claim is and what is changed in it; worker processes load it again.
        formula: the claim, elaborated, without the subject's changes.
        options: budget, seed, jobs, state.
        watch: told about every finished unit.

    Raises:
        ClaimError: if the subject does not fit the claim.
    """
    began = time.monotonic()
    settled: Payload | None
    try:
        context = prepared(subject, formula, options.seed, options.folders, options.shrink_tests)
        settled = _without_search(context.formula)
    except KeyboardInterrupt:
        return HuntResult(Unknown(_STOPPED), None, _rows({}), None, time.monotonic() - began, interrupted=True)
    if settled is not None:
        strategy = "proof" if isinstance(settled, Proved) else None
        return HuntResult(settled, strategy, _rows({}), None, time.monotonic() - began)
    store = Store(options.state, subject.id, [context.stated.to_json(), context.formula.to_json()], options.seed)
    try:
        return _search(subject, context, options, store, watch, began)
    finally:
        store.close()


def settled_by_example(payload: Proved | Refuted, formula: Formula, seconds: float) -> HuntResult:
    """The result where an example of the author's settles the claim, before any search.

    Args:
        payload: what the example gives (`verify.runner.replay`).
        formula: the claim.
        seconds: wall time.
    """
    instance = recorded_instance(payload.certificate, formula)
    shown = payload.detail if isinstance(payload, Proved) else payload.counterexample
    lines = (shown,) if instance is None else lines_of(instance, formula)
    comparison = None if isinstance(payload, Proved) else payload.comparison
    found = Found(payload.certificate, shown, lines, comparison)
    return HuntResult(payload, _EXAMPLE, _rows({}, formula), found, seconds)


def _without_search(formula: Formula) -> Proved | Unknown | None:
    """The verdict where there is nothing to search: a proof, or a derivative that cannot be trusted."""
    proved = prove_identity(formula)
    if proved is not None:
        return proved
    try:
        gate_derivatives(formula)
    except GateError as error:
        return Unknown(f"a derivative that the claim needs is not gated: {error}")
    return None


def _search(
    subject: Subject, context: Context, options: Options, store: Store, watch: Watch | None, began: float
) -> HuntResult:
    known = {u: seen for u, seen in store.finished().items() if options.folders or u.strategy != _REPLAY}
    rows = {s.name: Tried(s.name) for s in STRATEGIES}
    counted: set[Unit] = set()
    found: tuple[str, Found] | None = None
    interrupted = False
    fresh = _Stream(subject, context, options, known, store, began)

    def count(unit: Unit, seen: Seen) -> tuple[str, Found] | None:
        rows[unit.strategy] = rows[unit.strategy].with_unit(seen, repeats=BY_NAME[unit.strategy].repeats)
        counted.add(unit)
        return (unit.strategy, seen.found) if seen.found is not None and _stands(seen.found, context) else None

    try:
        for unit, seen in fresh:
            found = count(unit, seen)
            if watch is not None:
                watch(unit, seen, time.monotonic() - began)
            if found is not None:
                break
    except KeyboardInterrupt:
        interrupted = True
    finally:
        fresh.stop()
    if interrupted and found is None:
        # What is done counts, also behind a unit that was not.
        for unit in fresh.done():
            found = None if unit in counted else count(unit, fresh.known[unit])
            if found is not None:
                break
    tried = _rows(rows, context.formula)
    seconds = time.monotonic() - began
    strategy = None if found is None else found[0]
    certified = None if found is None else found[1]
    payload = with_note(_payload(certified, tried, context, interrupted=interrupted), _lost(fresh.given_up))
    return HuntResult(payload, strategy, tried, certified, seconds, fresh.resumed, interrupted)


def _lost(units: Sequence[Unit]) -> str:
    """What is said of units that were given up."""
    named = ", ".join(f"{u.strategy} {u.number}" for u in units)
    return f"not done, because the process that does it dies: {named}" if units else ""


def _stands(found: Found, context: Context) -> bool:
    """Whether what a process or an earlier run reports is a certificate of this very claim that the kernel accepts."""
    return found.certificate["claim"] == context.stated.to_json() and kernel_check(found.certificate).accepted


def _rows(rows: dict[str, Tried], formula: Formula | None = None) -> tuple[Tried, ...]:
    done = []
    for strategy in STRATEGIES:
        row = rows.get(strategy.name, Tried(strategy.name))
        if formula is not None and not strategy.applies(formula):
            row = replace(row, outcome=Outcome.NOT_APPLICABLE)
        done.append(row)
    return tuple(done)


def _payload(found: Found | None, tried: tuple[Tried, ...], context: Context, *, interrupted: bool) -> Payload:
    """The verdict (design §6): where nothing is found, by the rules of a run; UNKNOWN for `exists`.

    Where a stop or the budget left nothing tested, VACUOUS would say too much: that is UNKNOWN too.
    """
    seen = total(tried)
    coverage = Coverage(seen.n, seen.n_active, seen.n_undecided, seen.margin, reach=seen.reach)
    if context.formula.quantifier is Quantifier.EXISTS:
        if found is not None:
            return Proved("one instance", found.shown, found.certificate)
        return Unknown(f"no instance found among {seen.n:,}" + (" before the stop" if interrupted else ""), coverage)
    if found is not None:
        return Refuted(found.shown, found.comparison, found.certificate, coverage)
    if seen.candidate is not None:
        return CandidatePayload(seen.candidate.shown, seen.candidate.margin, coverage)
    if seen.n == 0:
        return Unknown(_STOPPED if interrupted else "the budget was spent before any instance was tested", coverage)
    verdict = without_violation(
        context.formula,
        seen,
        coverage,
        "float64 + rational",
        stopped_early=seen.stopped_early,
        otherwise="what the strategies did not reach",
    )
    if isinstance(verdict, Vacuous) and interrupted:
        return Unknown(f"stopped after {seen.n:,} instances, none of which met the assumptions", coverage)
    return with_note(verdict, note_on(seen.dropped))


class _Stream:
    """Units in the order of the plan with what they saw: from the store, or done now in other processes."""

    def __init__(
        self, subject: Subject, context: Context, options: Options, known: dict[Unit, Seen], store: Store, began: float
    ) -> None:
        self.context, self.options, self.known, self.store = context, options, known, store
        self.deadline = began + options.budget
        self.resumed = 0
        self.workers = Workers(options.jobs, (subject, options.seed, options.folders, options.shrink_tests))
        self.deaths: Counter[Unit] = Counter()
        self.given_up: list[Unit] = []

    def __iter__(self) -> Iterator[tuple[Unit, Seen]]:
        waiting: deque[tuple[Unit, Future[Seen]]] = deque()
        units = plan(self.context.formula)
        earlier = set(self.known)
        for unit in units:
            if unit in self.known:
                self.resumed += 1
                earlier.discard(unit)
                yield unit, self.known[unit]
                continue
            if time.monotonic() >= self.deadline:
                break
            waiting.append((unit, self.workers.submit(unit)))
            if len(waiting) >= 2 * self.options.jobs:
                yield from self._next(waiting)
        while waiting and time.monotonic() < self.deadline:
            yield from self._next(waiting)
        for unit, _ in waiting:
            if unit in self.known:
                # Finished in time, behind one that was not.
                yield unit, self.known[unit]
        for unit in sorted(earlier, key=_in_order):
            # Done by an earlier run that came further than this one.
            self.resumed += 1
            yield unit, self.known[unit]

    def done(self) -> list[Unit]:
        """Every unit that is done, by this run or an earlier one."""
        return sorted(self.known, key=_in_order)

    def _next(self, waiting: deque[tuple[Unit, Future[Seen]]]) -> Iterator[tuple[Unit, Seen]]:
        """The first unit in order, if it is done in time; later ones that are ready are written down meanwhile."""
        while waiting:
            self._collect(waiting)
            if any(died(task) for _, task in waiting):
                self._begin_again(waiting)
                continue
            unit, task = waiting[0]
            if unit in self.known:
                waiting.popleft()
                yield unit, self.known[unit]
                return
            if time.monotonic() >= self.deadline:
                return
            wait([task], 0.05)

    def _collect(self, waiting: deque[tuple[Unit, Future[Seen]]]) -> None:
        for unit, task in waiting:
            if unit in self.known or not task.done() or died(task):
                continue
            seen = task.result()
            if self.options.folders or unit.strategy != _REPLAY:
                # A replay without known counterexamples must not stand for one with them.
                self.store.record(unit, seen)
            self.known[unit] = seen

    def _begin_again(self, waiting: deque[tuple[Unit, Future[Seen]]]) -> None:
        """After a process died: what was not done is done again; a unit that a process died of twice, alone, is given up."""
        left = [unit for unit, _ in waiting if unit not in self.known]
        suspects = left[: self.workers.jobs]
        self.deaths.update(suspects)
        lost = [u for u in suspects if self.workers.jobs == 1 and self.deaths[u] > 1]
        self.given_up += lost
        self.workers.begin_again()
        again = [(u, t) if u in self.known else (u, self.workers.submit(u)) for u, t in waiting if u not in lost]
        waiting.clear()
        waiting.extend(again)

    def stop(self) -> None:
        """End the processes; what they were doing is done again by the next run."""
        self.workers.stop()


def _in_order(unit: Unit) -> tuple[str, int]:
    return unit.strategy, unit.number
