"""Every base under every renaming, and what is wrong with an answer.

Main definitions: `Trial`, `trials`, `fault_of`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from verify.language.claims import Claim
from verify.runner.verdicts import Broken, Result, Verdict

from ..judging import NoVerdict, answer
from .bases import BASES, Base, Named
from .names import Renaming, harmless, renamings

RIGHT = {True: {Verdict.PROVED, Verdict.HELD}, False: {Verdict.REFUTED}}
"""How a base under harmless names has to end."""


@dataclass(frozen=True)
class Trial:
    """One base under one renaming."""

    base: Base
    renaming: Renaming
    number: int

    @property
    def id(self) -> str:
        """Without the names themselves: some cannot be printed."""
        return f"{self.base.name}-{self.renaming.kind.replace(' ', '_')}-{self.number}"


def trials() -> Iterator[Trial]:
    """All of them, in a fixed order."""
    for base in BASES:
        for number, renaming in enumerate(renamings(base)):
            yield Trial(base, renaming, number)


def checked(base: Base, named: Named) -> Result | NoVerdict:
    """The claim under these names; always under the same id, which seeds the search."""
    return answer(Claim(base.name, lambda: base.build(named), file=__file__))


@cache
def reference(name: str) -> Result | NoVerdict:
    """A base under harmless names."""
    base = next(base for base in BASES if base.name == name)
    return checked(base, harmless(base))


def _branches(result: Result) -> frozenset[str]:
    """Which kinds of points were reached: the planted ones, whatever they are called."""
    return frozenset() if result.coverage is None else frozenset(result.coverage.branches)


def _says_which(message: str, culprits: tuple[str, ...]) -> bool:
    """Whether an error names one of the names, as it is, quoted, or by its code points."""
    spellings = [s for name in culprits for s in (name, repr(name)[1:-1], ascii(name)[1:-1], " ".join(name.split()))]
    spellings += [f"U+{ord(letter):04X}" for name in culprits for letter in name if not letter.isascii()]
    normal = unicodedata.normalize("NFC", message)
    named = any(s and unicodedata.normalize("NFC", s) in normal for s in spellings)
    return "name" in message and (named or "" in culprits)


def fault_of(trial: Trial) -> str | None:
    """What is wrong with the answer: another verdict, other points, or an error that does not say which name."""
    expected, result = reference(trial.base.name), checked(trial.base, trial.renaming.named)
    if isinstance(expected, NoVerdict) or expected.verdict not in RIGHT[trial.base.true]:
        return f"under harmless names: {expected}"
    if isinstance(result, NoVerdict):
        return str(result)
    if isinstance(result.payload, Broken):
        if not trial.renaming.refusable:
            return f"refused: {result.payload.message}"
        said = _says_which(result.payload.message, trial.renaming.culprits)
        return None if said else f"does not say which name: {result.payload.message}"
    if result.verdict is not expected.verdict:
        return f"{result.verdict.value} instead of {expected.verdict.value}: {result.summary[:300]}"
    if expected.verdict is Verdict.HELD and _branches(result) != _branches(expected):
        return f"other points: {sorted(_branches(result))} instead of {sorted(_branches(expected))}"
    return None
