"""X⋆ and its witness S: matrix symbols that carry their definition with them, so that a claim that mentions one assumes it.

Main definitions: `Target`, `TargetDefinition`, `targets_in`. They are told by what they are: a matrix that an
author calls X⋆ is any matrix.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from verify.language.curvature import function_of
from verify.language.errors import ShapeError
from verify.language.functions import Smooth, rank
from verify.language.nodes import Carrier, Expression, WrittenFunction
from verify.language.statements import RegularizedStationary, Statement, le, written
from verify.language.terms import Shape, show_shape
from verify.language.translate import declared_term_of


@dataclass(frozen=True)
class TargetDefinition:
    """What X⋆ stands for: `−∇f(X⋆) = weight·S, S ∈ ∂‖X⋆‖_*`, of rank at most `largest_rank` (theory §0).

    Attributes:
        function: f.
        weight: the nuclear weight.
        largest_rank: the bound on the rank of X⋆.
    """

    function: WrittenFunction
    weight: Expression
    largest_rank: Expression

    @property
    def point(self) -> Target:
        """The symbol X⋆."""
        return self._symbol("X⋆")

    @property
    def witness(self) -> Target:
        """The symbol S."""
        return self._symbol("S")

    def _symbol(self, name: str) -> Target:
        rows, cols = self.function.argument.shape
        return Target(name, rows, cols, Carrier(self))

    def statements(self) -> list[Statement]:
        """What a claim that mentions X⋆ assumes."""
        stationary = regularized_stationary(Smooth(self.function), self.weight, self.point, self.witness)
        return [stationary, le(rank(self.point), self.largest_rank)]


class Target(sp.MatrixSymbol):  # type: ignore[misc]
    """X⋆ or S of a setting, the definition carried as a last argument."""

    def __new__(cls, name: Any, rows: Any, cols: Any, definition: Any) -> Target:  # noqa: D102
        label = sp.core.symbol.Str(name) if isinstance(name, str) else name
        return sp.Basic.__new__(cls, label, rows, cols, definition)  # type: ignore[no-any-return]

    @property
    def definition(self) -> TargetDefinition:
        """What the symbol stands for."""
        found: TargetDefinition = self.args[3].payload
        return found


def targets_in(objects: Iterable[Any]) -> dict[TargetDefinition, None]:
    """The definitions that some objects carry."""
    return {o.definition: None for o in objects if isinstance(o, Target)}


def regularized_stationary(f: Any, weight: Expression, point: Expression, witness: Expression) -> RegularizedStationary:
    """`−∇f(point) = weight·witness`, `witness ∈ ∂‖point‖_*`: the point is stationary for `f + weight·‖·‖_*` (theory §0).

    For X⋆ of the setting `lora()` it comes with the symbol. Of several adapters each has its own, with f as a function of that
    update alone: `regularized_stationary(function(lambda Y: f(Y * P.T + Xs * Q.T), (m, n)), lam, Ys, S)`.

    Raises:
        ShapeError: if point or witness are no arguments of f, or the weight is no scalar.
    """
    function_, terms = function_of(f), [declared_term_of(t) for t in (weight, point, witness)]
    wanted: list[Shape] = [(), function_.shape, function_.shape]
    for term, shape in zip(terms, wanted, strict=True):
        if term.shape != shape:
            raise ShapeError(f"{show_shape(term.shape)} where {show_shape(shape)} is needed: give f, weight, point, witness")
    return RegularizedStationary(function_, terms[0], terms[1], terms[2], written(f.body, weight, point, witness))
