"""From counts to a verdict, where no violation was found: the same rules for a run and for a hunt.

Main definitions: `Counts`, `without_violation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from verify.language.formulas import Formula
from verify.language.statements import Curvature
from verify.points.sources.sampling import has_data
from verify.runner.reach import untested
from verify.runner.verdicts import Coverage, Held, Unknown, Vacuous

CLEAR = 20
"""The fewest clearly active instances that HELD rests on. (A claim without data has one instance of each size.)"""


@dataclass(frozen=True)
class Counts:
    """How many instances of each kind were seen.

    Attributes:
        n: instances read.
        n_active: those that met every assumption and were not 0 against 0.
        n_undecided: those that stayed undecided.
        n_repeats: active ones that are none of their own: states along a process beyond the first, instances read again.
        n_forced: those where the assumptions, not the sizes, leave 0 against 0.
        n_trivial: those where 0 is compared with 0 as at all instances of those sizes.
        n_without: those that meet the assumptions, at which a side of the conclusion has no value.
        n_open: undecided ones whose assumptions are not clearly met.
        n_ties: points at which a strict assumption is a tie.
        n_ties_open: those of them where the conclusion is not clearly true.
    """

    n: int = 0
    n_active: int = 0
    n_undecided: int = 0
    n_repeats: int = 0
    n_forced: int = 0
    n_trivial: int = 0
    n_without: int = 0
    n_open: int = 0
    n_ties: int = 0
    n_ties_open: int = 0

    @property
    def n_clear(self) -> int:
        """Different instances that are active."""
        return self.n_active - self.n_repeats

    def counts(self) -> dict[str, int]:
        """All counts by name."""
        return {f.name: int(getattr(self, f.name)) for f in fields(Counts)}

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(**{name: k + getattr(other, name) for name, k in self.counts().items()})


def without_violation(
    formula: Formula,
    counts: Counts,
    coverage: Coverage,
    engine: str,
    *,
    forced: Mapping[tuple[str, str], int] | None = None,
    stopped_early: bool = False,
    otherwise: str = "",
) -> Held | Unknown | Vacuous:
    """The verdict of a `forall` claim, no instance of which violates it.

    Args:
        formula: the claim.
        counts: of all instances.
        coverage: the same, as it is shown.
        engine: what read the instances.
        forced: instances with 0 against 0 by family and sizes.
        stopped_early: whether the safety time ended a search.
        otherwise: what was not tested, where nothing else is to be named.
    """
    if counts.n_clear == 0:
        # Where the assumptions leave 0 on both sides of all instances, that is what the claim says.
        active = counts.n_active + counts.n_forced
        counts = replace(counts, n_active=active, n_forced=0)
        cells = {k: coverage.cells.get(k, 0) + (forced or {}).get(k, 0) for k in {**coverage.cells, **(forced or {})}}
        coverage = replace(coverage, n_active=active, cells={k: n for k, n in cells.items() if n})
    if counts.n_clear == 0:
        return _nothing_active(counts, coverage)
    if counts.n_undecided:
        return Unknown(_undecided(counts), replace(coverage, n_undecided=counts.n_undecided))
    if counts.n_clear < CLEAR and has_data(formula):
        return Unknown(_too_few(counts), coverage)
    if stopped_early:
        return Unknown(f"stopped early after {counts.n:,} instances (safety time)", coverage)
    return Held(coverage, engine, _not_tested(formula, counts, coverage) or otherwise)


def _nothing_active(counts: Counts, coverage: Coverage) -> Vacuous | Unknown:
    if counts.n_trivial:
        return Unknown(
            f"{counts.n_trivial:,} of {counts.n:,} instances met the assumptions, all of sizes at which both sides are 0 "
            "whatever is assumed: that tests nothing",
            coverage,
        )
    if counts.n_without:
        return Unknown(
            f"at all {counts.n_without:,} instances that met the assumptions a side of the claim has no value", coverage
        )
    ties = f" ({counts.n_ties:,} are ties in a strict assumption)" if counts.n_ties else ""
    return Vacuous(f"none of {counts.n:,} instances met the assumptions{ties}", coverage)


def _too_few(counts: Counts) -> str:
    plural = "" if counts.n_clear == 1 else "s"
    shown = f"only {counts.n_clear} instance{plural} of {counts.n:,} clearly met the assumptions: at least {CLEAR} are needed"
    if not counts.n_ties_open:
        return shown
    others = f"at {counts.n_ties_open:,} others, where a strict assumption is a tie"
    return f"{shown}, and {others}, the conclusion is not clearly true"


def _undecided(counts: Counts) -> str:
    """How many instances are undecided: of the active ones, and of those whose assumptions are themselves undecided."""
    kind = "active instances" if not counts.n_open else "instances that meet or may meet the assumptions"
    total = counts.n_active + counts.n_open
    return f"{counts.n_undecided:,} of {total:,} {kind} stayed undecided (the two tolerances disagree or a value is not finite)"


def _not_tested(formula: Formula, counts: Counts, coverage: Coverage) -> str:
    """What the active instances left out."""
    left_out = untested(coverage.reach)
    if any(isinstance(s, Curvature) and s.kind in ("rsc", "rsm") for s in formula.given):
        left_out.append("curvature that is bounded in the ball only")
    if counts.n_ties:
        left_out.append(f"{counts.n_ties:,} points at which a strict assumption is a tie")
    if formula.process is not None:
        still = formula.process.step is None
        left_out.append("times beyond a short run" if still else "states after more than a few steps")
    if counts.n_without:
        left_out.append(f"{counts.n_without:,} points at which a side of the claim has no value")
    return ", ".join(left_out)
