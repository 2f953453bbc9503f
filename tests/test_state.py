"""`reports/theory.json`, the committed state of the shipped theory, says what a run says today.

Regenerate it with `verify run --state reports/theory.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verify.cli.main import main
from verify.runner.about import statement_hash
from verify.runner.extras import missing_extra
from verify.runner.loading import Found, collect, shipped_folder

FILE = Path(__file__).parents[1] / "reports" / "theory.json"
REGENERATE = "regenerate the file with: verify run --state reports/theory.json"
TOPICS = sorted(p.stem for p in shipped_folder().glob("*.py") if not p.stem.startswith("_"))


def committed() -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in json.loads(FILE.read_text())["claims"]}


def shipped() -> list[Found]:
    return [f for f in collect([]).claims if missing_extra(f.claim) is None]


def test_the_committed_state_has_every_claim_with_its_present_statement() -> None:
    today = {f.id: statement_hash(f.claim.formula()) for f in shipped()}
    assert {i: row["statement"] for i, row in committed().items()} == today, REGENERATE


def test_every_committed_verdict_is_what_the_claim_expects() -> None:
    meets = {"HOLDS": {"PROVED", "HELD"}, "PROVED": {"PROVED"}, "REFUTED": {"REFUTED"}}
    state = committed()
    for found in shipped():
        allowed = meets.get(found.claim.expect.value)
        assert allowed is None or state[found.id]["verdict"] in allowed, found.id


@pytest.mark.slow
@pytest.mark.parametrize("topic", TOPICS)
def test_verdicts_and_scopes_are_those_of_a_run(topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An unchanged program has decided most claims before: its cache is as good as a second run (tests/cli/test_cache.py).
    monkeypatch.delenv("VERIFY_CACHE_DIR")
    fresh = tmp_path / "state.json"
    assert main(["run", topic, "--jobs", "1", "--state", str(fresh)]) == 0
    today = {row["id"]: row for row in json.loads(fresh.read_text())["claims"]}
    assert today == {i: row for i, row in committed().items() if i.startswith(f"{topic}.")}, REGENERATE
