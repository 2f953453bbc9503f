"""Results of earlier runs: taken over where nothing changed, never where anything did or a certificate is not accepted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from verify import claim, equal, frobenius, le, lora, lt, nuclear
from verify.cli.cache import key_of, prune, recall, remember
from verify.cli.checking import Plan, check_one
from verify.language.quantifiers import forall
from verify.runner.profiles import PROFILES
from verify.runner.verdicts import Held, Proved, Refuted, Verdict

s = lora()
SMALL = replace(PROFILES["dev"], instances=300)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERIFY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@claim
def balance() -> Any:
    """Proved."""
    return forall(s, given=[s.fosp(), lt(0, s.decay)], then=equal(s.A.T * s.A, s.B.T * s.B))


@claim
def norms() -> Any:
    """Held."""
    return forall(s, then=le(nuclear(s.X), frobenius(s.A) * frobenius(s.B)))


@claim
def false() -> Any:
    """Refuted."""
    return forall(s, then=le(nuclear(s.X), frobenius(s.X)))


@pytest.mark.parametrize(("made", "kind"), [(balance, Proved), (norms, Held), (false, Refuted)])
def test_a_second_run_takes_over_the_whole_payload(made: Any, kind: type) -> None:
    first = check_one(made, "m.c", Plan(SMALL, 0))
    again = check_one(made, "m.c", Plan(SMALL, 0))
    assert (first.cached, again.cached) == (False, True)
    assert isinstance(again.payload, kind)
    assert again.payload == first.payload


def test_what_was_decided_within_one_time_limit_is_so_within_another() -> None:
    check_one(norms, "m.c", Plan(SMALL, 0))
    assert check_one(norms, "m.c", Plan(replace(SMALL, time_limit=1.0), 0)).cached


def test_profile_seed_name_and_no_cache_each_ask_again() -> None:
    check_one(norms, "m.c", Plan(SMALL, 0))
    changed = [
        check_one(norms, "m.c", Plan(SMALL, 1)),
        check_one(norms, "m.d", Plan(SMALL, 0)),
        check_one(norms, "m.c", Plan(replace(SMALL, instances=301), 0)),
        check_one(norms, "m.c", Plan(SMALL, 0, cache=False)),
        check_one(false, "m.c", Plan(SMALL, 0)),
    ]
    assert not any(r.cached for r in changed)
    assert check_one(norms, "m.c", Plan(SMALL, 0)).cached


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"digest": 1}', '{"digest": "x", "payload": {"kind": "held"}}'])
def test_a_corrupt_entry_is_no_entry(damage: str, folder: Path) -> None:
    check_one(norms, "m.c", Plan(SMALL, 0))
    (entry,) = folder.iterdir()
    entry.write_text(damage)
    result = check_one(norms, "m.c", Plan(SMALL, 0))
    assert (result.cached, result.verdict) == (False, Verdict.HELD)


def forge(folder: Path, change: Any) -> None:
    """Change an entry and give it a right digest."""
    (path,) = folder.iterdir()
    payload = json.loads(path.read_text())["payload"]
    change(payload)
    digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({"digest": digest, "payload": payload}))


def test_a_refutation_counts_only_with_a_certificate_that_the_kernel_accepts(folder: Path) -> None:
    check_one(false, "m.c", Plan(SMALL, 0))
    forge(folder, lambda p: p["certificate"]["values"].update(A=[["0"]], B=[["0"]]))
    key = key_of(false.formula(), "m.c", SMALL, 0)
    assert recall(key, false.formula()) is None


def test_a_certificate_of_another_claim_proves_nothing(folder: Path) -> None:
    proof = check_one(balance, "m.c", Plan(SMALL, 0)).payload
    key = key_of(false.formula(), "m.c", SMALL, 0)
    remember(key, proof)
    assert recall(key, false.formula()) is None
    assert recall(key, balance.formula()) == proof


def test_the_oldest_entries_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    import verify.cli.cache as cache

    monkeypatch.setattr(cache, "_KEPT", 2)
    folder.mkdir()
    for age, name in enumerate(("new", "middle", "old")):
        (folder / f"{name}.json").write_text("{}")
        os.utime(folder / f"{name}.json", (1000 - age, 1000 - age))
    prune()
    assert sorted(p.stem for p in folder.iterdir()) == ["middle", "new"]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("VERIFY_CACHE_DIR", str(blocker / "inside"))
    assert check_one(norms, "m.c", Plan(SMALL, 0)).verdict is Verdict.HELD
