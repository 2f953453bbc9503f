"""What an exact instance counts as: active, 0 against 0, or undecided.

Main definitions: `ExactCounter`.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.calculus.conditions import Condition, reduced
from verify.evaluation.batches import instantiate_condition
from verify.evaluation.decide import TRUE, decide
from verify.kernel import Decision, Truth
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.losses.taylor import taylor_model
from verify.points.sources.trajectories import started
from verify.runner.assumed import Plain
from verify.runner.exact_findings import is_outside
from verify.runner.weighing import Counts
from verify.search.instances import ExactInstance, to_batch
from verify.search.precise import sized


@dataclass(frozen=True)
class ExactCounter:
    """A claim whose exact instances are counted."""

    formula: Formula
    conclusion: Condition | None
    """With local models in the place of functions."""
    plain: Plain | None

    @staticmethod
    def of(formula: Formula) -> ExactCounter:
        """The counter of a claim."""
        if formula.then is None:
            return ExactCounter(formula, None, None)
        bare = reduced(formula.then, formula.process)
        plain = Plain(formula, [reduced(s, formula.process) for s in formula.given], bare)
        return ExactCounter(formula, _opened(bare, formula, None), plain)

    def counts(self, instance: ExactInstance, decision: Decision) -> Counts:
        """One instance, as the exact reader decided it."""
        if not all(t is Truth.TRUE for t in decision.hypotheses):
            return Counts(n=1)
        idle, empty, held = self._in_floats(instance)
        outside = is_outside(decision)
        return Counts(
            n=1,
            n_active=int(not idle and not outside),
            n_undecided=int(decision.conclusion is Truth.UNDECIDED and not held and not outside),
            n_forced=int(idle and not empty),
            n_trivial=int(idle and empty),
        )

    def _in_floats(self, instance: ExactInstance) -> tuple[bool, bool, bool]:
        """Whether the conclusion compares 0 with 0, whether it does at these sizes anyway, and whether it holds.

        The last, at both float tolerances, decides irrational equality cases, which overlap at any precision of the exact
        reading.
        """
        if self.conclusion is None or self.plain is None:
            return False, False, self.formula.then is None
        batch = to_batch(instance, self.formula)
        batch = batch if self.formula.process is None else started(batch, self.formula.process)
        conclusion = _opened(self.plain.conclusion, self.formula, instance) if instance.bodies else self.conclusion
        (decision,) = decide([conclusion], batch, known=self.plain.known(batch, conclusion))
        idle = bool(decision.noise[0])
        return idle, idle and self.plain.empty(batch), bool(decision.truth[0] == TRUE)


def _opened(conclusion: Condition, formula: Formula, instance: ExactInstance | None) -> Condition:
    """With the functions of an instance written in, closed formulas and local models."""
    if instance is not None:
        conclusion = sized(conclusion, instance.dims)
    return instantiate_condition(conclusion, {n: _function(f, instance) for n, f in formula.functions().items()})


def _function(function: FunctionSymbol, instance: ExactInstance | None) -> FunctionSymbol:
    body = None if instance is None else instance.bodies.get(function.name)
    if instance is None or body is None:
        return taylor_model(function)
    rows, cols = (d if isinstance(d, int) else instance.dims[d] for d in function.shape)
    return FunctionSymbol(function.name, (rows, cols), body)
