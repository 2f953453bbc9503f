"""The registry of loss families.

Main definitions: `Family`, `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.language.printing import text
from verify.language.terms import ARGUMENT, rebuild, symbol
from verify.losses import formulas, likelihoods, networks, squares
from verify.losses.elaborated import Elaborated, elaborated
from verify.losses.formulas import Adapted
from verify.losses.oscillating import oscillating
from verify.losses.problem import Problem
from verify.losses.sampling import Sampler, Wanted


@dataclass(frozen=True)
class Family:
    """One symbolic loss and a sampler of its data.

    Attributes:
        name: its key in `FAMILIES`.
        title: a short title.
        expression: makes the loss in SymPy.
        sampler: draws the data of a stack of problems.
        convex: whether f is convex for all data (a quadratic whose spectrum starts below 0 says so itself).
    """

    name: str
    title: str
    expression: Callable[[], Adapted]
    sampler: Sampler
    convex: bool

    @property
    def terms(self) -> Elaborated:
        """The loss as terms."""
        return elaborated(self.expression)

    @property
    def formula(self) -> str:
        """f (for several adapters L) as text, printed from the terms."""
        full = self.terms.full
        if full is None:
            return text(self.terms.loss)
        argument = symbol(ARGUMENT, full.shape)
        return text(rebuild(full.body, {argument: symbol("X", full.shape)}))

    def sample(self, rng: np.random.Generator, count: int, **options: Any) -> Problem:
        """A stack of random problems.

        Args:
            rng: the source of randomness.
            count: the number of problems.
            options: the fields of `sampling.Wanted`: sizes, decay, the rank of a planted X⋆, ...

        Raises:
            ValueError: for sizes or options that are not possible.

        >>> problem = FAMILIES["factorization"].sample(np.random.default_rng(0), 3, m=2, n=3, r=1)
        >>> problem.star.shape
        (3, 2, 3)
        """
        if count < 1:
            raise ValueError(f"{count} problems: ask for at least one")
        return self.sampler(rng, count, Wanted(**options))


def _registry(*families: Family) -> Mapping[str, Family]:
    return {family.name: family for family in families}


FAMILIES: Mapping[str, Family] = _registry(
    Family("factorization", "matrix factorization", formulas.factorization, squares.factorization, True),
    Family("quadratic", "general quadratic with prescribed spectrum", formulas.quadratic, squares.quadratic, True),
    Family("gaussian_sensing", "Gaussian matrix sensing", formulas.sensing, squares.gaussian_sensing, True),
    Family("isometric_sensing", "restricted-isometry matrix sensing", formulas.sensing, squares.isometric_sensing, True),
    Family("completion", "matrix completion", formulas.completion, squares.completion, True),
    Family("weighted", "weighted low-rank approximation", formulas.weighted, squares.weighted, True),
    Family("logistic", "logistic regression, several outputs", formulas.logistic, likelihoods.logistic, True),
    Family("cross_entropy", "softmax regression", formulas.cross_entropy, likelihoods.cross_entropy, True),
    Family(
        "linearized_squared",
        "linearized (NTK) regime, squared loss",
        formulas.linearized_squared,
        squares.linearized_squared,
        True,
    ),
    Family(
        "linearized_logistic",
        "linearized (NTK) regime, logistic loss",
        formulas.linearized_logistic,
        likelihoods.linearized_logistic,
        True,
    ),
    Family("oscillating", "not convex, one adapter", formulas.oscillating, oscillating, False),
    Family(
        "network_tanh",
        "two-layer network, tanh",
        formulas.network_tanh,
        networks.two_layers("network_tanh", formulas.network_tanh, np.tanh),
        False,
    ),
    Family(
        "network_softplus",
        "two-layer network, softplus",
        formulas.network_softplus,
        networks.two_layers("network_softplus", formulas.network_softplus, networks.softplus),
        False,
    ),
    Family(
        "network_gelu",
        "two-layer network, GELU",
        formulas.network_gelu,
        networks.two_layers("network_gelu", formulas.network_gelu, networks.gelu),
        False,
    ),
    Family("attention", "one attention head", formulas.attention, networks.attention, False),
)
