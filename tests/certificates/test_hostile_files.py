"""Files of up to 10 MB made to be slow or large: each is answered within five seconds of work and in bounded memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS, BYTES = 5.0, 2 << 30
CHECK = f"""
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({BYTES}, {BYTES}))
sys.path.insert(0, {str(ROOT)!r})
from verify.kernel import check_bytes
raw = open(sys.argv[1], "rb").read()
begin = time.process_time()
report = check_bytes(raw)
print(report.accepted, time.process_time() - begin, report.rule)
"""


def num(x: Any) -> Any:
    return ["num", str(x)]


def below(term: Any) -> Any:
    """A certificate of `0 < term`."""
    claim = {"tree": ["exists", [["lt", num(0), term]]], "dims": [], "variables": {}}
    return {"schema": 1, "kind": "instance", "verdict": "PROVED", "claim": claim, "dims": {}, "values": {}}


def square(rng: random.Random, size: int, bits: int) -> Any:
    return ["literal", [[str(rng.getrandbits(bits)) for _ in range(size)] for _ in range(size)]]


def same(left: Any, right: Any) -> Any:
    """A certificate of an identity in two square matrices."""
    variables = {name: {"kind": "matrix", "shape": ["m", "m"]} for name in "PQ"}
    claim = {"tree": ["forall", [], ["equal", left, right]], "dims": ["m"], "variables": variables}
    return {"schema": 1, "kind": "identity", "verdict": "PROVED", "claim": claim, "cofactors": [[]]}


def landscape(m: int, n: int, r: int, power: int) -> Any:
    """Second-order stationarity of a power of the sum of all entries of ABᵀ."""
    rng = random.Random(power)
    loss = ["smooth", "f", ["matmul", ["sym", "A"], ["transpose", ["sym", "B"]]]]
    shapes = {"A": ["m", "r"], "B": ["n", "r"]}
    variables: Any = {name: {"kind": "matrix", "shape": shape} for name, shape in shapes.items()}
    variables["f"] = {"kind": "function", "shape": ["m", "n"]}
    claim = {"tree": ["exists", [["sosp", loss, ["A", "B"]]]], "dims": ["m", "n", "r"], "variables": variables}
    entries = [["entry", ["arg"], i, j] for i in range(m) for j in range(n)]
    rows = {name: [[f"{rng.getrandbits(20)}/7" for _ in range(r)] for _ in range(k)] for name, k in (("A", m), ("B", n))}
    values = {**rows, "f": {"body": ["pow", ["add", *entries], str(power)]}}
    dims = {"m": m, "n": n, "r": r}
    return {"schema": 1, "kind": "instance", "verdict": "PROVED", "claim": claim, "dims": dims, "values": values}


def words(factor: Any, count: int) -> Any:
    return ["trace", ["matmul", *[factor] * count]]


def convex(body: Any) -> Any:
    """A certificate that a function of a number is convex."""
    claim = {"tree": ["exists", [["convex", ["function", [1, 1], body]]]], "dims": [], "variables": {}}
    return {"schema": 1, "kind": "instance", "verdict": "PROVED", "claim": claim, "dims": {}, "values": {}}


def tower(exponents: list[str]) -> Any:
    term: Any = ["add", ["trace", ["sym", "P"]], num(1)]
    for exponent in exponents:
        term = ["pow", term, exponent]
    return same(term, num(0))


def many_logs() -> Any:
    return ["add", *[["fn", "log", num(f"{3 + k}/2")] for k in range(6_000)]]


def many_diagonals() -> Any:
    column = ["literal", [["1"]] * 128]
    return ["add", *[["entry", ["diag", column], 0, 0]] * 3_000]


P, Q = ["sym", "P"], ["sym", "Q"]
FILES: dict[str, Callable[[], Any]] = {
    "eigenvalue of a large matrix": lambda: below(["lambda_min", square(random.Random(0), 128, 1200)]),
    "rank of a large matrix": lambda: below(["rank", square(random.Random(1), 128, 1200)]),
    "singular value of long numbers": lambda: below(["sigma", square(random.Random(2), 50, 3000), num(25)]),
    "product of long numbers": lambda: below(["mul", *[num("9" * 19_000)] * 500]),
    "sum of many fractions": lambda: below(["add", *[num(f"1/{2**4000 + 2 * k + 1}") for k in range(2000)]]),
    "sum of many ones": lambda: below(["add", *[num(1)] * 300_000]),
    "exponentials in a tower": lambda: below(["fn", "exp", ["fn", "exp", ["fn", "exp", num(20)]]]),
    "words that double": lambda: same(words(["add", P, Q], 40), num(0)),
    "logarithms of high precision": lambda: {**below(["mul", num(-1), many_logs()]), "bits": 2048},
    "nuclear norm of long numbers": lambda: {
        **below(["mul", num(-1), ["nuclear", square(random.Random(3), 6, 800)]]),
        "bits": 2048,
    },
    "diagonal matrices": lambda: below(["mul", num(-1), many_diagonals()]),
    "exponents that multiply": lambda: tower(["1/2", "-999", "-999", "-998", "-1"]),
    "polynomial of a huge degree": lambda: convex(["pow", ["add", ["entry", ["arg"], 0, 0], num(0)], str(2**30)]),
    "long words": lambda: same(words(P, 20_000), words(P, 20_000)),
    "derivative of a long word": lambda: same(["derivative", words(P, 60), [["P", Q]], 12], num(0)),
    "high power in a loss": lambda: landscape(3, 3, 2, 40),
    "many unknowns": lambda: landscape(12, 12, 6, 2),
    "more unknowns": lambda: landscape(30, 30, 2, 2),
    "open brackets": lambda: b"[" * 9_999_999,
    "open objects": lambda: b'{"a":' * 1_900_000,
    "many keys": lambda: b"{" + b",".join(b'"k%d":1' % i for i in range(800_000)) + b"}",
    "one key again and again": lambda: b"{" + b",".join([b'"k":1'] * 1_500_000) + b"}",
    "a long integer": lambda: b'{"schema":' + b"9" * 9_000_000 + b"}",
    "a long string": lambda: b'{"kind":"' + b"x" * 9_900_000 + b'"}',
    "many numbers": lambda: b"[" + b",".join([b"1"] * 4_900_000) + b"]",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_hostile_files_are_answered_quickly_and_in_bounded_memory(name: str, tmp_path: Path) -> None:
    made = FILES[name]()
    raw = made if isinstance(made, bytes) else json.dumps(made).encode()
    assert len(raw) <= 10_000_000
    file = tmp_path / "hostile.json"
    file.write_bytes(raw)
    run = subprocess.run(
        [sys.executable, "-I", "-c", CHECK, str(file)], capture_output=True, text=True, check=True, timeout=120
    )
    accepted, seconds, rule = run.stdout.split()
    assert accepted == "False", rule
    assert float(seconds) < SECONDS
