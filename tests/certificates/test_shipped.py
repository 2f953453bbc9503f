"""The shipped counterexamples: every false claim has one, the kernel accepts it, and its tree is the claim's of today."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from verify import Expect, Verdict, dimensions, exists, forall, frobenius, le, lora, lt, matrices, nuclear
from verify.certificates.binding import mismatch
from verify.certificates.build import encode
from verify.cli.main import main
from verify.kernel import check_bytes
from verify.language.errors import ClaimError
from verify.language.formulas import Quantifier
from verify.runner.check import check, check_claim
from verify.runner.loading import Found, collect, shipped_folder
from verify.runner.profiles import PROFILES

FOLDER = shipped_folder() / "counterexamples"
FILES = sorted(FOLDER.glob("*.json"))
CLAIMS = {found.id: found for found in collect([]).claims}
FALSE = sorted(name for name, found in CLAIMS.items() if found.claim.expect is Expect.REFUTED)


def test_there_are_shipped_counterexamples() -> None:
    assert len(FILES) >= 14


@pytest.mark.parametrize("name", FALSE)
def test_every_false_claim_ships_its_counterexample(name: str) -> None:
    assert (FOLDER / f"{name}.json").is_file(), "run: verify run --counterexamples theorems/counterexamples"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_kernel_accepts_it_and_the_claim_is_still_the_same(path: Path) -> None:
    raw = path.read_bytes()
    assert check_bytes(raw).accepted
    certificate = json.loads(raw)
    assert raw == encode(certificate)
    formula = CLAIMS[path.stem].claim.formula()
    assert mismatch(certificate, formula) is None
    assert certificate["verdict"] == ("PROVED" if formula.quantifier is Quantifier.EXISTS else "REFUTED")


def test_the_command_line_replays_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *map(str, FILES)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert len(lines) == len(FILES)
    assert all(line.startswith("accepted  ") for line in lines)


@pytest.mark.parametrize(
    "name", ["sharpness.nuclear_eq_half_of_squared_factors", "sharpness.gradient_le_decay_of_second_order"]
)
def test_the_same_seed_writes_the_same_bytes(name: str) -> None:
    found: Found = CLAIMS[name]
    profile = replace(PROFILES["dev"], instances=2_000, points=240)
    results = [check_claim(found.claim, found.id, profile, 5) for _ in range(2)]
    assert all(result.verdict is Verdict.REFUTED for result in results)
    first, second = (encode(result.certificate) for result in results)
    assert first == second


def test_only_instances_are_kept_as_counterexamples(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from verify import *\nP, Q = matrices('P Q', *dimensions('m n'))\n"
        "@claim\ndef t():\n    return forall(P, Q, then=equal(trace(P.T * Q), trace(Q * P.T)))\n"
        "@claim(expect=Expect.REFUTED)\ndef u():\n    return forall(P, then=le(nuclear(P), frobenius(P)))\n"
    )
    assert main(["run", str(mine), "--jobs", "1", "--counterexamples", str(tmp_path / "kept")]) == 0
    assert [p.name for p in (tmp_path / "kept").glob("*")] == ["mine.u.json"]


def test_a_certificate_is_a_witness_by_path_or_as_it_is() -> None:
    path = FOLDER / "sharpness.spurious_point_exists_at_kappa_three.json"
    formula = CLAIMS[path.stem].claim.formula()
    for witness in (path, str(path), json.loads(path.read_bytes())):
        assert check(replace(formula, witness=witness)).verdict is Verdict.PROVED


def test_a_refutation_is_a_witness_of_the_opposite() -> None:
    P = matrices("P", *dimensions("m n"))
    refuted = check(forall(P, then=le(nuclear(P), frobenius(P))))
    assert check(exists(P, such_that=lt(frobenius(P), nuclear(P)), witness=refuted.certificate)).verdict is Verdict.PROVED
    assert check(exists(P, such_that=lt(nuclear(P), frobenius(P)), witness=refuted.certificate)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be opened"),
        ("{", "is not JSON"),
        ("[]", "has no value for"),
        ('{"kind": "instance", "dims": {"m": 1}, "values": {"P": [["1"]]}}', "other names or shapes"),
        ('{"kind": "instance", "dims": {"m": 1, "n": 1}, "values": {"P": [["x"]]}}', "malformed"),
        ('{"kind": "instance", "dims": {"m": 1, "n": 2}, "values": {"P": [["1"]]}}', "other names or shapes"),
    ],
)
def test_what_is_no_certificate_is_no_witness(tmp_path: Path, content: str | None, message: str) -> None:
    from verify.search.witnesses import instance_from_witness

    file = tmp_path / "c.json"
    if content is not None:
        file.write_text(content)
    P = matrices("P", *dimensions("m n"))
    formula = exists(P, such_that=lt(0, nuclear(P)))
    with pytest.raises(ClaimError, match=message):
        instance_from_witness(file, formula)


def test_a_setting_with_two_functions_does_not_take_a_certificate_of_one() -> None:
    from verify.search.witnesses import instance_from_witness

    s = lora()
    path = FOLDER / "sharpness.nuclear_eq_half_of_squared_factors.json"
    with pytest.raises(ClaimError, match="no value for"):
        instance_from_witness(path, exists(s, such_that=s.sosp()))
