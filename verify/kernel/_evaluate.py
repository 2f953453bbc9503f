"""One reading of terms for both kinds of certificate: at an instance with numbers, or for all dimensions with words."""
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import count
from math import comb, factorial
from typing import Any

from . import _words as words
from ._functions import apply, largest, pi
from ._language import Names, shape, sides
from ._limits import Outside, Undefined, check, number, spend
from ._matrices import complement, determinant, inverse, rank, singular, smallest
from ._values import (
    HALF,
    MINUS,
    ONE,
    ZERO,
    Jet,
    Value,
    add,
    affine,
    chain,
    coefficient,
    each,
    linear,
    mul,
    poly,
    power,
    total,
    turn,
)

ARG, HOLE = 0, 1  # keys of the values of ["arg"] and ["hole"]; the names of variables are strings

@dataclass(frozen=True)
class Scope:
    """The values of the variables (and of ARG, HOLE), the level of the innermost derivative, the process. `symbolic`:
    values are polynomials in words, and functions and operators have none. `root`: a loss, its names, and whether
    the stationary point that the values enclose is second-order. `direction`: where a Hessian is negative."""
    names: Names
    values: dict[Any, Any]
    symbolic: bool
    process: list[Any]
    level: int = 0
    root: Any = None
    direction: Any = None

    def extended(self, values: dict[Any, Any]) -> "Scope":
        """The scope with further or other values."""
        spend(1 + len(self.values) // 8)
        return replace(self, values=self.values | values)

def trace(s: Scope, x: Value) -> Value:
    return total(row[i] for i, row in enumerate(x)) if isinstance(x, list) else linear("trace", "", [], [x])

def square(s: Scope, x: Value) -> Value:
    """The squared Frobenius norm."""
    return total(mul(v, v) for row in x for v in row) if isinstance(x, list) else trace(s, mul(turn(x), x))

def hadamard(s: Scope, *xs: Value) -> Value:
    return linear("hadamard", "", [], list(xs)) if s.symbolic else reduce(lambda x, y: each(mul, x, y), xs)

def sigma(s: Scope, x: Value, k: Value) -> Value:
    if not isinstance(k, Fraction) or k.denominator != 1:
        raise Undefined("sigma_k needs an exact integer k")
    return singular(x, int(k))

def diagonal(x: Value) -> Value:
    spend(len(x) ** 2 // 8)
    return [[v if i == j else ZERO for j in range(len(x))] for i, (v,) in enumerate(x)]

def softmax(s: Scope, x: Value) -> Value:
    exps = each(lambda y: apply("exp", y), x)
    return [[mul(y, power(total(row), MINUS)) for y in row] for row in exps]

_BOTH: dict[str, Callable[..., Value]] = {  # operations on values that words have too
    "add": lambda s, *xs: add(*xs), "mul": lambda s, *xs: reduce(mul, xs), "matmul": lambda s, *xs: reduce(mul, xs),
    "transpose": lambda s, x: turn(x), "trace": trace, "hadamard": hadamard,
    "frobenius": lambda s, x: power(square(s, x), HALF)}
_NUMERIC: dict[str, Callable[..., Value]] = {  # operations on values that are opaque to words
    "max": lambda s, *xs: reduce(largest, xs),
    "min": lambda s, *xs: affine(-1, reduce(largest, (affine(-1, x) for x in xs))),
    "det": lambda s, x: determinant(x), "inverse": lambda s, x: inverse(x), "rowsoftmax": softmax, "sigma": sigma,
    "rowlse": lambda s, x: [[apply("log", total(apply("exp", y) for y in row))] for row in x],
    "diag": lambda s, x: diagonal(x),
    "diagonal": lambda s, x: [[row[i]] for i, row in enumerate(x)], "spectral": lambda s, x: singular(x, 1),
    "nuclear": lambda s, x: total(singular(x, k + 1) for k in range(min(len(x), len(x[0])))),
    "lambda_min": lambda s, x: smallest(x),
    "off_block": lambda s, y, x: reduce(mul, [complement(x)[0], y, complement(turn(x))[0]])}

def evaluate(t: Any, s: Scope) -> Value:
    """The value of a well-formed term, or Undefined."""
    spend(2)
    def of(x: Any) -> Value:
        return evaluate(x, s)
    match t:
        case ["num", x]:
            return number(x)
        case ["sym", name]:
            return s.values[name]
        case ["arg"] | ["hole"]:
            return s.values[ARG if t == ["arg"] else HOLE]
        case ["dim", d]:
            return words.side(d) if s.symbolic else Fraction(s.names.dims.get(d, d))
        case ["pow", ["frobenius", x], e] if number(e) % 2 == 0:  # the square is smooth, the norm is not
            return power(square(s, of(x)), number(e) / 2)
        case ["pow", x, e]:
            base = of(x)
            irrational = s.symbolic and isinstance(base, Fraction) and number(e).denominator > 1
            value = power(base, number(e))
            return words.power(words.constant(base), number(e)) if irrational and not isinstance(value, Fraction) else value
        case ["smooth" | "smoothgrad" as op, ["function", space, body], x, *slots]:
            inside = replace(s, names=replace(s.names, arg=sides(space, s.names)))
            return written_out(op, body, of(x), [of(z) for z in slots], inside)
        case ["smooth" | "smoothgrad" | "apply" | "adjoint" as op, name, x, *slots] if s.symbolic:
            if op in ("smooth", "smoothgrad"):
                return linear(op, name, [of(x)], [of(z) for z in slots])
            symmetric = s.names.variables[name]["symmetric"]
            return linear("apply" if symmetric else op, (name, symmetric), [], [of(x)])
        case ["smooth" | "smoothgrad" as op, f, x, *slots]:
            return differentiated(op, s.values[f], of(x), [of(z) for z in slots], s)
        case ["apply" | "adjoint" as op, name, x]:
            h = s.values[name] if op == "apply" else turn(s.values[name])
            width = sides(s.names.variables[name]["codomain" if op == "apply" else "domain"], s.names)[1]
            out = [y for (y,) in mul(h, [[y] for row in of(x) for y in row])]
            return [out[i:i + width] for i in range(0, len(out), width)]
        case ["derivative", x, moves, order]:
            return affine(factorial(order), along(x, {name: of(z) for name, z in moves}, s, order))
        case ["ddt", x]:
            return along(x, {k: affine(-1, g) for k, g in gradient(s.process[1], s.process[2], s).items()}, s, 1)
        case ["after", x]:
            return evaluate(x, advance(s))
        case [op, *args] if op in _BOTH:
            return _BOTH[op](s, *map(of, args))
        case [op, *args] if s.symbolic:
            return opaque(t, s)
        case ["eye" | "zeros" | "ones" | "unit" as op, *at]:
            rows, columns = shape(t, s.names)
            spend(rows * columns)
            check(op != "unit" or (at[2] < rows and at[3] < columns), "no such entry:", t)
            return [[Fraction(op == "ones" or (op == "eye" and i == j) or at[2:] == [i, j]) for j in range(columns)]
                    for i in range(rows)]
        case ["pi"]:
            return pi()
        case ["literal", rows]:
            return each(number, rows)
        case ["fn", name, x]:
            return apply(name, of(x))
        case ["map", body, x]:
            return each(lambda y: evaluate(body, s.extended({HOLE: y})), of(x))
        case ["rank", x]:
            return rank(of(x), min(min(shape(y, s.names)) for y in (x[1:] if x[0] == "matmul" else [x])))
        case ["entry", x, i, j]:
            rows = of(x)
            if i >= len(rows) or j >= len(rows[0]):
                raise Outside(f"no entry {i}, {j} of {len(rows)} x {len(rows[0])}")
            return rows[i][j]
    return _NUMERIC[t[0]](s, *map(of, t[1:]))

_PI = words.letter(words.Atom(-1, "pi", "", True, (), (), frozenset(), False))  # the same in every check
_AT_ZERO = {"exp": ONE, "cos": ONE, "log": ZERO, "tanh": ZERO, "sin": ZERO, "erf": ZERO, "abs": ZERO, "relu": ZERO}  # log at 1

def opaque(t: Any, s: Scope) -> Value:
    """A node the words cannot look into, by the rules that hold for all sizes; else an atom of its name, its arguments in
    normal form, their shapes (a zero has none of its own) and the rest of it."""
    op, *args = t
    if op in ("eye", "zeros"):
        return words.letter(words.atom("eye", args[0], scalar=False)) if op == "eye" else words.Poly({})
    if op == "ones":
        return words.Poly({((), words.ones(*args)): ONE})
    if op == "map":
        check(closed(args[0]), "a map is understood only if its body is closed:", t, "derivative")
        return elementwise(args[0], evaluate(args[1], s), shape(t, s.names), 0, replace(s, names=replace(s.names, hole=True)))
    parts = [x for x in args if type(x) is list and op != "literal"]
    sizes, values = [shape(x, s.names) for x in parts], [evaluate(x, s) for x in parts]
    if op in ("entry", "diag", "diagonal"):
        return linear(op, tuple(args[1:]), [], values)
    if op == "fn":
        return function(args[0], values[0])
    if op == "inverse":
        return inverted(sizes[0], values[0])
    if op == "pi":
        return _PI
    polys = list(map(poly, values))
    if op in ("nuclear", "spectral", "sigma", "rank", "det", "lambda_min"):
        return words.invariant(op, sizes[0], polys[0], polys[1:])
    if op in ("max", "min"):
        polys = [p for _, p in sorted({words.text(p): p for p in polys}.items())]
        return polys[0] if len(polys) == 1 else words.letter(words.atom(op, "", True, polys))
    rest = json.dumps([sizes, [x for x in args if x not in parts]])
    return words.letter(words.atom(op, rest, shape(t, s.names) == (), polys))

def function(name: str, x: Value) -> Value:
    """An elementary function of a scalar in words, and its Taylor polynomial along a jet."""
    if isinstance(x, Jet):
        check(name in _SLOPES, "the kernel has no derivative rule for", name, "derivative")
        return chain(lambda y: function(name, y), _SLOPES[name], x)
    if name in _AT_ZERO and poly(x).terms == words.constant(Fraction(name == "log")).terms:
        return words.constant(_AT_ZERO[name])
    return words.letter(words.atom("fn", name, True, [poly(x)]))

_SLOPES: dict[str, Callable[[Value], Value]] = {
    "exp": lambda y: function("exp", y), "log": lambda y: power(y, MINUS), "sin": lambda y: function("cos", y),
    "cos": lambda y: affine(-1, function("sin", y)), "tanh": lambda y: affine(-1, power(function("tanh", y), Fraction(2)), 1),
    "sigmoid": lambda y: mul(function("sigmoid", y), affine(-1, function("sigmoid", y), 1)),
    "softplus": lambda y: function("sigmoid", y),
    "erf": lambda y: mul(affine(2, power(_PI, -HALF)), function("exp", affine(-1, mul(y, y))))}

def elementwise(body: Any, x: Value, size: Any, j: int, s: Scope) -> Value:
    """h_j(x) entry by entry, where h_j is the j-th derivative of the body over j!. By Taylor's formula, h_j(x + e) is the
    sum of binomial(j + k, k) h_(j+k)(x) e^k."""
    if not isinstance(x, Jet):
        hole = words.letter(words.atom("sym", words.HOLE, scalar=True))
        near = Jet(s.level + 1, j, {(): hole, (0,): ONE}) if j else hole
        value = evaluate(body, replace(s, level=s.level + 1, values=s.values | {HOLE: near}))
        return words.mapped(poly(coefficient(value, s.level + 1, (0,) * j)), poly(x), size)
    start, move = x.terms.get((), words.Poly({})), Jet(x.level, x.order, {k: c for k, c in x.terms.items() if k})
    total_ = elementwise(body, start, size, j, s)
    for k in range(1, int(x.order) + 1):
        part = linear("hadamard", "", [], [elementwise(body, start, size, j + k, s), *[move] * k])
        total_ = add(total_, affine(comb(j + k, k), part))
    return total_

def inverted(size: Any, x: Value) -> Value:
    """The inverse; along a jet, (x + e)^-1 is the sum of (-x^-1 e)^k x^-1."""
    if not isinstance(x, Jet):
        return words.inverse(size, poly(x))
    start = inverted(size, x.terms.get((), words.Poly({})))
    move = Jet(x.level, x.order, {k: c for k, c in x.terms.items() if k})
    parts = [start]
    for _ in range(int(x.order)):
        parts.append(affine(-1, mul(mul(start, move), parts[-1])))
    return add(*parts)

def closed(body: Any) -> bool:
    """Does the body of a map depend on nothing but its argument?"""
    known = ("num", "hole", "add", "mul", "pow", "fn", "max", "min")
    return body[0] in known and all(closed(x) for x in body[1:] if type(x) is list)

def lift(x: Value, level: int, order: float, moves: list[Value], own: Any = None) -> Value:
    """x + sum of e_i move_i, and one own infinitesimal in every entry, with the next index of `own`."""
    return each(lambda y, *zs: Jet(level, order, {(): y} | {(i,): z for i, z in enumerate(zs)}
                                   | ({(next(own),): ONE} if own else {})), x, *moves)

def differentiated(op: str, body: Any, x: Value, slots: list[Value], s: Scope) -> Value:
    """D^k f(x)[slots], the coefficient of e_0 ... e_{k-1} in f(x + sum e_i slot_i); for the gradient, with one more
    infinitesimal in every entry."""
    level, k, grad = s.level + 1, len(slots), op == "smoothgrad"
    moved, index = lift(x, level, k + grad, slots, count(k) if grad else None), count(k)
    value = evaluate(body, Scope(Names({}, {}), {ARG: moved}, False, [], level))
    if not grad:
        return coefficient(value, level, tuple(range(k)))
    return each(lambda _: coefficient(value, level, (*range(k), next(index))), x)

def written_out(op: str, body: Any, x: Value, slots: list[Value], s: Scope) -> Value:
    """The same of a function given by a formula in ["arg"] and the variables; with words, the gradient is read off the
    derivative along a fresh letter."""
    level, k, grad = s.level + 1, len(slots), op == "smoothgrad"
    fresh = words.atom("move", ["arg", level], scalar=False)
    inside, index = replace(s, level=level), count(k)
    if s.symbolic:
        moves = [*slots, *([words.letter(fresh)] if grad else [])]
        value = evaluate(body, inside.extended({ARG: lift(x, level, k + grad, moves)}))
        slope = coefficient(value, level, tuple(range(k + grad)))
        return words.gradient(poly(slope), fresh, s.names.arg[0]) if grad and s.names.arg else slope
    value = evaluate(body, inside.extended({ARG: lift(x, level, k + grad, slots, index if grad else None)}))
    if not grad:
        return coefficient(value, level, tuple(range(k)))
    place = count(k)
    return each(lambda _: coefficient(value, level, (*range(k), next(place))), x)

def along(t: Any, moves: dict[str, Value], s: Scope, order: int) -> Value:
    """The coefficient of e^order in the term where each symbol of `moves` has e times its move added."""
    level = s.level + 1
    inside = replace(s, level=level).extended({k: lift(s.values[k], level, order, [z]) for k, z in moves.items()})
    return coefficient(evaluate(t, inside), level, (0,) * order)

def expansion(t: Any, names: list[Any], s: Scope, order: float) -> tuple[Value, int]:
    """A scalar term as a polynomial in infinitesimals of all entries of the names, and their number."""
    own, level = count(), s.level + 1
    inside = replace(s, level=level).extended({name: lift(s.values[name], level, order, [], own) for name in names})
    return evaluate(t, inside), next(own)

def hessian(value: Value, free: int, s: Scope) -> Value:
    """The second derivatives in an expansion of order 2."""
    return [[affine(1 + (i == j), coefficient(value, s.level + 1, (min(i, j), max(i, j)))) for j in range(free)]
            for i in range(free)]

def gradient(t: Any, names: list[Any], s: Scope) -> dict[Any, Value]:
    """The gradient of a scalar term in each name; with words, read off the derivative along a fresh letter."""
    if not s.symbolic:
        value, index = expansion(t, names, s, 1)[0], count()
        return {name: each(lambda _: coefficient(value, s.level + 1, (next(index),)), s.values[name]) for name in names}
    found = {}
    for name in names:
        sides_ = shape(["arg"] if name == ARG else ["sym", name], s.names)
        u = words.atom("move", name, scalar=False)
        slope = along(t, {name: words.letter(u) if sides_ else ONE}, s, 1)
        found[name] = words.gradient(poly(slope), u, sides_[0]) if sides_ else slope
    return found

def advance(s: Scope) -> Scope:
    """One step of gradient descent later."""
    minus = affine(-1, evaluate(s.process[3], s))
    grad = gradient(s.process[1], s.process[2], s)
    return s.extended({k: add(s.values[k], mul(minus, g)) for k, g in grad.items()})
