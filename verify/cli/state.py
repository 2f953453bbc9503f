"""The state of a theory as a file to commit: verdict, scope and statement hash, so that its diff shows changed verdicts.

Main definitions: `state_of`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from verify.runner.verdicts import Proved, Result


def state_of(results: Sequence[Result]) -> bytes:
    """One line a claim, ordered by id; no timings, dates or margins."""
    rows = []
    for result in sorted(results, key=lambda r: r.id):
        row = {
            "id": result.id,
            "verdict": result.verdict.value,
            "scope": result.payload.scope if isinstance(result.payload, Proved) else None,
            "statement": None if result.about is None else result.about.statement_hash,
        }
        rows.append(json.dumps(row, ensure_ascii=False))
    return ('{"schema": 1, "claims": [\n' + ",\n".join(rows) + "\n]}\n").encode()
