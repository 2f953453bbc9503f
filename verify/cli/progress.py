"""What a run shows: live progress on a terminal, plain lines in a pipe; colour is never the only signal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verify.cli.check import accepted_lines
from verify.language.claims import Expect
from verify.language.formulas import Formula
from verify.runner.about import About
from verify.runner.hunt.campaign import HuntResult
from verify.runner.hunt.records import Found, Seen, Unit
from verify.runner.loading import LoadProblem
from verify.runner.verdicts import Broken, Result, Verdict, describe, summarize, violated

_COLOURS = {
    Verdict.PROVED: "green",
    Verdict.HELD: "green",
    Verdict.REFUTED: "red",
    Verdict.CANDIDATE: "yellow",
    Verdict.VACUOUS: "yellow",
    Verdict.UNKNOWN: "yellow",
    Verdict.ERROR: "bold red",
}
_NAME_WIDTH = 62


def console() -> Any:
    """Standard output; where nobody reads it any more, that is the program's matter, not the library's."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Plain(highlight=False, soft_wrap=True, emoji=False)


class Display:
    """Prints to standard output; progress only where that is a terminal."""

    def __init__(self, *, verbose: bool, debug: bool = False) -> None:
        self.console = console()
        self.verbose = verbose
        self.debug = debug
        self.progress: Any = None
        self.tasks: dict[str, Any] = {}
        self.total_task: Any = None
        self.width = _NAME_WIDTH

    @contextmanager
    def running(self, names: Sequence[str]) -> Iterator[None]:
        """Show progress while claims are checked."""
        self.width = min(max((len(n) for n in names), default=10), _NAME_WIDTH)
        if not self.console.is_terminal:
            yield
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[unit]}"),
        )
        # No thread of its own: workers are made as copies of this process.
        with Progress(*columns, console=self.console, transient=True, auto_refresh=False) as progress:
            self.progress = progress
            self.total_task = progress.add_task("claims", total=len(names), unit="left")
            yield
        self.progress = None

    def begin(self, identifier: str) -> None:
        """A claim is about to be checked."""
        if self.progress is not None and identifier not in self.tasks:
            self.tasks[identifier] = self.progress.add_task(identifier, total=None, unit="")

    def advance(self, identifier: str, done: int, total: int) -> None:
        """A claim has used some of its instances."""
        if self.progress is not None and identifier in self.tasks:
            self.progress.update(self.tasks[identifier], completed=done, total=total)

    def finished(self, identifier: str) -> None:
        """A claim is done."""
        if self.progress is not None:
            if identifier in self.tasks:
                self.progress.remove_task(self.tasks.pop(identifier))
            self.progress.advance(self.total_task)

    def tick(self) -> None:
        """Some time has passed."""
        if self.progress is not None:
            self.progress.refresh()

    def result(self, result: Result) -> None:
        """One line for a finished claim."""
        from rich.text import Text

        line = Text()
        line.append(f"{result.verdict.value:<10}", style=_COLOURS[result.verdict])
        line.append(f"{_shortened(result.id, self.width):<{self.width}}  ")
        line.append(result.summary)
        if result.certificate_path is not None:
            line.append(f" · {result.certificate_path}")
        line.append(f" · {_duration(result.seconds)}{', cached' if result.cached else ''}")
        line.append("" if result.expect is Expect.HOLDS and result.met else f"   ({_expectation(result)})")
        self.console.print(line)
        if self.debug and isinstance(result.payload, Broken):
            print(result.payload.traceback, end="", file=sys.stderr)
        if not self.verbose:
            return
        if result.about is not None:
            for text in _statement(result.about):
                self.console.print(f"             {text}", markup=False)
        if result.accepted is not None:
            self.console.print("             accepted by the kernel:", markup=False)
            for text in accepted_lines(result.verdict.value, *result.accepted):
                self.console.print(f"               {text}", markup=False)
        if result.coverage is not None:
            for (family, sizes), count in sorted(result.coverage.cells.items()):
                self.console.print(f"             {count:>7,} active  {family:<28} {sizes}")

    def problem(self, problem: LoadProblem) -> None:
        """A file or selector that gave nothing."""
        print(f"{problem.location}: error: {problem.message}", file=sys.stderr)

    def note(self, text: str) -> None:
        """A line that is no verdict."""
        self.console.print(text, markup=False)

    def summary(self, results: Sequence[Result], problems: Sequence[LoadProblem]) -> None:
        """The last line: counts that add up."""
        self.console.print(counts_in_words(results, problems), markup=False)
        for result in results:
            if not result.met:
                self.console.print(
                    f"  not as expected: {result.id}: expected {result.expect.value}, got {result.verdict.value}: "
                    f"{describe(result.payload)}",
                    markup=False,
                )


def counts_in_words(results: Sequence[Result], problems: Sequence[LoadProblem]) -> str:
    """For example ``3 claims: 1 proved, 1 held, 0 refuted, 1 undecided (1 ERROR) · 1 NOT as expected``."""
    counts = summarize(list(results))
    unmet = counts["claims"] - counts["met"]
    broken = sum(1 for result in results if result.verdict is Verdict.ERROR)
    parts = [
        f"{counts['claims']} claims: {counts['proved']} proved, {counts['held']} held, {counts['refuted']} refuted, "
        f"{counts['undecided']} undecided" + (f" ({broken} ERROR)" if broken else ""),
        "all as expected" if not unmet else f"{unmet} NOT as expected",
    ]
    if problems:
        # A selector that names nothing has no file to count.
        what = "file" if all(Path(p.location.partition(":")[0]).exists() for p in problems) else "selector"
        parts.append(f"{len(problems)} {what}{'' if len(problems) == 1 else 's'} not collected")
    return " · ".join(parts)


def _statement(about: About) -> list[str]:
    """The claim's formula and what was derived for it, line by line."""
    given = "there are" if about.quantifier == "exists" else "given    "
    lines = [] if about.process is None else [about.process.text]
    lines += [f"{given} {s.text}" for s in about.given]
    lines += [] if about.then is None else [f"then      {about.then.text}"]
    return [*lines, *(f"where     {s.text}" for s in about.derived)]


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _expectation(result: Result) -> str:
    if result.expect is Expect.OPEN:
        return "open" if result.met else "broken"
    return "expected" if result.met else f"expected {result.expect.value}"


class HuntDisplay:
    """What a hunt shows: one line of progress on a terminal, then the counterexample, what fails, and how to reproduce it."""

    def __init__(self, identifier: str, budget: float) -> None:
        self.console = console()
        self.identifier, self.budget = identifier, budget
        self.status: Any = None
        self.units = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show progress while the hunt runs."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(f"hunting {self.identifier}") as status:
            self.status = status
            yield
        self.status = None

    def unit(self, unit: Unit, seen: Seen, seconds: float) -> None:
        """A unit of work is done."""
        self.units += 1
        if self.status is not None:
            left = max(0.0, self.budget - seconds)
            self.status.update(f"{self.identifier}: {self.units} units, now {unit.strategy}, at most {left:.0f} s left")

    def note(self, text: str) -> None:
        """A line that is no verdict."""
        self.console.print(text, markup=False)

    def counterexample(self, found: Found, formula: Formula) -> None:
        """The instance in the claim's notation, then what fails there with both sides as exact numbers."""
        self.note("  at" if formula.then is None else "  counterexample")
        for text in found.lines:
            self.note(f"    {text}")
        if found.comparison is not None and formula.then is not None:
            self.note(f"  fails: {formula.then.text}")
            self.note(f"    {violated(found.comparison)}")

    def result(self, result: Result, hunted: HuntResult, formula: Formula, command: str) -> None:
        """The verdict; for a counterexample first the instance, then what fails, then the commands."""
        from rich.text import Text

        if hunted.resumed:
            self.note(f"resumed: {hunted.resumed} units were done before")
        if hunted.interrupted:
            self.note("stopped by hand: what was found so far")
        line = Text()
        line.append(f"{result.verdict.value:<10}", style=_COLOURS[result.verdict])
        by = "" if hunted.strategy is None else f" · by {hunted.strategy}"
        summary = "" if hunted.found is not None else f"  {result.summary}"
        line.append(f"{result.id}{summary}{by} · {_duration(hunted.seconds)}")
        line.append("" if result.expect is Expect.HOLDS and result.met else f"   ({_expectation(result)})")
        self.console.print(line)
        if hunted.found is not None:
            self.counterexample(hunted.found, formula)
        if result.certificate_path is not None:
            self.note(f"  check with      verify check {result.certificate_path}")
        self.note(f"  reproduce with  {command}")
        for row in hunted.tried:
            seen = row.seen
            margin = "" if seen.margin is None else f" · smallest margin {seen.margin:.1e}"
            counts = f"{row.units} units, {seen.n:,} instances, {seen.n_active:,} active{margin} · {_duration(seen.seconds)}"
            self.note(f"  {row.strategy:<16}{row.outcome.value}" + (f" · {counts}" if row.units else ""))
