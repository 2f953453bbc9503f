"""Examples that a claim's author pasted above it, tried before anything else.

Main definitions: `replay`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from verify.language.formulas import Formula, Quantifier
from verify.runner.exact_reading import ExactReader, show_instance
from verify.runner.profiles import Profile
from verify.runner.verdicts import Coverage, Proved, Refuted
from verify.search.witnesses import instance_from_witness


def replay(examples: Sequence[Mapping[str, Any]], formula: Formula, profile: Profile) -> Proved | Refuted | None:
    """The verdict of the first example that settles the claim (a counterexample, or a witness of `exists`).

    Args:
        examples: values by name; for training claims also `steps`.
        formula: the claim.
        profile: how much may be spent on shrinking.

    Raises:
        ClaimError: if an example lacks a value or has an inexact one.
        ShapeError: if shapes disagree.
    """
    if not examples or formula.source is not None:
        return None  # an example of the general claim says nothing about a data set
    reader = ExactReader(formula)
    for number, example in enumerate(examples, 1):
        instance = instance_from_witness(example, formula)
        instance = replace(instance, steps=int(example.get("steps", 0)))
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
