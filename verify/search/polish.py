"""Polishing: a float instance moved until its assumptions hold to fifty digits, by Gauss–Newton with many digits.

Main definitions: `polished`, `Polished`. Residuals have many digits and the derivative half of them; the least-squares step
is a float one, which is enough: each gains some twelve digits, and every step is measured again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.calculus.conditions import AllOf, AnyOf, Condition, conjuncts
from verify.evaluation.batches import Batch
from verify.evaluation.decide import TRUE, decide
from verify.evaluation.interpret import evaluate_terms
from verify.language.statements import Comparison
from verify.language.terms import symbols_of, walk
from verify.losses.taylor import data_name
from verify.search.curvature_inside import with_curvature_inside
from verify.search.dual_witness import dual_pairs, with_dual_witnesses
from verify.search.instances import ExactInstance
from verify.search.precise import DIGITS, NO_READING, PreciseReader
from verify.search.shortfalls import Amounts, in_floats

Array = Any
MET = 10.0**-DIGITS
"""An equation holds when its sides differ by less than this, relative to their error scale."""
_STEPS = 30
_LARGEST = 150
_SHIFT = 25
"""Digits of the shift in difference quotients: half of those that a reading works with."""
_SLOW = 1e-3
"""A step that gains less than this asks for a new derivative."""
_CUTS = 6
_NO_PIVOT = 1e-11


@dataclass(frozen=True)
class Polished:
    """An instance whose assumptions hold as well as they can be made to.

    Attributes:
        instance: with the numbers as they are, exactly.
        before, after: the worst relative residual of the equations.
    """

    instance: ExactInstance
    before: float
    after: float


def polished(instance: ExactInstance, reader: PreciseReader) -> Polished | None:
    """The instance moved as little as possible to where its equations hold; None where it has no reading there.

    Equations are the equalities among the assumptions, the non-strict inequalities that fail by a rounding error, and what
    a conclusion `≠` denies.
    """
    first = _run(instance, reader, tilted=False)
    if not instance.bodies or (first is not None and first.after <= MET):
        return first
    # A linear part of its own lets a function of fixed curvature take any gradient at one point.
    return _run(instance, reader, tilted=True) or first


def _run(instance: ExactInstance, reader: PreciseReader, *, tilted: bool) -> Polished | None:
    try:
        with np.errstate(all="ignore"):
            return _Newton(instance, reader, tilted=tilted).run()
    except (*NO_READING, np.linalg.LinAlgError):
        return None


class _Newton:
    """The equations of one instance, the unknowns that may move, and their scales."""

    def __init__(self, instance: ExactInstance, reader: PreciseReader, *, tilted: bool) -> None:
        self.reader, self.like, self.field = reader, instance, reader.field
        given = reader.batch(instance)
        batch = with_curvature_inside(given, reader)
        self.batch = with_dual_witnesses(reader.tilted(batch, instance) if tilted else batch, reader)
        self.held = dual_pairs(reader)
        self.changed = batch is not given or bool(self.held)
        begun = reader.begun(self.batch)
        conditions = conjuncts([_chosen(c, in_floats(begun)) for c in reader.opened(reader.given, self.batch)])
        self.amounts = Amounts(conditions, begun, self.field)
        self.equations = [c for c in conditions if isinstance(c, Comparison) and self._binds(c)]
        self.equations += _denied(reader, self.batch, instance.steps)
        sizes = Amounts(self.equations, begun, self.field)
        self.scales = [sizes.scale(c) for c in self.equations]
        self.names = self._unknowns()

    def _binds(self, condition: Comparison) -> bool:
        if condition.relation == "equal":
            return True
        return condition.relation == "le" and self.amounts.of(condition).relative > 0

    def _unknowns(self) -> list[str]:
        """What the equations mention and the instance may choose: matrices, scalars inside their domains, slopes of models."""
        formula = self.reader.formula
        mentioned = {n for c in self.equations for t in (c.left, c.right) for n in symbols_of(t)}
        mentioned |= {n.payload[0].name for c in self.equations for t in (c.left, c.right) for n in walk(t) if n.op == "apply"}
        if formula.process is not None:
            mentioned |= {n for t in formula.process.start for n in symbols_of(t)}
        slopes = [data_name(f, "G") for f in formula.functions()]
        data = (*formula.matrices(), *formula.operators(), *slopes)
        moving = [n for n in data if n in mentioned and n in self.batch.values and n not in self.held]
        return [*moving, *(n for n in formula.scalars() if n in mentioned and self._is_inside(n))]

    def _is_inside(self, name: str) -> bool:
        """Whether a scalar is not held at an end of its domain, or at whole numbers."""
        domain, value = self.reader.formula.scalars()[name], self.like.scalars[name]
        return not domain.integer and value not in (domain.least, domain.most)

    def run(self) -> Polished | None:
        size = sum(int(np.prod(self.batch.values[n].shape[1:])) for n in self.names)
        before = self._worst(self.batch)
        if not self.equations or before <= MET or not 0 < size <= _LARGEST:
            return Polished(self.reader.instance(self.batch, self.like) if self.changed else self.like, before, before)
        best, batch = before, self.batch
        slope = self._slope(batch)
        fresh = True
        for _ in range(_STEPS):
            moved, worst = self._stepped(batch, slope, best)
            gained = worst <= _SLOW * best
            if worst < best:
                batch, best = moved, worst
            elif fresh:
                break
            if best <= MET:
                break
            fresh = not gained
            slope = slope if gained else self._slope(batch)
        made = self.reader.instance(batch, self.like)
        return Polished(made, before, best) if self._in_domains(made) else None

    def _in_domains(self, instance: ExactInstance) -> bool:
        return all(d.contains(instance.scalars[n]) for n, d in self.reader.formula.scalars().items())

    def _stepped(self, batch: Batch, slope: tuple[Array, Array], best: float) -> tuple[Batch, float]:
        """The Gauss–Newton step, cut until the equations hold better."""
        inverse, widths = slope
        residual = self._residual(batch)[0]
        size = max((abs(x) for x in residual), default=self.field.mp.mpf(0))
        direction = inverse @ np.array([float(x / size) for x in residual])
        move = np.array([self.field.mp.mpf(float(d)) * size * w for d, w in zip(-direction, widths, strict=True)], dtype=object)
        moved, worst = batch, float("inf")
        for cut in range(_CUTS):
            moved = self._moved(batch, (move / 4**cut)[None])
            worst = self._worst(moved)
            if worst < best:
                break
        return moved, worst

    def _slope(self, batch: Batch) -> tuple[Array, Array]:
        """The pseudoinverse of the scaled derivative, and the scales of the unknowns."""
        widths = self._widths(batch)
        shift = self.field.mp.mpf(10) ** -_SHIFT
        count = len(widths)
        shifts = np.full((count + 1, count), self.field.mp.mpf(0), dtype=object)
        for i, width in enumerate(widths):
            shifts[i + 1, i] = shift * width
        residuals = self._residual(self._moved(batch, shifts))
        slopes = [[float((x - y) / shift) for x, y in zip(row, residuals[0], strict=True)] for row in residuals[1:]]
        return np.linalg.pinv(np.array(slopes).T, rcond=_NO_PIVOT), widths

    def _widths(self, batch: Batch) -> Array:
        """For every unknown the size of the matrix or scalar that it belongs to; 1 where that is 0."""
        widths: list[Any] = []
        for name in self.names:
            entries = batch.values[name].ravel()
            size = max(abs(x) for x in entries)
            widths += [size if size > 0 else self.field.mp.mpf(1)] * len(entries)
        return np.array(widths, dtype=object)

    def _residual(self, batch: Batch) -> Array:
        """The scaled residuals of all equations, `(count, entries)`."""
        terms = [t for c in self.equations for t in (c.left, c.right)]
        begun = self.reader.begun(batch)
        sides = evaluate_terms(terms, begun.environment(), self.field)
        parts = []
        for left, right, scale, equation in zip(sides[::2], sides[1::2], self.scales, self.equations, strict=True):
            gap = np.asarray(left - right, dtype=object)
            shape = gap.shape[gap.ndim - len(equation.left.shape) :]
            parts.append(np.broadcast_to(gap, (batch.count, *shape)).reshape(batch.count, -1) / self.field.mp.mpf(scale))
        return np.concatenate(parts, axis=1)

    def _worst(self, batch: Batch) -> float:
        if not self.equations:
            return 0.0
        sizes = [abs(x) for x in self._residual(batch)[0]]
        return float(max(sizes)) if all(s == s for s in sizes) else float("inf")

    def _moved(self, batch: Batch, moves: Array) -> Batch:
        """The batch at several points, `(count, unknowns)` away."""
        values, operators, start = dict(batch.values), dict(batch.operators), 0
        symmetric = {o.name for o in self.reader.formula.operators().values() if o.symmetric}
        for name in self.names:
            shape = values[name].shape[1:]
            length = int(np.prod(shape))
            move = moves[:, start : start + length].reshape(len(moves), *shape)
            values[name] = values[name] + ((move + np.swapaxes(move, -1, -2)) / 2 if name in symmetric else move)
            if name in operators:
                operators[name] = values[name]
            start += length
        return replace(batch, values=values, operators=operators, count=len(moves))


def _chosen(condition: Condition, floats: Batch) -> Condition:
    """Of an `or` the part that holds best, to be polished."""
    match condition:
        case AnyOf():
            read = decide(condition.parts, floats)
            return max(zip(condition.parts, read, strict=True), key=lambda p: (p[1].truth[0] == TRUE, float(p[1].margin[0])))[0]
        case AllOf():
            return AllOf(tuple(_chosen(p, floats) for p in condition.parts))
        case _:
            return condition


def _denied(reader: PreciseReader, batch: Batch, steps: int) -> Sequence[Comparison]:
    """What a conclusion says to differ must be the same at a violation: only then is there one."""
    if reader.then is None or steps:
        return []
    (then,) = reader.opened([reader.then], batch)
    parts = then.parts if isinstance(then, AnyOf) else (then,)
    return [Comparison("equal", c.left, c.right) for c in parts if isinstance(c, Comparison) and c.relation == "distinct"]
