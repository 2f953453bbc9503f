"""How a run is stopped from outside: a signal ends it as Ctrl-C does, a pipe that nobody reads ends it in silence.

Main definitions: `stopping_at_signals`, `nobody_reads`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


class Stopped(KeyboardInterrupt):
    """The system asks the program to end."""


@contextmanager
def stopping_at_signals() -> Iterator[None]:
    """Make a request to end (SIGTERM, a terminal that closes) the same as Ctrl-C: what is done is kept, no process is left."""
    owner = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            os._exit(128 + number)  # a copy that has not settled in yet
        if number != signal.SIGTERM:
            _terminal_is_gone()
        raise Stopped

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Whoever ignores one (nohup) means it; only the main thread may choose.
        with suppress(ValueError):
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
