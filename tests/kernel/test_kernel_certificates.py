"""Whole certificates: true ones accepted, every corruption rejected or shown to state a true fact by a second route."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kernel_trees import (
    ARG,
    D221,
    FUN,
    LARGE,
    SPURIOUS_VALUES,
    TEXTBOOK,
    A,
    B,
    L,
    X,
    add,
    certificates,
    claim,
    e,
    identity,
    inner,
    instance,
    matrix,
    mm,
    mul,
    num,
    power,
    sq,
    sub,
    sym,
)

from verify.kernel import Rejected, Truth, check, check_bytes, decide

KERNEL = Path(__file__).resolve().parents[2] / "verify" / "kernel"
NAMES = sorted(certificates())


@pytest.mark.parametrize("name", NAMES)
def test_true_certificates_are_accepted(name: str) -> None:
    certificate = certificates()[name]
    assert check(certificate).accepted
    report = check_bytes(json.dumps(certificate).encode())
    assert report.accepted
    assert report.facts
    assert check(certificate | {"info": {"anything": ["at", "all"]}}).accepted


@pytest.mark.parametrize("name", NAMES)
def test_dropped_unknown_and_misspelt_fields(name: str) -> None:
    for key in certificates()[name]:
        certificate = certificates()[name]
        value = certificate.pop(key)
        if key not in ("violated",):
            assert not check(certificate).accepted, key
        assert not check(certificate | {key + "_": value}).accepted, key
    for key, value in (
        ("schema", 2),
        ("schema", True),
        ("schema", "1"),
        ("kind", "identity "),
        ("verdict", "HELD"),
        ("claim", None),
        ("extra", 1),
    ):
        assert not check(certificates()[name] | {key: value}).accepted


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything inside a JSON value."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path] + [p for key, x in items for p in nodes(x, (*path, key))]


def changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    new = copy.deepcopy(tree)
    place = new
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return new


HOSTILE = [
    None,
    True,
    "nan",
    "NaN",
    "inf",
    "1e5",
    "10**9",
    "1/0",
    "0/0",
    " 1",
    "1.0",
    "--1",
    "+1",
    "1/-2",
    "",
    "1_0",
    "٣",
    {},
    [],
    [[]],
    ["num"],
    ["num", "nan"],
    "9" * 20_001,
    1.5,
    float("nan"),
    float("inf"),
    (1, 2),
    {"a": {1: 2}},
]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_values_anywhere_are_rejected(name: str) -> None:
    rng = random.Random(name)
    certificate = certificates()[name]
    accepted = set()
    for path in nodes(certificate)[1:]:
        for value in rng.sample(HOSTILE, 4):
            report = check(changed(certificate, path, value))
            if report.accepted:
                accepted.add((path[:2], path[-1], str(value)))
    # what may be anything: unused trace/transposes never; scalars whose change keeps the statement true are checked below
    for path, key, value in accepted:
        assert legitimate(name, path, key, value), (path, key, value)


def legitimate(name: str, path: Any, key: Any, value: str) -> bool:
    """The accepted changes that leave a true statement: a hypothesis list that the conclusion does not need."""
    return (path == ("claim", "tree") and value == "[]" and name in ("flow", "descent", "large")) or (
        path == ("claim", "variables") and key == "domain" and value == "{}" and name not in ("balance",)
    )


def matrix_of(rows: Any) -> np.ndarray:
    return np.array([[float(Fraction(x)) for x in row] for row in rows])


def number(t: Any, values: dict[str, Any], arg: Any = None) -> Any:
    """A second, floating-point reading of the terms in the textbook certificates."""

    def of(x: Any) -> Any:
        return number(x, values, arg)

    match t:
        case ["num", x]:
            return float(Fraction(x))
        case ["sym", name]:
            return values[name]
        case ["arg"]:
            return arg
        case ["dim", d]:
            return {"m": values["A"].shape[0], "n": values["B"].shape[0], "r": values["A"].shape[1]}[d]
        case ["add", *ts]:
            return sum(map(of, ts))
        case ["mul", *ts]:
            return np.prod([of(x) for x in ts]) if len(ts) != 2 else of(ts[0]) * of(ts[1])
        case ["pow", x, k]:
            return of(x) ** float(Fraction(k))
        case ["matmul", *ts]:
            return np.linalg.multi_dot([*map(of, ts)]) if len(ts) > 1 else of(ts[0])
        case ["transpose", x]:
            return of(x).T
        case ["trace", x]:
            return np.trace(of(x))
        case ["entry", x, i, j]:
            return of(x)[i, j]
        case ["smooth", _, x]:
            return number(values["f"], values, of(x))
        case ["rank", x]:
            return np.linalg.matrix_rank(of(x), rtol=1e-10)
        case ["sigma", x, k]:
            return [*np.linalg.svd(of(x), compute_uv=False), *[0] * 99][round(of(k)) - 1]
    raise ValueError(str(t))


def hessian(g: Any, x0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian of a polynomial of degree 4 by central differences (fourth order in the step)."""
    n, h = x0.size, 1e-2
    eye = np.eye(n) * h
    grad = np.array([(8 * (g(x0 + d) - g(x0 - d)) - (g(x0 + 2 * d) - g(x0 - 2 * d))) / (12 * h) for d in eye])

    def second(d: np.ndarray) -> float:
        return (16 * (g(x0 + d) + g(x0 - d)) - g(x0 + 2 * d) - g(x0 - 2 * d) - 30 * g(x0)) / (12 * h * h)

    pure = [second(d) for d in eye]
    hess = np.array(
        [
            [pure[i] if i == j else (second(eye[i] + eye[j]) - second(eye[i]) - second(eye[j])) / 2 for j in range(n)]
            for i in range(n)
        ]
    )
    return grad, hess


def stays_true(certificate: dict[str, Any]) -> bool:
    """The statements of the textbook certificates, in floating point with tolerances, from their trees."""
    raw = certificate["values"]
    values = {k: matrix_of(v) if isinstance(v, list) else float(Fraction(v)) for k, v in raw.items() if k != "f"}
    values["f"] = raw["f"]["body"]
    a, b = values["A"], values["B"]

    def loss(z: np.ndarray) -> float:
        return number(
            certificate["claim"]["tree"][1][1][1],
            values | {"A": z[: a.size].reshape(a.shape), "B": z[a.size :].reshape(b.shape)},
        )

    for p in certificate["claim"]["tree"][1] + certificate["claim"]["tree"][2:]:
        good = True
        if p[0] == "uniform_curvature":
            _, h = hessian(lambda z: number(values["f"], values, z.reshape(2, 2)), np.zeros(4))
            w = np.linalg.eigvalsh(h)
            good = w[0] >= number(p[2], values) - 1e-6 and w[-1] <= number(p[3], values) + 1e-6
        elif p[0] == "sosp":
            grad, h = hessian(loss, np.concatenate([a.ravel(), b.ravel()]))
            good = np.abs(grad).max() < 1e-6 and np.linalg.eigvalsh(h)[0] > -1e-5
        elif p[0] == "regularized_stationary":
            y, s = values["Y"], values["S"]
            grad, _ = hessian(lambda z: number(values["f"], values, z.reshape(2, 2)), y.ravel())
            good = np.abs(grad.reshape(2, 2) + values["λ"] * s).max() < 1e-6 and np.linalg.norm(s, 2) < 1 + 1e-9
            good = good and abs(np.sum(s * y) - np.linalg.norm(y, "nuc")) < 1e-9
        elif p[0] == "lt":
            good = number(p[1], values) < number(p[2], values)
        elif p[0] == "le":  # the conclusion of a refutation
            good = not number(p[1], values) <= number(p[2], values) + 1e-9
        elif p[0] == "distinct":
            good = np.abs(number(p[1], values) - number(p[2], values)).max() > 1e-9
        if not good:
            return False
    return True


def mutate(x: Any, rng: random.Random) -> Any:
    """One small change of a string or an integer: a digit, a sign, a name."""
    if isinstance(x, int):
        return x + rng.choice([-1, 1])
    if not isinstance(x, str):
        return None
    if x and x.strip("-/0123456789") == "":
        i = rng.randrange(len(x))
        return rng.choice([x[:i] + rng.choice("0123456789") + x[i + 1 :], "-" + x, x + "/2", x + "1"])
    return rng.choice(["A", "B", "Y", "S", "m", "n", "r", "λ", "α", "β", "le", "lt", "add", "mul", "smooth", x[:-1], x + "x"])


@pytest.mark.parametrize("name", ["large", "spurious"])
@pytest.mark.parametrize("seed", range(4))
def test_mutants_of_instances_are_rejected_or_true(name: str, seed: int) -> None:
    rng = random.Random(f"{name} {seed}")
    certificate = certificates()[name]
    paths = [p for p in nodes(certificate)[1:] if p[0] != "violated"]
    rejected = 0
    for _ in range(60):
        path = rng.choice(paths)
        place = certificate
        for key in path:
            place = place[key]
        new = mutate(place, rng)
        mutant = changed(certificate, path, new)
        report = check(mutant)
        mutant.pop("violated", None)
        if check(mutant).accepted and mutant != certificate and new is not None:
            assert stays_true(mutant) or path[-1] in ("above", "least"), (path, new)
        rejected += not report.accepted
    assert rejected > 30


@pytest.mark.parametrize("name", ["balance", "scaled balance", "pairing"])
@pytest.mark.parametrize("seed", range(3))
def test_mutants_of_identities_are_rejected_or_expand_to_zero(name: str, seed: int) -> None:
    rng = random.Random(f"{name} {seed}")
    certificate = certificates()[name]
    paths = [p for p in nodes(certificate)[1:] if p[0] != "verdict"]
    for _ in range(80):
        path = rng.choice(paths)
        place = certificate
        for key in path:
            place = place[key]
        new = not place if isinstance(place, bool) else mutate(place, rng)
        if new is None or new == place:
            continue
        mutant = changed(certificate, path, new)
        if check(mutant).accepted:
            assert residual(mutant) < 1e-9, (path, new)


def residual(certificate: dict[str, Any]) -> float:
    """Goal minus cofactors at random matrices (m, n, r) = (3, 4, 2), for f(X) = <C, X>, by NumPy."""
    rng = np.random.default_rng(0)
    a, b, c, lam = rng.normal(size=(3, 2)), rng.normal(size=(4, 2)), rng.normal(size=(3, 4)), 0.7
    values = {"A": a, "B": b, "λ": lam}

    def of(t: Any) -> Any:
        match t:
            case ["smoothgrad", "f", _]:
                return c
            case ["smooth", "f", x]:
                return np.sum(c * of(x))
            case ["zeros", *_]:
                return 0.0
            case ["add", *ts]:
                return sum(map(of, ts))
            case ["mul", *ts]:
                out = 1.0
                for x in ts:
                    out = out * of(x)
                return out
            case ["matmul", *ts]:
                return np.linalg.multi_dot([*map(of, ts)])
            case ["transpose", x]:
                return of(x).T
            case ["trace", x]:
                return np.trace(of(x))
        return number(t, values)

    loss = certificate["claim"]["tree"][1][0][1]
    decay = {k: sum(2 * of(w) for w in weights(loss, k)) for k in "AB"}
    h = {"A": c @ b + decay["A"] * a, "B": c.T @ a + decay["B"] * b}
    known = [h[k] for k in certificate["claim"]["tree"][1][0][2]]
    factor = 1.0
    divide = certificate.get("divide", [])
    for k in [divide] if isinstance(divide, str) else divide:
        factor *= values[k]
    then = certificate["claim"]["tree"][2]
    worst = 0.0
    for goal, rows in zip(then[1:] if then[0] == "both" else [then], certificate["cofactors"], strict=True):
        rest = factor * (of(goal[1]) - of(goal[2]))
        for r in rows:
            part = known[r["hypothesis"]].T if r["transpose"] else known[r["hypothesis"]]
            part = part if r["left"] is None else of(r["left"]) @ part
            part = part if r["right"] is None else part @ of(r["right"])
            coefficient = of(r["coefficient"]) if isinstance(r["coefficient"], list) else float(Fraction(r["coefficient"]))
            rest = rest - coefficient * (np.trace(part) if r["trace"] else part)
        worst = max(worst, float(np.abs(rest).max()))
    return worst


def weights(loss: Any, name: str) -> list[Any]:
    """The coefficients w of the terms w tr(Z'Z), Z the symbol, in the losses of the certificates above."""
    decay = loss[2]
    if decay[0] != "mul":
        raise ValueError(str(decay))
    squares = [x for x in decay[-1][1:] if x == sq(sym(name))]
    if len(squares) != sum(name in repr(x) for x in decay[-1][1:]):
        raise ValueError(str(decay))
    return [["mul", *decay[1:-1]]] * len(squares)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"schema": NaN}',
        b'{"schema": 1e999}',
        b'{"schema": 1, "schema": 1}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"1" * 10_000,
        b'"' + b"x" * 100 + b'"',
        b" " * 10_000_001,
    ],
)
def test_hostile_files(raw: bytes) -> None:
    assert not check_bytes(raw).accepted


def scalar_claim(term: Any, **values: str) -> dict[str, Any]:
    body = {"tree": ["exists", [["lt", num(0), term]]], "dims": [], "variables": {k: {"kind": "scalar"} for k in values}}
    return instance(body, "PROVED", {}, values)


def bomb(depth: int) -> Any:
    t = num(3)
    for _ in range(depth):
        t = power(t, 9)
    return t


BOMBS = {
    "exponent": power(num(3), "1" + "0" * 400),
    "negative": power(num(3), "-" + "9" * 50),
    "tower": bomb(60),
    "string": power(num(3), "10**10**9"),
    "root": power(num(3), "1/99999999999"),
    "deep": bomb(150),
    "exp": ["fn", "exp", ["fn", "exp", ["fn", "exp", num(9)]]],
    "order": ["derivative", sym("x"), [["x", num(1)]], 50],
    "derivative": ["derivative", power(["fn", "tanh", power(add(sym("x"), num(1)), "7/3")], "5/2"), [["x", sym("x")]], 12],
    "product": mul(*[num("7" * 20_000)] * 400),
    "sum": add(*[num("1/" + str(10**4000 + 2 * k + 1)) for k in range(300)]),
    "rank": ["rank", ["ones", 128, 128]],
    "sigma": ["sigma", ["literal", [[str(10**200 + i * j % 7) for j in range(40)] for i in range(40)]], num(3)],
    "ones": ["trace", mm(*[["ones", 128, 128]] * 100)],
    "big": ["ones", 10**9, 1],
    "sin": ["fn", "sin", num("9" * 20_000)],
    "log": ["fn", "log", num("9" * 20_000)],
    "erf": ["fn", "erf", num("1/" + "9" * 20_000)],
    "quotes": None,
}


BOMBS["quotes"] = ["trace", ["zeros", 1, 1]]
for _ in range(30):  # keys of atoms must not grow exponentially with the nesting
    BOMBS["quotes"] = ["nuclear", mul(add(BOMBS["quotes"], num(1)), ["eye", 2])]
BOMBS["doubling"] = sym("x")
for _ in range(60):
    BOMBS["doubling"] = ["max", BOMBS["doubling"], mul(BOMBS["doubling"], 2)] if _ < 12 else power(BOMBS["doubling"], "1/2")


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_bombs_are_answered_within_the_work_budget(name: str) -> None:
    report = check(scalar_claim(BOMBS[name], x="1/3"))
    assert report.accepted or report.rule
    goal = identity(claim(["forall", [], ["equal", BOMBS[name], num(0)]], x={"kind": "scalar"}), [])
    assert not check(goal).accepted


def test_deep_nesting_and_wide_sums_of_words() -> None:
    t: Any = A
    for _ in range(400):
        t = ["transpose", t]
    assert not check(identity(claim(["forall", [], ["equal", t, A]]), [])).accepted
    s: Any = add(sq(A), sq(B), num(1))
    for k in (50, 500):
        assert not check(identity(claim(["forall", [], ["equal", power(s, k), num(0)]]), [])).accepted
    loop: Any = {"schema": 1}
    loop["claim"] = loop
    assert not check(loop).accepted


def test_domains_shapes_and_bindings() -> None:
    base = certificates()["large"]
    for key, value in (
        ("α", "0"),
        ("α", "-1"),
        ("λ", "-1/3"),
        ("A", [["1/2"]]),
        ("A", [["1/2", "0"]]),
        ("A", "1/2"),
        ("f", TEXTBOOK),
        ("f", {"body": sym("λ")}),
        ("f", {"body": num(1), "x": 1}),
        ("f", {"body": ["fn", "abs", e(0, 0)]}),
        ("f", {"body": power(e(0, 0), "5/2")}),
        ("f", {"body": power(e(0, 0), -1)}),
        ("f", {"body": ["frobenius", ARG]}),
        ("f", {"body": e(2, 0)}),
    ):
        assert not check(changed(base, ("values", key), value)).accepted, (key, value)
    assert not check(changed(base, ("values", "Z"), "1")).accepted
    for dims in (
        {"m": 2, "n": 2},
        {"m": 2, "n": 2, "r": 1, "k": 1},
        {"m": 2, "n": 2, "r": 0},
        {"m": 2, "n": 2, "r": "r"},
        {"m": 2, "n": 2, "r": True},
        {"m": "2", "n": 2, "r": 1},
        {"m": 2, "n": 2, "r": 129},
    ):
        assert not check(base | {"dims": dims}).accepted
    for bits in (0, 15, 10**9, "128", True, None):
        assert not check(base | {"bits": bits}).accepted
    assert not check(base | {"steps": 1}).accepted
    assert not check(base | {"verdict": "PROVED"}).accepted
    assert not check(base | {"violated": {"lhs": "2", "rel": "le", "rhs": "1"}}).accepted


def test_no_undecided_statement_is_accepted() -> None:
    for hypothesis in (
        ["lt", num(0), ["fn", "log", num(-1)]],
        ["lt", num(0), power(num(0), -1)],
        ["equal", power(num(2), "1/2"), power(num(2), "1/2")],
        ["le", num(0), power(num(-1), "1/2")],
    ):
        body = {"tree": ["forall", [hypothesis], ["lt", num(1), num(0)]], "dims": [], "variables": {}}
        report = check(instance(body, "REFUTED", {}, {}))
        assert not report.accepted
        assert report.rule == "hypothesis"
        body["tree"] = ["forall", [], hypothesis]
        assert check(instance(body, "REFUTED", {}, {})).rule == "conclusion"
        body["tree"] = ["exists", [["either", hypothesis, ["lt", num(0), num(1)]]]]
        assert check(instance(body, "PROVED", {}, {})).accepted


def test_operators_at_an_instance() -> None:
    h = {"kind": "operator", "domain": [1, 2], "codomain": [3, 1], "symmetric": False}
    y, z = sym("y"), sym("z")
    body = {
        "tree": [
            "exists",
            [
                ["equal", inner(["apply", "H", y], z), inner(y, ["adjoint", "H", z])],
                ["equal", ["entry", ["apply", "H", y], 2, 0], num(17)],
            ],
        ],
        "dims": [],
        "variables": {"H": h, "y": matrix(1, 2), "z": matrix(3, 1)},
    }
    values = {"H": [["1", "2"], ["0", "1"], ["5", "6"]], "y": [["1", "2"]], "z": [["1"], ["7"], ["-1/2"]]}
    assert check(instance(body, "PROVED", {}, values)).accepted
    body["variables"]["H"] = h | {"symmetric": True}
    assert not check(instance(body, "PROVED", {}, values)).accepted
    body["variables"]["H"] = {"kind": "operator", "domain": [1, 2], "codomain": [1, 2], "symmetric": True}
    body["tree"] = ["exists", [["equal", ["apply", "H", y], ["adjoint", "H", y]]]]
    body["variables"].pop("z")
    for matrix_, good in (([["1", "2"], ["2", "1"]], True), ([["1", "2"], ["3", "1"]], False)):
        assert check(instance(body, "PROVED", {}, {"H": matrix_, "y": [["1", "2"]]})).accepted is good


def test_flow_and_descent_at_an_instance() -> None:
    quadratic = {"body": mul("1/2", sq(sub(ARG, ["literal", [["2"]]])))}
    dims, ones = {"m": 1, "n": 1, "r": 1}, {"A": [["1"]], "B": [["3"]], "λ": "1/5", "f": quadratic}
    gap = sub(mm(["transpose", A], A), mm(["transpose", B], B))
    flow = claim(["always", ["flow", L, ["A", "B"], []], [], ["equal", ["ddt", gap], mul(-2, sym("λ"), gap)]])
    assert decide(flow, dims, ones).conclusion is Truth.TRUE
    flow["tree"][3][2][1] = num(-3)
    assert check(instance(flow, "REFUTED", dims, ones)).accepted
    twice = ["equal", ["ddt", ["ddt", gap]], mul(4, power(sym("λ"), 2), gap)]
    second = claim(["always", ["flow", L, ["A", "B"], []], [], twice])
    assert decide(second, dims, ones).conclusion is Truth.TRUE
    falls = claim(
        [
            "always",
            ["descent", L, ["A", "B"], sym("η"), [["ones", "m", "r"], ["zeros", "n", "r"]]],
            [],
            ["le", ["after", L], L],
        ],
        η={"kind": "scalar"},
    )
    values = {"λ": "1/5", "f": quadratic, "η": "1/100"}
    assert all(decide(falls, dims, values, steps=k).conclusion is Truth.TRUE for k in range(3))
    big = values | {"η": "3"}
    assert check(instance(falls, "REFUTED", dims, big, steps=1)).accepted
    assert not check(instance(falls, "REFUTED", dims, values, steps=1)).accepted
    assert not check(instance(falls, "REFUTED", dims, big | {"A": [["1"]]}, steps=1)).accepted
    assert not check(instance(falls, "PROVED", dims, values)).accepted


def test_derivatives_of_functions_at_an_instance() -> None:
    body = add(power(e(0, 0), 3), mul(e(0, 0), e(0, 1), e(0, 1)))
    y, z = sym("y"), sym("z")
    # f = a^3 + a b^2 at (2, 3), direction (1, 5): 6a da^2 + 4b da db + 2a db^2 = 12 + 60 + 100
    tree = {
        "tree": [
            "exists",
            [
                ["equal", ["smooth", "f", y, z, z], num(172)],
                ["equal", ["smoothgrad", "f", y], ["literal", [["21", "12"]]]],
                ["equal", inner(["smoothgrad", "f", y, z], z), ["smooth", "f", y, z, z]],
                ["equal", ["derivative", ["smooth", "f", y], [["y", z]], 2], ["smooth", "f", y, z, z]],
                ["equal", ["derivative", ["smooth", "f", y, z], [["y", z]], 1], ["smooth", "f", y, z, z]],
            ],
        ],
        "dims": [],
        "variables": {"f": {"kind": "function", "shape": [1, 2]}, "y": matrix(1, 2), "z": matrix(1, 2)},
    }
    assert decide(tree, {}, {"f": {"body": body}, "y": [["2", "3"]], "z": [["1", "5"]]}).conclusion is Truth.TRUE


def test_curvature_statements() -> None:
    def truth(p: Any, body: Any = TEXTBOOK) -> Truth:
        tree = claim(["exists", [p]], A=None, B=None, Y=matrix("m", "n"), **{"λ": None})
        return decide(tree, D221, {"f": {"body": body}, "Y": [["0", "0"], ["0", "1"]]}).conclusion

    assert truth(["uniform_curvature", FUN, num(1), num(3)]) is Truth.TRUE
    assert truth(["uniform_curvature", FUN, num("1000001/1000000"), num(3)]) is Truth.FALSE
    assert truth(["uniform_curvature", FUN, num(1), num("2999999/1000000")]) is Truth.FALSE
    assert truth(["convex", FUN]) is Truth.TRUE
    near = [num(1), sym("Y"), num(1), num(2)]
    assert truth(["rsc", FUN, *near]) is Truth.TRUE
    assert truth(["rsm", FUN, num(3), *near[1:]]) is Truth.TRUE
    assert truth(["rsc", FUN, num(2), *near[1:]]) is Truth.UNDECIDED
    assert truth(["rsc", FUN, num(1), sym("Y"), num(1), ["fn", "log", num(-1)]]) is Truth.UNDECIDED
    quartic = add(TEXTBOOK, power(e(0, 0), 4))
    assert truth(["uniform_curvature", FUN, num(1), num(3)], quartic) is Truth.UNDECIDED
    hidden = sub(quartic, mul(*[e(0, 0)] * 4))
    assert truth(["convex", FUN], hidden) is Truth.TRUE
    assert truth(["convex", FUN], add(TEXTBOOK, ["fn", "exp", e(0, 0)])) is Truth.UNDECIDED
    assert truth(["convex", FUN], add(TEXTBOOK, power(e(0, 0), 30))) is Truth.UNDECIDED
    assert truth(["convex", ["function", ["m", "n"], ["smooth", "f", mm(ARG, ["transpose", ARG], ARG)]]]) is Truth.UNDECIDED


def test_the_squared_norm_is_smooth_at_zero_and_the_norm_is_not() -> None:
    loss = add(["smooth", "f", X], mul("1/2", sym("λ"), add(power(["frobenius", A], 2), power(["frobenius", B], 2))))
    values = {"A": [["0"], ["0"]], "B": [["0"], ["0"]], "λ": "2", "f": {"body": mul("1/2", power(["frobenius", ARG], 2))}}
    body = claim(["exists", [["sosp", loss, ["A", "B"]]]])
    assert decide(body, D221, values).conclusion is Truth.TRUE
    body["tree"] = ["exists", [["sosp", add(loss, ["frobenius", A]), ["A", "B"]]]]
    assert decide(body, D221, values).conclusion is Truth.UNDECIDED
    for odd in (["frobenius", ARG], power(["frobenius", ARG], 3), power(["frobenius", ARG], -2)):
        with pytest.raises(Rejected):
            decide(body, D221, values | {"f": {"body": odd}})


def test_a_perturbation_of_2_to_the_minus_200_flips_the_verdict() -> None:
    tiny = Fraction(1, 2**200)
    assert not check(changed(certificates()["large"], ("values", "A"), [[str(Fraction(1, 2) + tiny)], ["0"]])).accepted
    assert not check(changed(certificates()["large"], ("values", "β"), str(3 - tiny))).accepted
    body = copy.deepcopy(LARGE)
    body["tree"][2] = ["le", num("1/2"), ["sigma", X, num(1)]]
    values = SPURIOUS_VALUES | {"α": "1", "β": "3"}
    assert decide(body, D221, values).conclusion is Truth.TRUE
    body["tree"][2] = ["le", num(Fraction(1, 2) + tiny), ["sigma", X, num(1)]]
    assert decide(body, D221, values).conclusion is Truth.FALSE


def test_decide_rejects_malformed_claims() -> None:
    with pytest.raises(Rejected):
        decide({"tree": ["exists", [["lt", num(0), sym("x")]]], "dims": [], "variables": {}}, {}, {})


def test_the_kernel_does_not_grow_and_uses_the_standard_library_only() -> None:
    lines = sum(len(p.read_text().splitlines()) for p in KERNEL.glob("*.py"))
    assert lines <= 2200
    for path in KERNEL.glob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("import ", "from ")):
                module = line.split()[1]
                assert module.startswith(".") or module.split(".")[0] in sys.stdlib_module_names, (path, line)


def test_the_kernel_runs_alone() -> None:
    code = (
        "import importlib.util, json, sys\n"
        f"spec = importlib.util.spec_from_file_location('alone', {str(KERNEL / '__init__.py')!r}, "
        f"submodule_search_locations=[{str(KERNEL)!r}])\n"
        "module = importlib.util.module_from_spec(spec); sys.modules['alone'] = module; spec.loader.exec_module(module)\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in ('verify', 'sympy', 'numpy')]\n"
        "print(module.check_bytes(sys.stdin.buffer.read()).accepted)\n"
    )
    out = subprocess.run(
        [sys.executable, "-I", "-c", code], input=json.dumps(certificates()["large"]).encode(), capture_output=True, check=True
    )
    assert out.stdout.split() == [b"True"]
