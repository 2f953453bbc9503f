"""Elementary functions: exp and log from `decimal` (correctly rounded), the others by series with remainder bounds."""
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from ._limits import Outside, Undefined, precision, spend
from ._values import HALF, MINUS, ONE, ZERO, Interval, Jet, Value, add, affine, centre, chain, ends, interval, mul, pay, power

SMOOTH = {"exp", "tanh", "sigmoid", "softplus", "sin", "cos", "erf"}  # on the whole line
FUNCTIONS = SMOOTH | {"log", "abs", "sign", "relu", "step"}

def apply(name: str, x: Value) -> Value:
    """The function at a number: exact where evidently rational, else enclosed, with derivatives where it has any."""
    match name:
        case "sigmoid":
            return power(affine(1, apply("exp", affine(-1, x)), 1), MINUS)
        case "tanh":
            return affine(2, apply("sigmoid", affine(2, x)), -1)
        case "softplus":
            return apply("log", affine(1, apply("exp", x), 1))
        case "relu" | "abs":
            return largest(x, ZERO if name == "relu" else affine(-1, x))
        case "sign":
            return add(apply("step", x), affine(-1, apply("step", affine(-1, x))))
        case "step":
            lo, hi = ends(x if ends(centre(x))[0] <= 0 <= ends(centre(x))[1] else centre(x))  # no derivative at 0
            return interval(Fraction(lo > 0), Fraction(hi > 0))
    if isinstance(x, Jet):
        return chain(lambda y: apply(name, y), _SLOPES[name], x)
    lo, hi = ends(x)
    if lo == hi == (name == "log"):  # the points with rational values
        return Fraction(name in ("exp", "cos"))
    if name in ("sin", "cos"):  # period 2 pi, Lipschitz with constant 1
        middle, radius = (lo + hi) / 2, (hi - lo) / 2
        if abs(middle) > 4:
            turns = round(middle * 7 / 44)
            return Interval(MINUS, ONE) if abs(turns) > 10**6 else apply(name, add(x, affine(-2 * turns, pi())))
        lo, hi = ends(_wave(middle, name == "sin"))
        return interval(max(MINUS, lo - radius), min(ONE, hi + radius))
    if name == "log" and hi <= 0:
        raise Outside("log of a number that is not positive")
    point = _erf if name == "erf" else lambda y: _rounded(name, y)
    return interval(ends(point(lo))[0], ends(point(hi))[1])  # non-decreasing

def largest(x: Value, y: Value) -> Value:
    """max(x, y); with derivatives only where one of them is certainly the one."""
    (a0, a1), (b0, b1) = ends(centre(x)), ends(centre(y))
    if a1 < b0 or b1 < a0:
        return x if a0 > b0 else y
    return interval(max(ends(x)[0], ends(y)[0]), max(ends(x)[1], ends(y)[1]))

_SLOPES: dict[str, Callable[[Value], Value]] = {
    "exp": lambda y: apply("exp", y), "log": lambda y: power(y, MINUS), "sin": lambda y: apply("cos", y),
    "cos": lambda y: affine(-1, apply("sin", y)),
    "erf": lambda y: mul(affine(2, power(pi(), -HALF)), apply("exp", affine(-1, mul(y, y))))}

def _rounded(name: str, x: Fraction) -> Value:
    """exp or log: `decimal` promises the nearest decimal to the value at x rounded down and up; one step beyond it."""
    if (name == "log" and x <= 0) or (name == "exp" and x > 4096):
        raise Undefined(f"{name} is not defined there, or too large")
    pay(x, x)
    spend(500 + precision() ** 2 // 250)
    down, up = (Context(precision() // 3, way, MIN_EMIN, MAX_EMAX) for way in (ROUND_FLOOR, ROUND_CEILING))
    x = max(x, Fraction(-4096)) if (cut := name == "exp" and x < -4096) else x
    lo, hi = (c.divide(Decimal(x.numerator), Decimal(x.denominator)) for c in (down, up))
    lo, hi = (lo.exp(down), hi.exp(up)) if name == "exp" else (lo.ln(down), hi.ln(up))
    if not (lo and hi):  # log of nearly 1: one step beyond 0 would be the least decimal of all
        return interval(1 - 1 / x, x - 1)
    return interval(ZERO if cut else Fraction(lo.next_minus(down)), Fraction(hi.next_plus(up)))

def _series(first: Value, ratio: Callable[[int], Value]) -> Value:
    """first (1 + ratio(1) (1 + ratio(2) (...))) where |ratio| <= 1/2 stays true once it holds: the tail is then at most
    the last term."""
    total, term, n, small = first, first, 0, Fraction(1, 1 << precision())
    while True:
        n += 1
        term = interval(*ends(mul(term, ratio(n))))
        total, last = add(total, term), max(map(abs, ends(term)))
        if last < small and max(map(abs, ends(ratio(n)))) <= HALF:
            return add(total, Interval(-last, last))

def pi() -> Value:
    """6 arcsin(1/2)."""
    return _series(interval(Fraction(3), Fraction(3)), lambda n: Fraction((2 * n - 1) ** 2, 8 * n * (2 * n + 1)))

def _wave(x: Fraction, odd: int) -> Value:
    """sin (odd) or cos by the Taylor series."""
    square = interval(-x * x, -x * x)
    return _series(x if odd else ONE, lambda n: affine(Fraction(1, 2 * n * (2 * n + 2 * odd - 1)), square))

def _erf(x: Fraction) -> Value:
    """2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (1 3 ... (2n+1)); far out, 1 - erf x <= exp(-x^2) < 2^-bits for x > 0."""
    if x * x > precision():
        return affine(1 if x > 0 else -1, Interval(1 - Fraction(1, 1 << precision()), ONE))
    sum_ = _series(x, lambda n: Fraction(2 * x * x, 2 * n + 1))
    return mul(mul(affine(2, power(pi(), -HALF)), apply("exp", -x * x)), sum_)
