"""From a float stationary point of a claim to exact instances near it, at which the claim's assumptions hold exactly.

Main definitions: `PointBuilder`. The factors are rounded first; then the data of the loss are moved so that the rounded factors
are exactly stationary (theory §2: that is linear in the gradient of f, and in most data). An opaque f becomes a quadratic with
the gradient and the Hessian that the float point saw. Nothing here is trusted: the kernel reads what comes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from verify.calculus.conditions import gradient_of_function
from verify.calculus.differentiate import expand, gradients
from verify.certificates.affine import affine_groups, least_step, solve_affine
from verify.certificates.quadratic import Neighbour, near_quadratics
from verify.certificates.rounding import FactorPair, Grid, complement, factor_pairs
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField, RationalField
from verify.evaluation.hessians import hessian_matrix
from verify.evaluation.interpret import evaluate_terms
from verify.evaluation.rational_linear_algebra import Rows, complement_projection, product, transposed
from verify.language.errors import ClaimError, NotDifferentiable, NotRational
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.statements import FunctionOf, Stationary
from verify.language.terms import ARGUMENT, Term, make, rebuild, symbol, symbols_of, walk
from verify.losses.taylor import data_name
from verify.search.exact_assumptions import entries_of, environment, with_entries
from verify.search.instances import ExactInstance, rows_of

Array = Any
_GRIDS = tuple(map(Grid, (4, 10, 40, 2**9, 2**16, 2**24)))
_SLOPE = "·G"
_UNKNOWNS = 100


@dataclass(frozen=True)
class _Adapter:
    """A loss of one pair of factors that sees them through one function of a matrix.

    Attributes:
        function: the function, opaque or given by a formula.
        point: its argument, for example `s·A·Bᵀ`.
        residuals: the gradients in A and B, with the matrix `·G` in the place of ∇f.
    """

    function: FunctionSymbol
    point: Term
    residuals: tuple[Term, ...]


class PointBuilder:
    """Prepared once for a claim about stationary points; then applied to many float instances."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.statement = next((s for s in formula.given if isinstance(s, Stationary)), None)
        self.adapter = None if self.statement is None else _adapter(self.statement)

    @property
    def applies(self) -> bool:
        """Whether the claim assumes stationarity in pairs of factors, at data that can be moved."""
        if self.statement is None or self.formula.process is not None or len(self.statement.variables) % 2:
            return False
        shapes = [v.shape for v in self.statement.variables]
        pairs = all(len(a) == len(b) == 2 and a[1] == b[1] for a, b in zip(shapes[::2], shapes[1::2], strict=True))
        opaque = len(self.formula.functions())
        return pairs and (opaque == 0 or (opaque == 1 and self.adapter is not None))

    def near(self, batch: Batch) -> Iterator[ExactInstance]:
        """Exact instances near the first instance of a batch, from coarse numbers to fine ones."""
        if not self.applies:
            return
        for grid in _GRIDS:
            try:
                yield from self._on_grid(batch, grid)
            except (NotRational, NotDifferentiable, ClaimError, ZeroDivisionError, OverflowError, ValueError):
                # No rational value, or numbers without a meaning on this grid: a finer one may do.
                continue

    def _on_grid(self, batch: Batch, grid: Grid) -> Iterator[ExactInstance]:
        assert self.statement is not None
        start = self._rounded(batch, grid)
        names = [v.payload[0] for v in self.statement.variables]
        pairs = [
            factor_pairs(batch.values[a][0], batch.values[b][0], grid) for a, b in zip(names[::2], names[1::2], strict=True)
        ]
        for chosen in zip(*pairs, strict=False):
            placed = start
            for a, b, pair in zip(names[::2], names[1::2], chosen, strict=True):
                placed = placed.with_matrix(a, rows_of(pair.a)).with_matrix(b, rows_of(pair.b))
            if self.adapter is None:
                yield from self._by_data(placed)
            else:
                yield from self._through_function(placed, batch, chosen[0], self.adapter, grid)

    def _rounded(self, batch: Batch, grid: Grid) -> ExactInstance:
        """The claim's own data, rounded; the factors and the function's data come later."""
        formula = self.formula
        scalars = {n: grid.scalar(float(batch.values[n][0])) for n in formula.scalars()}
        matrices = {n: rows_of(grid.matrix(batch.values[n][0])) for n in formula.matrices()}
        for name, operator in formula.operators().items():
            value = batch.operators[name][0]
            matrices[name] = rows_of(grid.matrix((value + value.T) / 2 if operator.symmetric else value))
        return ExactInstance({d: batch.dims[d] for d in formula.dims}, scalars, matrices)

    def _by_data(self, placed: ExactInstance) -> Iterator[ExactInstance]:
        """The loss has no function to act through: move any data in which its gradients are affine."""
        assert self.statement is not None
        residuals = [expand(g) for g in gradients(self.statement.loss, self.statement.variables)]
        yield from self._solved(placed, residuals, [])

    def _solved(self, placed: ExactInstance, residuals: Sequence[Term], targets: Sequence[Rows]) -> Iterator[ExactInstance]:
        """The instance with data moved so that the residuals vanish (or equal the targets)."""
        assert self.statement is not None
        moving = {v.payload[0] for v in self.statement.variables}
        names = [n for n in (*self.formula.matrices(), *self.formula.scalars()) if n not in moving]
        aims = [x for rows in targets for row in rows for x in row]

        for group in affine_groups(residuals, names):

            def value(entries: Sequence[Fraction], group: tuple[str, ...] = group) -> list[Fraction]:
                found = _flat(_exact(residuals, with_entries(placed, group, entries)))
                return [x - y for x, y in zip(found, aims, strict=True)] if aims else found

            entries = _entries(placed, group)
            solved = solve_affine(value, entries) if len(entries) <= _UNKNOWNS else None
            if solved is not None:
                instance = with_entries(placed, group, solved)
                if self._in_domain(instance):
                    yield instance

    def _in_domain(self, instance: ExactInstance) -> bool:
        return all(domain.contains(instance.scalars[n]) for n, domain in self.formula.scalars().items())

    def _through_function(
        self, placed: ExactInstance, batch: Batch, pair: FactorPair, adapter: _Adapter, grid: Grid
    ) -> Iterator[ExactInstance]:
        seen = _seen(adapter, batch)
        made = _stationary_slope(placed, adapter, pair, seen.slope, grid, self._free_scalars(adapter))
        if made is None:
            return
        instance, slope = made
        if not self._in_domain(instance):
            return
        (point,) = _exact([adapter.point], instance)
        if adapter.function.body is not None:
            argument = symbol(ARGUMENT, adapter.function.shape)
            (term,) = gradients(expand(adapter.function.body), [argument])
            yield from self._solved(instance, [rebuild(expand(term), {argument: adapter.point})], [slope])
            return
        base = replace(
            instance,
            scalars={**instance.scalars, data_name(adapter.function.name, "c"): Fraction(0)},
            matrices={
                **instance.matrices,
                data_name(adapter.function.name, "P"): rows_of(point),
                data_name(adapter.function.name, "G"): rows_of(slope),
            },
        )
        yield from near_quadratics(
            self.formula, base, Neighbour(adapter.function.name, point, slope, seen.place, seen.hessian, pair, batch), grid
        )

    def _free_scalars(self, adapter: _Adapter) -> list[str]:
        used = {n for r in adapter.residuals for n in symbols_of(r)}
        return [n for n in self.formula.scalars() if n in used]


def _adapter(statement: Stationary) -> _Adapter | None:
    """The structure `f(point(A, B)) + rest(A, B)`, if the loss has it."""
    if len(statement.variables) != 2:
        return None
    named = _named(statement.loss) or _unnamed(statement)
    if named is None:
        return None
    function, point, loss = named
    try:
        slopes = [expand(g) for g in gradients(loss, statement.variables)]
    except NotDifferentiable:
        return None
    shown = {n: symbol(_SLOPE, function.shape) for g in slopes for n in walk(g) if n.op == "smoothgrad"}
    if len(shown) > 1:
        return None
    return _Adapter(function, expand(point), tuple(rebuild(g, dict(shown)) for g in slopes))


_Split = tuple[FunctionSymbol, Term, Term]
"""A function, its argument, and the loss with the function made opaque."""


def _named(loss: Term) -> _Split | None:
    """A loss that applies one function variable once."""
    nodes = [n for n in walk(loss) if n.op == "smooth"]
    if len(nodes) != 1 or len(nodes[0].args) != 1:
        return None
    (node,) = nodes
    function: FunctionSymbol = node.payload[0]
    opaque = make("smooth", node.args[0], payload=(replace(function, body=None),))
    return function, node.args[0], rebuild(loss, {node: opaque})


def _unnamed(statement: Stationary) -> _Split | None:
    """A loss written out, whose summands see A and B either through `A·Bᵀ` alone or not at all through it."""
    a, b = statement.variables
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[1] != b.shape[1]:
        return None
    update = make("matmul", a, make("transpose", b))
    argument = symbol(ARGUMENT, (a.shape[0], b.shape[0]))
    loss = expand(statement.loss)
    inside, outside = [], []
    for part in loss.args if loss.op == "add" else (loss,):
        seen = rebuild(part, {update: argument})
        names = symbols_of(seen)
        if ARGUMENT in names and not {a.payload[0], b.payload[0]} & set(names):
            inside.append(seen)
        elif ARGUMENT not in names:
            outside.append(part)
        else:
            return None
    if not inside:
        return None
    body = inside[0] if len(inside) == 1 else make("add", *inside)
    function = FunctionSymbol("·f", (a.shape[0], b.shape[0]), body)
    opaque = make("smooth", update, payload=(replace(function, body=None),))
    return function, update, make("add", opaque, *outside)


@dataclass(frozen=True)
class _Seen:
    """What the float point saw of f: its argument and gradient `(m, n)`, and the Hessian `(mn, mn)`."""

    place: Array
    slope: Array
    hessian: Array


def _seen(adapter: _Adapter, batch: Batch) -> _Seen:
    body = adapter.function.body
    if body is None:
        body = batch.functions[adapter.function.name].body
    assert body is not None
    function = FunctionOf(adapter.function.shape, expand(body))
    one = batch.at(0)
    argument = symbol(ARGUMENT, function.shape)
    (point,) = evaluate_terms([adapter.point], one.environment(), FloatField())
    there = replace(one, values={**one.values, ARGUMENT: point})
    (slope,) = evaluate_terms([gradient_of_function(function, argument)], there.environment(), FloatField())
    return _Seen(point[0], np.broadcast_to(slope, point.shape)[0], hessian_matrix(function.body, [argument], there)[0])


def _stationary_slope(
    placed: ExactInstance, adapter: _Adapter, pair: FactorPair, slope: Array, grid: Grid, scalars: Sequence[str]
) -> tuple[ExactInstance, Rows] | None:
    """The instance, scalars moved where needed, with a gradient of f near the float one that makes the pair stationary.

    On the column spaces `G = −w·UVᵀ` with an unknown w; beyond them the gradient is free (theory §2, SVD form).
    """
    free = _off_block(grid.matrix(slope), pair)
    if not pair.balanced or not pair.left[0]:
        return (placed, free) if not any(_flat(_residual(adapter, placed, free))) else None
    along = product(pair.left, transposed(pair.right))
    least = _pressed(free, slope, pair, grid)
    for movable in ([], list(scalars)):

        def value(entries: Sequence[Fraction], movable: list[str] = movable) -> list[Fraction]:
            weight, *rest = entries
            return _flat(_residual(adapter, with_entries(placed, movable, rest), _minus(least, along, weight)))

        start = [grid.scalar(_weight_of(slope, pair)), *_entries(placed, movable)]
        columns = []
        before = value(start)
        for k in range(len(start)):
            moved = value([x + int(i == k) for i, x in enumerate(start)])
            columns.append([a - b for a, b in zip(moved, before, strict=True)])
        step = least_step(columns, before) if any(before) else [Fraction(0)] * len(start)
        if step is None:
            continue
        weight, *rest = (x + d for x, d in zip(start, step, strict=True))
        instance, found = with_entries(placed, movable, rest), _minus(least, along, weight)
        if not any(_flat(_residual(adapter, instance, found))):
            return instance, found
    return None


def _weight_of(slope: Array, pair: FactorPair) -> float:
    left, right = (np.array(x, dtype=float) for x in (pair.left, pair.right))
    return -float(np.trace(left.T @ slope @ right)) / len(pair.left[0])


def _pressed(free: Rows, slope: Array, pair: FactorPair, grid: Grid) -> Rows:
    """The free block moved inside the ball of the weight's radius where the float one lies on its boundary."""
    size = float(np.linalg.norm(np.array(free, dtype=float), ord=2))
    weight = _weight_of(slope, pair)
    if weight < size <= weight * (1 + 2.0 / grid.q) + 1e-9:
        factor = Fraction(max(weight, 0.0) / size * (1 - 1e-5)).limit_denominator(10**6)
        return [[x * factor for x in row] for row in free]
    return free


def _off_block(rows: Rows, pair: FactorPair) -> Rows:
    """`P_A^⊥ G P_B^⊥` with the projections on the complements of the factors' column spaces."""
    if pair.balanced:
        left, right = complement(pair.left), complement(pair.right)
    else:
        left, right = complement_projection(pair.a), complement_projection(pair.b)
    return product(product(left, rows), right)


def _minus(rows: Rows, along: Rows, weight: Fraction) -> Rows:
    return [[x - weight * y for x, y in zip(p, q, strict=True)] for p, q in zip(rows, along, strict=True)]


def _residual(adapter: _Adapter, instance: ExactInstance, slope: Rows) -> list[Rows]:
    return _exact(adapter.residuals, instance.with_matrix(_SLOPE, rows_of(slope)))


def _exact(terms: Sequence[Term], instance: ExactInstance) -> list[Rows]:
    """The rational values of matrix terms."""
    values = evaluate_terms(terms, environment(instance), RationalField())
    return [[list(row) for row in v] if np.ndim(v) == 2 else [[v.item()]] for v in values]


def _flat(parts: Sequence[Rows]) -> list[Fraction]:
    return [x for rows in parts for row in rows for x in row]


def _entries(instance: ExactInstance, names: Sequence[str]) -> list[Fraction]:
    return [x for name in names for x in entries_of(instance, name)]
