"""What users write inside claims besides SymPy's own matrix algebra.

Main definitions: `sigma`, `nuclear`, `frobenius`, `spectral`, `rank`, `inner`, `lambda_min`, `off_block`, `hadamard`,
`elementwise`, `logsumexp`, `softmax`, `smooth`, `operator`, `measurement`, `zeros`, `ones`, `identity`, `trace`.

Each returns a SymPy expression of a class that only carries its arguments: nothing is simplified, and shapes are
checked when a statement node (`equal`, `le`, ...) takes the expression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp

from verify.language.errors import ClaimError, NoSuchAttribute
from verify.language.exact_numbers import sympified
from verify.language.nodes import (
    MATRIX_NODES,
    SCALAR_NODES,
    Argument,
    Carrier,
    Expression,
    WrittenFunction,
    WrittenOperator,
    is_matrix,
)
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.terms import ARGUMENT, Dim


def sigma(matrix: Expression, k: Expression) -> Expression:
    """The k-th largest singular value `σ_k`, counted from 1; 0 for k beyond the smaller dimension (theory §0).

    Raises:
        ClaimError: if k is a number, but not 1, 2, 3, ...
    """
    index = sympified(k)
    if index.is_number and not (index.is_integer and index >= 1):
        raise ClaimError(f"sigma(..., {k}): singular values are counted 1, 2, 3, ...: give a whole number, at least 1")
    return SCALAR_NODES["sigma"](matrix, k)


def nuclear(matrix: Expression) -> Expression:
    """The nuclear norm `‖X‖_*`, the sum of the singular values."""
    return SCALAR_NODES["nuclear"](matrix)


def frobenius(matrix: Expression) -> Expression:
    """The Frobenius norm `‖X‖_F = √tr(XᵀX)`."""
    return SCALAR_NODES["frobenius"](matrix)


def spectral(matrix: Expression) -> Expression:
    """The spectral norm `‖X‖_op`, the largest singular value."""
    return SCALAR_NODES["spectral"](matrix)


def rank(matrix: Expression) -> Expression:
    """The rank."""
    return SCALAR_NODES["rank"](matrix)


def lambda_min(matrix: Expression) -> Expression:
    """The smallest eigenvalue of a symmetric matrix."""
    return SCALAR_NODES["lambda_min"](matrix)


def off_block(y: Expression, x: Expression) -> Expression:
    """The ⊥⊥ block `P_U^⊥ Y P_V^⊥` of Y with respect to the singular spaces of X (theory §0)."""
    return MATRIX_NODES["off_block"](y, x)


def trace(matrix: Expression) -> Expression:
    """The trace of a square matrix."""
    return SCALAR_NODES["trace"](matrix)


def inner(x: Expression, y: Expression) -> Expression:
    """`⟨X, Y⟩ = tr(XᵀY)`."""
    return trace(x.T * y)


def hadamard(x: Expression, y: Expression) -> Expression:
    """The entrywise product `X ∘ Y`, for masks and weights."""
    return MATRIX_NODES["hadamard"](x, y)


def det(matrix: Expression) -> Expression:
    """The determinant of a square matrix; `logdet(K)` is `log(det(K))`."""
    return SCALAR_NODES["det"](matrix)


def logdet(matrix: Expression) -> Expression:
    """`log det K`."""
    return sp.log(det(matrix))


def inverse(matrix: Expression) -> Expression:
    """The inverse of a square matrix."""
    return MATRIX_NODES["inverse"](matrix)


def diag(column: Expression) -> Expression:
    """The diagonal matrix of a column."""
    return MATRIX_NODES["diag"](column)


def diagonal(matrix: Expression) -> Expression:
    """The diagonal of a square matrix, as a column."""
    return MATRIX_NODES["diagonal"](matrix)


def logsumexp(matrix: Expression) -> Expression:
    """Row-wise log-sum-exp: `p×q` to `p×1`."""
    return MATRIX_NODES["rowlse"](matrix)


def softmax(matrix: Expression) -> Expression:
    """Row-wise softmax, the same shape."""
    return MATRIX_NODES["rowsoftmax"](matrix)


def maximum(*scalars: Expression) -> Expression:
    """The largest of several scalars."""
    return SCALAR_NODES["max"](*scalars)


def minimum(*scalars: Expression) -> Expression:
    """The smallest of several scalars."""
    return SCALAR_NODES["min"](*scalars)


def positive_part(scalar: Expression) -> Expression:
    """`(x)_+ = max(x, 0)`."""
    return maximum(scalar, 0)


def entry(matrix: Expression, i: int, j: int) -> Expression:
    """One entry, counted from 0."""
    return SCALAR_NODES["entry"](matrix, i, j)


def _named(name: str) -> Callable[[Expression], Expression]:
    def function(x: Expression) -> Expression:
        return elementwise(name, x) if is_matrix(x) else SCALAR_NODES["fn"](Carrier(name), x)

    function.__name__ = name
    function.__doc__ = f"The function {name} of a scalar, or of every entry of a matrix."
    return function


sigmoid, softplus, relu = (_named(name) for name in ("sigmoid", "softplus", "relu"))


def elementwise(function: Any, matrix: Expression) -> Expression:
    """A scalar function applied to every entry: `elementwise(sp.tanh, X)`, `elementwise(lambda x: x**2, X)`.

    Args:
        function: a name (``"softplus"``), a SymPy function, or a Python function of one SymPy symbol. Other scalars of the
            claim may occur in it: `elementwise(lambda t: c*t, X)`.
        matrix: any matrix expression.
    """
    x = sp.Dummy("x", real=True)
    body = SCALAR_NODES["fn"](Carrier(function), x) if isinstance(function, str) else function(x)
    return MATRIX_NODES["map"](Carrier((x, sympified(body))), matrix)


def identity(size: Expression) -> Expression:
    """The identity matrix."""
    return sp.Identity(size)


def zeros(rows: Expression, cols: Expression) -> Expression:
    """The zero matrix."""
    return sp.ZeroMatrix(rows, cols)


def ones(rows: Expression, cols: Expression) -> Expression:
    """The all-ones matrix."""
    return sp.matrices.expressions.special.OneMatrix(rows, cols)


@dataclass(frozen=True)
class Smooth:
    """A C² function `f : R^{m×n} → R`: opaque (made by `smooth`), or given by a formula (made by `function`).

    `f(X)` is the value, `f.grad(X)` the gradient matrix, `f.hess(X)(Z, W)` the Hessian's bilinear form and
    `f.hess(X)(Z)` the matrix `∇²f(X)[Z, ·]`.
    """

    written: WrittenFunction
    instead: ClassVar[str] = "a function of a matrix is applied to one, as in f(X), f.grad(X) or f.hess(X)(Z, W)"

    @property
    def symbol(self) -> FunctionSymbol:
        """What stands for the function in terms."""
        found: FunctionSymbol = self.written.symbol
        return found

    @property
    def shape(self) -> tuple[Dim, Dim]:
        """Rows and columns of the argument."""
        return self.symbol.shape

    @property
    def is_opaque(self) -> bool:
        """Whether it is any function, a variable of the claim."""
        return self.written.formula is None

    @property
    def body(self) -> Expression:
        """The value at the argument symbol `written.argument`."""
        return self(self.written.argument) if self.is_opaque else self.written.formula

    def __getattr__(self, name: str) -> Any:
        meant = next((own for own in ("grad", "hess") if name.lower().startswith(own)), None)
        hint = f"use {meant}, as in f.{meant}(X)" if meant else "use f(X), f.grad(X) or f.hess(X)"
        raise NoSuchAttribute(f"a function of a matrix has no attribute {name}: {hint}")

    def __call__(self, x: Expression) -> Expression:  # noqa: D102
        return SCALAR_NODES["smooth"](Carrier(self.written), x)

    def grad(self, x: Expression) -> Expression:
        """The gradient `∇f(X)`, a matrix of the shape of X."""
        return MATRIX_NODES["smoothgrad"](Carrier(self.written), x)

    def hess(self, x: Expression) -> Hessian:
        """The Hessian at X, to be applied to one or two directions."""
        return Hessian(self.written, x)


@dataclass(frozen=True)
class Hessian:
    """`∇²f(X)`: called with one direction it gives a matrix, with two the bilinear form."""

    written: WrittenFunction
    point: Any
    instead: ClassVar[str] = "a Hessian is a bilinear form, applied to directions, as in f.hess(X)(Z, W) or f.hess(X)(Z)"

    def __call__(self, z: Expression, w: Expression | None = None) -> Expression:  # noqa: D102
        if w is None:
            return MATRIX_NODES["smoothgrad"](Carrier(self.written), self.point, z)
        return SCALAR_NODES["smooth"](Carrier(self.written), self.point, z, w)

    def __getitem__(self, directions: Any) -> Expression:
        return self(*directions) if isinstance(directions, tuple) else self(directions)

    # It has items for directions, and so Python would go through them without end.
    __iter__ = None


def smooth(name: str, shape: tuple[Expression, Expression]) -> Smooth:
    """Any twice continuously differentiable function of a matrix, as a variable of a claim.

    >>> import sympy as sp
    >>> m, n = sp.symbols("m n")
    >>> f = smooth("f", (m, n))
    >>> f.shape
    ('m', 'n')
    """
    from verify.language.translate import dim_of

    rows, cols = shape
    return Smooth(WrittenFunction(FunctionSymbol(name, (dim_of(rows), dim_of(cols))), _argument(rows, cols)))


def _argument(rows: Expression, cols: Expression) -> Any:
    """The argument symbol of a function's formula."""
    return Argument(ARGUMENT, _size(rows), _size(cols))


def _size(dim: Expression) -> Any:
    """A size in SymPy's objects; a bare name is that of a dimension."""
    return sp.Symbol(dim, integer=True, positive=True) if isinstance(dim, str) else sympified(dim)


def function(formula: Callable[[Any], Any], shape: tuple[Expression, Expression], name: str = "f") -> Smooth:
    """A function of a matrix given by a formula: `function(lambda X: frobenius(X - M)**2 / 2, (m, n))`.

    Data (here M) are ordinary variables of the claim. The formula is called once.
    """
    from verify.language.translate import declared_term_of, dim_of

    rows, cols = shape
    argument = _argument(rows, cols)
    written = sympified(formula(argument))
    body = declared_term_of(written)
    if body.shape != ():
        raise ClaimError(f"{name} is not scalar: a loss returns one number; take trace(...) or frobenius(...)**2")
    return Smooth(WrittenFunction(FunctionSymbol(name, (dim_of(rows), dim_of(cols)), body), argument, written))


@dataclass(frozen=True)
class Operator:
    """A linear map variable: `H(X)` is its value, `H.adjoint(Y)` its adjoint's."""

    written: WrittenOperator
    instead: ClassVar[str] = "an operator is applied to a matrix, as in H(X)"

    @property
    def symbol(self) -> OperatorSymbol:
        """What stands for the operator in terms."""
        found: OperatorSymbol = self.written.symbol
        return found

    def __call__(self, x: Expression) -> Expression:  # noqa: D102
        return MATRIX_NODES["apply"](Carrier(self.written), x)

    def adjoint(self, y: Expression) -> Expression:
        """The adjoint `H*(Y)`, with `⟨H(X), Y⟩ = ⟨X, H*(Y)⟩`."""
        return MATRIX_NODES["apply" if self.symbol.symmetric else "adjoint"](Carrier(self.written), y)


def operator(
    name: str,
    domain: tuple[Expression, Expression],
    codomain: tuple[Expression, Expression] | None = None,
    *,
    symmetric: bool | None = None,
) -> Operator:
    """A linear operator on matrices, `H : R^{domain} → R^{codomain}`.

    Without a codomain it maps the space to itself and is symmetric unless `symmetric=False`. As data (in `evaluate`)
    it is its matrix on row-major vectors, of shape `(..., codomain size, domain size)`.
    """
    from verify.language.translate import dim_of

    to = domain if codomain is None else codomain
    source, target = (dim_of(domain[0]), dim_of(domain[1])), (dim_of(to[0]), dim_of(to[1]))
    if symmetric is None:
        symmetric = codomain is None
    if symmetric and target != source:
        raise ClaimError(f"the operator {name} cannot be symmetric: its domain and codomain differ")
    sizes = tuple(map(_size, domain)), tuple(map(_size, to))
    return Operator(WrittenOperator(OperatorSymbol(name, source, target, symmetric), *sizes))


def measurement(name: str, count: Expression, shape: tuple[Expression, Expression]) -> Operator:
    """A measurement map `X ↦ (⟨A_1, X⟩, ..., ⟨A_N, X⟩)ᵀ`, an `N×1` column, for matrix sensing.

    As data it is the array of the A_i flattened row by row, `(..., N, m·n)`.
    """
    return operator(name, shape, (count, 1), symmetric=False)


def matrices(names: str, rows: Expression, cols: Expression) -> Any:
    """Matrix variables of one shape: `P, Q = matrices("P Q", m, n)`; a single name gives a single matrix."""
    found = tuple(sp.MatrixSymbol(name, rows, cols) for name in names.replace(",", " ").split())
    return found[0] if len(found) == 1 else found


def dimensions(names: str) -> Any:
    """Symbolic dimensions (positive integers): `m, n = dimensions("m n")`."""
    return sp.symbols(names, integer=True, positive=True)


def scalars(names: str) -> Any:
    """Real scalar variables."""
    return sp.symbols(names, real=True)


def positives(names: str) -> Any:
    """Positive scalar variables."""
    return sp.symbols(names, positive=True)


def nonnegatives(names: str) -> Any:
    """Scalar variables that are zero or positive."""
    return sp.symbols(names, nonnegative=True)


def as_sequence(value: Any) -> Sequence[Any]:
    """A list or tuple as it is, anything else as a sequence of one."""
    return value if isinstance(value, list | tuple) else [value]
