"""Runs that are stopped from outside: no process is left, what is done is kept, and nothing is said that is not so."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verify.cli.stops import stopping_at_signals, undisturbed

WAITING = """
import os, pathlib, time
from verify import *

s = lora()


@claim
def quick():
    return forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.A.T * s.A))


def wait():
    (pathlib.Path(__file__).parent / f"{os.getpid()}.pid").touch()
    time.sleep(600)


@claim
def slow():
    wait()


@claim
def slower():
    wait()
"""
HUNTED = """
from verify import *

s = lora()


@claim
def norms():
    return forall(s, given=s.sosp(), then=le(0, nuclear(s.X)))
"""


def started(folder: Path, text: str, *words: str) -> subprocess.Popen[str]:
    file = folder / "mine.py"
    file.write_text(text)
    command = [sys.executable, "-m", "verify", *(w.replace("FILE", str(file)) for w in words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def workers(folder: Path, count: int) -> list[int]:
    """The processes that have begun to wait, once there are so many."""
    return _eventually(lambda: [int(p.stem) for p in folder.glob("*.pid")], lambda found: len(found) >= count)


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in listed.split()]


def _eventually(look, suffices):  # type: ignore[no-untyped-def]
    end = time.monotonic() + 60
    while not suffices(found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def _alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        found += [pid] if state != "Z" else []
    return found


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_keeps_what_is_done_and_leaves_no_worker(number: signal.Signals, jobs: str, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    process = started(tmp_path, WAITING, "run", "FILE", "--jobs", jobs, "--json", str(out))
    assert process.stdout is not None
    assert process.stdout.readline().startswith("PROVED    mine.quick")
    pids = workers(tmp_path, int(jobs))
    process.send_signal(number)
    shown, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error == ""
    assert "stopped: 1 of 3 claims checked" in shown
    document = json.loads(out.read_text())
    assert document["interrupted"] is True
    assert [row["id"] for row in document["claims"]] == ["mine.quick"]
    assert _alive(pids) == []


def test_a_terminal_that_closes_ends_the_run_and_keeps_what_is_done(tmp_path: Path) -> None:
    file, out = tmp_path / "mine.py", tmp_path / "out.json"
    file.write_text(WAITING)
    command = [sys.executable, "-m", "verify", "run", str(file), "--jobs", "2", "--json", str(out)]
    program, terminal = pty.fork()
    if program == 0:
        os.execv(sys.executable, command)
    shown = b""
    while b"PROVED" not in shown:
        shown += os.read(terminal, 10_000)
    pids = workers(tmp_path, 2)
    os.close(terminal)
    _, status = os.waitpid(program, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert _eventually(lambda: _alive(pids), lambda found: not found) == []
    assert json.loads(out.read_text())["interrupted"] is True


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_workers_end_with_a_run_that_is_killed(jobs: str, tmp_path: Path) -> None:
    process = started(tmp_path, WAITING, "run", "FILE", "--jobs", jobs)
    pids = workers(tmp_path, int(jobs))
    process.kill()
    process.communicate(timeout=60)
    assert _eventually(lambda: _alive(pids), lambda found: not found) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_hunts_processes_end_with_it(number: signal.Signals, tmp_path: Path) -> None:
    words = ["hunt", "FILE::norms", "--jobs", "2", "--budget", "120", "--no-replay", "--out", str(tmp_path / "out")]
    process = started(tmp_path, HUNTED, *words)
    pids = _eventually(lambda: children(process.pid), lambda found: len(found) == 2)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert error == ""
    assert _eventually(lambda: _alive(pids), lambda found: not found) == []


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("lines", [0, 1])
def test_a_pipe_that_nobody_reads_ends_the_run_in_silence(lines: int, jobs: str, tmp_path: Path) -> None:
    text = WAITING.partition("def wait")[0] + "".join(
        f"@claim\ndef c{i}():\n    return forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.A.T * s.A))\n" for i in range(4)
    )
    process = started(tmp_path, text, "run", "FILE", "--jobs", jobs)
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(lines):
        assert process.stdout.readline().startswith("PROVED")
    process.stdout.close()
    error = process.stderr.read()
    process.wait(timeout=60)
    assert error == ""
    assert process.returncode in (0, 1)  # 0: everything was in the pipe before it was closed


def test_a_claim_that_prints_into_a_closed_pipe_is_not_blamed(tmp_path: Path) -> None:
    text = WAITING.partition("def wait")[0] + "@claim\ndef loud():\n    print('x\\n' * 200_000)\n    return quick.build()\n"
    process = started(tmp_path, text, "run", "FILE", "--jobs", "1")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) in (0, 1)


def test_output_that_is_closed_from_the_start_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(WAITING.partition("def wait")[0])
    command = f"exec {sys.executable} -m verify run {file} --jobs 1 --json {tmp_path / 'out.json'} >&-"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads((tmp_path / "out.json").read_text())["summary"]["proved"] == 1


def test_a_first_stop_waits_until_a_row_is_whole_and_a_second_does_not() -> None:
    done: list[str] = []

    def row(name: str, *signals: signal.Signals) -> None:
        with stopping_at_signals(), undisturbed():
            for number in signals:
                os.kill(os.getpid(), number)
            done.append(name)

    row("not stopped")
    with pytest.raises(KeyboardInterrupt):
        row("whole", signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        row("cut off", signal.SIGTERM, signal.SIGINT)
    assert done == ["not stopped", "whole"]


def test_a_signal_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_at_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
