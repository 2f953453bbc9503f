"""Results of earlier runs, by claim tree, version, profile and seed.

Main definitions: `key_of`, `recall`, `remember`, `prune`.

Implementation notes
    An entry is taken over only if its digest is right; PROVED and REFUTED moreover only if the kernel accepts the stored
    certificate again and the certificate is about the claim's present tree. Anything else counts as no entry.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from verify._version import __version__
from verify.cli.files import write_atomically
from verify.kernel import check as kernel_check
from verify.language.formulas import Formula
from verify.runner.about import statement_hash
from verify.runner.profiles import Profile
from verify.runner.reach import Reach
from verify.runner.verdicts import Coverage, Held, Payload, Proved, Refuted

_SCHEMA = 1
_KEPT = 4_000
_LIBRARIES = ("numpy", "scipy", "sympy", "mpmath", "hypothesis", "python-flint", "clarabel", "scikit-learn")


def cache_folder() -> Path | None:
    """Where entries lie: `$VERIFY_CACHE_DIR`, else under `$XDG_CACHE_HOME` or `~/.cache`; None if the variable is empty."""
    chosen = os.environ.get("VERIFY_CACHE_DIR")
    if chosen is not None:
        return Path(chosen) if chosen else None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lora-theory-verifier"


def key_of(formula: Formula, identifier: str, profile: Profile, seed: int) -> str | None:
    """The entry's name; None for claims whose outcome hangs on more than their tree."""
    if formula.witness is not None:
        return None
    parts = [
        _SCHEMA,
        __version__,
        _program(),
        statement_hash(formula),
        # The random numbers of a claim follow from the seed and its name.
        identifier.rsplit(".", 1)[-1],
        {name: value for name, value in asdict(profile).items() if name != "time_limit"},  # what was decided stays so
        seed,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def _program() -> str:
    """A fingerprint of the installed program and of the libraries that its numbers come from."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        if file.relative_to(package).parts[0] not in ("cli", "report"):  # these show verdicts and have no part in them
            digest.update(file.read_bytes())
    libraries = [_installed(name) for name in _LIBRARIES]
    return repr([digest.hexdigest(), platform.python_version(), platform.machine(), libraries])


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def recall(key: str | None, formula: Formula) -> Payload | None:
    """The stored payload, if there is one that still stands."""
    folder = cache_folder()
    if key is None or folder is None:
        return None
    try:
        entry = json.loads((folder / f"{key}.json").read_bytes())
        if entry["digest"] != _digest(entry["payload"]):
            return None
        payload = _decoded(entry["payload"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return payload if _stands(payload, formula) else None


def _stands(payload: Payload, formula: Formula) -> bool:
    if not isinstance(payload, Proved | Refuted):
        return True
    certificate = payload.certificate
    verdict = "PROVED" if isinstance(payload, Proved) else "REFUTED"
    same = isinstance(certificate, dict) and certificate.get("verdict") == verdict
    return same and certificate.get("claim") == _plain(formula.to_json()) and kernel_check(certificate).accepted


def _plain(document: Any) -> Any:
    return json.loads(json.dumps(document))


def remember(key: str | None, payload: Payload) -> None:
    """Store what a later run would find again; a folder that cannot be written is no error."""
    folder = cache_folder()
    if key is None or folder is None or not isinstance(payload, Proved | Held | Refuted):
        return
    encoded = _plain(_encoded(payload))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        entry = {"digest": _digest(encoded), "payload": encoded}
        write_atomically(folder / f"{key}.json", json.dumps(entry, ensure_ascii=False).encode())
    except OSError:
        return


def prune() -> None:
    """Drop the oldest entries beyond the number that is kept."""
    folder = cache_folder()
    if folder is None or not folder.is_dir():
        return
    try:
        entries = sorted(folder.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    except OSError:
        return
    for entry in entries[_KEPT:]:
        entry.unlink(missing_ok=True)


def _digest(payload: Any) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()


def _encoded(payload: Proved | Held | Refuted) -> dict[str, Any]:
    kind = {Proved: "proved", Held: "held", Refuted: "refuted"}[type(payload)]
    fields = {name: getattr(payload, name) for name in payload.__dataclass_fields__ if name != "coverage"}
    coverage = getattr(payload, "coverage", None)
    return {"kind": kind, **fields, "coverage": None if coverage is None else _coverage(coverage)}


def _coverage(coverage: Coverage) -> dict[str, Any]:
    plain = {name: getattr(coverage, name) for name in ("n", "n_active", "n_undecided", "margin", "exact")}
    return {
        **plain,
        "cells": [[family, sizes, k] for (family, sizes), k in coverage.cells.items()],
        "branches": dict(coverage.branches),
        "ends": dict(coverage.ends),
        "margins": list(coverage.margins.items()),
        "reach": coverage.reach.to_json(),
    }


def _decoded(entry: dict[str, Any]) -> Payload:
    match entry["kind"]:
        case "proved":
            return Proved(entry["scope"], entry["detail"], entry["certificate"], entry["vacuous"], entry["note"])
        case "held":
            return Held(_coverage_of(entry["coverage"]), entry["engine"], entry["not_tested"], entry["scope"], entry["note"])
        case "refuted":
            sides = entry["comparison"]
            comparison = None if sides is None else (sides[0], sides[1], sides[2])
            coverage = _coverage_of(entry["coverage"])
            return Refuted(entry["counterexample"], comparison, entry["certificate"], coverage, entry["note"])
    raise ValueError(entry["kind"])


def _coverage_of(entry: dict[str, Any]) -> Coverage:
    return Coverage(
        entry["n"],
        entry["n_active"],
        entry["n_undecided"],
        entry["margin"],
        {(family, sizes): k for family, sizes, k in entry["cells"]},
        entry["exact"],
        entry["branches"],
        entry["ends"],
        dict(entry["margins"]),
        Reach.from_json(entry["reach"]),
    )
