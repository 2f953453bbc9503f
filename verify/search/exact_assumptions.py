"""Meeting assumptions exactly over the rationals: definitions are carried out, equations linear in some data are solved.

Main definitions: `enforce_exactly`. What cannot be arranged is left to the exact reading of the claim, which will find the
assumption false and discard the instance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from verify.calculus.conditions import at_start, conjuncts, reduced
from verify.calculus.differentiate import tangent
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.batches import instantiate
from verify.evaluation.fields import RationalField
from verify.evaluation.interpret import evaluate_term, evaluate_terms
from verify.evaluation.rational_linear_algebra import eliminate
from verify.language.errors import NotDifferentiable, NotRational
from verify.language.formulas import Formula
from verify.language.operations.operation import Environment
from verify.language.statements import Comparison
from verify.language.terms import DIRECTION, Term, make, number, symbol, symbols_of
from verify.losses.taylor import data_name, taylor_model
from verify.points.sources.assumptions import definitions
from verify.search.instances import ExactInstance, rows_of

Array = Any
_UNKNOWNS = 40


@dataclass(frozen=True)
class _Unknowns:
    """Variables in which some residuals are affine together, with the slopes of those residuals in the variables' moves."""

    names: tuple[str, ...]
    using: tuple[int, ...]
    slopes: tuple[Term, ...]


class Enforcer:
    """Prepared once for a claim; then applied to many instances."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.models = {n: taylor_model(f) for n, f in formula.functions().items()}
        conditions = conjuncts([reduced(at_start(s, formula.process), formula.process) for s in formula.given])
        self.definitions = [(d.name, self._open(d.value)) for d in definitions(conditions)]
        defined = {name for name, _ in self.definitions}
        self.residuals = [
            self._open(make("add", c.left, make("mul", number(-1), c.right)))
            for c in conditions
            if isinstance(c, Comparison) and c.relation == "equal"
        ]
        own = [data_name(f, "G") for f in formula.functions()]
        candidates = [*own, *formula.matrices(), *formula.scalars()]
        self.unknowns = self._groups([n for n in candidates if n not in defined])

    def _open(self, term: Term) -> Term:
        return instantiate(term, self.models)

    def _groups(self, candidates: Sequence[str]) -> list[_Unknowns]:
        """Sets of variables in which all residuals are affine: single ones, then pairs with the first."""
        singles = [g for n in candidates if (g := self._affine((n,))) is not None]
        names = [g.names[0] for g in singles]
        pairs = [self._affine((a, b)) for i, a in enumerate(names[:3]) for b in names[i + 1 :]]
        return [*singles, *(g for g in pairs if g is not None)]

    def _affine(self, names: tuple[str, ...]) -> _Unknowns | None:
        """The variables together, if all residuals are affine in them and at least one contains one of them."""
        using = tuple(i for i, r in enumerate(self.residuals) if any(n in symbols_of(r) for n in names))
        if not using:
            return None
        shapes = {n: symbols_of(self.residuals[i])[n] for i in using for n in names if n in symbols_of(self.residuals[i])}
        moves = {n: symbol(_move(n), shape) for n, shape in shapes.items()}
        try:
            slopes = tuple(tangent(self.residuals[i], moves) for i in using)
            affine = all(polynomial_of(tangent(t, moves)).is_zero for t in slopes)
        except NotDifferentiable:
            return None
        return _Unknowns(names, using, slopes) if affine else None

    def __call__(self, instance: ExactInstance) -> ExactInstance | None:
        """The instance with assumptions arranged; None where that is impossible."""
        if instance.bodies:
            # A function given by its own formula has no free data left to arrange.
            return instance
        try:
            for name, value in self.definitions:
                instance = _assign(instance, name, evaluate_term(value, environment(instance), RationalField()))
            if not self.residuals:
                return instance
            values = evaluate_terms(self.residuals, environment(instance), RationalField())
            residuals = [[Fraction(x) for x in np.ravel(value)] for value in values]
            for unknowns in self.unknowns:
                solved = self._solve(instance, unknowns, residuals)
                if solved is not None:
                    return solved
        except (NotRational, KeyError, ZeroDivisionError):
            return None
        return instance

    def _solve(
        self, instance: ExactInstance, unknowns: _Unknowns, residuals: Sequence[Sequence[Fraction]]
    ) -> ExactInstance | None:
        """Solve the residuals for variables in which they are affine, changing them as little as elimination allows."""
        names = unknowns.names
        entries = [x for n in names for x in entries_of(instance, n)]
        if len(entries) > _UNKNOWNS:
            return None
        if any(any(value) for i, value in enumerate(residuals) if i not in unknowns.using):
            return None
        value = [x for i in unknowns.using for x in residuals[i]]
        if not any(value):
            return instance
        columns = [self._slope(instance, unknowns, position) for position in range(len(entries))]
        system = [[col[i] for col in columns] + [-value[i]] for i in range(len(value))]
        reduced_system, pivots, _ = eliminate(system)
        if len(entries) in pivots:
            return None
        step = [Fraction(0)] * len(entries)
        for line, pivot in enumerate(pivots):
            step[pivot] = reduced_system[line][-1]
        solved = with_entries(instance, names, [x + d for x, d in zip(entries, step, strict=True)])
        domains = self.formula.scalars()
        inside = all(domains[n].contains(solved.scalars[n]) for n in names if n in domains)
        return solved if inside else None

    def _slope(self, instance: ExactInstance, unknowns: _Unknowns, position: int) -> list[Fraction]:
        """How the residuals change with one entry of the unknowns."""
        count = sum(len(entries_of(instance, n)) for n in unknowns.names)
        unit = [Fraction(int(k == position)) for k in range(count)]
        moved = environment(with_entries(instance, unknowns.names, unit)).values
        here = environment(instance)
        values = {**here.values, **{_move(n): moved[n] for n in unknowns.names}}
        slopes = evaluate_terms(unknowns.slopes, Environment(values, here.dims, {}, here.operators), RationalField())
        return [Fraction(x) for slope in slopes for x in np.ravel(slope)]


def _move(name: str) -> str:
    """The symbol that stands for a change of a variable."""
    return DIRECTION + name


def entries_of(instance: ExactInstance, name: str) -> list[Fraction]:
    """The numbers of a variable, row by row."""
    if name in instance.scalars:
        return [instance.scalars[name]]
    return [x for row in instance.matrices[name] for x in row]


def with_entries(instance: ExactInstance, names: Sequence[str], entries: Sequence[Fraction]) -> ExactInstance:
    """The instance with the numbers of some variables replaced, in order."""
    start = 0
    for name in names:
        if name in instance.scalars:
            instance = instance.with_scalar(name, entries[start])
            start += 1
        else:
            rows, cols = len(instance.matrices[name]), len(instance.matrices[name][0])
            block = entries[start : start + rows * cols]
            instance = instance.with_matrix(name, tuple(tuple(block[i * cols : (i + 1) * cols]) for i in range(rows)))
            start += rows * cols
    return instance


def _assign(instance: ExactInstance, name: str, value: Array) -> ExactInstance:
    if np.shape(value) == ():
        return instance.with_scalar(name, Fraction(value.item()))
    return instance.with_matrix(name, rows_of(value))


def environment(instance: ExactInstance) -> Environment:
    """Object arrays for the exact field."""
    values: dict[str, Array] = {n: np.array(v, dtype=object) for n, v in instance.scalars.items()}
    matrices: Mapping[str, Array] = {n: _object_array(v) for n, v in instance.matrices.items()}
    return Environment({**values, **matrices}, instance.dims, {}, matrices)


def _object_array(rows: Any) -> Array:
    out = np.empty((len(rows), len(rows[0])), dtype=object)
    for i, row in enumerate(rows):
        for j, x in enumerate(row):
            out[i, j] = x
    return out
