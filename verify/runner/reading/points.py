"""Points at which a claim is read twice: values for the author's objects, and the same ones by name for the tree.

Main definitions: `Drawn`, `draw`, `STYLES`. Two objects get two values whatever they are called: if the tree cannot tell them
apart, its reading will differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import sympy as sp

from verify.evaluation.authored import MP, Cubic, Point, Training, filled
from verify.language.domains import Domain, Parameter
from verify.language.nodes import WrittenFunction, WrittenOperator
from verify.language.objects import sizes_of

Rows = tuple[tuple[Fraction, ...], ...]

STYLES = ("whole", "fractions", "zero", "one", "large", "symmetric", "small", "low rank")
_NUMBERS = {
    "whole": [Fraction(k) for k in range(-2, 3)],
    "fractions": [Fraction(k, 7) for k in range(-13, 14) if k],
    "zero": [Fraction(0)],
    "one": [Fraction(1)],
    "large": [Fraction(k) for k in (-17, -9, -5, 4, 8, 13, 21)],
    "symmetric": [Fraction(k, 2) for k in range(-5, 6)],
    "small": [Fraction(k, 64) for k in range(-31, 32) if k],
    "any": [Fraction(k, d) for k in (1, -1, 2, 3, -4, 7, 11, -19, 50) for d in (1, 1, 3, 20, 300)],
    "low rank": [Fraction(k) for k in range(-3, 4) if k],
}
_SIZES = ((2, 3, 2, 1, 2), (3, 2, 1, 2, 2), (1, 2, 3, 3, 1), (2, 2, 2, 2, 2), (3, 2, 3, 1, 2), (1, 1, 1, 1, 1), (7, 6, 8, 7, 9))


@dataclass(frozen=True)
class Drawn:
    """One point, for both readings.

    Attributes:
        point: values by the author's objects.
        dims, values: the same by name, exactly, as certificates have them.
        number: of the point.
    """

    point: Point
    number: int
    dims: Mapping[str, int]
    values: Mapping[str, Any]

    @property
    def where(self) -> str:
        """The sizes, for messages."""
        return ", ".join(f"{k} = {v}" for k, v in sorted(self.dims.items())) or "the given sizes"

    @property
    def largest(self) -> int:
        """The longest side of a matrix here."""
        arrays = [v for v in self.point.values.values() if isinstance(v, np.ndarray)]
        return max((max(a.shape) for a in arrays), default=1)

    def argument(self, rows: int, cols: int) -> list[list[str]]:
        """The matrix at which functions of that shape are compared."""
        rng = Random(f"argument {self.number} {rows} {cols}")
        return _json(_matrix(rng, rows, cols, STYLES[self.number % len(STYLES)]))


def draw(
    objects: Iterable[Any],
    training: Training | None,
    number: int,
    least: Mapping[str, int],
    domains: Mapping[str, Domain],
) -> Drawn:
    """The point of that number: styles and sizes go round, everything else is random with the number as the seed.

    Args:
        objects: the author's symbols, functions and operators.
        training: what `ddt` and `after` mean there.
        number: of the point.
        least: the dimensions that were read, by name, with the smallest sizes that the claim leaves room for.
        domains: where the claim's assumptions leave scalars, by name.
    """
    listed, rng, style = list(objects), Random(f"reading {number}"), STYLES[number % len(STYLES)]
    counted = [o for o in listed if isinstance(o, sp.Symbol) and o.name in least]
    dims = list(dict.fromkeys([*dimension_objects(listed), *counted]))
    choice = _SIZES[(number + number // len(STYLES)) % len(_SIZES)]
    sizes = {dim: max(choice[k % len(choice)], least.get(str(dim.name), 1)) for k, dim in enumerate(dims)}

    def size(dim: Any) -> int:
        return int(dim) if isinstance(dim, sp.Integer | int) else sizes[dim]

    by_object: dict[Any, Any] = dict(sizes)
    by_name: dict[str, Any] = {}
    functions: dict[WrittenFunction, Cubic] = {}
    operators: dict[WrittenOperator, Any] = {}
    for thing in listed:
        match thing:
            case sp.MatrixSymbol():
                rows = _matrix(rng, size(thing.shape[0]), size(thing.shape[1]), style)
                by_object[thing], by_name[thing.name] = _array(rows), _json(rows)
            case WrittenFunction():
                functions[thing], by_name[thing.symbol.name] = _function(rng, *map(size, thing.argument.shape))
            case WrittenOperator():
                rows = _operator(rng, thing, size)
                operators[thing], by_name[thing.symbol.name] = _array(rows), _json(rows)
            case sp.Symbol() if thing not in sizes:
                later = number >= len(STYLES)
                value = _scalar(rng, thing, "any" if later else style, domains.get(thing.name) if later else None)
                by_object[thing], by_name[thing.name] = _real(value), str(value)
    names = {dim.name: k for dim, k in sizes.items()}
    return Drawn(Point(by_object, functions, operators, training), number, names, by_name)


def dimension_objects(objects: Sequence[Any]) -> list[Any]:
    """The symbols that are sizes."""
    return list(dict.fromkeys(d for o in objects for d in sizes_of(o) if isinstance(d, sp.Symbol)))


def _matrix(rng: Random, rows: int, cols: int, style: str) -> Rows:
    pick = _NUMBERS[style]
    entries = [[rng.choice(pick) for _ in range(cols)] for _ in range(rows)]
    if style == "symmetric" and rows == cols:
        entries = [[entries[min(i, j)][max(i, j)] for j in range(cols)] for i in range(rows)]
    if style == "low rank":
        left, right = [rng.choice(pick) for _ in range(rows)], [rng.choice(pick) for _ in range(cols)]
        entries = [[a * b for b in right] for a in left]
    return tuple(tuple(row) for row in entries)


def _operator(rng: Random, operator: WrittenOperator, size: Any) -> Rows:
    rows, cols = (size(d[0]) * size(d[1]) for d in (operator.codomain, operator.domain))
    entries = [[Fraction(rng.randint(-3, 3)) for _ in range(cols)] for _ in range(rows)]
    if operator.symbol.symmetric:
        entries = [[entries[min(i, j)][max(i, j)] for j in range(cols)] for i in range(rows)]
    return tuple(tuple(row) for row in entries)


def _function(rng: Random, rows: int, cols: int) -> tuple[Cubic, Any]:
    """A sum of cubics of linear forms, and the same as the JSON of a formula."""
    forms, factors, parts = [], [], []
    for _ in range(2):
        form = _matrix(rng, rows, cols, "whole")
        a, b, c = (Fraction(rng.randint(-4, 4), 2) for _ in range(3))
        t = ["trace", ["matmul", ["transpose", ["literal", _json(form)]], ["arg"]]]
        powers = [["pow", t, "2"], ["pow", t, "3"]]
        parts += [["mul", ["num", str(a)], t], ["mul", ["num", str(b / 2)], powers[0]], ["mul", ["num", str(c / 6)], powers[1]]]
        forms.append(_array(form))
        factors.append((_real(a), _real(b), _real(c)))
    return Cubic(tuple(forms), tuple(factors)), {"body": ["add", *parts]}


def _scalar(rng: Random, symbol: Any, style: str, within: Domain | None) -> Fraction:
    """A number that the symbol's own assumptions admit; later ones inside the bounds that the claim assumes, if it does."""
    options = [*_NUMBERS[style], *(abs(x) for x in _NUMBERS[style])]
    if within is not None and (bounded := [x for x in _inside(within) if within.contains(x)]):
        options = bounded
    rng.shuffle(options)
    found = next((x for x in options if admits(symbol, x)), None)
    return found if found is not None else next((x for x in tried_for(symbol) if admits(symbol, x)), Fraction(1))


TRIED = tuple(Fraction(k, d) for d in (1, 2, 7, 1000) for k in (0, 1, -1, 2, -2, 3, -3, 4, 5, -5, 7, 9, 10, -10, 100, -100))
"""Numbers at which a symbol's assumptions are compared with the domain that was read."""


def _inside(domain: Domain | None) -> list[Fraction]:
    """Numbers inside the bounds of a domain, and at them."""
    if domain is None:
        return []
    bounds = [getattr(domain, k) for k in ("above", "least", "below", "most")]
    known = [b for b in bounds if b is not None]
    middle = [sum(known, Fraction(0)) / len(known)] if known else []
    steps = (1, -1, Fraction(1, 1000), Fraction(-1, 1000))
    return [*middle, *known, *(b + e for b in known for e in steps), *(b * k for b in known for k in (2, 5, Fraction(1, 2)))]


def _own_domain(symbol: Any) -> Domain | None:
    return symbol.domain if isinstance(symbol, Parameter) else None


def tried_for(symbol: Any) -> list[Fraction]:
    """Numbers at which a symbol's domain is worth looking at."""
    return [*TRIED, *_inside(_own_domain(symbol))]


def admits(symbol: Any, value: Fraction) -> bool:
    """Whether a symbol's assumptions leave room for a number, as SymPy sees it."""
    if isinstance(symbol, Parameter):
        return symbol.domain.contains(value)
    number = sp.Rational(value.numerator, value.denominator)
    return all(getattr(number, f"is_{fact}", None) in (truth, None) for fact, truth in symbol.assumptions0.items())


def _real(value: Fraction) -> Any:
    return MP.mpf(value.numerator) / value.denominator


def _array(rows: Rows) -> Any:
    return filled(len(rows), len(rows[0]), lambda i, j: _real(rows[i][j]))


def _json(rows: Rows) -> list[list[str]]:
    return [[str(x) for x in row] for row in rows]


def as_array(value: list[list[str]]) -> Any:
    """A matrix by name, in the numbers of the author's reading."""
    return _array(tuple(tuple(Fraction(x) for x in row) for row in value))


def as_floats(value: Any) -> Any:
    """A value by name as an array with a batch of one."""
    if isinstance(value, str):
        return np.array([float(Fraction(value))])
    return np.array([[[float(Fraction(x)) for x in row] for row in value]])
