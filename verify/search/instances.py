"""Exact rational instances of a claim.

Main definitions: `ExactInstance`, `from_batch`, `to_json`, `body_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.language.formulas import Formula
from verify.language.operations.algebra import inner
from verify.language.operations.entries import HOLE
from verify.language.operations.functions import FunctionSymbol
from verify.language.serial import Json, fraction_text, term_to_json
from verify.language.terms import ARGUMENT, Term, make, number, symbol, symbols_of
from verify.losses.taylor import data_name, entry_sum, taylor_model
from verify.search.closed import closed_body, plain

Rows = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class ExactInstance:
    """Rational values for everything a claim quantifies over.

    Attributes:
        dims: sizes by name.
        scalars: numbers by name.
        matrices: rows by name; an operator's matrix on row-major vectors stands here too. The data of a function f's local
            model stand under `f·P`, `f·G` and `f·H`, its cubic coefficient among the scalars under `f·c`.
        bodies: closed formulas for functions that are not given by a local model.
        steps: the number of training steps before the conclusion is read (claims along a process).
    """

    dims: Mapping[str, int]
    scalars: Mapping[str, Fraction] = field(default_factory=dict)
    matrices: Mapping[str, Rows] = field(default_factory=dict)
    bodies: Mapping[str, Term] = field(default_factory=dict)
    steps: int = 0

    def with_scalar(self, name: str, value: Fraction) -> ExactInstance:
        """One number changed."""
        return replace(self, scalars={**self.scalars, name: value})

    def with_matrix(self, name: str, value: Rows) -> ExactInstance:
        """One matrix changed."""
        return replace(self, matrices={**self.matrices, name: value})


def rows_of(value: Any) -> Rows:
    """Nested sequences of rationals as rows."""
    return tuple(tuple(Fraction(x) for x in row) for row in value)


def from_batch(batch: Batch, formula: Formula, rounding: Callable[[Any], Fraction], steps: int = 0) -> ExactInstance:
    """The first instance of a batch with every number rounded; a process' moving state is left to its start.

    Numbers are rounded as they are: floats, or what a batch of many digits holds.
    """
    scalars: dict[str, Fraction] = {}
    matrices: dict[str, Rows] = {}
    for name, value in [*batch.values.items(), *batch.operators.items()]:
        if value.ndim == 1:
            scalars[name] = rounding(plain(value[0]))
        else:
            matrices[name] = tuple(tuple(rounding(plain(x)) for x in row) for row in value[0])
    for operator in formula.operators().values():
        if operator.symmetric:
            matrices[operator.name] = symmetrized(matrices[operator.name])
    bodies: dict[str, Term] = {}
    for name in formula.functions():
        if data_name(name, "P") in matrices and data_name(name, "H") in matrices:
            bend = data_name(name, "H")
            matrices[bend] = symmetrized(matrices[bend])
            cubic, body = data_name(name, "c"), batch.functions[name].body if name in batch.functions else None
            if body is not None and cubic not in symbols_of(body):
                # Data that the formula does not use: the model has no cubic remainder.
                scalars[cubic] = Fraction(0)
            scalars.setdefault(cubic, Fraction(0))
        else:
            bodies[name] = closed_body(batch.functions[name], batch, rounding)
    kept = {*formula.matrices(), *formula.operators()}
    matrices = {n: v for n, v in matrices.items() if n in kept or not _belongs(n, bodies)}
    scalars = {n: v for n, v in scalars.items() if not _belongs(n, bodies)}
    dims = {d: batch.dims[d] for d in formula.dims}
    return ExactInstance(dims, scalars, matrices, bodies, steps)


def _belongs(name: str, functions: Mapping[str, Term]) -> bool:
    """Whether a name is a datum of one of the functions."""
    return any(name.startswith(data_name(f, "")) for f in functions)


def symmetrized(rows: Rows) -> Rows:
    """The upper triangle, mirrored."""
    return tuple(tuple(rows[min(i, j)][max(i, j)] for j in range(len(rows))) for i in range(len(rows)))


def body_of(function: FunctionSymbol, instance: ExactInstance) -> Term:
    """The function as a closed formula in its argument (only numbers): its given body, or its local model."""
    if function.name in instance.bodies:
        return instance.bodies[function.name]
    base, slope, bend = (instance.matrices[data_name(function.name, part)] for part in ("P", "G", "H"))
    cubic = instance.scalars[data_name(function.name, "c")]
    rows, cols = len(base), len(base[0])
    argument = symbol(ARGUMENT, (rows, cols))
    # Around the base point, but written out in the entries of the argument: that is shorter and cheaper to read.
    base_entries = [x for row in base for x in row]
    pull = [sum((h * x for h, x in zip(line, base_entries, strict=True)), Fraction(0)) for line in bend]
    flat_slope = [g - p for g, p in zip((x for row in slope for x in row), pull, strict=True)]
    constant = sum(
        ((p / 2 - g) * x for p, g, x in zip(pull, (x for row in slope for x in row), base_entries, strict=True)), Fraction(0)
    )
    parts: list[Term] = [number(constant)] if constant else []
    if any(flat_slope):
        parts.append(inner(literal(tuple(tuple(flat_slope[i * cols : (i + 1) * cols]) for i in range(rows))), argument))
    entries = [make("entry", argument, payload=(i, j)) for i in range(rows) for j in range(cols)]
    for a, left in enumerate(entries):
        # Grouped by the first factor: a reader multiplies mn times instead of (mn)²/2 times.
        weights = [bend[a][a] / 2, *bend[a][a + 1 :]]
        terms = [make("mul", number(w), e) for w, e in zip(weights, entries[a:], strict=True) if w]
        if terms:
            parts.append(make("mul", left, terms[0] if len(terms) == 1 else make("add", *terms)))
    if cubic:
        move = make("add", argument, make("mul", number(-1), literal(base))) if any(base_entries) else argument
        cube = make("map", move, payload=(make("pow", HOLE, payload=(Fraction(3),)),))
        parts.append(make("mul", number(cubic / 6), entry_sum(cube)))
    if not parts:
        return make("mul", number(0), make("entry", argument, payload=(0, 0)))
    return parts[0] if len(parts) == 1 else make("add", *parts)


def literal(rows: Rows) -> Term:
    """A constant matrix."""
    return make("literal", payload=(rows,))


def free_matrices(formula: Formula) -> list[str]:
    """The matrices an instance chooses; a process with a start determines its moving variables itself."""
    moving = _started(formula)
    return [n for n in formula.matrices() if n not in moving]


def free_scalars(formula: Formula) -> list[str]:
    """The same of scalars."""
    moving = _started(formula)
    return [n for n in formula.scalars() if n not in moving]


def _started(formula: Formula) -> set[str]:
    """What moves along a process from a start that the claim gives."""
    started = formula.process is not None and formula.process.start
    return {v.payload[0] for v in formula.process.variables} if formula.process is not None and started else set()


def to_batch(instance: ExactInstance, formula: Formula) -> Batch:
    """The instance in floating point, as a batch of one; functions must be local models."""
    matrices = {n: np.array([[[float(x) for x in row] for row in rows]]) for n, rows in instance.matrices.items()}
    scalars = {n: np.array([float(x)]) for n, x in instance.scalars.items()}
    models = {n: taylor_model(f) for n, f in formula.functions().items()}
    return Batch(instance.dims, {**scalars, **matrices}, matrices, models, "small exact", 1)


def values_to_json(instance: ExactInstance, formula: Formula) -> dict[str, Json]:
    """The certificate's `values` object."""
    found: dict[str, Json] = {}
    for name in free_scalars(formula):
        found[name] = fraction_text(instance.scalars[name])
    for name in [*free_matrices(formula), *formula.operators()]:
        found[name] = [[fraction_text(x) for x in row] for row in instance.matrices[name]]
    for name, function in formula.functions().items():
        found[name] = {"body": term_to_json(body_of(function, instance))}
    return found
