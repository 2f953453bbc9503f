"""One name, one object: what an author's symbols are, and that no two of them share a name within a claim.

Main definitions: `check_objects`, `sizes_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from verify.language.domains import Parameter, domain_of, unsaid_assumptions
from verify.language.errors import ClaimError
from verify.language.nodes import WrittenFunction, WrittenOperator
from verify.language.terms import ARGUMENT

_OF_DIMENSIONS = frozenset({"integer", "positive", "nonnegative", "nonzero", "real", "finite"})
"""What may be assumed of a dimension: it is a whole number, at least 1, and nothing else."""


def check_objects(objects: Iterable[Any]) -> None:
    """Refuse two objects of one name, and assumptions that a claim cannot carry.

    Args:
        objects: all of a claim's symbols, functions and operators, dimensions among the symbols (`written.objects_in`).

    Raises:
        ClaimError: naming the clash, or the assumption, with what to write instead.
    """
    listed = list(dict.fromkeys(objects))
    dims = frozenset(size for o in listed for size in sizes_of(o) if isinstance(size, sp.Symbol))
    known: dict[str, Any] = {}
    for thing in listed:
        name = _name(thing)
        other = known.setdefault(name, thing)
        if other != thing:
            raise ClaimError(
                f"the name {name} is used for two different things ({_kinds(other, thing, dims)}): rename one of them, or "
                "make one symbol and use it everywhere"
            )
        if ARGUMENT in name:
            raise ClaimError(f"the name {name} has the sign {ARGUMENT}, which is reserved: rename the variable")
        if isinstance(thing, sp.Symbol):
            _check_assumptions(thing, is_dimension=thing in dims)


def _name(thing: Any) -> str:
    symbol = thing.symbol if isinstance(thing, WrittenFunction | WrittenOperator) else thing
    return str(symbol.name)


def sizes_of(thing: Any) -> tuple[Any, ...]:
    """The dimensions of a matrix, a function's argument, an operator's spaces."""
    match thing:
        case sp.MatrixSymbol():
            return tuple(thing.shape)
        case WrittenFunction():
            return tuple(thing.argument.shape)
        case WrittenOperator():
            return (*thing.domain, *thing.codomain)
    return ()


def _kinds(one: Any, other: Any, dims: frozenset[Any]) -> str:
    first, second = _kind(one, dims), _kind(other, dims)
    return f"{first} and another one" if first == second else f"{first} and {second}"


def _kind(thing: Any, dims: frozenset[Any]) -> str:
    match thing:
        case sp.MatrixSymbol():
            rows, cols = thing.shape
            return f"a {rows}×{cols} matrix"
        case WrittenFunction():
            return "a function of a matrix"
        case WrittenOperator():
            return "an operator"
    if thing in dims:
        return "a dimension"
    own = [word for word in ("positive", "negative", "nonnegative", "nonpositive", "integer", "real") if _says(thing, word)]
    return f"a {own[0]} scalar" if own else "a scalar"


def _says(symbol: Any, word: str) -> bool:
    return getattr(symbol, f"is_{word}") is True


def _check_assumptions(symbol: Any, *, is_dimension: bool) -> None:
    if is_dimension:
        stated: Mapping[str, Any] = getattr(symbol, "_assumptions_orig", {})
        strange = [k for k, v in stated.items() if k != "commutative" and not (v and k in _OF_DIMENSIONS)]
        if isinstance(symbol, Parameter) or strange:
            said = ", ".join(strange) or "a domain of its own"
            raise ClaimError(
                f"the dimension {symbol.name} is declared with {said}: a dimension is any whole number, at least 1; make "
                f'it with dimensions("{symbol.name}"), and state what else is assumed'
            )
        return
    if isinstance(symbol, Parameter):
        return
    if symbol.is_real is not True and not symbol.assumptions0.get("imaginary"):
        raise ClaimError(
            f'the scalar {symbol.name} is not declared real: make it with scalars("{symbol.name}") or '
            f'positives("{symbol.name}"), or as Symbol("{symbol.name}", real=True)'
        )
    unsaid = unsaid_assumptions(symbol)
    if unsaid:
        raise ClaimError(
            f"the assumption {', '.join(unsaid)} of {symbol.name} cannot be carried by a claim "
            f"({domain_of(symbol).text(symbol.name)} can): drop it, and state it where a comparison can say it, "
            f"as distinct({symbol.name}, 0) does"
        )
