"""Proof of identities for all sizes: the prover's cofactors become a certificate, and the kernel has the last word."""

from __future__ import annotations

from collections.abc import Sequence

from verify.calculus.conditions import along, gradient_of_function
from verify.calculus.differentiate import expand, gradients
from verify.calculus.identities import Proof, prove_zero
from verify.certificates.build import identity_certificate
from verify.kernel import check as kernel_check
from verify.language.errors import NotDifferentiable
from verify.language.formulas import Formula, Quantifier
from verify.language.statements import Combination, Comparison, RegularizedStationary, Statement, Stationary
from verify.language.terms import Term, is_zero, make, number
from verify.runner.verdicts import Proved


def prove_identity(formula: Formula) -> Proved | None:
    """A proof that holds for all sizes, or None (never "false")."""
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
    if not report.accepted:
        return None
    terms = sum(len(p.cofactors) for p in proofs)
    detail = (
        f"cofactor certificate, {terms} term{'' if terms == 1 else 's'}" if terms else "both sides expand to the same words"
    )
    return Proved(scope_of(formula), detail, certificate)


def scope_of(formula: Formula) -> str:
    """For example ``all m, n, r``."""
    sizes = "all " + ", ".join(formula.dims) if formula.dims else "the sizes as stated"
    if formula.quantifier is Quantifier.ALWAYS:
        return f"{sizes}, every state"
    return sizes


def _difference(comparison: Comparison) -> Term:
    if is_zero(comparison.right):
        return comparison.left
    return make("add", comparison.left, make("mul", number(-1), comparison.right))


def goals_of(formula: Formula) -> list[Term]:
    """The terms that must vanish, or nothing if the conclusion is not made of equalities."""
    parts = _parts(formula.then)
    if not all(isinstance(p, Comparison) and p.relation == "equal" for p in parts):
        return []
    try:
        return [expand(along(_difference(p), formula.process)) for p in parts if isinstance(p, Comparison)]
    except NotDifferentiable:
        return []


def _parts(statement: Statement | None) -> Sequence[Statement]:
    if statement is None:
        return ()
    if isinstance(statement, Combination) and statement.kind == "both":
        return [q for p in statement.parts for q in _parts(p)]
    return (statement,)


def hypotheses_of(formula: Formula) -> list[Term]:
    """The terms that vanish by assumption, in the order in which the kernel derives them from the claim."""
    found: list[Term] = []
    for statement in formula.given:
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
    for statement in formula.given:
        if isinstance(statement, Comparison) and statement.relation in ("lt", "distinct"):
            for side, other in ((statement.left, statement.right), (statement.right, statement.left)):
                if side.op == "sym" and side.is_scalar and is_zero(other) and side.payload[0] not in names:
                    names.append(side.payload[0])
    return names
