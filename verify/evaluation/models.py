"""Concrete functions for a symbol `smooth("f", (m, n))`: any scalar term in one matrix argument.

Main definitions: `TermModel`, `as_model`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verify.calculus.differentiate import gradients, tangent
from verify.language.errors import ClaimError
from verify.language.operations.functions import FunctionSymbol
from verify.language.operations.operation import Array, Environment, Field, FunctionModel
from verify.language.terms import ARGUMENT, Term, operation_of, symbol, symbols_of, walk


@dataclass(frozen=True)
class TermModel:
    """A function given by a scalar term in the variable `ARGUMENT`, with data of its own.

    Derivatives are those of `calculus.differentiate`; they are built once for each order.

    Attributes:
        body: the scalar term.
        shape: the argument's shape (may be symbolic).
        data: values of the other variables in the body, in the field it will be evaluated in.
        operators: matrices of operator variables in the body.
    """

    body: Term
    shape: tuple[int | str, int | str]
    data: Mapping[str, Array] = field(default_factory=dict)
    operators: Mapping[str, Array] = field(default_factory=dict)
    _cache: dict[tuple[str, int], Term] = field(default_factory=dict, repr=False, compare=False)

    def _term(self, kind: str, order: int) -> Term:
        key = (kind, order)
        if key not in self._cache:
            term = self.body
            for k in range(order):
                term = tangent(term, {ARGUMENT: symbol(f"{ARGUMENT}{k}", self.shape)})
            if kind == "gradient":
                (term,) = gradients(term, [symbol(ARGUMENT, self.shape)])
            self._cache[key] = term
        return self._cache[key]

    def _evaluate(self, arithmetic: Field, term: Term, point: Array, directions: Sequence[Array]) -> Array:
        values = {**self.data, ARGUMENT: point, **{f"{ARGUMENT}{k}": d for k, d in enumerate(directions)}}
        dims: dict[str, int] = {}
        for dim, size in zip(self.shape, point.shape[-2:], strict=True):
            if isinstance(dim, str):
                dims[dim] = size
        env = Environment(values, dims, {}, self.operators)
        done: dict[Term, Array] = {}
        for node in walk(term):
            done[node] = operation_of(node).value(arithmetic, node, [done[a] for a in node.args], env)
        return done[term]

    def derivative(self, field: Field, point: Array, directions: Sequence[Array]) -> Array:
        """`D^k f(X)[Z1, ..., Zk]`."""
        return self._evaluate(field, self._term("value", len(directions)), point, directions)

    def gradient(self, field: Field, point: Array, directions: Sequence[Array]) -> Array:
        """The matrix of `D^(k+1) f(X)[Z1, ..., Zk, ·]`."""
        return self._evaluate(field, self._term("gradient", len(directions)), point, directions)


def as_model(value: Any, function: FunctionSymbol) -> FunctionModel:
    """A function model from what a user passes to `evaluate`.

    Args:
        value: a Python function of one SymPy matrix returning a scalar expression without other symbols, or an object
            with `derivative(field, point, directions)` and `gradient(field, point, directions)`.
        function: the symbol it stands for.
    """
    import sympy as sp

    from verify.language.translate import sympy_dim, term_of

    if hasattr(value, "derivative") and hasattr(value, "gradient"):
        return value  # type: ignore[no-any-return]
    if not callable(value):
        raise ClaimError(f"the value of {function.name} is not a function: pass lambda X: expression in X")
    body = term_of(value(sp.MatrixSymbol(ARGUMENT, *(sympy_dim(d) for d in function.shape))))
    unknown = sorted(set(symbols_of(body)) - {ARGUMENT})
    if unknown:
        raise ClaimError(f"the function for {function.name} mentions {', '.join(unknown)}: use numbers instead")
    return TermModel(body, function.shape)
