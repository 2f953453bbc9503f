"""Loss terms lowered to batched arrays: value, gradient, Hessian and Hessian-vector product of many instances at once.

Main definitions: `Lowered`, `lowered`, `Instances`. Everything is derived: gradients by reverse mode, the Hessian as the
linear map `direction ↦ directional derivative of the gradient`, block by block (theory §1 is never typed in). A point is one
row of a `(batch, p)` array: the adapted matrices in the problem's order, each row-major.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand, gradients, tangent
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.operations.operation import Environment
from verify.language.terms import DIRECTION, Term, symbol, walk
from verify.losses.problem import Problem
from verify.points.finder.linear_maps import Linear, constants_of, linear_value
from verify.points.finder.plans import Plan, compile_plan
from verify.points.finder.tidy import associate, tidy

Array = Any
TRANSPOSED = "·ᵀ"


@dataclass(frozen=True)
class Instances:
    """The data of some instances, ready for evaluation: per-instance constants by term, operators by name.

    Transposed operators are stored under their name + ``·ᵀ`` where a Hessian needs them.
    """

    constants: Mapping[Term, Array]
    operators: Mapping[str, Array]
    count: int

    def pick(self, indices: Array) -> Instances:
        """Some of the instances."""
        return Instances(
            {t: a[indices] for t, a in self.constants.items()},
            {n: a[indices] for n, a in self.operators.items()},
            len(indices),
        )

    def put(self, rows: Array, other: Instances) -> None:
        """Overwrite some rows with other instances, in place: cheaper than gathering the rows that stay."""
        for term, array in self.constants.items():
            array[rows] = other.constants[term]
        for name, array in self.operators.items():
            array[rows] = other.operators[name]


@dataclass(frozen=True)
class _Block:
    """One block of the Hessian: the change of a gradient (columns) with a direction of one variable (rows)."""

    term: Term
    direction: Term
    needed: tuple[Term, ...]
    gradient: int
    variable: int


@dataclass(frozen=True)
class Lowered:
    """A loss compiled for fixed sizes.

    Attributes:
        variables: the adapted matrices, in the order of the coordinates of a point.
        shapes: rows and columns of each.
        dims: sizes by dimension name.
        slopes: the derived gradient terms.
        ranges: first and last-plus-one coordinate of each variable.
    """

    variables: tuple[Term, ...]
    shapes: tuple[tuple[int, int], ...]
    dims: Mapping[str, int]
    slopes: tuple[Term, ...]
    ranges: tuple[tuple[int, int], ...]
    _first: Plan
    _second: Plan
    _needed: tuple[Term, ...]
    _blocks: tuple[_Block, ...]
    _along: Plan
    _data: tuple[Term, ...]
    _operators: tuple[str, ...]
    _transposed: tuple[str, ...]

    @property
    def unknowns(self) -> int:
        """The number p of coordinates."""
        return sum(rows * cols for rows, cols in self.shapes)

    def load(self, problem: Problem, indices: Array) -> Instances:
        """The data of some instances, with everything computed that does not depend on the point.

        Args:
            problem: the stack of problems this loss belongs to.
            indices: which of them; one may occur several times.
        """
        values = {name: np.asarray(array)[indices] for name, array in problem.data.items()}
        operators = {name: np.ascontiguousarray(problem.operators[name][indices]) for name in self._operators}
        env = Environment(values, self.dims, {}, operators)
        count = len(indices)
        with np.errstate(all="ignore"):
            found = evaluate_terms(self._data, env, FloatField())
        constants = {
            term: np.array(np.broadcast_to(value, (count, *value.shape[value.ndim - len(term.shape) :])), order="C")
            for term, value in zip(self._data, found, strict=True)
        }
        for name in self._transposed:
            operators[name + TRANSPOSED] = np.ascontiguousarray(np.swapaxes(operators[name], -1, -2))
        return Instances(constants, operators, count)

    def matrices(self, points: Array) -> dict[Term, Array]:
        """The adapted matrices `(batch, rows, cols)` as views of points `(batch, p)`."""
        return {
            v: points[..., start:stop].reshape(*points.shape[:-1], *shape)
            for v, (start, stop), shape in zip(self.variables, self.ranges, self.shapes, strict=True)
        }

    def flat(self, arrays: Mapping[str, Array]) -> Array:
        """Points `(batch, p)` from matrices by variable name."""
        parts = [np.asarray(arrays[v.payload[0]], dtype=float) for v in self.variables]
        return np.concatenate([x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1]) for x in parts], axis=-1)

    def value_and_gradient(self, points: Array, instances: Instances) -> tuple[Array, Array]:
        """The loss `(batch,)` and its gradient `(batch, p)`."""
        env = Environment({}, self.dims, {}, instances.operators)
        with np.errstate(all="ignore"):
            value, *slopes = self._first.run({**instances.constants, **self.matrices(points)}, env)
        gradient = np.empty(points.shape)
        for slope, (start, stop), shape in zip(slopes, self.ranges, self.shapes, strict=True):
            gradient[:, start:stop].reshape(len(points), *shape)[...] = slope
        return np.broadcast_to(value, points.shape[:1]), gradient

    def hessian(self, points: Array, instances: Instances) -> Array:
        """The Hessian `(batch, p, p)`."""
        count, p = points.shape
        env = Environment({}, self.dims, {}, instances.operators)
        result = np.zeros((count, p, p))
        with np.errstate(all="ignore"):
            values = self._second.run({**instances.constants, **self.matrices(points)}, env)
            constants = dict(zip(self._needed, values, strict=True))
            known: dict[Term, dict[Term, Linear]] = {block.direction: {} for block in self._blocks}
            for block in self._blocks:
                size = self.shapes[block.variable]
                done = known[block.direction]
                linear = linear_value(block.term, block.direction, size, constants, env, count, done)
                (a, b), (c, d) = self.ranges[block.variable], self.ranges[block.gradient]
                part = result[:, a:b, c:d]
                if linear.dense is not None:
                    part[...] = linear.dense.reshape(count, b - a, d - c)
                linear.add_to(part.reshape(count, *size, *self.shapes[block.gradient]))
                if block.gradient != block.variable:
                    result[:, c:d, a:b] = np.swapaxes(part, -1, -2)
        return result

    def hessian_vector(self, points: Array, instances: Instances, vectors: Array) -> Array:
        """The Hessian times a vector for each instance, `(batch, p)`, without forming the Hessian."""
        env = Environment({}, self.dims, {}, instances.operators)
        moves = {_direction(v): x for v, x in self.matrices(vectors).items()}
        with np.errstate(all="ignore"):
            parts = self._along.run({**instances.constants, **self.matrices(points), **moves}, env)
        result = np.empty(points.shape)
        for part, (start, stop), shape in zip(parts, self.ranges, self.shapes, strict=True):
            result[:, start:stop].reshape(len(points), *shape)[...] = part
        return result


def _direction(variable: Term) -> Term:
    return symbol(DIRECTION + variable.payload[0], variable.shape)


def lowered(problem: Problem) -> Lowered:
    """The problem's loss, compiled for its sizes (once for each loss and sizes)."""
    return _compile(problem.loss, problem.variables, tuple(sorted(problem.dims.items())))


@lru_cache(maxsize=128)
def _compile(loss: Term, variables: tuple[Term, ...], sizes: tuple[tuple[str, int], ...]) -> Lowered:
    dims = dict(sizes)

    def ready(term: Term) -> Term:
        return associate(tidy(term), dims)

    loss = expand(loss)
    raw = gradients(loss, variables)
    slopes = [ready(g) for g in raw]
    first = compile_plan([ready(loss), *slopes], variables, dims)
    blocks = []
    for i, gradient in enumerate(raw):
        for j, variable in enumerate(variables[i:], start=i):
            direction = _direction(variable)
            # The product order is left to the linear map: its cost is not that of the product with one direction.
            term = tidy(tangent(gradient, {variable.payload[0]: direction}))
            blocks.append(_Block(term, direction, tuple(constants_of(term, direction)), i, j))
    moves = {v.payload[0]: _direction(v) for v in variables}
    along = compile_plan([ready(tangent(g, moves)) for g in raw], [*variables, *moves.values()], dims)
    needed = tuple(dict.fromkeys(t for b in blocks for t in b.needed))
    second = compile_plan([ready(t) for t in needed], variables, dims)
    data = dict.fromkeys(t for plan in (first, second, along) for _, t in plan.inputs)
    names = {v.payload[0] for v in (*variables, *moves.values())}
    applied = [n for t in [loss, *raw] for n in walk(t) if n.op in ("apply", "adjoint")]
    transposed = [n.payload[0].name for b in blocks for n in walk(b.term) if n.op == "apply" and not n.payload[0].symmetric]
    shapes = tuple(_sizes(v, dims) for v in variables)
    ends = list(accumulate(rows * cols for rows, cols in shapes))
    return Lowered(
        variables=variables,
        shapes=shapes,
        dims=dims,
        slopes=tuple(slopes),
        ranges=tuple(zip([0, *ends], ends, strict=False)),
        _first=first,
        _second=second,
        _needed=needed,
        _blocks=tuple(blocks),
        _along=along,
        _data=tuple(t for t in data if not (t.op == "sym" and t.payload[0] in names)),
        _operators=tuple(dict.fromkeys(n.payload[0].name for n in applied)),
        _transposed=tuple(dict.fromkeys(transposed)),
    )


def _sizes(variable: Term, dims: Mapping[str, int]) -> tuple[int, int]:
    rows, cols = (d if isinstance(d, int) else dims[d] for d in variable.shape)
    return rows, cols
