"""Small exact instances drawn by Hypothesis; a counterexample is shrunk by Hypothesis first, then by our own rules."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase
from hypothesis.errors import HypothesisException

from verify.calculus.conditions import Condition
from verify.kernel import Truth
from verify.language.formulas import Formula
from verify.language.terms import walk
from verify.points.sources.subjects import needs_landscape
from verify.runner.exact_counts import ExactCounter
from verify.runner.exact_findings import has_steps
from verify.runner.exact_reading import ExactReader
from verify.runner.reaching import Reaching
from verify.runner.weighing import Counts
from verify.search.instances import ExactInstance, free_matrices, free_scalars, to_batch
from verify.search.strategies import exact_instances

_FAR = 10**8
"""How far beyond the numbers that a claim mentions it is tried."""
_MOVED = 4
_LATER = (1, 2)
"""Steps of descent after which small exact instances are read again; their numbers grow fast."""


class _FoundError(Exception):
    """Raised inside Hypothesis to mark a counterexample."""


@dataclass
class ExactPass:
    """What the exact pass saw.

    Attributes:
        n: instances read.
        n_active: those that met every assumption, and are not 0 against 0.
        n_forced: those where the assumptions, not the sizes, leave 0 against 0.
        n_undecided: active ones that neither the exact reading nor the two float tolerances could decide.
        found: the smallest counterexample (or witness), if there is one.
        reaching: how far the active ones reached.
        n_trivial: those where the sizes leave 0 against 0.
    """

    n: int = 0
    n_active: int = 0
    n_undecided: int = 0
    n_forced: int = 0
    found: ExactInstance | None = None
    reaching: Reaching = field(default_factory=Reaching)
    n_trivial: int = 0

    def counts(self) -> Counts:
        """All counts."""
        return Counts(self.n, self.n_active, self.n_undecided, n_forced=self.n_forced, n_trivial=self.n_trivial)


def exact_pass(formula: Formula, conditions: list[Condition], reader: ExactReader, examples: int, seed: int) -> ExactPass:
    """Draw, arrange and read small exact instances; stop at the first that settles the claim, and shrink it."""
    seen = ExactPass(reaching=Reaching(formula))
    met: list[ExactInstance] = []
    counter = ExactCounter.of(formula)

    def probe(instance: ExactInstance) -> None:
        arranged = reader.enforce(instance)
        if arranged is None:
            return
        decision = reader.read(arranged)
        is_met = all(t is Truth.TRUE for t in decision.hypotheses)
        if seen.found is None:
            counted = counter.counts(arranged, decision)
            for name, k in counted.counts().items():
                if k:
                    setattr(seen, name, getattr(seen, name) + k)
            if is_met:
                met.append(instance)
                seen.reaching.note(to_batch(arranged, formula), np.array([counted.n_active > 0]))
        later = (replace(arranged, steps=k) for k in _LATER) if is_met and has_steps(formula) else ()
        for state in (arranged, *later):
            if reader.settles(decision if state is arranged else reader.read(state)):
                seen.found = state
                raise _FoundError

    test = hypothesis.given(exact_instances(formula, conditions))(probe)
    test = hypothesis.seed(seed)(test)
    test = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
    )(test)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            test()
    except (_FoundError, HypothesisException):
        pass
    if seen.found is None and not needs_landscape(formula):
        moved = (reader.violates(x) for instance in met[:: max(1, len(met) // _MOVED)] for x in elsewhere(instance, formula))
        seen.found = next((x for x in moved if x is not None), None)
    return seen


def elsewhere(instance: ExactInstance, formula: Formula) -> Iterator[ExactInstance]:
    """One number, matrix or row made very large or very small, or one number almost another.

    Bounds by a constant, on values, ratios and gaps, fail only there. These instances only refute, they are not counted.
    """
    mentioned = [abs(c) for c in constants(formula) if c]
    far = _FAR * max([Fraction(1), *mentioned, *(1 / c for c in mentioned)])
    domains = {name: formula.scalars()[name] for name in free_scalars(formula)}
    for factor in (far, 1 / far):
        for name, domain in domains.items():
            value = (instance.scalars[name] or Fraction(1)) * factor
            if domain.contains(value):
                yield instance.with_scalar(name, value)
        for name in free_matrices(formula):
            rows = instance.matrices[name]
            yield instance.with_matrix(name, tuple(_times(row, factor) for row in rows))
            yield instance.with_matrix(name, (*(_times(row, factor) for row in rows[:1]), *rows[1:]))
    for name, domain in domains.items():
        for other in domains:
            for near in (instance.scalars[other] + 1 / far, instance.scalars[other] - 1 / far):
                if other != name and domain.contains(near):
                    yield instance.with_scalar(name, near)


def _times(row: tuple[Fraction, ...], factor: Fraction) -> tuple[Fraction, ...]:
    return tuple(x * factor for x in row)


def constants(formula: Formula) -> set[Fraction]:
    """The numbers that the claim's statements mention."""
    statements = [*formula.given, *([] if formula.then is None else [formula.then])]
    return {node.payload[0] for s in statements for t in s.terms() for node in walk(t) if node.op == "num"}
