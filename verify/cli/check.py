"""`verify check`: certificates re-verified by the kernel alone, which also says what it accepted; needs nothing but the
standard library.

With `--claim FILE::NAME` the claim is elaborated again, and each certificate must carry exactly its tree.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from verify.cli.main import OK, UNMET, USAGE, UsageError
from verify.kernel import Report, check_bytes

Mismatch = tuple[str, str]
_LONGEST = 10_000_001
"""One byte more than the kernel reads: enough for it to refuse a longer file."""


def check(arguments: argparse.Namespace) -> int:
    """For each certificate: accepted, with verdict, scope and statement, or the first rule that failed and where."""
    bound = None if arguments.claim is None else _binder(arguments.claim)
    code = OK
    for path in arguments.certificates:
        try:
            with open(path, "rb") as stream:
                raw = stream.read(_LONGEST)
        except OSError as error:
            print(f"{path}: error: cannot be opened ({error.strerror}): check the path", file=sys.stderr)
            code = USAGE
            continue
        report = check_bytes(raw)
        refusal = _refusal(report, raw, bound)
        if refusal is None:
            print(f"accepted  {printable(path)}")
            for line in accepted_lines(report.verdict, report.scope, report.statement):
                print(f"  {line}")
        else:
            print(f"rejected  {printable(path)}: {printable(refusal)}")
            code = max(code, UNMET)
    return code


def accepted_lines(verdict: str, scope: str, statement: str) -> list[str]:
    """What the kernel accepted, as it says itself: verdict, scope, and the statement read off the tree."""
    return [f"{verdict}  {scope}", *(f"  {line}" for line in statement.splitlines())]


def printable(text: str) -> str:
    """Text in which nothing can forge a line or command a terminal: a file's name may be hostile too."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def _refusal(report: Report, raw: bytes, bound: Callable[[Any], Mismatch | None] | None) -> str | None:
    """The first rule that failed, with the place and the reason."""
    if not report.accepted:
        return f"{report.rule} at {report.where or 'the top'}: {report.message}"
    differs = None if bound is None else bound(json.loads(raw))
    return None if differs is None else f"another claim at {differs[0]}: {differs[1]}"


def _binder(selector: str) -> Callable[[Any], Mismatch | None]:
    """The comparison with the claim that a selector names.

    Raises:
        UsageError: if it names no claim, several, or one that cannot be elaborated.
    """
    from verify.certificates.binding import mismatch
    from verify.cli.config import collect_here
    from verify.runner.faults import checked_formula
    from verify.runner.verdicts import Broken, Unknown, describe

    collected = collect_here([selector])
    for problem in collected.problems:
        raise UsageError(f"{problem.location}: {problem.message}")
    if len(collected.claims) != 1:
        raise UsageError(f"--claim {selector} names {len(collected.claims)} claims: give one, as FILE::NAME")
    claim = collected.claims[0].claim
    formula = checked_formula(claim)
    if isinstance(formula, Broken | Unknown):
        raise UsageError(describe(formula))
    return lambda certificate: mismatch(certificate, formula)
