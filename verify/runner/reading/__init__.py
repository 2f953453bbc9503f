"""The independent gate before any verdict: what the author's own objects say, against what the verifier read.

Main definitions: `read`, `Reading`.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.language.claims import Claim
from verify.language.formulas import Formula
from verify.runner.reading.gate import check_reading
from verify.runner.reading.sides import ReadingError

__all__ = ["Reading", "ReadingError", "read"]


@dataclass(frozen=True)
class Reading:
    """A claim as it was read.

    Attributes:
        formula: the elaborated claim.
        unread: which of its expressions could not be compared with the author's objects, if any: then nothing is said of it.
    """

    formula: Formula
    unread: str | None = None


def read(claim: Claim) -> Reading:
    """Elaborate a claim, twice, and compare what was read with its author's own objects.

    Raises:
        ClaimError: if the claim is broken, is another one the second time, or was read differently than it is written.
    """
    formula, again = claim.formula(), claim.formula()
    if formula.to_json() != again.to_json():
        raise ReadingError(
            "the claim is another one each time its function is called: let it depend on nothing that changes (random numbers, "
            "counters, files)"
        )
    return Reading(formula, check_reading(formula))
