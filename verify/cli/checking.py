"""Checking many claims: one after the other, or on all cores; each from the cache where an earlier run has decided it.

Main definitions: `Plan`, `check_all`.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import active_children
from pathlib import Path
from typing import Protocol

from verify.cli.cache import key_of, prune, recall, remember
from verify.language.claims import Claim
from verify.runner.about import about
from verify.runner.check import check_claim
from verify.runner.evidence import Progress
from verify.runner.known import known_verdict
from verify.runner.loading import Found, load_file, shipped_counterexamples
from verify.runner.profiles import Profile
from verify.runner.reading import read
from verify.runner.verdicts import Result


@dataclass(frozen=True)
class Plan:
    """How claims are checked.

    Attributes:
        profile, seed: see `check_claim`.
        jobs: claims checked at once; None for all cores.
        cache: whether results of earlier runs are taken over.
        replay: whether counterexamples kept beside the claims are tried first.
        describe: whether results carry statement and derived formulas.
    """

    profile: Profile
    seed: int
    jobs: int | None = None
    cache: bool = True
    replay: bool = True
    describe: bool = False


class Watcher(Protocol):
    """Who is told how far the work is."""

    def begin(self, identifier: str) -> None:
        """A claim is about to be checked."""

    def advance(self, done: int, total: int) -> None:
        """A claim has used some of its instances."""

    def finished(self) -> None:
        """One more claim is done."""


def check_all(claims: Sequence[Found], plan: Plan, watcher: Watcher) -> Iterator[Result]:
    """The results, in the order of the claims, each as soon as it is known.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once everything that is finished has been given.
    """
    jobs = min(plan.jobs or os.cpu_count() or 1, len(claims))
    if jobs <= 1 or (plan.jobs is None and len(claims) < 4):
        for found in claims:
            watcher.begin(found.id)
            result = check_one(found.claim, found.id, plan, watcher.advance)
            watcher.finished()
            yield result
    else:
        yield from _in_parallel(claims, plan, watcher, jobs)
    if plan.cache:
        prune()


def _in_parallel(claims: Sequence[Found], plan: Plan, watcher: Watcher, jobs: int) -> Iterator[Result]:
    # Ctrl-C ends a worker at once; by default it would only end its present claim and go on with the next.
    pool = ProcessPoolExecutor(jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL))
    try:
        parts = _parts(claims)
        futures = [pool.submit(_check_in_worker, [(f.claim.file, f.id, f.claim.name) for f in part], plan) for part in parts]
        home = {id(f): (k, place) for k, part in enumerate(parts) for place, f in enumerate(part)}
        for future, part in zip(futures, parts, strict=True):
            for _ in part:
                future.add_done_callback(lambda _: watcher.finished())
        waiting = deque(claims)
        try:
            while waiting:
                k, place = home[id(waiting[0])]
                result = futures[k].result()[place]
                waiting.popleft()
                yield result
        except KeyboardInterrupt:
            for child in active_children():
                child.terminate()
            for found in waiting:
                # Finished, behind a claim that was not.
                k, place = home[id(found)]
                if futures[k].done() and not futures[k].cancelled() and futures[k].exception() is None:
                    yield futures[k].result()[place]
            raise
    finally:
        pool.shutdown(cancel_futures=True)


def _parts(claims: Sequence[Found]) -> list[list[Found]]:
    """What one worker does in one go: all claims on one data set, whose solved problems it keeps; else single claims."""
    parts: dict[object, list[Found]] = {}
    for found in claims:
        source = found.claim.source
        parts.setdefault(id(found) if source is None else source.name, []).append(found)
    return list(parts.values())


def check_one(claim: Claim, identifier: str, plan: Plan, progress: Progress | None = None) -> Result:
    """Check one claim, or take over what an earlier run found."""
    began = time.perf_counter()
    key = None
    result = None
    formula = None
    with suppress(Exception):  # a broken claim: checking it says what is wrong
        formula = read(claim).formula
    if plan.replay and formula is not None and not claim.examples:
        # Kept beside the claim's own file, under its name there.
        kept = known_verdict(claim, f"{Path(claim.file).stem}.{claim.name}", formula)
        if kept is not None:
            result = Result(identifier, claim.expect, kept, time.perf_counter() - began)
    if plan.cache and result is None and formula is not None and not claim.examples:
        key = key_of(formula, identifier, plan.profile, plan.seed)
        payload = recall(key, formula)
        if payload is not None:
            result = Result(identifier, claim.expect, payload, time.perf_counter() - began, cached=True)
    if result is None:
        result = check_claim(
            claim, identifier, plan.profile, plan.seed, progress, known=shipped_counterexamples() if plan.replay else ()
        )
        if plan.cache:
            remember(key, result.payload)
    return replace(result, about=about(claim)) if plan.describe else result


def _check_in_worker(part: Sequence[tuple[str, str, str]], plan: Plan) -> list[Result]:
    """The results of claims given by file, id and name."""
    claims = [next(f.claim for f in _loaded(file) if f.claim.name == name) for file, _, name in part]
    return [check_one(claim, identifier, plan) for claim, (_, identifier, _) in zip(claims, part, strict=True)]


@lru_cache(maxsize=256)
def _loaded(file: str) -> tuple[Found, ...]:
    """A worker process loads each file once."""
    return load_file(Path(file)).claims
