"""Corrupted certificates: none is accepted unless what it states is still true, by a second route; none crashes or hangs."""

from __future__ import annotations

import json
import random
import time
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import pytest
from mutants import certificates, changed, mutants
from second_route import Reading, as_number, gradients, matrix, reading_of, states_a_truth, term

from verify.kernel import check

ALL = 20_500
STATEMENT = ("claim", "dims", "values", "verdict", "steps")
NAMES = sorted(certificates())


def weight(name: str) -> float:
    """Large certificates get fewer mutants: the second route is slow on them."""
    return min(1.0, 2_500 / len(json.dumps(certificates()[name])))


def share(name: str) -> int:
    """How many mutants of one certificate are tried."""
    return ceil(ALL * weight(name) / sum(map(weight, NAMES)))


def statement(certificate: Any) -> str:
    """What a certificate says, without its evidence; 2/4 and 1/2 are the same number only to who reads them."""
    return json.dumps({k: certificate.get(k) for k in STATEMENT}, sort_keys=True)


def test_there_are_enough_certificates_of_every_kind() -> None:
    kinds = [certificate["kind"] for certificate in certificates().values()]
    assert {"identity", "instance", "root", "negative_curvature"} == set(kinds)
    assert sum(map(share, NAMES)) >= 20_000


@pytest.mark.parametrize("name", NAMES)
def test_the_originals_are_accepted_and_true_by_the_second_route(name: str) -> None:
    certificate = certificates()[name]
    report = check(certificate)
    assert report.accepted, report
    assert true_by_another_route(certificate)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_corruption_is_accepted_unless_it_is_true(name: str) -> None:
    original = certificates()[name]
    known = {statement(original): True}
    rng = random.Random(name)
    rejected, slowest = 0, 0.0
    for what, mutant in mutants(original, rng, share(name)):
        began = time.perf_counter()
        report = check(mutant)
        slowest = max(slowest, time.perf_counter() - began)
        if not report.accepted:
            rejected += 1
            continue
        if mutant["kind"] == "identity":
            assert true_by_another_route(mutant), what
            continue
        said = statement(mutant)
        if said not in known:
            known[said] = true_by_another_route(mutant)
        assert known[said], what
    assert rejected >= share(name) // 2
    assert slowest < 5.0


@pytest.mark.parametrize("name", [n for n in NAMES if certificates()[n]["kind"] == "instance"])
def test_a_point_moved_by_one_part_in_1e16_is_rejected_unless_it_is_true(name: str) -> None:
    original = certificates()[name]
    if original["claim"]["tree"][0] == "always" or len(json.dumps(original)) > 3_000:
        # What moves under a process is not an equation of the point; larger ones are among the mutants below.
        return
    for variable, rows in original["values"].items():
        if variable not in ("A", "B", "X⋆", "S") or not isinstance(rows, list):
            continue
        for i, row in enumerate(rows):
            for j, x in enumerate(row):
                moved = str(Fraction(x) + max(abs(Fraction(x)), Fraction(1)) / 10**16)
                mutant = changed(original, ("values", variable, i, j), moved)
                mutant.pop("violated", None)
                assert not check(mutant).accepted or states_a_truth(mutant)


def true_by_another_route(certificate: Any) -> bool:
    """Whether what an accepted certificate says is true."""
    return identity_holds(certificate) if certificate["kind"] == "identity" else states_a_truth(certificate)


def identity_holds(certificate: Any) -> bool:
    """The cofactor identity at random integer matrices of several sizes, for a random cubic f, exactly."""
    return all(_holds_at(certificate, np.random.default_rng(seed)) for seed in range(2))


def _holds_at(certificate: Any, rng: np.random.Generator) -> bool:
    claim = certificate["claim"]
    tree = claim["tree"]
    s = _random_reading(claim, rng)
    if tree[0] == "always":
        s = Reading(s.values, s.bodies, s.operators, s.spaces, s.dims, tree[1])
    given, then = tree[-2], tree[-1]
    divide = certificate.get("divide", [])
    factor = Fraction(1)
    for name in [divide] if isinstance(divide, str) else divide:
        if not _never_zero(name, claim, given):
            return False
        factor *= s.values[name]
    known = [h for p in given for h in _vanishing(p, s)]
    goals = _goals(then)
    if len(goals) != len(certificate["cofactors"]) or certificate["verdict"] != "PROVED":
        return False
    for (_, left, right), rows in zip(goals, certificate["cofactors"], strict=True):
        rest = factor * (term(left, s) - term(right, s))
        for row in rows:
            part = known[row["hypothesis"]]
            part = part.T if row["transpose"] else part
            for side, place in ((row["left"], 0), (row["right"], 1)):
                if side is not None:
                    value = term(side, s)
                    part = (
                        value * part
                        if not isinstance(value, np.ndarray)
                        else value.dot(part)
                        if place == 0
                        else part.dot(value)
                    )
            raw = row["coefficient"]
            coefficient = term(raw, s) if isinstance(raw, list) else as_number(raw)
            rest = rest - coefficient * (part.trace() if row["trace"] else part)
        if np.any(rest):
            return False
    return True


def _goals(then: Any) -> list[Any]:
    return [q for p in then[1:] for q in _goals(p)] if then[0] == "both" else [then]


def _never_zero(name: str, claim: Any, given: list[Any]) -> bool:
    domain = claim["variables"][name].get("domain", {})
    symbol = ["sym", name]
    if Fraction(domain.get("above", -1)) >= 0 or Fraction(domain.get("least", -1)) > 0:
        return True
    return any(_excludes_zero(p, symbol) for p in given)


def _excludes_zero(p: Any, symbol: Any) -> bool:
    """`c < x` with c ≥ 0, `x < c` with c ≤ 0, or `x ≠ 0`."""
    match p:
        case ["lt", ["num", c], x] if x == symbol:
            return as_number(c) >= 0
        case ["lt", x, ["num", c]] if x == symbol:
            return as_number(c) <= 0
        case ["distinct", ["num", c], x] | ["distinct", x, ["num", c]] if x == symbol:
            return as_number(c) == 0
    return False


def _vanishing(p: Any, s: Reading) -> list[Any]:
    match p:
        case ["both", *ps]:
            return [h for q in ps for h in _vanishing(q, s)]
        case ["equal", x, y]:
            return [term(x, s) - term(y, s)]
        case ["fosp" | "sosp", loss, names]:
            return list(gradients(loss, names, s).values())
        case ["regularized_stationary", f, weight, y, dual]:
            slope = gradients(f[2], ["arg"], s.put(arg=term(y, s)))["arg"]
            return [slope + term(weight, s) * term(dual, s)]
    return []


def _random_reading(claim: Any, rng: np.random.Generator) -> Reading:
    dims = {d: int(k) for d, k in zip(claim["dims"], rng.permutation([2, 3, 1, 4, 2, 3])[: len(claim["dims"])], strict=True)}
    values: dict[str, Any] = {}
    bodies, operators, spaces = {}, {}, {}

    def size(d: Any) -> int:
        return dims[d] if isinstance(d, str) else d

    def entries(rows: int, cols: int) -> list[list[int]]:
        return [[int(x) for x in row] for row in rng.integers(-3, 4, (rows, cols))]

    for name, declared in claim["variables"].items():
        match declared["kind"]:
            case "scalar":
                values[name] = Fraction(int(rng.integers(1, 9)), 7)
            case "matrix":
                values[name] = matrix(entries(*map(size, declared["shape"])))
            case "function":
                rows, cols = map(size, declared["shape"])
                places = [["entry", ["arg"], i, j] for i in range(rows) for j in range(cols)]
                parts = [["mul", ["num", int(c)], x] for c, x in zip(rng.integers(-3, 4, len(places)), places, strict=True)]
                parts += [["mul", ["num", "1/2"], places[0], x] for x in places]
                bodies[name] = ["add", *parts, ["pow", places[-1], "3"]]
            case "operator":
                (a, b), (c, d) = map(size, declared["codomain"]), map(size, declared["domain"])
                made = matrix(entries(a * b, c * d))
                operators[name] = made + made.T if declared["symmetric"] else made
                spaces[name] = ((a, b), (c, d))
    return Reading(values, bodies, operators, spaces, dims)


def test_the_second_route_sees_a_false_statement() -> None:
    for name in NAMES:
        certificate = certificates()[name]
        if certificate["kind"] == "instance" and "A" in certificate["values"]:
            opposite = certificate | {"verdict": "REFUTED" if certificate["verdict"] == "PROVED" else "PROVED"}
            assert not states_a_truth(opposite)
    assert reading_of(certificates()["negative curvature"]).dims == {}
