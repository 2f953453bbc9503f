"""Does a certificate speak of a given claim? The claim is elaborated again and the trees are compared, node by node.

Main definitions: `mismatch`. Trees, not hashes (design §4, kernel): what differs can be shown.
"""

from __future__ import annotations

import json
from typing import Any

from verify.language.formulas import Formula
from verify.language.serial import Json


def mismatch(certificate: Json, formula: Formula) -> tuple[str, str] | None:
    """Where a certificate's claim first differs from a formula's, as (place, what); None if they are the same.

    Args:
        certificate: a certificate that the kernel accepted.
        formula: the claim, elaborated from its Python text.
    """
    if formula.source is not None:
        return "claim", "the claim is about given data, which no certificate carries"
    ours = json.loads(json.dumps(formula.to_json()))
    return _differs(certificate["claim"], ours, "claim")


def _differs(theirs: Any, ours: Any, place: str) -> tuple[str, str] | None:
    if type(theirs) is not type(ours):
        return place, _both(theirs, ours)
    if isinstance(ours, dict):
        if set(theirs) != set(ours):
            return place, _both(sorted(theirs), sorted(ours))
        parts = ((theirs[k], ours[k], f"{place}.{k}") for k in ours)
    elif isinstance(ours, list):
        if len(theirs) != len(ours) or theirs[:1] != ours[:1]:
            return place, _both(theirs, ours)
        parts = ((x, y, f"{place}[{i}]") for i, (x, y) in enumerate(zip(theirs, ours, strict=True)))
    else:
        return None if theirs == ours else (place, _both(theirs, ours))
    return next((found for part in parts if (found := _differs(*part)) is not None), None)


def _both(theirs: Any, ours: Any) -> str:
    return f"the certificate has {_short(theirs)}, the claim {_short(ours)}"


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 60 else shown[:57] + "…"
