"""What the parts of a LoRA loss are, read off the loss and never off their names: weight decays and the scale of the update.

Main definitions: `decay_names`, `plain_decay`, `decay_of`, `scale_of`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.operations.algebra import fraction_power
from verify.language.statements import Stationary
from verify.language.terms import Term, make, number, walk

Array = Any
Product = tuple[Fraction, tuple[tuple[Term, Fraction], ...]]
"""A rational times powers of scalar atoms."""
_CONSTANT = ("sym", "dim", "pow")


@lru_cache(maxsize=256)
def _penalties(loss: Term, variable: Term) -> tuple[Product, ...]:
    """The coefficients of `½‖V‖_F²` in a loss."""
    square = make("trace", make("matmul", make("transpose", variable), variable))
    found = []
    for (monomial, _), value in polynomial_of(expand(loss)).terms.items():
        atoms = dict(monomial)
        if atoms.pop(square, None) == 1 and all(a.is_scalar and a.op in _CONSTANT for a in atoms):
            found.append((2 * value, tuple(atoms.items())))
    return tuple(found)


def decay_of(loss: Term, variable: Term, batch: Batch) -> Array:
    """The weight decay on a variable, twice the coefficient of `tr(VᵀV)` in the loss, for each instance."""
    return sum((_value(p, batch) for p in _penalties(loss, variable)), np.zeros(batch.count))


def decay_names(statement: Stationary) -> frozenset[str]:
    """The scalar variables that the weight decays consist of."""
    products = [p for v in statement.variables for p in _penalties(statement.loss, v)]
    return frozenset(n.payload[0] for _, atoms in products for a, _ in atoms for n in walk(a) if n.op == "sym")


def plain_decay(statement: Stationary) -> str | None:
    """The variable that is the weight decay on every factor, if there is one."""
    found = {_plain(_penalties(statement.loss, v)) for v in statement.variables}
    return found.pop() if len(found) == 1 else None


def _plain(products: tuple[Product, ...]) -> str | None:
    if len(products) != 1 or products[0][0] != 1 or len(products[0][1]) != 1:
        return None
    ((atom, power),) = products[0][1]
    return str(atom.payload[0]) if atom.op == "sym" and power == 1 else None


def scale_of(statement: Stationary, batch: Batch) -> Array:
    """The LoRA scale s for each instance: f is applied to `s·A·Bᵀ`; 1 where no function is."""
    products = _scales(statement)
    return sum((_value(p, batch) for p in products), np.zeros(batch.count)) if products else np.ones(batch.count)


@lru_cache(maxsize=256)
def _scales(statement: Stationary) -> tuple[Product, ...]:
    if len(statement.variables) != 2:
        return ()
    left, right = statement.variables
    word = ((left, False), (right, True))
    found = []
    for argument in dict.fromkeys(n.args[0] for n in walk(statement.loss) if n.op == "smooth"):
        terms = polynomial_of(expand(argument)).terms
        products = [(value, tuple(monomial)) for (monomial, w), value in terms.items() if tuple(w) == word]
        if products and all(a.op in _CONSTANT for _, atoms in products for a, _ in atoms):
            found.append(tuple(products))
    return found[0] if len(set(found)) == 1 else ()


def _value(product: Product, batch: Batch) -> Array:
    value, atoms = product
    factors: list[Term] = [number(value), *_powers(atoms)]
    (weight,) = evaluate_terms([make("mul", *factors)], batch.environment(), FloatField())
    return np.broadcast_to(weight, (batch.count,))


def _powers(atoms: tuple[tuple[Term, Fraction], ...]) -> Iterator[Term]:
    for atom, exponent in atoms:
        yield atom if exponent == 1 else fraction_power(atom, exponent)
