"""Terms: the one immutable expression tree that every layer reads.

Main definitions: `Term`, `Dim`, `Shape`, `make` (the only constructor, which infers and checks the shape), `walk`.

A SymPy expression is translated once into a term (`language.translate`); derivatives, float batches, exact rationals,
printing and certificates are interpretations of the same tree. Terms never simplify themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from verify.language.errors import ClaimError, ShapeError

if TYPE_CHECKING:
    from verify.language.operations.operation import Operation

Dim = int | str
"""A dimension: a positive integer or the name of a symbolic one."""

Shape = tuple[()] | tuple[Dim, Dim]
"""`()` for a scalar, `(rows, cols)` for a matrix."""

SCALAR: Shape = ()

ARGUMENT = "·"
"""The name of the matrix argument in a function's body; no user symbol can have it."""

DIRECTION = "·δ"
"""What the name of a variable's direction begins with; no user symbol can have that sign."""


class Term:
    """One node: an operation, its static payload, its arguments, and the shape inferred from them.

    Equality and hashing are structural; the hash is computed once, from the children's.
    """

    __slots__ = ("_hash", "args", "op", "payload", "shape")
    op: str
    payload: tuple[Any, ...]
    args: tuple[Term, ...]
    shape: Shape

    def __init__(self, op: str, payload: tuple[Any, ...], args: tuple[Term, ...], shape: Shape) -> None:
        object.__setattr__(self, "op", op)
        object.__setattr__(self, "payload", payload)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "_hash", hash((op, payload, args)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("terms are immutable")

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Term) or self._hash != other._hash:  # type: ignore[attr-defined]
            return False
        return (self.op, self.payload, self.args) == (other.op, other.payload, other.args)

    def __bool__(self) -> bool:
        raise ClaimError("a term has no truth value: compare with equal(...), le(...) or lt(...)")

    def __repr__(self) -> str:
        inner = ", ".join([*(repr(p) for p in self.payload), *(repr(a) for a in self.args)])
        return f"{self.op}({inner})"

    @property
    def is_scalar(self) -> bool:
        """Whether the term is a scalar."""
        return self.shape == ()


@cache
def _operation(op: str) -> Operation:
    from verify.language.operations import OPERATIONS  # they are made of terms themselves

    return OPERATIONS[op]


def operation_of(term: Term) -> Operation:
    """The operation record (all the rules) of a term's node kind."""
    return _operation(term.op)


def make(op: str, *args: Term, payload: tuple[Any, ...] = ()) -> Term:
    """Build a node; the operation's shape rule checks the arguments.

    Raises:
        ShapeError: if the shapes of the arguments do not agree.
    """
    return _made(op, payload, args)


@lru_cache(maxsize=1 << 17)
def _made(op: str, payload: tuple[Any, ...], args: tuple[Term, ...]) -> Term:
    """Equal parts mostly give the same object: then comparing large terms takes no time."""
    return Term(op, payload, args, _operation(op).shape(payload, tuple(a.shape for a in args)))


def number(value: int | Fraction) -> Term:
    """A rational constant."""
    return make("num", payload=(Fraction(value),))


def zeros_like(shape: Shape) -> Term:
    """The zero of a shape: the number 0 or a zero matrix."""
    return number(0) if shape == () else make("zeros", payload=shape)


def symbol(name: str, shape: Shape = SCALAR) -> Term:
    """A variable of the given shape."""
    return make("sym", payload=(name, shape))


def is_zero(term: Term) -> bool:
    """Whether the term is literally zero (no algebra is done)."""
    return term.op == "zeros" or (term.op == "num" and term.payload[0] == 0)


def walk(term: Term) -> Iterator[Term]:
    """Every distinct node below `term`, arguments before the nodes that use them."""
    return iter(_in_order(term))


def walk_with_bodies(term: Term) -> Iterator[Term]:
    """The same, with the nodes of the formulas that functions are given by."""
    for node in walk(term):
        yield node
        if node.op in ("smooth", "smoothgrad") and node.payload[0].body is not None:
            yield from walk_with_bodies(node.payload[0].body)


@lru_cache(maxsize=8192)
def _in_order(term: Term) -> tuple[Term, ...]:
    """The nodes of `walk`: the same few terms are walked thousands of times."""
    found: dict[Term, None] = {}
    stack: list[tuple[Term, bool]] = [(term, False)]
    while stack:
        node, ready = stack.pop()
        if node in found:
            continue
        if ready:
            found[node] = None
        else:
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(node.args) if a not in found)
    return tuple(found)


def rebuild(term: Term, replacement: dict[Term, Term]) -> Term:
    """Replace whole nodes (usually symbols) and rebuild what is above them, checking shapes again."""
    done: dict[Term, Term] = dict(replacement)
    for node in walk(term):
        if node not in done:
            args = tuple(done[a] for a in node.args)
            done[node] = node if args == node.args else make(node.op, *args, payload=node.payload)
    return done[term]


def symbols_of(term: Term) -> dict[str, Shape]:
    """Names and shapes of the variables a term contains; functions and operators are not among them."""
    found: dict[str, Shape] = {}
    for node in walk(term):
        if node.op == "sym":
            found[node.payload[0]] = node.payload[1]
        elif node.op in ("smooth", "smoothgrad") and node.payload[0].body is not None:
            inside = symbols_of(node.payload[0].body)
            found.update({n: s for n, s in inside.items() if n != ARGUMENT})
    return found


def show_dim(dim: Dim) -> str:
    """A dimension as text."""
    return str(dim)


def show_shape(shape: Shape) -> str:
    """A shape as text: ``m×r`` or ``a scalar``."""
    return "a scalar" if shape == () else "×".join(show_dim(d) for d in shape)


def require_same(shapes: tuple[Shape, ...], what: str) -> Shape:
    """The common shape, or an error that names both."""
    for other in shapes[1:]:
        if other != shapes[0]:
            raise ShapeError(
                f"{what} of {show_shape(shapes[0])} and {show_shape(other)}: "
                f"the shapes must agree for every size (declare equal dimensions by using one symbol for both)"
            )
    return shapes[0]


def require_matrix(shape: Shape, what: str) -> tuple[Dim, Dim]:
    """The two dimensions of a matrix shape, or an error."""
    if len(shape) != 2:
        raise ShapeError(f"{what} needs a matrix, not a scalar")
    return shape


def require_scalar(shape: Shape, what: str) -> None:
    """Check for a scalar shape."""
    if shape != ():
        raise ShapeError(f"{what} needs a scalar, not a {show_shape(shape)} matrix: take trace(...) or inner(...)")


def require_square(shape: Shape, what: str) -> Dim:
    """The size of a square matrix shape, or an error."""
    rows, cols = require_matrix(shape, what)
    if rows != cols:
        raise ShapeError(f"{what} needs a square matrix, not {show_shape(shape)}")
    return rows
