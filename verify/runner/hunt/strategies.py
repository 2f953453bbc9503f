"""The strategies of a hunt, cheapest first; each does its work in small seeded units.

Main definitions: `Strategy`, `STRATEGIES`. The order in which units run is fixed by `share`, the units a round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from verify.language.errors import NoSource
from verify.language.formulas import Formula
from verify.points.sources.subjects import needs_landscape
from verify.runner.evidence import gather
from verify.runner.exact_counts import ExactCounter
from verify.runner.exact_search import exact_pass
from verify.runner.hunt.adversarial import against_all, against_free, against_points, can_construct, has_free, is_small
from verify.runner.hunt.context import Context
from verify.runner.hunt.judging import judged
from verify.runner.hunt.records import Seen, Unit
from verify.runner.hunt.replay import replayed
from verify.runner.profiles import PROFILES
from verify.runner.weighing import Counts
from verify.search.relaxed import completed, relaxed

_SMALL = replace(PROFILES["dev"], name="unit", instances=4000, constrained=150, points=400, retries=20)
_SYNTHESIS_WORK = 150
_DOUBLINGS = 4


@dataclass(frozen=True)
class Strategy:
    """One way of looking for a counterexample.

    Attributes:
        name: its name in reports and in the seed of its units.
        applies: whether it can say anything about a formula.
        work: does one unit of work.
        share: units a round.
        most: the most units it has, or None.
        repeats: whether its units read much the same few instances.
    """

    name: str
    applies: Callable[[Formula], bool]
    work: Callable[[Context, Unit], Seen]
    share: int = 1
    most: int | None = None
    repeats: bool = False


@np.errstate(all="ignore")  # as in a run
def perform(context: Context, unit: Unit) -> Seen:
    """One unit of work, timed; a claim without a source of instances gives an empty one."""
    began = time.perf_counter()
    try:
        seen = BY_NAME[unit.strategy].work(context, unit)
    except NoSource:
        seen = Seen()
    return replace(seen, seconds=time.perf_counter() - began)


def plan(formula: Formula) -> Iterator[Unit]:
    """All units in the order in which they are to be done; endless unless every strategy has a limit."""
    usable = [s for s in STRATEGIES if s.applies(formula)]
    if needs_landscape(formula):
        # Exact second-order points hardly ever come about by chance, and each costs a long reading.
        usable.sort(key=lambda s: s.name == "exact")
    done = {s.name: 0 for s in usable}
    while True:
        progress = False
        for strategy in usable:
            for _ in range(strategy.share):
                if strategy.most is None or done[strategy.name] < strategy.most:
                    yield Unit(strategy.name, done[strategy.name])
                    done[strategy.name] += 1
                    progress = True
        if not progress:
            return


def _seed(context: Context, unit: Unit) -> int:
    return int(context.rng(unit.strategy, unit.number).integers(2**31))


def _exact(context: Context, unit: Unit) -> Seen:
    """Small exact rationals drawn by Hypothesis."""
    examples = 4 if needs_landscape(context.formula) else 60
    seen = exact_pass(context.formula, list(context.conditions), context.reader, examples, _seed(context, unit))
    found = None if seen.found is None else context.certified(seen.found)
    return Seen.of(seen.counts(), found=found, reach=seen.reaching.reach)


def _random(context: Context, unit: Unit) -> Seen:
    """Float instances by the thousand, for claims about second-order points found ones."""
    # Second-order points belong to a seed: every unit needs points of its own.
    seed = _seed(context, unit)
    evidence = gather(context.formula, _SMALL, context.rng(unit.strategy, unit.number), seed=seed)
    return judged(context, evidence, _SMALL)


def _synthesized(context: Context, unit: Unit) -> Seen:
    """Losses made for a chosen point (theory §7)."""
    # Every unit begins with the simple shapes: later ones come further, with other random starts.
    return _with_work(context, unit, _SYNTHESIS_WORK * 2 ** min(unit.number, _DOUBLINGS))


def _with_work(context: Context, unit: Unit, work: int) -> Seen:
    from verify.search.synthesis.strategy import synthesized

    counts, counter = Counts(), ExactCounter.of(context.formula)
    simpler = relaxed(context.formula)
    for made in synthesized(context.formula if simpler is None else simpler, context.rng(unit.strategy, unit.number), work):
        for instance in completed(made, context.formula) if simpler is not None else (made,):
            arranged = context.reader.enforce(instance)
            if arranged is None:
                continue
            decision = context.reader.read(arranged)
            counts = counts.plus(counter.counts(arranged, decision))
            found = context.certified(arranged) if context.reader.settles(decision) else None
            if found is not None:
                return Seen.of(counts, found=found)
    return Seen.of(counts)


def _always(formula: Formula) -> bool:
    return True


STRATEGIES = (
    Strategy("replay", _always, replayed, most=1),
    Strategy("exact", _always, _exact, repeats=True),
    Strategy("random", _always, _random, share=2),
    Strategy("constructed", can_construct, against_points, share=2),
    Strategy("free variables", has_free, against_free),
    Strategy("adversarial", is_small, against_all, share=2),
    Strategy("synthesis", needs_landscape, _synthesized, repeats=True),
)
BY_NAME = {s.name: s for s in STRATEGIES}


def in_a_run(context: Context, syntheses: int) -> Iterator[Seen]:
    """The part of a hunt that belongs to every run: for claims about second-order points what random instances do not reach.

    Args:
        context: the claim's.
        syntheses: semidefinite programs to solve.
    """
    usable = {s.name for s in STRATEGIES if s.applies(context.formula)}
    for name in ("constructed", "free variables"):
        if name in usable:
            yield perform(context, Unit(name, 0))
    if "synthesis" in usable:
        yield _with_work(context, Unit("synthesis", 0), syntheses)
