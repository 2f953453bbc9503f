"""Matrices of linear terms: what a derivative is as a linear map of its direction, assembled from the term's structure.

Main definitions: `Linear` (a linear map as a sum of sandwiches `c·P δ Q`, `c·P δᵀ Q` and one dense part), `linear_value`.

Evaluating a Hessian's column for each basis direction multiplies by mostly zero matrices. Here the direction stays a
symbol: products with constant matrices only change P and Q, an operator is applied to a whole sandwich at once, and only
what has no such structure becomes dense, `(batch, q, rows, cols)` with q the direction's size, row-major.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from verify.evaluation.fields import FloatField
from verify.language.operations.algebra import chain
from verify.language.operations.operation import Environment
from verify.language.terms import Term, make, operation_of, walk

Array = Any
_FIELD = FloatField()


@dataclass(frozen=True)
class Sandwich:
    """`scale · left δ right`, or with δᵀ where `flip`; None stands for the identity, a scale `(batch,)` or None for 1."""

    scale: Array | None
    left: Array | None
    right: Array | None
    flip: bool


@dataclass(frozen=True)
class Linear:
    """A linear map of a direction δ of shape `(rows, cols)`: the sum of its sandwiches and its dense part.

    Attributes:
        size: rows and columns of δ.
        sandwiches: structured parts (matrix values only).
        dense: `(batch, q, ...)`, the value for each basis direction, or None for 0.
    """

    size: tuple[int, int]
    sandwiches: tuple[Sandwich, ...] = ()
    dense: Array | None = None

    def full(self, count: int, shape: tuple[int, ...]) -> Array:
        """The dense form of everything, `(batch, q, *shape)`."""
        rows, cols = self.size
        total = np.zeros((count, rows * cols, *shape)) if self.dense is None or self.sandwiches else self.dense
        if self.sandwiches:
            if self.dense is not None:
                total += self.dense
            self.add_to(total.reshape(count, rows, cols, *shape))
        return total

    def add_to(self, block: Array) -> None:
        """Add the sandwiches to a writable block `(batch, rows, cols, i, j)`."""
        for part in self.sandwiches:
            _add_sandwich(part, block)


def _add_sandwich(part: Sandwich, block: Array) -> None:
    """Entry (k, l, i, j) gains `P[i,k] Q[l,j]`, or `P[i,l] Q[k,j]` for δᵀ; identities touch a diagonal only."""
    left, right = part.left, part.right
    scale = None if part.scale is None else np.asarray(part.scale)
    kl = "lk" if part.flip else "kl"
    value: Array
    if left is None and right is None:
        view = np.einsum(f"b{kl}kl->bkl", block)
        view += 1.0 if scale is None else scale[..., None, None]
        return
    if left is None:
        assert right is not None
        view = np.einsum(f"b{kl}kj->bklj", block)
        value = right[..., None, :, :]
    elif right is None:
        view = np.einsum(f"b{kl}il->bkil", block)
        value = np.swapaxes(left, -1, -2)[..., None]
    else:
        view = block if not part.flip else np.swapaxes(block, 1, 2)
        value = np.swapaxes(left, -1, -2)[..., :, None, :, None] * right[..., None, :, None, :]
    view += value if scale is None else scale.reshape(scale.shape + (1,) * (value.ndim - 1)) * value


def linear_value(
    term: Term,
    direction: Term,
    size: tuple[int, int],
    constants: Mapping[Term, Array],
    env: Environment,
    count: int,
    done: dict[Term, Linear],
) -> Linear:
    """The linear map `direction ↦ term`.

    Args:
        term: a term linear in the symbol `direction`.
        direction: the symbol.
        size: its rows and columns.
        constants: values of the maximal nodes without the direction (see `constants_of`).
        env: sizes and operator matrices; transposed ones under their name + ``ᵀ``.
        count: the number of instances.
        done: the linear maps of this direction that are known already; gains those found here.
    """
    for node, companions in _program(term, direction):
        if node not in done:
            done[node] = _visit(_Context(node, companions, direction, size, constants, env, count, done))
    return done.get(term, Linear(size))


@lru_cache(maxsize=1024)
def _program(term: Term, direction: Term) -> tuple[tuple[Term, tuple[Term | None, Term | None]], ...]:
    """The nodes with the direction in order of evaluation, each with the two constants that a product combines it with."""
    moving = nodes_with(term, direction)
    found = []
    for node in walk(term):
        if node in moving:
            rule = _sides if node.op == "matmul" else _companions if node.op == "mul" else None
            found.append((node, (None, None) if rule is None else rule(node, moving)))
    return tuple(found)


def nodes_with(term: Term, direction: Term) -> set[Term]:
    """The nodes that contain the direction."""
    found: set[Term] = set()
    for node in walk(term):
        if node == direction or any(a in found for a in node.args):
            found.add(node)
    return found


def constants_of(term: Term, direction: Term) -> list[Term]:
    """The terms without the direction whose values `linear_value` needs."""
    moving = nodes_with(term, direction)
    needed: list[Term] = []
    for node, companions in _program(term, direction):
        if node.op in ("matmul", "mul"):
            needed += [c for c in companions if c is not None]
        else:
            needed += [a for a in node.args if a not in moving]
    return list(dict.fromkeys(needed))


def _sides(node: Term, moving: set[Term]) -> tuple[Term | None, Term | None]:
    """What stands left and right of the one linear factor of a matrix product."""
    place = next(i for i, a in enumerate(node.args) if a in moving)
    left, right = node.args[:place], node.args[place + 1 :]
    return (chain(left) if left else None, chain(right) if right else None)


def _companions(node: Term, moving: set[Term]) -> tuple[Term | None, Term | None]:
    """The constant scalar factor and the constant matrix factor of a scalar product."""
    scalars = [a for a in node.args if a not in moving and a.is_scalar]
    matrix = next((a for a in node.args if a not in moving and not a.is_scalar), None)
    scalar = None if not scalars else scalars[0] if len(scalars) == 1 else make("mul", *scalars)
    return scalar, matrix


@dataclass(frozen=True)
class _Context:
    node: Term
    companions: tuple[Term | None, Term | None]
    direction: Term
    size: tuple[int, int]
    constants: Mapping[Term, Array]
    env: Environment
    count: int
    done: Mapping[Term, Linear]

    def argument(self) -> Linear:
        """The one linear argument."""
        return next(self.done[a] for a in self.node.args if a in self.done)

    def shape(self, term: Term) -> tuple[int, ...]:
        return tuple(self.env.size(d) for d in term.shape)


def _visit(at: _Context) -> Linear:
    node = at.node
    if node == at.direction:
        if node.is_scalar:
            return Linear(at.size, (), np.ones((at.count, 1)))
        return Linear(at.size, (Sandwich(None, None, None, False),))
    match node.op:
        case "add":
            return _sum(at.size, [at.done[a] for a in node.args if a in at.done])
        case "matmul":
            return _matmul(at)
        case "mul":
            return _mul(at)
        case "transpose":
            return _transpose(at.argument())
        case "trace":
            return _trace(at)
        case "apply" | "adjoint":
            return _operator(at)
        case _:
            return _by_columns(at)


def _sum(size: tuple[int, int], parts: Sequence[Linear]) -> Linear:
    dense = [p.dense for p in parts if p.dense is not None]
    total = None if not dense else dense[0] if len(dense) == 1 else sum(dense[1:], dense[0])
    return Linear(size, tuple(s for p in parts for s in p.sandwiches), total)


def _times(left: Array | None, right: Array | None) -> Array | None:
    if left is None or right is None:
        return right if left is None else left
    return left @ right


def _matmul(at: _Context) -> Linear:
    before, after = at.companions
    left = None if before is None else at.constants[before]
    right = None if after is None else at.constants[after]
    inner = at.argument()
    sandwiches = [
        replace(
            s, left=s.left if left is None else _times(left, s.left), right=s.right if right is None else _times(s.right, right)
        )
        for s in inner.sandwiches
    ]
    dense = inner.dense
    if dense is not None and right is not None:
        count, q, rows, cols = dense.shape
        if right.ndim == 3 and not dense.flags.c_contiguous and dense.transpose(0, 1, 3, 2).flags.c_contiguous:
            dense = dense @ right[:, None]
        else:
            dense = (dense.reshape(count, q * rows, cols) @ right).reshape(count, q, rows, right.shape[-1])
    if dense is not None and left is not None:
        dense = (left[:, None] if left.ndim == 3 else left) @ dense
    return Linear(at.size, tuple(sandwiches), dense)


def _scaled(linear: Linear, scale: Array) -> Linear:
    """Times a scalar `(batch,)` or a number."""
    scale = np.asarray(scale)
    sandwiches = tuple(replace(s, scale=scale if s.scale is None else s.scale * scale) for s in linear.sandwiches)
    dense = linear.dense
    if dense is not None:
        dense = dense * (scale.reshape(scale.shape + (1,) * (dense.ndim - 1)) if scale.ndim else scale)
    return Linear(linear.size, sandwiches, dense)


def _mul(at: _Context) -> Linear:
    scalar, matrix = at.companions
    inner = at.argument()
    if scalar is not None:
        inner = _scaled(inner, at.constants[scalar])
    if matrix is None:
        return inner
    rows = inner.full(at.count, ())
    value = at.constants[matrix]
    return Linear(at.size, (), rows[..., None, None] * (value[:, None] if value.ndim == 3 else value))


def _transpose(inner: Linear) -> Linear:
    turned = [
        Sandwich(
            s.scale,
            None if s.right is None else np.swapaxes(s.right, -1, -2),
            None if s.left is None else np.swapaxes(s.left, -1, -2),
            not s.flip,
        )
        for s in inner.sandwiches
    ]
    return Linear(inner.size, tuple(turned), None if inner.dense is None else np.swapaxes(inner.dense, -1, -2))


def _trace(at: _Context) -> Linear:
    """`tr(P δ Q) = <(QP)ᵀ, δ>`."""
    inner = at.argument()
    rows, cols = at.size
    total = np.zeros((at.count, rows * cols))
    if inner.dense is not None:
        total += np.trace(inner.dense, axis1=-2, axis2=-1)
    for part in inner.sandwiches:
        core = _times(part.right, part.left)
        core = np.eye(rows) if core is None else core
        weights = core if part.flip else np.swapaxes(core, -1, -2)
        if part.scale is not None:
            weights = np.asarray(part.scale)[..., None, None] * weights
        total += np.broadcast_to(weights, (at.count, rows, cols)).reshape(at.count, rows * cols)
    return Linear(at.size, (), total)


def _operator(at: _Context) -> Linear:
    """An operator on a sandwich: contract its matrix with P and Q instead of with every basis direction."""
    symbol = at.node.payload[0]
    forward = at.node.op == "apply"
    target = symbol.codomain if forward else symbol.domain
    out = tuple(at.env.size(d) for d in target)
    image = prod(out)
    # Rows of `matrix` are the argument's entries: the transpose of the map's own matrix.
    matrix = at.env.operators[symbol.name if symbol.symmetric or not forward else symbol.name + "·ᵀ"]
    inner = at.argument()
    rows, cols = at.size
    total: Array | None = None
    height, width = at.shape(at.node.args[0])
    for part in inner.sandwiches:
        work = matrix.reshape(at.count, height, width * image)
        if part.left is not None:
            work = np.swapaxes(part.left, -1, -2) @ work
        first = work.shape[1]
        work = work.reshape(at.count, first, width, image)
        if part.right is not None:
            work = (part.right[:, None] if part.right.ndim == 3 else part.right) @ work
        if part.flip:
            work = np.swapaxes(work, 1, 2)
        work = work.reshape(at.count, rows * cols, image)
        if part.scale is not None:
            work = work * np.asarray(part.scale)[..., None, None]
        total = work if total is None else total + work
    if inner.dense is not None:
        work = inner.dense.reshape(at.count, rows * cols, height * width) @ matrix
        total = work if total is None else total + work
    assert total is not None
    return Linear(at.size, (), total.reshape(at.count, rows * cols, *out))


def _by_columns(at: _Context) -> Linear:
    """Any other linear node: its own value rule, on all basis directions at once."""
    args = []
    for argument in at.node.args:
        if argument in at.done:
            args.append(at.done[argument].full(at.count, at.shape(argument)))
        else:
            value = np.asarray(at.constants[argument])
            batched = value.ndim > len(argument.shape)
            args.append(value[:, None] if batched else value)
    operators = {name: matrix[:, None] for name, matrix in at.env.operators.items()}
    env = Environment({}, at.env.dims, {}, operators)
    return Linear(at.size, (), operation_of(at.node).value(_FIELD, at.node, args, env))
