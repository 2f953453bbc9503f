"""Claims with several second-order assumptions, searched with the first of them only: the others are read exactly.

Main definitions: `relaxed`, `completed`. So a *strict* point can be asked for: second-order for f and for `f − (δ/2)‖· − X‖²`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product

from verify.language.domains import Domain
from verify.language.formulas import Formula
from verify.language.statements import Comparison, Statement, Stationary
from verify.language.terms import Term, symbols_of, walk
from verify.search.instances import ExactInstance, Rows

_VALUES = tuple(Fraction(1, d) for d in (100, 10, 2, 1000, 1))


def relaxed(formula: Formula) -> Formula | None:
    """The claim with its first second-order assumption only, without the variables that nothing else mentions.

    None where there is no other second-order assumption.
    """
    points = [s for s in formula.given if isinstance(s, Stationary) and s.order == 2]
    if len(points) < 2:
        return None
    extra = {n for s in points[1:] for t in s.terms() for n in symbols_of(t)} - {
        n for s in formula.statements() if s not in points[1:] and not _defines(s) for t in s.terms() for n in symbols_of(t)
    }
    given = tuple(s for s in formula.given if s not in points[1:] and not any(extra & set(symbols_of(t)) for t in s.terms()))
    kept = {n: d for n, d in formula.variables.items() if n not in extra}
    used = {n for s in (*given, *([] if formula.then is None else [formula.then])) for t in s.terms() for n in _names(t)}
    return replace(formula, given=given, variables={n: d for n, d in kept.items() if n in used})


def _defines(statement: Statement) -> bool:
    """Whether a statement only says what a variable is."""
    return (
        isinstance(statement, Comparison)
        and statement.relation == "equal"
        and any(side.op == "sym" for side in (statement.left, statement.right))
    )


def _names(term: Term) -> set[str]:
    found: set[str] = set()
    for node in walk(term):
        if node.op == "sym":
            found.add(node.payload[0])
        elif node.op in ("smooth", "smoothgrad", "apply", "adjoint"):
            found.add(node.payload[0].name)
    return found


def completed(instance: ExactInstance, formula: Formula) -> Iterator[ExactInstance]:
    """The instance with what `relaxed` left out: matrices at 0 (to be arranged), scalars at a few small values."""
    matrices: dict[str, Rows] = dict(instance.matrices)
    for name, shape in formula.matrices().items():
        if name not in matrices:
            rows, cols = (d if isinstance(d, int) else instance.dims[d] for d in shape)
            matrices[name] = tuple(tuple(Fraction(0) for _ in range(cols)) for _ in range(rows))
    domains: dict[str, Domain] = {n: d for n, d in formula.scalars().items() if n not in instance.scalars}
    choices = [[v for v in _VALUES if d.contains(v)] for d in domains.values()]
    for values in product(*choices):
        scalars = {**instance.scalars, **dict(zip(domains, values, strict=True))}
        yield replace(instance, matrices=matrices, scalars=scalars)
