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

from verify.calculus.conditions import Condition, reduced
from verify.evaluation.batches import instantiate_condition
from verify.evaluation.decide import TRUE, decide
from verify.kernel import Truth
from verify.language.formulas import Formula
from verify.language.terms import walk
from verify.losses.taylor import taylor_model
from verify.points.sources.subjects import needs_landscape
from verify.points.sources.trajectories import started
from verify.runner.assumed import Plain
from verify.runner.exact_findings import has_steps, is_outside
from verify.runner.exact_reading import ExactReader
from verify.runner.reaching import Reaching
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
    """

    n: int = 0
    n_active: int = 0
    n_undecided: int = 0
    n_forced: int = 0
    found: ExactInstance | None = None
    reaching: Reaching = field(default_factory=Reaching)


def exact_pass(formula: Formula, conditions: list[Condition], reader: ExactReader, examples: int, seed: int) -> ExactPass:
    """Draw, arrange and read small exact instances; stop at the first that settles the claim, and shrink it."""
    seen = ExactPass(reaching=Reaching(formula))
    met: list[ExactInstance] = []
    models = {n: taylor_model(f) for n, f in formula.functions().items()}
    bare = None if formula.then is None else reduced(formula.then, formula.process)
    conclusion = None if bare is None else instantiate_condition(bare, models)
    plain = None if bare is None else Plain(formula, [reduced(s, formula.process) for s in formula.given], bare)

    def in_floats(instance: ExactInstance) -> tuple[bool, bool, bool]:
        """Whether the conclusion compares 0 with 0, whether it does at these sizes anyway, and whether it holds.

        The last, at both float tolerances, decides irrational equality cases, which overlap at any precision of the exact
        reading.
        """
        if conclusion is None or plain is None:
            return False, False, formula.then is None
        batch = to_batch(instance, formula)
        batch = batch if formula.process is None else started(batch, formula.process)
        (decision,) = decide([conclusion], batch, known=plain.known(batch, conclusion))
        idle = bool(decision.noise[0])
        return idle, idle and plain.empty(batch), bool(decision.truth[0] == TRUE)

    def probe(instance: ExactInstance) -> None:
        arranged = reader.enforce(instance)
        if arranged is None:
            return
        decision = reader.read(arranged)
        is_met = all(t is Truth.TRUE for t in decision.hypotheses)
        if seen.found is None:
            seen.n += 1
            if is_met:
                met.append(instance)
                idle, empty, held = in_floats(arranged)
                counts = not idle and not is_outside(decision)
                seen.n_active += int(counts)
                seen.n_forced += int(idle and not empty)
                seen.reaching.note(to_batch(arranged, formula), np.array([counts]))
                seen.n_undecided += int(decision.conclusion is Truth.UNDECIDED and not held and not is_outside(decision))
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
