"""Statements: our own nodes for what may be assumed or concluded; they never simplify and have no truth value.

Main definitions: `equal`, `le`, `lt`, `distinct`, `both`, `either`, `fosp`, `sosp`, `singular_pair` and the node classes of
all statements. Expressions are translated, and their shapes checked, when a node takes them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy.core.relational import Relational

from verify.language.errors import ClaimError, ShapeError
from verify.language.exact_numbers import sympified
from verify.language.functions import as_sequence, sigma
from verify.language.nodes import SCALAR_NODES, Expression
from verify.language.operations.functions import FunctionSymbol, show_function
from verify.language.operations.operation import Precedence
from verify.language.printing import LATEX, UNICODE, TermPrinter
from verify.language.serial import Json, term_to_json
from verify.language.terms import ARGUMENT, Shape, Term, make, show_shape, symbol
from verify.language.translate import declared_term_of, relation_hint


@dataclass(frozen=True)
class Statement(ABC):
    """What all statements share: no truth value, printing in both notations, the terms they contain."""

    def __bool__(self) -> bool:
        raise ClaimError(
            "a statement has no truth value: instead of `a and b` use both(a, b) or then=[a, b], instead of `a or b` "
            "use either(a, b)"
        )

    @abstractmethod
    def terms(self) -> Iterator[Term]:
        """The terms of the statement, in order."""

    def expressions(self) -> Iterator[Expression]:
        """What its author wrote for each of the terms, in the same order; nothing where it was made without an author."""
        yield from getattr(self, "written", ())

    @abstractmethod
    def mapped(self, change: Any) -> Statement:
        """The same statement with every term changed."""

    @abstractmethod
    def show(self, printer: TermPrinter) -> str:
        """The printed form."""

    @abstractmethod
    def to_json(self) -> Json:
        """The JSON list of the statement."""

    @property
    def text(self) -> str:
        """The statement in Unicode."""
        return self.show(UNICODE)

    @property
    def latex(self) -> str:
        """The statement in LaTeX."""
        return self.show(LATEX)


_SIGNS = {
    "equal": ("=", "="),
    "le": ("≤", r"\le"),
    "lt": ("<", "<"),
    "distinct": ("≠", r"\neq"),
}


@dataclass(frozen=True)
class Comparison(Statement):
    """`left REL right` with REL one of equal, le, lt, distinct."""

    relation: str
    left: Term
    right: Term
    written: tuple[Expression, ...] = field(default=(), compare=False, repr=False)

    def terms(self) -> Iterator[Term]:
        """Both sides."""
        yield self.left
        yield self.right

    def mapped(self, change: Any) -> Comparison:
        """Both sides changed."""
        return Comparison(self.relation, change(self.left), change(self.right), self.written)

    def show(self, printer: TermPrinter) -> str:
        """For example ``AᵀA = BᵀB``."""
        sign = _SIGNS[self.relation][printer.latex]
        return f"{printer.at(self.left, Precedence.SUM)} {sign} {printer.at(self.right, Precedence.SUM)}"

    def to_json(self) -> Json:
        """`[relation, left, right]`."""
        return [self.relation, term_to_json(self.left), term_to_json(self.right)]


@dataclass(frozen=True)
class Combination(Statement):
    """`both` (all hold) or `either` (at least one holds)."""

    kind: str
    parts: tuple[Statement, ...]

    def terms(self) -> Iterator[Term]:
        """The terms of all parts."""
        for part in self.parts:
            yield from part.terms()

    def expressions(self) -> Iterator[Expression]:
        """Those of all parts."""
        for part in self.parts:
            yield from part.expressions()

    def mapped(self, change: Any) -> Combination:
        """Every part changed."""
        return Combination(self.kind, tuple(p.mapped(change) for p in self.parts))

    def show(self, printer: TermPrinter) -> str:
        """Parts joined by and / or."""
        word = {"both": ("and", r"\text{ and }"), "either": ("or", r"\text{ or }")}[self.kind][printer.latex]
        return f" {word} ".join(p.show(printer) for p in self.parts)

    def to_json(self) -> Json:
        """`[kind, part, ...]`."""
        return [self.kind, *(p.to_json() for p in self.parts)]


@dataclass(frozen=True)
class Stationary(Statement):
    """First- (`order` 1) or second-order (`order` 2) stationarity of a scalar loss in some variables (theory §0)."""

    order: int
    loss: Term
    variables: tuple[Term, ...]
    written: tuple[Expression, ...] = field(default=(), compare=False, repr=False)

    def terms(self) -> Iterator[Term]:
        """The loss and the variables."""
        yield self.loss
        yield from self.variables

    def mapped(self, change: Any) -> Stationary:
        """The loss changed; the variables stay symbols."""
        return Stationary(self.order, change(self.loss), self.variables, self.written)

    def show(self, printer: TermPrinter) -> str:
        """For example ``(A, B) is a second-order stationary point of ...``."""
        names = ", ".join(printer.name(v.payload[0]) for v in self.variables)
        loss = printer.at(self.loss, Precedence.SUM)
        if printer.latex:
            second = rf",\ \nabla^2_{{({names})}} L \succeq 0" if self.order == 2 else ""
            return rf"\nabla_{{({names})}} L = 0{second} \text{{ for }} L = {loss}"
        return f"({names}) is a {'first' if self.order == 1 else 'second'}-order stationary point of {loss}"

    def to_json(self) -> Json:
        """`[fosp | sosp, loss, names]`."""
        name = "fosp" if self.order == 1 else "sosp"
        return [name, term_to_json(self.loss), [v.payload[0] for v in self.variables]]


@dataclass(frozen=True)
class FunctionOf:
    """A scalar function of a matrix: a term in the variable `ARGUMENT`."""

    shape: Shape
    body: Term

    def to_json(self) -> Json:
        """`["function", shape, body]`."""
        return ["function", list(self.shape), term_to_json(self.body)]

    def mapped(self, change: Any) -> FunctionOf:
        """The body changed."""
        return FunctionOf(self.shape, change(self.body))

    @property
    def name(self) -> str | None:
        """The name of the function variable that this is, if it is one."""
        plain = self.body.op == "smooth" and self.body.args == (symbol(ARGUMENT, self.shape),)
        return self.body.payload[0].name if plain else None

    def show(self, printer: TermPrinter) -> str:
        """The function's name where it has one, else its formula."""
        if self.name is not None:
            return printer.name(self.name)
        rows, cols = self.shape  # type: ignore[misc]
        return show_function(FunctionSymbol("", (rows, cols), self.body), printer)


@dataclass(frozen=True)
class Curvature(Statement):
    """A condition on a function's curvature: `uniform_curvature`, `convex`, `rsc` or `rsm` with its numbers."""

    kind: str
    function: FunctionOf
    numbers: tuple[Term, ...]
    written: tuple[Expression, ...] = field(default=(), compare=False, repr=False)

    def terms(self) -> Iterator[Term]:
        """The function's body and the numbers."""
        yield self.function.body
        yield from self.numbers

    def mapped(self, change: Any) -> Curvature:
        """Body and numbers changed."""
        return Curvature(self.kind, self.function.mapped(change), tuple(change(t) for t in self.numbers), self.written)

    def show(self, printer: TermPrinter) -> str:
        """For example ``αI ⪯ ∇²f ⪯ βI``."""
        f = self.function.show(printer)
        n = [printer.at(t, Precedence.PRODUCT) for t in self.numbers]
        below, nabla = (r" \preceq ", rf"\nabla^2 {f}") if printer.latex else (" ⪯ ", f"∇²{f}")
        match self.kind:
            case "uniform_curvature":
                return f"{n[0]} I{below}{nabla}{below}{n[1]} I"
            case "convex":
                return f"0{below}{nabla}"
            case _:
                word = f"{self.kind.upper()}({n[0]}; {n[2]}, {n[3]})"
                return f"{word} of {f} around {n[1]}" if not printer.latex else rf"\mathrm{{{word}}}\text{{ of }}{f}"

    def to_json(self) -> Json:
        """`[kind, function, number, ...]`."""
        return [self.kind, self.function.to_json(), *(term_to_json(t) for t in self.numbers)]


@dataclass(frozen=True)
class RegularizedStationary(Statement):
    """`−∇f(Y) = weight·S, ‖S‖_op ≤ 1, ⟨S, Y⟩ = ‖Y‖_*`: Y is stationary for `f + weight·‖·‖_*` (theory §0)."""

    function: FunctionOf
    weight: Term
    point: Term
    witness: Term
    written: tuple[Expression, ...] = field(default=(), compare=False, repr=False)

    def terms(self) -> Iterator[Term]:
        """Body, weight, point and witness."""
        yield self.function.body
        yield from (self.weight, self.point, self.witness)

    def mapped(self, change: Any) -> RegularizedStationary:
        """Everything changed."""
        weight, point, witness = (change(t) for t in (self.weight, self.point, self.witness))
        return RegularizedStationary(self.function.mapped(change), weight, point, witness, self.written)

    def show(self, printer: TermPrinter) -> str:
        """For example ``−∇f(X⋆) = λS, S ∈ ∂‖X⋆‖_*``."""
        f = self.function.show(printer)
        y, s = (printer.at(t, Precedence.SUM) for t in (self.point, self.witness))
        weight = printer.at(self.weight, Precedence.PRODUCT)
        if printer.latex:
            return rf"-\nabla {f}({y}) = {weight} {s},\ {s} \in \partial \|{y}\|_*"
        return f"−∇{f}({y}) = {weight}·{s}, {s} ∈ ∂‖{y}‖_*"

    def to_json(self) -> Json:
        """`["regularized_stationary", function, weight, point, witness]`."""
        parts = (self.weight, self.point, self.witness)
        return ["regularized_stationary", self.function.to_json(), *(term_to_json(t) for t in parts)]


def _compare(relation: str, left: Expression, right: Expression) -> Comparison:
    a, b = declared_term_of(left), declared_term_of(right)
    if a.shape != b.shape:
        # A bare 0 next to a matrix is the zero matrix, as everybody writes it.
        if b.op == "num" and b.payload[0] == 0 and a.shape != () and relation in ("equal", "distinct"):
            b = make("zeros", payload=a.shape)
        elif a.op == "num" and a.payload[0] == 0 and b.shape != () and relation in ("equal", "distinct"):
            a = make("zeros", payload=b.shape)
        else:
            raise ShapeError(
                f"{relation} compares {show_shape(a.shape)} with {show_shape(b.shape)}: "
                "both sides need the same shape for every size"
            )
    if relation in ("le", "lt") and a.shape != ():
        raise ShapeError(f"{relation} compares scalars, not {show_shape(a.shape)} matrices: take a norm or an entry")
    return Comparison(relation, a, b, written(left, right))


def written(*expressions: Expression) -> tuple[Expression, ...]:
    """The author's own objects, where there is an author."""
    return () if any(isinstance(e, Term) for e in expressions) else tuple(sympified(e) for e in expressions)


def equal(left: Expression, right: Expression) -> Comparison:
    """`left = right`, for scalars or matrices of one shape."""
    return _compare("equal", left, right)


def le(left: Expression, right: Expression) -> Comparison:
    """`left ≤ right`, for scalars."""
    return _compare("le", left, right)


def lt(left: Expression, right: Expression) -> Comparison:
    """`left < right`, for scalars."""
    return _compare("lt", left, right)


def distinct(left: Expression, right: Expression) -> Comparison:
    """`left ≠ right`, for scalars or matrices of one shape."""
    return _compare("distinct", left, right)


def require_statement(value: Any, where: str) -> Statement:
    """The value if it is a statement, else an error that says what to write instead."""
    if isinstance(value, Statement):
        return value
    if isinstance(value, bool):
        raise ClaimError(f"{where} is the Python value {value}: use equal(...), le(...) or lt(...) instead of ==, <=, <")
    if isinstance(value, Relational):
        raise ClaimError(f"{where} is the SymPy relation {str(value)[:60]}, not a statement: {relation_hint(value)}")
    raise ClaimError(
        f"{where} is {type(value).__name__} ({str(value)[:60]}), not a statement: use equal(...), le(...), lt(...)"
    )


def both(*parts: Statement) -> Statement:
    """All parts hold."""
    checked = tuple(require_statement(p, "a part of both(...)") for p in parts)
    if not checked:
        raise ClaimError("both() is empty: give at least one statement")
    return checked[0] if len(checked) == 1 else Combination("both", checked)


def either(*parts: Statement) -> Statement:
    """At least one part holds."""
    checked = tuple(require_statement(p, "a part of either(...)") for p in parts)
    if not checked:
        raise ClaimError("either() is empty: give at least one statement")
    return checked[0] if len(checked) == 1 else Combination("either", checked)


def fosp(loss: Expression, of: Sequence[Expression]) -> Stationary:
    """First-order stationarity of any scalar loss in some matrices: `fosp(loss, of=[A1, B1, A2, B2])`."""
    return _stationary(1, loss, of)


def sosp(loss: Expression, of: Sequence[Expression]) -> Stationary:
    """Second-order stationarity of any scalar loss: factors come in pairs, `sosp(loss, of=[A1, B1, A2, B2])`.

    An approximate point of L, `∇L = E` and `∇²L ⪰ −γI`, is an exact one of `L + (γ/2)(‖A‖² + ‖B‖²) − ⟨C, A⟩ − ⟨D, B⟩` with
    `(C, D) = E + γ(A, B)` (theory §8).
    """
    return _stationary(2, loss, of)


def _stationary(order: int, loss: Expression, of: Sequence[Expression]) -> Stationary:
    moving = as_sequence(of)
    term, variables = declared_term_of(loss), tuple(declared_term_of(v) for v in moving)
    if term.shape != ():
        raise ShapeError(f"the loss is a {show_shape(term.shape)} matrix: a loss is scalar")
    if not variables or any(v.op != "sym" or v.shape == () for v in variables):
        raise ClaimError("stationary in what? give matrix symbols, as in sosp(loss, of=[A, B])")
    twice = next((v.payload[0] for i, v in enumerate(variables) if v in variables[:i]), None)
    if twice is not None:
        raise ClaimError(f"stationary in {twice} and in {twice}: give each matrix once")
    return Stationary(order, term, variables, written(loss, *moving))


def singular_pair(matrix: Expression, k: Expression, left: Expression, right: Expression) -> Statement:
    """`left` and `right` are unit columns with `Mv = σ_k(M)u` and `Mᵀu = σ_k(M)v`: the k-th pair of singular vectors.

    Bind the columns with the other symbols: `u, v = matrices("u", m, 1), matrices("v", n, 1)`.
    """
    size = sigma(matrix, k)
    return both(
        equal(matrix * right, size * left),
        equal(matrix.T * left, size * right),
        equal(SCALAR_NODES["frobenius"](left), 1),
        equal(SCALAR_NODES["frobenius"](right), 1),
    )
