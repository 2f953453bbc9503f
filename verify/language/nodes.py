"""SymPy classes that carry our own node kinds through SymPy's matrix algebra, without ever being simplified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.language.exact_numbers import sympified

Expression = Any
"""A SymPy expression: scalar, `MatrixSymbol` algebra, an explicit `Matrix`, or one of the classes below."""


class Carrier(sp.Basic):  # type: ignore[misc]
    """Keeps a payload that is not a SymPy object as the first argument of an expression."""

    __slots__ = ("payload",)
    payload: Any

    def __new__(cls, payload: Any) -> Carrier:  # noqa: D102
        carrier = sp.Basic.__new__(cls)
        carrier.payload = payload
        return carrier  # type: ignore[no-any-return]

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.payload,)

    def doit(self, **hints: Any) -> Carrier:
        """Nothing to evaluate."""
        return self

    def compare(self, other: Any) -> int:
        """By text: payloads need no order of their own."""
        mine, theirs = str(self.payload), str(getattr(other, "payload", other))
        return (mine > theirs) - (mine < theirs)

    def sort_key(self, order: Any = None) -> Any:
        """Order carriers by their text, so that SymPy can sort sums."""
        return (5, 0, str(self.payload)), (0, ()), sp.S.One, sp.S.One


class Argument(sp.MatrixSymbol):  # type: ignore[misc]
    """The argument in a function's formula: no variable of an author's, whatever that is called."""


@dataclass(frozen=True)
class WrittenFunction:
    """A function of a matrix in its author's own objects.

    Attributes:
        symbol: what stands for it in terms.
        argument: a matrix symbol of the argument's shape.
        formula: the value as an expression in `argument`; None for an opaque function.
    """

    symbol: Any
    argument: Any
    formula: Any = None


@dataclass(frozen=True)
class WrittenOperator:
    """A linear operator in its author's own objects: what stands for it in terms, and the sizes of both spaces."""

    symbol: Any
    domain: tuple[Any, Any]
    codomain: tuple[Any, Any]


class ScalarNode(sp.Expr):  # type: ignore[misc]
    """A scalar node of ours; `op` is the operation's name."""

    op = ""
    is_commutative = True
    is_real = True

    def __new__(cls, *args: Any) -> ScalarNode:  # noqa: D102
        return sp.Expr.__new__(cls, *(sympified(a) for a in args))  # type: ignore[no-any-return]

    def doit(self, **hints: Any) -> ScalarNode:
        """Nothing is ever simplified."""
        return self

    def _sympystr(self, printer: Any) -> str:
        return _printed(self)


class MatrixNode(MatrixExpr):  # type: ignore[misc]
    """A matrix node of ours; the shape is inferred from the term it stands for."""

    op = ""

    def __new__(cls, *args: Any) -> MatrixNode:  # noqa: D102
        return sp.Basic.__new__(cls, *(sympified(a) for a in args))  # type: ignore[no-any-return]

    def doit(self, **hints: Any) -> MatrixNode:
        """Nothing is ever simplified."""
        return self

    def _sympystr(self, printer: Any) -> str:
        return _printed(self)

    @property
    def shape(self) -> tuple[Any, Any]:
        """Rows and columns, as SymPy objects: the author's own where the expression has them."""
        from verify.language.translate import sympy_dim, term_of
        from verify.language.written import objects_in

        rows, cols = term_of(self).shape  # type: ignore[misc]
        own = {o.name: o for o in objects_in(self) if isinstance(o, sp.Symbol)}
        return (own.get(rows, sympy_dim(rows)), own.get(cols, sympy_dim(cols)))

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> Any:
        return sp.matrices.expressions.matexpr.MatrixElement(self, i, j)


def _printed(expression: Any) -> str:
    from verify.language.printing import text
    from verify.language.translate import term_of

    return text(term_of(expression))


def _node(base: type, op: str) -> type:
    return type(op, (base,), {"op": op, "__slots__": ()})


_SCALAR_OPERATIONS = """
    sigma nuclear frobenius spectral rank lambda_min smooth fn max min entry derivative ddt after det trace pi dim
"""
_MATRIX_OPERATIONS = """
    off_block smoothgrad apply adjoint rowlse rowsoftmax map diag diagonal ddt after hadamard inverse mul unit ones zeros
    literal
"""
SCALAR_NODES = {op: _node(ScalarNode, op) for op in _SCALAR_OPERATIONS.split()}
MATRIX_NODES = {op: _node(MatrixNode, op) for op in _MATRIX_OPERATIONS.split()}


def is_matrix(expression: Expression) -> bool:
    """Whether an expression is a matrix (symbolic or explicit)."""
    return bool(getattr(expression, "is_Matrix", False) or getattr(expression, "is_MatrixExpr", False))
