"""A counterexample (or witness) that is kept beside a claim's file, in `counterexamples/ID.json`, replayed before any search.

Main definitions: `known_verdict`. The file counts only if it carries exactly the claim's tree and the kernel
accepts it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from verify.certificates.binding import mismatch
from verify.kernel import check as kernel_check
from verify.kernel import decide
from verify.language.claims import Claim
from verify.language.formulas import Formula, Quantifier
from verify.runner.exact_reading import briefly, show_instance
from verify.runner.verdicts import Coverage, Proved, Refuted
from verify.search.recorded import recorded_instance

FOLDER = "counterexamples"
IN_A_BOX = " (a point in a box around this one)"


def known_verdict(claim: Claim, identifier: str, formula: Formula) -> Proved | Refuted | None:
    """The verdict that a kept certificate gives; None where there is none, or it does not settle the claim of today.

    Args:
        claim: the claim; its file says where to look.
        identifier: the claim's id, the certificate's file name.
        formula: the claim, elaborated.
    """
    path = Path(claim.file).parent / FOLDER / f"{identifier}.json"
    if formula.source is not None or not claim.file or not path.is_file():
        return None
    try:
        certificate = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not kernel_check(certificate).accepted or certificate["kind"] == "identity" or mismatch(certificate, formula):
        return None
    shown, comparison = described(certificate, formula)
    if formula.quantifier is Quantifier.EXISTS:
        return Proved("one instance", shown, certificate)
    return Refuted(shown, comparison, certificate, Coverage(n=1, n_active=1, exact=1))


def described(certificate: Any, formula: Formula) -> tuple[str, tuple[str, str, str] | None]:
    """The instance of an accepted certificate in the claim's notation, and the comparison that fails."""
    instance = recorded_instance(certificate, formula)
    assert instance is not None
    claim, dims, values, root = (certificate.get(k) for k in ("claim", "dims", "values", "root"))
    decision = decide(claim, dims, values, certificate.get("bits", 128), certificate.get("steps", 0), root)
    if root is not None:
        return show_instance(briefly(instance, formula), formula) + IN_A_BOX, decision.comparison
    return show_instance(instance, formula), decision.comparison
