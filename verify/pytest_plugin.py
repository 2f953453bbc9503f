"""Claims as pytest items: `my_claims.py::claim_name`, one item a claim.

Nothing happens, and nothing heavy is imported, until claim files are named: `verify_paths` in the pytest configuration, or
`--verify PATH` on the command line. Profile and seed come from the command line, else from `[tool.verify]`.

An item passes where `verify run` would call the claim as expected. It carries the markers `verify`,
`verify_expects_<holds|proved|refuted|open>` and, if the claim has a keyword, `verify_<tight|upper|lower|false|open>`; pytest
marks written below `@claim` are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from verify.cli.main import seconds

if TYPE_CHECKING:
    from verify.cli.checking import Plan
    from verify.cli.crew import Crew
    from verify.language.claims import Claim
    from verify.runner.verdicts import Result

_EXPECTATIONS = ("holds", "proved", "refuted", "open")
_KEYWORDS = ("tight", "upper", "lower", "false", "open")


_CREW: pytest.StashKey[Crew] = pytest.StashKey()
"""The process that checks the session's claims."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options and the ini key."""
    group = parser.getgroup("verify", "claims about loss landscapes")
    group.addoption(
        "--verify", action="append", default=[], metavar="PATH", help="a file or folder of claims; each claim is a test"
    )
    group.addoption("--verify-no-cache", action="store_true", help="check again what an earlier run has already decided")
    group.addoption("--verify-profile", metavar="NAME", default=None, help="how much to test: dev, ci or deep")
    group.addoption(
        "--verify-time-limit", metavar="SECONDS", type=seconds, default=None, help="processor time of one claim (then it fails)"
    )
    group.addoption("--verify-seed", metavar="N", type=int, default=None, help="random seed of the claims' instances")
    parser.addini("verify_paths", "files and folders of claims; each claim is a test", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and let pytest visit the claim files."""
    config.addinivalue_line("markers", "verify: a claim checked by the verifier")
    for name in _EXPECTATIONS:
        config.addinivalue_line("markers", f"verify_expects_{name}: a claim with this expectation")
    for name in _KEYWORDS:
        config.addinivalue_line("markers", f"verify_{name}: a claim with this keyword")
    named = _named(config)
    if not named:
        return
    missing = [p for p in named if not p.exists()]
    if missing:
        raise pytest.UsageError(f"verify: {missing[0]}: no such file or folder: check verify_paths and --verify")
    from_command_line = {_absolute(config, p) for p in config.getoption("verify")}
    chosen_by_hand = config.args_source is pytest.Config.ArgsSource.ARGS
    visited = [_absolute(config, arg.partition("::")[0]) for arg in config.args]
    for path in named:
        wanted = path in from_command_line or not chosen_by_hand
        if wanted and not any(path.is_relative_to(place) for place in visited):
            config.args.append(str(path))
            visited.append(path)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process that checked claims, if there is one."""
    if _CREW in config.stash:
        config.stash[_CREW].close()


def _absolute(config: pytest.Config, path: str | Path) -> Path:
    return Path(os.path.abspath(config.invocation_params.dir / path))


def _named(config: pytest.Config) -> list[Path]:
    """The claim files and folders that the user named, absolute."""
    paths: Iterable[str | Path] = [*config.getini("verify_paths"), *config.getoption("verify")]
    return list(dict.fromkeys(_absolute(config, p) for p in paths))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A collector for a file that the user named, or that lies in a folder the user named."""
    if file_path.suffix != ".py":
        return None
    named = _named(parent.config)
    if file_path in named:
        return ClaimFile.from_parent(parent, path=file_path)
    inside = any(place in file_path.parents for place in named)
    helper = file_path.name.startswith(("_", ".", "test_")) or file_path.name == "conftest.py"
    return ClaimFile.from_parent(parent, path=file_path) if inside and not helper else None


class ClaimFile(pytest.File):
    """A file of claims."""

    def collect(self) -> Iterator[ClaimItem]:
        """One item a claim; a file that does not import is a collection error."""
        from verify.runner.loading import load_file

        loaded = load_file(self.path)
        for problem in loaded.problems:
            raise self.CollectError(f"{problem.location}: error: {problem.message}")
        for _, location, message in loaded.duplicates:
            raise self.CollectError(f"{location}: error: {message}")
        for found in loaded.claims:
            yield ClaimItem.from_parent(self, name=found.claim.name, claim=found.claim, identifier=found.id)


class ClaimItem(pytest.Item):
    """One claim."""

    def __init__(self, *, claim: Claim, identifier: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.claim = claim
        self.identifier = identifier
        self.add_marker("verify")
        self.add_marker(f"verify_expects_{claim.expect.value.lower()}")
        if claim.keyword is not None:
            self.add_marker(f"verify_{claim.keyword.value}")
        # The mark as it is: asking for it by name again would warn of an unknown one a second time.
        written = getattr(claim.build, "pytestmark", [])
        self.own_markers.extend(written)
        self.keywords.update({mark.name: mark for mark in written})

    def runtest(self) -> None:
        """Check the claim; fail where its expectation is not met."""
        from verify.cli.checking import Plan
        from verify.cli.config import load_settings
        from verify.runner.extras import missing_extra
        from verify.runner.verdicts import Broken

        extra = missing_extra(self.claim)
        if extra is not None:
            pytest.skip(f"needs the extra {extra}: pip install 'lora-theory-verifier[{extra}]'")
        settings = load_settings(self.config.rootpath).with_profile(self.config.getoption("verify_profile"))
        settings = settings.with_time_limit(self.config.getoption("verify_time_limit"))
        seed = self.config.getoption("verify_seed")
        cache = not self.config.getoption("verify_no_cache")
        plan = Plan(settings.profile, settings.seed if seed is None else seed, cache=cache)
        result = self._checked(plan)
        if isinstance(result.payload, Broken) and result.payload.raised == "Skipped":  # pytest.skip() in the claim's own code
            pytest.skip(result.payload.message)
        self.user_properties += [("verdict", result.verdict.value), ("evidence", result.summary)]
        if not result.met:
            raise Unmet(result, plan.profile.name, plan.seed)

    def _checked(self, plan: Plan) -> Result:
        """The result, from a process of its own: no claim ends the session or holds it up. Under a debugger, from this one."""
        from verify.cli.checking import check_one
        from verify.cli.crew import Crew
        from verify.cli.worker import at_hand
        from verify.runner.loading import Found

        if self.config.getoption("usepdb"):
            return check_one(self.claim, self.identifier, plan)
        if _CREW not in self.config.stash:
            at_hand([Found(item.identifier, item.claim) for item in self.session.items if isinstance(item, ClaimItem)])
            self.config.stash[_CREW] = Crew(1)
        (result,) = self.config.stash[_CREW].check([Found(self.identifier, self.claim)], plan)
        return result

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The counterexample first; a traceback only for what is not about the claim."""
        from verify.cli.main import UsageError

        if isinstance(excinfo.value, Unmet):
            return explain(self.claim, self.nodeid, excinfo.value)
        if isinstance(excinfo.value, UsageError):
            return f"error: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the claim stands."""
        return self.path, max(self.claim.line - 1, 0), self.name


class Unmet(Exception):
    """A claim that is not as its author expects."""

    def __init__(self, result: Result, profile: str, seed: int) -> None:
        super().__init__(f"expected {result.expect.value}, got {result.verdict.value}: {result.summary}")
        self.result = result
        self.profile = profile
        self.seed = seed


def explain(claim: Claim, nodeid: str, unmet: Unmet) -> str:
    """The failure's text: evidence, what was claimed, code to keep the example, the command to reproduce."""
    from verify.runner.examples import example_code
    from verify.runner.verdicts import Refuted, Verdict, describe

    result = unmet.result
    evidence = describe(result.payload)
    if result.verdict is Verdict.ERROR:
        return evidence
    heading = {Verdict.REFUTED: "counterexample, ", Verdict.CANDIDATE: "counterexample in floating point only, "}
    outcome = f"expected {result.expect.value}, got {result.verdict.value}"
    if result.verdict in heading:
        lines = [f"{heading[result.verdict]}{evidence}", "", outcome]
    else:
        lines = [f"{outcome}: {evidence}", ""]
    lines += [claim.title or claim.name]
    lines += [f"  {line}" for line in _statement(claim, result)]
    code = example_code(result.certificate) if isinstance(result.payload, Refuted) else None
    if code is not None:
        lines += ["", "To try this instance first from now on, paste below @claim (from hypothesis import example):"]
        lines += [f"    {code}"]
    seed = f" --seed {unmet.seed}" if unmet.seed else ""
    profile = "" if unmet.profile == "dev" else f" --profile {unmet.profile}"
    return "\n".join([*lines, "", f"Reproduce: verify run {nodeid}{profile}{seed}"])


def _statement(claim: Claim, result: Result) -> list[str]:
    """The claim as the verifier reads it; nothing where reading it may be what took too long."""
    from verify.cli.crew import OUT_OF_TIME
    from verify.runner.faults import elaborated
    from verify.runner.verdicts import Broken

    if result.summary.startswith(OUT_OF_TIME):
        return []
    formula = elaborated(claim)
    return [] if isinstance(formula, Broken) else formula.text.splitlines()
