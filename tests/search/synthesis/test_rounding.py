"""Exact spurious points: every condition over Q, and small changes are rejected."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.search.synthesis.program import interior
from verify.search.synthesis.rounding import SpuriousPoint, is_exact, is_semidefinite, rounded
from verify.search.synthesis.shapes import Setting, Shape, shapes

WITH_DECAY = Setting(Fraction(1), Fraction(1, 10), Fraction(1, 10))
SCALED = Setting(Fraction(2), Fraction(1, 2), Fraction(2))


def exact(shape: Shape, numbers: list[str], setting: Setting, high: str) -> SpuriousPoint:
    point = shape.build([Fraction(x) for x in numbers], setting)
    solution = interior(point.in_floats(), 1.0, float(Fraction(high)))
    assert solution is not None
    found = rounded(point, solution, Fraction(1), Fraction(high))
    assert found is not None
    return found


def turned(m: int, n: int, r: int, r_star: int) -> Shape:
    return list(shapes(m, n, r, r_star))[-1]


POINTS = {
    "aligned": lambda: exact(Shape(2, 2, 1, ((1, 1),)), ["3/4"], Setting(), "7/2"),
    "with decay": lambda: exact(Shape(2, 2, 1, ((1, 1),), unit=Fraction(2)), ["1"], WITH_DECAY, "7/2"),
    "scale and two decays": lambda: exact(Shape(2, 2, 1, ((1, 1),)), ["3/4"], SCALED, "5"),
    "turned": lambda: exact(turned(2, 2, 1, 1), ["2/3", "1/10", "1/8"], WITH_DECAY, "6"),
    "rank two": lambda: exact(next(shapes(3, 3, 2, 1)), ["2/3"], Setting(), "4"),
    "shared direction": lambda: exact(next(shapes(3, 3, 2, 2)), ["1"], WITH_DECAY, "9"),
}


@pytest.mark.parametrize("name", POINTS)
def test_rounded_points_are_exact(name: str) -> None:
    found = POINTS[name]()
    assert is_exact(found)
    assert all(isinstance(x, Fraction) for row in found.operator for x in row)


@pytest.mark.parametrize("name", ["aligned", "turned", "scale and two decays"])
def test_any_change_of_a_prescribed_entry_is_rejected(name: str) -> None:
    found = POINTS[name]()
    tiny = Fraction(1, 10**30)
    moved = found.hessian.copy()
    moved[0, 0] += tiny
    assert not is_exact(replace(found, hessian=moved))
    skew = found.hessian.copy()
    skew[0, 1] += tiny
    assert not is_exact(replace(found, hessian=skew))
    left = found.point.left.copy()
    left[0, 0] += tiny
    assert not is_exact(replace(found, point=replace(found.point, left=left)))


def test_bounds_that_are_too_narrow_are_rejected() -> None:
    found = POINTS["aligned"]()
    assert not is_exact(replace(found, high=Fraction(3)))
    assert not is_exact(replace(found, low=Fraction(5, 2)))


def test_a_witness_outside_of_the_subdifferential_is_rejected() -> None:
    found = POINTS["with decay"]()
    slope = found.slope.copy()
    slope[1, 1] += Fraction(1, 1000)
    assert not is_exact(replace(found, slope=slope))


def test_the_textbook_example_is_found_at_the_threshold_itself() -> None:
    found = exact(Shape(2, 2, 1, ((1, 1),), unit=Fraction(2)), ["1"], WITH_DECAY, "3")
    assert found.kappa == 3
    assert found.hessian[0, 0] == 2
    assert found.hessian[0, 3] == 1


def test_numbers_stay_small() -> None:
    found = POINTS["with decay"]()
    assert max(x.denominator for row in found.operator for x in row) <= 64


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=16, max_size=16), st.integers(0, 4))
def test_semidefiniteness_agrees_with_the_eigenvalues(entries: list[int], columns: int) -> None:
    factor = np.array(entries).reshape(4, 4)
    factor[:, columns:] = 0
    gram = factor @ factor.T
    assert is_semidefinite(gram.astype(object))
    lower = gram - np.eye(4, dtype=int)
    smallest = np.linalg.eigvalsh(lower.astype(float))[0]
    if abs(smallest) > 1e-9:
        assert is_semidefinite(lower.astype(object)) == (smallest > 0)
