"""The processes of a hunt, which do its units of work.

Main definitions: `Workers`, `died`. A process that is killed breaks all that were started with it; new ones are started then,
half as many, so that what kills them is alone in the end.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from verify.runner.hunt.context import Context, prepared
from verify.runner.hunt.records import Seen, Unit
from verify.runner.hunt.strategies import perform
from verify.runner.hunt.subject import Subject
from verify.runner.processes import processes, settle_in
from verify.runner.reading import read

Order = tuple[Subject, int, tuple[str, ...], int | None]
"""What a process is told: the subject, the seed, the folders with known counterexamples, the readings spent on shrinking."""


class Workers:
    """Processes that are started with the first unit."""

    def __init__(self, jobs: int, order: Order) -> None:
        self.jobs, self.order = jobs, order
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, unit: Unit) -> Future[Seen]:
        """Have a unit done."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.jobs, processes(), _begin_worker, (os.getpid(), self.order))
        try:
            return self._pool.submit(_in_worker, unit)
        except BrokenProcessPool as error:
            # One of them died a moment ago: the unit is one of those to be done again.
            task: Future[Seen] = Future()
            task.set_exception(error)
            return task

    def begin_again(self) -> None:
        """New processes in the place of broken ones."""
        self.stop()
        self.jobs = max(1, self.jobs // 2)

    def stop(self) -> None:
        """End the processes, whatever they are doing."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=True, cancel_futures=True)


def died(task: Future[Seen]) -> bool:
    """Whether a unit is not done because a process died."""
    return task.done() and not task.cancelled() and isinstance(task.exception(), BrokenProcessPool)


_ORDERS: list[Order] = []
_READY: list[Context] = []


def _begin_worker(parent: int, order: Order) -> None:
    settle_in(parent)
    _READY.clear()
    _ORDERS[:] = [order]


def _in_worker(unit: Unit) -> Seen:
    if not _READY:
        # Here and not where the process begins: what the claim's code raises is a result, and no reason to start another one.
        subject, seed, folders, shrink_tests = _ORDERS[0]
        _READY.append(prepared(subject, read(subject.claim()).formula, seed, folders, shrink_tests))
    return perform(_READY[0], unit)
