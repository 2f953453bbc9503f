"""What every strategy works with: the formula, its exact reader, and the last step, shrinking and certifying.

Main definitions: `Context`, `prepared`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from verify.calculus.conditions import Condition, conjuncts, reduced
from verify.certificates.build import instance_certificate
from verify.kernel import check as kernel_check
from verify.language.formulas import Formula, Quantifier
from verify.language.numbers import show_number
from verify.points.sources.subjects import needs_landscape
from verify.runner.exact_reading import BITS, ExactReader, show_body, show_instance, show_rows
from verify.runner.hunt.records import Found
from verify.runner.hunt.subject import Subject
from verify.search.instances import ExactInstance, body_of, free_matrices, free_scalars
from verify.search.shrink import shrink

SHRINK_TESTS = 600
POINT_SHRINK_TESTS = 24
"""For claims about second-order points, whose exact reading costs far more."""


@dataclass(frozen=True)
class Context:
    """Everything a unit of work needs.

    Attributes:
        formula: the claim whose instances are searched.
        stated: the claim a certificate speaks of (parameters not fixed).
        reader: the exact reader of `formula`.
        conditions: the assumptions, reduced and flattened.
        fixed: the parameters' values, which complete an instance of `formula` to one of `stated`.
        key: the claim's part of every seed.
        folders: where known counterexamples are looked for.
        shrink_tests: exact readings spent on shrinking.
    """

    formula: Formula
    stated: Formula
    reader: ExactReader
    conditions: Sequence[Condition]
    fixed: Mapping[str, Fraction]
    key: tuple[int, int]
    folders: tuple[str, ...] = ()
    shrink_tests: int = SHRINK_TESTS

    @property
    def seeks_witness(self) -> bool:
        """Whether an instance of an `exists` claim is wanted, not a counterexample."""
        return self.formula.quantifier is Quantifier.EXISTS

    def rng(self, strategy: str, number: int) -> np.random.Generator:
        """The random numbers of one unit."""
        return np.random.default_rng([*self.key, zlib.crc32(strategy.encode()), number])

    def certified(self, instance: ExactInstance) -> Found | None:
        """The shrunk instance with its certificate, if the kernel accepts it for the claim as stated."""
        small = shrink(instance, self.formula, self.reader.violates, self.shrink_tests)
        small = replace(small, scalars={**small.scalars, **self.fixed})
        verdict = "PROVED" if self.seeks_witness else "REFUTED"
        certificate = instance_certificate(self.stated, small, verdict, BITS)
        if not kernel_check(certificate).accepted:
            return None
        comparison = self.reader.read(small).comparison
        return Found(certificate, show_instance(small, self.stated), lines_of(small, self.stated), comparison)


def prepared(
    subject: Subject, formula: Formula, seed: int, folders: tuple[str, ...] = (), shrink_tests: int | None = None
) -> Context:
    """The context of a hunt.

    Raises:
        ClaimError: if the subject fixes what the claim does not have.
    """
    searched = subject.searched(formula)
    conditions = conjuncts([reduced(s, searched.process) for s in searched.given])
    if shrink_tests is None:
        shrink_tests = POINT_SHRINK_TESTS if needs_landscape(searched) else SHRINK_TESTS
    key = (seed, zlib.crc32(subject.name.encode()))
    return Context(
        searched, subject.stated(formula), ExactReader(searched), conditions, subject.fixed, key, folders, shrink_tests
    )


def context_of(formula: Formula, seed: int, reader: ExactReader | None = None, folders: tuple[str, ...] = ()) -> Context:
    """The context of a claim that is searched as it stands, inside a run; with its reader, where there is one already."""
    conditions = conjuncts([reduced(s, formula.process) for s in formula.given])
    tests = POINT_SHRINK_TESTS if needs_landscape(formula) else SHRINK_TESTS
    return Context(formula, formula, reader or ExactReader(formula), conditions, {}, (seed, 0), folders, tests)


def lines_of(instance: ExactInstance, formula: Formula) -> tuple[str, ...]:
    """The instance in the claim's notation, one variable a line."""
    lines = [", ".join(f"{k} = {v}" for k, v in sorted(instance.dims.items()))] if instance.dims else []
    lines += [f"{n} = {show_number(instance.scalars[n])}" for n in free_scalars(formula)]
    lines += [f"{n} = {show_rows(instance.matrices[n])}" for n in [*free_matrices(formula), *formula.operators()]]
    lines += [f"{n}(Y) = {show_body(body_of(f, instance))}" for n, f in formula.functions().items()]
    if instance.steps:
        lines.append(f"after {instance.steps} training steps")
    return tuple(lines)
