"""The exact reading of a claim at rational instances, by the kernel; search and shrinking are driven by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from verify.certificates.build import instance_certificate
from verify.certificates.stationary import PointBuilder
from verify.evaluation.batches import Batch
from verify.kernel import Decision, Rejected, Truth, decide
from verify.kernel import check as kernel_check
from verify.language.formulas import Formula, Quantifier
from verify.language.numbers import show_number, significant, with_decimals
from verify.language.printing import text
from verify.language.terms import Term, is_zero, rebuild, symbol, walk
from verify.search.exact_assumptions import Enforcer
from verify.search.instances import ExactInstance, body_of, free_matrices, free_scalars, values_to_json
from verify.search.shrink import shrink

BITS = 128
UNREAD = Decision((Truth.UNDECIDED,), Truth.UNDECIDED, None)
"""What the kernel says beyond its limits or rules."""
OUTSIDE = replace(UNREAD)
"""The same where a value lies outside its domain, as a positive number that was rounded to 0."""
_LONGEST = 200
_BRIEF = 10
_LATER = "some time later along the flow"


class ExactReader:
    """Reads one claim at many instances."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.claim = formula.to_json()
        self._bare = replace(formula, given=()).to_json()
        self.enforce: Callable[[ExactInstance], ExactInstance | None] = Enforcer(formula)
        self.points = PointBuilder(formula)

    def read(self, instance: ExactInstance) -> Decision:
        """What the kernel says at the instance."""
        return self._read(self.claim, instance)

    def excludes(self, instance: ExactInstance, positions: Sequence[int]) -> bool:
        """Whether one of the assumptions at these positions is false at the instance; the others are not read."""
        few = replace(self.formula, given=tuple(self.formula.given[i] for i in positions))
        return any(t is Truth.FALSE for t in self._read(few.to_json(), instance).hypotheses)

    def _read(self, claim: Any, instance: ExactInstance) -> Decision:
        try:
            values = values_to_json(instance, self.formula)
            return decide(claim, dict(instance.dims), values, BITS, instance.steps)
        except Rejected as no:
            # It has no reading, so nothing is decided.
            return OUTSIDE if no.rule == "values" else UNREAD

    def concludes(self, instance: ExactInstance) -> Truth:
        """Whether the conclusion holds at the instance, whatever its assumptions."""
        return self._read(self._bare, instance).conclusion

    def may_settle(self, instance: ExactInstance) -> bool:
        """Whether the conclusion alone leaves room for a counterexample: far cheaper than reading assumptions about points."""
        if self.formula.then is None:
            return True
        return self.concludes(instance) is Truth.FALSE

    def violates(self, instance: ExactInstance) -> ExactInstance | None:
        """The instance, assumptions arranged, if it is a counterexample (or a witness of an `exists` claim)."""
        arranged = self.enforce(instance)
        if arranged is None:
            return None
        return arranged if self.settles(self.read(arranged)) else None

    def violating_near(self, batch: Batch) -> ExactInstance | None:
        """A counterexample near the first instance of a batch, with its point made exactly stationary."""
        built = self.points.near(batch)
        return next((instance for instance in built if self.settles(self.read(instance))), None)

    def settles(self, decision: Decision) -> bool:
        """Whether a reading decides the claim: assumptions true, and the conclusion false (or nothing to conclude)."""
        if not all(t is Truth.TRUE for t in decision.hypotheses):
            return False
        return self.formula.quantifier is Quantifier.EXISTS or decision.conclusion is Truth.FALSE

    def certify(self, instance: ExactInstance, tests: int) -> tuple[ExactInstance, Any, Decision] | None:
        """The shrunk instance with its certificate, if the kernel accepts it."""
        small = shrink(instance, self.formula, self.violates, tests)
        verdict = "PROVED" if self.formula.quantifier is Quantifier.EXISTS else "REFUTED"
        decision = self.read(small)
        certificate = instance_certificate(self.formula, small, verdict, BITS, decision.comparison)
        return (small, certificate, decision) if kernel_check(certificate).accepted else None


def roundings() -> list[Callable[[float], Fraction]]:
    """From coarse to exact: whole numbers, small denominators, then the float itself."""

    def near(denominator: int) -> Callable[[float], Fraction]:
        return lambda x: Fraction(x).limit_denominator(denominator)

    return [near(1), near(2), near(5), near(10), near(100), near(10_000), near(1_000_000), Fraction]


def with_steps(instance: ExactInstance, steps: int) -> ExactInstance:
    """The same instance, read after some training steps."""
    return replace(instance, steps=steps)


def briefly(instance: ExactInstance, formula: Formula) -> ExactInstance:
    """The instance with its matrices to ten significant digits, to be shown only."""
    shown = {n: tuple(tuple(significant(x, _BRIEF) for x in row) for row in m) for n, m in instance.matrices.items()}
    return replace(instance, matrices=shown)


def show_instance(instance: ExactInstance, formula: Formula, longest: int = _LONGEST) -> str:
    """The counterexample in the claim's notation, on one line; formulas of functions up to some length."""
    parts = [" ".join(f"{k}={v}" for k, v in sorted(instance.dims.items()))] if instance.dims else []
    parts += [f"{n}={show_number(instance.scalars[n])}" for n in free_scalars(formula)]
    parts += [f"{n}={show_rows(instance.matrices[n])}" for n in [*free_matrices(formula), *formula.operators()]]
    if formula.functions():
        parts += [f"{n}(Y) = {show_body(body_of(f, instance), longest)}" for n, f in formula.functions().items()]
    if instance.steps:
        unit = "step" if instance.steps == 1 else "steps"
        parts.append(f"after {instance.steps} {unit}" if formula.process and formula.process.step is not None else _LATER)
    return ", ".join(p for p in parts if p)


def show_body(body: Term, longest: int = _LONGEST) -> str:
    """A function's formula in the argument Y."""
    if body.op == "mul" and any(is_zero(a) for a in body.args):
        return "0"
    arguments = {node: symbol("Y", node.shape) for node in walk(body) if node.op == "sym"}
    shown = with_decimals(text(rebuild(body, arguments)))
    return shown if len(shown) <= longest else shown[: longest - 1] + "… (whole in the certificate)"


def show_rows(rows: tuple[tuple[Fraction, ...], ...]) -> str:
    """``[1 2; 3 4]``."""
    return "[" + "; ".join(" ".join(show_number(x) for x in row) for row in rows) + "]"
