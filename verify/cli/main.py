"""The `verify` program: its grammar, and which module carries out which command.

Exit codes (design §3): 0 every claim met its expectation · 1 at least one did not · 2 usage error, or nothing could be
collected · 3 internal error. Heavy imports happen inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from verify.cli.stops import nobody_reads, stopping_at_signals

OK, UNMET, USAGE, INTERNAL = 0, 1, 2, 3
BUDGET = 60.0
"""Seconds that a hunt may take unless told otherwise."""


class UsageError(Exception):
    """A command line that cannot be carried out: what is wrong, and what to do."""


def build_parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    from verify._version import __version__

    parser = argparse.ArgumentParser(
        prog="verify",
        description="Check claims about low-rank (LoRA) loss landscapes: prove, test, refute by example.",
        epilog="exit codes: 0 all as expected, 1 at least one not, 2 usage error or nothing collected, 3 internal error",
    )
    parser.add_argument("--version", action="version", version=f"verify {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="check claims and print their verdicts")
    _selectors(run)
    run.add_argument("--profile", choices=["dev", "ci", "deep"], help="how much to test (default: dev)")
    run.add_argument("--seed", type=_natural, metavar="N", help="random seed (default: 0)")
    run.add_argument("--jobs", type=_positive, metavar="N", help="claims checked at once (default: all cores)")
    run.add_argument(
        "--time-limit", type=seconds, metavar="SECONDS", help="processor time for one claim; beyond it, it is UNKNOWN"
    )
    run.add_argument("--json", metavar="PATH", help="write the results as JSON")
    run.add_argument("--junit", metavar="PATH", help="write the results as JUnit XML")
    run.add_argument("--report", metavar="DIR", help="write the results as a static site")
    run.add_argument("--state", metavar="PATH", help="write verdict, scope and statement hash of every claim, nothing else")
    run.add_argument("--certificates", metavar="DIR", help="keep the certificates of PROVED and REFUTED claims")
    run.add_argument("--counterexamples", metavar="DIR", help="keep only those of instances: refutations and witnesses")
    run.add_argument("--no-replay", action="store_true", help="search again for counterexamples kept beside the claims")
    run.add_argument("--no-cache", action="store_true", help="check again what an earlier run has already decided")
    run.add_argument("--verbose", action="store_true", help="print statement, derivations and coverage of every claim")

    hunt = commands.add_parser("hunt", help="search one claim for a counterexample, by optimization")
    hunt.add_argument("id", metavar="ID", help="a claim's id, or FILE::NAME")
    hunt.add_argument("--budget", type=seconds, default=BUDGET, metavar="SECONDS", help="wall time to spend (default: 60)")
    hunt.add_argument("--seed", type=_natural, default=0, metavar="N", help="random seed (default: 0)")
    hunt.add_argument("--jobs", type=_positive, default=None, metavar="N", help="processes (default: all cores)")
    hunt.add_argument("--json", metavar="PATH", help="write the result as JSON")
    hunt.add_argument("--out", metavar="DIR", help="keep state and certificates here (default: a cache folder, printed)")
    hunt.add_argument("--sharpen", metavar="c", help="bracket the values of a parameter for which the claim holds")
    hunt.add_argument("--sweep", metavar="k=3:50", help="a frontier: hold a scalar at values of a range (with --sharpen)")
    hunt.add_argument("--no-replay", action="store_true", help="do not try known counterexamples first")
    hunt.add_argument("--ablate", action="store_true", help="drop each hypothesis in turn")

    listing = commands.add_parser("list", help="list claims without checking them")
    _selectors(listing)
    listing.add_argument("--json", metavar="PATH", help="write the list as JSON")

    show = commands.add_parser("show", help="print a claim: statement, derived formulas, source")
    show.add_argument("id", metavar="ID", nargs="?", help="a claim's id, or FILE::NAME")
    show.add_argument("--latex", action="store_true", help="LaTeX instead of Unicode")
    show.add_argument("--graph", action="store_true", help="which claims build on which (ID may be a prefix, or left out)")
    show.add_argument("--dot", action="store_true", help="with --graph: in Graphviz' DOT language")

    derive = commands.add_parser("derive", help="derive gradient, Hessian form and stationarity conditions")
    derive.add_argument("target", metavar="FILE::NAME", help="a loss expression, or a claim, of that name in the file")
    derive.add_argument("--latex", action="store_true", help="LaTeX instead of Unicode")

    check = commands.add_parser("check", help="re-verify certificates with the independent kernel")
    check.add_argument("certificates", nargs="+", metavar="CERTIFICATE")
    check.add_argument("--claim", metavar="FILE::NAME", help="also compare with this claim, elaborated again from its text")

    diff = commands.add_parser("diff", help="compare the results of two runs; exits with 1 if a verdict changed")
    diff.add_argument("old", metavar="OLD.json")
    diff.add_argument("new", metavar="NEW.json")

    report = commands.add_parser("report", help="write results as a static site, an appendix and a LaTeX table")
    report.add_argument("results", metavar="RESULTS.json", help="written by `verify run --json`")
    report.add_argument("--out", metavar="DIR", default="report", help="the site's folder (default: report)")

    experiment = commands.add_parser("experiment", help="train LoRA on real data and print what the theory says there")
    experiment.add_argument("datasets", nargs="*", metavar="DATASET", help="digits, cancer or network (default: all three)")
    experiment.add_argument("--rank", type=_positive, metavar="R", help="LoRA rank (default: one above and one below rank X⋆)")
    experiment.add_argument("--json", metavar="PATH", help="write the measurements as JSON")

    completion = commands.add_parser("completion", help="print a completion script for a shell")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"])

    new = commands.add_parser("new", help="write a file of claims to start from")
    new.add_argument("file", metavar="FILE")
    for command in commands.choices.values():
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks")
    return parser


def _selectors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "selectors",
        nargs="*",
        metavar="SELECTOR",
        help="a file or folder, FILE::NAME, a claim's id or a prefix of ids; without any: the paths of [tool.verify] in "
        "pyproject.toml, else the shipped theorems",
    )


def _number_type(read: Callable[[str], float], accepts: Callable[[float], bool], kind: str) -> Callable[[str], Any]:
    """A reader of one option's number, whose error says what the option takes."""

    def convert(text: str) -> Any:
        try:
            value = read(text)
        except ValueError:
            value = float("nan")
        if not accepts(value):
            raise argparse.ArgumentTypeError(f"{text}: must be {kind}")
        return value

    return convert


seconds = _number_type(float, lambda v: 0 < v < 1e7, "a positive number of seconds")
_positive = _number_type(int, lambda v: v >= 1, "a whole number, at least 1")
_natural = _number_type(int, lambda v: v >= 0, "a whole number, at least 0")


def _one_thread() -> None:
    """Keep products to one thread each: many small ones in many processes; their processor time is that of the work."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def dispatch(arguments: argparse.Namespace) -> int:
    """Run one command."""
    match arguments.command:
        case "run":
            _one_thread()
            from verify.cli.run import run

            return run(arguments)
        case "hunt":
            _one_thread()
            from verify.cli.hunt import hunt

            return hunt(arguments)
        case "list":
            from verify.cli.listing import list_claims

            return list_claims(arguments)
        case "show" if arguments.graph:
            from verify.cli.graph import show_graph

            return show_graph(arguments)
        case "show":
            from verify.cli.show import show

            return show(arguments)
        case "derive":
            from verify.cli.derive import derive

            return derive(arguments)
        case "check":
            from verify.cli.check import check

            return check(arguments)
        case "diff":
            from verify.cli.diff import diff

            return diff(arguments)
        case "report":
            from verify.cli.report import report

            return report(arguments)
        case "experiment":
            from verify.cli.experiment import experiment

            return experiment(arguments)
        case "completion":
            from verify.cli.completion import completion

            return completion(arguments)
        case _:
            from verify.cli.new import new

            return new(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """The program's entry point; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or pipe that knows no Greek shows escapes instead; it must not end the program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(argv)
    try:
        with stopping_at_signals():
            code = dispatch(arguments)
            if sys.stdout is not None:
                sys.stdout.flush()
            return code
    except UsageError as error:
        print(f"verify: error: {error}", file=sys.stderr)
        return USAGE
    except SystemExit as error:
        # No command ends this way: a file's own code does, and its exit code must not pass for a verdict.
        print(f"verify: error: a claim's code ended the program (exit code {error.code}): remove that call", file=sys.stderr)
        return UNMET
    except KeyboardInterrupt:
        print("verify: stopped; the results so far are above", file=sys.stderr)
        return UNMET
    except BrokenPipeError:
        nobody_reads()
        return UNMET
    except Exception as error:
        if arguments.debug:
            raise
        print(
            f"verify: internal error: {type(error).__name__}: {error}: run again with --debug and report the traceback",
            file=sys.stderr,
        )
        return INTERNAL
