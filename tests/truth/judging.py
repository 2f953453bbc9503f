"""What a true or a false claim may end as, and the tests of one topic.

Main definitions: `true`, `false`, `Judged`, `result_of`, `both_tests`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import FrameType, ModuleType
from typing import Any

import pytest

from verify import check
from verify.language.claims import Claim
from verify.runner.verdicts import Result, Verdict

PROVED, HELD, REFUTED = Verdict.PROVED, Verdict.HELD, Verdict.REFUTED
CANDIDATE, VACUOUS, UNKNOWN, ERROR = Verdict.CANDIDATE, Verdict.VACUOUS, Verdict.UNKNOWN, Verdict.ERROR
WRONG = {True: frozenset({REFUTED, CANDIDATE, ERROR}), False: frozenset({PROVED, HELD})}
"""What a true and a false claim must never end as."""
SECONDS = 120
"""Of processor time, after which a claim counts as running forever."""
_NEED_NO_REASON = frozenset({PROVED, HELD, REFUTED})


@dataclass(frozen=True)
class Judged:
    """A claim with its truth.

    Attributes:
        claim: what the user wrote.
        true: whether it is true.
        may_end: the verdicts it may have.
        because: why it may have a weak one.
        slow: whether it takes more than a few seconds.
    """

    claim: Claim
    true: bool
    may_end: frozenset[Verdict]
    because: str
    slow: bool

    @property
    def id(self) -> str:
        """`topic.name`."""
        return f"{self.claim.build.__module__.rsplit('.', 1)[-1]}.{self.claim.name}"


def true(*may_end: Verdict, because: str = "", slow: bool = False) -> Callable[[Callable[[], Any]], Judged]:
    """Mark a true claim with the verdicts it may have; an ERROR only where the text itself may be refused."""
    return lambda build: _judged(Judged(_claim(build), True, frozenset(may_end), because, slow))


def false(*may_end: Verdict, because: str = "", slow: bool = False) -> Callable[[Callable[[], Any]], Judged]:
    """Mark a false claim with the verdicts it may have."""
    return lambda build: _judged(Judged(_claim(build), False, frozenset(may_end), because, slow))


def _claim(build: Callable[[], Any]) -> Claim:
    assert build.__doc__, f"{build.__name__} needs a proof or a counterexample"
    code = build.__code__
    return Claim(build.__name__, build, build.__doc__.split("\n", 1)[0], file=code.co_filename, line=code.co_firstlineno)


def _judged(judged: Judged) -> Judged:
    wrong = WRONG[judged.true] - {ERROR}
    assert judged.may_end, f"{judged.id} may end as nothing"
    assert not judged.may_end & wrong, f"{judged.id} must never end {wrong}"
    assert judged.because or judged.may_end <= _NEED_NO_REASON, f"{judged.id} needs because=..."
    return judged


def claims_of(topic: ModuleType) -> list[Judged]:
    """All claims of a topic, in order."""
    return [value for value in vars(topic).values() if isinstance(value, Judged)]


class NoVerdict(BaseException):
    """A claim without an answer in time, or with an exception."""


@contextmanager
def limited(seconds: int = SECONDS) -> Iterator[list[NoVerdict]]:
    """Stop what takes more processor time; what was stopped is kept, for whoever handles every exception."""
    stopped: list[NoVerdict] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(NoVerdict(f"no verdict after {seconds} s"))
        raise stopped[0]

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield stopped
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def answer(claim: Claim, profile: str = "dev") -> Result | NoVerdict:
    """What `check` says, where it says anything."""
    try:
        with limited() as stopped:
            result = check(claim, profile)
    except NoVerdict as endless:
        return endless
    except Exception as error:  # one claim never ends a run
        return NoVerdict(f"{type(error).__name__}: {error}")
    return stopped[0] if stopped else result


@cache
def result_of(judged: Judged, profile: str = "dev") -> Result | NoVerdict:
    """The claim as `check` answers it."""
    return answer(judged.claim, profile)


def wrong(judged: Judged, result: Result | NoVerdict) -> bool:
    """Whether the verdict says the opposite of the truth, breaks a true claim, or never comes."""
    if isinstance(result, NoVerdict):
        return True
    return result.verdict in WRONG[judged.true] - judged.may_end


def _case(judged: Judged) -> Any:
    return pytest.param(judged, id=judged.claim.name, marks=[pytest.mark.slow] if judged.slow else [])


def both_tests(topic: ModuleType) -> tuple[Callable[[Judged], None], Callable[[Judged], None]]:
    """Two tests of every claim of a topic: never wrong, and as good as can be asked for."""
    every = pytest.mark.parametrize("judged", [_case(judged) for judged in claims_of(topic)])

    @every
    def test_no_claim_is_judged_wrongly(judged: Judged) -> None:
        result = result_of(judged)
        assert not wrong(judged, result), f"{'true' if judged.true else 'false'} and ends {result}"

    @every
    def test_every_claim_ends_as_it_should(judged: Judged) -> None:
        result = result_of(judged)
        allowed = ", ".join(sorted(verdict.value for verdict in judged.may_end))
        assert isinstance(result, Result), result
        assert result.verdict in judged.may_end, f"{allowed} wanted, but {result}"

    return test_no_claim_is_judged_wrongly, test_every_claim_ends_as_it_should
