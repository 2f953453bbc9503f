"""Certificates as JSON objects, from proofs and exact instances (format: `verify/kernel/FORMAT.md`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from verify.calculus.identities import Cofactor, Proof
from verify.language.formulas import Formula
from verify.language.serial import Json, term_to_json
from verify.language.terms import Term, number
from verify.search.instances import ExactInstance, values_to_json

SCHEMA = 1


def identity_certificate(formula: Formula, proofs: Sequence[Proof]) -> Json:
    """The cofactor certificate of an identity: one list of cofactors for each goal."""
    divide = sorted({name for proof in proofs for name in proof.divide})
    certificate: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "identity",
        "verdict": "PROVED",
        "claim": formula.to_json(),
        "cofactors": [[_cofactor(c) for c in proof.cofactors] for proof in proofs],
    }
    if divide:
        certificate["divide"] = divide
    return certificate


def _cofactor(cofactor: Cofactor) -> Json:
    coefficient = cofactor.coefficient
    return {
        "coefficient": term_to_json(coefficient if isinstance(coefficient, Term) else number(coefficient)),
        "left": None if cofactor.left is None else term_to_json(cofactor.left),
        "hypothesis": cofactor.hypothesis,
        "transpose": cofactor.transpose,
        "right": None if cofactor.right is None else term_to_json(cofactor.right),
        "trace": cofactor.trace,
    }


def instance_certificate(
    formula: Formula, instance: ExactInstance, verdict: str, bits: int, violated: tuple[str, str, str] | None = None
) -> Json:
    """The certificate of one exact instance: a counterexample, or a witness of an `exists` claim.

    `violated` is the comparison that fails in the conclusion, as the kernel's `decide` gives it.
    """
    certificate: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "instance",
        "verdict": verdict,
        "claim": formula.to_json(),
        "dims": dict(instance.dims),
        "values": values_to_json(instance, formula),
        "bits": bits,
    }
    if instance.steps:
        certificate["steps"] = instance.steps
    if violated is not None:
        certificate["violated"] = dict(zip(("lhs", "rel", "rhs"), violated, strict=True))
    return certificate


def encode(certificate: Json) -> bytes:
    """The file's bytes: stable key order, one trailing newline."""
    return (json.dumps(certificate, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
