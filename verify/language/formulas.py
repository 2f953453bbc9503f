"""Elaborated claims: the one tree that proof, tests, search, certificates and reports read.

Main definitions: `Formula`, `Quantifier`, `Declaration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from verify.language.domains import Domain
from verify.language.errors import ClaimError
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.printing import LATEX, UNICODE
from verify.language.processes import Process
from verify.language.serial import Json, declaration_to_json
from verify.language.statements import Statement
from verify.language.terms import Shape


class Quantifier(Enum):
    """How the variables are bound."""

    FORALL = "forall"
    EXISTS = "exists"
    ALWAYS = "always"


Declaration = Shape | Domain | FunctionSymbol | OperatorSymbol
"""A variable's declaration: a matrix shape, a scalar's domain, a function or an operator."""


@dataclass(frozen=True)
class Formula:
    """An elaborated claim: variables with declarations, assumptions, conclusion (or what must exist).

    For `exists` the statements that must hold are in `given`, and `then` is None. `objects` are the author's own symbols,
    functions and operators (`language.written`); the last `stated` of the assumptions are the author's, those before came with
    X⋆.
    """

    quantifier: Quantifier
    variables: Mapping[str, Declaration]
    dims: tuple[str, ...]
    given: tuple[Statement, ...]
    then: Statement | None
    process: Process | None = None
    witness: Any = None
    source: Any = None
    objects: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    stated: int | None = field(default=None, compare=False, repr=False)

    def __bool__(self) -> bool:
        raise ClaimError("a claim has no truth value: return it from a function under @claim, or pass it to check(...)")

    def matrices(self) -> dict[str, Shape]:
        """Shapes of the matrix variables."""
        return {n: d for n, d in self.variables.items() if isinstance(d, tuple)}

    def scalars(self) -> dict[str, Domain]:
        """Domains of the scalar variables."""
        return {n: d for n, d in self.variables.items() if isinstance(d, Domain)}

    def functions(self) -> dict[str, FunctionSymbol]:
        """The function variables."""
        return {n: d for n, d in self.variables.items() if isinstance(d, FunctionSymbol)}

    def operators(self) -> dict[str, OperatorSymbol]:
        """The operator variables."""
        return {n: d for n, d in self.variables.items() if isinstance(d, OperatorSymbol)}

    def statements(self) -> list[Statement]:
        """All statements: assumptions, then the conclusion."""
        return [*self.given, *([] if self.then is None else [self.then])]

    def to_json(self) -> Json:
        """The claim as certificates carry it (verify/kernel/FORMAT.md)."""
        given = [s.to_json() for s in self.given]
        match self.quantifier:
            case Quantifier.FORALL:
                tree: Json = ["forall", given, None if self.then is None else self.then.to_json()]
            case Quantifier.EXISTS:
                tree = ["exists", given]
            case Quantifier.ALWAYS:
                assert self.process is not None
                assert self.then is not None
                tree = ["always", self.process.to_json(), given, self.then.to_json()]
        return {
            "tree": tree,
            "dims": list(self.dims),
            "variables": {name: _declaration_json(d) for name, d in self.variables.items()},
        }

    @property
    def text(self) -> str:
        """The formula in Unicode, one assumption a line."""
        lines = []
        if self.process is not None:
            lines.append(self.process.show(UNICODE))
        lines += [f"{'there are' if self.quantifier is Quantifier.EXISTS else 'given'}  {s.text}" for s in self.given]
        if self.then is not None:
            lines.append(f"then   {self.then.text}")
        return "\n".join(lines)

    @property
    def latex(self) -> str:
        """The formula in LaTeX."""
        parts = [] if self.process is None else [self.process.show(LATEX)]
        parts += [s.latex for s in self.given]
        if self.then is None:
            return r"\exists:\quad " + r",\quad ".join(parts)
        premise = r",\quad ".join(parts)
        return (premise + r" \;\Longrightarrow\; " if premise else "") + self.then.latex


def _declaration_json(declaration: Declaration) -> Json:
    if isinstance(declaration, tuple):
        return {"kind": "matrix", "shape": list(declaration)}
    if isinstance(declaration, Domain):
        return {"kind": "scalar", "domain": declaration.to_json()}
    return declaration_to_json(declaration)
