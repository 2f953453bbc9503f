"""Random rational points for the derivative gates: small sizes, tame values, stand-ins for functions and operators.

Main definitions: `Instance`, `instances`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from verify.evaluation.fields.decimal import DecimalField
from verify.evaluation.fields.float64 import FloatField
from verify.evaluation.fields.rational import RationalField
from verify.evaluation.interpret import evaluate_term
from verify.language.errors import GateError, NotRational
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.operations.operation import Environment, Field
from verify.language.terms import Dim, Shape, Term, symbols_of, walk

Array = Any

DIGITS = 50
"""Decimal digits of the comparison where values are irrational."""

_ATTEMPTS = 12
_DENOMINATOR = 101


@dataclass(frozen=True)
class _Cubic:
    """`f(X) = Σ_k φ_k(⟨C_k, X⟩)` with cubics φ_k: an opaque smooth function's stand-in, with closed derivatives."""

    forms: tuple[tuple[tuple[Fraction, ...], ...], ...]
    coefficients: tuple[tuple[Fraction, ...], ...]

    def _weights(self, field: Field, point: Array, directions: Sequence[Array], order: int) -> Iterator[tuple[Any, Any]]:
        for form, (a, b, c) in zip(self.forms, self.coefficients, strict=True):
            matrix = field.literal(form)
            t = (matrix * point).sum(axis=(-2, -1))
            one, half = field.number(Fraction(1)), field.number(Fraction(1, 2))
            sixth, zero = field.number(Fraction(1, 6)), field.number(Fraction(0))
            x, y, z = field.number(a), field.number(b), field.number(c)
            table = [
                t * (x + t * (half * y + sixth * z * t)),
                x + t * (y + half * z * t),
                y + z * t,
                z * one + zero * t,
            ]
            weight = table[order] if order < len(table) else zero * t
            for direction in directions:
                weight = weight * (matrix * direction).sum(axis=(-2, -1))
            yield weight, matrix

    def derivative(self, field: Field, point: Array, directions: Sequence[Array]) -> Array:
        """`D^k f(X)[Z1, ..., Zk]`."""
        return sum(w for w, _ in self._weights(field, point, directions, len(directions)))

    def gradient(self, field: Field, point: Array, directions: Sequence[Array]) -> Array:
        """The matrix of `D^(k+1) f(X)[Z1, ..., Zk, ·]`."""
        parts = self._weights(field, point, directions, len(directions) + 1)
        return sum((w if hasattr(w, "shape") else np.array(w, dtype=object))[..., None, None] * c for w, c in parts)


@dataclass(frozen=True)
class Instance:
    """Rational values for everything some terms mention; object arrays of Fractions."""

    values: Mapping[str, Array]
    dims: Mapping[str, int]
    functions: Mapping[str, _Cubic]
    operators: Mapping[str, Array]

    def environment(self, convert: Callable[[Fraction], Any], moved: Mapping[str, Array] | None = None) -> Environment:
        """The instance in another arithmetic, with some variables replaced."""
        values = {n: each(convert, v) for n, v in self.values.items()}
        operators = {n: each(convert, v) for n, v in self.operators.items()}
        return Environment({**values, **(moved or {})}, self.dims, self.functions, operators)

    def float_environment(self, moved: Mapping[str, Array] | None = None) -> Environment:
        """The instance in floating point, with some variables replaced."""
        values = {n: v.astype(float) for n, v in self.values.items()}
        operators = {n: v.astype(float) for n, v in self.operators.items()}
        return Environment({**values, **(moved or {})}, self.dims, self.functions, operators)

    def float_value(self, term: Term, moved: Mapping[str, Array] | None = None) -> Array:
        """The float value of a term."""
        with np.errstate(all="ignore"):
            return np.asarray(evaluate_term(term, self.float_environment(moved), FloatField()), dtype=float)

    def along(self, directions: Mapping[str, Term]) -> tuple[dict[str, Array], bool]:
        """The values of directions as Fractions, and whether they are exact (else right to many digits)."""
        try:
            env = self.environment(lambda x: x)
            return {n: evaluate_term(d, env, RationalField()) for n, d in directions.items()}, True
        except NotRational:
            from mpmath.libmp import to_rational

            digits = DecimalField(DIGITS + 10)
            env = self.environment(digits.scalar)
            values = {n: evaluate_term(d, env, digits) for n, d in directions.items()}
            return {n: each(lambda x: Fraction(*to_rational(digits.mp.mpf(x)._mpf_)), v) for n, v in values.items()}, False

    def where(self) -> str:
        """The sizes, for messages."""
        return ", ".join(f"{k} = {v}" for k, v in sorted(self.dims.items())) or "the given sizes"


def each(convert: Callable[[Any], Any], array: Array) -> Array:
    """An object array of the converted entries."""
    out = np.empty(np.shape(array), dtype=object)
    for where in np.ndindex(*out.shape):
        out[where] = convert(array[where])
    return out


def instances(terms: Sequence[Term], loss: Term, seed: int) -> tuple[Instance, Instance]:
    """Two points inside the loss's domain, of different sizes where sizes are free."""
    found: list[Instance] = []
    for attempt in range(_ATTEMPTS):
        point = _draw(terms, Random(f"{seed} {attempt}"), attempt // 2, turn=len(found))
        if _inside(loss, point):
            found.append(point)
            if len(found) == 2:
                return found[0], found[1]
    if found:
        return found[0], found[0]
    raise GateError("not gated: no point in the domain of the loss was found")


def _inside(loss: Term, point: Instance) -> bool:
    """Whether the loss is a moderate number at the point and around it."""
    values = [point.float_value(loss)]
    rng = np.random.default_rng(0)
    for _ in range(2):
        moved = {n: v.astype(float) + rng.uniform(-0.02, 0.02, v.shape) for n, v in point.values.items()}
        values.append(point.float_value(loss, {n: v for n, v in moved.items() if n not in point.dims}))
    return bool(np.all(np.isfinite(values)) and np.max(np.abs(values)) < 1e8)


def _draw(terms: Sequence[Term], rng: Random, style: int, turn: int) -> Instance:
    """A random instance; later styles are tamer: near the identity, positive, small."""
    shapes: dict[str, Shape] = {}
    functions: set[FunctionSymbol] = set()
    operators: set[OperatorSymbol] = set()
    for term in terms:
        shapes.update(symbols_of(term))
        for node in walk(term):
            if node.op in ("smooth", "smoothgrad"):
                functions.add(node.payload[0])
            elif node.op in ("apply", "adjoint"):
                operators.add(node.payload[0])
    dims = _sizes(terms, [*shapes.values(), *_hidden_shapes(functions, operators)], turn)

    def size(dim: Dim) -> int:
        return dim if isinstance(dim, int) else dims[dim]

    values: dict[str, Array] = {}
    for name, shape in sorted(shapes.items()):
        if shape == ():
            whole = Fraction(dims[name]) if name in dims else abs(rational_number(rng, 0)) + Fraction(1, 4)
            values[name] = np.array(whole / (1 if name in dims or style < 3 else 8), dtype=object)
        else:
            values[name] = _matrix(rng, *(size(d) for d in shape), style=style)
    return Instance(
        values,
        dims,
        {f.name: _cubic(rng, size(f.shape[0]), size(f.shape[1])) for f in sorted(functions, key=repr)},
        {h.name: _operator(rng, h, size, style) for h in sorted(operators, key=repr)},
    )


def _hidden_shapes(functions: set[FunctionSymbol], operators: set[OperatorSymbol]) -> list[Shape]:
    return [*(f.shape for f in functions), *(h.domain for h in operators), *(h.codomain for h in operators)]


def _sizes(terms: Sequence[Term], shapes: Sequence[Shape], turn: int) -> dict[str, int]:
    """Small sizes, different for the two sides of every matrix where possible; `turn` rotates them."""
    least: dict[str, int] = {}
    for term in terms:
        for node in walk(term):
            for dim in node.shape:
                if isinstance(dim, str):
                    least.setdefault(dim, 2)
            if node.op == "dim" and isinstance(node.payload[0], str):
                least.setdefault(node.payload[0], 2)
            if node.op in ("entry", "unit"):
                shape, index = (node.args[0].shape, node.payload) if node.args else (node.shape, node.payload[2:])
                for dim, i in zip(shape, index, strict=True):
                    if isinstance(dim, str):
                        least[dim] = max(least.get(dim, 2), i + 1)
    for shape in shapes:
        for dim in shape:
            if isinstance(dim, str):
                least.setdefault(dim, 2)
    names = sorted(least)
    names = names[turn % max(len(names), 1) :] + names[: turn % max(len(names), 1)]
    sizes: dict[str, int] = {}
    for name in names:
        beside = {d for s in shapes if name in s for d in s if d != name}
        taken = {d if isinstance(d, int) else sizes.get(d) for d in beside}
        options = [least[name] + k for k in range(3)]
        sizes[name] = next((o for o in options if o not in taken), options[0])
    return sizes


def rational_number(rng: Random, style: int) -> Fraction:
    """A random rational that is not zero, between −1 and 1."""
    return Fraction(rng.randint(-100, 100) or 1, _DENOMINATOR) / (8 if style >= 3 else 1)


def _matrix(rng: Random, rows: int, cols: int, *, style: int) -> Array:
    out = np.empty((rows, cols), dtype=object)
    for i, j in np.ndindex(rows, cols):
        x = rational_number(rng, style)
        match style % 3:
            case 1:  # near the identity, or near the first columns of it
                x = x / 6 + (1 if i == j else 0)
            case 2:
                x = abs(x) + Fraction(1, 5)
        out[i, j] = x
    return out


def _cubic(rng: Random, rows: int, cols: int) -> _Cubic:
    def whole() -> Fraction:
        return Fraction(rng.randint(-2, 2))

    forms = [tuple(tuple(whole() for _ in range(cols)) for _ in range(rows)) for _ in range(rows * cols)]
    factors = [(whole(), whole() + Fraction(1, 2), whole() + Fraction(1, 2)) for _ in forms]
    return _Cubic(tuple(forms), tuple(factors))


def _operator(rng: Random, operator: OperatorSymbol, size: Callable[[Dim], int], style: int) -> Array:
    rows = size(operator.codomain[0]) * size(operator.codomain[1])
    cols = size(operator.domain[0]) * size(operator.domain[1])
    out = np.empty((rows, cols), dtype=object)
    for i, j in np.ndindex(rows, cols):
        out[i, j] = Fraction(rng.randint(-3, 3))
    if not operator.symmetric:
        return out
    return out.T @ out if style % 3 else out + out.T
