"""Sources of instances: samplers, constructed stationary points, trajectories, data sets, and the point finder.

`find` gives the second-order stationary points of thousands of problems at once; nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME_OF = {
    "Effort": "verify.points.finder.work",
    "Points": "verify.points.finder.result",
    "Start": "verify.points.finder.starts",
    "Status": "verify.points.finder.result",
    "factors_of": "verify.points.finder.gauge",
    "find": "verify.points.finder.finder",
    "find_streamed": "verify.points.finder.finder",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'verify.points' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
