"""How a run is stopped from outside: a signal ends it as Ctrl-C does, a pipe that nobody reads ends it in silence.

Main definitions: `stopping_at_signals`, `undisturbed`, `nobody_reads`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any


class _Held:
    """Whether a stop has to wait, and whether one waits."""

    depth = 0
    waiting = False


@contextmanager
def stopping_at_signals() -> Iterator[None]:
    """Make a request to end (SIGTERM, a terminal that closes) the same as Ctrl-C: what is done is kept, no process is left."""
    owner = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            os._exit(128 + number)  # a copy that has not settled in yet
        if number not in (signal.SIGTERM, signal.SIGINT):
            _terminal_is_gone()
        if _Held.depth and not _Held.waiting:
            _Held.waiting = True
            return
        raise KeyboardInterrupt

    before: dict[int, Any] = {}
    for name, usual in (("SIGTERM", signal.SIG_DFL), ("SIGHUP", signal.SIG_DFL), ("SIGINT", signal.default_int_handler)):
        number = getattr(signal, name, None)
        # Whoever ignores one (nohup) means it; only the main thread may choose.
        with suppress(ValueError):
            if number is not None and signal.getsignal(number) == usual:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let a first request to end wait until a row is printed and written whole; a second one does not wait."""
    _Held.depth += 1
    try:
        yield
    finally:
        _Held.depth -= 1
        waiting, _Held.waiting = _Held.waiting, False
    if waiting:
        raise KeyboardInterrupt


def _terminal_is_gone() -> None:
    """Let what is still said go nowhere, where it would have gone to the terminal."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for place in (1, 2):
        with suppress(OSError):
            # A terminal that has hung up is none any more, and cannot be written either.
            if os.isatty(place) or not _stands(place):
                os.dup2(nowhere, place)
    os.close(nowhere)


def _stands(place: int) -> bool:
    try:
        os.write(place, b"")
    except OSError:
        return False
    return True


def nobody_reads() -> None:
    """Let what is left in the buffers go nowhere, so that the end of the program says nothing about the pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
