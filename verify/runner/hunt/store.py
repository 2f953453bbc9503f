"""The state of a hunt in an SQLite file: every finished unit and what it found, written as it goes.

Main definitions: `Store`, `recorded_certificates`. Units are independent and seeded by their number, so that the list of
finished ones is the whole random state: after a `kill -9` only units in flight are done again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from verify._version import __version__
from verify.runner.hunt.records import Candidate, Found, Seen, Unit
from verify.runner.reach import Reach
from verify.runner.weighing import Counts

_TABLES = """
CREATE TABLE IF NOT EXISTS hunt (fingerprint TEXT PRIMARY KEY, id TEXT, seed INTEGER, claim TEXT);
CREATE TABLE IF NOT EXISTS units (
    fingerprint TEXT, strategy TEXT, number INTEGER, n INTEGER, n_active INTEGER, n_undecided INTEGER, margin REAL,
    seconds REAL, candidate TEXT, found TEXT, reach TEXT, counts TEXT,
    PRIMARY KEY (fingerprint, strategy, number));
"""
_FORMAT = 3
"""What units mean; units of another format are done again."""


class Store:
    """One hunt's part of a state file; a hunt is known by its claim's tree, its seed and the program's version."""

    def __init__(self, path: Path, identifier: str, claim: Any, seed: int) -> None:
        self.path = path
        text = json.dumps(claim, ensure_ascii=False, sort_keys=True)
        self.fingerprint = hashlib.sha256(f"{__version__}\n{_FORMAT}\n{seed}\n{identifier}\n{text}".encode()).hexdigest()[:32]
        self.database = sqlite3.connect(path, isolation_level=None, timeout=30.0)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=NORMAL")
        self.database.executescript(_TABLES)
        present = {row[1] for row in self.database.execute("PRAGMA table_info(units)")}
        for column in sorted({"reach", "counts"} - present):
            self.database.execute(f"ALTER TABLE units ADD COLUMN {column} TEXT")
        self.database.execute("INSERT OR IGNORE INTO hunt VALUES (?, ?, ?, ?)", (self.fingerprint, identifier, seed, text))

    def record(self, unit: Unit, seen: Seen) -> None:
        """Write one finished unit; it is committed when this returns."""
        candidate = None if seen.candidate is None else json.dumps([seen.candidate.shown, seen.candidate.margin])
        found = None if seen.found is None else json.dumps(_found_to_json(seen.found), ensure_ascii=False)
        reach = json.dumps([seen.reach.to_json(), dict(seen.dropped)], ensure_ascii=False)
        row = (self.fingerprint, unit.strategy, unit.number, seen.n, seen.n_active, seen.n_undecided, seen.margin, seen.seconds)
        counts = json.dumps([seen.counts(), seen.stopped_early])
        self.database.execute(
            "INSERT OR REPLACE INTO units (fingerprint, strategy, number, n, n_active, n_undecided, margin, seconds, "
            "candidate, found, reach, counts) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (*row, candidate, found, reach, counts),
        )

    def finished(self) -> dict[Unit, Seen]:
        """What earlier runs of this hunt did."""
        rows = self.database.execute(
            "SELECT strategy, number, margin, seconds, candidate, found, reach, counts FROM units "
            "WHERE fingerprint = ? ORDER BY strategy, number",
            (self.fingerprint,),
        )
        done: dict[Unit, Seen] = {}
        for strategy, number, margin, seconds, candidate, found, told, counted in rows:
            reach, dropped = json.loads(told)
            counts, stopped_early = json.loads(counted)
            done[Unit(strategy, number)] = Seen.of(
                Counts(**counts),
                margin=margin,
                found=None if found is None else _found_from_json(json.loads(found)),
                candidate=None if candidate is None else Candidate(*json.loads(candidate)),
                seconds=seconds,
                dropped=dropped,
                reach=Reach.from_json(reach),
                stopped_early=stopped_early,
            )
        return done

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def _found_to_json(found: Found) -> Any:
    return [found.certificate, found.shown, list(found.lines), None if found.comparison is None else list(found.comparison)]


def _found_from_json(data: Any) -> Found:
    certificate, shown, lines, comparison = data
    return Found(certificate, shown, tuple(lines), None if comparison is None else tuple(comparison))


def recorded_certificates(path: Path) -> Iterator[Any]:
    """The certificates in a state file of any claim; a file that is not one gives nothing."""
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)
        try:
            rows = database.execute("SELECT found FROM units WHERE found IS NOT NULL LIMIT 500").fetchall()
        finally:
            database.close()
    except sqlite3.Error:
        return
    for (text,) in rows:
        yield json.loads(text)[0]
