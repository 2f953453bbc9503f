"""The kernel's test of positive semidefiniteness against two other ones: python-flint's characteristic polynomial, SymPy."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy as sp
from flint import fmpq, fmpq_mat

from verify.kernel._matrices import semidefinite

Rows = list[list[Fraction]]
TINY = Fraction(1, 2**200)


def by_flint(rows: Rows) -> bool:
    """A polynomial with real roots only has no negative one iff the signs of its coefficients alternate."""
    matrix = fmpq_mat([[fmpq(x.numerator, x.denominator) for x in row] for row in rows])
    return all(c * (-1) ** (len(rows) - k) >= 0 for k, c in enumerate(list(matrix.charpoly())))


def gram(rng: random.Random, size: int, rank: int) -> tuple[Rows, Rows]:
    """(KᵀK, K) for K of `rank` rows, with one common denominator."""
    bottom = rng.choice([1, 1, 6, 2**30 + 3])
    k = [[Fraction(rng.randint(-9, 9), bottom) for _ in range(size)] for _ in range(rank)]
    return [[sum((row[i] * row[j] for row in k), Fraction(0)) for j in range(size)] for i in range(size)], k


def kernel_vector(k: Rows, size: int) -> list[Fraction]:
    """A non-zero v with K v = 0, for fewer rows than columns."""
    null = sp.Matrix(len(k), size, [sp.Rational(x.numerator, x.denominator) for row in k for x in row]).nullspace()[0]
    return [Fraction(int(x.p), int(x.q)) for x in null]


def moved(rows: Rows, v: list[Fraction], by: Fraction) -> Rows:
    return [[x + by * v[i] * v[j] for j, x in enumerate(row)] for i, row in enumerate(rows)]


def random_matrix(rng: random.Random, kind: str) -> tuple[Rows, bool | None]:
    """A symmetric matrix and, where the construction tells, whether it is positive semidefinite."""
    size = rng.randint(1, 7)
    match kind:
        case "definite":
            rows, _ = gram(rng, size, size)
            return [[x + (i == j) * Fraction(1, 97) for j, x in enumerate(row)] for i, row in enumerate(rows)], True
        case "singular":
            return gram(rng, size, rng.randint(0, size - 1))[0] if size > 1 else [[Fraction(0)]], True
        case "below by 2^-200" | "above by 2^-200":
            size = max(size, 2)
            rows, k = gram(rng, size, rng.randint(1, size - 1))
            sign = -1 if kind.startswith("below") else 1
            return moved(rows, kernel_vector(k, size), sign * TINY), sign > 0
        case _:
            half = [[Fraction(rng.randint(-5, 5)) for _ in range(size)] for _ in range(size)]
            return [[half[min(i, j)][max(i, j)] for j in range(size)] for i in range(size)], None


KINDS = ["definite", "singular", "below by 2^-200", "above by 2^-200", "any"]


@pytest.mark.parametrize("kind", KINDS)
def test_two_thousand_random_matrices_agree(kind: str) -> None:
    rng = random.Random(kind)
    answers = set()
    for _ in range(400):
        rows, known = random_matrix(rng, kind)
        answer = semidefinite(rows)
        assert answer == by_flint(rows)
        assert known is None or answer == known
        answers.add(answer)
    assert len(answers) == (2 if kind == "any" else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_sympy_agrees_on_some(kind: str) -> None:
    rng = random.Random(f"sympy {kind}")
    for _ in range(12):
        rows, _ = random_matrix(rng, kind)
        matrix = sp.Matrix(len(rows), len(rows), [sp.Rational(x.numerator, x.denominator) for row in rows for x in row])
        assert semidefinite(rows) == matrix.is_positive_semidefinite


def test_a_matrix_that_is_not_symmetric_is_not_semidefinite() -> None:
    assert not semidefinite([[Fraction(1), TINY], [Fraction(0), Fraction(1)]])
