"""Points from a few numbers: singular values, where X⋆ sits among the singular directions of X, and angles between them.

Main definitions: `Shape`, `Setting`, `shapes`. X is diagonal: rotating rows and columns of a whole problem changes nothing.
Each singular pair of X⋆ sits at a place (row direction, column direction) and may be turned by plane rotations with tangents
of half the angles as parameters (the Cayley map in a plane). Rational numbers give rational points, floats give floats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from verify.evaluation.rational_linear_algebra import rational_root
from verify.search.synthesis.points import Number, Point

Array = Any
Plane = tuple[int, int]


@dataclass(frozen=True)
class Setting:
    """The numbers of the LoRA loss: scale s, decays λ_A and λ_B, `skew = √(λ_B/λ_A)` (1 without decay), all rational.

    Without decay the factors need not be balanced: then A may carry the singular values alone, which keeps them arbitrary
    rationals.
    """

    scale: Fraction = Fraction(1)
    decay_left: Fraction = Fraction(0)
    decay_right: Fraction = Fraction(0)
    balanced: bool = True

    @property
    def skew(self) -> Fraction | None:
        """`√(λ_B/λ_A)`; None where it is irrational or one decay alone is 0: then there are no rational balanced factors."""
        if self.decay_left == self.decay_right:
            return Fraction(1)
        return rational_root(self.decay_right / self.decay_left, 2) if self.decay_left and self.decay_right else None

    @property
    def weight(self) -> Fraction:
        """The nuclear weight `√(λ_Aλ_B)/s`."""
        return self.decay_left * (self.skew or 0) / self.scale


@dataclass(frozen=True)
class Shape:
    """A family of points.

    Attributes:
        m, n, r: sizes.
        places: for each singular pair of X⋆ its row and its column direction; directions below r are those of X.
        tied: whether all singular values of X are equal, and all of X⋆.
        left_planes, right_planes: the planes in which the singular vectors of X⋆ are turned, rows and columns.
        unit: the first singular value of X⋆.
    """

    m: int
    n: int
    r: int
    places: tuple[tuple[int, int], ...]
    tied: bool = True
    left_planes: tuple[Plane, ...] = ()
    right_planes: tuple[Plane, ...] = ()
    unit: Fraction = Fraction(1)

    @property
    def r_star(self) -> int:
        """The rank of X⋆."""
        return len(self.places)

    @property
    def lengths(self) -> tuple[int, int, int]:
        """How many parameters are roots of singular values of X, values of X⋆ relative to the unit, and turns."""
        first = (1, 0) if self.tied else (self.r, self.r_star - 1)
        return (*first, len(self.left_planes) + len(self.right_planes))

    @property
    def count(self) -> int:
        """The number of parameters."""
        return sum(self.lengths)

    def numbers(self, free: Sequence[float]) -> list[float]:
        """Parameters from unconstrained reals: exponentials for sizes, the reals themselves for turns."""
        positive = self.count - self.lengths[2]
        return [float(np.exp(x)) for x in free[:positive]] + [float(x) for x in free[positive:]]

    def build(self, numbers: Sequence[Number], setting: Setting) -> Point:
        """The point with given parameters, all floats or all Fractions.

        Args:
            numbers: `count` parameters: the square roots of X's singular values up to the setting's scale and skew (the
                values themselves for unbalanced factors), the values of X⋆ relative to the unit, half-angle tangents.
            setting: scale and decays.
        """
        kind = object if all(isinstance(x, Fraction) for x in numbers) else float
        roots_count, values_count, _ = self.lengths
        roots = list(numbers[:roots_count]) * (self.r if self.tied else 1)
        values = [self.unit * x for x in (1, *numbers[roots_count : roots_count + values_count])]
        values = values * self.r_star if self.tied else values
        turns = numbers[roots_count + values_count :]
        left, right = _zeros((self.m, self.r), kind), _zeros((self.n, self.r), kind)
        skew = setting.skew or Fraction(1)
        for a, root in enumerate(roots):
            left[a, a], right[a, a] = root, root / skew if setting.balanced else Fraction(1)
        star_left, star_right = _zeros((self.m, self.r_star), kind), _zeros((self.n, self.r_star), kind)
        for k, (i, j) in enumerate(self.places):
            star_left[i, k] = star_right[j, k] = Fraction(1) if kind is object else 1.0
        star_left = _turned(star_left, self.left_planes, turns[: len(self.left_planes)])
        star_right = _turned(star_right, self.right_planes, turns[len(self.left_planes) :])
        point = Point(
            left,
            right,
            (star_left * np.array(values, dtype=kind)) @ star_right.T,
            star_left,
            star_right,
            setting.scale,
            setting.decay_left,
            setting.decay_right,
            setting.weight,
        )
        return point if kind is object else point.in_floats()


def _zeros(shape: tuple[int, int], kind: Any) -> Array:
    return np.full(shape, Fraction(0) if kind is object else 0.0, dtype=kind)


def _turned(columns: Array, planes: Sequence[Plane], turns: Sequence[Number]) -> Array:
    """Rows i and j of the columns turned by the angle with tangent t of its half, for each plane (i, j) in turn."""
    for (i, j), t in zip(planes, turns, strict=True):
        norm = 1 + t * t
        cosine, sine = (1 - t * t) / norm, 2 * t / norm
        columns[[i, j]] = np.array([cosine * columns[i] - sine * columns[j], sine * columns[i] + cosine * columns[j]])
    return columns


def shapes(m: int, n: int, r: int, r_star: int) -> Iterator[Shape]:
    """Shapes of one size, simple ones first; none where no spurious point exists (`min(m, n) ≤ r` or `r⋆ = 0`).

    First as many singular pairs of X⋆ as possible are orthogonal to X, then fewer: the others share directions of X on both
    sides, or on one. Each with tied values, then free values, then turned.
    """
    room = min(m, n) - r
    if room <= 0 or not 1 <= r_star <= r:
        return
    patterns = list(_patterns(m, n, r, r_star))
    for places in patterns:
        yield Shape(m, n, r, places)
    if r > 1:
        for places in patterns:
            yield Shape(m, n, r, places, tied=False)
    for places in patterns:
        yield replace(Shape(m, n, r, places, tied=False), left_planes=tuple(_planes(m, r)), right_planes=tuple(_planes(n, r)))


def _planes(size: int, r: int) -> Iterator[Plane]:
    yield from product(range(r), range(r, size))


def _patterns(m: int, n: int, r: int, r_star: int) -> Iterator[tuple[tuple[int, int], ...]]:
    for outside in range(min(r_star, min(m, n) - r), 0, -1):
        apart = [(r + k, r + k) for k in range(outside)]
        rest = r_star - outside
        yield (*apart, *((r - 1 - k, r - 1 - k) for k in range(rest)))
        if rest and n - r >= outside + rest:
            yield (*apart, *((r - 1 - k, r + outside + k) for k in range(rest)))
        if rest and m - r >= outside + rest:
            yield (*apart, *((r + outside + k, r - 1 - k) for k in range(rest)))
