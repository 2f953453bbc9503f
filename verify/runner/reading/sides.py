"""What a claim consists of, three times over: the author's expressions, the terms, and the tree of its certificates.

Main definitions: `Side`, `sides_of`, `training_of`, `ReadingError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from verify.evaluation.authored import Training
from verify.language.errors import ClaimError
from verify.language.formulas import Formula, Quantifier
from verify.language.processes import Process
from verify.language.serial import Json
from verify.language.statements import Statement
from verify.language.terms import Term


class ReadingError(ClaimError):
    """The verifier read a claim differently than its author's objects evaluate."""


@dataclass(frozen=True)
class Side:
    """One expression of a claim, as its author wrote it, as a term, and as certificates carry it.

    Attributes:
        space: the shape of `["arg"]` where the expression is a function's formula, as it stands in the tree.
    """

    expression: Any
    term: Term
    tree: Json
    space: Json = None


def sides_of(formula: Formula) -> Iterator[Side]:
    """Every expression with an author, from the claim and from its JSON tree, in the same order."""
    tree = formula.to_json()["tree"]
    given, then = (tree[-2], tree[-1]) if formula.quantifier is not Quantifier.EXISTS else (tree[1], None)
    if formula.process is not None:
        yield from _paired(formula.process.written, formula.process.terms(), [(t, None) for t in _of_process(tree[1])])
    for statement, json in zip(formula.given, given, strict=True):
        yield from _of_statement(statement, json)
    if formula.then is not None:
        yield from _of_statement(formula.then, then)


def _of_statement(statement: Statement, json: Json) -> Iterator[Side]:
    yield from _paired(tuple(statement.expressions()), list(statement.terms()), list(_terms_of(json)))


def _paired(written: Sequence[Any], terms: Sequence[Term], trees: Sequence[tuple[Json, Json]]) -> Iterator[Side]:
    if not written:
        return
    if not len(written) == len(terms) == len(trees):
        raise ReadingError("the verifier read this claim differently: it has more or fewer expressions than were written")
    for expression, term, (tree, space) in zip(written, terms, trees, strict=True):
        yield Side(expression, term, tree, space)


def _terms_of(json: Json) -> Iterator[tuple[Json, Json]]:
    """The terms of a statement's JSON list, each with the shape of its argument if it is a function's formula."""
    match json:
        case ["both" | "either", *parts]:
            for part in parts:
                yield from _terms_of(part)
        case ["fosp" | "sosp", loss, names]:
            yield loss, None
            yield from ((["sym", name], None) for name in names)
        case [_, *terms]:
            for term in terms:
                yield (term[2], term[1]) if term[0] == "function" else (term, None)


def _of_process(json: Json) -> list[Json]:
    """Loss, moving symbols, start and step, in the order of `Process.terms`."""
    _, loss, names, *step, start = json
    return [loss, *(["sym", name] for name in names), *start, *step]


def training_of(process: Process | None) -> Training | None:
    """The process in its author's objects."""
    if process is None or not process.written:
        return None
    count = len(process.variables)
    step = None if process.step is None else process.written[-1]
    return Training(process.written[0], tuple(process.written[1 : 1 + count]), step)
