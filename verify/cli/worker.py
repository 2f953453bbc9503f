"""A process that checks claims for a run, one after the other.

Main definitions: `Task`, `Done`, `serve`, `at_hand`. It may be killed at any moment: by the claim, or because the claim's time
is up.
"""

from __future__ import annotations

import decimal
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path

import mpmath
import numpy as np

from verify.cli.checking import Plan, check_one
from verify.language.claims import Claim, Expect
from verify.runner.evidence import Progress
from verify.runner.faults import broken
from verify.runner.loading import Found, load_file
from verify.runner.processes import settle_in
from verify.runner.verdicts import Broken, Result
from verify.runner.wording import said

_SELDOM = 0.1
"""Seconds between two reports of progress."""
_AT_HAND: dict[tuple[str, str], Claim] = {}


@dataclass(frozen=True)
class Task:
    """A claim to check, by file and name.

    Attributes:
        number: what the result is filed under.
        file, name, id: of the claim.
        plan: how to check it.
    """

    number: int
    file: str
    name: str
    id: str
    plan: Plan


@dataclass(frozen=True)
class Begun:
    """A claim is being checked."""


@dataclass(frozen=True)
class Advance:
    """A claim has used some of its instances."""

    identifier: str
    done: int
    total: int


@dataclass(frozen=True)
class Done:
    """A claim is checked; no result means that the run is to stop."""

    number: int
    result: Result | None


def at_hand(claims: Iterable[Found]) -> None:
    """Keep claims that are loaded, so that workers that start as copies of this process need not load them again."""
    _AT_HAND.update({(f.claim.file, f.claim.name): f.claim for f in claims})


def serve(connection: Connection, others: Sequence[Connection], parent: int) -> None:
    """Check what is asked for until the parent hangs up.

    Args:
        connection: tasks come in, results go out.
        others: connections of the parent's, which a copy of it must not hold open.
        parent: the parent's process id.
    """
    settle_in(parent)
    for other in others:
        other.close()
    own = os.getpid()
    with suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            connection.send(Begun())
            done = _done(task, connection)
            if os.getpid() != own:
                os._exit(0)  # a copy that the claim's code made of this process and let go on
            _send(connection, done, task)


@contextmanager
def _untouched() -> Iterator[None]:
    """Keep what a claim's code changes for the whole process from the claims after it."""
    for name in ("stdout", "stderr"):  # the streams as they are, not what a progress bar or an earlier claim put in their place
        setattr(sys, name, getattr(sys, f"__{name}__") or getattr(sys, name))
    depth, folder = sys.getrecursionlimit(), Path.cwd()
    with warnings.catch_warnings(), np.errstate(), decimal.localcontext(), mpmath.mp.workprec(mpmath.mp.prec):
        try:
            yield
        finally:
            sys.setrecursionlimit(depth)
            with suppress(OSError):  # it may be gone
                os.chdir(folder)


def _done(task: Task, connection: Connection) -> Done:
    claim = _claim(task)
    if claim is None:
        gone = "the file has no claim of this name when it is loaded again: define the same claims each time"
        return Done(task.number, Result(task.id, Expect.HOLDS, Broken(task.file, gone), 0.0))
    began = time.perf_counter()
    try:
        with _limited(task.plan.profile.time_limit), _untouched():
            result = check_one(claim, task.id, task.plan, _reporter(task.id, connection))
    except BaseException as error:  # Ctrl-C does not come here: something raised it, or the process is not what it was
        if isinstance(error, KeyboardInterrupt) and not _in_the_claim(error, claim):
            return Done(task.number, None)
        result = Result(task.id, claim.expect, broken(error, claim), time.perf_counter() - began)
    finally:
        _flush()
    return Done(task.number, result)


def _in_the_claim(error: BaseException, claim: Claim) -> bool:
    return any(frame.f_code.co_filename == claim.file for frame, _ in traceback.walk_tb(error.__traceback__))


def _claim(task: Task) -> Claim | None:
    known = _AT_HAND.get((task.file, task.name))
    return known or next((f.claim for f in _loaded(task.file) if f.claim.name == task.name), None)


@lru_cache(maxsize=256)
def _loaded(file: str) -> tuple[Found, ...]:
    return load_file(Path(file)).claims


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Processor time after which the system ends this process, whatever it is doing."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _reporter(identifier: str, connection: Connection) -> Progress:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SELDOM:
            last = now
            with suppress(OSError):
                connection.send(Advance(identifier, done, total))

    return report


def _flush() -> None:
    """What the claim's code printed stands before its row."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # there may be none, nobody may read it, or the claim's code has put something in its place
            stream.flush()


def _send(connection: Connection, done: Done, task: Task) -> None:
    try:
        connection.send(done)
    except OSError:
        raise
    except Exception as error:  # a result that cannot be sent
        fault = Broken(task.file, f"a fault of the verifier: its result cannot be sent ({said(error)}): please report it")
        connection.send(Done(done.number, Result(task.id, Expect.HOLDS, fault, 0.0)))
