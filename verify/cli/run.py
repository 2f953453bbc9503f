"""`verify run`: check claims, print one line each as they finish, and a summary whose counts add up."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from verify.certificates.build import encode
from verify.cli.files import write_atomically, write_json
from verify.cli.main import OK, UNMET, USAGE, UsageError
from verify.cli.progress import Display
from verify.language.claims import Expect
from verify.runner.check import check_claim, error_result
from verify.runner.extras import missing_extra
from verify.runner.loading import Collected, Found, LoadProblem, collect, load_file
from verify.runner.profiles import PROFILES
from verify.runner.verdicts import Result, summarize, to_json


def run(arguments: argparse.Namespace) -> int:
    """Carry out the command."""
    collected = collect(arguments.selectors)
    display = Display(verbose=arguments.verbose)
    for problem in collected.problems:
        display.problem(problem)
    if not collected.claims and not collected.duplicates:
        print("verify: error: no claim could be collected: name a file with @claim functions", file=sys.stderr)
        return USAGE
    for path in (arguments.json, arguments.certificates, arguments.counterexamples):
        _require_writable(path)
    ready, skipped = _split(collected)
    results: list[Result] = []
    names = [f.id for f in ready] + [d[0] for d in collected.duplicates]
    with display.running(names):
        for result in _results(ready, collected, arguments, display):
            kept = _keep(result, arguments.certificates)
            if result.certificate is not None and result.certificate["kind"] != "identity":
                kept = _keep(kept, arguments.counterexamples)
            results.append(kept)
            display.result(kept)
            if arguments.json:
                write_json(arguments.json, _document(results, collected.problems))
    for found, extra in skipped:
        display.note(f"not collected: {found.id} needs the extra {extra} (pip install 'lora-theory-verifier[{extra}]')")
    display.summary(results)
    if arguments.json:
        write_json(arguments.json, _document(results, collected.problems))
    if not results:
        return USAGE if not skipped else OK
    return OK if all(r.met for r in results) and not collected.problems else UNMET


def _require_writable(path: str | None) -> None:
    if path is not None and not Path(path).resolve().parent.is_dir():
        raise UsageError(f"{path} cannot be written: its folder does not exist")


def _split(collected: Collected) -> tuple[list[Found], list[tuple[Found, str]]]:
    ready: list[Found] = []
    skipped: list[tuple[Found, str]] = []
    for found in collected.claims:
        extra = missing_extra(found.claim)
        if extra is None:
            ready.append(found)
        else:
            skipped.append((found, extra))
    return ready, skipped


def _results(ready: Sequence[Found], collected: Collected, arguments: argparse.Namespace, display: Display) -> Iterator[Result]:
    for identifier, location, message in collected.duplicates:
        yield error_result(identifier, Expect.HOLDS, location, message)
    jobs = min(arguments.jobs or os.cpu_count() or 1, len(ready))
    if jobs <= 1 or (arguments.jobs is None and len(ready) < 4):
        profile = PROFILES[arguments.profile]
        for found in ready:
            display.begin(found.id)
            yield check_claim(found.claim, found.id, profile, arguments.seed, display.advance)
        return
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        tasks = [(f.claim.file, f.id, f.claim.name, arguments.profile, arguments.seed) for f in ready]
        yield from pool.map(_check_in_worker, tasks)


def _check_in_worker(task: tuple[str, str, str, str, int]) -> Result:
    file, identifier, name, profile, seed = task
    claim = next(f.claim for f in _loaded(file) if f.claim.name == name)
    return check_claim(claim, identifier, PROFILES[profile], seed)


_WORKER_FILES: dict[str, tuple[Found, ...]] = {}


def _loaded(file: str) -> tuple[Found, ...]:
    """A worker process loads each file once."""
    if file not in _WORKER_FILES:
        _WORKER_FILES[file] = load_file(Path(file)).claims
    return _WORKER_FILES[file]


def _keep(result: Result, folder: str | None) -> Result:
    if folder is None or result.certificate is None:
        return result
    path = Path(folder) / f"{result.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encode(result.certificate))
    return replace(result, certificate_path=str(path))


def _document(results: Sequence[Result], problems: Sequence[LoadProblem]) -> dict[str, object]:
    return {
        "schema": 1,
        "claims": [to_json(r) for r in results],
        "summary": summarize(list(results)),
        "problems": [{"location": p.location, "message": p.message} for p in problems],
    }
