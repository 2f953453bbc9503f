"""Certificates read a second time, by other means than the kernel's: exact rationals, interpolation for derivatives, mpmath.

Main definitions: `states_a_truth`. Polynomials are differentiated by exact interpolation along lines, semidefiniteness is read
off python-flint's characteristic polynomial, singular values come from mpmath with 60 digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import factorial, isqrt, prod
from typing import Any

import mpmath
import numpy as np
from flint import fmpq, fmpq_mat

Array = Any
Tree = Any
MP = mpmath.mp.clone()
MP.dps = 60
NEAR = MP.mpf(10) ** -30
NODES = list(range(-7, 8))
STEP = Fraction(1, 1000)
"""Points of interpolation: exact for polynomials of degree up to 14 along a line, to 35 digits for other smooth functions."""


class UnreadableError(Exception):
    """This reading has no rule for the tree, or its parts do not fit."""


def _weights(order: int) -> list[Fraction]:
    """The coefficients w with `Σ w_k p(k)` = the coefficient of t^order, for all polynomials p of degree ≤ 14."""
    size = len(NODES)
    rows = [[fmpq(k) ** power for k in NODES] for power in range(size)]
    right = fmpq_mat([[fmpq(int(power == order))] for power in range(size)])
    solved = fmpq_mat(rows).solve(right)
    return [Fraction(int(solved[i, 0].p), int(solved[i, 0].q)) for i in range(size)]


WEIGHTS = {order: _weights(order) for order in (1, 2)}


def along(value: Callable[[Fraction], Any], order: int) -> Any:
    """The coefficient of t^order of a polynomial in t."""
    if order == 0:
        return value(Fraction(0))
    if order not in WEIGHTS:
        WEIGHTS[order] = _weights(order)
    parts = [w * value(k * STEP) for w, k in zip(WEIGHTS[order], NODES, strict=True) if w]
    return sum(parts[1:], parts[0]) / STEP**order


@dataclass(frozen=True)
class Reading:
    """Values of the variables, bodies of functions, sizes, and the process."""

    values: dict[str, Any]
    bodies: dict[str, Tree]
    operators: dict[str, Array]
    spaces: dict[str, tuple[tuple[int, int], tuple[int, int]]]
    dims: dict[str, int]
    process: Tree = field(default_factory=list)
    slack: Any = 0
    """What counts as equal: exactly that, or for what is no polynomial all but the interpolation's error."""

    def put(self, **values: Any) -> Reading:
        return replace(self, values={**self.values, **values})

    def size(self, d: Any) -> int:
        return self.dims[d] if isinstance(d, str) else int(d)


def as_number(x: Any) -> Fraction:
    if isinstance(x, bool) or not isinstance(x, int | str):
        raise UnreadableError(f"no number {x!r}")
    return Fraction(x)


def matrix(rows: Any) -> Array:
    made = np.empty((len(rows), len(rows[0])), dtype=object)
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise UnreadableError("ragged rows")
        for j, x in enumerate(row):
            made[i, j] = as_number(x)
    return made


def root(x: Any) -> Any:
    """The square root, exact where it is rational."""
    if isinstance(x, Fraction | int):
        x = Fraction(x)
        if x >= 0 and isqrt(x.numerator) ** 2 == x.numerator and isqrt(x.denominator) ** 2 == x.denominator:
            return Fraction(isqrt(x.numerator), isqrt(x.denominator))
    return MP.sqrt(MP.convert(x))


def singular_values(m: Array) -> list[Any]:
    small = m.T.dot(m) if m.shape[1] <= m.shape[0] else m.dot(m.T)
    entries = MP.matrix([[MP.convert(x) for x in row] for row in small])
    return sorted((MP.sqrt(max(v, MP.mpf(0))) for v in MP.eigsy(entries, eigvals_only=True)), reverse=True)


def flint_matrix(m: Array) -> fmpq_mat:
    if not all(isinstance(x, Fraction | int) for row in m for x in row):
        raise UnreadableError("not rational")
    return fmpq_mat([[fmpq(Fraction(x).numerator, Fraction(x).denominator) for x in row] for row in m])


def rank(m: Array) -> int:
    if any(not isinstance(x, Fraction | int) for x in m.ravel()):
        return sum(v > MP.mpf(10) ** -25 for v in singular_values(m))
    return int(flint_matrix(m).rank())


def complement(m: Array) -> Array:
    """The projection on the complement of the column space."""
    size, basis = len(m), []
    for column in m.T:
        for b in basis:
            column = column - b * (sum(column * b) / sum(b * b))
        if any(column):
            basis.append(column)
    out = np.array([[Fraction(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)
    for b in basis:
        out = out - np.outer(b, b) / sum(b * b)
    return out


def semidefinite(m: Array) -> bool:
    if not all(isinstance(x, Fraction | int) for row in m for x in row):
        values = MP.eigsy(MP.matrix([[MP.convert(x) for x in row] for row in m]), eigvals_only=True)
        return all(v > -NEAR for v in values)
    coefficients = list(flint_matrix(m).charpoly())
    return (m == m.T).all() and all(c * (-1) ** (len(m) - k) >= 0 for k, c in enumerate(coefficients))


def trace(m: Array) -> Any:
    if m.shape[0] != m.shape[1]:
        raise UnreadableError("the trace of a matrix that is not square")
    return sum(m[i, i] for i in range(1, len(m))) + m[0, 0]


def is_matrix(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def plus(x: Any, y: Any) -> Any:
    if is_matrix(x) != is_matrix(y) or (is_matrix(x) and x.shape != y.shape):
        raise UnreadableError("a sum of different shapes")
    return x + y


def times(x: Any, y: Any) -> Any:
    if is_matrix(x) and is_matrix(y):
        raise UnreadableError("mul of two matrices")
    return y * x if is_matrix(y) else x * y


def chained(x: Array, y: Array) -> Array:
    if not (is_matrix(x) and is_matrix(y)) or x.shape[1] != y.shape[0]:
        raise UnreadableError("a product of shapes that do not fit")
    return x.dot(y)


def power(x: Any, e: Fraction) -> Any:
    if e.denominator == 1:
        if e < 0 and x == 0:
            raise UnreadableError("1/0")
        return x ** int(e)
    if e.denominator == 2:
        return root(x) ** int(e.numerator)
    if x < 0 or (e < 0 and x == 0):
        raise UnreadableError("a root of a negative number, or 1/0")
    base = MP.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x
    return MP.power(base, MP.mpf(e.numerator) / e.denominator)


def term(t: Tree, s: Reading) -> Any:
    """The value of a term: a number, or an object array."""

    def of(x: Tree) -> Any:
        return term(x, s)

    match t:
        case ["num", x]:
            return as_number(x)
        case ["sym", name]:
            return s.values[name]
        case ["arg"]:
            return s.values["arg"]
        case ["hole"]:
            return s.values["hole"]
        case ["dim", d]:
            return Fraction(s.size(d))
        case ["literal", rows]:
            return matrix(rows)
        case ["zeros" | "ones" as op, a, b]:
            return matrix([[int(op == "ones")] * s.size(b)] * s.size(a))
        case ["eye", a]:
            return matrix([[int(i == j) for j in range(s.size(a))] for i in range(s.size(a))])
        case ["add", *ts]:
            values = [of(x) for x in ts]
            total = values[0]
            for v in values[1:]:
                total = plus(total, v)
            return total
        case ["mul", *ts]:
            values = [of(x) for x in ts]
            total = values[0]
            for v in values[1:]:
                total = times(total, v)
            return total
        case ["matmul", *ts]:
            values = [of(x) for x in ts]
            total = values[0]
            for v in values[1:]:
                total = chained(total, v)
            return total
        case ["transpose", x]:
            return of(x).T
        case ["trace", x]:
            return trace(of(x))
        case ["entry", x, i, j]:
            return of(x)[i, j]
        case ["hadamard", *ts]:
            return prod((of(x) for x in ts[1:]), start=of(ts[0]))
        case ["pow", ["frobenius", x], e] if as_number(e) % 2 == 0:
            m = of(x)
            return power((m * m).sum(), as_number(e) / 2)
        case ["pow", x, e]:
            return power(of(x), as_number(e))
        case ["frobenius", x]:
            m = of(x)
            return root((m * m).sum())
        case ["nuclear", x]:
            return sum(singular_values(of(x)), MP.mpf(0))
        case ["spectral", x]:
            return singular_values(of(x))[0]
        case ["sigma", x, k]:
            position = of(k)
            if Fraction(position).denominator != 1 or position < 1:
                raise UnreadableError("sigma_k")
            return [*singular_values(of(x)), *[Fraction(0)] * 200][int(position) - 1]
        case ["max" | "min" as op, *ts]:
            values = [of(x) for x in ts]
            if any(isinstance(v, MP.mpf) for v in values):
                values = [MP.mpf(v.numerator) / v.denominator if isinstance(v, Fraction) else v for v in values]
            return max(values) if op == "max" else min(values)
        case ["rank", x]:
            return Fraction(rank(of(x)))
        case ["off_block", y, x]:
            m = of(x)
            return chained(chained(complement(m), of(y)), complement(m.T))
        case ["apply", name, x]:
            out = s.operators[name].dot(of(x).ravel())
            return out.reshape(s.spaces[name][0])
        case ["adjoint", name, x]:
            out = s.operators[name].T.dot(of(x).ravel())
            return out.reshape(s.spaces[name][1])
        case ["smooth", f, x, *slots]:
            return differential(f, of(x), [of(z) for z in slots], s)
        case ["smoothgrad", f, x, *slots]:
            point, moves = of(x), [of(z) for z in slots]
            out = np.empty(point.shape, dtype=object)
            for place in np.ndindex(*point.shape):
                unit = matrix([[int((i, j) == place) for j in range(point.shape[1])] for i in range(point.shape[0])])
                out[place] = differential(f, point, [*moves, unit], s)
            return out
        case ["derivative", x, moves, order]:
            shifts = {name: of(z) for name, z in moves}
            return factorial(order) * along(
                lambda k: term(x, s.put(**{n: plus(s.values[n], k * z) for n, z in shifts.items()})), order
            )
        case ["ddt", x]:
            slopes = gradients(s.process[1], s.process[2], s)
            return along(lambda k: term(x, s.put(**{n: s.values[n] - k * g for n, g in slopes.items()})), 1)
        case ["after", x]:
            return term(x, stepped(s))
    raise UnreadableError(f"no rule for {str(t)[:60]}")


def differential(f: Tree, point: Array, slots: list[Array], s: Reading) -> Any:
    """Of a function variable, whose body stands alone, or of a formula, which may mention the variables."""
    if slots:
        *rest, last = slots
        return along(lambda k: differential(f, point + k * last, rest, s), 1)
    if isinstance(f, str):
        return term(s.bodies[f], replace(s, values={"arg": point}, bodies={}))
    return term(f[2], s.put(arg=point))


def gradients(loss: Tree, names: list[str], s: Reading) -> dict[str, Any]:
    found = {}
    for name in names:
        value = s.values[name]
        if not is_matrix(value):
            found[name] = along(lambda k, name=name, value=value: term(loss, s.put(**{name: value + k})), 1)
            continue
        slope = np.empty(value.shape, dtype=object)
        for place in np.ndindex(*value.shape):
            slope[place] = along(
                lambda k, place=place, value=value, name=name: term(loss, shifted(s, name, value, place, k)), 1
            )
        found[name] = slope
    return found


def shifted(s: Reading, name: str, value: Array, place: tuple[int, ...], k: Fraction) -> Reading:
    moved = value.copy()
    moved[place] = moved[place] + k
    return s.put(**{name: moved})


def stepped(s: Reading) -> Reading:
    slopes = gradients(s.process[1], s.process[2], s)
    size = term(s.process[3], s)
    return s.put(**{n: s.values[n] - size * g for n, g in slopes.items()})


def hessian(value: Callable[[list[Any]], Any], at: list[Any]) -> Array:
    """Second derivatives by polarization along `e_i + e_j`."""
    size = len(at)

    def second(places: tuple[int, ...]) -> Any:
        return 2 * along(lambda k: value([x + k * places.count(i) for i, x in enumerate(at)]), 2)

    pure = [second((i,)) for i in range(size)]
    out = np.empty((size, size), dtype=object)
    for i in range(size):
        out[i, i] = pure[i]
        for j in range(i):
            out[i, j] = out[j, i] = (second((i, j)) - pure[i] - pure[j]) / 2
    return out


def loss_hessian(loss: Tree, names: list[str], s: Reading) -> Array:
    def value(entries: list[Any]) -> Any:
        moved, rest = {}, list(entries)
        for name in names:
            known = s.values[name]
            if is_matrix(known):
                moved[name] = np.array(rest[: known.size], dtype=object).reshape(known.shape)
                rest = rest[known.size :]
            else:
                moved[name] = rest.pop(0)
        return term(loss, s.put(**moved))

    return hessian(value, [x for n in names for x in flat(s.values[n])])


def flat(value: Any) -> list[Any]:
    return list(value.ravel()) if is_matrix(value) else [value]


def body_hessian(body: Tree, rows: int, cols: int, s: Reading) -> Array:
    """The Hessian of a function of degree at most 2, by differences; that it is one is checked along three lines."""
    size = rows * cols

    def value(entries: list[Fraction]) -> Any:
        return term(body, s.put(arg=np.array(entries, dtype=object).reshape(rows, cols)))

    def unit(*places: int, sign: int = 1) -> list[Fraction]:
        return [Fraction(sign * places.count(i)) for i in range(size)]

    start = value(unit())
    up, down = ([value(unit(i, sign=sign)) for i in range(size)] for sign in (1, -1))
    out = np.empty((size, size), dtype=object)
    for i in range(size):
        out[i, i] = up[i] + down[i] - 2 * start
        for j in range(i):
            out[i, j] = out[j, i] = value(unit(i, j)) - up[i] - up[j] + start
    slope = [(x - y) / 2 for x, y in zip(up, down, strict=True)]
    for seed in range(3):
        way = [Fraction((7 * i + 3 * seed) % 5 - 2 + seed) for i in range(size)]
        first = sum(g * w for g, w in zip(slope, way, strict=True))
        second = sum(out[i, j] * way[i] * way[j] for i in range(size) for j in range(size))
        for k in (-3, -2, 2, 3):
            if not compared("equal", value([k * w for w in way]), start + k * first + k * k * second / 2, s.slack):
                raise UnreadableError("not visibly quadratic")
    return out


def compared(op: str, x: Any, y: Any, least: Any = 0) -> bool:
    if is_matrix(x) or is_matrix(y):
        if x.shape != y.shape or op not in ("equal", "distinct"):
            raise UnreadableError("a comparison of different shapes")
        same = all(compared("equal", a, b, least) for a, b in zip(x.ravel(), y.ravel(), strict=True))
        return same if op == "equal" else not same
    exact = all(isinstance(v, Fraction | int) for v in (x, y))
    gap = x - y if exact else MP.convert(x) - MP.convert(y)
    slack = least if exact else NEAR
    return {"equal": abs(gap) <= slack, "distinct": abs(gap) > slack, "le": gap <= slack, "lt": gap < (0 if exact else -slack)}[
        op
    ]


_READ: dict[str, bool] = {}


def holds(p: Tree, s: Reading) -> bool:
    """The truth of a statement; mutants share most of theirs, so each is read once for the values that it mentions."""
    mentioned = set(re.findall(r'"([^"]+)"', json.dumps(p, ensure_ascii=False)))
    values = [
        (n, v.tolist() if is_matrix(v) else v) for d in (s.values, s.operators) for n, v in sorted(d.items()) if n in mentioned
    ]
    key = repr((p, values, [(n, b) for n, b in s.bodies.items() if n in mentioned], s.dims, s.process, s.slack))
    if key not in _READ:
        _READ[key] = _holds(p, s)
    return _READ[key]


def _holds(p: Tree, s: Reading) -> bool:
    match p:
        case ["both", *ps]:
            return all(holds(q, s) for q in ps)
        case ["either", *ps]:
            return any(holds(q, s) for q in ps)
        case ["equal" | "distinct" | "le" | "lt" as op, x, y]:
            return compared(op, term(x, s), term(y, s), s.slack)
        case ["fosp" | "sosp" as op, loss, names]:
            first = all(compared("equal", x, Fraction(0), s.slack) for g in gradients(loss, names, s).values() for x in flat(g))
            return first and (op == "fosp" or semidefinite(loss_hessian(loss, names, s)))
        case ["convex", f]:
            return semidefinite(curvature_of(f, s))
        case ["uniform_curvature", f, low, high]:
            h = curvature_of(f, s)
            eye = np.diag([Fraction(1)] * len(h)) + matrix([[0] * len(h)] * len(h))
            return semidefinite(h - term(low, s) * eye) and semidefinite(term(high, s) * eye - h)
        case ["rsc" | "rsm" as op, f, bound, *ball]:  # a bound in all directions, everywhere, is one in the ball
            for part in ball:
                term(part, s)
            h = curvature_of(f, s)
            gap = h - term(bound, s) * (np.diag([Fraction(1)] * len(h)) + matrix([[0] * len(h)] * len(h)))
            return semidefinite(gap if op == "rsc" else -gap)
        case ["regularized_stationary", f, weight, y, dual]:
            point, w = term(y, s), term(dual, s)
            rows, cols = (s.size(d) for d in f[1])
            slope = np.empty((rows, cols), dtype=object)
            for place in np.ndindex(rows, cols):
                slope[place] = along(lambda k, place=place: term(f[2], shifted(s.put(arg=point), "arg", point, place, k)), 1)
            balance = all(compared("equal", x, Fraction(0)) for x in (slope + term(weight, s) * w).ravel())
            contraction = singular_values(w)[0] <= 1 + NEAR
            paired = compared("equal", (w * point).sum(), sum(singular_values(point), MP.mpf(0)))
            return balance and contraction and paired
    raise UnreadableError(f"no rule for {str(p)[:60]}")


def curvature_of(f: Tree, s: Reading) -> Array:
    rows, cols = (s.size(d) for d in f[1])
    return body_hessian(f[2], rows, cols, s)


def reading_of(certificate: Any) -> Reading:
    """The variables as declared; values outside their domain or shape are refused."""
    claim, dims = certificate["claim"], certificate["dims"]
    values: dict[str, Any] = {}
    bodies, operators, spaces = {}, {}, {}
    for name, declared in claim["variables"].items():
        if name not in certificate["values"]:
            continue
        raw = certificate["values"][name]
        match declared["kind"]:
            case "scalar":
                values[name] = as_number(raw)
                if not inside(values[name], declared.get("domain", {})):
                    raise UnreadableError("outside its domain")
            case "matrix":
                values[name] = matrix(raw)
                if values[name].shape != tuple(dims[d] if isinstance(d, str) else d for d in declared["shape"]):
                    raise UnreadableError("another shape")
            case "function":
                bodies[name] = raw["body"]
            case "operator":
                operators[name] = matrix(raw)
                (a, b), (c, d) = ([dims.get(x, x) for x in declared[part]] for part in ("codomain", "domain"))
                spaces[name] = ((a, b), (c, d))
                if declared["symmetric"] and (operators[name] != operators[name].T).any():
                    raise UnreadableError("not symmetric")
    slack = 0 if polynomial([claim["tree"], bodies]) else Fraction(1, 10**30)
    return Reading(values, bodies, operators, spaces, dims, slack=slack)


def polynomial(tree: Any) -> bool:
    """Whether every power in a tree is a natural one."""
    match tree:
        case ["pow", x, e]:
            return as_number(e) >= 0 and as_number(e).denominator == 1 and polynomial(x)
        case list():
            return all(map(polynomial, tree))
        case dict():
            return all(map(polynomial, tree.values()))
    return True


def inside(x: Fraction, domain: dict[str, Any]) -> bool:
    tests = {"above": lambda b: x > b, "least": lambda b: x >= b, "below": lambda b: x < b, "most": lambda b: x <= b}
    bounds = all(tests[k](as_number(v)) for k, v in domain.items() if k in tests)
    return bounds and (not domain.get("integer") or x.denominator == 1)


def states_a_truth(certificate: Any) -> bool:
    """Whether the instance of a certificate really refutes (or proves) its claim, by this reading."""
    s = reading_of(certificate)
    tree = certificate["claim"]["tree"]
    if certificate["kind"] == "root":
        s = s.put(**at_the_root(certificate, s))
    if tree[0] == "exists":
        return certificate["verdict"] == "PROVED" and all(holds(p, s) for p in tree[1])
    given, then = tree[-2], tree[-1]
    if tree[0] == "always":
        s = replace(s, process=tree[1])
        starts = tree[1][-1]
        if starts:
            s = s.put(**{n: term(t, s) for n, t in zip(tree[1][2], starts, strict=True)})
    met = all(holds(p, s) for p in given)
    for _ in range(certificate.get("steps", 0)):
        s = stepped(s)
    return certificate["verdict"] == "REFUTED" and met and not holds(then, s)


def at_the_root(certificate: Any, s: Reading) -> dict[str, Any]:
    """The stationary point next to the centre of the box, by Newton's method with 60 digits."""
    names, loss = certificate["root"]["names"], certificate["root"]["loss"]
    values = {n: np.vectorize(MP.convert, otypes=[object])(s.values[n]) for n in names}
    for _ in range(6):
        here = s.put(**values)
        slope = MP.matrix([x for g in gradients(loss, names, here).values() for x in g.ravel()])
        bend = loss_hessian(loss, names, here)
        u, sizes, v = MP.svd_r(MP.matrix([[MP.convert(x) for x in row] for row in bend]))
        flat = [1 / x if x > MP.mpf(10) ** -12 * sizes[0] else MP.mpf(0) for x in sizes]
        step = v.T * (MP.diag(flat) * (u.T * slope))
        start = 0
        for n in names:
            a, b = values[n].shape
            values[n] = values[n] - np.array([step[start + i] for i in range(a * b)], dtype=object).reshape(a, b)
            start += a * b
    return values
