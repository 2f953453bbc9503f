"""`verify hunt ID --ablate`: which hypotheses are needed, each with the certificate of the claim without it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from verify.cli.files import write_json
from verify.cli.hunt import document, keep
from verify.cli.main import OK, UNMET
from verify.cli.progress import HuntDisplay
from verify.language.formulas import Formula
from verify.runner.hunt.ablate import Finding, ablations
from verify.runner.hunt.campaign import Options
from verify.runner.hunt.subject import Subject

_WIDTH = max(len(finding.value) for finding in Finding)


def ablate(
    subject: Subject, formula: Formula, options: Options, folder: Path, arguments: argparse.Namespace, display: HuntDisplay
) -> int:
    """Carry out the command."""
    began = time.monotonic()
    rows: list[dict[str, Any]] = []
    tried: list[dict[str, Any]] = []
    stopped = False
    for ablation in ablations(subject, formula, options, display.unit):
        result = ablation.result
        found = None if result is None else result.found
        name = f"{subject.id}.without-{ablation.position + 1}.json"
        path = None if found is None else keep(found, folder / name)
        kept = "" if path is None else f" · {path}"
        display.note(f"{ablation.finding.value:<{_WIDTH}}  {ablation.hypothesis.text}{kept}")
        if found is not None:
            display.counterexample(found, formula)
        rows.append(
            {
                "hypothesis": ablation.hypothesis.text,
                "finding": ablation.finding.value,
                "strategy": None if result is None else result.strategy,
                "certificate": path,
                "n_active": 0 if result is None else sum(row.seen.n_active for row in result.tried),
            }
        )
        if result is not None:
            tried = [row.to_json() for row in result.tried]
            stopped = stopped or result.interrupted
    if stopped:
        display.note("stopped by hand: what was found so far")
    if arguments.json:
        written = document(subject.id, None, None, time.monotonic() - began, None, tried)
        write_json(arguments.json, {**written, "ablation": rows, "interrupted": stopped})
    return UNMET if stopped else OK
