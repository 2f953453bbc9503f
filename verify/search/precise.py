"""One instance of a claim read with many digits: how far its assumptions are from being met, how far its conclusion fails.

Main definitions: `PreciseReader`, `Reading`. No proof, but far below any float tolerance: it tells what a float took for a
violation from one. Everything is read from an exact instance, which is what is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np

from verify.calculus.conditions import (
    AllOf,
    AnyOf,
    Condition,
    CurvatureBounds,
    HessianSemidefinite,
    conjuncts,
    reduced,
    step_of,
)
from verify.calculus.differentiate import gradients
from verify.evaluation.batches import Batch, instantiate, instantiate_condition
from verify.evaluation.fields import DecimalField
from verify.evaluation.interpret import evaluate_terms
from verify.language.errors import ClaimError
from verify.language.formulas import Formula
from verify.language.numbers import is_decimal, significant
from verify.language.operations.algebra import inner
from verify.language.operations.functions import FunctionSymbol
from verify.language.processes import Process
from verify.language.statements import FunctionOf
from verify.language.terms import ARGUMENT, Term, make, number, rebuild, symbol, walk
from verify.losses.taylor import data_name, taylor_model
from verify.points.sources.binding import renamed
from verify.points.sources.trajectories import states
from verify.search.instances import ExactInstance, from_batch
from verify.search.shortfalls import APART, Amount, Amounts, in_floats, nan_largest

Array = Any
DIGITS = 50
"""The digits that a reading is good for; it works with more."""
_GUARD = 20
MET = 1e-38
"""The shortfall of assumptions that hold to fifty digits, where terms of some size cancel."""
HOLDS = 1e-30
"""A conclusion that fails by less than this, relative, holds."""
NO_READING = (ArithmeticError, ValueError, RuntimeError, IndexError, ClaimError)
"""What an instance without a reading raises: outside a domain, no convergence, no value in this arithmetic."""


@dataclass(frozen=True)
class Reading:
    """What was read at an instance.

    Attributes:
        shortfall: by how much the worst assumption is missed, relative to the sizes it compares.
        violation: by how much the conclusion fails; not positive where it holds.
    """

    shortfall: float
    violation: Amount

    def meets(self, tolerance: float) -> bool:
        """Whether every assumption is met up to a tolerance; never where one has no value."""
        return self.shortfall <= tolerance


class PreciseReader:
    """Reads one claim at many instances, with `DIGITS` digits.

    Args:
        formula: the claim.
        resolution: relative differences and singular values below this are none; by default far below any data's.
    """

    def __init__(self, formula: Formula, resolution: float | None = None) -> None:
        self.formula = formula
        self.field = DecimalField(DIGITS + _GUARD, resolution)
        self.apart = APART if resolution is None else resolution
        self.given = conjuncts([reduced(s, formula.process) for s in formula.given])
        self.then = None if formula.then is None else reduced(formula.then, formula.process)

    def read(self, instance: ExactInstance) -> Reading | None:
        """The reading at an instance; None where it has none."""
        try:
            with np.errstate(all="ignore"):
                return self.read_batch(self.batch(instance), instance.steps)
        except NO_READING:
            return None

    def read_batch(self, batch: Batch, steps: int) -> Reading:
        """The reading of a batch of one with many digits."""
        start = self.begun(batch)
        missed = Amounts(self.opened(self.given, batch), start, self.field, self.apart)
        shortfall = max([missed.missed(c) for c in missed.conditions], default=0.0, key=nan_largest)
        if self.then is None:
            return Reading(shortfall, Amount(1.0, self.field.mp.mpf(1)))
        state = self.after(start, steps)
        concluded = Amounts(self.opened([self.then], batch), state, self.field, self.apart)
        return Reading(shortfall, concluded.of(concluded.conditions[0]))

    def batch(self, instance: ExactInstance) -> Batch:
        """The instance as a batch of one with many digits; closed formulas stand for functions that are no local models."""
        numbers = {n: self.field.literal([[x]])[0] for n, x in instance.scalars.items()}
        matrices = {n: self.field.literal(rows)[None] for n, rows in instance.matrices.items()}
        functions = {n: self._function(f, instance) for n, f in self.formula.functions().items()}
        return Batch(instance.dims, {**numbers, **matrices}, matrices, functions, "", 1)

    def _function(self, function: FunctionSymbol, instance: ExactInstance) -> FunctionSymbol:
        rows, cols = (d if isinstance(d, int) else instance.dims[d] for d in function.shape)
        here = FunctionSymbol(function.name, (rows, cols), instance.bodies.get(function.name))
        remainder = instance.scalars.get(data_name(function.name, "c"))
        return taylor_model(here, cubic=bool(remainder)) if here.body is None else here

    def instance(self, batch: Batch, like: ExactInstance, digits: int | None = None) -> ExactInstance:
        """The batch as an exact instance; its numbers rounded to some significant digits, or as they are."""

        def rounding(value: Any) -> Fraction:
            x = self.field.mp.mpf(value)
            return self._exact(x) if digits is None else Fraction(self.field.mp.nstr(x, digits))

        told = {n: d for n, d in self.formula.variables.items() if n not in like.bodies}
        chosen = replace(batch, operators={n: batch.operators[n] for n in self._operators(like)})
        made = from_batch(chosen, replace(self.formula, variables=told), rounding, like.steps)
        bodies = {n: self._with_slope(n, body, batch, rounding) for n, body in like.bodies.items()}
        return replace(made, bodies=bodies if digits is None else {n: shorter(b, digits) for n, b in bodies.items()})

    def tilted(self, batch: Batch, instance: ExactInstance) -> Batch:
        """The batch with a linear part, 0 so far, added to every function that is given by a closed formula."""
        values, functions = dict(batch.values), dict(batch.functions)
        for name, body in instance.bodies.items():
            shape = functions[name].shape
            slope = data_name(name, "G")
            values[slope] = self.field.full(int(shape[0]), int(shape[1]), 0)[None]
            tilt = inner(symbol(slope, shape), symbol(ARGUMENT, shape))
            functions[name] = FunctionSymbol(name, shape, make("add", body, tilt))
        return replace(batch, values=values, functions=functions)

    def _with_slope(self, name: str, body: Term, batch: Batch, rounding: Callable[[Any], Fraction]) -> Term:
        slope = batch.values.get(data_name(name, "G"))
        if slope is None:
            return body
        literal = make("literal", payload=(tuple(tuple(rounding(x) for x in row) for row in slope[0]),))
        return make("add", body, inner(literal, symbol(ARGUMENT, literal.shape)))

    def _operators(self, like: ExactInstance) -> list[str]:
        bends = [data_name(f, "H") for f in self.formula.functions() if f not in like.bodies]
        return [*self.formula.operators(), *bends]

    def _exact(self, number: Any) -> Fraction:
        from mpmath.libmp import to_rational

        numerator, denominator = to_rational(number._mpf_)
        return Fraction(int(numerator), int(denominator))

    def opened(self, conditions: Sequence[Condition], batch: Batch) -> list[Condition]:
        """The conditions at the batch's sizes, with its functions written in."""
        return [instantiate_condition(sized(c, batch.dims), batch.functions) for c in conditions]

    def begun(self, batch: Batch) -> Batch:
        """The batch at the start of the training process, where there is one."""
        process = self.formula.process
        if process is None or not process.start:
            return batch
        return self._with([v.payload[0] for v in process.variables], process.start, batch)

    def after(self, batch: Batch, steps: int) -> Batch:
        """The state after some training steps: descent is replayed with all digits, a flow in floats."""
        process = self.formula.process
        if process is None or steps == 0:
            return batch
        if process.step is None:
            reached = next(islice(states(in_floats(batch), _process(process, batch), steps), steps, None), None)
            return batch if reached is None else reached.batch
        slopes = dict(zip(process.variables, gradients(process.loss, process.variables), strict=True))
        moved = step_of(process, slopes)
        names = [v.payload[0] for v in process.variables]
        for _ in range(steps):
            batch = self._with(names, [moved[v] for v in process.variables], batch)
        return batch

    def _with(self, names: Sequence[str], terms: Sequence[Term], batch: Batch) -> Batch:
        opened = [instantiate(_sized(t, batch.dims), batch.functions) for t in terms]
        values = evaluate_terms(opened, batch.environment(), self.field)
        full = [
            np.broadcast_to(v, (batch.count, *v.shape[v.ndim - len(t.shape) :])) for v, t in zip(values, terms, strict=True)
        ]
        return replace(batch, values={**batch.values, **dict(zip(names, full, strict=True))})


def shorter(body: Term, digits: int) -> Term:
    """The formula with its data rounded to some significant digits; fractions such as 1/3 are part of the formula and stay."""

    def short(value: Fraction) -> Fraction:
        return significant(value, digits) if is_decimal(value) else value

    numbers = {n: number(short(n.payload[0])) for n in walk(body) if n.op == "num"}
    literals = {
        n: make("literal", payload=(tuple(tuple(map(short, row)) for row in n.payload[0]),))
        for n in walk(body)
        if n.op == "literal"
    }
    return rebuild(body, {**numbers, **literals})


def sized(condition: Condition, dims: Mapping[str, int]) -> Condition:
    """The condition with numbers for dimensions, so that it meets formulas of explicit sizes."""

    def change(term: Term) -> Term:
        return _sized(term, dims)

    match condition:
        case AllOf() | AnyOf():
            return type(condition)(tuple(sized(p, dims) for p in condition.parts))
        case HessianSemidefinite():
            return HessianSemidefinite(change(condition.loss), tuple(change(v) for v in condition.variables))
        case CurvatureBounds():
            bounds = [None if b is None else change(b) for b in (condition.lower, condition.upper)]
            rows, cols = (d if isinstance(d, int) else dims[d] for d in condition.function.shape)
            return CurvatureBounds(FunctionOf((rows, cols), change(condition.function.body)), bounds[0], bounds[1])
        case _:
            return condition.mapped(change)


def _process(process: Process, batch: Batch) -> Process:
    made = process.mapped(lambda t: instantiate(_sized(t, batch.dims), batch.functions))
    return replace(made, variables=tuple(_sized(v, batch.dims) for v in process.variables))


def _sized(term: Term, dims: Mapping[str, int]) -> Term:
    return renamed(term, lambda d: d if isinstance(d, int) else dims[d], lambda name: name)
