"""Which assumptions an instance really meets, and which comparisons say something, in floating point.

Main definitions: `Plain`, `assumptions`, `decided_as_assumed`.

Implementation notes
    An equality is met where its sides agree, and where that means something. It means nothing where the sides differ by what
    their own tolerance swallows (`K·N − N·K = I` for huge K and N), nor where they agree all the same after everything has
    been moved a little (`tanh(t) = 1` at t = 20), unless plain instances agree as well: then it is an identity. Stationarity
    is exempt: its points are searched for, and converged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition, comparisons_in, conjuncts
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import TRUE, UNDECIDED, Bare, Decisions, bare_sides, decide
from verify.evaluation.tolerances import LOOSE, TIGHT
from verify.language.formulas import Formula
from verify.language.statements import Comparison, RegularizedStationary, Stationary
from verify.language.terms import Term, walk
from verify.points.sources.branches import AT_TARGET
from verify.points.sources.sampling import plain_batch

Array = Any
_ASIDE = 0.1
"""How far the data of a tie are moved, relative to their size."""
_KINKED = ("abs", "sign", "relu", "step")


@dataclass(frozen=True)
class _Sizes:
    """What plain instances of some sizes show, the conditions opened with their functions."""

    batch: Batch
    given: Sequence[Condition]
    conclusion: Condition


@dataclass
class Plain:
    """A claim read at plain instances, which need not meet its assumptions: once for all instances of the same sizes."""

    formula: Formula
    given: Sequence[Condition]
    conclusion: Condition
    _made: dict[tuple[tuple[str, int], ...], _Sizes] = field(default_factory=dict)
    _bare: dict[tuple[tuple[str, int], ...], tuple[list[Bare], bool]] = field(default_factory=dict)
    _ties: dict[tuple[tuple[str, int], ...], list[bool]] = field(default_factory=dict)

    def known(self, batch: Batch, conclusion: Condition) -> dict[Comparison, Bare]:
        """How many sides of the conclusion's comparisons are 0 anyway, the conclusion as it is opened for a batch."""
        return dict(zip(comparisons_in(conclusion), self._bare_of(batch)[0], strict=True))

    def empty(self, batch: Batch) -> bool:
        """Whether the conclusion compares 0 with 0 at all instances of these sizes."""
        return self._bare_of(batch)[1]

    def ties(self, batch: Batch) -> list[bool]:
        """Which assumptions, their conjunctions opened, hold as equalities at plain instances: identities."""
        key = self._key(batch)
        if key not in self._ties:
            sizes = self._of(batch)
            decided = decide(conjuncts(sizes.given), sizes.batch)
            self._ties[key] = [2 * int(np.sum(np.abs(d.margin) <= TIGHT)) >= sizes.batch.count for d in decided]
        return self._ties[key]

    def _bare_of(self, batch: Batch) -> tuple[list[Bare], bool]:
        key = self._key(batch)
        if key not in self._bare:
            sizes = self._of(batch)
            (then,) = decide([sizes.conclusion], sizes.batch, known={})
            self._bare[key] = bare_sides(sizes.conclusion, sizes.batch), bool(np.all(then.noise))
        return self._bare[key]

    def _of(self, batch: Batch) -> _Sizes:
        key = self._key(batch)
        if key not in self._made:
            made = plain_batch(self.formula, dict(key))
            given = [instantiate_condition(c, made.functions) for c in self.given]
            self._made[key] = _Sizes(made, given, instantiate_condition(self.conclusion, made.functions))
        return self._made[key]

    def _key(self, batch: Batch) -> tuple[tuple[str, int], ...]:
        return tuple((name, batch.dims[name]) for name in self.formula.dims)


def assumptions(state: Batch, opened: Sequence[Condition], plain: Plain) -> tuple[Array, Array, Array]:
    """The truth of every assumption, `(assumptions + 1, count)`, where a strict one is a tie, and by how much they are missed.

    The first row is true, for claims that assume nothing. What is met up to its tolerance is missed by that little, `(count,)`.

    Args:
        state: the instances.
        opened: the assumptions, one for each statement of the claim, with the batch's functions in them.
        plain: the claim at plain instances.
    """
    solved = searched_for(plain.formula)
    decided = decided_as_assumed(opened, solved, state)
    strict_ties = np.zeros(state.count, bool)
    for condition, decisions in zip(opened, decided, strict=True):
        if state.slack is not None and isinstance(condition, Comparison) and condition.relation == "lt":
            strict_ties |= (decisions.truth == UNDECIDED) & (np.abs(decisions.margin) <= _resolution(state))
    truths = np.array([np.full(state.count, TRUE), *(d.truth for d in decided)])
    if state.slack is None:
        _doubt(truths, state, opened, solved, plain)
    off = np.max([np.zeros(state.count), *(np.where(d.truth == TRUE, -d.margin, 0.0) for d in decided)], axis=0)
    return truths, strict_ties, off


def searched_for(formula: Formula) -> list[bool]:
    """Which of the assumptions are about points that are searched for until they converge."""
    return [isinstance(s, Stationary | RegularizedStationary) for s in formula.given]


def decided_as_assumed(opened: Sequence[Condition], solved: Sequence[bool], batch: Batch) -> list[Decisions]:
    """The assumptions decided: strictly, except for stationarity."""
    loose = iter(decide([c for c, at in zip(opened, solved, strict=True) if at], batch))
    strict = iter(decide([c for c, at in zip(opened, solved, strict=True) if not at], batch, strict=True))
    return [next(loose if at else strict) for at in solved]


def _resolution(points: Batch) -> Array:
    """Relative differences up to this are within the points' own error; at X⋆ itself both sides often agree to first order."""
    assert points.slack is not None
    if points.family.endswith(AT_TARGET):
        return np.full(points.count, LOOSE)
    return np.asarray(np.clip(points.slack, TIGHT, LOOSE / 10))


def _doubt(truths: Array, state: Batch, opened: Sequence[Condition], solved: Sequence[bool], plain: Plain) -> None:
    """Leave undecided, in place, what is met as a tie here and all the same nearby, but not at plain instances."""
    suspects = [(row, c) for row, c, identity in _parts(opened, plain.ties(state)) if not (identity or solved[row - 1])]
    suspects = [(row, c) for row, c in suspects if np.any(truths[row] == TRUE) and _moves(c, state, plain.formula)]
    if not suspects:
        return
    conditions = [c for _, c in suspects]
    moved = (_tied(conditions, batch, LOOSE) for batch in _moved(state, plain.formula))
    tied = [_tied(conditions, state, TIGHT), *moved]
    for place, (row, condition) in enumerate(suspects):
        stuck = np.all([ties[place] for ties in tied], axis=0)
        if _is_kinked(condition):
            stuck &= decide([condition], state)[0].margin != 0
        truths[row] = np.where((truths[row] == TRUE) & stuck, UNDECIDED, truths[row])


def _parts(opened: Sequence[Condition], identities: Sequence[bool]) -> Iterator[tuple[int, Comparison, bool]]:
    """The equalities and weak inequalities among the assumptions, with the row of their statement (from 1)."""
    place = 0
    for row, condition in enumerate(opened, start=1):
        for part in conjuncts([condition]):
            if isinstance(part, Comparison) and part.relation in ("equal", "le"):
                yield row, part, identities[place]
            place += 1


def _tied(conditions: Sequence[Condition], batch: Batch, tolerance: float) -> list[Array]:
    return [np.abs(d.margin) <= tolerance for d in decide(conditions, batch)]


def _moves(condition: Comparison, state: Batch, formula: Formula) -> bool:
    """Whether anything in a condition can be moved."""
    nodes = [node for side in (condition.left, condition.right) for node in walk(side)]
    named = {node.payload[0] for node in nodes if node.op == "sym"}
    return bool((named & set(state.values)) - _whole(formula)) or any(node.op in ("apply", "adjoint") for node in nodes)


def _whole(formula: Formula) -> set[str]:
    return {name for name, domain in formula.scalars().items() if domain.integer}


def _moved(state: Batch, formula: Formula) -> Iterator[Batch]:
    """Two batches with all data moved a little, whole numbers excepted."""
    whole = _whole(formula)
    rng = np.random.default_rng(1)
    for _ in range(2):
        yield replace(
            state,
            values={n: v if n in whole else _aside(v, rng) for n, v in state.values.items()},
            operators={n: _aside(v, rng) for n, v in state.operators.items()},
        )


def _aside(value: Array, rng: np.random.Generator) -> Array:
    sides = tuple(range(1, value.ndim))
    size = np.sqrt(np.mean(value * value, axis=sides, keepdims=True)) if sides else np.abs(value)
    step = _ASIDE * np.where(size > 0, size, 1.0)
    return value + step * rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.5, 1.0, value.shape)


def _is_kinked(condition: Comparison) -> bool:
    """Whether a comparison may hold on a whole region as an equality: made of `|t|`, maxima and the like, and not smooth."""
    nodes = [node for side in (condition.left, condition.right) for node in _within(side)]
    kinks = any(node.op in ("max", "min", "rank") or (node.op == "fn" and node.payload[0] in _KINKED) for node in nodes)
    smooth = any(
        (node.op == "fn" and node.payload[0] not in _KINKED)
        or (node.op == "pow" and node.payload[0] < 0)
        or node.op in ("rowsoftmax", "rowlse", "inverse")
        for node in nodes
    )
    return kinks and not smooth


def _within(term: Term) -> Iterator[Term]:
    """The nodes of a term, and of the bodies of its elementwise functions."""
    for node in walk(term):
        yield node
        if node.op == "map":
            yield from _within(node.payload[0])
