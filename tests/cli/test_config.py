"""`[tool.verify]` in pyproject.toml."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from verify.cli.config import load_settings
from verify.cli.main import UsageError, main
from verify.runner.profiles import PROFILES, Profile

CLAIM = "from verify import *\ns = lora()\n@claim\ndef c():\n    return forall(s, given=[s.fosp(), lt(0, s.decay)], then={})\n"


def write(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_every_key_is_read_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = '[tool.verify]\npaths = ["claims"]\nprofile = "ci"\nseed = 7\njobs = 2\n[tool.verify.budget]\ninstances = 123\n'
    inner = write(tmp_path, text) / "a" / "b"
    inner.mkdir(parents=True)
    found = load_settings(inner)
    assert found.paths == (tmp_path / "claims",)
    assert found.profile == dataclasses.replace(PROFILES["ci"], instances=123)
    assert (found.seed, found.jobs) == (7, 2)
    assert found.with_profile("deep").profile == dataclasses.replace(PROFILES["deep"], instances=123)


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1\n", "[project]\nname = 'x'\n"])
def test_without_the_table_the_defaults_hold(text: str, tmp_path: Path) -> None:
    found = load_settings(write(tmp_path, text))
    assert found.profile == PROFILES["dev"]
    assert (found.paths, found.seed, found.jobs) == ((), 0, None)


def test_every_field_of_every_profile_is_pinned() -> None:
    assert list(PROFILES) == ["dev", "ci", "deep"]
    assert all(f.default is dataclasses.MISSING for f in dataclasses.fields(Profile))
    work = [f.name for f in dataclasses.fields(Profile) if f.name != "name"]
    for name in work:
        assert getattr(PROFILES["dev"], name) <= getattr(PROFILES["ci"], name) <= getattr(PROFILES["deep"], name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.verify]\nprofil = 'ci'\n", "unknown key 'profil': did you mean profile"),
        ("[tool.verify]\nzzz = 1\n", "unknown key 'zzz': use one of paths"),
        ("[tool.verify.budget]\ninstance = 5\n", "unknown key 'instance': did you mean instances"),
        ("[tool.verify]\nprofile = 'cii'\n", "the profile 'cii' is unknown: did you mean ci"),
        ("[tool.verify]\npaths = []\n", "paths = []: must be a list of files and folders, at least one"),
        ("[tool.verify]\nseed = -1\n", "seed = -1: must be a whole number, at least 0"),
        ("[tool.verify]\nseed = true\n", "seed = True: must be a whole number"),
        ("[tool.verify]\njobs = 0\n", "jobs = 0: must be a whole number, at least 1"),
        ("[tool.verify]\npaths = 'x'\n", "paths = 'x': must be a list"),
        ("[tool.verify]\ntime_limit = 0\n", "time_limit = 0: must be a positive number of seconds"),
        ("[tool.verify]\ntime_limit = inf\n", "time_limit = inf: must be a positive number of seconds"),
        ("[tool.verify]\ntime_limit = true\n", "time_limit = True: must be a positive number of seconds"),
        ("[tool.verify.budget]\ntime_limit = 0.5\n", "time_limit = 0.5: must be a number, at least 1"),
        ("[tool.verify]\nbudget = 3\n", "must be a table"),
        ("[tool.verify.budget]\ninstances = 1.5\n", "instances = 1.5: must be a whole number"),
        ("[tool.verify.budget]\nsafety_seconds = nan\n", "safety_seconds = nan: must be a number"),
        ("[tool.verify\n", "not valid TOML"),
    ],
)
def test_mistakes_are_errors_that_name_the_file(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        load_settings(write(tmp_path, text))
    assert str(tmp_path / "pyproject.toml") in str(caught.value)


def test_a_time_limit_stays_with_another_profile_and_an_option_wins(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, "[tool.verify]\ntime_limit = 7.5\n"))
    assert settings.profile.time_limit == 7.5
    assert settings.with_profile("deep").profile == dataclasses.replace(PROFILES["deep"], time_limit=7.5)
    assert settings.with_time_limit(3.0).profile.time_limit == 3.0
    assert settings.with_time_limit(None) == settings


def test_run_checks_the_configured_paths_and_options_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, '[tool.verify]\npaths = ["mine.py"]\n')
    (tmp_path / "mine.py").write_text(CLAIM.format("equal(s.A.T * s.A, s.B.T * s.B)"))
    monkeypatch.chdir(tmp_path)
    assert main(["run"]) == 0
    assert "mine.c" in capsys.readouterr().out
    assert main(["run", "first_order.balanced_of_stationary"]) == 0
    assert "mine.c" not in capsys.readouterr().out
    write(tmp_path, "[tool.verify]\nprofil = 'ci'\n")
    assert main(["run"]) == 2
    assert "did you mean profile?" in capsys.readouterr().err
