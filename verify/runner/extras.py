"""Optional extras: a claim whose extra is not installed is listed as not collected, neither met nor unmet."""

from __future__ import annotations

from importlib.util import find_spec

from verify.language.claims import Claim
from verify.language.sources import Dataset, Training


def missing_extra(claim: Claim) -> str | None:
    """The name of the extra that a claim needs and that is not installed."""
    if isinstance(claim.source, Dataset | Training) and find_spec("sklearn") is None:
        return "data"
    return None
