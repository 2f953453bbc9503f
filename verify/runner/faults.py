"""Whose fault an exception is that ends the check of a claim, and the row that says so.

Main definitions: `outcome_of`, `elaborated`, `checked_formula`, `broken`.

Implementation notes
    What is raised in the user's files is the user's: an ERROR with the line. What is raised in the verifier's own files is the
    verifier's, unless it is a `ClaimError`: those speak of the claim (but for shapes that its code never saw). Libraries are
    neutral: who called them counts. Nothing an exception carries is trusted: its `__str__` may raise, its message may be
    endless or full of control characters.
"""

from __future__ import annotations

import os
import sysconfig
import traceback
from functools import lru_cache
from pathlib import Path

from verify.language.claims import Claim
from verify.language.errors import ClaimError, GateError, NoSource, ShapeError
from verify.language.formulas import Formula
from verify.runner.reading import read
from verify.runner.verdicts import Broken, Unknown
from verify.runner.wording import kind_of, said

_OURS = str(Path(__file__).resolve().parents[1])
_CALLS_THE_USER = str(Path(_OURS, "language", "claims.py"))
"""It does nothing but call a claim's function and look at what came back."""
_READS_VALUES = str(Path(_OURS, "search", "witnesses.py"))
"""It reads the values of examples and witnesses, which the user wrote."""
_LONGEST = 400
"""Characters of a foreign exception's message that are shown."""

Frame = tuple[str, int]
"""A file and a line in it."""


def outcome_of(error: BaseException, claim: Claim) -> Broken | Unknown:
    """What a claim's check comes to when an exception ends it: UNKNOWN where there is no source or gate for it, else ERROR."""
    return Unknown(said(error)) if _is_a(error, NoSource, GateError) else broken(error, claim)


def elaborated(claim: Claim) -> Formula | Broken:
    """A claim's formula, to be shown; or the ERROR row of what its code raises."""
    try:
        return read(claim).formula
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return broken(error, claim)


def checked_formula(claim: Claim) -> Formula | Broken | Unknown:
    """A claim's formula, to be judged: UNKNOWN where its reading could not be compared with what is written."""
    try:
        reading = read(claim)
        return reading.formula if reading.unread is None else Unknown(reading.unread)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return broken(error, claim)


def broken(error: BaseException, claim: Claim) -> Broken:
    """The ERROR row of an exception, with the traceback for those who ask for it."""
    message = one_line(error, claim) if _is_the_users(error, claim) else _our_fault(error)
    return Broken(location_of(error, claim), message, _whole(error), kind_of(error))


def location_of(error: BaseException, claim: Claim) -> str:
    """`file:line` of the last frame inside the claim's file, or of the claim."""
    for file, line in reversed(_frames(error)):
        if file == claim.file:
            return f"{file}:{line}"
    return place_of(claim)


def place_of(claim: Claim) -> str:
    """`file:line` of a claim; its name if it was not written in a file."""
    return f"{claim.file}:{claim.line}" if claim.file else claim.name


def one_line(error: BaseException, claim: Claim) -> str:
    """The message of an error of the user's, without line breaks; errors that are not about claims carry their type."""
    if _is_a(error, ClaimError):
        return said(error)
    if _is_a(error, SystemExit):
        return f"the claim's code ends the program ({_named(error)}): remove that call"
    return f"{_named(error)}{_elsewhere(error, claim)}: correct the claim's code"


def _named(error: BaseException) -> str:
    message = said(error)
    message = message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"
    kind = kind_of(error)
    return (message if message.startswith(f"{kind}: ") else f"{kind}: {message}") if message else kind


def _elsewhere(error: BaseException, claim: Claim) -> str:
    """Where a module of the user's own raised it, if that is not the claim's file."""
    users = [frame for frame in _frames(error) if not _is_ours(frame[0]) and not _in_a_library(frame[0])]
    return f" (in {Path(users[-1][0]).name}:{users[-1][1]})" if users and users[-1][0] != claim.file else ""


def _our_fault(error: BaseException) -> str:
    file, line = next(frame for frame in reversed(_frames(error)) if _is_ours(frame[0]))
    place = Path(file).relative_to(Path(_OURS).parent).as_posix()
    return f"a fault of the verifier: {_named(error)} ({place}:{line}): please report it, with what --debug shows"


def _is_the_users(error: BaseException, claim: Claim) -> bool:
    """Whether an error speaks of the claim, or the innermost frame that is not a library's is the user's."""
    if _is_a(error, ClaimError):
        return not _is_a(error, ShapeError) or _made_by_the_user(error, claim)
    for file, _ in reversed(_frames(error)):
        if file in (claim.file, _CALLS_THE_USER):
            return True
        if _is_ours(file) or not _in_a_library(file):
            return not _is_ours(file)
    return True


def _made_by_the_user(error: BaseException, claim: Claim) -> bool:
    """Whether shapes that do not fit are the claim's own: those of products that the verifier makes for itself are not."""
    return any(file in (claim.file, _READS_VALUES) for file, _ in _frames(error))


def _is_a(error: BaseException, *kinds: type[BaseException]) -> bool:
    return issubclass(type(error), kinds)  # isinstance would ask the object itself too


def _frames(error: BaseException) -> list[Frame]:
    try:
        return [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    except Exception:  # a class may hide it
        return []


def _is_ours(file: str) -> bool:
    return file.startswith(_OURS + os.sep)


@lru_cache(maxsize=512)
def _in_a_library(file: str) -> bool:
    """Whether a file is Python's or an installed package's, or no file at all."""
    places = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return file.startswith("<") or any(Path(file).is_relative_to(place) for place in places)


def _whole(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except BaseException:  # what it carries is the user's own
        return ""
