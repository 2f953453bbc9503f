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
from verify.search.instances import ExactInstance, free_matrices, to_batch
from verify.search.strategies import exact_instances

_LARGE = 10**8
_MAGNIFIED = 4
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
        larger = (
            reader.violates(x) for instance in met[:: max(1, len(met) // _MAGNIFIED)] for x in magnified(instance, formula)
        )
        seen.found = next((x for x in larger if x is not None), None)
    return seen


def magnified(instance: ExactInstance, formula: Formula) -> Iterator[ExactInstance]:
    """One variable at a time made very large: bounds by a constant fail only there. These only refute, they are not counted."""
    large = _LARGE * max([Fraction(1), *map(abs, constants(formula))])
    for name, domain in formula.scalars().items():
        value = (instance.scalars[name] or Fraction(1)) * large
        if domain.contains(value):
            yield instance.with_scalar(name, value)
    for name in free_matrices(formula):
        if any(x for row in instance.matrices[name] for x in row):
            yield instance.with_matrix(name, tuple(tuple(x * large for x in row) for row in instance.matrices[name]))


def constants(formula: Formula) -> set[Fraction]:
    """The numbers that the claim's statements mention."""
    statements = [*formula.given, *([] if formula.then is None else [formula.then])]
    return {node.payload[0] for s in statements for t in s.terms() for node in walk(t) if node.op == "num"}
