"""What a node kind is: one record with its rules for shape, value, derivative, print and size of rounding error.

Main definitions: `Operation`, `Field` (the arithmetic a value rule is written against), `Printer`, `Precedence`.

A new node kind is one `Operation` in one file of this folder; every layer then knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Any, Protocol

from verify.language.errors import NotDifferentiable
from verify.language.terms import Shape, Term

Array = Any
"""An array with leading batch axes: `(...,)` for a scalar, `(..., rows, cols)` for a matrix."""


class FunctionModel(Protocol):
    """A concrete twice differentiable function put in the place of a symbol ``smooth("f", (m, n))``."""

    def derivative(self, field: Field, point: Array, directions: Sequence[Array]) -> Array:
        """`D^k f(X)[Z1, ..., Zk]`, shape `(...,)`; k = 0 is the value."""

    def gradient(self, field: Field, point: Array, directions: Sequence[Array]) -> Array:
        """The matrix G with `<G, W> = D^(k+1) f(X)[Z1, ..., Zk, W]`, shape `(..., m, n)`."""


@dataclass(frozen=True)
class Environment:
    """Values for everything a term can mention: arrays by variable name, sizes by dimension name."""

    values: Mapping[str, Array]
    dims: Mapping[str, int]
    functions: Mapping[str, FunctionModel]
    operators: Mapping[str, Array]

    def size(self, dim: int | str) -> int:
        """The integer a dimension stands for."""
        return dim if isinstance(dim, int) else self.dims[dim]


class Field(Protocol):
    """The arithmetic a value rule runs in: float64 batches, exact rationals, or many digits."""

    def number(self, value: Fraction) -> Array:
        """A constant."""

    def eye(self, size: int) -> Array:
        """The identity."""

    def full(self, rows: int, cols: int, value: int) -> Array:
        """A constant matrix."""

    def literal(self, rows: Sequence[Sequence[Fraction]]) -> Array:
        """An explicit matrix."""

    def matmul(self, left: Array, right: Array) -> Array:
        """The product."""

    def transpose(self, x: Array) -> Array:
        """The transpose."""

    def trace(self, x: Array) -> Array:
        """The trace."""

    def row_sums(self, x: Array) -> Array:
        """Row sums, as a column."""

    def function(self, name: str, x: Array) -> Array:
        """A named function, elementwise."""

    def power(self, x: Array, exponent: Fraction) -> Array:
        """A rational power, elementwise."""

    def inverse(self, x: Array) -> Array:
        """The inverse."""

    def det(self, x: Array) -> Array:
        """The determinant."""

    def singular_values(self, x: Array) -> Array:
        """Singular values, descending, along the last axis."""

    def pick(self, values: Array, index: Array) -> Array:
        """The value with an index counted from 1; 0 beyond the end."""

    def rank(self, x: Array) -> Array:
        """The rank."""

    def lambda_min(self, x: Array) -> Array:
        """The smallest eigenvalue of a symmetric matrix."""

    def off_block(self, y: Array, x: Array) -> Array:
        """`P_U^⊥ Y P_V^⊥` for the singular spaces of X."""

    def row_log_sum_exp(self, x: Array) -> Array:
        """Row-wise log-sum-exp, as a column."""

    def row_softmax(self, x: Array) -> Array:
        """Row-wise softmax."""

    def maximum(self, x: Array, y: Array) -> Array:
        """The elementwise maximum."""

    def glue(self, switch: Array, positive: Array, negative: Array) -> Array:
        """The first of two sides where the switch is positive, the second where it is negative; see `kinks`."""

    def pi(self) -> Array:
        """π."""


class Precedence(IntEnum):
    """How tightly a printed node binds."""

    SUM = 0
    ENTRYWISE = 1
    PRODUCT = 2
    POWER = 3
    ATOM = 4


class Printer(Protocol):
    """Prints children; `latex` tells which of the two notations is wanted."""

    @property
    def latex(self) -> bool:
        """LaTeX rather than Unicode."""

    def at(self, term: Term, level: Precedence) -> str:
        """The child, in parentheses if it binds less tightly than `level`."""

    def name(self, name: str) -> str:
        """A variable's name."""

    def dim(self, dim: int | str) -> str:
        """A dimension."""

    def call(self, name: str, arguments: Sequence[str]) -> str:
        """A function application."""


ShapeRule = Callable[[tuple[Any, ...], tuple[Shape, ...]], Shape]
ValueRule = Callable[[Field, Term, Sequence[Array], Environment], Array]
TangentRule = Callable[[Term, Sequence[Term | None]], Term | None]
AdjointRule = Callable[[Term, Term], Sequence[Term | None]]
PrintRule = Callable[[Term, Printer], str]


class Growth(IntEnum):
    """How rounding errors of the arguments reach the value; read by `evaluation.scales`."""

    LEAF = 0
    ADDITIVE = 1
    """Lipschitz with constant about 1 in every argument."""
    MULTILINEAR = 2
    """A product: the error of one argument is multiplied by the size of the others."""
    SPECIAL = 3
    """Has its own rule in `evaluation.scales`."""


@dataclass(frozen=True)
class Operation:
    """All rules of one node kind.

    Attributes:
        name: the word that stands first in the certificate's JSON list.
        shape: infers the shape from payload and argument shapes, or raises `ShapeError`.
        value: the batched value from the arguments' values, in any `Field`.
        show: the printed form, Unicode or LaTeX.
        tangent: the directional derivative from the arguments' tangents (None is zero).
        adjoint: the contributions of `<bar, value>` to each argument's gradient.
        growth: how rounding errors pass through.
        precedence: how tightly the printed form binds.
        why_not: the sentence for `NotDifferentiable` where there are no derivative rules.
    """

    name: str
    shape: ShapeRule
    value: ValueRule
    show: PrintRule
    tangent: TangentRule | None = None
    adjoint: AdjointRule | None = None
    growth: Growth = Growth.MULTILINEAR
    precedence: Precedence = Precedence.ATOM
    why_not: str = "it has no derivative everywhere"


def no_derivative(node: Term) -> NotDifferentiable:
    """The error for a node kind without derivative rules."""
    from verify.language.printing import text
    from verify.language.terms import operation_of

    return NotDifferentiable(f"{text(node)} cannot be differentiated: {operation_of(node).why_not}")
