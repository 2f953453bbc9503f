"""Examples that a claim's author pasted above it, tried before anything else.

Main definitions: `replay`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from verify.language.errors import ClaimError
from verify.language.formulas import Formula, Quantifier
from verify.runner.exact_reading import ExactReader, show_instance
from verify.runner.profiles import Profile
from verify.runner.verdicts import Coverage, Proved, Refuted
from verify.search.instances import ExactInstance
from verify.search.witnesses import instance_from_witness

_STEPS = "steps"
"""Beside variables and sizes, the number of training steps after which an instance is read."""


def replay(examples: Sequence[Mapping[str, Any]], formula: Formula, profile: Profile) -> Proved | Refuted | None:
    """The verdict of the first example that settles the claim (a counterexample, or a witness of `exists`).

    Args:
        examples: values by name; for training claims also `steps`.
        formula: the claim.
        profile: how much may be spent on shrinking.

    Raises:
        ClaimError: if an example lacks a value, has an inexact one, or one of no variable.
        ShapeError: if shapes disagree.
    """
    if not examples or formula.source is not None:
        return None  # an example of the general claim says nothing about a data set
    reader = ExactReader(formula)
    for number, example in enumerate(examples, 1):
        instance = _instance(example, formula)
        if not reader.settles(reader.read(instance)):
            continue
        certified = reader.certify(instance, profile.shrink_tests)
        if certified is None:
            continue
        small, certificate, decision = certified
        if formula.quantifier is Quantifier.EXISTS:
            return Proved("one instance", show_instance(small, formula), certificate)
        seen = Coverage(n=number, n_active=1, exact=number)
        return Refuted(show_instance(small, formula), decision.comparison, certificate, seen)
    return None


def _instance(example: Mapping[str, Any], formula: Formula) -> ExactInstance:
    steps = [] if formula.process is None else [_STEPS]
    unknown = [name for name in example if name not in (*formula.variables, *formula.dims, *steps)]
    if unknown:
        variables = [*formula.scalars(), *formula.matrices(), *formula.operators(), *formula.functions()]
        raise ClaimError(f"@example has no variable {unknown[0]}: it has {', '.join(variables)}")
    try:
        instance = instance_from_witness(example, formula)
    except ClaimError as error:
        raise type(error)(str(error).replace("the witness", "@example")) from None
    return replace(instance, steps=int(example.get(_STEPS, 0)))
