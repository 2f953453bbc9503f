"""The command line of the modules that draw a picture: `python -m verify.points.analysis.picture FILE`.

Main definitions: `draw_from_command_line`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

_ENDINGS = (".png", ".svg", ".pdf")
_USAGE = 2
EXTRAS = {"plots": "matplotlib", "data": "sklearn"}
"""The module that each extra brings."""


def draw_from_command_line(draw: Callable[[str], None], module: str, extras: Sequence[str] = ("plots",)) -> int:
    """Draw into the file that the command line names; the exit code is 0, or 2 with one line that says what to do.

    Args:
        draw: writes the picture.
        module: how the program is called.
        extras: what must be installed.
    """
    problem = _problem(sys.argv[1:], module, extras)
    if problem is None:
        try:
            draw(sys.argv[1])
        except OSError as error:
            problem = f"{sys.argv[1]} cannot be written ({error.strerror}): choose another file"
    if problem is None:
        return 0
    print(f"error: {problem}", file=sys.stderr)
    return _USAGE


def _problem(words: Sequence[str], module: str, extras: Sequence[str]) -> str | None:
    """What keeps the picture from being drawn, found before any work."""
    if len(words) != 1:
        return f"{len(words)} files are named: give one, as in python -m {module} picture.png"
    path = Path(words[0])
    if path.suffix.lower() not in _ENDINGS:
        return f"{path} is no picture: choose a name that ends in {', '.join(_ENDINGS)}"
    if not path.resolve().parent.is_dir():
        return f"{path} cannot be written, its folder does not exist: make it first"
    missing = [extra for extra in extras if find_spec(EXTRAS[extra]) is None]
    if missing:
        return f"the extra {missing[0]} is not installed: pip install 'lora-theory-verifier[{missing[0]}]'"
    return None
