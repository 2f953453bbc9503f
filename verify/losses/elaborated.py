"""From a loss written in SymPy to the terms that a stack of problems is made of.

Main definitions: `Elaborated`, `elaborated`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from verify.calculus.differentiate import expand
from verify.language.curvature import function_of
from verify.language.statements import FunctionOf
from verify.language.terms import Term, make, rebuild, symbol, walk
from verify.language.translate import term_of
from verify.losses.formulas import Adapted


@dataclass(frozen=True)
class Elaborated:
    """A loss as terms: scalar symbols without domains, sizes as dimensions, functions opened.

    Attributes:
        loss: the LoRA loss.
        pairs: the factors' symbols.
        full: f as a function of the update, for one adapter.
    """

    loss: Term
    pairs: tuple[tuple[Term, Term], ...]
    full: FunctionOf | None


@lru_cache(maxsize=64)
def elaborated(formula: Callable[[], Adapted]) -> Elaborated:
    """The terms of a family's formula; built once a process."""
    made = formula()
    loss = term_of(made.loss)
    sizes = {d for node in walk(expand(loss)) for d in node.shape if isinstance(d, str)}
    full = None
    if made.full is not None:
        full = function_of(made.full).mapped(lambda body: _plain(expand(body), sizes))
    pairs = tuple((term_of(a), term_of(b)) for a, b in made.pairs)
    return Elaborated(_plain(expand(loss), sizes), pairs, full)


def _plain(term: Term, sizes: set[str]) -> Term:
    """Scalar symbols lose their domain; those that name a size become dimensions."""
    replacement: dict[Term, Term] = {}
    for node in walk(term):
        if node.op == "sym" and node.is_scalar:
            name = node.payload[0]
            replacement[node] = make("dim", payload=(name,)) if name in sizes else symbol(name)
    return rebuild(term, replacement) if replacement else term
