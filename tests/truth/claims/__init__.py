"""The claims, one topic a module."""

from __future__ import annotations

from importlib import import_module

TOPICS = ("norms", "objects", "texts", "hypotheses", "derivatives", "stationary", "landscape", "training", "existence")


def topics() -> list[object]:
    """The modules of all topics."""
    return [import_module(f".{name}", __name__) for name in TOPICS]
