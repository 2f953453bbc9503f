"""`verify run`: check claims, print one line each as they finish, and a summary whose counts add up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from verify.certificates.build import encode
from verify.cli.checking import Plan
from verify.cli.config import load_settings
from verify.cli.crew import check_all
from verify.cli.files import require_parent, write_atomically, write_json
from verify.cli.github import annotate, under_github
from verify.cli.main import OK, UNMET, USAGE, UsageError
from verify.cli.progress import Display
from verify.cli.stops import undisturbed
from verify.language.claims import Expect
from verify.runner.check import error_result
from verify.runner.extras import missing_extra
from verify.runner.loading import Collected, Found, LoadProblem, collect
from verify.runner.verdicts import Result, summarize, to_json


def run(arguments: argparse.Namespace) -> int:
    """Carry out the command."""
    settings = load_settings(Path.cwd()).with_profile(arguments.profile).with_time_limit(arguments.time_limit)
    collected = collect(arguments.selectors or [str(p) for p in settings.paths], settings.paths)
    display = Display(verbose=arguments.verbose, debug=arguments.debug)
    for problem in collected.problems:
        display.problem(problem)
    if not collected.claims and not collected.duplicates:
        print("verify: error: no claim could be collected: name a file with @claim functions", file=sys.stderr)
        return USAGE
    for file in (arguments.json, arguments.junit, arguments.state):
        require_parent(file)
        if file is not None and Path(file).is_dir():
            raise UsageError(f"{file} is a folder: name a file")
    for folder in (arguments.certificates, arguments.counterexamples, arguments.report):
        require_parent(folder)
        if folder is not None and Path(folder).exists() and not Path(folder).is_dir():
            raise UsageError(f"{folder} is not a folder: name one, or a new one")
    ready, skipped = _split(collected)
    plan = Plan(
        settings.profile,
        settings.seed if arguments.seed is None else arguments.seed,
        settings.jobs if arguments.jobs is None else arguments.jobs,
        cache=not arguments.no_cache,
        replay=not arguments.no_replay,
        describe=bool(arguments.json or arguments.report or arguments.state or arguments.verbose),
    )
    results: list[Result] = []
    names = [f.id for f in ready] + [d[0] for d in collected.duplicates]
    stopped = False
    with display.running(names):
        try:
            for result in _results(ready, collected, plan, display):
                with undisturbed():
                    kept = _keep(result, arguments.certificates)
                    if result.certificate is not None and result.certificate["kind"] != "identity":
                        kept = _keep(kept, arguments.counterexamples)
                    results.append(kept)
                    display.result(kept)
                    if arguments.json:
                        write_json(arguments.json, _document(results, collected.problems, interrupted=True))
        except KeyboardInterrupt:
            stopped = True
    _note_skipped(skipped, display)
    display.summary(results, collected.problems)
    if stopped:
        display.note(f"stopped: {len(results)} of {len(names)} claims checked")
    reasons = [(f.id, f"needs the extra {extra}") for f, extra in skipped]
    if stopped:
        done = {result.id for result in results}
        reasons += [(name, "stopped before it was checked") for name in names if name not in done]
        if arguments.state:
            display.note(f"{arguments.state} is not written: claims are missing")
    document = _document(results, collected.problems, interrupted=stopped)
    _write_outputs(arguments, document, results, reasons, collected)
    if stopped:
        return UNMET
    if not results:
        return USAGE if not skipped else OK
    return OK if all(r.met for r in results) and not collected.problems else UNMET


def _note_skipped(skipped: Sequence[tuple[Found, str]], display: Display) -> None:
    """One line for each extra that is missing."""
    for extra in dict.fromkeys(extra for _, extra in skipped):
        names = [found.id for found, needed in skipped if needed == extra]
        who = f"{names[0]} needs" if len(names) == 1 else f"{len(names)} claims need"
        display.note(f"not collected: {who} the extra {extra} (pip install 'lora-theory-verifier[{extra}]')")
        if display.verbose and len(names) > 1:
            for name in names:
                display.note(f"  {name}")


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


def _results(ready: Sequence[Found], collected: Collected, plan: Plan, display: Display) -> Iterator[Result]:
    for identifier, location, message in collected.duplicates:
        display.finished(identifier)
        yield error_result(identifier, Expect.HOLDS, location, message)
    yield from check_all(ready, plan, display)


def _keep(result: Result, folder: str | None) -> Result:
    if folder is None or result.certificate is None:
        return result
    path = Path(folder) / f"{result.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encode(result.certificate))
    return replace(result, certificate_path=str(path))


def _document(results: Sequence[Result], problems: Sequence[LoadProblem], *, interrupted: bool) -> dict[str, object]:
    return {
        "schema": 1,
        "claims": [to_json(r) for r in results],
        "summary": summarize(list(results)),
        "problems": [{"location": p.location, "message": p.message} for p in problems],
        "interrupted": interrupted,
    }


def _write_outputs(
    arguments: argparse.Namespace,
    document: Mapping[str, object],
    results: Sequence[Result],
    left_out: Sequence[tuple[str, str]],
    collected: Collected,
) -> None:
    if arguments.json:
        write_json(arguments.json, document)
    if arguments.junit:
        from verify.cli.junit import junit_xml

        write_atomically(arguments.junit, junit_xml(results, left_out, collected.problems))
    if arguments.state and not document["interrupted"]:
        from verify.cli.state import state_of

        write_atomically(arguments.state, state_of(results))
    if arguments.report:
        from verify.cli.report import write_site

        write_site(document, Path(arguments.report))
    if under_github():
        annotate(results, collected.claims, collected.problems)
