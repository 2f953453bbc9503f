"""Shrinking an exact counterexample: smaller sizes, more zeros, simpler numbers, as long as the violation stays.

Main definitions: `shrink`. The test is a function given by the caller (the exact reading of the claim).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

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
    """Dimensions less by one, the corresponding rows and columns dropped everywhere.

    A function given by a closed formula has fixed sizes.
    """
    if instance.bodies:
        return
    yield from _split_off(instance, formula)
    for name, size in instance.dims.items():
        for dropped in range(size - 1, -1, -1) if size > 1 else ():
            yield _without(instance, formula, {name: dropped})


def _split_off(instance: ExactInstance, formula: Formula) -> Iterator[ExactInstance]:
    """Several dimensions less by one at a time, where every matrix splits into what is dropped and what stays.

    So a singular triple that X and X⋆ share leaves together with its row, its column and its factor.
    """
    names = [n for n, size in instance.dims.items() if size > 1]
    shapes = formula.matrices()
    for count in range(len(names), 1, -1):
        for chosen in combinations(names, count):
            for places in product(*(range(instance.dims[n]) for n in chosen)):
                at = dict(zip(chosen, places, strict=True))
                if all(_splits(rows, shapes.get(name, ()), at) for name, rows in instance.matrices.items()):
                    yield _without(instance, formula, at)


def _splits(rows: Rows, shape: tuple[Dim, ...], at: Mapping[str, int]) -> bool:
    """Whether the dropped row and column of a matrix are zero, except for where they meet."""
    if len(shape) != 2:
        return True
    i, j = (at.get(d) if isinstance(d, str) else None for d in shape)
    row_clear = i is None or all(x == 0 for k, x in enumerate(rows[i]) if k != j)
    return row_clear and (j is None or all(row[j] == 0 for k, row in enumerate(rows) if k != i))


def _without(instance: ExactInstance, formula: Formula, at: Mapping[str, int]) -> ExactInstance:
    """The instance without one index of some dimensions."""
    matrices = dict(instance.matrices)
    for variable, shape in _shapes(formula).items():
        matrices[variable] = _dropped(matrices[variable], shape, at)
    for variable, (codomain, domain) in _operators(formula).items():
        keep_rows, keep_cols = _kept(codomain, instance, at), _kept(domain, instance, at)
        matrices[variable] = tuple(tuple(matrices[variable][i][j] for j in keep_cols) for i in keep_rows)
    dims = {n: size - int(n in at) for n, size in instance.dims.items()}
    return replace(instance, dims=dims, matrices=matrices)


def _shapes(formula: Formula) -> dict[str, tuple[Dim, ...]]:
    shapes: dict[str, tuple[Dim, ...]] = dict(formula.matrices())
    for name, function in formula.functions().items():
        shapes[f"{name}·P"] = shapes[f"{name}·G"] = function.shape
    return shapes


def _operators(formula: Formula) -> dict[str, tuple[tuple[Dim, Dim], tuple[Dim, Dim]]]:
    found = {n: (o.codomain, o.domain) for n, o in formula.operators().items()}
    found.update({f"{n}·H": (f.shape, f.shape) for n, f in formula.functions().items()})
    return found


def _dropped(rows: Rows, shape: tuple[Dim, ...], at: Mapping[str, int]) -> Rows:
    row, col = (at.get(d) if isinstance(d, str) else None for d in shape)
    return tuple(tuple(x for j, x in enumerate(line) if j != col) for i, line in enumerate(rows) if i != row)


def _kept(shape: tuple[Dim, Dim], instance: ExactInstance, at: Mapping[str, int]) -> list[int]:
    """Positions in the row-major vector that survive when an index of some dimensions is dropped."""
    rows, cols = (d if isinstance(d, int) else instance.dims[d] for d in shape)
    row, col = (at.get(d) if isinstance(d, str) else None for d in shape)
    return [i * cols + j for i in range(rows) for j in range(cols) if i != row and j != col]
