"""Names of variables as a reader sees them: two of one claim must not look alike, and none may hide what it is made of.

Main definitions: `require_readable`, `skeleton`.

Implementation notes
    A skeleton replaces each character by what it could be taken for: compatible forms (𝐀, ｘ, x₁), and a table of Latin, Greek
    and Cyrillic letters and of signs. Capitals that are drawn the same are alike (A Α А), and so are o ο о, v ν, u υ.
    Greek letters that a reader of mathematics tells from Latin ones are not (α a, κ k, ρ p, η n, χ x, ω w, γ y).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from verify.language.errors import ClaimError

RESERVED = "·"
"""Names of the program's own variables contain it."""

_PAIRS = (
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυκϲϳ", "ABEZHIKMNOPTYXoıvuκcj"),
    ("АВЕЅІЈКМНОРСТУХҮԌԚԜЗ", "ABESIJKMHOPCTYXYGQW3"),
    ("аеорсухѕіјһԁԛԝкґгӏвмн", "aeopcyxsijhdqwκrrlBMH"),
    ("ГЛПФѠѡєтпӀ", "ΓΛΠΦΩωετπI"),
    ("ıɩɑɡƒſʋᴠɛɣɸßʙɪʟɴʀ", "ııαgfsuvεγφβBILNR"),
    ("⋆∗★☆✱✶‐‑‒–—−∼′ʹ’‘ǀ∣", "******------~''''||"),
)
_TAKEN_FOR = {ord(one): other for left, right in _PAIRS for one, other in zip(left, right, strict=True)}
_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "MODIFIER")
_UNSEEN = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)}


def require_readable(names: Iterable[str]) -> None:
    """Refuse names that look alike, and those that cannot be seen for what they are.

    Args:
        names: of all variables and dimensions of one claim.

    Raises:
        ClaimError: with the two names, or the character.

    >>> require_readable(["A", "α", "a", "λ", "X⋆"])
    """
    seen: dict[str, str] = {}
    for name in names:
        _require_visible(name)
        other = seen.setdefault(skeleton(name), name)
        if other != name:
            raise ClaimError(f"the names {_told(other, name)} and {_told(name, other)} look alike: rename one of them")


def skeleton(name: str) -> str:
    """What a name looks like; names that could be taken for each other have the same.

    >>> skeleton("А") == skeleton("Α") == skeleton("A")
    True
    >>> skeleton("α") == skeleton("a")
    False
    """
    plain = unicodedata.normalize("NFKD", name.translate(_TAKEN_FOR)).translate(_TAKEN_FOR)
    return " ".join(plain.split())


def _require_visible(name: str) -> None:
    if not name.strip():
        raise ClaimError("a variable has a name that cannot be seen: give it a letter")
    if RESERVED in name:
        raise ClaimError(f"the name {ascii_name(name)} contains {RESERVED}, which is reserved: rename the variable")
    for character in name:
        what = f"the name {ascii_name(name)} contains {_code(character)}"
        if not character.isprintable() or ord(character) in _UNSEEN:
            raise ClaimError(f"{what}, which cannot be seen: rename the variable")
        if character.isalpha() and not _script_is_known(character):
            raise ClaimError(f"{what}, a letter that may be taken for another: use Latin, Greek or Cyrillic letters")


def _script_is_known(character: str) -> bool:
    plain = unicodedata.normalize("NFKC", character)
    return all(unicodedata.name(c, "").split(" ")[0].split("-")[0] in _SCRIPTS for c in plain if c.isalpha())


def ascii_name(name: str) -> str:
    """The name, with every character outside of ASCII by its number too."""
    return "".join(c if c.isascii() and c.isprintable() else _code(c) for c in name)


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _told(name: str, other: str) -> str:
    """The name with the numbers of the characters that the other one does not have: ``А (U+0410)``."""
    codes = ", ".join(_code(c) for c in dict.fromkeys(name) if c not in other and not c.isascii())
    return f"{name} ({codes})" if codes else name
