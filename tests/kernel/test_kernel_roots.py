"""Irrational second-order points in boxes (kind `root`), and single directions of negative curvature."""

from __future__ import annotations

import copy
import random
from fractions import Fraction
from math import isqrt
from typing import Any

import pytest
from kernel_trees import A, B, L, X, add, claim, e, instance, mm, mul, num, power, sub, sym

from verify.kernel import Truth, check, decide

D111 = {"m": 1, "n": 1, "r": 1}
BITS = 120
LESS = claim(["exists", [["sosp", L, ["A", "B"]], ["lt", num("1"), ["sigma", X, num(1)]], ["lt", e(0, 0, X), num("3")]]])


def root_of_two(bits: int = BITS) -> Fraction:
    return Fraction(isqrt(2 << 2 * bits), 1 << bits)


def text(rows: Any) -> Any:
    return [[str(Fraction(x)) for x in row] for row in rows]


def root(body: Any, values: Any, verdict: str = "PROVED", **spec: Any) -> dict[str, Any]:
    found = {"names": ["A", "B"], "loss": L, "gauges": [], "radius": str(Fraction(1, 2**100))} | spec
    return instance(body, verdict, D111, values) | {"kind": "root", "root": found}


def decayed() -> dict[str, Any]:
    """½(ab − 3)² + ½(a² + b²) is least at a = b = √2."""
    values = {"A": text([[root_of_two()]]), "B": text([[root_of_two()]]), "λ": "1"}
    body = mul("1/2", power(sub(e(0, 0), num(3)), 2))
    inverse = text([[Fraction(3, 8), Fraction(-1, 8)], [Fraction(-1, 8), Fraction(3, 8)]])
    return root(LESS, values | {"f": {"body": body}}, inverse=inverse)


W = sym("·W")
GAUGE = {"side": 1, "moves": {"A": mm(A, W), "B": mul(-1, mm(B, ["transpose", W]))}}
FREE = copy.deepcopy(LESS)
FREE["variables"]["λ"] = {"kind": "scalar", "domain": {"least": "0"}}


def undecayed(a: Fraction = Fraction(1), b: Fraction | None = None) -> dict[str, Any]:
    """(x² − 2)²/4 at x = ab, a = 1, b = √2: a whole curve of minimizers, along which (a, b) may be rescaled."""
    s = root_of_two() if b is None else b
    x = e(0, 0)
    body = mul("1/4", power(sub(power(x, 2), num(2)), 2))
    values = {"A": text([[a]]), "B": text([[s]]), "λ": "0", "f": {"body": body}}
    r = root_of_two(30)
    inverse = text([[Fraction(1, 6), -r / 12], [-r / 12, Fraction(1, 4)]])
    return root(FREE, values, inverse=inverse, gauges=[GAUGE])


MADE = {"decayed": decayed, "undecayed": undecayed}


@pytest.mark.parametrize("name", MADE)
def test_a_box_around_an_irrational_minimizer_is_accepted(name: str) -> None:
    report = check(MADE[name]())
    assert report.accepted, report
    assert report.rule == "root"


@pytest.mark.parametrize("name", MADE)
def test_the_same_point_as_an_exact_instance_is_rejected(name: str) -> None:
    certificate = MADE[name]()
    del certificate["root"]
    assert not check(certificate | {"kind": "instance"}).accepted


def test_without_its_symmetry_a_singular_hessian_is_rejected() -> None:
    certificate = undecayed()
    certificate["root"]["gauges"] = []
    assert check(certificate).rule == "root"


def test_moves_that_change_the_loss_are_no_symmetry() -> None:
    for moves in (
        {"A": mm(A, W), "B": mm(B, W)},
        {"A": mm(A, W)},
        {"A": mul(2, mm(A, W)), "B": mul(-1, mm(B, W))},
        {"A": add(A, mul(["trace", W], A)), "B": mul(-1, mm(B, W))},
    ):
        certificate = undecayed()
        certificate["root"]["gauges"] = [{"side": 1, "moves": moves}]
        assert "symmetry" in check(certificate).message
    with_decay = decayed()
    with_decay["root"]["gauges"] = [GAUGE]
    assert "symmetry" in check(with_decay).message


def test_a_stationary_point_that_is_not_second_order_is_only_first_order() -> None:
    certificate = undecayed(b=Fraction(0))  # x = 0 is a maximum of (x² − 2)²/4, with f'' = −2
    certificate["root"]["inverse"] = text([[1, 0], [0, Fraction(-1, 2)]])
    certificate["claim"] = copy.deepcopy(FREE)
    certificate["claim"]["tree"] = ["exists", [["sosp", L, ["A", "B"]]]]
    assert check(certificate).rule == "hypothesis"
    certificate["claim"]["tree"] = ["exists", [["fosp", L, ["A", "B"]]]]
    assert check(certificate).accepted


@pytest.mark.parametrize("name", MADE)
def test_centres_outside_and_boxes_too_wide_are_rejected(name: str) -> None:
    for change in (Fraction(1, 2**90), Fraction(1, 100), Fraction(-1, 2**95), Fraction(1)):
        certificate = MADE[name]()
        certificate["values"]["A"] = text([[Fraction(certificate["values"]["A"][0][0]) + change]])
        assert check(certificate).rule == "root"
    for radius in ("0", "-1", "1", "10", "1/3", str(Fraction(1, 2**130))):
        certificate = MADE[name]()
        certificate["root"]["radius"] = radius
        assert check(certificate).rule == "root", radius


def test_statements_are_read_on_the_whole_box() -> None:
    certificate = decayed()
    spec, values = certificate["root"], certificate["values"]

    def read(statement: Any) -> Truth:
        body = copy.deepcopy(LESS)
        body["tree"] = ["exists", [["sosp", L, ["A", "B"]], statement]]
        return decide(body, D111, values, root=spec).conclusion

    assert read(["lt", e(0, 0, X), num("2001/1000")]) is Truth.TRUE
    assert read(["lt", num("2001/1000"), e(0, 0, X)]) is Truth.FALSE
    assert read(["le", e(0, 0, X), num(2)]) is Truth.UNDECIDED  # true, but no box can show it
    assert read(["equal", e(0, 0, X), num(2)]) is Truth.UNDECIDED
    assert read(["distinct", e(0, 0, A), e(0, 0, B)]) is Truth.UNDECIDED
    assert read(["equal", ["rank", X], num(1)]) is Truth.TRUE
    assert read(["equal", ["rank", sub(X, X)], num(0)]) is Truth.UNDECIDED
    assert read(["lt", ["nuclear", X], num("3/2")]) is Truth.FALSE


def test_another_loss_or_other_names_are_not_settled_by_the_box() -> None:
    certificate = decayed()
    certificate["claim"] = copy.deepcopy(LESS)
    certificate["claim"]["tree"][1][0] = ["sosp", add(L, e(0, 0, A)), ["A", "B"]]
    assert check(certificate).rule == "hypothesis"
    certificate["claim"]["tree"][1][0] = ["sosp", L, ["B", "A"]]
    assert check(certificate).rule == "hypothesis"


def test_the_domain_of_a_scalar_holds_on_the_whole_box() -> None:
    x = sym("x")
    loss = sub(mul("1/3", power(x, 3)), mul("1/2", power(x, 2)))  # stationary at 0, where the box reaches below 0, and at 1
    for domain, centre, slope, accepted in (
        ({"least": "0"}, "0", "-1", False),
        ({"least": "-1"}, "0", "-1", True),
        ({"least": "0"}, "1", "1", True),
        ({"integer": True}, "1", "1", False),
    ):
        variables = {"x": {"kind": "scalar", "domain": domain}}
        body = {"tree": ["exists", [["fosp", loss, ["x"]]]], "dims": [], "variables": variables}
        spec = {"names": ["x"], "loss": loss, "gauges": [], "radius": "1/1024", "inverse": [[slope]]}
        certificate = instance(body, "PROVED", {}, {"x": centre}) | {"kind": "root", "root": spec}
        assert check(certificate).accepted is accepted, domain


def test_a_root_needs_a_claim_about_points() -> None:
    certificate = decayed()
    certificate["claim"] = copy.deepcopy(LESS)
    certificate["claim"]["tree"] = ["always", ["flow", L, ["A", "B"], []], [], ["lt", e(0, 0, X), num(1)]]
    assert not check(certificate | {"verdict": "REFUTED"}).accepted


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("seed", range(4))
def test_mutants_of_roots_are_rejected_or_enclose_the_true_point(name: str, seed: int) -> None:
    rng = random.Random(f"{name} {seed}")
    rejected = 0
    for _ in range(60):
        certificate = MADE[name]()
        spec, values = certificate["root"], certificate["values"]
        place = rng.choice([(values["A"][0], 0), (values["B"][0], 0), (spec, "radius"), (spec["inverse"][0], rng.randrange(2))])
        old = place[0][place[1]]
        i = rng.randrange(len(old))
        place[0][place[1]] = rng.choice([old[:i] + rng.choice("0123456789/-") + old[i + 1 :], "-" + old, old + "0", old[:-1]])
        if not check(certificate).accepted:
            rejected += 1
            continue
        a, b, h = (Fraction(x) for x in (values["A"][0][0], values["B"][0][0], spec["radius"]))
        if name == "decayed":
            assert all((abs(x) - h) ** 2 <= 2 <= (abs(x) + h) ** 2 for x in (a, b))
            assert a * b > 0
        else:
            low, high = sorted((abs(a) - h, abs(a) + h)), sorted((abs(b) - h, abs(b) + h))
            assert (low[0] * high[0]) ** 2 <= 2 <= (low[1] * high[1]) ** 2
    assert rejected > 20


SADDLE = claim(["forall", [["fosp", L, ["A", "B"]]], ["sosp", L, ["A", "B"]]])
SADDLE_VALUES = {"A": [["0"]], "B": [["0"]], "λ": "1", "f": {"body": mul(3, e(0, 0))}}


def negative(direction: Any) -> dict[str, Any]:
    """At the origin of 3ab + ½(a² + b²) the curvature along (1, −1) is −4."""
    return instance(SADDLE, "REFUTED", D111, SADDLE_VALUES) | {"kind": "negative_curvature", "direction": direction}


def test_one_direction_of_negative_curvature_refutes_second_order_stationarity() -> None:
    report = check(negative({"A": [["1"]], "B": [["-1"]]}))
    assert report.accepted
    assert "-4" in report.facts[-1]


@pytest.mark.parametrize(
    "direction",
    [
        {"A": [["1"]], "B": [["1"]]},
        {"A": [["0"]], "B": [["0"]]},
        {"A": [["1"]]},
        {},
        {"λ": "1"},
        {"f": {"body": num(1)}},
        {"A": [["1", "1"]]},
        {"Z": [["1"]]},
        [["1"]],
        None,
        {"A": [["nan"]]},
    ],
)
def test_any_other_direction_shows_nothing(direction: Any) -> None:
    assert not check(negative(direction)).accepted


def test_the_body_may_use_single_entries_and_pi() -> None:
    unit = claim(
        ["exists", [["equal", ["trace", mm(["transpose", A], ["unit", "m", "r", 0, 0])], num(2)]]], f=None, λ=None, B=None
    )
    unit["dims"] = ["m", "r"]
    assert check(instance(unit, "PROVED", {"m": 2, "r": 1}, {"A": [["2"], ["7"]]})).accepted
    outside = copy.deepcopy(unit)
    outside["tree"][1][0][1][1][2][3] = 5
    assert not check(instance(outside, "PROVED", {"m": 2, "r": 1}, {"A": [["2"], ["7"]]})).accepted
    circle = claim(
        ["exists", [["lt", num("314159/100000"), ["pi"]], ["lt", ["pi"], num("31416/10000")]]], f=None, λ=None, A=None, B=None
    )
    circle["dims"] = []
    assert check(instance(circle, "PROVED", {}, {})).accepted


STEP_AT_FIVE = ["fn", "step", add(sym("y"), num(-5))]


def plain(statement: Any, verdict: str = "PROVED", **values: str) -> dict[str, Any]:
    """A certificate about scalars alone."""
    variables = {k: {"kind": "scalar", "domain": {}} for k in values}
    return instance({"tree": ["exists", [statement]], "dims": [], "variables": variables}, verdict, {}, values)


@pytest.mark.parametrize(
    ("loss", "move"),
    [
        (sym("y"), mul(10, STEP_AT_FIVE, ["trace", W])),  # nothing near 0, but all of the box
        (sym("y"), mul(["derivative", ["fn", "relu", add(sym("y"), num(-5))], [["y", num(1)]], 1], ["trace", W])),
        (["fn", "relu", add(sym("y"), num(-5))], ["trace", W]),
        (["max", num(0), add(sym("y"), num(-5))], ["trace", W]),
    ],
)
def test_a_branch_that_is_constant_near_zero_is_no_symmetry(loss: Any, move: Any) -> None:
    gauge = {"side": 1, "moves": {"y": move}}
    spec = {"names": ["y"], "loss": loss, "radius": "1", "inverse": [["1/100"]], "gauges": [gauge]}
    certificate = plain(["fosp", loss, ["y"]], y="10") | {"kind": "root", "root": spec}
    assert not check(certificate).accepted


@pytest.mark.parametrize(
    "body",
    [
        mul(-1, ["fn", "abs", add(e(0, 0), num(1))]),
        ["min", num(1), sub(num(2), mul(7, power(e(0, 0), 4)))],
        mul(["fn", "step", add(e(0, 0), num(-5))], power(e(0, 0), 3)),
        ["fn", "sign", add(e(0, 0), num(2))],
    ],
)
def test_curvature_at_zero_says_nothing_about_branches_elsewhere(body: Any) -> None:
    assert not check(plain(["convex", ["function", [1, 1], body]])).accepted
    assert not check(plain(["uniform_curvature", ["function", [1, 1], body], num(0), num(0)])).accepted


@pytest.mark.parametrize("exponent", ["3/2", "5/2", "7/2"])
def test_the_edge_of_a_domain_has_no_derivative(exponent: str) -> None:
    for op in ("fosp", "sosp"):
        assert not check(plain([op, power(sym("x"), exponent), ["x"]], x="0")).accepted


def test_a_direction_does_not_overlook_a_kink_in_another_name() -> None:
    loss = add(mul(-1, power(sym("x"), 2)), ["fn", "abs", sym("z")])
    certificate = plain(["fosp", loss, ["x"]], "REFUTED", x="0", z="0")
    certificate["claim"]["tree"] = ["forall", [], ["sosp", loss, ["x", "z"]]]
    assert not check(certificate | {"kind": "negative_curvature", "direction": {"x": "1"}}).accepted


def test_shapes_agree_as_names_and_states_keep_their_domain() -> None:
    swapped = {"A": {"kind": "matrix", "shape": ["m", "n"]}, "B": {"kind": "matrix", "shape": ["n", "m"]}}
    body = {"tree": ["exists", [["equal", add(A, B), add(A, B)]]], "dims": ["m", "n"], "variables": swapped}
    assert check(instance(body, "PROVED", {"m": 1, "n": 1}, {"A": [["1"]], "B": [["1"]]})).rule == "shape"
    for domain, start, loss in (
        ({"above": "0"}, num(-5), sym("x")),
        ({}, num(-1), ["fn", "log", sym("x")]),
        ({"integer": True}, num(1), sym("x")),
    ):
        tree = ["always", ["flow", loss, ["x"], [start]], [], ["lt", num(7), sym("x")]]
        variables = {"x": {"kind": "scalar", "domain": domain}}
        assert check(instance({"tree": tree, "dims": [], "variables": variables}, "REFUTED", {}, {})).rule == "values"
