"""The claim's own numbers as data: intervals that its assumptions put scalars in, and sizes that it mentions.

Main definitions: `scalar_domains`, `mentioned_sizes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from verify.evaluation.fields import RationalField
from verify.evaluation.interpret import evaluate_term
from verify.language.domains import Domain
from verify.language.errors import NotRational
from verify.language.formulas import Formula
from verify.language.operations.operation import Environment
from verify.language.statements import Combination, Comparison, Statement
from verify.language.terms import Term, walk
from verify.points.sources.dimensions import SIZES

_LARGEST = 12
"""The largest size that a claim about matrices is tried at because it mentions that number."""


def scalar_domains(formula: Formula) -> dict[str, Domain]:
    """The scalars' domains, narrowed by assumptions such as `η ≤ 1/1000`, `5 ≤ x` or `|t| < 2`; never to nothing."""
    found = formula.scalars()
    for part in parts_of(formula.given):
        for name, domain in _bounds(part):
            if name in found and _has_room(narrowed := found[name].meet(domain)):
                found[name] = narrowed
    return found


def parts_of(statements: Sequence[Statement]) -> Iterator[Comparison]:
    """The comparisons that are assumed, conjunctions opened."""
    for statement in statements:
        if isinstance(statement, Combination) and statement.kind == "both":
            yield from parts_of(statement.parts)
        elif isinstance(statement, Comparison):
            yield statement


def _bounds(part: Comparison) -> Iterator[tuple[str, Domain]]:
    """What `left ≤ right` or `left < right` says about one scalar, where the other side is a number."""
    if part.relation not in ("le", "lt"):
        return
    strict = part.relation == "lt"
    high, low = _number(part.right), _number(part.left)
    if high is not None:
        yield from _below(part.left, high, strict=strict)
    if low is not None:
        yield from _above(part.right, low, strict=strict)


def _below(side: Term, bound: Fraction, *, strict: bool) -> Iterator[tuple[str, Domain]]:
    if side.op == "fn" and side.payload[0] == "abs":
        yield from _below(side.args[0], bound, strict=strict)
        yield from _above(side.args[0], -bound, strict=strict)
        return
    name, factor = _multiple(side)
    if name is not None:
        yield name, _half_line(bound / factor, strict=strict, upper=factor > 0)


def _above(side: Term, bound: Fraction, *, strict: bool) -> Iterator[tuple[str, Domain]]:
    name, factor = _multiple(side)
    if name is not None:
        yield name, _half_line(bound / factor, strict=strict, upper=factor < 0)


def _half_line(end: Fraction, *, strict: bool, upper: bool) -> Domain:
    if upper:
        return Domain(below=end) if strict else Domain(most=end)
    return Domain(above=end) if strict else Domain(least=end)


def _multiple(side: Term) -> tuple[str | None, Fraction]:
    """A scalar variable times a number, where a term is that."""
    if side.op == "sym" and side.is_scalar:
        return side.payload[0], Fraction(1)
    if side.op == "mul" and len(side.args) == 2:
        for one, other in (side.args, side.args[::-1]):
            factor = _number(one)
            if factor and other.op == "sym" and other.is_scalar:
                return other.payload[0], factor
    return None, Fraction(1)


def _number(side: Term) -> Fraction | None:
    """The value of a term without variables and sizes, where it is rational."""
    if not side.is_scalar or any(node.op in ("sym", "dim", "smooth", "smoothgrad", "apply", "adjoint") for node in walk(side)):
        return None
    try:
        value = evaluate_term(side, Environment({}, {}, {}, {}), RationalField())
    except (NotRational, KeyError, ArithmeticError):
        return None
    return Fraction(value.item()) if hasattr(value, "item") else Fraction(value)


def _has_room(domain: Domain) -> bool:
    low = domain.least if domain.above is None else domain.above if domain.least is None else max(domain.above, domain.least)
    high = domain.most if domain.below is None else domain.below if domain.most is None else min(domain.below, domain.most)
    return low is None or high is None or low < high or (low == high and domain.contains(low))


def mentioned_sizes(formula: Formula, largest: int = _LARGEST) -> list[int]:
    """Whole numbers in the claim's statements that are larger than the usual sizes, with their neighbours."""
    statements = [*formula.given, *([] if formula.then is None else [formula.then])]
    numbers = {node.payload[0] for s in statements for t in s.terms() for node in walk(t) if node.op == "num"}
    near = {int(x) + k for x in numbers if x.denominator == 1 for k in (-1, 0, 1)}
    return sorted(k for k in near if max(SIZES) < k <= largest)
