"""Shrinking an exact counterexample: smaller sizes, more zeros, simpler numbers, as long as the violation stays.

Main definitions: `shrink`. The test is a function given by the caller (the exact reading of the claim).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from verify.language.formulas import Formula
from verify.language.terms import Dim
from verify.losses.taylor import data_name
from verify.search.instances import ExactInstance, Rows
from verify.search.local_models import as_local_models

Test = Callable[[ExactInstance], ExactInstance | None]
"""Returns the instance (with assumptions arranged again) if it still violates the claim, else None."""


def shrink(instance: ExactInstance, formula: Formula, violates: Test, budget: int = 400) -> ExactInstance:
    """A simpler instance that still violates the claim, within `budget` tests."""
    tests = 0
    if instance.bodies and budget:
        model = as_local_models(instance, formula)
        tests += 1
        instance = (None if model is None else violates(model)) or instance
    improved = True
    while improved and tests < budget:
        improved = False
        for candidate in _simpler(instance, formula):
            if tests >= budget:
                break
            tests += 1
            found = violates(candidate)
            if found is not None and complexity(found) < complexity(instance):
                instance, improved = found, True
                break
    return instance


def complexity(instance: ExactInstance) -> tuple[int, int]:
    """Entries first, then the length of the numbers."""
    numbers = [x for m in instance.matrices.values() for row in m for x in row] + list(instance.scalars.values())
    return (sum(instance.dims.values()) + instance.steps, sum(_cost(x) for x in numbers))


def _cost(x: Fraction) -> int:
    if x == 0:
        return 0
    return 1 + abs(x.numerator).bit_length() + 2 * (x.denominator.bit_length() - 1) + (1 if x < 0 else 0)


def _simpler(instance: ExactInstance, formula: Formula) -> Iterator[ExactInstance]:
    if instance.steps:
        yield replace(instance, steps=instance.steps - 1)
    yield from _smaller(instance, formula)
    yield from _rescaled(instance, formula)
    for name, value in instance.scalars.items():
        for simple in _simpler_numbers(value):
            yield instance.with_scalar(name, simple)
    for name, rows in instance.matrices.items():
        zero = tuple(tuple(Fraction(0) for _ in row) for row in rows)
        if rows != zero:
            yield instance.with_matrix(name, zero)
        for whole in (
            lambda x: Fraction(round(x)),
            lambda x: x.limit_denominator(2),
            lambda x: x.limit_denominator(10),
        ):
            rounded = tuple(tuple(whole(x) for x in row) for row in rows)
            if rounded != rows:
                yield instance.with_matrix(name, rounded)
    for name, rows in instance.matrices.items():
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                for simple in _simpler_numbers(value):
                    yield instance.with_matrix(name, _replaced(rows, i, j, simple))


def _rescaled(instance: ExactInstance, formula: Formula) -> Iterator[ExactInstance]:
    """All functions and scalars divided by one of the scalars: losses, decays and curvatures scale together."""
    data = [data_name(f, part) for f in formula.functions() for part in ("G", "H")]
    if instance.bodies or not data:
        return
    for value in dict.fromkeys(abs(x) for x in instance.scalars.values()):
        if value not in (0, 1):
            scalars = {n: x / value for n, x in instance.scalars.items()}
            scaled = {n: tuple(tuple(x / value for x in row) for row in instance.matrices[n]) for n in data}
            yield replace(instance, scalars=scalars, matrices={**instance.matrices, **scaled})


def _simpler_numbers(value: Fraction) -> list[Fraction]:
    choices = [Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(1, 2), Fraction(round(value))]
    choices += [value.limit_denominator(d) for d in (2, 5, 10, 100, 10_000)]
    found: list[Fraction] = []
    for choice in choices:
        if _cost(choice) < _cost(value) and choice not in found:
            found.append(choice)
    return found


def _replaced(rows: Rows, i: int, j: int, value: Fraction) -> Rows:
    return tuple(tuple(value if (a, b) == (i, j) else x for b, x in enumerate(row)) for a, row in enumerate(rows))


def _smaller(instance: ExactInstance, formula: Formula) -> Iterator[ExactInstance]:
    """One dimension less by one, the corresponding rows and columns dropped everywhere.

    A function given by a closed formula has fixed sizes.
    """
    if instance.bodies:
        return
    for name, size in instance.dims.items():
        for dropped in range(size - 1, -1, -1) if size > 1 else ():
            matrices = dict(instance.matrices)
            for variable, shape in _shapes(formula).items():
                matrices[variable] = _dropped(matrices[variable], shape, name, dropped)
            for variable, (codomain, domain) in _operators(formula).items():
                keep_rows = _kept(codomain, instance, name, dropped)
                keep_cols = _kept(domain, instance, name, dropped)
                matrices[variable] = tuple(tuple(matrices[variable][i][j] for j in keep_cols) for i in keep_rows)
            yield replace(instance, dims={**instance.dims, name: size - 1}, matrices=matrices)


def _shapes(formula: Formula) -> dict[str, tuple[Dim, ...]]:
    shapes: dict[str, tuple[Dim, ...]] = dict(formula.matrices())
    for name, function in formula.functions().items():
        shapes[f"{name}·P"] = shapes[f"{name}·G"] = function.shape
    return shapes


def _operators(formula: Formula) -> dict[str, tuple[tuple[Dim, Dim], tuple[Dim, Dim]]]:
    found = {n: (o.codomain, o.domain) for n, o in formula.operators().items()}
    found.update({f"{n}·H": (f.shape, f.shape) for n, f in formula.functions().items()})
    return found


def _dropped(rows: Rows, shape: tuple[Dim, ...], name: str, index: int) -> Rows:
    if shape[0] == name:
        rows = tuple(row for i, row in enumerate(rows) if i != index)
    if shape[1] == name:
        rows = tuple(tuple(x for j, x in enumerate(row) if j != index) for row in rows)
    return rows


def _kept(shape: tuple[Dim, Dim], instance: ExactInstance, name: str, index: int) -> list[int]:
    """Positions in the row-major vector that survive when one index of a dimension is dropped."""
    rows, cols = (d if isinstance(d, int) else instance.dims[d] for d in shape)
    return [
        i * cols + j
        for i in range(rows)
        for j in range(cols)
        if not (shape[0] == name and i == index) and not (shape[1] == name and j == index)
    ]
