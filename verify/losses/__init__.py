"""Families of losses: formulas with samplers for their data.

Main definitions: `FAMILIES`, `Family`, `Problem`. Nothing heavy is imported until a name is used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME_OF = {
    "FAMILIES": "verify.losses.families",
    "Family": "verify.losses.families",
    "Problem": "verify.losses.problem",
}

__all__ = [*sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'verify.losses' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
