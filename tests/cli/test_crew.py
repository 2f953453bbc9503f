"""One claim never ends a run or holds it up: whatever it does is its row, and the others are checked."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xmlschema

from verify.cli.checking import Plan
from verify.cli.crew import Crew, check_all, parts
from verify.cli.main import main
from verify.runner.loading import Found, load_file
from verify.runner.profiles import PROFILES
from verify.runner.verdicts import Result

HEADER = """
import ctypes, faulthandler, os, signal, sys, time
from verify import *

s = lora()


def true():
    return forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.A.T * s.A))


@claim
def first():
    return true()


"""
LAST = "\n\n@claim\ndef last():\n    return true()\n"


def write(folder: Path, *bodies: str) -> str:
    claims = [
        f"@claim\ndef c{i}():\n" + "".join(f"    {line}\n" for line in body.splitlines()) + "    return true()\n\n\n"
        for i, body in enumerate(bodies)
    ]
    path = folder / "mine.py"
    path.write_text(HEADER + "".join(claims) + LAST)
    return str(path)


def rows(path: Path) -> dict[str, dict[str, Any]]:
    return {row["id"].removeprefix("mine."): row for row in json.loads(path.read_text())["claims"]}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_claim_that_breaks_in_any_way_is_its_row_and_the_others_are_checked(
    jobs: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bodies = {
        "raise KeyError('n')": "KeyError: 'n': correct the claim's code",
        "os.kill(os.getpid(), signal.SIGKILL)": "ended by SIGKILL",
        "os._exit(0)": "the claim's code ended the process that checked it (exit code 0): remove that call",
        "sys.exit(0)": "the claim's function ends the program (exit code 0): remove that call",
        "faulthandler.disable(); ctypes.string_at(0)": "ended by SIGSEGV",
        "raise KeyboardInterrupt": "KeyboardInterrupt: correct the claim's code",
        "raise type('Odd', (BaseException,), {'__str__': lambda self: 1 / 0})()": "Odd: its message cannot be shown",
        "raise ValueError('\\x00\\x1b[2J\\udcff')": r"ValueError: \x00\x1b[2J\udcff",
        "os.closerange(3, 40)": "the claim's code ended the process",
    }
    out, junit = tmp_path / "out.json", tmp_path / "out.xml"
    code = main(["run", write(tmp_path, *bodies), "--jobs", jobs, "--json", str(out), "--junit", str(junit)])
    captured = capfd.readouterr()
    assert code == 1
    found = rows(out)
    assert list(found) == ["first", *(f"c{i}" for i in range(len(bodies))), "last"]
    assert [found[name]["verdict"] for name in ("first", "last")] == ["PROVED", "PROVED"]
    for i, message in enumerate(bodies.values()):
        assert found[f"c{i}"]["verdict"] == "ERROR"
        assert message in found[f"c{i}"]["reason"]
        assert found[f"c{i}"]["reason"].startswith(f"{tmp_path / 'mine.py'}:")
    xmlschema.XMLSchema(str(Path(__file__).parent / "junit.xsd")).validate(str(junit))
    assert len(ET.parse(junit).getroot().findall(".//testcase/error")) == len(bodies)
    printed = [line for line in captured.out.splitlines() if not line.startswith("  not as expected")]
    assert [line.split()[1] for line in printed[:-1]] == [f"mine.{name}" for name in found]
    assert all(line.isprintable() for line in printed)
    assert "Traceback" not in captured.out + captured.err


@pytest.mark.parametrize("words", [["--debug", "run"], ["run", "--debug"]])
def test_debug_shows_tracebacks_before_and_after_the_command(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, write(tmp_path, "{}['n']"), "--jobs", "1"]) == 1
    captured = capsys.readouterr()
    assert "Traceback (most recent call last)" in captured.err
    assert "KeyError: 'n'" in captured.err
    assert "Traceback" not in captured.out


def test_every_command_takes_debug(capsys: pytest.CaptureFixture[str]) -> None:
    from verify.cli.main import build_parser

    parser = build_parser()
    assert parser.parse_args(["list"]).debug is False
    for words in (["--debug", "list"], ["list", "--debug"], ["show", "a", "--debug"], ["check", "a", "--debug"]):
        assert parser.parse_args(words).debug is True


STUCK = {
    "time.sleep(600)": "by the clock",
    "while True: pass": "processor time",
    "sum(range(10**15))": "processor time",
    "while True:\n    try: time.sleep(600)\n    except BaseException: pass": "by the clock",
}


def test_a_claim_that_never_ends_is_unknown_for_lack_of_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert main(["run", write(tmp_path, *STUCK), "--jobs", "2", "--time-limit", "1.5", "--json", str(out)]) == 1
    found = rows(out)
    assert [found[name]["verdict"] for name in ("first", "last")] == ["PROVED", "PROVED"]
    for i, which in enumerate(STUCK.values()):
        assert found[f"c{i}"]["verdict"] == "UNKNOWN"
        assert found[f"c{i}"]["reason"].startswith("time limit: no verdict")
        assert which in found[f"c{i}"]["reason"]
        assert found[f"c{i}"]["seconds"] < 60


def test_the_time_limit_is_the_profiles_and_can_be_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.verify]\ntime_limit = 0.3\n")
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out.json"
    assert main(["run", write(tmp_path, "time.sleep(600)"), "--json", str(out)]) == 1
    assert "the limit of 0.3 s" in rows(out)["c0"]["reason"]


def test_waiting_for_the_processor_does_not_use_up_the_limit(tmp_path: Path) -> None:
    """A claim that sleeps longer than its limit, but not several times as long, is checked like any other.

    Its code runs several times: what is read is compared with what a second reading gives.
    """
    out = tmp_path / "out.json"
    assert main(["run", write(tmp_path, "time.sleep(1)"), "--time-limit", "1.5", "--json", str(out), "--jobs", "1"]) == 0
    assert rows(out)["c0"]["verdict"] == "PROVED"


def checked(crew: Crew, claims: list[Found], limit: float = 60.0) -> list[Result]:
    plan = Plan(replace(PROFILES["dev"], time_limit=limit), 0, cache=False)
    return list(crew.check(claims, plan))


def test_a_crew_can_be_asked_again_and_leaves_no_process(tmp_path: Path) -> None:
    claims = list(load_file(Path(write(tmp_path, "os._exit(3)"))).claims)
    crew = Crew(2)
    try:
        for _ in range(2):
            assert [r.verdict.value for r in checked(crew, claims)] == ["PROVED", "ERROR", "PROVED"]
        pids = [worker.process.pid for worker in crew.workers]
        assert 0 < len(pids) <= 2
    finally:
        crew.close()
    assert not any(_runs(pid) for pid in pids)


def test_a_worker_that_dies_while_it_is_idle_costs_no_claim(tmp_path: Path) -> None:
    claims = list(load_file(Path(write(tmp_path))).claims)
    crew = Crew(1)
    try:
        checked(crew, claims)
        for worker in crew.workers:
            worker.process.kill()
            worker.process.join()
        assert [r.verdict.value for r in checked(crew, claims)] == ["PROVED", "PROVED"]
    finally:
        crew.close()


def test_workers_that_are_no_copies_load_the_claims_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.cli.crew.processes", lambda: multiprocessing.get_context("spawn"))
    claims = list(load_file(Path(write(tmp_path, "os._exit(3)"))).claims)
    crew = Crew(1)
    try:
        assert [r.verdict.value for r in checked(crew, claims)] == ["PROVED", "ERROR", "PROVED"]
    finally:
        crew.close()


def test_results_that_nobody_waits_for_are_not_given_to_the_next_who_asks(tmp_path: Path) -> None:
    claims = list(load_file(Path(write(tmp_path, "time.sleep(1)", "raise KeyError"))).claims)
    plan = Plan(PROFILES["dev"], 0, cache=False)
    crew = Crew(1)
    try:
        asked = crew.check(claims, plan)
        assert next(asked).id == "mine.first"
        asked.close()
        assert [r.id for r in crew.check(claims[2:], plan)] == ["mine.c1", "mine.last"]
    finally:
        crew.close()


def test_a_copy_that_a_claim_makes_of_its_process_reports_nothing(tmp_path: Path) -> None:
    claims = list(load_file(Path(write(tmp_path, "os.fork()"))).claims)
    crew = Crew(1)
    try:
        assert [r.verdict.value for r in checked(crew, claims)] == ["PROVED", "PROVED", "PROVED"]
    finally:
        crew.close()


def test_claims_on_one_data_set_are_one_workers_and_a_lost_worker_is_replaced_within_them(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    data = '@claim(source=dataset("digits", rank=2))\ndef {}():\n    {}\n    return forall(s, then=le(0, s.L))\n\n\n'
    file.write_text(HEADER + data.format("a", "os._exit(0)") + data.format("b", "raise KeyError") + LAST)
    claims = list(load_file(file).claims)
    assert sorted(len(part) for part in parts(claims)) == [1, 1, 2]
    plan = Plan(PROFILES["dev"], 0, 2, cache=False)
    results = list(check_all(claims, plan, _Recorder()))
    assert [r.verdict.value for r in results] == ["PROVED", "ERROR", "ERROR", "PROVED"]
    assert "KeyError" in results[2].summary


class _Recorder:
    """A watcher that counts."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []

    def begin(self, identifier: str) -> None:
        self.begun.append(identifier)

    def advance(self, identifier: str, done: int, total: int) -> None:
        assert 0 <= done <= total

    def finished(self, identifier: str) -> None:
        self.ended.append(identifier)

    def tick(self) -> None:
        pass


def test_a_watcher_hears_of_every_claim_once(tmp_path: Path) -> None:
    claims = list(load_file(Path(write(tmp_path, "os._exit(0)", "raise KeyError"))).claims)
    watcher = _Recorder()
    assert len(list(check_all(claims, Plan(PROFILES["dev"], 0, 2, cache=False), watcher))) == 4
    assert sorted(watcher.begun) == sorted(watcher.ended) == sorted(f.id for f in claims)


def test_what_a_claim_changes_for_its_process_is_not_the_next_claims(tmp_path: Path) -> None:
    changes = [
        "sys.setrecursionlimit(120)",
        "import numpy; numpy.seterr(all='raise')",
        "import warnings; warnings.simplefilter('error')",
        "sys.stdout = 3",
        "import mpmath; mpmath.mp.dps = 1",
        "import decimal; decimal.getcontext().prec = 1",
        f"os.chdir({str(tmp_path / 'other')!r})",
    ]
    (tmp_path / "other").mkdir()
    path = tmp_path / "mine.py"
    looks = """
import decimal, mpmath, numpy, warnings

def state():
    return (
        sys.getrecursionlimit(), numpy.geterr(), len(warnings.filters), type(sys.stdout).__name__,
        mpmath.mp.dps, decimal.getcontext().prec, os.getcwd(),
    )

"""
    asks = "@claim\ndef asked{}():\n    raise ValueError(repr(state()))\n\n\n"
    text = Path(write(tmp_path, *changes)).read_text().replace("\ns = lora()", looks + "\ns = lora()")
    path.write_text(text.replace("@claim\ndef c0", asks.format(0) + "@claim\ndef c0") + asks.format(1))
    crew = Crew(1)
    try:
        results = {r.id: r for r in checked(crew, list(load_file(path).claims))}
    finally:
        crew.close()
    before, after = (results[f"mine.asked{i}"].summary.partition("ValueError")[2] for i in (0, 1))
    assert before == after != ""


def test_what_a_claim_prints_stands_before_its_row(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    main(["run", write(tmp_path, "print('printed by the claim')"), "--jobs", "1"])
    lines = capfd.readouterr().out.splitlines()
    rows_at = [i for i, line in enumerate(lines) if line.startswith("PROVED")]
    printed_at = [i for i, line in enumerate(lines) if line == "printed by the claim"]
    assert printed_at
    assert max(printed_at) < rows_at[1], "the row before may be shown later: no worker waits for it"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    time.sleep(0)
    return True
