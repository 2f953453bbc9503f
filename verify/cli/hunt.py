"""`verify hunt`: search one claim for a counterexample and print it so that it can be read, checked and reproduced."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from verify.certificates.build import encode
from verify.cli.files import write_atomically, write_json
from verify.cli.main import BUDGET, OK, UNMET, UsageError
from verify.cli.progress import HuntDisplay
from verify.cli.show import only_claim
from verify.language.errors import ClaimError
from verify.language.formulas import Formula
from verify.runner.faults import broken
from verify.runner.hunt.campaign import HuntResult, Options, settled_by_example
from verify.runner.hunt.campaign import hunt as hunt_claim
from verify.runner.hunt.records import Found as FoundInstance
from verify.runner.hunt.subject import Subject
from verify.runner.loading import Found as FoundClaim
from verify.runner.loading import shipped_folder
from verify.runner.profiles import PROFILES
from verify.runner.reading import read
from verify.runner.replay import replay
from verify.runner.verdicts import Broken, Held, Payload, Result, Unknown, Verdict, describe
from verify.runner.wording import said


def hunt(arguments: argparse.Namespace) -> int:
    """Carry out the command."""
    if arguments.ablate and (arguments.sharpen or arguments.sweep):
        raise UsageError("--ablate goes with neither --sharpen nor --sweep: give one of them")
    found = only_claim(arguments.id)
    if found.claim.source is not None:
        raise UsageError(f"{found.id} speaks of a data set, which cannot be searched: hunt the claim it was made from")
    if arguments.json is not None and not Path(arguments.json).resolve().parent.is_dir():
        raise UsageError(f"{arguments.json} cannot be written: its folder does not exist")
    try:
        reading = read(found.claim)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code raises
        return _broken(found, broken(error, found.claim), arguments)
    formula = reading.formula
    folder = out_folder(arguments.out)
    subject = Subject(found.claim.file, found.claim.name, found.id)
    options = Options(
        arguments.budget,
        arguments.seed,
        arguments.jobs or os.cpu_count() or 1,
        folder / f"{found.id}.sqlite",
        () if arguments.no_replay else (str(shipped_folder() / "counterexamples"), str(folder)),
    )
    display = HuntDisplay(found.id, options.budget)
    if reading.unread is not None:
        unknown = HuntResult(Unknown(reading.unread), None, (), None, 0.0)
        return _shown(found, unknown, formula, folder, arguments, display)
    display.note(f"state: {options.state}")
    try:
        if arguments.ablate:
            from verify.cli.ablation import ablate

            return ablate(subject, formula, options, folder, arguments, display)
        if arguments.sharpen or arguments.sweep:
            from verify.cli.frontier import sharpen_or_sweep

            return sharpen_or_sweep(subject, formula, options, folder, arguments, display)
        return _hunt_one(found, subject, formula, options, folder, arguments, display)
    except ClaimError as error:
        raise UsageError(said(error)) from None


def _hunt_one(
    claim: FoundClaim,
    subject: Subject,
    formula: Formula,
    options: Options,
    folder: Path,
    arguments: argparse.Namespace,
    display: HuntDisplay,
) -> int:
    try:
        began = time.monotonic()
        examples = replay(claim.claim.examples, formula, PROFILES["dev"])
        if examples.settled is not None:
            hunted = settled_by_example(examples.settled, formula, time.monotonic() - began)
        else:
            with display.running():
                hunted = hunt_claim(subject, formula, options, display.unit)
            hunted = replace(hunted, payload=examples.applied(hunted.payload))
    except (ClaimError, BrokenPipeError):
        raise
    except Exception as error:  # whatever a unit of work raises, here or in another process
        return _broken(claim, broken(error, claim.claim), arguments)
    return _shown(claim, hunted, formula, folder, arguments, display)


def _shown(
    claim: FoundClaim,
    hunted: HuntResult,
    formula: Formula,
    folder: Path,
    arguments: argparse.Namespace,
    display: HuntDisplay,
) -> int:
    path = keep(hunted.payload, folder / f"{claim.id}.json")
    result = Result(claim.id, claim.claim.expect, hunted.payload, hunted.seconds, path)
    if arguments.json:
        write_json(arguments.json, to_json(result, hunted))
    display.result(result, hunted, formula, _command(arguments))
    return OK if result.met else UNMET


def _command(arguments: argparse.Namespace) -> str:
    """The command line that does this hunt again; the number of processes has no part in what it finds."""
    words = ["verify", "hunt", arguments.id, "--seed", str(arguments.seed)]
    words += [] if arguments.budget == BUDGET else ["--budget", f"{arguments.budget:g}"]
    words += ["--no-replay"] if arguments.no_replay else []
    words += [] if arguments.out is None else ["--out", arguments.out]
    return shlex.join(words)


def keep(payload: Payload | FoundInstance, path: Path) -> str | None:
    """Write a payload's certificate, where it has one; the path as text."""
    certificate = getattr(payload, "certificate", None)
    if certificate is None:
        return None
    write_atomically(path, encode(certificate))
    return str(path)


def document(
    identifier: str, verdict: Verdict | None, strategy: str | None, seconds: float, path: str | None, tried: Sequence[Any]
) -> dict[str, Any]:
    """The fixed keys of the JSON document of `verify hunt` (design §6)."""
    return {
        "schema": 1,
        "id": identifier,
        "verdict": None if verdict is None else verdict.value,
        "strategy": strategy,
        "seconds": round(seconds, 3),
        "certificate": path,
        "tried": list(tried),
    }


def to_json(result: Result, hunted: HuntResult) -> dict[str, Any]:
    """The JSON document of one hunt."""
    coverage = result.coverage
    tried = [row.to_json() for row in hunted.tried]
    return {
        **document(result.id, result.verdict, hunted.strategy, hunted.seconds, result.certificate_path, tried),
        "expect": result.expect.value,
        "met": result.met,
        "n": None if coverage is None else coverage.n,
        "n_active": None if coverage is None else coverage.n_active,
        "n_undecided": None if coverage is None else coverage.n_undecided,
        "not_tested": result.payload.not_tested if isinstance(result.payload, Held) else None,
        "reached": None if coverage is None or not coverage.n_active else coverage.reach.to_json(),
        "counterexample": None if hunted.found is None else list(hunted.found.lines),
        "violated": None if hunted.found is None or hunted.found.comparison is None else list(hunted.found.comparison),
        "resumed": hunted.resumed,
        "interrupted": hunted.interrupted,
        "reason": result.summary if result.verdict in (Verdict.VACUOUS, Verdict.UNKNOWN, Verdict.CANDIDATE) else None,
    }


def out_folder(given: str | None) -> Path:
    """Where state and certificates go: the folder given, or the user's cache.

    Raises:
        UsageError: if it cannot be made.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(given) if given is not None else cache / "lora-theory-verifier" / "hunts"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be used ({error.strerror}): name another folder with --out") from None
    return folder


def _broken(found: FoundClaim, payload: Broken | Unknown, arguments: argparse.Namespace) -> int:
    result = Result(found.id, found.claim.expect, payload, 0.0)
    print(describe(payload), file=sys.stderr)
    if arguments.debug and isinstance(payload, Broken):
        print(payload.traceback, file=sys.stderr)
    if arguments.json:
        write_json(arguments.json, to_json(result, HuntResult(payload, None, (), None, 0.0)))
    return UNMET
