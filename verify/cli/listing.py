"""`verify list`: the claims, without checking them."""

from __future__ import annotations

import argparse
import sys

from verify.cli.config import collect_here
from verify.cli.files import write_json
from verify.cli.main import OK, UNMET, USAGE
from verify.runner.faults import elaborated
from verify.runner.loading import Found
from verify.runner.verdicts import Broken


def _statement(found: Found) -> dict[str, object]:
    """The formula and its sizes; null where the claim is broken."""
    formula = elaborated(found.claim)
    if isinstance(formula, Broken):  # `verify run` says what it was
        return {"statement": None, "latex": None, "dims": None, "source": None}
    source = None if formula.source is None else str(formula.source)
    return {"statement": formula.text, "latex": formula.latex, "dims": list(formula.dims), "source": source}


def list_claims(arguments: argparse.Namespace) -> int:
    """Carry out the command."""
    collected = collect_here(arguments.selectors)
    for problem in collected.problems:
        print(f"{problem.location}: error: {problem.message}", file=sys.stderr)
    rows: list[dict[str, object]] = [
        {
            "id": f.id,
            "file": f.claim.file,
            "line": f.claim.line,
            "title": f.claim.title,
            "expect": f.claim.expect.value,
            "cite": f.claim.cite,
            "keyword": None if f.claim.keyword is None else f.claim.keyword.value,
            "uses": list(f.claim.uses),
            **(_statement(f) if arguments.json else {}),
        }
        for f in collected.claims
    ]
    if arguments.json:
        write_json(arguments.json, {"schema": 1, "claims": rows})
    width = max((len(str(row["id"])) for row in rows), default=0)
    for row in rows:
        print(f"{row['id']:<{width}}  {row['expect']:<8} {row['keyword'] or '-':<6} {row['title']}")
    if not rows:
        return USAGE
    return UNMET if collected.problems else OK
