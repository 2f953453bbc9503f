"""Exact linear algebra: one characteristic polynomial serves determinant, inverse, rank, projections and roots."""
from fractions import Fraction
from itertools import pairwise
from math import inf, lcm
from typing import Any

from ._limits import Outside, Undefined, precision, spend
from ._values import HALF, ONE, ZERO, Jet, Value, add, affine, coefficient, each, ends, interval, mul, power, total, turn

Integers = list[list[int]]

def integers(a: Any) -> tuple[Integers, int]:
    """(N, d) with a = N / d; needs exact entries."""
    if not all(isinstance(x, Fraction) for row in a for x in row):
        raise Undefined("needs an exact matrix, but an entry is only enclosed or carries a derivative")
    d = 1
    for x in (x for row in a for x in row):
        spend(1 + (d.bit_length() ** 2 >> 20))
        d = lcm(d, x.denominator)
    spend(len(a) * len(a[0]) * (1 + (d.bit_length() >> 8)))
    return [[x.numerator * (d // x.denominator) for x in row] for row in a], d

def centred(a: Any) -> tuple[Any, Fraction]:
    """(M, e): midpoints, and a bound of the spectral norm of a - M: the sum of all radii."""
    bounds = [[ends(x) for x in row] for row in a]
    return [[(lo + hi) / 2 for lo, hi in row] for row in bounds], sum(((hi - lo) / 2 for row in bounds for lo, hi in row), ZERO)

def _weight(a: Integers) -> int:
    return 1 + (max(x.bit_length() for row in a for x in row) ** 2 >> 17)

def gram(a: Integers) -> Integers:
    """a a'."""
    spend(len(a) ** 2 * len(a[0]) * _weight(a) // 4)
    return [[sum(x * y for x, y in zip(r, s, strict=True)) for s in a] for r in a]

def characteristic(a: Integers) -> tuple[list[int], list[Integers]]:
    """Faddeev-LeVerrier: det(x I - a) = sum c[i] x^(n-i), M[i] = c[0] a^i + ... + c[i] I; the divisions are exact."""
    n = len(a)
    spend(n**4 * (4 + _weight(a) * n) // 32)
    c, m = [1], [[[int(i == j) for j in range(n)] for i in range(n)]]
    for k in range(1, n + 1):
        columns = turn(m[-1])
        step = [[sum(x * y for x, y in zip(row, column, strict=True)) for column in columns] for row in a]
        c.append(-sum(step[i][i] for i in range(n)) // k)
        m.append([[x + c[k] * (i == j) for j, x in enumerate(row)] for i, row in enumerate(step)])
    return c, m

def determinant(a: Any) -> Value:
    """By the characteristic polynomial; of enclosures and derivatives by the same recursion, which divides by integers only."""
    if not all(isinstance(x, Fraction) for row in a for x in row):
        m, c = [[Fraction(i == j) for j in range(len(a))] for i in range(len(a))], ONE
        for k in range(1, len(a) + 1):
            step = mul(a, m)
            c = affine(Fraction(-1, k), total(row[i] for i, row in enumerate(step)))
            m = [[add(x, c) if i == j else x for j, x in enumerate(row)] for i, row in enumerate(step)]
        return affine((-1) ** len(a), c)
    n, d = integers(a)
    return Fraction((-1) ** len(a) * characteristic(n)[0][-1], d ** len(a))

def inverse(a: Any) -> Value:
    """From a M[n-1] = -c[n] I; with derivatives, a0 + e has the inverse x - x e x + x e x e x - ..., where x is that of a0."""
    levels = [x.level for row in a for x in row if isinstance(x, Jet)]
    if levels:
        order = max(x.order for row in a for x in row if isinstance(x, Jet) and x.level == max(levels))
        if order == inf:
            raise Undefined("not visibly a polynomial")
        x = part = inverse(coefficient(a, max(levels), ()))
        e = each(lambda y, z: add(y, affine(-1, z)), a, coefficient(a, max(levels), ()))
        found = x
        for _ in range(int(order)):
            part = each(lambda y: affine(-1, y), mul(mul(x, e), part))
            found = each(add, found, part)
        return found
    n, d = integers(a)
    c, m = characteristic(n)
    if c[-1] == 0:
        raise Outside("inverse of a singular matrix")
    return [[Fraction(-x * d, c[-1]) for x in row] for row in m[-2]]

def complement(a: Any) -> tuple[Value, int]:
    """(projection onto the complement of the column space, rank). With g = a a' of rank k, q = c[0] x^k + ... + c[k]
    vanishes at the nonzero eigenvalues of g, so that q(g)/q(0) = M[k]/c[k] projects on the kernel of g."""
    c, m = characteristic(gram(integers(a)[0]))
    k = max(i for i, x in enumerate(c) if x)
    return [[Fraction(x, c[k]) for x in row] for row in m[k]], k

def semidefinite(a: Any) -> bool:
    """Is a positive semidefinite? Fraction-free elimination on positive diagonal pivots: a negative diagonal entry
    refutes it, and where the diagonal has only zeros left, everything left must be zero."""
    n, before = integers(a)[0], 1
    if n != turn(n):
        return False
    while n:
        spend(len(n) ** 2 * _weight(n))
        pivot, p = max((row[i], i) for i, row in enumerate(n))
        if pivot == 0 or min(row[i] for i, row in enumerate(n)) < 0:
            return not any(x for row in n for x in row)
        others = [i for i in range(len(n)) if i != p]
        n = [[(pivot * n[i][j] - n[i][p] * n[p][j]) // before for j in others] for i in others]
        before = pivot
    return True

def _counts(c: list[int], at: int) -> tuple[int, int]:
    """How many roots lie above `at`, and at it, for a polynomial with real roots only: the sign changes of p(x + at)
    (Descartes' rule is exact for such polynomials) and the number of its vanishing lowest coefficients."""
    size = max(x.bit_length() for x in c) + len(c) * at.bit_length()
    spend(1 + len(c) ** 2 * (1 + (size >> 10) + (size * at.bit_length() >> 24)) // 4)
    q = list(c)
    for end in range(len(q), 1, -1):
        for i in range(1, end):
            q[i] += at * q[i - 1]
    signs = [x > 0 for x in q if x]
    return sum(x != y for x, y in pairwise(signs)), len(q) - 1 - max(i for i, x in enumerate(q) if x)

def eigenvalue(a: Integers, k: int) -> tuple[Fraction, Fraction]:
    """Bounds of the k-th largest eigenvalue of a symmetric matrix, equal if it is an integer (a rational one is)."""
    c = characteristic(a)[0]
    hi = 1 + max(sum(map(abs, row)) for row in a)  # Gershgorin: every eigenvalue is smaller in absolute value
    lo = -hi
    for shift in (0, precision()):
        p = [x << shift * i for i, x in enumerate(c)]  # the roots times 2^shift
        lo, hi = lo << shift, hi << shift
        while hi - lo > 1:  # the root lies in (lo, hi]
            middle = (lo + hi) // 2
            lo, hi = (middle, hi) if _counts(p, middle)[0] >= k else (lo, middle)
        if shift == 0 and sum(_counts(p, hi)) >= k:
            return Fraction(hi), Fraction(hi)
    return Fraction(lo, 1 << shift), Fraction(hi, 1 << shift)

def singular(a: Any, k: int) -> Value:
    """The k-th largest singular value, from an eigenvalue of the smaller Gram matrix; 0 beyond the smaller side."""
    middle, e = centred(a)
    n, d = integers(middle if len(a) <= len(a[0]) else turn(middle))
    if k < 1:
        raise Outside("sigma_k needs k >= 1")
    lo, hi = (max(x, ZERO) for x in eigenvalue(gram(n), k)) if k <= len(n) else (ZERO, ZERO)
    lo, hi = (ends(affine(Fraction(1, d), power(x, HALF)))[i] for i, x in enumerate((lo, hi)))
    e = e if k <= len(n) else ZERO  # Weyl: a singular value moves by at most the norm of a change
    return interval(max(ZERO, lo - e), hi + e)

def smallest(a: Any) -> Value:
    """The smallest eigenvalue of a symmetric matrix."""
    n, d = integers(a)
    if n != turn(n):
        raise Outside("lambda_min of a matrix that is not symmetric")
    return affine(Fraction(1, d), interval(*eigenvalue(n, len(n))))

def rank(a: Any, most: int) -> Fraction:
    """The rank, at most `most`; of an enclosed matrix only where so many singular values are certainly positive."""
    if all(isinstance(x, Fraction) for row in a for x in row):
        return Fraction(complement(a)[1])
    if ends(singular(a, most))[0] <= 0:
        raise Undefined("the rank of an enclosed matrix")
    return Fraction(most)
