"""Can the assumptions of a proved claim be met at all? From contradictory ones everything follows.

Main definitions: `Outlook`, `outlook`.

Implementation notes
    `IMPOSSIBLE` rests on the kernel: from the assumptions it accepts 1 = 0, or n = 0 of a size, or an equality that a
    strict inequality, an inequality, a distinctness or the domain of a scalar excludes. Otherwise small matrices of zeros
    and ones are tried, then a few hundred instances from the usual sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from fractions import Fraction

import numpy as np

from verify.calculus.conditions import conjuncts, reduced
from verify.calculus.differentiate import expand
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import TRUE, decide
from verify.language.domains import Domain
from verify.language.errors import ClaimError
from verify.language.formulas import Formula, Quantifier
from verify.language.statements import Combination, Comparison, Statement
from verify.language.terms import Term, make, number, rebuild, symbol
from verify.points.sources.sampling import scalar_values, with_functions
from verify.points.sources.subjects import needs_landscape
from verify.runner.evidence import gather
from verify.runner.profiles import PROFILES

Follows = Callable[[Formula, Comparison], bool]
"""Does the kernel accept that an equality follows from the assumptions of a formula?"""

_SEARCH = replace(PROFILES["dev"], instances=250, constrained=25, points=40, process_steps=0)
"""Work units, as everywhere: what is found does not depend on the machine."""
_SIMPLE, _WIDE = 16, 250
_ABSURD = Comparison("equal", number(1), number(0))


class Outlook(Enum):
    """What is known of the instances that meet the assumptions, as a proof's line says it."""

    MET = ""
    NOT_FOUND = "no instance that meets the assumptions was found"
    IMPOSSIBLE = "no instance meets the assumptions"


def outlook(formula: Formula, follows: Follows) -> Outlook:
    """Whether some instance meets the assumptions of a claim at its start."""
    start = replace(formula, quantifier=Quantifier.FORALL, process=None)
    if _impossible(start, follows):
        return Outlook.IMPOSSIBLE
    # Points of a loss that a claim writes in its own way may have no source: that they are not found says nothing.
    return Outlook.MET if needs_landscape(start) or _found(start) else Outlook.NOT_FOUND


def _found(start: Formula) -> bool:
    rng = np.random.default_rng(0)
    try:
        with np.errstate(all="ignore"):  # zeros are tried where a claim divides
            if any(_met(start, batch) for batch in _simple_batches(start, rng)):
                return True
            evidence = gather(replace(start, then=None), _SEARCH, rng)
    except Exception:  # no source, or one that fails: nothing is found, and the proof stands
        return False
    return evidence.n_active + evidence.n_trivial + evidence.n_without > 0


def _met(start: Formula, batch: Batch) -> bool:
    conditions = [instantiate_condition(c, batch.functions) for c in conjuncts([reduced(p, None) for p in start.given])]
    return bool(np.any(np.min([np.full(batch.count, TRUE), *(d.truth for d in decide(conditions, batch))], axis=0) == TRUE))


def _simple_batches(start: Formula, rng: np.random.Generator) -> Iterator[Batch]:
    """Matrices that are zero, the first columns of the identity, or all ones; scalars mostly 0, 1 or 2."""
    for _ in range(_SIMPLE):
        dims = {d: int(rng.choice([1, 1, 2])) for d in start.dims}
        sizes = {n: [d if isinstance(d, int) else dims[d] for d in shape] for n, shape in start.matrices().items()}
        values = {n: _simple_matrices(rows, cols, rng) for n, (rows, cols) in sizes.items()}
        values |= {n: _simple_scalars(domain, rng) for n, domain in start.scalars().items()}
        yield with_functions(Batch(dims, values, {}, {}, "simple", _WIDE), start, rng)


def _simple_matrices(rows: int, cols: int, rng: np.random.Generator) -> np.ndarray:
    kinds = np.stack([np.zeros((rows, cols)), np.eye(rows, cols), np.ones((rows, cols))])
    return np.asarray(kinds[rng.choice(3, _WIDE, p=[0.5, 0.4, 0.1])])


def _simple_scalars(domain: Domain, rng: np.random.Generator) -> np.ndarray:
    small = [float(k) for k in range(3) if domain.contains(Fraction(k))]
    drawn = np.asarray(scalar_values(domain, rng, _WIDE))
    return np.where(rng.random(_WIDE) < 0.8, rng.choice(small, _WIDE), drawn) if small else drawn


def _impossible(start: Formula, follows: Follows) -> bool:
    if any(follows(start, absurd) for absurd in (_ABSURD, *(_vanishes(d) for d in start.dims))):
        return True
    known = _known_scalars(start)
    if any(_excluded(p, start, known, follows) for p in start.given):
        return True
    return any(
        _empty(_bounded(domain, name, start))
        or (name in known and not domain.contains(known[name]) and follows(start, _is(name, known[name])))
        for name, domain in start.scalars().items()
    )


def _excluded(p: Statement, start: Formula, known: dict[str, Fraction], follows: Follows) -> bool:
    """Is a statement false wherever the equalities hold?"""
    if isinstance(p, Combination):
        return (any if p.kind == "both" else all)(_excluded(q, start, known, follows) for q in p.parts)
    if not isinstance(p, Comparison):
        return False
    gap = _gap(p, known)
    wrong = {"equal": gap != 0, "distinct": gap == 0, "le": gap > 0, "lt": gap >= 0}[p.relation]
    return wrong and follows(start, Comparison("equal", p.left, _plus(p.right, gap)))


def _gap(p: Comparison, known: dict[str, Fraction]) -> Fraction:
    """left − right where it is one number once the known scalars are put in; else 0, which the kernel may confirm."""
    difference = make("add", p.left, make("mul", number(-1), p.right))
    return _constant(_with(difference, known)) or Fraction(0)


def _plus(term: Term, gap: Fraction) -> Term:
    return make("add", term, number(gap)) if gap else term


def _vanishes(size: str) -> Comparison:
    return Comparison("equal", make("dim", payload=(size,)), number(0))


def _is(name: str, value: Fraction) -> Comparison:
    return Comparison("equal", symbol(name), number(value))


def _with(term: Term, known: dict[str, Fraction]) -> Term:
    return rebuild(term, {symbol(name): number(value) for name, value in known.items()}) if known else term


def _constant(term: Term) -> Fraction | None:
    """The value of a scalar term without letters."""
    if term.shape != ():
        return None
    try:
        terms = polynomial_of(expand(term)).terms
    except (ClaimError, ArithmeticError):
        return None
    if any(key != ((), ()) for key in terms):
        return None
    return terms.get(((), ()), Fraction(0))


def _known_scalars(start: Formula) -> dict[str, Fraction]:
    """Scalars whose value is stated, perhaps by way of others: x = −1, 2y = x."""
    known: dict[str, Fraction] = {}
    for _ in range(len(start.given)):
        fresh = {name: v for p in _equalities(start.given) for name, v in _solved(p, known) if name not in known}
        if not fresh:
            break
        known |= fresh
    return known


def _equalities(statements: tuple[Statement, ...]) -> Iterator[Comparison]:
    for p in statements:
        if isinstance(p, Combination) and p.kind == "both":
            yield from _equalities(p.parts)
        elif isinstance(p, Comparison) and p.relation == "equal" and p.left.shape == ():
            yield p


def _solved(p: Comparison, known: dict[str, Fraction]) -> Iterator[tuple[str, Fraction]]:
    """The scalar of an equation that is linear in one scalar and mentions nothing else."""
    try:
        terms = polynomial_of(expand(_with(make("add", p.left, make("mul", number(-1), p.right)), known))).terms
    except (ClaimError, ArithmeticError):
        return
    letters = [monomial for monomial, word in terms if monomial or word]
    if len(letters) == 1 and len(letters[0]) == 1:
        ((atom, exponent),) = letters[0]
        if atom.op == "sym" and exponent == 1:
            yield atom.payload[0], -terms.get(((), ()), Fraction(0)) / terms[(letters[0], ())]


def _bounded(domain: Domain, name: str, start: Formula) -> Domain:
    """The domain, within the numbers that the assumptions compare the scalar with."""
    for p in start.given:
        if isinstance(p, Comparison) and p.relation in ("le", "lt"):
            strict = p.relation == "lt"
            low, high = (_constant(side) for side in (p.left, p.right))
            if p.left == symbol(name) and high is not None:
                domain = domain.meet(Domain(below=high) if strict else Domain(most=high))
            if p.right == symbol(name) and low is not None:
                domain = domain.meet(Domain(above=low) if strict else Domain(least=low))
    return domain


def _empty(domain: Domain) -> bool:
    lows = [v for v in (domain.above, domain.least) if v is not None]
    highs = [v for v in (domain.below, domain.most) if v is not None]
    if not lows or not highs:
        return False
    low, high = max(lows), min(highs)
    return low > high or (low == high and not domain.contains(low))
