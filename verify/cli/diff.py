"""`verify diff OLD.json NEW.json`: which verdicts changed between two runs."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verify.cli.main import OK, UNMET, UsageError

_HASH = re.compile("[0-9a-f]{64}")


def diff(arguments: argparse.Namespace) -> int:
    """One line for each difference; exits with 0 if there is none."""
    old, new = (_by_id(load_results(p)["claims"]) for p in (arguments.old, arguments.new))
    lines = [f"removed   {i}  was {old[i]['verdict']}" for i in old if i not in new]
    lines += [f"added     {i}  {new[i]['verdict']}" for i in new if i not in old]
    for identifier in (i for i in new if i in old):
        was, now = old[identifier], new[identifier]
        if was["verdict"] != now["verdict"] or was["met"] != now["met"]:
            tail = "" if now["met"] else f"  (expected {now['expect']})"
            lines.append(f"changed   {identifier}  {was['verdict']} → {now['verdict']}{tail}")
        elif was["scope"] != now["scope"]:
            lines.append(f"changed   {identifier}  {now['verdict']}: {was['scope']} → {now['scope']}")
        elif _differ(_statement_hash(was), _statement_hash(now)):
            lines.append(f"restated  {identifier}  {now['verdict']}: the statement changed")
    for line in lines:
        print(line)
    print(f"{len(lines)} differences" if lines else f"no verdict changed among {len(new)} claims")
    return UNMET if lines else OK


def _by_id(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Rows by id; files of one name in two folders give claims of one id, which are told apart by their order."""
    found: dict[str, Mapping[str, Any]] = {}
    seen: Counter[str] = Counter()
    for row in rows:
        name = row["id"]
        seen[name] += 1
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = row
    return found


def _statement_hash(row: Mapping[str, Any]) -> str | None:
    """The hash of a claim's tree; a state file, and earlier versions, keep it under `statement`."""
    if "statement_hash" in row:
        return row["statement_hash"]  # type: ignore[no-any-return]
    kept = row.get("statement")
    return kept if isinstance(kept, str) and _HASH.fullmatch(kept) else None


def _differ(was: str | None, now: str | None) -> bool:
    return was is not None and now is not None and was != now


def load_results(path: str) -> Any:
    """The document that `verify run --json` wrote.

    Raises:
        UsageError: if the file cannot be read or is something else.
    """
    try:
        document = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened ({error.strerror}): check the path") from None
    except ValueError:
        raise UsageError(f"{path}: not JSON: give a file written by `verify run --json`") from None
    rows = document.get("claims") if isinstance(document, dict) and document.get("schema") == 1 else None
    needed = {"id", "expect", "verdict", "met", "scope", "reason"}
    if not isinstance(rows, list) or not all(isinstance(row, dict) and needed <= set(row) for row in rows):
        raise UsageError(f"{path}: not the results of a run: give a file written by `verify run --json`")
    return document
