"""Points of several adapters of one opaque f, spurious in some of them: `losses.several` under a claim's own names.

Main definitions: `Placement`, `placement_of`, `planted_adapters`. The claim's loss applies f once, to a sum of terms
`E·A·Bᵀ·Fᵀ`, each with its own four matrices (theory §8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.batches import Batch
from verify.language.operations.functions import FunctionSymbol
from verify.language.statements import Comparison, RegularizedStationary, Stationary
from verify.language.terms import ARGUMENT, Dim, Term, walk
from verify.losses.several import Part, part_at_target, placed, spurious_part
from verify.losses.taylor import data_name, taylor_model
from verify.points.sources.dimensions import allowed
from verify.points.sources.roles import decay_of

Array = Any
Generator = np.random.Generator
_ROWS, _COLUMNS, _RANKS = (1, 2, 2, 3), (1, 2, 2, 3), (1, 1, 2)
_TRIES = 200
_DECAYS = (0.1, 0.25, 0.5)
_CHANGES = (0.0, 0.003, 0.01, 0.03)


@dataclass(frozen=True)
class Adapter:
    """One term `before · left · rightᵀ · afterᵀ` of f's argument, by names; X⋆ and S where the claim has them."""

    before: str
    left: Term
    right: Term
    after: str
    star: str | None
    witness: str | None

    @property
    def sizes(self) -> tuple[Dim, Dim, Dim]:
        """Rows and columns of the update, and the LoRA rank."""
        return self.left.shape[0], self.right.shape[0], self.left.shape[1]  # type: ignore[misc]


@dataclass(frozen=True)
class Placement:
    """The adapters of a loss `f(Σ E_lA_lB_lᵀF_lᵀ)` plus penalties."""

    function: FunctionSymbol
    adapters: tuple[Adapter, ...]


@lru_cache(maxsize=64)
def placement_of(statement: Stationary, targets: tuple[RegularizedStationary, ...]) -> Placement | None:
    """How a loss places several adapters, or None where it does not do so in the form above.

    Args:
        statement: stationarity in all factors, A before B in each pair.
        targets: the definitions of X⋆, each with f as a function of one update.
    """
    calls = [node for node in walk(statement.loss) if node.op == "smooth"]
    pairs = list(zip(statement.variables[::2], statement.variables[1::2], strict=False))
    if len(calls) != 1 or calls[0].payload[0].body is not None or len(pairs) < 2:
        return None
    words = _words(calls[0].args[0])
    found = []
    for left, right in pairs:
        word = next((w for w in words if len(w) == 4 and w[1:3] == ((left, False), (right, True))), None)
        if word is None or word[0][1] or not word[3][1]:
            return None
        before, after = word[0][0].payload[0], word[3][0].payload[0]
        target = next((t for t in targets if _places(t, before, after)), None)
        names = (None, None) if target is None else (target.point.payload[0], target.witness.payload[0])
        found.append(Adapter(before, left, right, after, *names))
    frames = [name for a in found for name in (a.before, a.after)]
    known = targets == () or all(a.star is not None for a in found)
    if len(words) != len(pairs) or len(set(frames)) != len(frames) or not known:
        return None
    return Placement(calls[0].payload[0], tuple(found))


def _words(term: Term) -> list[tuple[tuple[Term, bool], ...]]:
    """The words of a sum of products of symbols with coefficient 1, or nothing for other terms."""
    terms = polynomial_of(expand(term)).terms
    plain = all(
        value == 1 and not monomial and all(s.op == "sym" for s, _ in word) for (monomial, word), value in terms.items()
    )
    return [word for _, word in terms] if plain else []


def _places(target: RegularizedStationary, before: str, after: str) -> bool:
    """Whether a definition of X⋆ varies the update between these two matrices."""
    body = target.function.body
    if body.op != "smooth" or target.point.op != "sym" or target.witness.op != "sym":
        return False
    return any(len(word) == 3 and [s.payload[0] for s, _ in word] == [before, ARGUMENT, after] for word in _words(body.args[0]))


def planted_adapters(
    placement: Placement,
    statement: Stationary,
    names: Sequence[str],
    scalars: dict[str, Array],
    rules: Sequence[Comparison],
    rng: Generator,
    count: int,
) -> tuple[Batch, tuple[Array, ...]] | None:
    """Problems of several adapters, and factors to start from in the order of the statement's variables.

    Args:
        placement: how the loss places its adapters.
        statement: the stationarity that the claim assumes.
        names: the claim's dimensions.
        scalars: values of its scalars, `(count,)`.
        rules: the conditions on dimensions.
        rng: the source of randomness.
        count: problems in the batch.

    Returns:
        The data (all but the factors) and the factors, at or near a second-order point, or None where no sizes fit, or the
        decays of a pair differ.
    """
    dims = _sizes(placement, names, rules, rng)
    if dims is None:
        return None
    rational = bool(rng.random() < 0.5)
    if rational:
        scalars = {n: np.where(v > 0, rng.choice(_DECAYS, count), v) for n, v in scalars.items()}
    frame = Batch(dims, scalars, count=count)
    decays = [[decay_of(statement.loss, v, frame) for v in (a.left, a.right)] for a in placement.adapters]
    if any(not np.array_equal(*pair) for pair in decays):
        return None
    parts = [_part(rng, count, [_size(d, dims) for d in a.sizes], rational=rational) for a in placement.adapters]
    rows, cols = (_size(d, dims) for d in placement.function.shape)
    made = placed(rng, parts, [pair[0] for pair in decays], rows, cols, rational=rational)
    if not rational:
        # In the planted points Theorem B is an equality; near them it is not.
        made = made.bent(rng, float(rng.choice(_CHANGES)))
    own = placement.function.name
    values = {**scalars, data_name(own, "P"): made.base, data_name(own, "G"): made.slope}
    for adapter, part, before, after in zip(placement.adapters, parts, made.before, made.after, strict=True):
        values.update({adapter.before: before, adapter.after: after})
        if adapter.star is not None and adapter.witness is not None:
            values.update({adapter.star: np.array(part.star), adapter.witness: np.array(part.witness)})
    functions = {own: taylor_model(placement.function, cubic=False)}
    family = "rational quadratic" if rational else "quadratic"
    batch = Batch(dims, values, {data_name(own, "H"): made.bend}, functions, family, count)
    return batch, tuple(factor for part in parts for factor in (part.left, part.right))


def _size(size: Dim, dims: dict[str, int]) -> int:
    return size if isinstance(size, int) else dims[size]


def _part(rng: Generator, count: int, sizes: Sequence[int], *, rational: bool) -> Part:
    rows, cols, r = sizes
    make = spurious_part if min(rows, cols) > r and rng.random() < 0.75 else part_at_target
    return make(rng, count, rows, cols, r, rational=rational)


def _sizes(placement: Placement, names: Sequence[str], rules: Sequence[Comparison], rng: Generator) -> dict[str, int] | None:
    """Sizes with room for all adapters side by side; at least one of them can be spurious."""
    shape = placement.function.shape
    for _ in range(_TRIES):
        dims = dict.fromkeys(names, 1)
        for adapter in placement.adapters:
            for size, choice in zip(adapter.sizes, (_ROWS, _COLUMNS, _RANKS), strict=True):
                if isinstance(size, str):
                    dims[size] = int(rng.choice(choice))
        needed = [sum(_size(a.sizes[axis], dims) for a in placement.adapters) for axis in (0, 1)]
        for size, least in zip(shape, needed, strict=True):
            if isinstance(size, str):
                dims[size] = least
        fits = all(_size(d, dims) >= least for d, least in zip(shape, needed, strict=True))
        updates = [[_size(d, dims) for d in a.sizes] for a in placement.adapters]
        if fits and any(min(p, k) > r for p, k, r in updates) and allowed(dims, rules):
            return dims
    return None
