"""Processes that work for a run: how they are started, and that none of them outlives it.

Main definitions: `processes`, `settle_in`.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

_PR_SET_PDEATHSIG = 1
_FIRST_TO_GO = "900"
"""Where memory runs out, Linux ends the process with the highest score: a worker, not the run."""


def processes() -> Any:
    """How processes are started: on Linux as copies, which have the claims at hand at once."""
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def settle_in(parent: int) -> None:
    """Make the present process one that works for another.

    It ends when its parent does, however that ends. Ctrl-C is the parent's to handle; other signals act as they do by default.

    Args:
        parent: the parent's process id.
    """
    with suppress(ValueError, AttributeError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with suppress(OSError):
        if sys.platform == "linux":
            with open("/proc/self/oom_score_adj", "w") as score:
                score.write(_FIRST_TO_GO)
    if not _tied_by_the_kernel():
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _tied_by_the_kernel() -> bool:
    """Ask Linux to end this process with its parent; False elsewhere."""
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
