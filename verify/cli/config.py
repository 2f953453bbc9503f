"""`[tool.verify]` of `pyproject.toml`: what to check, how much to test, and the seed.

Main definitions: `Settings`, `load_settings`, `profile_named`, `collect_here`.

    [tool.verify]
    paths = ["claims"]      # checked where nothing is named; relative to the file
    profile = "ci"          # dev, ci or deep
    seed = 0
    jobs = 2
    time_limit = 60         # seconds of processor time for one claim
    [tool.verify.budget]    # single fields of the profile
    instances = 20000
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from verify.cli.main import UsageError
from verify.runner.loading import Collected, collect
from verify.runner.profiles import PROFILES, Profile

_BUDGET = tuple(f.name for f in fields(Profile) if f.name != "name")
_SECONDS = ("safety_seconds", "time_limit")


@dataclass(frozen=True)
class Settings:
    """What the configuration says; the defaults where it says nothing.

    Attributes:
        paths: files and folders of claims.
        profile: the profile with the budget's overrides.
        seed: the random seed.
        jobs: claims checked at once; None for all cores.
        file: the configuration file, if there is one with a `[tool.verify]` table.
        budget: the fields of the profile that it overrides.
    """

    paths: tuple[Path, ...] = ()
    profile: Profile = PROFILES["dev"]
    seed: int = 0
    jobs: int | None = None
    file: Path | None = None
    budget: tuple[tuple[str, Any], ...] = ()

    def with_profile(self, name: str | None) -> Settings:
        """Another profile, the budget kept.

        Raises:
            UsageError: if no profile has this name.
        """
        return self if name is None else replace(self, profile=replace(profile_named(name), **dict(self.budget)))

    def with_time_limit(self, seconds: float | None) -> Settings:
        """Another time limit for each claim."""
        return self if seconds is None else replace(self, profile=replace(self.profile, time_limit=seconds))


def collect_here(selectors: Sequence[str]) -> Collected:
    """The claims that selectors name in the present folder, ids of claims in the configuration's paths among them.

    Raises:
        UsageError: for a broken configuration.
    """
    return collect(selectors, load_settings(Path.cwd()).paths)


def profile_named(name: str, where: str = "--profile") -> Profile:
    """The profile of a name.

    Raises:
        UsageError: with a suggestion, if there is none.
    """
    if name not in PROFILES:
        raise UsageError(f"{where}: the profile {name!r} is unknown: {_suggestion(name, list(PROFILES))}")
    return PROFILES[name]


def load_settings(folder: Path) -> Settings:
    """The settings of the nearest `pyproject.toml` at or above a folder.

    Raises:
        UsageError: `file: error` for broken TOML, unknown keys and values of the wrong kind.
    """
    for place in (folder, *folder.parents):
        file = place / "pyproject.toml"
        if file.is_file():
            return _read(file)
    return Settings()


def _read(file: Path) -> Settings:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not valid TOML ({error}): correct the file") from None
    table = document.get("tool", {}).get("verify")
    if table is None:
        return Settings()
    where = f"{file}: [tool.verify]"
    _known(table, ("paths", "profile", "seed", "jobs", "time_limit", "budget"), where)
    budget = _budget(table.get("budget", {}), f"{file}: [tool.verify.budget]")
    limit = _value(table, "time_limit", None, _positive, "a positive number of seconds", where)
    budget = budget if limit is None else (*budget, ("time_limit", limit))
    name = _value(table, "profile", "dev", lambda v: isinstance(v, str), "the name of a profile", where)
    paths = _value(table, "paths", [], _strings, "a list of files and folders, at least one", where)
    seed = _value(table, "seed", 0, lambda v: _whole(v) and v >= 0, "a whole number, at least 0", where)
    jobs = _value(table, "jobs", None, lambda v: _whole(v) and v >= 1, "a whole number, at least 1", where)
    profile = replace(profile_named(name, where), **dict(budget))
    return Settings(tuple(file.parent / p for p in paths), profile, seed, jobs, file, budget)


def _budget(table: Any, where: str) -> tuple[tuple[str, Any], ...]:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table of numbers: {', '.join(_BUDGET)}")
    _known(table, _BUDGET, where)
    for key, value in table.items():
        number = _whole(value) or (key in _SECONDS and isinstance(value, float))
        if not number or not value >= 1:
            kind = "a number" if key in _SECONDS else "a whole number"
            raise UsageError(f"{where}: {key} = {value!r}: must be {kind}, at least 1")
    return tuple(sorted(table.items()))


def _known(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in table:
        if key not in keys:
            raise UsageError(f"{where}: unknown key {key!r}: {_suggestion(key, keys)}")


def _suggestion(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}"


def _value(table: Mapping[str, Any], key: str, default: Any, accepts: Callable[[Any], bool], kind: str, where: str) -> Any:
    if key not in table:
        return default
    if not accepts(table[key]):
        raise UsageError(f"{where}: {key} = {table[key]!r}: must be {kind}")
    return table[key]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _positive(value: Any) -> bool:
    return (_whole(value) or isinstance(value, float)) and 0 < value < float("inf")


def _strings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)
