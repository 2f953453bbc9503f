"""Claim trees and certificates in a short notation, shared by the tests of the kernel."""

from __future__ import annotations

import copy
from typing import Any

Tree = Any
ARG: Tree = ["arg"]


def num(x: Any) -> Tree:
    return ["num", str(x)]


def sym(name: str) -> Tree:
    return ["sym", name]


def add(*ts: Tree) -> Tree:
    return ["add", *ts]


def mul(*ts: Tree) -> Tree:
    return ["mul", *[t if isinstance(t, list) else num(t) for t in ts]]


def sub(a: Tree, b: Tree) -> Tree:
    return add(a, mul(-1, b))


def mm(*ts: Tree) -> Tree:
    return ["matmul", *ts]


def T(t: Tree) -> Tree:
    return ["transpose", t]


def tr(t: Tree) -> Tree:
    return ["trace", t]


def sq(t: Tree) -> Tree:
    return tr(mm(T(t), t))


def inner(a: Tree, b: Tree) -> Tree:
    return tr(mm(T(a), b))


def e(i: int, j: int, t: Tree = ARG) -> Tree:
    return ["entry", t, i, j]


def power(t: Tree, k: Any) -> Tree:
    return ["pow", t, str(k)]


A, B, LAM, ETA = sym("A"), sym("B"), sym("λ"), sym("η")
X = mm(A, T(B))
L = add(["smooth", "f", X], mul("1/2", LAM, add(sq(A), sq(B))))
G = ["smoothgrad", "f", X]
GAP = sub(mm(T(A), A), mm(T(B), B))
FUN = ["function", ["m", "n"], ["smooth", "f", ARG]]

VARIABLES: dict[str, Any] = {
    "A": {"kind": "matrix", "shape": ["m", "r"]},
    "B": {"kind": "matrix", "shape": ["n", "r"]},
    "λ": {"kind": "scalar", "domain": {"above": "0"}},
    "f": {"kind": "function", "shape": ["m", "n"]},
}


def matrix(*shape: Any) -> Tree:
    return {"kind": "matrix", "shape": list(shape)}


def claim(tree: Tree, **extra: Any) -> dict[str, Any]:
    variables = copy.deepcopy(VARIABLES) | extra
    return {"tree": tree, "dims": ["m", "n", "r"], "variables": {k: v for k, v in variables.items() if v is not None}}


def row(
    hypothesis: int,
    coefficient: Any = "1",
    left: Tree = None,
    right: Tree = None,
    *,
    transpose: bool = False,
    trace: bool = False,
) -> dict[str, Any]:
    return {
        "coefficient": coefficient,
        "left": left,
        "hypothesis": hypothesis,
        "transpose": transpose,
        "right": right,
        "trace": trace,
    }


def identity(body: dict[str, Any], *goals: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    return {"schema": 1, "kind": "identity", "claim": body, "verdict": "PROVED", "cofactors": list(goals), **extra}


def instance(body: dict[str, Any], verdict: str, dims: Any, values: Any, **extra: Any) -> dict[str, Any]:
    return {"schema": 1, "kind": "instance", "claim": body, "verdict": verdict, "dims": dims, "values": values, **extra}


FOSP = ["fosp", L, ["A", "B"]]
BALANCE = [row(0, left=T(A)), row(1, "-1", right=B, transpose=True)]

# f = x11^2 + x11 (x22-1) + (x22-1)^2 + 3/4 (x12+x21)^2 + 1/4 (x12-x21)^2: curvature 1..3, theory section 4
_d = sub(e(1, 1), num(1))
TEXTBOOK = add(
    mul(e(0, 0), e(0, 0)),
    mul(e(0, 0), _d),
    mul(_d, _d),
    mul("3/4", power(add(e(0, 1), e(1, 0)), 2)),
    mul("1/4", power(sub(e(0, 1), e(1, 0)), 2)),
)
SPURIOUS = claim(
    [
        "exists",
        [
            ["uniform_curvature", FUN, num(1), num(3)],
            ["sosp", L, ["A", "B"]],
            ["regularized_stationary", FUN, LAM, sym("Y"), sym("S")],
            ["lt", ["smooth", "f", sym("Y")], ["smooth", "f", X]],
        ],
    ],
    Y=matrix("m", "n"),
    S=matrix("m", "n"),
    **{"λ": {"kind": "scalar", "domain": {"least": "0"}}},
)
SPURIOUS_VALUES: dict[str, Any] = {
    "A": [["1/2"], ["0"]],
    "B": [["1"], ["0"]],
    "λ": "0",
    "f": {"body": TEXTBOOK},
    "Y": [["0", "0"], ["0", "1"]],
    "S": [["0", "0"], ["0", "1"]],
}
LARGE = claim(
    [
        "forall",
        [
            ["uniform_curvature", FUN, sym("α"), sym("β")],
            ["sosp", L, ["A", "B"]],
            ["regularized_stationary", FUN, LAM, sym("Y"), sym("S")],
            ["distinct", X, sym("Y")],
        ],
        ["le", mul(2, sym("α"), ["sigma", sym("Y"), ["rank", sym("Y")]]), mul(sym("β"), ["sigma", X, ["dim", "r"]])],
    ],
    Y=matrix("m", "n"),
    S=matrix("m", "n"),
    **{"λ": {"kind": "scalar", "domain": {"least": "0"}}},
    α={"kind": "scalar", "domain": {"above": "0"}},
    β={"kind": "scalar", "domain": {"above": "0"}},
)
D221 = {"m": 2, "n": 2, "r": 1}


def certificates() -> dict[str, dict[str, Any]]:
    """True certificates, by name."""
    flow = ["flow", L, ["A", "B"], []]
    gap2 = sub(mm(T(B), T(G), G, B), mm(T(A), G, T(G), A))
    one_minus = sub(num(1), mul(ETA, LAM))
    return {
        "balance": identity(claim(["forall", [FOSP], ["equal", mm(T(A), A), mm(T(B), B)]]), BALANCE, divide="λ"),
        "scaled balance": identity(claim(["forall", [FOSP], ["equal", mul(LAM, GAP), ["zeros", "r", "r"]]]), BALANCE),
        "flow": identity(claim(["always", flow, [], ["equal", ["ddt", GAP], mul(-2, LAM, GAP)]]), []),
        "descent": identity(
            claim(
                [
                    "always",
                    ["descent", L, ["A", "B"], ETA, []],
                    [],
                    ["equal", ["after", GAP], add(mul(power(one_minus, 2), GAP), mul(power(ETA, 2), gap2))],
                ],
                η={"kind": "scalar"},
            ),
            [],
        ),
        "pairing": identity(
            claim(
                [
                    "forall",
                    [FOSP],
                    ["both", ["equal", inner(G, X), mul(-1, LAM, sq(A))], ["equal", inner(G, X), mul(-1, LAM, sq(B))]],
                ]
            ),
            [row(0, left=T(A), trace=True)],
            [row(1, left=T(B), trace=True)],
        ),
        "spurious": instance(SPURIOUS, "PROVED", D221, SPURIOUS_VALUES),
        "large": instance(
            LARGE, "REFUTED", D221, SPURIOUS_VALUES | {"α": "1", "β": "3"}, violated={"lhs": "2", "rel": "le", "rhs": "3/2"}
        ),
    }
