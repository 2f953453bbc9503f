"""`verify hunt` as a user meets it: verdicts, exit codes, JSON, state that survives a kill, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from verify.cli.main import main
from verify.kernel import check_bytes
from verify.language.formulas import Formula
from verify.runner.hunt import campaign
from verify.runner.hunt.campaign import Options, hunt
from verify.runner.hunt.records import Seen, Unit
from verify.runner.hunt.store import Store
from verify.runner.hunt.subject import Subject
from verify.runner.verdicts import Held, Unknown

STRANGER = '''
from sympy import Matrix, MatrixSymbol
from verify import *

p, q = dimensions("p q")
M, N = matrices("M N", p, q)
c = parameter("c", above=0)
s = lora()
Xs, S = s.regularized_stationary()
t = lora(m=2, n=2, r=1, loss=lambda Z: frobenius(hadamard(Matrix([[1, 1], [0, 1]]), Z - MatrixSymbol("T", 2, 2))) ** 2 / 2)
C, D = MatrixSymbol("C", 2, 1), MatrixSymbol("D", 2, 1)


@claim(expect=Expect.REFUTED)
def masked_loss_has_only_global_points():
    """False: three observed entries of a 2×2 matrix leave no bad second-order point."""
    other = t.f(C * D.T) + t.decay / 2 * (frobenius(C) ** 2 + frobenius(D) ** 2)
    return forall(t, MatrixSymbol("T", 2, 2), C, D, given=[t.sosp(), lt(0, t.decay)], then=le(t.L, other))


@claim(expect=Expect.REFUTED)
def no_spurious_point_below_kappa_five():
    """False: the threshold is 3."""
    return forall(s, Xs, given=[uniform_curvature(s.f, 1, 5), s.sosp()], then=equal(s.X, Xs))


@claim
def sum_of_squares():
    """False for every c below 2."""
    return forall(M, N, then=le(frobenius(M + N) ** 2, c * (frobenius(M) ** 2 + frobenius(N) ** 2)))


@claim
def submultiplicative():
    """True."""
    return forall(M, N, then=le(spectral(M.T * N), spectral(M) * spectral(N)))


@claim
def submultiplicative_of_norms():
    """True, with hypotheses that are not needed."""
    return forall(
        M, N, given=[le(frobenius(M), 3), le(frobenius(N), 3)], then=le(spectral(M.T * N), spectral(M) * spectral(N))
    )


@claim
def true_for_every_constant():
    """True for all c."""
    return forall(M, then=le(spectral(M), (1 + c) * nuclear(M)))


@claim
def parallelogram():
    """True, and an identity."""
    return forall(
        M, N, then=equal(frobenius(M + N) ** 2 + frobenius(M - N) ** 2, 2 * frobenius(M) ** 2 + 2 * frobenius(N) ** 2)
    )


@claim
def nothing_meets_this():
    """The assumption is never true."""
    return forall(M, given=lt(frobenius(M), 0), then=le(1, 0))


@claim(expect=Expect.OPEN)
def exists_nothing():
    """No such matrix."""
    return exists(M, such_that=lt(frobenius(M), 0))


@claim
def exists_something():
    """A matrix whose nuclear norm exceeds its Frobenius norm."""
    return exists(M, such_that=lt(frobenius(M), nuclear(M)))


@claim
def nearly_square():
    """True; the second hypothesis is what makes it so."""
    return forall(M, N, given=[le(frobenius(M), 3), equal(M, N)], then=le(frobenius(M - N), frobenius(N)))


@claim
def false_whatever_the_norm():
    """False, with or without the hypothesis."""
    return forall(M, given=[le(frobenius(M), 3)], then=le(nuclear(M), frobenius(M)))


@claim
def broken():
    """Shapes do not fit."""
    return forall(M, N, then=le(spectral(M * N), 1))
'''
FIXED = ["schema", "id", "verdict", "strategy", "seconds", "certificate", "tried"]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "stranger.py"
    path.write_text(STRANGER)
    return str(path)


def hunted(file: str, name: str, folder: Path, *options: str, budget: float = 20) -> tuple[int, dict[str, Any]]:
    out = folder / f"{name}.out.json"
    code = main(["hunt", f"{file}::{name}", "--budget", str(budget), "--out", str(folder), "--json", str(out), *options])
    return code, json.loads(out.read_text())


@pytest.mark.parametrize("name", ["masked_loss_has_only_global_points", "no_spurious_point_below_kappa_five"])
def test_a_strangers_false_claim_about_second_order_points_is_refuted_with_a_certificate(
    name: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = hunted(file, name, tmp_path, budget=120)
    assert code == 0
    assert document["verdict"] == "REFUTED"
    assert set(FIXED) <= set(document)
    assert document["strategy"] in {row["strategy"] for row in document["tried"] if row["outcome"] == "certified"}
    certificate = Path(document["certificate"]).read_bytes()
    assert check_bytes(certificate).accepted
    assert main(["check", document["certificate"]]) == 0
    text = capsys.readouterr().out
    assert text.index("counterexample") < text.index("fails:") < text.index("verify check") < text.index("verify hunt")
    assert "is false" in text


@pytest.mark.parametrize(
    ("name", "code", "verdict", "strategy"),
    [
        ("submultiplicative", 0, "HELD", None),
        ("parallelogram", 0, "PROVED", "proof"),
        ("sum_of_squares", 1, "REFUTED", None),
        ("nothing_meets_this", 1, "VACUOUS", None),
        ("exists_nothing", 0, "UNKNOWN", None),
        ("exists_something", 0, "PROVED", None),
    ],
)
def test_verdicts_and_exit_codes(name: str, code: int, verdict: str, strategy: str | None, file: str, tmp_path: Path) -> None:
    found, document = hunted(file, name, tmp_path, budget=8)
    assert (found, document["verdict"]) == (code, verdict)
    if strategy is not None:
        assert document["strategy"] == strategy
    if verdict in ("HELD", "VACUOUS", "UNKNOWN"):
        assert document["strategy"] is None
        assert document["certificate"] is None
    if verdict == "HELD":
        assert document["n_active"] > 0


def test_a_broken_claim_is_one_line_and_exit_code_1(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = hunted(file, "broken", tmp_path)
    assert code == 1
    assert document["verdict"] == "ERROR"
    error = capsys.readouterr().err
    assert "stranger.py" in error
    assert "error: " in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "options",
    [["--sharpen", "d"], ["--sweep", "c"], ["--sweep", "d=1:2"], ["--sweep", "c=2:1"], ["--sharpen", "c", "--ablate"]],
)
def test_a_wrong_option_is_a_usage_error(
    options: list[str], file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hunt", f"{file}::sum_of_squares", "--out", str(tmp_path), *options]) == 2
    assert "verify: error: " in capsys.readouterr().err


def test_unknown_claims_and_several_claims_are_usage_errors(file: str, tmp_path: Path) -> None:
    assert main(["hunt", "no.such.claim", "--out", str(tmp_path)]) == 2
    assert main(["hunt", file, "--out", str(tmp_path)]) == 2


def test_sharpening_brackets_the_constant(file: str, tmp_path: Path) -> None:
    code, document = hunted(file, "sum_of_squares", tmp_path, "--sharpen", "c", budget=25)
    assert code == 0
    bracket = document["sharpen"]
    assert bracket["direction"] == "below"
    assert 1.9 <= bracket["refuted_float"] < 2
    assert float(eval_fraction(bracket["other_end"])) >= 2
    assert "held" in bracket["basis"]
    assert check_bytes(Path(bracket["certificate"]).read_bytes()).accepted


def eval_fraction(text: str) -> float:
    top, _, bottom = text.partition("/")
    return int(top) / int(bottom or "1")


def test_a_sweep_gives_a_row_for_each_value(file: str, tmp_path: Path) -> None:
    code, document = hunted(file, "sum_of_squares", tmp_path, "--sweep", "c=1,5", budget=12)
    assert code == 0
    assert [(row["c"], row["verdict"]) for row in document["sweep"]] == [("1", "REFUTED"), ("5", "HELD")]
    assert (tmp_path / "stranger.sum_of_squares.sweep.json").exists()


def test_ablation_tells_needed_from_not_seen_to_be_needed(file: str, tmp_path: Path) -> None:
    code, document = hunted(file, "nearly_square", tmp_path, "--ablate", budget=16)
    assert code == 0
    assert [row["finding"] for row in document["ablation"]] == ["not seen to be needed", "needed"]
    assert check_bytes(Path(document["ablation"][1]["certificate"]).read_bytes()).accepted


def test_a_hypothesis_that_the_counterexample_meets_is_not_called_needed(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, document = hunted(file, "false_whatever_the_norm", tmp_path, "--ablate", budget=8)
    assert [row["finding"] for row in document["ablation"]] == ["the claim is false with it already"]
    assert re.search(r"with it already +‖M‖_F ≤ 3", capsys.readouterr().out)


def begin(file: str, name: str, folder: Path, budget: int, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "verify", "hunt", f"{file}::{name}", "--budget", str(budget), "--out", str(folder)]
    command += options
    return subprocess.Popen(
        [*command, "--jobs", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finished_units(folder: Path, name: str) -> int:
    path = folder / f"stranger.{name}.sqlite"
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(path) as database:
            return int(database.execute("SELECT count(*) FROM units").fetchone()[0])
    except sqlite3.Error:
        return 0


def wait_for_units(folder: Path, name: str, count: int) -> None:
    deadline = time.monotonic() + 60
    while finished_units(folder, name) < count:
        assert time.monotonic() < deadline, "the hunt wrote nothing"
        time.sleep(0.1)


def test_a_killed_hunt_goes_on_where_it_was(file: str, tmp_path: Path) -> None:
    process = begin(file, "submultiplicative", tmp_path, 600)
    wait_for_units(tmp_path, "submultiplicative", 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = finished_units(tmp_path, "submultiplicative")
    code, document = hunted(file, "submultiplicative", tmp_path, budget=8)
    assert code == 0
    assert document["verdict"] == "HELD"
    assert document["resumed"] == before
    assert sum(row["units"] for row in document["tried"]) == finished_units(tmp_path, "submultiplicative") > before


def test_ctrl_c_prints_what_was_found(file: str, tmp_path: Path) -> None:
    process = begin(file, "submultiplicative", tmp_path, 600)
    wait_for_units(tmp_path, "submultiplicative", 2)
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped by hand" in out
    assert "HELD" in out
    assert "Traceback" not in error


def stopped_by_hand(file: str, name: str, folder: Path, *options: str) -> tuple[int, str, dict[str, Any]]:
    out = folder / "stopped.json"
    process = begin(file, name, folder, 600, "--json", str(out), *options)
    wait_for_units(folder, name, 2)
    os.killpg(process.pid, signal.SIGINT)
    shown, _ = process.communicate(timeout=60)
    return process.returncode, shown, json.loads(out.read_text())


def test_a_stopped_ablation_says_what_was_not_tested(file: str, tmp_path: Path) -> None:
    code, shown, document = stopped_by_hand(file, "submultiplicative_of_norms", tmp_path, "--ablate")
    assert code == 1
    assert [row["finding"] for row in document["ablation"]] == ["not tested (stopped)"] * 2
    assert document["interrupted"] is True
    assert "stopped by hand" in shown


def test_a_stopped_bracket_says_so(file: str, tmp_path: Path) -> None:
    code, shown, document = stopped_by_hand(file, "true_for_every_constant", tmp_path, "--sharpen", "c")
    assert code == 1
    assert "no value of c refuted before the stop" in shown
    assert document["interrupted"] is True


def prepared_hunt(file: str, name: str, folder: Path) -> tuple[Subject, Formula, Options]:
    subject = Subject(file, name, f"stranger.{name}")
    return subject, subject.claim().formula(), Options(20.0, 0, 1, folder / "state.sqlite")


def test_a_stopped_hunt_counts_every_unit_that_is_done(file: str, tmp_path: Path) -> None:
    subject, formula, options = prepared_hunt(file, "submultiplicative", tmp_path)
    tree = [formula.to_json()] * 2
    store = Store(options.state, subject.id, tree, 0)
    store.record(Unit("random", 50), Seen(n=90, n_active=70, margin=0.5))
    store.close()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    result = hunt(subject, formula, options, stop)
    assert result.interrupted
    assert isinstance(result.payload, Held)
    assert {row.strategy: row.units for row in result.tried}["random"] == 1
    assert result.payload.coverage.n_active >= 70


@pytest.mark.parametrize("reason", ["stopped", "the budget was spent"])
def test_a_hunt_that_tested_nothing_is_unknown(reason: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(stream: object) -> Iterator[tuple[Unit, Seen]]:
        if reason == "stopped":
            raise KeyboardInterrupt
        yield from ()

    monkeypatch.setattr(campaign._Stream, "__iter__", nothing)
    payload = hunt(*prepared_hunt(file, "submultiplicative", tmp_path)).payload
    assert isinstance(payload, Unknown)
    assert payload.reason == f"{reason} before any instance was tested"


def test_no_replay_does_not_take_over_an_earlier_replay(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hunted(file, "sum_of_squares", tmp_path)
    (tmp_path / "stranger.sum_of_squares.sqlite").unlink()
    _, document = hunted(file, "sum_of_squares", tmp_path)
    assert document["strategy"] == "replay"
    capsys.readouterr()
    _, document = hunted(file, "sum_of_squares", tmp_path, "--no-replay")
    assert document["strategy"] != "replay"
    command = next(line for line in capsys.readouterr().out.splitlines() if "reproduce with" in line)
    assert command.endswith(f"verify hunt {file}::sum_of_squares --seed 0 --budget 20 --no-replay --out {tmp_path}")
    _, document = hunted(file, "sum_of_squares", tmp_path)
    assert document["strategy"] == "replay"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget", "soon"], "--budget: soon: must be a positive number of seconds"),
        (["--jobs", "0"], "--jobs: 0: must be a whole number, at least 1"),
        (["--seed", "x"], "--seed: x: must be a whole number, at least 0"),
    ],
)
def test_a_number_that_is_none_is_explained(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["hunt", "x", *options])
    assert message in capsys.readouterr().err


def test_the_same_seed_finds_the_same_counterexample(file: str, tmp_path: Path) -> None:
    found = []
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        _, document = hunted(file, "sum_of_squares", folder_made(folder), "--seed", "3", "--jobs", jobs)
        found.append(Path(document["certificate"]).read_bytes())
    assert found[0] == found[1]


def folder_made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_known_counterexample_is_replayed_for_another_claim(file: str, tmp_path: Path) -> None:
    hunted(file, "sum_of_squares", tmp_path)
    other = tmp_path / "other.py"
    other.write_text(
        'from verify import *\nM, N = matrices("M N", *dimensions("p q"))\nc = parameter("c", above=0)\n'
        "@claim\ndef variant():\n"
        "    return forall(M, N, then=le(frobenius(M + N), c * (frobenius(M) + frobenius(N)) / 2))\n"
    )
    _, document = hunted(str(other), "variant", tmp_path)
    assert document["verdict"] == "REFUTED"
    assert document["strategy"] == "replay"
