"""What a hunt writes down: units of work, what each one saw, and what each strategy tried in all.

Main definitions: `Unit`, `Seen`, `Found`, `Tried`, `Outcome`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from verify.runner.reach import Reach
from verify.runner.weighing import Counts


class Outcome(Enum):
    """How a strategy, or one of its units, ended."""

    CERTIFIED = "certified"
    CANDIDATE = "candidate"
    NOTHING = "nothing found"
    NOT_APPLICABLE = "not applicable"
    NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Unit:
    """One seeded piece of a strategy's work; `number` counts from 0 and is part of the seed."""

    strategy: str
    number: int


@dataclass(frozen=True)
class Found:
    """A certified counterexample (or witness), as plain data.

    Attributes:
        certificate: the JSON object that the kernel accepted.
        shown: the instance in the claim's notation, on one line.
        lines: the same, one variable a line.
        comparison: both sides of the comparison that fails, as exact numbers, and the relation claimed.
    """

    certificate: Any
    shown: str
    lines: tuple[str, ...]
    comparison: tuple[str, str, str] | None


@dataclass(frozen=True)
class Candidate:
    """A violation that is still there to 50 digits but not certified; as the point is printed it violates the claim."""

    shown: str
    margin: float


@dataclass(frozen=True)
class Seen(Counts):
    """What one unit saw, beside the counts.

    Attributes:
        margin: the smallest relative margin of the conclusion (negative: violated).
        found: a certified counterexample.
        candidate: the worst violation that was not certified.
        seconds: wall time.
        dropped: what became of float violations that are none, in words, with their number.
        reach: how far the active float instances reached.
        stopped_early: whether the safety time ended the unit.
    """

    margin: float | None = None
    found: Found | None = None
    candidate: Candidate | None = None
    seconds: float = 0.0
    dropped: Mapping[str, int] = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)
    stopped_early: bool = False

    @staticmethod
    def of(counts: Counts, **told: Any) -> Seen:
        """What was counted, with what else there is to say."""
        values: dict[str, Any] = {**counts.counts(), **told}
        return Seen(**values)

    @property
    def outcome(self) -> Outcome:
        """How the unit ended."""
        if self.found is not None:
            return Outcome.CERTIFIED
        return Outcome.NOTHING if self.candidate is None else Outcome.CANDIDATE

    def joined(self, other: Seen) -> Seen:
        """Both together; what was found first stays."""
        return Seen.of(
            self.plus(other),
            margin=smallest(self.margin, other.margin),
            found=self.found or other.found,
            candidate=worst(self.candidate, other.candidate),
            seconds=self.seconds + other.seconds,
            dropped=dict(Counter(self.dropped) + Counter(other.dropped)),
            reach=self.reach.joined(other.reach),
            stopped_early=self.stopped_early or other.stopped_early,
        )


def smallest(a: float | None, b: float | None) -> float | None:
    """The smaller of two margins that may be missing."""
    return b if a is None else a if b is None else min(a, b)


def worst(a: Candidate | None, b: Candidate | None) -> Candidate | None:
    """The candidate with the smaller margin."""
    return b if a is None else a if b is None or a.margin <= b.margin else b


@dataclass(frozen=True)
class Tried:
    """A strategy's row in the report."""

    strategy: str
    units: int = 0
    seen: Seen = Seen()
    outcome: Outcome = Outcome.NOT_REACHED

    def with_unit(self, seen: Seen, *, repeats: bool = False) -> Tried:
        """One more unit.

        Args:
            seen: what it saw.
            repeats: whether it reads again what the others read: then the unit that read most is what counts.
        """
        together = self.seen.joined(seen)
        if repeats:
            again = min(self.seen.n_clear, seen.n_clear)
            forced = max(self.seen.n_forced, seen.n_forced)
            together = replace(together, n_repeats=together.n_repeats + again, n_forced=forced)
        return replace(self, units=self.units + 1, seen=together, outcome=together.outcome)

    def to_json(self) -> dict[str, Any]:
        """The row of the JSON list `tried`."""
        return {
            "strategy": self.strategy,
            "units": self.units,
            "seconds": round(self.seen.seconds, 3),
            "instances": self.seen.n,
            "active": self.seen.n_active,
            "undecided": self.seen.n_undecided,
            "best_margin": self.seen.margin,
            "outcome": self.outcome.value,
        }


def total(rows: Iterable[Tried]) -> Seen:
    """All strategies together."""
    joined = Seen()
    for row in rows:
        joined = joined.joined(row.seen)
    return joined
