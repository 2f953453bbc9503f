"""`verify show`: one claim, its formula, what is derived for it, and its source."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from verify.cli.cache import key_of, recall
from verify.cli.config import collect_here
from verify.cli.main import OK, UNMET, UsageError
from verify.evaluation.derivatives import gated_gradient
from verify.language.errors import ClaimError, GateError
from verify.language.formulas import Formula
from verify.language.operations.operation import Precedence
from verify.language.printing import LATEX, UNICODE
from verify.language.statements import Stationary
from verify.points.sources.subjects import needs_landscape
from verify.runner.faults import elaborated
from verify.runner.known import known_verdict
from verify.runner.loading import Found
from verify.runner.profiles import PROFILES
from verify.runner.verdicts import Broken, Held, describe, verdict_of_payload

_SHOWN = 6


def show(arguments: argparse.Namespace) -> int:
    """Carry out the command."""
    if arguments.dot or arguments.id is None:
        raise UsageError("show prints one claim: give its id (or --graph for what builds on what)")
    return show_claim(only_claim(arguments.id), latex=arguments.latex, debug=arguments.debug)


def show_claim(found: Found, *, latex: bool, debug: bool = False) -> int:
    """Print one claim."""
    claim = found.claim
    print(found.id)
    print(f"  {claim.title}")
    for line in claim.doc.splitlines()[1:]:
        if line.strip():
            print(f"  {line.strip()}")
    formula = elaborated(claim)
    if isinstance(formula, Broken):
        print(describe(formula))
        if debug:
            print(formula.traceback, file=sys.stderr)
        return UNMET
    print()
    for line in (formula.latex if latex else formula.text).splitlines():
        print(f"  {line}")
    for line in derived_lines(formula, latex=latex):
        print(f"  {line}")
    print()
    print(f"  expected  {claim.expect.value}")
    if claim.keyword is not None:
        print(f"  keyword   {claim.keyword.value}")
    if claim.cite:
        print(f"  source    {claim.cite}")
    scope = ", ".join(formula.dims)
    print(f"  scope     {f'all {scope}' if scope else 'the sizes as stated'}; {_evidence(found)}")
    if claim.uses:
        print(f"  uses      {', '.join(claim.uses)}")
    print(f"  written   {claim.file}:{claim.line}")
    for line in _coverage_lines(found, formula):
        print(f"  {line}")
    return OK


def _coverage_lines(found: Found, formula: Formula) -> list[str]:
    """What the last run at the default profile saw, from the cache: sizes and branches with the instances that reached them."""
    known = known_verdict(found.claim, found.id, formula)
    payload = recall(key_of(formula, found.id, PROFILES["dev"], 0), formula) if known is None else known
    if payload is None:
        return [f"coverage  no run of this version is remembered: `verify run {found.id}`"]
    lines = [f"coverage  {verdict_of_payload(payload).value}: {describe(payload)}"]
    cells = payload.coverage.cells if isinstance(payload, Held) else {}
    for title, place in (("sizes", 1), ("family", 0)):
        counts: Counter[str] = Counter()
        for cell, active in cells.items():
            counts[cell[place]] += active
        shown = [f"{name} {active:,}" for name, active in counts.most_common(_SHOWN)]
        more = [f"{len(counts) - _SHOWN} more"] if len(counts) > _SHOWN else []
        lines += [f"  by {title}: {'; '.join([*shown, *more])}"] if shown else []
    return lines


def _evidence(found: Found) -> str:
    """Where instances come from, for a claim that is not proved."""
    formula = found.claim.formula()
    if formula.source is not None:
        return f"read on {formula.source}"
    if needs_landscape(formula):
        return "tested at second-order points of the loss families, or proved"
    if formula.process is not None:
        return "tested along training, or proved"
    return "tested on random and small exact data, or proved"


def only_claim(selector: str) -> Found:
    """The one claim a selector names.

    Raises:
        UsageError: if it names none or several.
    """
    collected = collect_here([selector])
    exact = [f for f in collected.claims if f.id == selector or selector.endswith(f"::{f.claim.name}")]
    chosen = exact or list(collected.claims)
    if len(chosen) == 1:
        return chosen[0]
    if collected.problems:
        raise UsageError(f"{collected.problems[0].location}: {collected.problems[0].message}")
    raise UsageError(f"{selector} names {len(chosen)} claims: give one id, see `verify list {selector}`")


def derived_lines(formula: Formula, *, latex: bool) -> list[str]:
    """The stationarity conditions that the formula's assumptions stand for."""
    printer = LATEX if latex else UNICODE
    lines: list[str] = []
    sources = [(s.loss, s.variables) for s in formula.given if isinstance(s, Stationary)]
    if formula.process is not None:
        sources.append((formula.process.loss, formula.process.variables))
    for loss, variables in sources:
        for variable in variables:
            name = printer.name(variable.payload[0])
            head = rf"\nabla_{{{name}}} L" if latex else f"∇_{name} L"
            try:
                slope, _ = gated_gradient(loss, variable)
            except (ClaimError, GateError) as error:
                return [f"derivatives: {error}"]
            lines.append(f"where  {head} = {printer.at(slope, Precedence.SUM)}")
    return lines
