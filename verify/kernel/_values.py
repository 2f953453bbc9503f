"""Values with one arithmetic: exact rationals, enclosures, Taylor polynomials, matrices of these, and word algebra."""
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import factorial, inf
from typing import Any

from . import _words as words
from ._limits import ORDER, Outside, Undefined, check, precision, spend
from ._words import Poly

Value = Any  # Fraction, Interval, Jet or Poly; a matrix is a list of rows of the first three, or a Jet or Poly
ZERO, ONE, MINUS, HALF = Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2)

@dataclass(frozen=True)
class Interval:
    """One real number somewhere in [lo, hi]."""
    lo: Fraction
    hi: Fraction

@dataclass(frozen=True)
class Jet:
    """Polynomial in infinitesimals e_0, e_1, ..., cut off above total degree `order`; a key lists the factors.

    Coefficients are values of lower level, so that nested derivatives are not confused with each other."""
    level: int
    order: float
    terms: dict[tuple[int, ...], Value]

def ends(x: Value) -> tuple[Fraction, Fraction]:
    """Bounds of a real number."""
    if not isinstance(x, (Fraction, Interval)):
        raise Undefined("no rule for a derivative here")
    return (x.lo, x.hi) if isinstance(x, Interval) else (x, x)

def interval(lo: Fraction, hi: Fraction) -> Value:
    """An enclosure with dyadic ends, lo rounded down and hi rounded up; exact if lo = hi."""
    pay(lo, hi)
    spend(12)
    def down(x: Fraction) -> Fraction:
        shift = precision() - x.numerator.bit_length() + x.denominator.bit_length()
        if shift < 0:
            return Fraction(x.numerator // (x.denominator << -shift) << -shift)
        return Fraction((x.numerator << shift) // x.denominator, 1 << shift)
    return lo if lo == hi else Interval(down(lo), -down(-hi))

def pay(x: Fraction, y: Fraction) -> None:
    """For an operation with two rationals."""
    size = x.numerator.bit_length() + x.denominator.bit_length() + y.numerator.bit_length() + y.denominator.bit_length()
    spend(4 + (size * size >> 20))

def add(x: Value, *others: Value) -> Value:
    """The sum of any number of scalars, or of matrices."""
    if isinstance(x, Fraction) and all(isinstance(y, Fraction) for y in others):
        for y in others:
            pay(x, y)
            x += y
        return x
    if isinstance(x, list):
        return each(add, x, *others)
    xs = (x, *others)
    jets = [y for y in xs if isinstance(y, Jet)]
    if jets:  # in place: a sum of many polynomials is not copied for each of them
        level, terms = max(y.level for y in jets), dict[tuple[int, ...], Value]()
        for key, c in ((key, c) for y in xs for key, c in monomials(y, level).items()):
            spend(2)
            terms[key] = add(terms[key], c) if key in terms else c
        order = max(y.order for y in jets if y.level == level)
        return Jet(level, order, {key: c for key, c in terms.items() if not vanishes(c)})
    if any(isinstance(y, Poly) for y in xs):
        return words.plus(*map(poly, xs))
    lows, highs = zip(*map(ends, xs), strict=True)
    return interval(add(*lows), add(*highs))

def vanishes(x: Value) -> bool:
    """Is a coefficient visibly zero?"""
    return not x.terms if isinstance(x, (Jet, Poly)) else not isinstance(x, list) and x == 0

def mul(x: Value, y: Value) -> Value:
    """The product of scalars and matrices. One Interval object denotes one real: x x is a square, not negative."""
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        pay(x, y)
        return x * y
    if isinstance(x, list) and isinstance(y, list):
        columns = turn(y)
        return [[total(map(mul, row, column)) for column in columns] for row in x]
    if isinstance(x, list) or isinstance(y, list):
        return each(lambda v: mul(v, y), x) if isinstance(x, list) else each(lambda v: mul(x, v), y)
    if isinstance(x, Jet) or isinstance(y, Jet):
        level, order, a, b = _align(x, y)
        out = Jet(level, order, {})
        spend(len(a) * len(b) // 4)
        for k1, k2 in ((k1, k2) for k1 in a for k2 in b if len(k1) + len(k2) <= order):
            spend(len(k1 + k2) // 4)
            key, part = tuple(sorted(k1 + k2)), mul(a[k1], b[k2])
            out.terms[key] = add(out.terms[key], part) if key in out.terms else part
        return out
    if isinstance(x, Poly) or isinstance(y, Poly):
        return words.times(poly(x), poly(y))
    (a0, a1), (b0, b1) = ends(x), ends(y)
    corners = [a0 * b0, a0 * b1, a1 * b0, a1 * b1]
    return interval(ZERO if x is y and a0 < 0 < a1 else min(corners), max(corners))

def affine(a: int | Fraction, x: Value, b: int = 0) -> Value:
    """a x + b."""
    return add(mul(Fraction(a), x), Fraction(b)) if b else mul(Fraction(a), x)

def total(xs: Any) -> Value:
    return add(*xs)

def each(f: Callable[..., Any], *values: Any) -> Any:
    """f of scalars, or entry by entry of matrices."""
    if isinstance(values[0], list):
        spend(len(values[0]) * len(values[0][0]))
        return [[f(*xs) for xs in zip(*rows, strict=True)] for rows in zip(*values, strict=True)]
    return f(*values)

def turn(x: Value) -> Value:
    """The transpose."""
    if isinstance(x, Jet):
        return Jet(x.level, x.order, {k: turn(c) for k, c in x.terms.items()})
    if isinstance(x, list):
        spend(len(x) * len(x[0]) // 8)
        return [list(column) for column in zip(*x, strict=True)]
    return words.transpose(poly(x))

def poly(x: Value) -> Poly:
    check(isinstance(x, (Poly, Fraction)), "the kernel has no derivative rule here", rule="derivative")
    return words.constant(x) if isinstance(x, Fraction) else x

def _align(x: Value, y: Value) -> tuple[int, float, Any, Any]:
    """Both as polynomials of the higher level; a value of lower level is a constant there."""
    level = max(z.level for z in (x, y) if isinstance(z, Jet))
    order = max(z.order for z in (x, y) if isinstance(z, Jet) and z.level == level)
    return level, order, monomials(x, level), monomials(y, level)

def monomials(x: Value, level: int) -> dict[tuple[int, ...], Value]:
    return x.terms if isinstance(x, Jet) and x.level == level else {(): x}

def coefficient(x: Value, level: int, key: tuple[int, ...]) -> Value:
    """The coefficient of a monomial of that level."""
    return each(lambda y: monomials(y, level).get(key, ZERO), x)

def centre(x: Value) -> Value:
    """The value without infinitesimals: it says what a branch does nearby, but nothing about a polynomial without a cut-off."""
    if isinstance(x, Jet) and x.order == inf:
        raise Undefined("not visibly a polynomial")
    return centre(x.terms.get((), ZERO)) if isinstance(x, Jet) else x

def chain(value: Callable[[Value], Value], slope: Callable[[Value], Value], x: Jet) -> Jet:
    """g(x) from g and g'. With E = "multiply each monomial by its degree", E g(x) = g'(x) E x, and the part of degree
    d of the right side needs g'(x) only below degree d."""
    if x.order == inf:
        raise Undefined("not visibly a polynomial")
    low = Jet(x.level, x.order - 1, {k: c for k, c in x.terms.items() if len(k) < x.order})
    part = mul(slope(low), Jet(x.level, x.order, {k: affine(len(k), c) for k, c in x.terms.items() if k})) if x.order else x
    above = {k: affine(Fraction(1, len(k)), c) for k, c in monomials(part, x.level).items() if k}
    return Jet(x.level, x.order, {(): value(x.terms.get((), ZERO))} | above)

def linear(op: str, name: Any, at: list[Value], slots: list[Value]) -> Value:
    """A word operation that is linear in its slots, and by Taylor's formula in `at` where that is a point of D^k f."""
    jets = [x for x in (*at, *slots) if isinstance(x, Jet)]
    if not jets:
        return words.build(op, name, list(map(poly, at)), list(map(poly, slots)))
    level = max(x.level for x in jets)
    order = max(x.order for x in jets if x.level == level)
    out: Value = Jet(level, order, {})
    moves = [(k, c) for x in at for k, c in monomials(x, level).items() if k]
    for j in range(int(order) + 1 if at else 1):
        for choice in product(*[moves] * j, *(monomials(x, level).items() for x in slots)):
            spend(4)
            key = tuple(sorted(i for k, _ in choice for i in k))
            if len(key) <= order:
                part = linear(op, name, [coefficient(x, level, ()) for x in at], [c for _, c in choice])
                out = add(out, Jet(level, order, {key: affine(Fraction(1, factorial(j)), part)}))
    return out

def power(x: Value, e: Fraction) -> Value:
    """x^e: repeated squaring for natural e (0^0 = 1), else by reciprocal and root of x >= 0."""
    if isinstance(x, Poly):
        return words.power(x, e)
    if e.denominator == 1 and e >= 0:
        half = power(x, Fraction(e.numerator // 2)) if e > 1 else ONE
        square = mul(half, half)
        return (mul(square, x) if e > 1 else x) if e.numerator % 2 else square
    if isinstance(x, Jet):
        if e.denominator > 1 and not isinstance(centre(x), Poly) and ends(centre(x))[0] <= 0:
            beyond = ends(centre(x))[1] <= 0
            raise (Outside if beyond else Undefined)("the derivative of a root at 0, or outside its domain")
        return chain(lambda y: power(y, e), lambda y: mul(e, power(y, e - 1)), x)
    if e.denominator > 1 and ends(x)[1] < 0:
        raise Outside("a root of a negative number")
    lo, hi = ends(power(x, -e)) if e < 0 else (ends(_root(end, e))[i] for i, end in enumerate(ends(x)))
    if e < 0 and lo <= 0 <= hi:
        raise (Outside if lo == hi else Undefined)("division by zero")
    return interval(1 / hi, 1 / lo) if e < 0 else interval(lo, hi)

def _root(x: Fraction, e: Fraction) -> Value:
    """x^(p/q) for x >= 0, p/q > 0: exact if numerator and denominator have exact roots, else floor and floor + 1."""
    q, y = e.denominator, ends(power(x, Fraction(e.numerator)))[0]
    check(q <= ORDER, f"a root of index above {ORDER}", rule="limits")
    if x < 0:
        raise Undefined("a root of a negative number")
    top, bottom = _floor_root(y.numerator, q), _floor_root(y.denominator, q)
    if top**q == y.numerator and bottom**q == y.denominator:
        return Fraction(top, bottom)
    shift = max(0, precision() + (y.denominator.bit_length() - y.numerator.bit_length()) // q)
    top = _floor_root((y.numerator << q * shift) // y.denominator, q)
    return interval(Fraction(top, 1 << shift), Fraction(top + 1, 1 << shift))

def _floor_root(n: int, q: int) -> int:
    """floor(n^(1/q)) by Newton's iteration from above, which decreases until it is there."""
    spend(2 + (n.bit_length() ** 2 >> 18))
    x = 1 << (n.bit_length() + q - 1) // q
    while n and (y := ((q - 1) * x + n // x ** (q - 1)) // q) < x:
        x = y
    return x if n else 0
