"""How far the active instances of a search reached, and so what it did not test.

Main definitions: `Reach`, `untested`. Everything is about instances that met the assumptions and reached the conclusion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Range = tuple[float, float]
QUADRATIC = "quadratic"
"""The kind of a function whose Hessian is constant."""


@dataclass(frozen=True)
class Reach:
    """The extent of active instances.

    Attributes:
        dims: the largest value of each dimension.
        sides: the largest min(rows, columns) of each matrix; for a product of factors, as `A·Bᵀ`, of all sizes in it.
        ranks: the largest numerical rank of each.
        products: the dimensions of each product among them.
        kinds: what stood in the place of each function: `quadratic`, `cubic`, or a family's name.
        curvature: the smallest and the largest eigenvalue of each function's Hessian that was looked at.
        scales: the smallest and the largest magnitude of a matrix or scalar that is not 0.
    """

    dims: Mapping[str, int] = field(default_factory=dict)
    sides: Mapping[str, int] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    products: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    curvature: Mapping[str, Range] = field(default_factory=dict)
    scales: Range | None = None

    def joined(self, other: Reach) -> Reach:
        """Both together."""
        names = {*self.kinds, *other.kinds}
        return Reach(
            _largest(self.dims, other.dims),
            _largest(self.sides, other.sides),
            _largest(self.ranks, other.ranks),
            {**self.products, **other.products},
            {n: tuple(sorted({*self.kinds.get(n, ()), *other.kinds.get(n, ())})) for n in sorted(names)},
            {n: _wider(self.curvature.get(n), other.curvature.get(n)) for n in {*self.curvature, *other.curvature}},
            _wider(self.scales, other.scales),
        )

    def to_json(self) -> dict[str, Any]:
        """The object `reached` of a claim's row."""
        return {
            "dimensions": dict(self.dims),
            "smallest_side": dict(self.sides),
            "rank": dict(self.ranks),
            "products": {n: list(dims) for n, dims in self.products.items()},
            "functions": {n: list(kinds) for n, kinds in self.kinds.items()},
            "curvature": {n: list(ends) for n, ends in self.curvature.items()},
            "scales": None if self.scales is None else list(self.scales),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Reach:
        """What `to_json` wrote."""
        return Reach(
            data["dimensions"],
            data["smallest_side"],
            data["rank"],
            {n: tuple(dims) for n, dims in data["products"].items()},
            {n: tuple(kinds) for n, kinds in data["functions"].items()},
            {n: (low, high) for n, (low, high) in data["curvature"].items()},
            None if data["scales"] is None else (data["scales"][0], data["scales"][1]),
        )


def _largest(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return {n: max(a.get(n, 0), b.get(n, 0)) for n in sorted({*a, *b})}


def _wider(a: Range | None, b: Range | None) -> Any:
    if a is None or b is None:
        return a or b
    return min(a[0], b[0]), max(a[1], b[1])


def untested(reach: Reach) -> list[str]:
    """What lies beyond the reach, in words.

    >>> untested(Reach({"m": 6, "n": 6}, {"A": 4}, {"A": 2}, scales=(0.01, 20.0)))
    ['sizes above 6', 'rank of A above 2', 'data of size below 0.01 or above 20']
    """
    return [*_sizes(reach.dims), *_ranks(reach), *_functions(reach), *_scales(reach.scales)]


def _sizes(dims: Mapping[str, int]) -> list[str]:
    if len(set(dims.values())) == 1:
        return [f"sizes above {next(iter(dims.values()))}"]
    return [f"{names} above {size}" for size, names in _by_value(dims)]


def _by_value(numbers: Mapping[str, int]) -> list[tuple[int, str]]:
    """Equal numbers share an entry, with their names."""
    return [(k, ", ".join(n for n in numbers if numbers[n] == k)) for k in sorted(set(numbers.values()), reverse=True)]


def _ranks(reach: Reach) -> list[str]:
    """Of products the smallest size and the rank, else of matrices; sizes that say it already are left out."""
    told = {n: k for n, k in reach.sides.items() if n in reach.products}
    smallest = [f"min({','.join(reach.products[n])}) above {k}" for n, k in told.items() if len(reach.products[n]) > 1]
    named = reach.products or reach.ranks
    ranks = {n: reach.ranks[n] for n in named if n in reach.ranks}
    bound = max(reach.dims.values(), default=0)
    return [*dict.fromkeys(smallest), *(f"rank of {names} above {k}" for k, names in _by_value(ranks) if k < bound or told)]


def _functions(reach: Reach) -> Iterable[str]:
    for name, kinds in reach.kinds.items():
        ends = reach.curvature.get(name)
        curvature = "" if ends is None else f", curvature {_brief(ends[0])} to {_brief(ends[1])}"
        yield f"other {name} ({name}: {'quadratics only' if kinds == (QUADRATIC,) else ', '.join(kinds)}{curvature})"


def _scales(scales: Range | None) -> list[str]:
    return [] if scales is None else [f"data of size below {_brief(scales[0])} or above {_brief(scales[1])}"]


def _brief(value: float) -> str:
    return f"{value:.2g}"
