"""Float evidence: instances by the thousand, decided in batches, with everything counted.

Main definitions: `gather`, `Evidence`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition, conjuncts, reduced
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import UNDECIDED
from verify.language.formulas import Formula
from verify.language.statements import Comparison
from verify.language.terms import number
from verify.points.sources.assumptions import Arranged, enforce
from verify.points.sources.found import Tally
from verify.points.sources.landscapes import frame_of, second_order_batches
from verify.points.sources.persuasion import persuaded_batches
from verify.points.sources.sampling import has_data, random_batches
from verify.points.sources.subjects import adapters, needs_landscape
from verify.points.sources.trajectories import started, states
from verify.runner.assumed import Plain, assumptions
from verify.runner.profiles import Profile
from verify.runner.reaching import Reaching
from verify.runner.standings import standings
from verify.runner.verdicts import Coverage
from verify.runner.weighing import Counts

Array = Any
_KEPT = 40
_BATCH = 250
_SIFTED = 20
"""For each instance that is wanted, so many are drawn at most where few meet the equalities that are assumed."""
_CLEARLY = 200
"""With fewer clearly active instances, random data are moved until they meet the assumptions, so many batches of them."""
_ATTEMPTS = 40
_HOPELESS = 12
"""Batches after which that ends where no instance meets them."""
_ENOUGH = 2000
_IDLE_BATCHES = 400
_STARTS = 10
"""Starts of the point finder for each wanted point, after which those found have to do."""
_FEW = 3
"""A claim that is active for fewer families and sizes gets problems that meet its assumptions about X⋆ and the data."""
NOTHING = Comparison("equal", number(1), number(0))
"""The conclusion of an `exists` claim, read as "no instance satisfies all conditions": a violation is a witness."""


@dataclass(frozen=True)
class Finding:
    """One instance worth a closer look: a violation, or one the floats could not decide."""

    instance: Batch
    start: Batch
    steps: int
    margin: float
    unclear: tuple[int, ...] = ()
    """The assumptions that the floats left undecided, by position."""

    @property
    def size(self) -> tuple[bool, int, int]:
        """Rational constructions first, then small counterexamples."""
        sizes = (k for name, k in self.instance.dims.items() if "·" not in name)
        return (not self.instance.family.startswith("rational"), sum(sizes), self.steps)


@dataclass
class Evidence:
    """What a pass over the instances found; at most `most` violations and undecided instances are kept."""

    most: int = 4 * _KEPT
    n: int = 0
    n_active: int = 0
    n_trivial: int = 0
    """Instances that meet every assumption, with 0 on both sides as at all instances of those sizes."""
    n_forced: int = 0
    """Those with 0 on both sides where other instances of those sizes, which do not meet the assumptions, have not."""
    n_repeats: int = 0
    """Active states along a process beyond the first of each instance."""
    n_without: int = 0
    """Instances that meet the assumptions, at which a side of the conclusion has no value in floats."""
    n_undecided: int = 0
    n_open: int = 0
    """Undecided ones among those whose assumptions are not clearly met."""
    n_ties: int = 0
    """Points at which a strict assumption is a tie up to the points' own error, and the others are not clearly false."""
    n_ties_open: int = 0
    """Those of them away from X⋆ where the conclusion is not clearly true."""
    margin: float | None = None
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    forced: Counter[tuple[str, str]] = field(default_factory=Counter)
    branches: Counter[str] = field(default_factory=Counter)
    violations: list[Finding] = field(default_factory=list)
    undecided: list[Finding] = field(default_factory=list)
    without: list[Finding] = field(default_factory=list)
    ties: list[Finding] = field(default_factory=list)
    n_violations: int = 0
    stopped_early: bool = False
    ends: Tally = field(default_factory=Tally)
    margins: Counter[int | None] = field(default_factory=Counter)
    reaching: Reaching = field(default_factory=Reaching)
    dropped: Counter[str] = field(default_factory=Counter)
    """What became of float violations that are none, in words."""

    def coverage(self, extra_exact: int = 0, extra_active: int = 0) -> Coverage:
        """The counts for the result."""
        return Coverage(
            self.n + extra_exact,
            self.n_active + extra_active,
            self.n_undecided,
            self.margin,
            dict(self.cells),
            extra_exact,
            dict(self.branches),
            dict(self.ends.ended),
            dict(self.margins),
            self.reaching.reach,
        )

    @property
    def n_clear(self) -> int:
        """Different instances that are active."""
        return self.n_active - self.n_repeats

    def counts(self) -> Counts:
        """All counts."""
        return Counts(**{f.name: getattr(self, f.name) for f in fields(Counts)})

    def add(self, seen: Counts) -> None:
        """Count more instances."""
        for name, k in seen.counts().items():
            setattr(self, name, getattr(self, name) + k)

    def take(self, seen: Counts) -> None:
        """Count what a unit of a hunt saw."""
        if not self.n_active and self.n_trivial:
            # Where the conclusion was 0 against 0 at all points that were found, constructed ones are no better.
            seen = Counts(seen.n, n_undecided=seen.n_undecided)
        self.add(seen)
        if seen.n_active:
            self.branches["constructed"] += seen.n_active


Progress = Callable[[int, int], None]


def gather(
    formula: Formula, profile: Profile, rng: np.random.Generator, progress: Progress | None = None, *, seed: int = 0
) -> Evidence:
    """Test the formula on float instances until the profile's count is reached.

    Second-order points depend on the run's `seed` and are shared between claims; everything else is drawn from `rng`.

    Stops early when enough violations were found, or at the safety time, or when no instance meets the assumptions after
    many batches.

    Raises:
        NoSource: if an assumption needs a source that does not exist.
    """
    given = [reduced(s, formula.process) for s in formula.given]
    conclusion = NOTHING if formula.then is None else reduced(formula.then, formula.process)
    conditions, plain = [*given, conclusion], Plain(formula, given, conclusion)
    flat = conjuncts(given)
    evidence = Evidence(most=max(4 * _KEPT, profile.retries), reaching=Reaching(formula))
    opened: dict[object, list[Condition]] = {}
    began = time.process_time()
    tested, idle = 0, 0
    landscape = needs_landscape(formula)
    for drawn, arranged in enumerate(_source(formula, flat, rng, profile, evidence, seed), start=1):
        start = arranged.batch
        before, counted = evidence.n_active, evidence.n
        if start.count:
            _read(evidence, start, _opened(start, conditions, opened), formula, profile, plain)
        if landscape:
            tested += start.count * (profile.instances // profile.points * adapters(formula) ** 2)
        else:
            # Along a process every state that was read counts.
            tested += max(start.count, evidence.n - counted)
        idle = idle + 1 if evidence.n_active == before else 0
        if progress is not None:
            progress(min(tested, profile.instances), profile.instances)
        if tested >= profile.instances or evidence.n_violations >= _ENOUGH or idle >= _IDLE_BATCHES:
            break
        if not landscape and drawn * _BATCH >= _SIFTED * profile.instances:
            break
        if evidence.ends.ended.total() >= _STARTS * profile.points:
            break
        if time.process_time() - began > profile.safety_seconds:
            evidence.stopped_early = True
            break
    if not landscape and not evidence.stopped_early and has_data(formula) and evidence.n_clear < _CLEARLY:
        for attempt, start in enumerate(islice(persuaded_batches(formula, flat, rng), _ATTEMPTS)):
            if start.count:
                _read(evidence, start, _opened(start, conditions, opened), formula, profile, plain)
            if evidence.n_clear >= _CLEARLY or evidence.n_violations >= _ENOUGH:
                break
            if attempt >= _HOPELESS and not evidence.n_clear + evidence.n_forced + evidence.n_trivial:
                break
            if time.process_time() - began > profile.safety_seconds:
                evidence.stopped_early = True
                break
    return evidence


def _opened(start: Batch, conditions: Sequence[Condition], known: dict[object, list[Condition]]) -> list[Condition]:
    """The claim's conditions with the functions of a batch written into them, each kind of function once."""
    key = tuple(sorted((k, hash(v.body)) for k, v in start.functions.items()))
    if key not in known:
        known[key] = [instantiate_condition(c, start.functions) for c in conditions]
    return known[key]


def _read(
    evidence: Evidence, start: Batch, opened: Sequence[Condition], formula: Formula, profile: Profile, plain: Plain
) -> None:
    """Read the claim at a batch; along a process assumptions speak of the start, and the conclusion of every state."""
    begin = start if formula.process is None else started(start, formula.process)
    truths, ties, off = assumptions(begin, opened[:-1], plain)
    reached = np.zeros(start.count, bool)
    for state, steps, known in _states(begin, formula, profile, off):
        if not known.size:
            continue
        read = truths[:, known], ties[known]
        active = _tally(evidence, state.pick(known), start.pick(known), steps, opened[-1], read, plain)
        evidence.n_repeats += int(np.sum(active & reached[known]))
        reached[known] |= active


def _source(
    formula: Formula, flat: list[Condition], rng: np.random.Generator, profile: Profile, evidence: Evidence, seed: int
) -> Iterator[Arranged]:
    """Batches with their assumptions arranged: points of loss landscapes, or random data."""
    if needs_landscape(formula):
        for batch in _points(formula, flat, rng, profile, evidence, seed):
            yield Arranged(batch, solved=True)
        return
    solved = 0
    # Along a process each instance is read at many states: fewer in a batch, so that families and sizes vary as much.
    size = _BATCH if formula.process is None else _BATCH // (profile.process_steps + 1) + 1
    for raw in random_batches(formula, flat, rng, size):
        arranged = enforce(raw, formula, rng, solve=solved < profile.constrained)
        solved += arranged.batch.count if arranged.solved else 0
        yield arranged


def _points(
    formula: Formula, flat: list[Condition], rng: np.random.Generator, profile: Profile, evidence: Evidence, seed: int
) -> Iterator[Batch]:
    """The points that claims share; where they hardly ever meet the assumptions, points of problems chosen for those."""
    shared = second_order_batches(formula, flat, rng, seed, evidence.ends)
    seen = 0
    for batch in shared:
        yield batch
        seen += batch.count
        if 2 * seen >= profile.points:
            break
    if len(evidence.cells) < _FEW and (frame := frame_of(formula, flat)):
        yield from second_order_batches(formula, flat, rng, seed, evidence.ends, frame)
    yield from shared


def _states(begin: Batch, formula: Formula, profile: Profile, off: Array) -> Iterator[tuple[Batch, int, Array]]:
    """The states at which the conclusion is read, with the instances whose state is known well enough."""
    if formula.process is None:
        yield begin, 0, np.arange(begin.count)
        return
    for steps, reached in enumerate(states(begin, formula.process, profile.process_steps, off)):
        yield reached.batch, steps, np.flatnonzero(reached.resolved)


def decades(margins: np.ndarray) -> Counter[int | None]:
    """Margins counted by decade: `-3` for 0.001 ≤ margin < 0.01; None for those that are not positive."""
    positive = margins[margins > 0]
    found, counts = np.unique(np.floor(np.log10(positive)).astype(int), return_counts=True)
    tally: Counter[int | None] = Counter({int(d): int(k) for d, k in zip(found, counts, strict=True)})
    if len(positive) < len(margins):
        tally[None] = len(margins) - len(positive)
    return tally


def left_open(truths: np.ndarray) -> tuple[int, ...]:
    """The positions of the undecided assumptions of one instance."""
    return tuple(int(i) for i in np.flatnonzero(truths == UNDECIDED))


def _tally(
    evidence: Evidence,
    state: Batch,
    start: Batch,
    steps: int,
    conclusion: Condition,
    read: tuple[Array, Array],
    plain: Plain,
) -> Array:
    """Count what a batch of states shows, and keep what is worth a closer look; which of them are active is returned."""
    truths, _ = read
    found = standings(state, conclusion, read, plain)
    then, active = found.then, found.active
    evidence.add(found.counts(empty=plain.empty(state)))
    evidence.n_violations += int(found.violated.sum())
    if not plain.empty(state):
        evidence.forced[(state.family, state.shape_text)] += int(found.idle.sum())
    evidence.reaching.note(state, active)
    if active.any():
        evidence.cells[(state.family, state.shape_text)] += int(active.sum())
        _, _, branch = state.family.partition(", ")
        if branch:
            evidence.branches[branch] += int(active.sum())
        finite = then.margin[active & np.isfinite(then.margin)]
        if finite.size:
            low = float(finite.min())
            evidence.margin = low if evidence.margin is None else min(evidence.margin, low)
            evidence.margins.update(decades(finite))
    kinds = (
        (found.violated, evidence.violations, 3),
        (found.unclear, evidence.undecided, _KEPT),
        (found.without, evidence.without, 3),
        (found.tied_open, evidence.ties, 3),
    )
    for mask, kept, most in kinds:
        for index in np.flatnonzero(mask)[:most]:
            kept.append(
                Finding(state.at(index), start.at(index), steps, float(then.margin[index]), left_open(truths[1:, index]))
            )
        kept.sort(key=lambda f: f.size)
        del kept[evidence.most :]
    return active
