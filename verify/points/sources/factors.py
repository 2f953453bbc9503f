"""Whether the variables of a stationarity are factors A, B of products A·Bᵀ, as the finder and the theory's branches take them.

Main definitions: `require_pairs`, `ordered`, `are_products`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from verify.calculus.differentiate import expand
from verify.calculus.normal_form import polynomial_of
from verify.language.errors import NoSource
from verify.language.statements import Stationary
from verify.language.terms import Term, walk

Letter = tuple[Term, bool]
"""A matrix in a product, and whether it is transposed there."""


def require_pairs(statement: Stationary) -> None:
    """Check that the variables come in pairs with as many columns, which is what points can be searched in.

    Raises:
        NoSource: with what the variables are instead.
    """
    variables = statement.variables
    names = ", ".join(v.payload[0] for v in variables)
    if len(variables) % 2:
        number = "one matrix" if len(variables) == 1 else f"{len(variables)} matrices"
        raise NoSource(f"no source for stationary points in {number} ({names}) yet: they are searched in pairs A, B of A·Bᵀ")
    for left, right in pairs_of(statement):
        if len(left.shape) != 2 or len(right.shape) != 2 or left.shape[1] != right.shape[1]:
            shapes = " and ".join(f"{v.payload[0]} is {v.shape[0]}×{v.shape[1]}" for v in (left, right))  # type: ignore[misc]
            raise NoSource(
                f"no source for stationary points in {names} yet: they are searched in pairs A, B of A·Bᵀ with as many "
                f"columns, and {shapes}"
            )


def pairs_of(statement: Stationary) -> list[tuple[Term, Term]]:
    """The variables two by two."""
    return list(zip(statement.variables[::2], statement.variables[1::2], strict=False))


@lru_cache(maxsize=128)
def ordered(statement: Stationary) -> Stationary:
    """The same statement with its variables as A, B of the products A·Bᵀ that the loss sees, where it sees them so."""
    if are_products(statement):
        return statement
    found: list[Term] = []
    for variable in statement.variables:
        if variable in found:
            continue
        others = [v for v in statement.variables if v not in (*found, variable)]
        left = [(variable, v) for v in others if _is_product(statement.loss, variable, v)]
        right = [(v, variable) for v in others if _is_product(statement.loss, v, variable) and (variable, v) not in left]
        if len(left) + len(right) != 1:
            return statement
        found += [*left, *right][0]
    return replace(statement, variables=tuple(found))


@lru_cache(maxsize=128)
def are_products(statement: Stationary) -> bool:
    """Whether the loss sees every pair in a product A·Bᵀ, so that the rank of that is the branch that a point is on."""
    return all(_is_product(statement.loss, left, right) for left, right in pairs_of(statement))


def _is_product(loss: Term, left: Term, right: Term) -> bool:
    return ((left, False), (right, True)) in _neighbours(loss)


@lru_cache(maxsize=128)
def _neighbours(loss: Term) -> frozenset[tuple[Letter, Letter]]:
    """Neighbours in the products that an opaque f is applied to, as they are; without one in all products, either way round."""
    loss = expand(loss)
    calls = [argument for node in walk(loss) if node.op == "smooth" for argument in node.args]
    seen = {step for place in calls or [loss] for node in walk(place) if node.op == "matmul" for step in _steps(node)}
    turned = {(_transposed(right), _transposed(left)) for left, right in seen}
    return frozenset(seen if calls else seen | turned)


def _steps(product: Term) -> set[tuple[Letter, Letter]]:
    return {step for _, word in polynomial_of(product).terms for step in pairwise(word)}


def _transposed(letter: Letter) -> Letter:
    return letter[0], not letter[1]
