"""What was accepted is shown: statements that can be read in one way only, from the tree alone, whatever the names."""

from __future__ import annotations

import copy
import json
import random
import unicodedata
from typing import Any

import pytest
from kernel_trees import FOSP, FUN, A, B, T, certificates, claim, identity, instance, matrix, mm, num, power, row, sym
from statement_reader import ELEMENTARY, Reader

from verify.kernel import Rejected, check, scope, statement
from verify.kernel._limits import start
from verify.kernel._print import LENGTH, bare, name

HOSTILE = [
    "A = 0, then B",
    "A\nthen\n  0 = 0",
    "\x1b[2J\x1b[1;1Haccepted",
    "\u202egiven",
    "\u2066A",
    "A\u200b",
    "А",
    "Α",
    "A ",
    " A",
    "",
    "trace",
    "arg",
    "hole",
    "and",
    "pi",
    "exp",
    "A·B",
    "A)",
    '"A"',
    "<U+0410>",
    "Aᵀ",
    "3",
    "-1",
    "x^2",
    "ν",
    "ｘ",
    "\ud800",
    "\U000e0041",
    "then, at all times",
]
PLAIN = ["A", "X⋆", "u_r", "λ", "M1"]
DIMS, FUNCTIONS, OPERATORS = ["m", "for", "e\u0301"], ["f", "log", "g(x)"], ["H", "T\t", "max"]
KINDS = {**dict.fromkeys(DIMS, "dim"), **dict.fromkeys(FUNCTIONS, "function"), **dict.fromkeys(OPERATORS, "operator")}
ALPHABET = {chr(i) for i in range(32, 127)} | set("αβγδεζηθικλμξπρσςτφχψωΓΔΘΛΞΠΣΦΨΩ⋆·∘×≠≤≥ᵀ∇∂↦\n")


def rational(rng: random.Random) -> str:
    return rng.choice(["0", "1", "-1", "2", "1/2", "-7/3", str(10**40), str(-(7**2000))])


def tree(rng: random.Random, depth: int) -> Any:
    """A random term or statement; only its form matters here, not its shapes."""

    def t() -> Any:
        return tree(rng, depth - 1)

    def some(least: int) -> list[Any]:
        return [t() for _ in range(rng.randint(least, 3))]

    if depth == 0:
        leaf = rng.choice(["num", "sym", "sym", "dim", "arg", "hole", "literal", "eye"])
        dim = rng.choice([*DIMS, 3])
        leaves = {
            "num": ["num", rational(rng)],
            "sym": ["sym", rng.choice(HOSTILE + PLAIN)],
            "dim": ["dim", rng.choice(DIMS)],
            "literal": ["literal", [[rational(rng) for _ in range(2)] for _ in range(rng.randint(1, 3))]],
            "eye": rng.choice([["eye", dim], ["zeros", dim, 2], ["unit", 4, dim, 1, 0]]),
        }
        return leaves.get(leaf, [leaf])
    op = rng.choice(
        ["n-ary", "n-ary", "transpose", "pow", "fn", "f", "f", "H", "map", "function", "call", "derivative", "fosp"]
    )
    match op:
        case "n-ary":
            op = rng.choice(["add", "add", "mul", "matmul", "hadamard", "both", "either"])
            return rng.choice([[op, *some(1)], [rng.choice(["equal", "distinct", "le", "lt"]), t(), t()]])
        case "transpose":
            return ["transpose", t()]
        case "pow":
            return ["pow", t(), rational(rng)]
        case "fn":
            return ["fn", rng.choice(ELEMENTARY), t()]
        case "f":
            formula = ["function", [rng.choice(DIMS), 3], t()]
            return [rng.choice(["smooth", "smoothgrad"]), rng.choice([*FUNCTIONS, formula]), *some(1)]
        case "H":
            return [rng.choice(["apply", "adjoint"]), rng.choice(OPERATORS), t()]
        case "map":
            return ["map", t(), t()]
        case "function":
            return ["function", ["m", 2], t()]
        case "derivative":
            moves = [[k, t()] for k in rng.sample(HOSTILE + PLAIN, rng.randint(1, 2))]
            return ["derivative", t(), moves, rng.randint(0, 3)]
        case "fosp":
            return [rng.choice(["fosp", "sosp"]), t(), rng.sample(HOSTILE + PLAIN, rng.randint(1, 3))]
    op = rng.choice(["trace", "sigma", "max", "off_block", "convex", "entry", "inverse", "ddt"])
    return [op, t(), 0, 1] if op == "entry" else [op, *some(1)]


@pytest.mark.parametrize("seed", range(20))
def test_a_text_determines_the_tree(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(60):
        t = tree(rng, rng.randint(0, 4))
        start(128)
        text = bare(t)
        assert set(text) <= ALPHABET - {"\n"}
        assert Reader(text, KINDS).whole() == t, text


def test_names_are_shown_so_that_no_two_look_the_same() -> None:
    shown = [name(x) for x in HOSTILE + PLAIN]
    assert len(set(shown)) == len(shown)
    assert name("А") == '"<U+0410>"'
    assert name("X⋆") == "X⋆"
    assert all(set(s) <= ALPHABET - {"\n"} for s in shown)
    for c in map(chr, range(0x2FF0)):
        if c.isalpha() and c in name(c) and c not in '"<>U+':
            # A letter that is shown as it is: Latin, or Greek that is not drawn as a Latin capital is.
            assert unicodedata.name(c).split()[0] in ("LATIN", "GREEK")
            assert c.isascii() or c not in "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονυ"


def hostile(x: str) -> Any:
    """A true claim about a matrix of that name, with its proof."""
    m = sym(x)
    return identity(
        claim(["forall", [], ["equal", ["trace", mm(T(m), m)], power(["frobenius", m], 2)]], **{x: matrix("m", "n")}), []
    )


@pytest.mark.parametrize("x", [h for h in HOSTILE if h])
def test_a_name_cannot_forge_a_line(x: str) -> None:
    report = check(hostile(x))
    assert report.accepted
    assert set(report.statement) <= ALPHABET
    usual = check(hostile("M")).statement
    assert len(report.statement.splitlines()) == len(usual.splitlines())
    assert sorted(usual.replace("M", name(x)).splitlines()) == sorted(report.statement.splitlines())


@pytest.mark.parametrize("x", ["·", "·W", ""])
def test_reserved_names_are_refused(x: str) -> None:
    report = check(hostile(x))
    assert not report.accepted
    assert report.rule == "names"


def test_one_name_is_one_thing() -> None:
    both = hostile("M")
    both["claim"]["variables"]["m"] = {"kind": "scalar"}
    assert check(both).rule == "names"
    twice = hostile("M")
    twice["claim"]["dims"] += ["m"]
    assert check(twice).rule == "names"


def test_the_report_carries_verdict_scope_and_statement_where_accepted_only() -> None:
    balance, large = (certificates()[k] for k in ("balance", "large"))
    report = check(balance)
    assert (report.verdict, report.scope) == ("PROVED", "all m, n, r")
    assert report.statement.splitlines() == [
        "for all sizes m, n, r",
        "  A: a matrix m × r",
        "  B: a matrix n × r",
        "  f: a twice continuously differentiable function of a matrix m × n",
        "  λ: a real number, > 0",
        "given",
        "  fosp(f(A · Bᵀ) + ((1/2) * λ * (trace(Aᵀ · A) + trace(Bᵀ · B))), [A, B])",
        "then",
        "  (Aᵀ · A) = (Bᵀ · B)",
    ]
    assert check(large).scope == "m=2 n=2 r=1, exact"
    assert check(large).verdict == "REFUTED"
    rejected = check(balance | {"divide": []})
    assert (rejected.accepted, rejected.verdict, rejected.scope, rejected.statement) == (False, "", "", "")


def test_the_statement_does_not_depend_on_the_order_of_keys() -> None:
    for certificate in certificates().values():
        again = json.loads(json.dumps(certificate, sort_keys=True))
        backwards = copy.deepcopy(certificate)
        backwards["claim"]["variables"] = dict(reversed(certificate["claim"]["variables"].items()))
        assert statement(certificate["claim"]) == statement(again["claim"]) == statement(backwards["claim"])


def test_a_process_shows_loss_step_and_start() -> None:
    lines = check(certificates()["descent"]).statement.splitlines()
    assert "along gradient descent in A, B with step η of" in lines
    assert check(certificates()["flow"]).scope == "all m, n, r, every state"
    c = certificates()["flow"]
    c["claim"]["tree"][1][3] = [sym("C"), ["zeros", "n", "r"]]
    c["claim"]["variables"]["C"] = matrix("m", "r")
    assert {"  from A = C", "  from B = zeros(n, r)"} <= set(check(c).statement.splitlines())


def test_long_statements_are_cut_and_still_differ() -> None:
    def long(last: str) -> str:
        return statement(claim(["forall", [], ["equal", ["add", *[num(i) for i in range(9000)], num(last)], num(0)]]))

    assert len(long("1")) < LENGTH + 200
    assert long("1") != long("2")


def test_a_malformed_claim_has_no_statement() -> None:
    with pytest.raises(Rejected):
        statement(claim(["forall", [], ["equal", sym("nobody"), num(0)]]))


def proved(left: Any, right: Any, *given: Any, **variables: Any) -> Any:
    return identity(claim(["forall", list(given), ["equal", left, right]], **variables), [])


SQUARE = {"K": matrix("n", "n")}
K, t = sym("K"), sym("t")
TOTAL = {"t": {"kind": "scalar"}}


@pytest.mark.parametrize(
    ("term", "variables"),
    [
        (["inverse", K], SQUARE),
        (["lambda_min", K], SQUARE),
        (power(t, -1), TOTAL),
        (power(t, "1/2"), TOTAL),
        (power(t, "3/2"), TOTAL),
        (power(["add", t, num(1)], "-1/2"), {"t": {"kind": "scalar", "domain": {"above": "0"}}}),
        (["fn", "log", t], {"t": {"kind": "scalar", "domain": {"least": "0"}}}),
        (["entry", A, 1, 0], {}),
        (["entry", A, 0, 1], {}),
        (["unit", "m", 2, 1, 0], {}),
        (["sigma", A, t], TOTAL),
        (["sigma", A, ["rank", A]], {}),
        (["map", power(["hole"], -1), A], {}),
        (["smooth", "f", mm(A, T(B)), *[mm(A, T(B))] * 3], {}),
    ],
)
def test_partial_operations_are_said_in_the_scope(term: Any, variables: Any) -> None:
    assert scope(proved(term, term, **variables)) == "all m, n, r where defined"
    assert scope(proved(num(0), num(0), ["le", num(0), num(1)], ["equal", term, term], **variables)).endswith("where defined")
    if check(proved(term, term, **variables)).accepted:
        assert check(proved(term, term, **variables)).scope.endswith("where defined")


@pytest.mark.parametrize(
    ("term", "variables"),
    [
        (["det", K], SQUARE),
        (["rank", A], {}),
        (["frobenius", A], {}),
        (power(["frobenius", A], "1/2"), {}),
        (power(t, 3), TOTAL),
        (power(t, -1), {"t": {"kind": "scalar", "domain": {"above": "0"}}}),
        (power(t, -1), {"t": {"kind": "scalar", "domain": {"most": "-1"}}}),
        (power(["dim", "m"], "-1/2"), {}),
        (["fn", "log", t], {"t": {"kind": "scalar", "domain": {"above": "0"}}}),
        (["fn", "abs", t], TOTAL),
        (["entry", A, 0, 0], {}),
        (["entry", sym("N"), 1, 2], {"N": matrix(2, 3)}),
        (["sigma", A, num(2)], {}),
        (["sigma", A, ["dim", "r"]], {}),
        (["smooth", "f", mm(A, T(B)), *[mm(A, T(B))] * 2], {}),
        (["max", t, num(0)], TOTAL),
    ],
)
def test_operations_that_are_defined_everywhere_are_not(term: Any, variables: Any) -> None:
    assert scope(proved(term, term, **variables)) == "all m, n, r"


@pytest.mark.parametrize(
    "loss", [["frobenius", A], ["nuclear", A], power(["frobenius", A], 3), ["fn", "abs", ["trace", mm(T(A), A)]]]
)
def test_a_gradient_at_a_kink_is_partial(loss: Any) -> None:
    assert scope(proved(num(0), num(0), ["fosp", loss, ["A"]])) == "all m, n, r where defined"


def test_a_hypothesis_that_excludes_zero_makes_a_division_total() -> None:
    over = power(t, -1)
    assert scope(proved(over, over, ["lt", num(0), t], **TOTAL)) == "all m, n, r"
    assert scope(proved(over, over, ["le", num(0), t], **TOTAL)) == "all m, n, r where defined"
    assert scope(proved(num(0), num(0), FOSP, ["convex", FUN])) == "all m, n, r"


def test_messages_cannot_forge_lines() -> None:
    for bad in ("\x1b[2J\naccepted", "\u202e"):
        for report in (check({"kind": bad}), check(instance(claim(["forall", [], sym(bad)]), "REFUTED", {}, {}))):
            assert not report.accepted
            assert report.message.isprintable()
    assert row(0)["hypothesis"] == 0
