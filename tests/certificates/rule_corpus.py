"""Pairs of terms, operation by operation, that the prover's normal form and the kernel's must agree about; and random terms."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from verify.calculus.differentiate import expand
from verify.calculus.normal_form import canonical
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.terms import Term, make, number, symbol

A, B = symbol("A", ("m", "n")), symbol("B", ("m", "n"))
K, M = symbol("K", ("n", "n")), symbol("M", ("n", "n"))
v, w, P = symbol("v", ("m", 1)), symbol("w", ("m", 1)), symbol("P", (1, 1))
x, y = symbol("x"), symbol("y")
f = FunctionSymbol("f", ("m", "n"))
H = OperatorSymbol("H", ("m", "n"), ("m", "n"), symmetric=True)
G = OperatorSymbol("G", ("m", "n"), ("n", "n"), symmetric=False)
hole = make("hole")
Pair = tuple[str, Term, Term]


def op(name: str, *args: Term, payload: tuple[Any, ...] = ()) -> Term:
    return make(name, *args, payload=payload)


def T(a: Term) -> Term:
    return make("transpose", a)


def mm(*factors: Term) -> Term:
    return make("matmul", *factors)


def add(*summands: Term) -> Term:
    return make("add", *summands)


def mul(c: Any, a: Term) -> Term:
    return make("mul", c if isinstance(c, Term) else number(Fraction(c)), a)


def tr(a: Term) -> Term:
    return make("trace", a)


def inner(a: Term, b: Term) -> Term:
    return tr(mm(T(a), b))


def had(*factors: Term) -> Term:
    return make("hadamard", *factors)


def fn(name: str, a: Term) -> Term:
    return make("fn", a, payload=(name,))


def each(body: Term, a: Term) -> Term:
    return make("map", a, payload=(body,))


def power(a: Term, e: Any) -> Term:
    return make("pow", a, payload=(Fraction(e),))


def ones(rows: Any, cols: Any) -> Term:
    return make("ones", payload=(rows, cols))


def eye(n: Any) -> Term:
    return make("eye", payload=(n,))


def dim(n: str) -> Term:
    return make("dim", payload=(n,))


def entry(a: Term, i: int, j: int) -> Term:
    return make("entry", a, payload=(i, j))


def at(*args: Term) -> Term:
    return make("smooth", *args, payload=(f,))


def slope(*args: Term) -> Term:
    return make("smoothgrad", *args, payload=(f,))


def on(operator: OperatorSymbol, a: Term, name: str = "apply") -> Term:
    return make(name, a, payload=(operator,))


def literal(*rows: tuple[int, ...]) -> Term:
    return make("literal", payload=(tuple(tuple(Fraction(c) for c in row) for row in rows),))


TANH, EXP = fn("tanh", hole), fn("exp", hole)


def pairs() -> Iterator[Pair]:
    """Every rule that either table has, and neighbours of rules that neither has."""
    for name in ("nuclear", "spectral", "rank", "frobenius"):
        yield f"{name} of a transpose", op(name, T(A)), op(name, A)
        yield f"{name} of a transposed product", op(name, mm(T(B), A)), op(name, mm(T(A), B))
        yield f"{name} of a negative", op(name, mul(-1, A)), op(name, A)
        yield f"{name} of a multiple", op(name, mul(2, A)), mul(2, op(name, A))
        yield f"{name} of another order", op(name, add(A, B)), op(name, add(B, A))
    yield "sigma of a transpose", op("sigma", T(A), number(2)), op("sigma", A, number(2))
    yield "sigma by another index", op("sigma", A, add(number(1), number(1))), op("sigma", A, number(2))
    yield "sigma of other indices", op("sigma", A, number(1)), op("sigma", A, number(2))
    yield "det of a transpose", op("det", T(K)), op("det", K)
    yield "det of a product", op("det", mm(K, M)), mul(op("det", K), op("det", M))
    yield "lambda_min of a transpose", op("lambda_min", T(K)), op("lambda_min", K)
    yield "lambda_min of a symmetric sum", op("lambda_min", add(K, T(K))), op("lambda_min", add(T(K), K))
    yield "trace of a transpose", tr(T(K)), tr(K)
    yield "trace of a cycle", tr(mm(K, M)), tr(mm(M, K))
    yield "trace of an identity", tr(eye("n")), dim("n")
    yield "nuclear of a symmetric product", op("nuclear", mm(T(A), A)), op("nuclear", T(mm(T(A), A)))
    inverse = op("inverse", K)
    gram = op("inverse", mm(T(A), A))
    yield "inverse of a transpose", op("inverse", T(K)), T(inverse)
    yield "inverse of a symmetric matrix", T(gram), gram
    yield "inverse of an identity", op("inverse", eye("n")), eye("n")
    yield "inverse before", mm(inverse, K), eye("n")
    yield "inverse behind", mm(A, K, inverse), A
    yield "inverse transposed", mm(T(inverse), T(K)), eye("n")
    yield "inverse of a product with it", mm(op("inverse", mm(K, M)), K, M), eye("n")
    yield "inverse across a trace", tr(mm(K, M, inverse)), tr(M)
    yield "inverse of an inverse", op("inverse", inverse), K
    yield "inverse of a product", op("inverse", mm(K, M)), mm(op("inverse", M), inverse)
    yield "inverse of a multiple", op("inverse", mul(2, K)), mul("1/2", inverse)
    yield "inverse of a sum", mm(op("inverse", add(K, M)), add(K, M)), eye("n")
    yield "ones transposed", T(ones("m", "n")), ones("n", "m")
    yield "ones multiplied", mm(ones("m", "n"), ones("n", "k")), mul(dim("n"), ones("m", "k"))
    yield "ones of other sizes", mm(ones("m", "n"), ones("n", "m")), mul(dim("m"), ones("m", "m"))
    yield "ones under a trace", tr(ones("n", "n")), dim("n")
    yield "ones as a product", mm(ones("m", 1), ones(1, "n")), ones("m", "n")
    yield "one by one", ones(1, 1), eye(1)
    yield "ones and a sum of entries", tr(mm(ones("n", "m"), A)), tr(mm(ones("m", "n"), T(A)))
    yield "entrywise with ones", had(A, ones("m", "n")), A
    yield "entrywise with one", had(P, ones(1, 1)), P
    yield "entrywise in another order", had(A, B), had(B, A)
    yield "entrywise transposed", T(had(A, B)), had(T(B), T(A))
    yield "entrywise nested", had(A, had(B, A)), had(A, A, B)
    yield "entrywise of a sum", had(add(A, B), A), add(had(A, A), had(B, A))
    yield "entrywise of a zero", had(A, make("zeros", payload=("m", "n"))), make("zeros", payload=("m", "n"))
    yield "entrywise with an identity", had(eye("n"), K), had(eye("n"), T(K))
    yield "entrywise identities", had(eye("n"), eye("n")), eye("n")
    yield "a diagonal part transposed", T(had(eye("n"), K)), had(eye("n"), K)
    yield "entrywise with the transpose", T(had(K, T(K))), had(K, T(K))
    yield "a diagonal part under a trace", tr(mm(had(eye("n"), K), M)), tr(mm(had(eye("n"), M), K))
    yield "a diagonal part as a product", tr(mm(had(eye("n"), K), M)), tr(had(K, M))
    yield "the trace of a diagonal part", tr(had(eye("n"), K)), tr(K)
    yield "entrywise exchanged", inner(had(A, B), A), inner(had(A, A), B)
    Q = mm(T(A), B)
    yield "entrywise exchanged with a transpose", tr(mm(had(K, M), T(Q))), tr(mm(had(K, Q), T(M)))
    yield "entrywise exchanged without one", tr(mm(had(K, M), Q)), tr(mm(had(K, Q), M))
    yield "entrywise of a product", tr(mm(had(K, mm(M, Q)), K)), tr(mm(had(K, M), mm(Q, K)))
    yield "entrywise of other orientations", had(K, M), had(K, T(M))
    yield "inverses of other products", mm(op("inverse", mm(K, M)), M, K), eye("n")
    yield "the inverse of a multiple before", mm(op("inverse", mul(2, K)), K), eye("n")
    yield "the inverse of a sum before a summand", mm(op("inverse", add(K, M)), K), eye("n")
    yield "the inverse of a sum with x before a summand", mm(op("inverse", mul(x, K)), K), eye("n")
    yield "an inverse and its transpose", op("inverse", K), T(op("inverse", K))
    yield "entrywise twice", inner(had(A, B), had(A, B)), inner(had(A, A, B), B)
    yield "entrywise against ones", inner(had(A, B), ones("m", "n")), inner(A, B)
    yield "functions multiplied", had(each(TANH, A), each(TANH, A)), each(power(TANH, 2), A)
    yield "functions of a transpose multiplied", had(each(TANH, T(A)), T(each(EXP, A))), T(each(mul(EXP, TANH), A))
    yield "functions under a trace", inner(had(A, each(TANH, B)), each(EXP, B)), inner(A, each(mul(TANH, EXP), B))
    yield "a function and its argument", had(A, each(TANH, A)), each(mul(hole, TANH), A)
    yield "a square of entries", each(power(hole, 2), A), had(A, A)
    yield "the same entries", each(hole, A), A
    yield "a function of a transpose", each(TANH, T(A)), T(each(TANH, A))
    yield "a sum of functions", each(add(hole, TANH), A), add(A, each(TANH, A))
    yield "a constant function", each(number(2), A), mul(2, ones("m", "n"))
    yield "a multiple of a function", each(mul(2, TANH), A), mul(2, each(TANH, A))
    yield "a function of equal arguments", each(TANH, add(A, A)), each(TANH, mul(2, A))
    yield "a function in another order", each(mul(hole, TANH), A), each(mul(TANH, hole), A)
    yield "other functions", each(TANH, A), each(EXP, A)
    yield "a function of one", each(TANH, P), T(each(TANH, P))
    for name, arg in (("diag", v), ("diagonal", K)):
        yield f"{name} of a sum", op(name, add(arg, arg)), mul(2, op(name, arg))
        yield f"{name} of a negative", op(name, mul(-1, arg)), mul(-1, op(name, arg))
    yield "diag transposed", T(op("diag", v)), op("diag", v)
    yield "diagonal of a transpose", op("diagonal", T(K)), op("diagonal", K)
    yield "diagonal of a transposed product", op("diagonal", mm(T(A), B)), op("diagonal", mm(T(B), A))
    yield "diagonal of diag", op("diagonal", op("diag", v)), v
    yield "trace of diag", tr(op("diag", v)), inner(v, ones("m", 1))
    yield "entry of a transpose", entry(T(A), 0, 1), entry(A, 1, 0)
    yield "entry of a transposed product", entry(mm(A, T(B)), 0, 1), entry(mm(B, T(A)), 1, 0)
    yield "entry of a sum", entry(add(A, B), 0, 1), add(entry(A, 0, 1), entry(B, 0, 1))
    yield "entry of a multiple", entry(mul(x, A), 0, 1), mul(x, entry(A, 0, 1))
    yield "other entries", entry(K, 0, 1), entry(K, 1, 0)
    for name in ("max", "min"):
        yield f"{name} in another order", op(name, x, y), op(name, y, x)
        yield f"{name} of one", op(name, x, x), x
        yield f"{name} of repeated ones", op(name, x, y, x), op(name, y, x)
        yield f"{name} of equal ones", op(name, add(x, x), y), op(name, mul(2, x), y)
        yield f"{name} nested", op(name, x, op(name, x, y)), op(name, x, y)
    yield "max and min", op("max", x, y), op("min", x, y)
    for name in ("tanh", "sin", "erf", "abs", "relu", "sign", "step"):
        yield f"{name} at 0", fn(name, add(x, mul(-1, x))), number(0)
    for name in ("exp", "cos"):
        yield f"{name} at 0", fn(name, number(0)), number(1)
    yield "log at 1", fn("log", number(1)), number(0)
    yield "log at 0", fn("log", number(2)), number(0)
    yield "sigmoid at 0", fn("sigmoid", number(0)), number(Fraction(1, 2))
    yield "tanh of a negative", fn("tanh", mul(-1, x)), mul(-1, fn("tanh", x))
    yield "a square root", power(number(4), "1/2"), number(2)
    yield "a power of a root", power(number(Fraction(8, 27)), "2/3"), number(Fraction(4, 9))
    yield "an irrational root", mul(power(number(2), "1/2"), x), mul(x, power(number(2), "1/2"))
    yield "a squared root", mul(power(number(2), "1/2"), power(number(2), "1/2")), number(2)
    yield "a reciprocal", mul(x, power(x, -1)), number(1)
    yield "a square of a root", power(power(x, "1/2"), 2), x
    yield "a root of a square", power(power(x, 2), "1/2"), x
    yield "a sum by itself", mul(power(add(x, y), -1), add(x, y)), number(1)
    yield "a sum's square by itself", mul(power(add(x, y), -1), power(add(x, y), 2)), add(x, y)
    yield "a root of a sum squared", power(power(add(x, y), "1/2"), 2), add(x, y)
    yield "a reciprocal of a multiple", power(mul(2, x), -1), mul("1/2", power(x, -1))
    yield "a root of a product", power(mul(x, y), "1/2"), mul(power(x, "1/2"), power(y, "1/2"))
    yield "a squared norm", power(op("frobenius", A), 2), inner(A, A)
    yield "a norm to the fourth", power(op("frobenius", A), 4), power(inner(A, A), 2)
    yield "one by one transposed", T(P), P
    yield "an inner product as a matrix", mm(T(v), w), mm(T(w), v)
    yield "an inner product as a trace", tr(mm(T(v), w)), tr(mm(w, T(v)))
    yield "one by one in a sum", add(P, eye(1)), add(eye(1), T(P))
    yield "rank one", mm(v, T(w)), mm(w, T(v))
    L = literal((1, 2), (2, 4))
    yield "a literal", L, literal((1, 2), (2, 4))
    yield "a literal doubled", add(L, L), mul(2, L)
    yield "a literal transposed", T(literal((1, 2), (3, 4))), literal((1, 3), (2, 4))
    yield "a unit", make("unit", payload=(3, "n", 0, 0)), make("unit", payload=(3, "n", 0, 0))
    yield "a transposed unit", T(make("unit", payload=(3, 3, 0, 1))), make("unit", payload=(3, 3, 1, 0))
    yield "rowlse of equal arguments", op("rowlse", add(A, A)), op("rowlse", mul(2, A))
    yield "rowsoftmax of equal arguments", op("rowsoftmax", add(A, B)), op("rowsoftmax", add(B, A))
    yield "off_block of equal arguments", op("off_block", add(A, B), A), op("off_block", add(B, A), A)
    yield "off_block of a transpose", T(op("off_block", A, B)), op("off_block", T(A), T(B))
    yield "f of equal points", at(add(A, B)), at(add(B, A))
    yield "the order of directions", at(A, A, B), at(A, B, A)
    yield "a gradient against a direction", inner(slope(A), B), at(A, B)
    yield "a Hessian is symmetric", inner(slope(A, B), A), inner(slope(A, A), B)
    yield "a direction that is entrywise", at(A, had(A, B)), inner(had(slope(A), A), B)
    yield "an operator of a sum", on(H, add(A, B)), add(on(H, A), on(H, B))
    yield "a symmetric operator", inner(on(H, A), B), inner(A, on(H, B))
    yield "an operator and its adjoint", inner(on(G, A), K), inner(A, on(G, K, "adjoint"))
    yield "a symmetric operator's adjoint", on(H, A, "adjoint"), on(H, A)
    yield "an operator of a product with ones", on(H, had(A, ones("m", "n"))), on(H, A)
    yield "a product with the identity", mm(A, eye("n")), A
    yield "the identity transposed", T(eye("n")), eye("n")
    yield "a difference", add(A, mul(-1, A)), make("zeros", payload=("m", "n"))
    yield "a function of a zero", op("rank", add(A, mul(-1, A))), op("rank", make("zeros", payload=("m", "n")))
    yield "pi", mul(make("pi"), x), mul(x, make("pi"))
    yield "a derivative", op("derivative", inner(A, A), B, payload=(("A",), 1)), mul(2, inner(A, B))
    square = inner(A, A)
    losses = {
        "of a norm": op("frobenius", A),
        "of its cube": power(op("frobenius", A), 3),
        "of a root": power(add(number(1), square), "1/2"),
        "of a reciprocal": power(inner(A, B), -1),
        "of entries": inner(B, each(power(hole, 3), A)),
        "of functions of entries": inner(B, each(TANH, A)),
        "of a reciprocal of entries": inner(B, each(power(add(number(1), power(hole, 2)), -1), A)),
        "of functions of a product": tr(each(EXP, mm(T(A), A))),
        "of an inverse": tr(op("inverse", add(eye("n"), mm(T(A), A)))),
        "of an entry": power(entry(A, 0, 1), 2),
        "of diagonals": inner(op("diagonal", mm(T(A), A)), op("diagonal", K)),
        "of an entrywise square": inner(had(A, B), A),
        "of a function": at(had(A, B)),
        "of an operator": inner(on(H, A), A),
    }
    losses |= {f"of {g}": fn(g, inner(A, B)) for g in ("exp", "tanh", "sigmoid", "softplus", "sin", "cos", "erf")}
    losses["of log"] = fn("log", add(number(1), square))
    for what, loss in losses.items():
        for order in (1, 2):
            derivative = op("derivative", loss, B, payload=(("A",), order))
            yield f"derivative {order} {what}", derivative, canonical(expand(derivative))
    yield "a wrong derivative", op("derivative", fn("exp", inner(A, B)), B, payload=(("A",), 1)), fn("exp", inner(A, B))


def random_term(rng: random.Random, shape: tuple[Any, ...], depth: int) -> Term:
    """A small term of a shape made of m, n and 1, in letters that often coincide."""
    if shape == ():
        return _scalar(rng, depth)
    leaves = {("m", "n"): [A, B], ("n", "n"): [K, M], ("m", 1): [v, w], (1, 1): [P]}
    if depth == 0 or rng.random() < 0.1:
        over = leaves.get(shape[::-1], [])
        choices = [*leaves.get(shape, []), *(T(a) for a in over)]
        if shape[0] == shape[1]:
            choices.append(eye(shape[0]))
        return rng.choice([*choices, ones(*shape)] if not choices or rng.random() < 0.2 else choices)
    kind = rng.choice(["add", "mul", "matmul", "matmul", "transpose", "hadamard", "hadamard", "map", "square", "f"])
    match kind:
        case "add":
            return add(random_term(rng, shape, depth - 1), random_term(rng, shape, depth - 1))
        case "mul":
            return mul(rng.choice([number(Fraction(2)), number(Fraction(-1)), x]), random_term(rng, shape, depth - 1))
        case "matmul":
            middle = rng.choice(["m", "n", "n", 1])
            return mm(random_term(rng, (shape[0], middle), depth - 1), random_term(rng, (middle, shape[1]), depth - 1))
        case "transpose":
            return T(random_term(rng, shape[::-1], depth - 1))
        case "hadamard":
            return had(random_term(rng, shape, depth - 1), random_term(rng, shape, depth - 1))
        case "map":
            body = rng.choice([TANH, EXP, hole, power(hole, 2), mul(hole, TANH), add(hole, number(1))])
            return each(body, random_term(rng, shape, depth - 1))
        case "square" if shape[0] == shape[1]:
            name = rng.choice(["inverse", "diag", "inverse"])
            inside = (shape[0], 1) if name == "diag" else shape
            return op(name, random_term(rng, inside, depth - 1))
        case "square" if shape[1] == 1:
            return op("diagonal", random_term(rng, (shape[0], shape[0]), depth - 1))
    if shape == ("m", "n"):
        z = [random_term(rng, shape, depth - 1) for _ in range(rng.randint(1, 2))]
        return rng.choice([slope(*z), on(H, z[0]), on(H, z[0], "adjoint")])
    return random_term(rng, shape, depth - 1)


def _scalar(rng: random.Random, depth: int) -> Term:
    if depth == 0:
        return rng.choice([x, y, number(Fraction(2)), dim("n")])
    wide, square = rng.choice([("m", "n"), ("n", "m")]), rng.choice(["m", "n"])
    kind = rng.choice(["trace", "trace", "norm", "det", "entry", "max", "pow", "fn", "inner", "add", "f"])
    match kind:
        case "trace":
            return tr(random_term(rng, (square, square), depth - 1))
        case "norm":
            return op(rng.choice(["nuclear", "spectral", "frobenius", "rank"]), random_term(rng, wide, depth - 1))
        case "det":
            inside = random_term(rng, (square, square), depth - 1)
            return rng.choice([op("det", inside), op("sigma", inside, number(2))])
        case "entry":
            return entry(random_term(rng, ("n", "n"), depth - 1), *rng.choice([(0, 1), (1, 0), (1, 1)]))
        case "max":
            return op(rng.choice(["max", "min"]), _scalar(rng, depth - 1), _scalar(rng, depth - 1))
        case "pow":
            return power(_scalar(rng, depth - 1), rng.choice(["2", "-1", "1/2"]))
        case "fn":
            return fn(rng.choice(["exp", "tanh"]), _scalar(rng, depth - 1))
        case "inner":
            return inner(random_term(rng, wide, depth - 1), random_term(rng, wide, depth - 1))
        case "add":
            return add(_scalar(rng, depth - 1), mul(x, _scalar(rng, depth - 1)))
    z = random_term(rng, ("m", "n"), depth - 1)
    return rng.choice([at(z), at(A, z), inner(on(H, A), z)])
