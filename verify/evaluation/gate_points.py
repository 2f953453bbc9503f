"""Random rational points for the derivative gates: small sizes, several scales, points inside restricted domains.

Main definitions: `Instance`, `candidates`, `uneven_points`, `Style`, `Sizes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from verify.evaluation.fields.decimal import DecimalField
from verify.evaluation.fields.float64 import FloatField
from verify.evaluation.fields.rational import RationalField
from verify.evaluation.gate_models import Cubic, cubic, operator_matrix
from verify.evaluation.interpret import evaluate_term, evaluate_terms
from verify.language.errors import NotRational
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.operations.operation import Environment
from verify.language.terms import Dim, Shape, Term, symbols_of, walk

Array = Any


class Style(Enum):
    """What the matrices are like, so that most domains are met: square ones definite, entries positive, norms below 1."""

    ANY = auto()
    IDENTITY = auto()
    """Near the first columns of the identity."""
    POSITIVE = auto()
    DEFINITE = auto()
    SMALL = auto()


class Sizes(Enum):
    """How sizes grow along the sorted names of the dimensions, so that each is below and above each other one."""

    ASCENDING = auto()
    DESCENDING = auto()
    FROM_ONE = auto()
    """Ascending, with sizes of 1."""


DIGITS = 50
"""Decimal digits of the comparison where values are irrational."""

_STYLES = tuple(Style)
_ATTEMPTS = 3 * len(_STYLES)
_DENOMINATOR = 101
_UNEVEN = (Fraction(1, 30), Fraction(1, 3), Fraction(1), Fraction(3), Fraction(30))
_SIGNS = {
    (Fraction(1), Sizes.ASCENDING): 0b00,
    (Fraction(1), Sizes.DESCENDING): 0b11,
    (Fraction(3), Sizes.DESCENDING): 0b01,
    (Fraction(10), Sizes.ASCENDING): 0b10,
    (Fraction(100), Sizes.DESCENDING): 0b11,
    (Fraction(1, 30), Sizes.FROM_ONE): 0b00,
}
"""Which of two scalars are negative, at the points that are tried first."""


@dataclass(frozen=True)
class Instance:
    """Rational values for everything some terms mention; object arrays of Fractions."""

    values: Mapping[str, Array]
    dims: Mapping[str, int]
    functions: Mapping[str, Cubic]
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


def candidates(
    terms: Sequence[Term], loss: Term, derived: Term, seed: int, scale: Fraction, sizes: Sizes, largest: float
) -> Iterator[Instance]:
    """Random points of one scale at which a loss and the formula for its derivative have values.

    Args:
        terms: whose symbols are to have values.
        loss: a scalar term, to be a number, at most the largest, also around the point.
        derived: the formula.
        seed: of the points.
        scale: of the entries.
        sizes: the order of the sizes.
        largest: bound of the loss.
    """
    for attempt in range(_ATTEMPTS):
        rng = Random(f"{seed} {scale} {sizes.name} {attempt}")
        signs = rng.randrange(4) if attempt else _SIGNS.get((scale, sizes), 0)
        point = _draw(terms, rng, _STYLES[attempt % len(_STYLES)], scale, sizes, signs)
        if is_usable(loss, derived, point, scale, largest):
            yield point


def uneven_points(terms: Sequence[Term], seed: int, count: int) -> Iterator[Instance]:
    """Random points whose variables have different scales, inside any domain or not."""
    for attempt in range(count):
        rng = Random(f"{seed} uneven {attempt}")
        sizes = (Sizes.ASCENDING, Sizes.DESCENDING)[attempt % 2]
        point = _draw(terms, rng, _STYLES[attempt % len(_STYLES)], Fraction(1), sizes, rng.randrange(4))
        scaled = {n: v if n in point.dims else v * rng.choice(_UNEVEN) for n, v in point.values.items()}
        yield replace(point, values={n: np.asarray(v, dtype=object) for n, v in scaled.items()})


def is_usable(loss: Term, derived: Term, point: Instance, scale: Fraction, largest: float) -> bool:
    """Whether a loss and the formula for its derivative have values at the point."""
    return _inside(loss, point, float(scale), largest) and _has_values([loss, derived], point)


def _inside(loss: Term, point: Instance, scale: float, largest: float) -> bool:
    """Whether the loss is a number of that size at the point and around it, in floating point."""
    rng = np.random.default_rng(0)
    moved = {}
    for name, value in point.values.items():
        if name not in point.dims:
            here = value.astype(float)
            moved[name] = here + scale * np.concatenate(
                [np.zeros((1, *here.shape)), rng.uniform(-0.02, 0.02, (2, *here.shape))]
            )
    values = point.float_value(loss, moved)
    return bool(np.all(np.isfinite(values)) and np.max(np.abs(values)) <= largest)


def _has_values(terms: Sequence[Term], point: Instance) -> bool:
    """Whether the terms are finite with many digits: a singular matrix passes for a regular one in floating point."""
    field = DecimalField(DIGITS)
    try:
        values = evaluate_terms(terms, point.environment(field.scalar), field)
    except (ArithmeticError, ValueError):
        return False
    return all(field.mp.isfinite(x) for value in values for x in np.reshape(value, -1))


def _draw(terms: Sequence[Term], rng: Random, style: Style, scale: Fraction, sizes: Sizes, signs: int) -> Instance:
    """A random instance in a style, multiplied by the scale; two bits say which of two scalars are negative."""
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
    dims = _sizes(terms, [*shapes.values(), *_hidden_shapes(functions, operators)], sizes)

    def size(dim: Dim) -> int:
        return dim if isinstance(dim, int) else dims[dim]

    values: dict[str, Array] = {}
    turn = 0
    for name, shape in sorted(shapes.items()):
        if shape == ():
            turn += name not in dims
            whole = Fraction(dims[name]) if name in dims else _scalar(rng, style, negative=bool(signs >> turn % 2 & 1)) * scale
            values[name] = np.array(whole, dtype=object)
        else:
            values[name] = _matrix(rng, *(size(d) for d in shape), style=style) * scale
    return Instance(
        values,
        dims,
        {f.name: cubic(rng, size(f.shape[0]), size(f.shape[1])) for f in sorted(functions, key=repr)},
        {h.name: operator_matrix(rng, h, size, definite=style is not Style.IDENTITY) for h in sorted(operators, key=repr)},
    )


def _hidden_shapes(functions: set[FunctionSymbol], operators: set[OperatorSymbol]) -> list[Shape]:
    return [*(f.shape for f in functions), *(h.domain for h in operators), *(h.codomain for h in operators)]


def _sizes(terms: Sequence[Term], shapes: Sequence[Shape], sizes: Sizes) -> dict[str, int]:
    """Small sizes, different for the two sides of every matrix where possible, in ascending order of names or descending."""
    least: dict[str, int] = {}
    smallest = 1 if sizes is Sizes.FROM_ONE else 2
    for term in terms:
        for node in walk(term):
            for dim in node.shape:
                if isinstance(dim, str):
                    least.setdefault(dim, smallest)
            if node.op == "dim" and isinstance(node.payload[0], str):
                least.setdefault(node.payload[0], smallest)
            if node.op in ("entry", "unit"):
                shape, index = (node.args[0].shape, node.payload) if node.args else (node.shape, node.payload[2:])
                for dim, i in zip(shape, index, strict=True):
                    if isinstance(dim, str):
                        least[dim] = max(least.get(dim, smallest), i + 1)
    for shape in shapes:
        for dim in shape:
            if isinstance(dim, str):
                least.setdefault(dim, smallest)
    chosen: dict[str, int] = {}
    for name in sorted(least, reverse=sizes is Sizes.DESCENDING):
        beside = {d for s in shapes if name in s for d in s if d != name}
        taken = {d if isinstance(d, int) else chosen.get(d) for d in beside}
        options = [least[name] + k for k in range(3)]
        chosen[name] = next((o for o in options if o not in taken), options[0])
    return chosen


def rational_number(rng: Random) -> Fraction:
    """A random rational that is not zero, between −1 and 1."""
    return Fraction(rng.randint(-100, 100) or 1, _DENOMINATOR)


def _scalar(rng: Random, style: Style, *, negative: bool) -> Fraction:
    """Between 1/2 and 1 in size; negative only in the wildest style."""
    x = (1 + abs(rational_number(rng))) / 2
    if style is Style.ANY:
        return -x if negative else x
    return x / 8 if style is Style.SMALL else x


def _matrix(rng: Random, rows: int, cols: int, *, style: Style) -> Array:
    out = np.empty((rows, cols), dtype=object)
    for i, j in np.ndindex(rows, cols):
        x = rational_number(rng)
        match style:
            case Style.IDENTITY:
                x = x / 6 + (1 if i == j else 0)
            case Style.POSITIVE:
                x = abs(x) + Fraction(1, 5)
            case Style.SMALL:
                x = x / 8
        out[i, j] = x
    if style is Style.ANY:
        out[rng.randrange(rows), rng.randrange(cols)] = Fraction(rng.choice((-1, 1)))  # the scale is reached
    if style is Style.DEFINITE and rows == cols:
        return out.T @ out + np.array([[Fraction(int(i == j), 5) for j in range(cols)] for i in range(rows)], dtype=object)
    return out
