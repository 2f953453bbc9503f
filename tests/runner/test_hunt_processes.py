"""A process of a hunt that dies costs at most the unit that it dies of; what a claim's code raises ends the hunt at once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from verify import *
from verify.runner.hunt import workers
from verify.runner.hunt.campaign import HuntResult, Options, hunt
from verify.runner.hunt.context import Context
from verify.runner.hunt.records import Seen, Unit
from verify.runner.hunt.strategies import perform
from verify.runner.hunt.subject import Subject
from verify.runner.verdicts import Held

CLAIM = '''
from verify import *
P = matrices("P", *dimensions("m n"))


@claim
def norms():
    """True."""
    return forall(P, then=le(spectral(P), nuclear(P)))
'''


def hunted(folder: Path, jobs: int = 1, budget: float = 6.0) -> HuntResult:
    file = folder / "norms_.py"
    file.write_text(CLAIM)
    subject = Subject(str(file), "norms", "norms_.norms")
    return hunt(subject, subject.claim().formula(), Options(budget, 0, jobs, folder / "state.sqlite"))


def rows(result: HuntResult) -> dict[str, int]:
    return {row.strategy: row.units for row in result.tried}


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_hunt_goes_on_without_a_unit_that_its_process_dies_of(
    jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(context: Context, unit: Unit) -> Seen:
        if unit == Unit("random", 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return perform(context, unit)

    monkeypatch.setattr(workers, "perform", deadly)
    result = hunted(tmp_path, jobs)
    assert isinstance(result.payload, Held)
    assert result.payload.note == "not done, because the process that does it dies: random 1"
    assert rows(result)["random"] >= 3


def test_a_unit_whose_process_was_killed_once_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "killed"

    def once(context: Context, unit: Unit) -> Seen:
        if unit == Unit("random", 0) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return perform(context, unit)

    monkeypatch.setattr(workers, "perform", once)
    result = hunted(tmp_path)
    assert mark.exists()
    assert isinstance(result.payload, Held)
    assert result.payload.note == ""
    assert rows(result)["random"] >= 2


def test_what_is_raised_where_a_process_begins_ends_the_hunt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Context:
        raise ZeroDivisionError("only in a process")

    monkeypatch.setattr(workers, "prepared", broken)
    began = time.monotonic()
    with pytest.raises(ZeroDivisionError, match="only in a process"):
        hunted(tmp_path, budget=60.0)
    assert time.monotonic() - began < 20
