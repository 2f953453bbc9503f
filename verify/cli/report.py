"""`verify report RESULTS.json`: the results as a static site, an appendix and a LaTeX table."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from verify.cli.diff import load_results
from verify.cli.files import require_parent, write_atomically
from verify.cli.main import OK, UsageError
from verify.kernel import check as kernel_check
from verify.report.figures import available, figures
from verify.report.site import site


def report(arguments: argparse.Namespace) -> int:
    """Carry out the command."""
    document = load_results(arguments.results)
    out = Path(arguments.out)
    require_parent(out)
    for row in document["claims"]:
        _require_accepted(row, arguments.results)
    write_site(document, out)
    return OK


def _require_accepted(row: MutableMapping[str, Any], path: str) -> None:
    """A page must not say PROVED or REFUTED above a certificate that does not hold, and shows what the kernel says of it."""
    certificate = row.get("certificate_content")
    if certificate is None:
        if row["verdict"] in ("PROVED", "REFUTED"):
            raise UsageError(f"{path}: {row['id']} is {row['verdict']} without a certificate: run the claim again")
        return
    checked = kernel_check(certificate)
    if not checked.accepted or certificate.get("verdict") != row["verdict"]:
        reason = checked.message if not checked.accepted else f"it is about {certificate.get('verdict')}"
        raise UsageError(f"{path}: the certificate of {row['id']} is rejected ({reason}): run the claim again")
    row["statement"] = checked.statement
    if checked.rule == "identity":
        row["scope"] = checked.scope


def write_site(document: Mapping[str, Any], out: Path) -> None:
    """Write all files, the index last, and say where it is.

    Raises:
        UsageError: if the folder cannot be written.
    """
    files = site(document, figures() if available() else ())
    try:
        for path in sorted(files, key=lambda p: p == "index.html"):
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(out / path, files[path])
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}): choose another folder") from None
    print(f"report: {out / 'index.html'}")
