"""Proof of identities for all sizes: the prover's cofactors become a certificate, and the kernel has the last word.

Main definitions: `prove_identity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verify.calculus.conditions import along, gradient_of_function
from verify.calculus.differentiate import expand, gradients
from verify.calculus.identities import Proof, prove_zero
from verify.certificates.build import identity_certificate
from verify.kernel import Report
from verify.kernel import check as kernel_check
from verify.language.errors import NotDifferentiable
from verify.language.formulas import Formula
from verify.language.serial import Json
from verify.language.statements import Combination, Comparison, RegularizedStationary, Statement, Stationary
from verify.language.terms import Term, is_zero, make, number
from verify.runner.assumptions import Outlook, outlook
from verify.runner.verdicts import Proved


def prove_identity(formula: Formula) -> Proved | None:
    """A proof that holds for all sizes, or None (never "false"); it says where no instance meets the assumptions it used."""
    found = _certified(formula)
    if found is None:
        return None
    proofs, certificate, report = found
    terms = sum(len(p.cofactors) for p in proofs)
    detail = (
        f"cofactor certificate, {terms} term{'' if terms == 1 else 's'}" if terms else "both sides expand to the same words"
    )
    seen = outlook(formula, _follows) if terms else Outlook.MET
    told = [detail] if seen is Outlook.MET else [detail, seen.value]
    return Proved(report.scope, " · ".join(told), certificate, vacuous=seen is Outlook.IMPOSSIBLE)


def _follows(formula: Formula, goal: Comparison) -> bool:
    """Whether the kernel accepts that an equality follows from the assumptions of a formula."""
    return _certified(replace(formula, then=goal)) is not None


def _certified(formula: Formula) -> tuple[list[Proof], Json, Report] | None:
    """Cofactors for every goal, with the certificate that the kernel accepted."""
    goals = goals_of(formula)
    if not goals:
        return None
    hypotheses = hypotheses_of(formula)
    nonzero = nonzero_scalars(formula)
    proofs: list[Proof] = []
    for goal in goals:
        proof = prove_zero(goal, hypotheses, nonzero)
        if proof is None:
            return None
        proofs.append(proof)
    certificate = identity_certificate(formula, proofs)
    report = kernel_check(certificate)
    return (proofs, certificate, report) if report.accepted else None


def _difference(comparison: Comparison) -> Term:
    if is_zero(comparison.right):
        return comparison.left
    return make("add", comparison.left, make("mul", number(-1), comparison.right))


def goals_of(formula: Formula) -> list[Term]:
    """The terms that must vanish, or nothing if the conclusion is not made of equalities."""
    parts = () if formula.then is None else _opened([formula.then])
    if not all(isinstance(p, Comparison) and p.relation == "equal" for p in parts):
        return []
    try:
        return [expand(along(_difference(p), formula.process)) for p in parts if isinstance(p, Comparison)]
    except NotDifferentiable:
        return []


def _opened(statements: Sequence[Statement]) -> list[Statement]:
    """The statements, with the parts of every `both` in its place."""
    found: list[Statement] = []
    for statement in statements:
        both = isinstance(statement, Combination) and statement.kind == "both"
        found += _opened(statement.parts) if both and isinstance(statement, Combination) else [statement]
    return found


def hypotheses_of(formula: Formula) -> list[Term]:
    """The terms that vanish by assumption, in the order in which the kernel derives them from the claim."""
    found: list[Term] = []
    for statement in _opened(formula.given):
        match statement:
            case Comparison(relation="equal"):
                found.append(expand(_difference(statement)))
            case Stationary():
                found += [expand(g) for g in gradients(statement.loss, statement.variables)]
            case RegularizedStationary():
                slope = gradient_of_function(statement.function, statement.point)
                found.append(make("add", slope, make("mul", statement.weight, statement.witness)))
            case _:
                pass
    return found


def nonzero_scalars(formula: Formula) -> list[str]:
    """Scalar variables that the domain or an assumption keeps away from 0."""
    names = [n for n, domain in formula.scalars().items() if domain.excludes_zero]
    for statement in _opened(formula.given):
        if isinstance(statement, Comparison) and statement.relation in ("lt", "distinct"):
            for side, other in ((statement.left, statement.right), (statement.right, statement.left)):
                if side.op == "sym" and side.is_scalar and is_zero(other) and side.payload[0] not in names:
                    names.append(side.payload[0])
    return names
