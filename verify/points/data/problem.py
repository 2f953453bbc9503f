"""What a real data set is to the rest: a data loss of the update X with its numbers.

Main definitions: `DataProblem`, `FormulaProblem`, `bend_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from verify.calculus.differentiate import expand
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.operations.functions import FunctionSymbol
from verify.language.terms import Term, make, number, symbol
from verify.losses.taylor import data_name, entry_sum

Array = Any
NAME = "f"


class DataProblem(Protocol):
    """A data loss f of an `m×n` update, with the pre-trained weights inside."""

    @property
    def title(self) -> str:
        """The model and the data in a few words."""

    @property
    def loss(self) -> FunctionSymbol:
        """f, its data named `f·…`."""

    @property
    def count(self) -> int:
        """The number N of samples."""

    @property
    def dims(self) -> dict[str, int]:
        """The sizes m and n of the update."""

    @property
    def decay(self) -> Fraction:
        """The weight decay λ of the claims about it."""

    @property
    def curvature(self) -> float:
        """The largest curvature of f, for the length of proximal steps."""

    @property
    def convex(self) -> bool:
        """Whether f is convex, by its formula."""

    def values(self) -> dict[str, Array]:
        """The data of f as a batch of one carries them."""

    def batch(self, values: Mapping[str, Array], **dims: int) -> Batch:
        """One instance of the data together with some variables (matrices without the leading axis)."""

    def accuracy(self, update: Array) -> float:
        """The fraction of the samples that an update classifies correctly."""

    def gap(self, weight: float, update: Array) -> float | None:
        """An upper bound of `F(X) − min F` relative to F(X), `F = f + weight·‖·‖_*`; None where f is not convex."""


@dataclass(frozen=True, eq=False)
class FormulaProblem:
    """A data problem given by its parts; see `DataProblem`. `parts` are the data by the name behind `f·`."""

    title: str
    loss: FunctionSymbol
    parts: Mapping[str, Array]
    count: int
    sizes: tuple[int, int]
    decay: Fraction
    curvature: float
    accurate: Callable[[Array], float]
    bound: Callable[[float, Array], float] | None

    @property
    def dims(self) -> dict[str, int]:
        """The sizes m and n of the update."""
        return dict(zip(("m", "n"), self.sizes, strict=True))

    @property
    def convex(self) -> bool:
        """Whether f is convex: a duality gap exists then."""
        return self.bound is not None

    def values(self) -> dict[str, Array]:
        """The data of f as a batch of one carries them."""
        return {data_name(NAME, part): value[None] for part, value in self.parts.items()}

    def batch(self, values: Mapping[str, Array], **dims: int) -> Batch:
        """One instance of the data together with some variables."""
        return one_instance(self, values, **dims)

    def accuracy(self, update: Array) -> float:
        """The fraction of the samples that an update classifies correctly."""
        return self.accurate(update)

    def gap(self, weight: float, update: Array) -> float | None:
        """The duality gap, where f is convex."""
        return None if self.bound is None else self.bound(weight, update)


def one_instance(problem: DataProblem, values: Mapping[str, Array], **dims: int) -> Batch:
    """A batch of one of the data and some variables (matrices without the leading axis)."""
    own = {name: np.asarray(value)[None] for name, value in values.items()}
    return Batch({**problem.dims, **dims}, {**problem.values(), **own}, count=1)


def datum(part: str, shape: Any) -> Term:
    """The symbol of a datum of f."""
    return symbol(data_name(NAME, part), shape)


def mean_entries(term: Term, count: int) -> Term:
    """The sum of all entries over N."""
    return make("mul", number(Fraction(1, count)), entry_sum(term))


def bend_of(problem: DataProblem, update: Array, direction: Array) -> float:
    """`∇²f(X)[Z, Z]`, from the derived formula."""
    point, along = symbol("X", problem.loss.shape), symbol("δX", problem.loss.shape)
    term = expand(make("smooth", point, along, along, payload=(problem.loss,)))
    batch = problem.batch({"X": update, "δX": direction})
    (value,) = evaluate_terms([term], batch.environment(), FloatField())
    return float(np.reshape(value, ()))
