"""Streams of stationary points that claims share: what a claim adds to the points is drawn for itself.

Main definitions: `second_order_batches`, `frame_of`, `Landscape`. Claims with equal landscapes (the same loss, assumptions on f
and rules for sizes) read the same points from the beginning; a stream is drawn once in a process and depends on the run's seed
only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count
from typing import Any
from zlib import crc32

import numpy as np

from verify.calculus.conditions import Condition
from verify.evaluation.batches import Batch
from verify.language.errors import NoSource
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.statements import Comparison, Curvature, RegularizedStationary, Stationary
from verify.language.terms import Term, walk
from verify.points.sources.dimensions import about_dimensions
from verify.points.sources.found import Tally
from verify.points.sources.roles import decay_names
from verify.points.sources.sampling import operator_matrix
from verify.points.sources.second_order import Aim, draw, moderate_scalars, other_matrices
from verify.points.sources.singular import with_singular_vectors
from verify.points.sources.subjects import bounds_rank, stationary_of, target_of
from verify.points.sources.tilted import tilts
from verify.points.sources.zero_target import is_zero_target, leaves_room

_KEPT = 12
"""Streams kept in memory."""


@dataclass(frozen=True)
class Landscape:
    """What the points for a claim depend on: claims with equal landscapes share their points.

    Attributes:
        dims: the names of the sizes.
        rules: the conditions on them.
        variables: the variables of the statements, by name.
        statements: stationarity, X⋆ and curvature.
        aim: which points the claim is about.
        frame: assumptions about X⋆ and the data of the loss that every problem must meet (none, unless they fail too often).
        core: the claim's formula without everything else.
    """

    dims: tuple[str, ...]
    rules: tuple[Comparison, ...]
    variables: tuple[Any, ...]
    statements: tuple[Any, ...]
    aim: Aim
    frame: tuple[Comparison, ...]
    core: Formula = field(compare=False, repr=False)


def landscape_of(formula: Formula, conditions: Sequence[Condition], frame: Sequence[Comparison] = ()) -> Landscape:
    """The landscape of a claim with its reduced assumptions, and those of them that its problems must meet at once."""
    shown = tuple(s for s in formula.given if isinstance(s, Stationary | RegularizedStationary | Curvature))
    used = _names(shown)
    target = target_of(formula)
    ranks = () if target is None else tuple(s for s in formula.given if bounds_rank(s, target))
    variables = {name: declared for name, declared in sorted(formula.variables.items()) if name in used}
    core = replace(formula, variables=variables, given=(*shown, *ranks), then=None)
    rules = tuple(about_dimensions(conditions))
    return Landscape(formula.dims, rules, tuple(variables.items()), core.given, _aim(formula), tuple(frame), core)


def frame_of(formula: Formula, conditions: Sequence[Condition]) -> list[Comparison]:
    """The assumptions that speak of X⋆ and the data of the loss, not of the point: they can be read before it is found."""
    statement, function = stationary_of(formula), list(formula.functions().values())
    if statement is None or len(statement.variables) != 2 or len(function) != 1 or tilts(statement):
        return []
    known = set(landscape_of(formula, conditions).core.variables) - {v.payload[0] for v in statement.variables}
    assumed = [s for s in formula.given if isinstance(s, Comparison) and s not in about_dimensions(conditions)]
    return [s for s in assumed if _names([s]) <= known]


def _aim(formula: Formula) -> Aim:
    compared, statement = [s for s in formula.given if isinstance(s, Comparison)], stationary_of(formula)
    decays = frozenset() if statement is None else decay_names(statement)
    if any(_divides_by(decays, t) for s in compared for t in s.terms()):
        return Aim.HEAVY_DECAY
    if any(s.relation == "lt" and s.left.op == "rank" and s.right.op in ("dim", "num") for s in compared):
        return Aim.RANK_DEFICIENT
    return Aim.SPURIOUS if any(s.relation == "distinct" for s in compared) else Aim.ANY


def _divides_by(names: frozenset[str], term: Term) -> bool:
    powers = [node for node in walk(term) if node.op == "pow" and node.payload[0] < 0]
    return any(p.args[0].op == "sym" and p.args[0].payload[0] in names for p in powers)


def _names(statements: Sequence[Stationary | RegularizedStationary | Curvature | Comparison]) -> set[str]:
    found: set[str] = set()
    pending = [t for s in statements for t in s.terms()]
    while pending:
        for node in walk(pending.pop()):
            own = node.payload[0] if node.payload else None
            if node.op == "sym":
                found.add(str(own))
            elif isinstance(own, FunctionSymbol | OperatorSymbol):
                found.add(own.name)
                if isinstance(own, FunctionSymbol) and own.body is not None:
                    pending.append(own.body)
    return found


class _Stream:
    """Batches that are drawn once and read by many; each with how the starts so far ended."""

    def __init__(self, landscape: Landscape, seed: int) -> None:
        self._tally = Tally()
        rng = np.random.default_rng([seed, crc32(repr(landscape).encode())])
        self._source = draw(landscape.core, landscape.rules, rng, self._tally, landscape.aim, landscape.frame)
        self._drawn: list[tuple[Batch, Counter[str]]] = []
        self._missing: NoSource | None = None

    def read(self, tally: Tally) -> Iterator[Batch]:
        """The stream from its beginning, tallied for one reader."""
        for position in count():
            if position == len(self._drawn):
                batch = self._next()
                if batch is None:
                    return
                self._drawn.append((batch, Counter(self._tally.ended)))
            batch, ended = self._drawn[position]
            tally.ended = Counter(ended)
            yield batch

    def _next(self) -> Batch | None:
        if self._missing is not None:
            raise self._missing
        try:
            return next(self._source, None)
        except NoSource as reason:
            self._missing = reason
            raise


@lru_cache(maxsize=_KEPT)
def _stream(landscape: Landscape, seed: int) -> _Stream:
    return _Stream(landscape, seed)


def second_order_batches(
    formula: Formula,
    conditions: Sequence[Condition],
    rng: np.random.Generator,
    seed: int,
    tally: Tally,
    frame: Sequence[Comparison] = (),
) -> Iterator[Batch]:
    """Batches of points for the formula's stationarity assumption: endless, unless nothing meets `frame`.

    Args:
        formula: the claim.
        conditions: its reduced assumptions.
        rng: for the variables that the points do not depend on.
        seed: the run's; the points depend on it and on the claim's landscape only.
        tally: where the starts of the batches read so far ended.
        frame: assumptions about X⋆ and the data (`frame_of`) that the problems must meet before they are solved.

    Raises:
        NoSource: if no family can stand for the claim's functions.
    """
    target = target_of(formula)
    undefined_at_zero = target is not None and not leaves_room(formula, target)
    for batch in _stream(landscape_of(formula, conditions, frame), seed).read(tally):
        if undefined_at_zero and target is not None and is_zero_target(batch, target):
            continue
        yield with_singular_vectors(_completed(batch, formula, rng), formula)


def _completed(batch: Batch, formula: Formula, rng: np.random.Generator) -> Batch:
    """The batch with values for the claim's other variables."""
    free = {n: d for n, d in formula.variables.items() if n not in batch.values and n not in batch.functions}
    rest = replace(formula, variables={n: d for n, d in free.items() if n not in batch.operators})
    values = moderate_scalars(rest, rng, batch.count)
    free_matrices = other_matrices(rest, {}, dict(batch.dims), rng, count=batch.count)
    # Of all sizes: what an assumption bounds by the point must not always be too large.
    spread = 10.0 ** rng.uniform(-2, 0.3, (batch.count, 1, 1))
    values.update({n: np.where(rng.random((batch.count, 1, 1)) < 0.5, spread * m, m) for n, m in free_matrices.items()})
    full = replace(batch, values={**batch.values, **values})
    operators = {n: operator_matrix(o, full, rng) for n, o in rest.operators().items()}
    return replace(full, operators={**full.operators, **operators})
