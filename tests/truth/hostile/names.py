"""Ways to name the roles of a claim badly, drawn from a seed.

Main definitions: `Renaming`, `renamings`, `harmless`.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .bases import Base, Named


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LETTERS = _listed("X⋆ S s λ f r m n A B A0 B0 μ X L G M Y U V Ω κ α β λ_A λ_B η σ t Δ E I W ω δP δQ δ")
"""What the setting, the theory and the printers use for things of their own."""
WORDS = _listed(
    "Trace trace arg hole sym mul add dim num fosp sosp equal forall smooth body frobenius eye zeros ones steps batch x y "
    "lambda for def None True False import class self __class__ print e E pi oo nan inf exp log tanh"
)
"""Nodes of claims' trees, keywords, and what SymPy reads as something else."""
ODD = (
    "two words",
    'a "quoted" name',
    "it's",
    "f(X)",
    "X[0, 0]",
    "A*B",
    "P.T",
    "-1",
    "0",
    "1/2",
    "1e400",
    r"\lambda",
    r"\frac{1}{2}",
    "$x$",
    "x_{1}",
    "x^2",
    "{}",
    "%s",
    "<b>",
    "🦙",
    "‖X‖",
    "∇f",
    "(A, B)",
    "name" * 100,
    "a;b",
    "../x",
    "\\",
    "#",
    "é",
    "e\u0301",
    "ﬁ",
    "℘",
)
"""No identifiers; answered, or refused by name."""
BROKEN = ("", " ", "·", "•", "a\nb", "\t", "\u200b", "\u202e", "a\x00b", "x\u00a0", "\ud7ff")
"""Nothing that can be read; refused by name, or answered."""
ALIKE = (("A", "А"), ("B", "В"), ("o", "о"), ("x", "х"), ("λ", "𝜆"), ("P", "Р"), ("μ", "µ"), ("K", "K"), ("G", "𝒢"))
"""Latin and Cyrillic, Greek and symbols."""


@dataclass(frozen=True)
class Renaming:
    """Names for all roles.

    Attributes:
        kind: how they were made.
        named: the names.
        refusable: whether an ERROR that names one of `culprits` is an answer too.
        culprits: the names that an error may be about.
    """

    kind: str
    named: Named
    refusable: bool
    culprits: tuple[str, ...]


def harmless(base: Base) -> Named:
    """Every role under its own name."""
    return Named({role: role for role in base.roles})


def _drawn(base: Base, pool: tuple[str, ...], rng: random.Random) -> dict[str, str]:
    return dict(zip(base.roles, rng.sample(pool, len(base.roles)), strict=True))


def _letters(base: Base, rng: random.Random) -> Iterator[Named]:
    yield Named(_drawn(base, LETTERS, rng))


def _words(base: Base, rng: random.Random) -> Iterator[Named]:
    yield Named(_drawn(base, WORDS, rng))


def _odd(base: Base, rng: random.Random) -> Iterator[Named]:
    yield Named(_drawn(base, ODD, rng))


def _broken(base: Base, rng: random.Random) -> Iterator[Named]:
    """One role only: several at once would hide each other."""
    yield Named({role: role for role in base.roles} | {rng.choice(list(base.roles)): rng.choice(BROKEN)})


def _exchanged(base: Base, rng: random.Random) -> Iterator[Named]:
    """Every role under the name of the next one, whatever its kind."""
    roles = list(base.roles)
    if len(roles) > 1:
        turn = rng.randrange(1, len(roles))
        yield Named(dict(zip(roles, roles[turn:] + roles[:turn], strict=True)))


def _cases(base: Base, rng: random.Random) -> Iterator[Named]:
    """Names that differ in case only."""
    count, width = len(base.roles), max(len(base.roles) - 1, 1).bit_length()
    spelled = ["".join("zZ"[number >> bit & 1] for bit in range(width)) for number in range(count)]
    rng.shuffle(spelled)
    yield Named(dict(zip(base.roles, spelled, strict=True)))


def _long(base: Base, rng: random.Random) -> Iterator[Named]:
    yield Named({role: "a" * 400 + str(number) for number, role in enumerate(base.roles)})


def _one_name_of_two_kinds(base: Base, rng: random.Random) -> Iterator[Named]:
    """A matrix and a scalar, a dimension and a matrix, a function and a scalar, ... of one name."""
    pairs = [(one, two) for one in base.roles for two in base.roles if base.roles[one] < base.roles[two]]
    if pairs:
        one, two = rng.choice(pairs)
        yield Named({role: role for role in base.roles} | {one: "Z", two: "Z"})


def _dummies_of_one_name(base: Base, rng: random.Random) -> Iterator[Named]:
    """Two objects that SymPy tells apart and whose names do not."""
    for kind in ("dim", "scalar"):
        roles = [role for role in base.roles if base.roles[role] == kind]
        if len(roles) > 1:
            pair = rng.sample(roles, 2)
            yield Named({role: role for role in base.roles} | dict.fromkeys(pair, "Z"), frozenset(pair))


def _dummy_beside_a_symbol(base: Base, rng: random.Random) -> Iterator[Named]:
    roles = [role for role in base.roles if base.roles[role] == "scalar"]
    if len(roles) > 1:
        pair = rng.sample(roles, 2)
        yield Named({role: role for role in base.roles} | dict.fromkeys(pair, "Z"), frozenset(pair[:1]))


def _alike(base: Base, rng: random.Random) -> Iterator[Named]:
    if len(base.roles) > 1:
        pair, letters = rng.sample(list(base.roles), 2), rng.choice(ALIKE)
        yield Named({role: role for role in base.roles} | dict(zip(pair, letters, strict=True)))


Maker = Callable[[Base, random.Random], Iterator[Named]]
ANSWERED: dict[str, Maker] = {
    "letters": _letters,
    "words": _words,
    "exchanged": _exchanged,
    "cases": _cases,
    "long": _long,
}
"""Names that must be answered as harmless ones are."""
REFUSABLE: dict[str, Maker] = {
    "odd": _odd,
    "broken": _broken,
    "one name of two kinds": _one_name_of_two_kinds,
    "dummies": _dummies_of_one_name,
    "dummy and symbol": _dummy_beside_a_symbol,
    "alike": _alike,
}
"""Names that may be refused, if the error says which."""
_COSTLY = ("letters", "exchanged", "words", "odd")


def renamings(base: Base, seed: int = 0) -> Iterator[Renaming]:
    """All renamings of a base, a few where each costs seconds."""
    for kind, make in {**ANSWERED, **REFUSABLE}.items():
        if base.costly and kind not in _COSTLY:
            continue
        rng = random.Random(zlib.crc32(f"{seed} {base.name} {kind}".encode()))
        for named in make(base, rng):
            yield Renaming(kind, named, base.beside or kind in REFUSABLE, tuple(sorted(set(named.names.values()), key=len)))
