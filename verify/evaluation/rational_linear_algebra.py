"""Exact linear algebra over the rationals on small lists of rows.

Main definitions: `rank`, `inverse`, `determinant`, `symmetric_eigenvalues`, `singular_values`, `off_block`,
`rational_root`. This is the untrusted twin of the kernel's own routines; tests compare the two.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt, lcm

from verify.language.errors import NotRational

Rows = list[list[Fraction]]


def product(left: Rows, right: Rows) -> Rows:
    """The matrix product."""
    columns = list(zip(*right, strict=True))
    return [[sum((a * b for a, b in zip(row, col, strict=True)), Fraction(0)) for col in columns] for row in left]


def transposed(rows: Rows) -> Rows:
    """The transpose."""
    return [list(col) for col in zip(*rows, strict=True)]


def eliminate(rows: Rows) -> tuple[Rows, list[int], Fraction]:
    """Reduced row echelon form, pivot columns, and the determinant's value (for square input)."""
    work = [list(map(Fraction, row)) for row in rows]
    pivots: list[int] = []
    determinant = Fraction(1)
    line = 0
    for col in range(len(work[0])):
        pivot = next((i for i in range(line, len(work)) if work[i][col]), None)
        if pivot is None:
            determinant = Fraction(0)
            continue
        if pivot != line:
            work[line], work[pivot] = work[pivot], work[line]
            determinant = -determinant
        head = work[line][col]
        determinant *= head
        work[line] = [x / head for x in work[line]]
        for i, row in enumerate(work):
            if i != line and row[col]:
                factor = row[col]
                work[i] = [x - factor * y for x, y in zip(row, work[line], strict=True)]
        pivots.append(col)
        line += 1
        if line == len(work):
            break
    return work, pivots, determinant


def rank(rows: Rows) -> int:
    """The rank."""
    return len(eliminate(rows)[1])


def determinant(rows: Rows) -> Fraction:
    """The determinant."""
    _, pivots, value = eliminate(rows)
    return value if len(pivots) == len(rows) else Fraction(0)


def inverse(rows: Rows) -> Rows:
    """The inverse.

    Raises:
        NotRational: if the matrix is singular (the value does not exist).
    """
    size = len(rows)
    augmented = [list(row) + [Fraction(int(i == j)) for j in range(size)] for i, row in enumerate(rows)]
    reduced, pivots, _ = eliminate(augmented)
    if pivots[:size] != list(range(size)):
        raise NotRational("the matrix is singular, so its inverse does not exist")
    return [row[size:] for row in reduced]


def characteristic_polynomial(rows: Rows) -> list[Fraction]:
    """Coefficients of det(tI − M), highest power first (Faddeev–LeVerrier)."""
    size = len(rows)
    coefficients = [Fraction(1)]
    work = [[Fraction(0)] * size for _ in range(size)]
    for k in range(1, size + 1):
        for i in range(size):
            work[i][i] += coefficients[-1]
        work = product(rows, work)
        coefficients.append(-sum((work[i][i] for i in range(size)), Fraction(0)) / k)
    return coefficients


def symmetric_eigenvalues(rows: Rows) -> list[Fraction]:
    """All eigenvalues of a symmetric matrix, descending, if every one is rational.

    Candidates come from mpmath; each is accepted only if it is an exact root of the characteristic polynomial.

    Raises:
        NotRational: if one is irrational, or the matrix is not symmetric.
    """
    import mpmath

    if rows != transposed(rows):
        raise NotRational("the matrix is not symmetric: its eigenvalues are not defined here")
    remaining = characteristic_polynomial(rows)
    lead = lcm(*(c.denominator for c in remaining))
    mp = mpmath.mp.clone()
    mp.dps = 30 + 2 * max(len(str(int(c * lead))) for c in remaining)
    entries = mp.matrix([[mp.mpf(x.numerator) / x.denominator for x in row] for row in rows])
    found: list[Fraction] = []
    for value in mp.eigsy(entries, eigvals_only=True):
        root = Fraction(int(mp.nint(value * lead)), lead)
        remaining, rest = _deflate(remaining, root)
        if rest:
            raise NotRational("an eigenvalue is irrational")
        found.append(root)
    return sorted(found, reverse=True)


def _deflate(coefficients: list[Fraction], root: Fraction) -> tuple[list[Fraction], Fraction]:
    """Quotient and remainder of the division by (t − root)."""
    out = [coefficients[0]]
    for c in coefficients[1:]:
        out.append(c + root * out[-1])
    return out[:-1], out[-1]


def singular_values(rows: Rows) -> list[Fraction]:
    """The singular values, descending, if every one is rational.

    Raises:
        NotRational: if one is irrational.
    """
    wide = len(rows) <= len(rows[0])
    gram = product(rows, transposed(rows)) if wide else product(transposed(rows), rows)
    roots = [rational_root(value, 2) for value in symmetric_eigenvalues(gram)]
    if any(r is None for r in roots):
        raise NotRational("a singular value is irrational")
    return [r for r in roots if r is not None]


def rational_root(value: Fraction, degree: int) -> Fraction | None:
    """The non-negative root of a given degree, if it is rational."""
    if value < 0:
        return None
    parts = []
    for part in (value.numerator, value.denominator):
        root = isqrt(part) if degree == 2 else _integer_root(part, degree)
        if root**degree != part:
            return None
        parts.append(root)
    return Fraction(parts[0], parts[1])


def _integer_root(value: int, degree: int) -> int:
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle - 1
    return low


def complement_projection(rows: Rows) -> Rows:
    """The orthogonal projection onto the complement of the column space."""
    size = len(rows)
    identity = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    _, pivots, _ = eliminate(rows)
    if not pivots:
        return identity
    basis = [[row[p] for p in pivots] for row in rows]
    middle = inverse(product(transposed(basis), basis))
    onto = product(product(basis, middle), transposed(basis))
    return [[a - b for a, b in zip(x, y, strict=True)] for x, y in zip(identity, onto, strict=True)]


def off_block(y: Rows, x: Rows) -> Rows:
    """`P_U^⊥ Y P_V^⊥` for the column space U and the row space V of X."""
    return product(product(complement_projection(x), y), complement_projection(transposed(x)))
