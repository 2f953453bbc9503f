"""What a claim says, apart from its verdict: the statement in parts, the formulas derived for it, its source.

Main definitions: `About`, `about`, `statement_hash`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from verify.evaluation.derivatives import gated_gradient, gated_hessian_form
from verify.language.claims import Claim
from verify.language.domains import Domain
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.operations.operation import Precedence
from verify.language.printing import LATEX, UNICODE
from verify.language.statements import Stationary
from verify.language.terms import Term, require_matrix, symbol


@dataclass(frozen=True)
class Shown:
    """One formula in Unicode and in LaTeX."""

    text: str
    latex: str


@dataclass(frozen=True)
class About:
    """A claim as a report shows it; everything but the source is None or empty where the claim is broken.

    Attributes:
        title, doc, cite, keyword: as the author wrote them.
        file, line: where; the file relative to the working folder if it is inside it.
        quantifier: `forall`, `exists` or `always`.
        variables: what is quantified over, one phrase each.
        process: the training process, for `always`.
        given: the assumptions (for `exists`: the conditions).
        then: the conclusion (None for `exists`).
        derived: gradients and Hessian forms of the losses the claim speaks of, past both gates.
        statement_hash: SHA-256 of the claim's tree and data source, hexadecimal.
    """

    title: str
    doc: str
    cite: str | None
    keyword: str | None
    file: str
    line: int
    quantifier: str | None = None
    variables: tuple[Shown, ...] = ()
    process: Shown | None = None
    given: tuple[Shown, ...] = ()
    then: Shown | None = None
    derived: tuple[Shown, ...] = ()
    statement_hash: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The keys that a claim's row gains."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


def about(claim: Claim) -> About:
    """Everything a report says about a claim; never raises for a broken one."""
    try:
        return _elaborated(claim)
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever the user's own code raises; the ERROR row says what
        return as_written(claim)


def as_written(claim: Claim) -> About:
    """What is known of a claim without elaborating it."""
    keyword = None if claim.keyword is None else claim.keyword.value
    return About(claim.title, claim.doc, claim.cite, keyword, shown_file(claim.file), claim.line)


def _elaborated(claim: Claim) -> About:
    formula = claim.formula()
    return replace(
        as_written(claim),
        quantifier=formula.quantifier.value,
        variables=tuple(_variables(formula)),
        process=None if formula.process is None else Shown(formula.process.show(UNICODE), formula.process.show(LATEX)),
        given=tuple(Shown(s.text, s.latex) for s in formula.given),
        then=None if formula.then is None else Shown(formula.then.text, formula.then.latex),
        derived=tuple(derived(formula)),
        statement_hash=statement_hash(formula),
    )


def statement_hash(formula: Formula) -> str:
    """SHA-256 of the claim's tree and, where there is one, its data source."""
    tree = json.dumps([formula.to_json(), None if formula.source is None else str(formula.source)], sort_keys=True)
    return hashlib.sha256(tree.encode()).hexdigest()


def shown_file(file: str) -> str:
    """A file relative to the working folder, or to the folder of the installed packages; else as it is."""
    path = Path(file).resolve()
    for base in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return os.fspath(file)


def _variables(formula: Formula) -> Iterator[Shown]:
    for name, declaration in formula.variables.items():
        symbol_ = LATEX.name(name)
        if isinstance(declaration, tuple):
            rows, cols = require_matrix(declaration, name)
            size = rf"{LATEX.dim(rows)} \times {LATEX.dim(cols)}"
            yield Shown(f"{name} is {rows}×{cols}", rf"{symbol_} \in \mathbb{{R}}^{{{size}}}")
        elif isinstance(declaration, Domain):
            shown = declaration.text(name)
            yield Shown(shown, _domain_latex(symbol_, declaration))
        elif isinstance(declaration, FunctionSymbol):
            rows, cols = declaration.shape
            size = rf"{LATEX.dim(rows)} \times {LATEX.dim(cols)}"
            shown = rf"{symbol_} \in C^2(\mathbb{{R}}^{{{size}}})"
            yield Shown(f"{name} is a C² function of a {rows}×{cols} matrix", shown)
        else:
            yield Shown(f"{name} is a linear map", rf"{symbol_} \text{{ linear}}")


def _domain_latex(name: str, domain: Domain) -> str:
    marks = {"above": ">", "least": r"\ge", "below": "<", "most": r"\le"}
    parts = [f"{name} {mark} {getattr(domain, k)}" for k, mark in marks.items() if getattr(domain, k) is not None]
    return r",\ ".join(parts) or rf"{name} \in " + (r"\mathbb{Z}" if domain.integer else r"\mathbb{R}")


def derived(formula: Formula) -> Iterator[Shown]:
    """Gradients and the Hessian form of every loss in the assumptions and the process; what fails a gate is left out."""
    sources = [(s.loss, s.variables) for s in formula.given if isinstance(s, Stationary)]
    if formula.process is not None:
        sources.append((formula.process.loss, formula.process.variables))
    for loss, variables in dict.fromkeys(sources):
        try:
            for variable in variables:
                name = variable.payload[0]
                slope, _ = gated_gradient(loss, variable)
                yield _equation(f"∇_{name} L", rf"\nabla_{{{LATEX.name(name)}}} L", slope)
            moves = tuple((v.payload[0], symbol(f"d{v.payload[0]}", v.shape)) for v in variables)
            form, _ = gated_hessian_form(loss, moves)
            plain, typeset = (", ".join(p.name(m.payload[0]) for _, m in moves) for p in (UNICODE, LATEX))
            yield _equation(f"∇²L[{plain}]", rf"\nabla^2 L[{typeset}]", form)
        except Exception:  # what cannot be derived or gated is not shown; it must not take the verdict down
            continue


def _equation(head: str, latex_head: str, right: Term) -> Shown:
    return Shown(
        f"{head} = {UNICODE.at(right, Precedence.SUM)}",
        f"{latex_head} = {LATEX.at(right, Precedence.SUM)}",
    )
