"""What exceptions say, made fit to print: nothing that foreign code puts into one is trusted.

Main definitions: `said`, `plain`, `kind_of`.
"""

from __future__ import annotations


def said(error: BaseException) -> str:
    """An exception's message on one line, in printable characters."""
    try:
        return plain(str(error))
    except BaseException:  # a __str__ of the user's own
        return "its message cannot be shown"


def kind_of(error: BaseException) -> str:
    """The name of an exception's class."""
    return plain(type.__dict__["__name__"].__get__(type(error)))


def plain(text: str) -> str:
    """Text on one line, characters that are not printable written as escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))
