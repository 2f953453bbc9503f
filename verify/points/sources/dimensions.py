"""Choosing sizes: small dimensions that satisfy the claim's conditions on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count, product

import numpy as np

from verify.calculus.conditions import Condition
from verify.evaluation.batches import Batch
from verify.evaluation.decide import TRUE, decide
from verify.language.statements import Comparison
from verify.language.terms import walk

SIZES = (1, 2, 3, 4, 5, 6)


def about_dimensions(conditions: Sequence[Condition]) -> list[Comparison]:
    """Those conditions that speak of nothing but dimensions and numbers."""
    leaves = {"num", "dim", "pi"}
    found = []
    for condition in conditions:
        if isinstance(condition, Comparison):
            nodes = [*walk(condition.left), *walk(condition.right)]
            if all(n.args or n.op in leaves for n in nodes) and any(n.op == "dim" for n in nodes):
                found.append(condition)
    return found


def allowed(dims: dict[str, int], conditions: Sequence[Comparison]) -> bool:
    """Whether sizes satisfy all conditions on dimensions."""
    if not conditions:
        return True
    return all(bool(d.truth[0] == TRUE) for d in decide(conditions, Batch(dims, {}, count=1)))


def sizes(
    names: Sequence[str], conditions: Sequence[Condition], rng: np.random.Generator, more: Sequence[int] = ()
) -> Iterator[dict[str, int]]:
    """Endless choices of sizes: every combination from 1 to 3 in random order, each third one random up to 6; then those only.

    Ends at once if none of several thousand choices is allowed.

    Args:
        names: the dimensions.
        conditions: the claim's assumptions.
        rng: the source of randomness.
        more: further sizes for the random ones.
    """
    rules = about_dimensions(conditions)
    if not names:
        while allowed({}, rules):
            yield {}
        return
    small = [dict(zip(names, c, strict=True)) for c in product(SIZES[:3], repeat=len(names))] if len(names) <= 5 else []
    few = iter([small[i] for i in rng.permutation(len(small)) if allowed(small[i], rules)])
    misses = 0
    for number in count():
        choice = next(few, None) if number % 3 < 2 else None
        if choice is None:
            choice = {n: int(rng.choice([*SIZES, *more])) for n in names}
        if allowed(choice, rules):
            misses = 0
            yield choice
        else:
            misses += 1
            if misses == 3000:
                return


_WIDE = (1, 2, 3, 5, 8, 13, 21, 40)
_MOST = 5000


def every_size(names: Sequence[str], conditions: Sequence[Condition], more: Sequence[int] = ()) -> Iterator[dict[str, int]]:
    """Each choice of sizes once: all up to 6, then combinations of larger ones and of those given; several thousand at most."""
    rules = about_dimensions(conditions)
    seen: set[tuple[int, ...]] = set()
    for choice in chain(product(SIZES, repeat=len(names)), product(sorted({*_WIDE, *more}), repeat=len(names))):
        if len(seen) >= _MOST:
            return
        if choice not in seen:
            seen.add(choice)
            if allowed(made := dict(zip(names, choice, strict=True)), rules):
                yield made
