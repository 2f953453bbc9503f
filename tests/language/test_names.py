"""Names that look alike are refused within a claim, and so are names that hide what they are made of; others are free."""

from __future__ import annotations

from itertools import combinations

import pytest
import sympy as sp

from verify import *
from verify.language.errors import ClaimError
from verify.language.names import require_readable, skeleton

GREEK = "αβγδεζηθικλμξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"
m, n = dimensions("m n")


@pytest.mark.parametrize(
    "letters", ["AΑА", "BΒВ", "EΕЕ", "HΗН", "KΚК", "MΜМ", "OΟО", "PΡР", "TΤТ", "XΧХ", "oοо", "vν", "cсϲ", "κк", "xх"]
)
def test_letters_that_are_drawn_the_same_are_alike(letters: str) -> None:
    for one, other in combinations(letters, 2):
        for before, after in (("", ""), ("θ", "_1")):
            with pytest.raises(ClaimError, match="look alike"):
                require_readable([before + one + after, "W", before + other + after])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A", "𝐀"),
        ("x", "ｘ"),
        ("x1", "x₁"),
        ("X⋆", "X*"),
        ("X⋆", "X★"),
        ("A ", "A"),
        ("µ", "μ"),
        ("φ", "ϕ"),
        ("é", "е\u0301"),
        ("é", "e\u0301"),
    ],
)
def test_other_ways_to_write_one_name_are_alike(one: str, other: str) -> None:
    with pytest.raises(ClaimError, match="look alike: rename one of them"):
        require_readable([one, other])


def test_greek_letters_live_beside_latin_ones() -> None:
    require_readable([c for c in GREEK if c not in "ινυ"] + [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"])
    require_readable(
        ["A", "B", "X", "X⋆", "S", "λ", "α", "β", "σ", "η", "A_1", "A1x", "A'", "u_r", "θ̂", "M3", "данные", "行列"]
    )
    assert len({skeleton(c) for c in GREEK}) == len(GREEK)


@pytest.mark.parametrize(
    "name", ["", " ", "A\u200b", "A\u202e", "A\nB", "\x1b[31mA", "A\u034f", "A\ufe0f", "A\u00a0", "\u3164", "·", "·0", "A·B"]
)
def test_what_cannot_be_seen_or_is_reserved_is_refused(name: str) -> None:
    with pytest.raises(ClaimError) as caught:
        require_readable(["M", name])
    assert str(caught.value).replace("·", "").isascii()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["Ꭺ", "ⲟ", "ꓮ", "Օ", "א", "ب", "𐊠"])
def test_letters_of_scripts_that_are_not_told_apart_are_refused(name: str) -> None:
    with pytest.raises(ClaimError, match="use Latin, Greek or Cyrillic letters"):
        require_readable([name])


@pytest.mark.parametrize("other", ["А", "Α"])
def test_a_claim_about_two_letters_that_look_alike_is_an_error(other: str) -> None:
    latin, twin = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol(other, m, n)
    message = rf"the names A and {other} \(U\+0{ord(other):X}\) look alike: rename one of them"
    for build in (
        lambda: forall(latin, twin, then=equal(latin, twin)),
        lambda: exists(latin, twin, such_that=distinct(latin, twin)),
        lambda: forall(latin, given=equal(sp.Symbol(other, real=True), 0), then=equal(latin, 0)),
    ):
        with pytest.raises(ClaimError, match=f"{message}|unknown symbol"):
            build()
    assert check(forall(twin, then=equal(twin, twin))).verdict.value == "PROVED"


def test_a_dimension_and_a_variable_must_not_look_alike() -> None:
    size = sp.Symbol("М", integer=True, positive=True)
    wide = sp.MatrixSymbol("M", size, 2)
    with pytest.raises(ClaimError, match="look alike"):
        forall(wide, then=equal(wide, wide))


def test_no_shipped_claim_is_refused() -> None:
    from verify.runner.loading import collect

    for found in collect([]).claims:
        if found.claim.source is None:
            formula = found.claim.formula()
            require_readable([*formula.variables, *formula.dims])
