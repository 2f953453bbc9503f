"""`verify hunt ID --ablate`: which hypotheses are needed, each with the certificate of the claim without it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from verify.cli.files import write_json
from verify.cli.hunt import document, keep
from verify.cli.main import OK
from verify.cli.progress import HuntDisplay
from verify.language.formulas import Formula
from verify.runner.hunt.ablate import ablations
from verify.runner.hunt.campaign import Options
from verify.runner.hunt.subject import Subject


def ablate(
    subject: Subject, formula: Formula, options: Options, folder: Path, arguments: argparse.Namespace, display: HuntDisplay
) -> int:
    """Carry out the command."""
    began = time.monotonic()
    rows, tried = [], []
    for ablation in ablations(subject, formula, options, display.unit):
        result = ablation.result
        name = f"{subject.id}.without-{ablation.position + 1}.json"
        path = None if result.found is None else keep(result.payload, folder / name)
        display.note(f"{ablation.finding:<24}{ablation.hypothesis.text}" + ("" if path is None else f" · {path}"))
        if result.found is not None:
            display.counterexample(result.found, formula)
        rows.append(
            {
                "hypothesis": ablation.hypothesis.text,
                "finding": ablation.finding,
                "strategy": result.strategy,
                "certificate": path,
                "n_active": sum(row.seen.n_active for row in result.tried),
            }
        )
        tried = [row.to_json() for row in result.tried]
    if arguments.json:
        found = document(subject.id, None, None, time.monotonic() - began, None, tried)
        write_json(arguments.json, {**found, "ablation": rows})
    return OK
