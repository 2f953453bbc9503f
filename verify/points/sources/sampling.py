"""The random source: instances of matrices, scalars, functions and operators, drawn widely.

Main definitions: `random_batches`, `plain_batch`. Each batch has one set of sizes and one family a matrix; over a run the
families, scales and sizes are mixed, so that zero, tiny, huge, rank-deficient and repeated-singular-value data all occur.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition
from verify.evaluation.batches import Batch
from verify.language.domains import Domain
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.terms import Dim, walk
from verify.losses.taylor import data_name, taylor_model
from verify.points.sources.bounds import mentioned_sizes, scalar_domains
from verify.points.sources.curvature import with_assumed_curvature
from verify.points.sources.dimensions import every_size, sizes
from verify.points.sources.matrices import FAMILIES, gaussian, scaled

Array = Any
_DATA = ("sym", "smooth", "smoothgrad", "apply", "adjoint")
Generator = np.random.Generator


_FAR = 200
"""The largest number in a claim about sizes alone that is tried as a size."""


def has_data(formula: Formula) -> bool:
    """Whether the claim speaks of anything but sizes and numbers."""
    terms = [t for s in formula.statements() for t in s.terms()] + (formula.process.terms() if formula.process else [])
    return any(node.op in _DATA for t in terms for node in walk(t))


def random_batches(formula: Formula, conditions: Sequence[Condition], rng: Generator, batch_size: int = 250) -> Iterator[Batch]:
    """Endless batches of instances of the formula's variables; assumptions are not enforced.

    The first batches are plain (every matrix Gaussian), then every matrix draws its own family.
    """
    names = list(FAMILIES)
    matrices, domains = formula.matrices(), scalar_domains(formula)
    if has_data(formula):
        chosen = sizes(formula.dims, conditions, rng, mentioned_sizes(formula))
    else:
        # Instances of one size are all the same.
        chosen, batch_size = every_size(formula.dims, conditions, mentioned_sizes(formula, _FAR)), 1
    for number_, dims in enumerate(chosen):
        plain = number_ % 4 == 0
        families = {n: "gaussian" if plain else names[int(rng.integers(len(names)))] for n in matrices}
        if not plain and rng.random() < 0.3 and families:
            common = next(iter(families.values()))
            families = dict.fromkeys(families, common)
        values: dict[str, Array] = {
            n: FAMILIES[families[n]](rng, batch_size, *_sizes(shape, dims)) for n, shape in matrices.items()
        }
        relation = rng.random()
        if relation < 0.2:
            _copy_some(values, rng)
        elif relation < 0.4:
            _balance_some(values, rng)
        values.update({n: scalar_values(domain, rng, batch_size) for n, domain in domains.items()})
        batch = Batch(dims, values, {}, {}, _label(families), batch_size)
        yield with_functions(batch, formula, rng)


_PLAIN = 12
"""Plain instances of each size."""


def plain_batch(formula: Formula, dims: Mapping[str, int]) -> Batch:
    """Gaussian matrices, scalars from all over their domains, any functions: instances that need not meet an assumption.

    The same for equal formulas and sizes.
    """
    rng = np.random.default_rng([0, *(dims[name] for name in sorted(dims))])
    values: dict[str, Array] = {n: gaussian(rng, _PLAIN, *_sizes(shape, dims)) for n, shape in formula.matrices().items()}
    for name, domain in formula.scalars().items():
        values[name] = np.concatenate([scalar_values(domain, rng, 1) for _ in range(_PLAIN)])
    return with_functions(Batch(dims, values, {}, {}, "plain", _PLAIN), formula, rng)


def _label(families: Mapping[str, str]) -> str:
    kinds = sorted(set(families.values()))
    return kinds[0] if len(kinds) == 1 else "mixed" if kinds else "scalars"


def _sizes(shape: Sequence[Dim], dims: Mapping[str, int]) -> tuple[int, int]:
    rows, cols = (d if isinstance(d, int) else dims[d] for d in shape)
    return rows, cols


def _copy_some(values: dict[str, Array], rng: Generator) -> None:
    """Give two matrices of one shape the same, the opposite or a proportional value."""
    names = list(values)
    for i, name in enumerate(names):
        for other in names[i + 1 :]:
            if values[name].shape == values[other].shape and rng.random() < 0.5:
                factor = rng.choice([1.0, -1.0, 2.0])
                values[other] = factor * values[name]


def _balance_some(values: dict[str, Array], rng: Generator) -> None:
    """Give a matrix the Gram matrix `AᵀA` of an earlier one with as many columns, and enough rows."""
    names = list(values)
    for i, name in enumerate(names):
        for other in names[i + 1 :]:
            (rows, cols), (height, width) = values[name].shape[1:], values[other].shape[1:]
            if cols == width and min(rows, height) >= 1 and rng.random() < 0.7:
                k = min(rows, height)
                core = values[name][:, :k, :]
                count = core.shape[0]
                values[name] = FAMILIES["orthonormal"](rng, count, rows, k) @ core
                values[other] = FAMILIES["orthonormal"](rng, count, height, k) @ core


def scalar_values(domain: Domain, rng: Generator, count: int) -> Array:
    """Numbers in a domain: ends (where allowed), near the ends, whole numbers, and several orders of magnitude."""
    low = domain.above if domain.above is not None else domain.least
    high = domain.below if domain.below is not None else domain.most
    kind = int(rng.integers(4))
    spread = 10.0 ** rng.uniform(-3 if kind else -1, 3 if kind == 2 else 1, count)
    if kind == 3:
        spread = rng.integers(1, 6, count).astype(float)
    if low is not None and high is not None:
        inside = rng.random(count) if kind else rng.choice([0.001, 0.5, 0.999], count)
        found = float(low) + (float(high) - float(low)) * inside
    elif low is not None:
        found = float(low) + spread
    elif high is not None:
        found = float(high) - spread
    else:
        found = spread * rng.choice([-1.0, 1.0], count)
    if low is not None or high is not None:
        found = _all_over(found, None if low is None else float(low), None if high is None else float(high), rng)
    if domain.least is not None and rng.random() < 0.2:
        found = np.full(count, float(domain.least))
    if domain.most is not None and rng.random() < 0.2:
        found = np.full(count, float(domain.most))
    if domain.integer:
        return np.floor(found) + 1.0 if domain.above is not None else np.ceil(found)
    return found


_WIDE = 10.0


def _all_over(found: Array, low: float | None, high: float | None, rng: Generator) -> Array:
    """Some of the numbers moved in a wide interval, or one that begins far out: to all distances from its ends, and from 0."""
    if low is not None and high is not None:
        if high - low <= _WIDE:
            return found
        anchors = [low, high, *([0.0] if low < 0 < high else [])]
        far = high - low
    else:
        end = low if low is not None else high
        if end is None or abs(end) <= _WIDE:
            return found
        anchors, far = [end], 1e3 * abs(end)
    count = len(found)
    spread = 10.0 ** rng.uniform(-3, np.log10(far), count) * rng.choice([-1.0, 1.0], count)
    trial = rng.choice(anchors, count) + spread
    inside = (trial > (-np.inf if low is None else low)) & (trial < (np.inf if high is None else high))
    return np.where(inside & (rng.random(count) < 0.6), trial, found)


def with_functions(batch: Batch, formula: Formula, rng: Generator) -> Batch:
    """Add data for the function and operator variables; assumed curvature bounds are met by quadratics."""
    for function in formula.functions().values():
        batch = with_taylor_model(batch, function, rng)
        batch = with_assumed_curvature(batch, function, formula, rng)
    for operator in formula.operators().values():
        batch = replace(batch, operators={**batch.operators, operator.name: operator_matrix(operator, batch, rng)})
    return batch


def operator_matrix(operator: OperatorSymbol, batch: Batch, rng: Generator) -> Array:
    """A random operator; a symmetric one is positive definite half of the time."""
    rows = int(np.prod(_sizes(operator.codomain, batch.dims)))
    cols = int(np.prod(_sizes(operator.domain, batch.dims)))
    found = scaled(rng, batch.count, rows, cols)
    if not operator.symmetric:
        return found
    if rng.random() < 0.5:
        return found @ np.swapaxes(found, -1, -2) / cols
    return (found + np.swapaxes(found, -1, -2)) / 2


def with_taylor_model(
    batch: Batch,
    function: FunctionSymbol,
    rng: Generator,
    *,
    point: Array | None = None,
    gradient: Array | None = None,
    hessian: Array | None = None,
) -> Batch:
    """A concrete function, random except for what is prescribed at a point."""
    rows, cols = _sizes(function.shape, batch.dims)
    size = rows * cols
    model = taylor_model(function)
    bend = scaled(rng, batch.count, size, size)
    made: dict[str, Array] = {
        data_name(function.name, "P"): gaussian(rng, batch.count, rows, cols) if point is None else point,
        data_name(function.name, "G"): scaled(rng, batch.count, rows, cols) if gradient is None else gradient,
        data_name(function.name, "c"): rng.choice([0.0, 1.0, -0.5]) * np.ones(batch.count),
    }
    curved = (bend + np.swapaxes(bend, -1, -2)) / 2 if hessian is None else hessian
    return replace(
        batch,
        values={**batch.values, **made},
        operators={**batch.operators, data_name(function.name, "H"): curved},
        functions={**batch.functions, function.name: model},
    )
