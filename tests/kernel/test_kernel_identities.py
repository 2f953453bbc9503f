"""Identities for all dimensions: true ones of the theory accepted, false ones rejected whatever the cofactors."""

from __future__ import annotations

import random
from typing import Any

import pytest
from kernel_trees import (
    ARG,
    BALANCE,
    ETA,
    FOSP,
    FUN,
    GAP,
    LAM,
    A,
    B,
    G,
    L,
    T,
    X,
    add,
    certificates,
    claim,
    e,
    identity,
    inner,
    matrix,
    mm,
    mul,
    num,
    power,
    row,
    sq,
    sub,
    sym,
    tr,
)

from verify.kernel import check

ZERO_R = ["zeros", "r", "r"]


def accepted(certificate: dict[str, Any]) -> bool:
    return check(certificate).accepted


def forall(goal: Any, *cofactors: Any, given: Any = (FOSP,), divide: Any = None, **extra: Any) -> dict[str, Any]:
    more = {} if divide is None else {"divide": divide}
    return identity(claim(["forall", list(given), goal], **extra), *cofactors, **more)


def test_two_decays() -> None:
    two = add(["smooth", "f", X], mul("1/2", sym("p"), sq(A)), mul("1/2", sym("q"), sq(B)))
    goal = ["equal", mul(sym("p"), mm(T(A), A)), mul(sym("q"), mm(T(B), B))]
    p = {"kind": "scalar"}
    assert accepted(forall(goal, BALANCE, given=[["fosp", two, ["A", "B"]]], p=p, q=p))
    flow = claim(
        [
            "always",
            ["flow", two, ["A", "B"], []],
            [],
            ["equal", ["ddt", GAP], add(mul(-2, sym("p"), mm(T(A), A)), mul(2, sym("q"), mm(T(B), B)))],
        ],
        p=p,
        q=p,
    )
    assert accepted(identity(flow, []))
    closes = claim(["always", ["flow", two, ["A", "B"], []], [], ["equal", ["ddt", GAP], mul(-2, sym("p"), GAP)]], p=p, q=p)
    assert not accepted(identity(closes, []))


def test_scaled_adapter_descent() -> None:
    x = mul(sym("s"), X)
    loss = add(["smooth", "f", x], mul("1/2", LAM, add(sq(A), sq(B))))
    g = ["smoothgrad", "f", x]
    gap2 = sub(mm(T(B), T(g), g, B), mm(T(A), g, T(g), A))
    scalar = {"kind": "scalar"}

    def after(factor: Any) -> dict[str, Any]:
        return claim(
            [
                "always",
                ["descent", loss, ["A", "B"], ETA, []],
                [],
                ["equal", ["after", GAP], add(mul(power(sub(num(1), mul(ETA, LAM)), 2), GAP), mul(factor, gap2))],
            ],
            η=scalar,
            s=scalar,
        )

    assert accepted(identity(after(mul(power(ETA, 2), power(sym("s"), 2))), []))
    assert not accepted(identity(after(power(ETA, 2)), []))


def test_gauge_directions_annihilate_the_loss_and_its_hessian() -> None:
    k = sym("K")
    for moves, given, loss, good in (
        ([["A", mm(A, k)], ["B", mm(B, k)]], [["equal", T(k), mul(-1, k)]], L, True),
        ([["A", mm(A, k)], ["B", mul(-1, mm(B, T(k)))]], [], ["smooth", "f", X], True),
        ([["A", mm(A, k)], ["B", mul(-1, mm(B, T(k)))]], [], L, False),
    ):
        goal = ["equal", ["derivative", loss, moves, 1], num(0)]
        if loss is L and good:  # tr(A'A K) + tr(B'B K) = 1/2 tr((A'A + B'B)(K + K')) for the decay
            cofactors = [row(0, mul("1/2", LAM), left=mm(T(z), z), trace=True) for z in (A, B)]
            cofactors += [row(0, left=mm(T(G), A), right=T(B), trace=True)]
        else:
            cofactors = []
        assert accepted(forall(goal, cofactors, given=given, K=matrix("r", "r"))) is good


def test_second_derivative_of_the_loss() -> None:
    u, v = sym("U"), sym("V")
    d = add(mm(u, T(B)), mm(A, T(v)))
    extra = {"U": matrix("m", "r"), "V": matrix("n", "r")}

    def hessian(two: Any) -> Any:
        return add(["smooth", "f", X, d, d], mul(two, inner(G, mm(u, T(v)))), mul(LAM, add(sq(u), sq(v))))

    left = ["derivative", L, [["A", u], ["B", v]], 2]
    assert accepted(forall(["equal", left, hessian(2)], [], given=[], **extra))
    assert not accepted(forall(["equal", left, hessian(1)], [], given=[], **extra))


def test_descent_twice_is_the_same_as_one_composed_step() -> None:
    square = add(mul("1/2", sq(A)))
    tree = claim(
        [
            "always",
            ["descent", square, ["A"], ETA, []],
            [],
            ["equal", ["after", ["after", A]], mul(power(sub(num(1), ETA), 2), A)],
        ],
        η={"kind": "scalar"},
    )
    assert accepted(identity(tree, []))


def test_operators_and_their_adjoints() -> None:
    h = {"kind": "operator", "domain": ["m", "n"], "codomain": ["m", "n"], "symmetric": False}
    y = sym("Y")
    loss = mul("1/2", inner(sub(X, y), ["apply", "H", sub(X, y)]))
    gradient = mul("1/2", add(["apply", "H", sub(X, y)], ["adjoint", "H", sub(X, y)]))
    goal = ["equal", mul("-1", mm(gradient, B)), ["zeros", "m", "r"]]
    fosp = ["fosp", loss, ["A"]]
    assert accepted(forall(goal, [row(0, "-1")], given=[fosp], H=h, Y=matrix("m", "n")))
    goal = ["equal", mm(["apply", "H", sub(X, y)], B), ["zeros", "m", "r"]]
    assert not accepted(forall(goal, [row(0)], given=[fosp], H=h, Y=matrix("m", "n")))
    assert accepted(forall(goal, [row(0)], given=[fosp], H=h | {"symmetric": True}, Y=matrix("m", "n")))
    other = h | {"symmetric": True}
    goal = ["equal", ["apply", "H", y], ["adjoint", "H=", y]]  # two operators must not be confused by their names
    assert not accepted(forall(goal, [], given=[], H=other, **{"H=": h}, Y=matrix("m", "n")))


def test_masks() -> None:
    mask, y = sym("M"), sym("Y")
    loss = mul("1/2", sq(["hadamard", mask, sub(X, y)]))
    inside = ["hadamard", mask, ["hadamard", mask, sub(X, y)]]
    extra = {"M": matrix("m", "n"), "Y": matrix("m", "n")}
    good = forall(["equal", mm(inside, B), ["zeros", "m", "r"]], [row(0)], given=[["fosp", loss, ["A"]]], **extra)
    assert accepted(good)
    bad = forall(
        ["equal", mm(["hadamard", mask, sub(X, y)], B), ["zeros", "m", "r"]], [row(0)], given=[["fosp", loss, ["A"]]], **extra
    )
    assert not accepted(bad)


def test_regularized_stationary_points() -> None:
    y, s = sym("Y"), sym("S")
    extra = {"Y": matrix("m", "n"), "S": matrix("m", "n")}
    given = [["regularized_stationary", FUN, LAM, y, s]]
    goal = ["equal", ["smoothgrad", "f", y], mul(-1, LAM, s)]
    assert accepted(forall(goal, [row(0)], given=given, **extra))
    assert not accepted(forall(["equal", ["smoothgrad", "f", y], mul(LAM, s)], [row(0)], given=given, **extra))
    full = ["function", ["m", "n"], add(["smooth", "f", ARG], mul("1/2", sq(sub(ARG, s))))]
    goal = ["equal", add(["smoothgrad", "f", y], sub(y, s)), mul(-1, LAM, s)]
    assert accepted(forall(goal, [row(0)], given=[["regularized_stationary", full, LAM, y, s]], **extra))


def test_norms_and_powers() -> None:
    assert accepted(forall(["equal", power(["frobenius", A], 2), sq(A)], [], given=[]))
    assert accepted(
        forall(["equal", power(["frobenius", sub(A, sym("C"))], 2), sq(sub(sym("C"), A))], [], given=[], C=matrix("m", "r"))
    )
    assert not accepted(forall(["equal", ["frobenius", A], sq(A)], [], given=[]))
    x = {"kind": "scalar"}
    assert not accepted(forall(["equal", power(power(sym("x"), 2), "1/2"), sym("x")], [], given=[], x=x))
    root = power(add(sym("x"), num(1)), "1/2")
    assert accepted(forall(["equal", mul(root, root, root), add(mul(sym("x"), root), root)], [], given=[], x=x))
    assert accepted(forall(["equal", tr(["eye", "m"]), ["dim", "m"]], [], given=[]))
    assert not accepted(forall(["equal", tr(["eye", "m"]), ["dim", "n"]], [], given=[]))
    assert accepted(forall(["equal", ["nuclear", sub(A, A)], ["nuclear", ["zeros", "m", "r"]]], [], given=[]))
    assert not accepted(forall(["equal", ["nuclear", A], ["nuclear", mul(2, A)]], [], given=[]))


def test_sizes_are_not_confused() -> None:
    """Zero and the identity look alike in every size; what is made of them does not."""
    exp, square = ["fn", "exp", ["hole"]], [["eye", "m"], ["eye", "n"]]
    pairs = [
        [tr(["hadamard", z, z]) for z in square],
        [tr(["hadamard", z]) for z in square],
        [["nuclear", z] for z in square],
        [sq(["map", exp, ["zeros", "m", d]]) for d in ("n", "r")],
        [e(0, 0, ["rowlse", ["zeros", "m", d]]) for d in ("n", "r")],
        [["det", mul(2, z)] for z in square],
        [sq(["ones", "m", d]) for d in ("n", "r")],
        [["nuclear", ["map", exp, sub(z, z)]] for z in (A, B)],
    ]
    for left, right in pairs:
        assert accepted(forall(["equal", left, left], [], given=[]))
        assert not accepted(forall(["equal", left, right], [], given=[]))
    for gradient in (["eye", "m"], ["hadamard", ["eye", "m"]]):
        goal = ["equal", gradient, ["zeros", "m", "m"]]
        assert not accepted(forall(goal, [], given=[["fosp", tr(["hadamard", sym("K")]), ["K"]]], K=matrix("m", "m")))


def test_mixed_derivatives_are_symmetric_and_linear() -> None:
    u, v = sym("U"), sym("V")
    extra = {"U": matrix("m", "n"), "V": matrix("m", "n")}
    assert accepted(forall(["equal", inner(["smoothgrad", "f", X, u], v), ["smooth", "f", X, v, u]], [], given=[], **extra))
    assert accepted(
        forall(
            [
                "equal",
                ["smooth", "f", X, add(u, mul(3, v)), u],
                add(["smooth", "f", X, u, u], mul(3, inner(u, ["smoothgrad", "f", X, v]))),
            ],
            [],
            given=[],
            **extra,
        )
    )
    assert not accepted(forall(["equal", ["smooth", "f", X, u, u], ["smooth", "f", X, u, v]], [], given=[], **extra))
    assert not accepted(forall(["equal", ["smooth", "f", u], ["smooth", "f", v]], [], given=[], **extra))
    assert accepted(
        forall(
            ["equal", inner(["smoothgrad", "f", u], ["smoothgrad", "f", v]), ["smooth", "f", v, ["smoothgrad", "f", u]]],
            [],
            given=[],
            **extra,
        )
    )


def test_division_needs_a_nonzero_scalar() -> None:
    goal, anything = ["equal", mm(T(A), A), mm(T(B), B)], {"kind": "scalar"}
    assert not accepted(forall(goal, BALANCE, divide="λ", **{"λ": anything}))
    assert not accepted(forall(goal, BALANCE, divide="λ", **{"λ": {"kind": "scalar", "domain": {"least": "0"}}}))
    assert not accepted(forall(goal, BALANCE))
    for domain in ({"above": "0"}, {"below": "-1"}, {"least": "1/9"}, {"most": "-2"}):
        assert accepted(forall(goal, BALANCE, divide=["λ"], **{"λ": {"kind": "scalar", "domain": domain}}))
    for told, good in (
        (["lt", num(0), LAM], True),
        (["lt", LAM, num("0/7")], True),
        (["distinct", LAM, num(0)], True),
        (["le", num(0), LAM], False),
        (["lt", num(-1), LAM], False),
        (["either", ["lt", num(0), LAM]], False),
    ):
        assert accepted(forall(goal, BALANCE, given=[FOSP, told], divide="λ", **{"λ": anything})) is good
    assert not accepted(forall(goal, BALANCE, divide="A"))
    assert not accepted(forall(goal, BALANCE, divide="nothing"))


def test_a_cofactor_must_be_defined_everywhere() -> None:
    goal = ["equal", mm(T(A), A), mm(T(B), B)]
    inverse = [row(0, power(LAM, -1), left=T(A)), row(1, mul(-1, power(LAM, -1)), right=B, transpose=True)]
    assert accepted(forall(goal, inverse))
    assert not accepted(forall(goal, inverse, **{"λ": {"kind": "scalar"}}))
    k = ["inverse", sym("K")]
    for left, factor in ((k, mm(k, A)), (["det", k], mul(["det", k], A))):
        hidden = forall(
            ["equal", factor, ["zeros", "m", "r"]],
            [row(0, left if left[0] == "det" else "1", left=None if left[0] == "det" else left)],
            given=[["equal", A, ["zeros", "m", "r"]]],
            K=matrix("m", "m"),
        )
        assert not accepted(hidden)


def test_a_hypothesis_on_the_state_holds_at_the_start_only() -> None:
    process = ["flow", L, ["A", "B"], []]
    start = ["equal", A, ["zeros", "m", "r"]]
    later = claim(["always", process, [start], ["equal", A, ["zeros", "m", "r"]]])
    assert not accepted(identity(later, [row(0)]))
    fixed = claim(
        ["always", process, [["equal", sym("C"), sym("E")]], ["equal", sym("C"), sym("E")]],
        C=matrix("m", "r"),
        E=matrix("m", "r"),
    )
    assert accepted(identity(fixed, [row(0)]))
    scalar = claim(
        [
            "always",
            ["flow", power(sym("x"), 4), ["x"], []],
            [["lt", num(0), sym("x")]],
            ["equal", mul(sym("x"), power(sym("x"), -1)), num(1)],
        ],
        x={"kind": "scalar"},
    )
    assert not accepted(identity(scalar, [], divide="x"))


def test_maps_with_open_bodies_are_not_understood() -> None:
    y = sym("Y")
    closed = ["map", ["fn", "exp", ["hole"]], X]
    assert accepted(forall(["equal", closed, ["map", ["fn", "exp", ["hole"]], mm(A, T(B))]], [], given=[]))
    moving = ["map", mul(["hole"], sym("x")), y]
    tree = claim(
        ["always", ["flow", sym("x"), ["x"], []], [], ["equal", ["ddt", tr(mm(moving, T(y)))], num(0)]],
        x={"kind": "scalar"},
        Y=matrix("m", "n"),
    )
    assert not accepted(identity(tree, []))
    tree["tree"][3] = ["equal", ["ddt", tr(mm(closed, T(y)))], num(0)]
    assert accepted(identity(tree, []))
    tree["tree"][1] = ["flow", sq(A), ["A"], []]
    assert not accepted(identity(tree, []))


@pytest.mark.parametrize("shape", [["m", "r"], ["r", "m"], [2, "r"]])
def test_shapes_must_agree(shape: list[Any]) -> None:
    good = ["equal", add(sym("C"), A), add(A, sym("C"))]
    assert accepted(forall(good, [], given=[], C=matrix(*shape))) is (shape == ["m", "r"])
    assert not accepted(forall(["equal", mm(A, B), mm(A, B)], [], given=[]))
    assert not accepted(forall(["equal", num(0), ["zeros", "r", "r"]], [], given=[]))


FALSE_GOALS = [
    ["equal", GAP, ["zeros", "r", "r"]],
    ["equal", mul(LAM, mm(T(A), A)), ZERO_R],
    ["equal", inner(G, X), mul(LAM, sq(A))],
    ["equal", mm(G, B), mul(LAM, A)],
    ["equal", A, ["zeros", "m", "r"]],
    ["equal", num(1), num(0)],
    ["equal", inner(G, X), mul(-1, LAM, add(sq(A), sq(B)))],
]


@pytest.mark.parametrize("seed", range(40))
def test_false_goals_are_rejected_whatever_the_cofactors(seed: int) -> None:
    rng = random.Random(seed)
    goal = FALSE_GOALS[seed % len(FALSE_GOALS)]
    pieces: list[Any] = [None, A, B, T(A), T(B), G, T(G), mm(T(A), A), X]
    for _ in range(20):
        rows = [
            row(
                rng.randint(0, 1),
                rng.choice([1, -1, "1/2", 2, LAM, sq(A)]),
                rng.choice(pieces),
                rng.choice(pieces),
                transpose=rng.random() < 0.5,
                trace=rng.random() < 0.5,
            )
            for _ in range(rng.randint(0, 3))
        ]
        assert not accepted(forall(goal, rows, **{"λ": {"kind": "scalar", "domain": {"least": "0"}}}))


@pytest.mark.parametrize("name", ["flow", "descent", "balance", "pairing"])
def test_changed_signs_and_factors_are_rejected(name: str) -> None:
    text = repr(certificates()[name]["claim"]["tree"])
    then = text.rindex("'equal'")
    changed = 0
    for old, new in (("'-2'", "'2'"), ("'-1'", "'1'"), ("'2'", "'3'"), ("'A'", "'B'")):
        if old in text[then:]:
            at = text.index(old, then)
            certificate = certificates()[name]
            certificate["claim"]["tree"] = eval(text[:at] + new + text[at + len(old) :])
            changed += 1
            assert not accepted(certificate), (name, old)
    assert changed


@pytest.mark.parametrize(
    "goal",
    [
        ["equal", ["smooth", "f", sym("Y"), ["eye", "m"]], ["smooth", "f", sym("Y")]],
        ["equal", ["smoothgrad", "f", sym("Y"), ["eye", "m"]], ["smoothgrad", "f", sym("Y")]],
        ["equal", ["trace", ["smoothgrad", "f", sym("Y")]], ["smooth", "f", sym("Y")]],
    ],
)
def test_a_derivative_along_the_identity_is_not_the_function_itself(goal: Any) -> None:
    variables = {"Y": {"kind": "matrix", "shape": ["m", "m"]}, "f": {"kind": "function", "shape": ["m", "m"]}}
    stated = {"tree": ["forall", [], goal], "dims": ["m"], "variables": variables}
    assert not accepted(identity(stated, []))


def test_a_derivative_along_the_identity_is_the_trace_of_the_gradient() -> None:
    variables = {"Y": {"kind": "matrix", "shape": ["m", "m"]}, "f": {"kind": "function", "shape": ["m", "m"]}}
    goal = ["equal", ["smooth", "f", sym("Y"), ["eye", "m"]], ["trace", ["smoothgrad", "f", sym("Y")]]]
    assert accepted(identity({"tree": ["forall", [], goal], "dims": ["m"], "variables": variables}, []))


# --- functions given by a formula -----------------------------------------------------------------------------------

SHIFTED = ["function", ["m", "n"], ["trace", ["matmul", ["transpose", sub(ARG, sym("M"))], sub(ARG, sym("M"))]]]
OF_MATRICES = {k: {"kind": "matrix", "shape": ["m", "n"]} for k in "MYZ"}


def of_a_formula(left: object, right: object) -> dict[str, object]:
    claim = {"tree": ["forall", [], ["equal", left, right]], "dims": ["m", "n"], "variables": OF_MATRICES}
    return {"schema": 1, "kind": "identity", "verdict": "PROVED", "claim": claim, "cofactors": [[]]}


def test_the_derivatives_of_a_formula_are_the_kernels_own() -> None:
    gap = sub(sym("Y"), sym("M"))
    slope, bend = ["smoothgrad", SHIFTED, sym("Y")], ["smooth", SHIFTED, sym("Y"), sym("Z"), sym("Z")]
    square = ["trace", ["matmul", ["transpose", sym("Z")], sym("Z")]]
    assert check(of_a_formula(slope, mul("2", gap))).accepted
    assert check(of_a_formula(["smoothgrad", SHIFTED, sym("Y"), sym("Z")], mul("2", sym("Z")))).accepted
    assert check(of_a_formula(bend, mul("2", square))).accepted
    for wrong in (gap, mul("-2", gap), mul("2", sym("Y")), mul("3", gap), mul("2", sub(sym("M"), sym("Y")))):
        assert not check(of_a_formula(slope, wrong)).accepted
    for wrong in (square, mul("-2", square), mul("4", square)):
        assert not check(of_a_formula(bend, wrong)).accepted


def test_a_formula_inside_a_formula_keeps_its_own_argument() -> None:
    inner = ["smooth", SHIFTED, mul("2", ARG)]
    outer = ["function", ["m", "n"], inner]
    gap = sub(mul("2", sym("Y")), sym("M"))
    assert check(of_a_formula(["smoothgrad", outer, sym("Y")], mul("4", gap))).accepted
    assert not check(of_a_formula(["smoothgrad", outer, sym("Y")], mul("2", gap))).accepted


@pytest.mark.parametrize(
    "formula",
    [
        ["function", ["m"], ["num", "1"]],
        ["function", ["m", "n"], ARG],
        ["function", ["n", "m"], ["trace", ["matmul", ["transpose", ARG], ARG]]],
        ["function", ["m", "n"], ["smooth", "g", ARG]],
        ["function", ["m", "n"], sym("unknown")],
        ["functional", ["m", "n"], ["num", "1"]],
        [],
        None,
    ],
)
def test_a_malformed_formula_is_rejected(formula: object) -> None:
    assert not check(of_a_formula(["smoothgrad", formula, sym("Y")], ["zeros", "m", "n"])).accepted
