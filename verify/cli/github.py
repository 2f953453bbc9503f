"""What GitHub Actions shows of a run: annotations on the lines of claims, and a Markdown job summary.

Main definitions: `annotate`, `under_github`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from verify.cli.progress import counts_in_words
from verify.runner.about import shown_file
from verify.runner.loading import Found, LoadProblem
from verify.runner.verdicts import Broken, Result, describe


def under_github() -> bool:
    """Whether the program runs as a step of a GitHub workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotate(results: Sequence[Result], claims: Sequence[Found], problems: Sequence[LoadProblem]) -> None:
    """Print an error command for each claim that is not as expected, and append to the job summary."""
    places = {f.id: (shown_file(f.claim.file), f.claim.line) for f in claims}
    for result in results:
        if not result.met:
            file, line = _place(result, places)
            title = f"{result.id}: expected {result.expect.value}, got {result.verdict.value}"
            print(_command(file, line, title, describe(result.payload)))
    for problem in problems:
        file, _, number = problem.location.partition(":")
        print(_command(shown_file(file), int(number) if number.isdigit() else 1, "claims not collected", problem.message))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as stream:
                stream.write(markdown(results, problems))
        except OSError as error:
            print(f"verify: warning: the job summary {summary} cannot be written ({error.strerror})", file=sys.stderr)


def _place(result: Result, places: Mapping[str, tuple[str, int]]) -> tuple[str, int]:
    """File and line of a claim; of a broken one the line that its message names."""
    if isinstance(result.payload, Broken):
        file, _, line = result.payload.location.rpartition(":")
        if line.isdigit():
            return shown_file(file), int(line)
    return places.get(result.id, ("", 1))


def _command(file: str, line: int, title: str, message: str) -> str:
    place = f"file={_property(file)},line={line}," if file else ""
    return f"::error {place}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(results: Sequence[Result], problems: Sequence[LoadProblem]) -> str:
    """The job summary: what is not as expected first, then the table of all claims."""
    lines = ["## Claims", "", counts_in_words(results, problems), ""]
    lines += [f"- **not collected** `{p.location}`: {_cell(p.message)}" for p in problems]
    lines += ["", "| as expected | verdict | claim | evidence |", "|---|---|---|---|"]
    for result in sorted(results, key=lambda r: r.met):
        met = "yes" if result.met else f"**no** (expected {result.expect.value})"
        lines.append(f"| {met} | {result.verdict.value} | `{result.id}` | {_cell(describe(result.payload))} |")
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    text = " ".join(text.split())
    text = text if len(text) <= 300 else text[:299] + "…"
    for mark in "\\|<>*_`[]":
        text = text.replace(mark, f"\\{mark}")
    return text
