"""Checking many claims in processes of their own, so that no claim can end the run or hold it up.

Main definitions: `Crew`, `check_all`, `Watcher`.

Implementation notes
    A worker checks one claim at a time. One that dies, or whose time is up, costs the claim it was at; another takes its place.
    The time limit counts processor time, which the system itself watches, so that a loaded machine changes no verdict; by the
    clock a claim has several times as long, which ends those that wait for something. Time that passes while this process is
    stopped itself (Ctrl-Z, a laptop asleep) does not count.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from verify.cli.cache import prune
from verify.cli.checking import Plan
from verify.cli.worker import Advance, Begun, Done, Task, at_hand, serve
from verify.runner.about import as_written
from verify.runner.faults import place_of
from verify.runner.loading import Found
from verify.runner.processes import processes
from verify.runner.verdicts import Broken, Payload, Result, Unknown

BY_THE_CLOCK = 5
"""So many times its processor time a claim may take by the clock."""
OUT_OF_TIME = "time limit"
"""How the reason of a claim begins that was stopped."""
_TRIES = 2
"""So often a claim is given to a worker that dies before it has begun."""
_TICK = 0.1
_LONGEST_TICK = 1.0
"""Seconds between two looks at the workers that count at most: a longer gap is not the claims' doing."""
_FEW = 4
"""Fewer claims than this are checked by one worker, unless told otherwise: what they share is made once."""


class Watcher(Protocol):
    """Who is told how far the work is."""

    def begin(self, identifier: str) -> None:
        """A claim is about to be checked."""

    def advance(self, identifier: str, done: int, total: int) -> None:
        """A claim has used some of its instances."""

    def finished(self, identifier: str) -> None:
        """A claim is done."""

    def tick(self) -> None:
        """Some time has passed."""


class Silent:
    """A watcher that is not interested."""

    def begin(self, identifier: str) -> None:
        """Nothing."""

    def advance(self, identifier: str, done: int, total: int) -> None:
        """Nothing."""

    def finished(self, identifier: str) -> None:
        """Nothing."""

    def tick(self) -> None:
        """Nothing."""


@dataclass
class _Job:
    """A claim, the number of its result, and how often a worker has been given it."""

    number: int
    found: Found
    given: int = 0


@dataclass
class _Worker:
    """A process, what it is at, whether it has begun that, how long it has been at it, and what it does next."""

    process: Any
    connection: Connection
    present: _Job | None = None
    begun: bool = False
    seconds: float = 0.0
    ahead: deque[_Job] = field(default_factory=deque)


def check_all(claims: Sequence[Found], plan: Plan, watcher: Watcher) -> Iterator[Result]:
    """The results, in the order of the claims, each as soon as it is known.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once everything that is finished has been given.
    """
    few = plan.jobs is None and len(claims) < _FEW
    crew = Crew(1 if few else min(plan.jobs or os.cpu_count() or 1, len(claims)), watcher)
    try:
        yield from crew.check(claims, plan)
    finally:
        crew.close()
    if plan.cache:
        prune()


class Crew:
    """Worker processes, started when there is work for them and kept until `close`."""

    def __init__(self, size: int, watcher: Watcher | None = None) -> None:
        self.size = size
        self.watcher = Silent() if watcher is None else watcher
        self.workers: list[_Worker] = []
        self.looked = time.monotonic()
        self.owner = os.getpid()
        atexit.register(self.close)

    def check(self, claims: Sequence[Found], plan: Plan) -> Iterator[Result]:
        """The results, in the order of the claims, each as soon as it is known.

        Raises:
            KeyboardInterrupt: after Ctrl-C, once everything that is finished has been given.
        """
        at_hand(claims)
        queue = deque(parts(claims))
        done: dict[int, Result] = {}
        given = 0
        try:
            while given < len(claims):
                self._employ(queue, plan)
                done.update(self._news(plan))
                self._employ(queue, plan)  # nobody is idle while the results are shown
                while given in done:
                    given += 1
                    yield done[given - 1]
        except KeyboardInterrupt:
            with suppress(KeyboardInterrupt):
                done.update(self._already_sent())
            yield from (done[number] for number in range(given, len(claims)) if number in done)
            raise
        finally:
            for worker in [worker for worker in self.workers if worker.present is not None]:
                self._dismiss(worker)

    def close(self) -> None:
        """End the workers, whatever they are doing."""
        atexit.unregister(self.close)
        if os.getpid() != self.owner:
            return
        for worker in self.workers:
            worker.process.kill()
        while self.workers:
            self._dismiss(self.workers[-1])

    def _employ(self, queue: deque[deque[_Job]], plan: Plan) -> None:
        """Give every idle worker something to do, and hire where there is more than that."""
        idle = [worker for worker in self.workers if worker.present is None]
        while queue and (idle or len(self.workers) < self.size):
            worker = idle.pop() if idle else self._hire()
            worker.ahead = queue.popleft()
            self._next(worker, plan)

    def _hire(self) -> _Worker:
        context = processes()
        own, its = context.Pipe()
        copied = context.get_start_method() == "fork"
        others = [own, *(worker.connection for worker in self.workers)] if copied else []
        process = context.Process(target=serve, args=(its, others, os.getpid()))
        process.start()
        its.close()
        worker = _Worker(process, own)
        self.workers.append(worker)
        return worker

    def _dismiss(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self.workers.remove(worker)

    def _next(self, worker: _Worker, plan: Plan) -> None:
        """Let a worker begin the next claim of its part."""
        worker.present, worker.begun, worker.seconds = None, False, 0.0
        if not worker.ahead:
            return
        worker.present = job = worker.ahead.popleft()
        job.given += 1
        self.watcher.begin(job.found.id)
        with suppress(OSError):  # a dead one shows when it is looked at
            worker.connection.send(Task(job.number, job.found.claim.file, job.found.claim.name, job.found.id, plan))

    def _news(self, plan: Plan) -> dict[int, Result]:
        """What the workers report within a moment; who is dead or out of time is replaced."""
        busy = [worker for worker in self.workers if worker.present is not None]
        wait([place for worker in busy for place in (worker.connection, worker.process.sentinel)], _TICK)
        self._count_time(busy)
        done: dict[int, Result] = {}
        for worker in busy:
            alive = worker.process.is_alive()  # asked first: what a dead one has sent is all there
            done.update(self._heard(worker, plan, last=not alive))
            if not alive:
                done.update(self._lost(worker, plan, _death(worker, plan)))
            elif worker.seconds > BY_THE_CLOCK * plan.profile.time_limit:
                done.update(self._lost(worker, plan, _waited(worker, plan)))
        self.watcher.tick()
        return done

    def _count_time(self, busy: Sequence[_Worker]) -> None:
        now = time.monotonic()
        for worker in busy:
            worker.seconds += min(now - self.looked, _LONGEST_TICK)
        self.looked = now

    def _heard(self, worker: _Worker, plan: Plan, *, last: bool) -> dict[int, Result]:
        """The results that a worker has sent; it begins its next claim after each, if it can."""
        done: dict[int, Result] = {}
        for message in _messages(worker):
            job = worker.present
            if isinstance(message, Advance):
                self.watcher.advance(message.identifier, message.done, message.total)
            elif isinstance(message, Begun):
                worker.begun = True
            elif message.result is None:
                raise KeyboardInterrupt
            elif job is not None:
                done[job.number] = message.result
                self.watcher.finished(job.found.id)
                if last:
                    worker.present = None
                else:
                    self._next(worker, plan)
        return done

    def _lost(self, worker: _Worker, plan: Plan, payload: Payload) -> dict[int, Result]:
        """Replace a worker; the claim it was at has this result, or is tried again where it had not even begun."""
        done: dict[int, Result] = {}
        job = worker.present
        if job is not None and not worker.begun and job.given < _TRIES:
            worker.ahead.appendleft(job)
        elif job is not None:
            claim = job.found.claim
            written = as_written(claim) if plan.describe else None
            done[job.number] = Result(job.found.id, claim.expect, payload, worker.seconds, about=written)
            self.watcher.finished(job.found.id)
        self._dismiss(worker)
        if worker.ahead:
            fresh = self._hire()
            fresh.ahead = worker.ahead
            self._next(fresh, plan)
        return done

    def _already_sent(self) -> dict[int, Result]:
        """Results that nobody has read yet."""
        done: dict[int, Result] = {}
        for worker in self.workers:
            for message in _messages(worker):
                if isinstance(message, Done) and message.result is not None:
                    done[message.number] = message.result
        return done


def _messages(worker: _Worker) -> Iterator[Begun | Advance | Done]:
    """What a worker has sent; one that sends nonsense, because the claim's code has reached for its connection, is ended."""
    try:
        while worker.connection.poll():
            yield worker.connection.recv()
    except EOFError:
        worker.process.join(_LONGEST_TICK)
        worker.process.kill()
    except (OSError, pickle.UnpicklingError, ValueError, TypeError, AttributeError, ImportError, IndexError):
        worker.process.kill()


def _death(worker: _Worker, plan: Plan) -> Payload:
    """The row of a claim whose worker is dead."""
    code = worker.process.exitcode
    if code == -getattr(signal, "SIGPROF", 0):
        limit = plan.profile.time_limit
        return Unknown(f"{OUT_OF_TIME}: no verdict in {limit:g} s of processor time: allow more with --time-limit SECONDS")
    place = "" if worker.present is None else place_of(worker.present.found.claim)
    if code >= 0:
        return Broken(place, f"the claim's code ended the process that checked it (exit code {code}): remove that call")
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    reason = " or memory ran out" if name == "SIGKILL" else ""
    return Broken(
        place,
        f"the process that checked this claim was ended by {name}: the claim's code did it{reason}, or it is a fault of the "
        "verifier: please report it if the claim's code calls nothing else",
    )


def _waited(worker: _Worker, plan: Plan) -> Unknown:
    limit = plan.profile.time_limit
    return Unknown(
        f"{OUT_OF_TIME}: no verdict after {worker.seconds:.0f} s by the clock, {BY_THE_CLOCK} times the limit of {limit:g} s "
        "of processor time: allow more with --time-limit SECONDS"
    )


def parts(claims: Sequence[Found]) -> list[deque[_Job]]:
    """What one worker does in one go: all claims on one data set, whose solved problems it keeps; else single claims."""
    made: dict[object, deque[_Job]] = {}
    for number, found in enumerate(claims):
        source = found.claim.source
        made.setdefault(number if source is None else source.name, deque()).append(_Job(number, found))
    return list(made.values())
