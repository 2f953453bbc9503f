"""What is hunted: a claim of a file, perhaps with a parameter fixed or a hypothesis dropped.

Main definitions: `Subject`. It is plain data, so that worker processes can load the claim again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from verify.language.claims import Claim
from verify.language.domains import Domain
from verify.language.errors import ClaimError
from verify.language.formulas import Formula
from verify.language.terms import Term, number, rebuild, symbol, symbols_of, walk
from verify.runner.loading import load_file


@dataclass(frozen=True)
class Subject:
    """A claim and the changes made to it.

    Attributes:
        file, name, id: where the claim is, and its id.
        fixed: scalars of the claim held at one value.
        dropped: the hypothesis left out, by position, or None.
    """

    file: str
    name: str
    id: str
    fixed: Mapping[str, Fraction] = field(default_factory=dict)
    dropped: int | None = None

    def claim(self) -> Claim:
        """The claim, loaded again.

        Raises:
            ClaimError: if the file has changed and lost it.
        """
        for found in load_file(Path(self.file)).claims:
            if found.claim.name == self.name:
                return found.claim
        raise ClaimError(f"{self.file} has no claim {self.name} any more: start the hunt again")

    def stated(self, formula: Formula) -> Formula:
        """The claim that a certificate speaks of: with the hypothesis dropped, parameters free."""
        if self.dropped is None:
            return formula
        kept = tuple(s for i, s in enumerate(formula.given) if i != self.dropped)
        return replace(formula, given=kept)

    def searched(self, formula: Formula) -> Formula:
        """The claim whose instances are searched: parameters replaced by their numbers as well.

        Raises:
            ClaimError: if a fixed scalar is not one of the claim, or its value is outside its domain.
        """
        stated = self.stated(formula)
        variables = dict(stated.variables)
        inside = _in_bodies(stated)
        written: dict[Term, Term] = {}
        for name, value in self.fixed.items():
            domain = stated.scalars().get(name)
            if domain is None:
                raise ClaimError(f"the claim has no scalar {name}: it has {', '.join(stated.scalars()) or 'none'}")
            if not domain.contains(value):
                raise ClaimError(f"{name} = {value} is outside {domain.text(name)}: choose another value")
            if name in inside:
                variables[name] = Domain(least=value, most=value, integer=domain.integer, free=domain.free)
            else:
                del variables[name]
                written[symbol(name)] = number(value)
        if not written:
            return replace(stated, variables=variables)

        def change(term: Term) -> Term:
            return rebuild(term, written)

        given = tuple(s.mapped(change) for s in stated.given)
        then = None if stated.then is None else stated.then.mapped(change)
        process = None if stated.process is None else stated.process.mapped(change)
        return replace(stated, variables=variables, given=given, then=then, process=process)


def _in_bodies(formula: Formula) -> set[str]:
    """Scalars inside formulas of functions, and of training processes, where they stay variables."""
    found: set[str] = set()
    for statement in formula.statements():
        for term in statement.terms():
            for node in walk(term):
                if node.op in ("smooth", "smoothgrad") and node.payload[0].body is not None:
                    found |= set(symbols_of(node.payload[0].body))
    return found
