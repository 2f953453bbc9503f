"""Matrix algebra: sums, products, transpose, trace and the Hadamard product."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

from verify.language.errors import ShapeError
from verify.language.operations.operation import (
    Array,
    Environment,
    Field,
    Growth,
    Operation,
    Precedence,
    Printer,
)
from verify.language.terms import (
    Shape,
    Term,
    make,
    number,
    require_matrix,
    require_same,
    require_square,
    show_shape,
)


def total(terms: Sequence[Term | None]) -> Term | None:
    """The sum of those that are not None."""
    present = [t for t in terms if t is not None]
    return None if not present else present[0] if len(present) == 1 else make("add", *present)


def inner(left: Term, right: Term) -> Term:
    """`<left, right>`: `tr(leftᵀ right)` for matrices, the product for scalars."""
    if left.is_scalar:
        return make("mul", left, right)
    return make("trace", make("matmul", make("transpose", left), right))


def transpose(term: Term) -> Term:
    """The transpose."""
    return term.args[0] if term.op == "transpose" else make("transpose", term)


def scaled(factor: Term, term: Term) -> Term:
    """`factor · term` for a scalar factor."""
    return make("mul", factor, term)


def negated(term: Term) -> Term:
    """`−term`."""
    return make("mul", number(-1), term)


def expand_scalar(value: Array) -> Array:
    """Let a scalar of shape `(...,)` multiply matrices `(..., rows, cols)`; NumPy unpacks single exact numbers."""
    return (value if hasattr(value, "shape") else np.array(value, dtype=object))[..., None, None]


# --- sums -----------------------------------------------------------------------------------------------------------


def _add_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return reduce(lambda x, y: x + y, args)


def _split_sign(term: Term) -> tuple[bool, Term]:
    """Whether a summand prints with a minus, and what follows the sign."""
    if term.op == "num" and term.payload[0] < 0:
        return True, number(-term.payload[0])
    if term.op == "mul" and term.args[0].op == "num" and term.args[0].payload[0] < 0:
        factor, rest = -term.args[0].payload[0], term.args[1:]
        if factor == 1 and rest:
            return True, rest[0] if len(rest) == 1 else make("mul", *rest)
        return True, make("mul", number(factor), *rest)
    return False, term


def _show_sum(term: Term, printer: Printer) -> str:
    minus_sign = "-" if printer.latex else "−"
    text = ""
    for position, summand in enumerate(term.args):
        minus, body = _split_sign(summand)
        shown = printer.at(body, Precedence.PRODUCT if minus else Precedence.SUM)
        lead = minus_sign if minus else ""
        text += f" {minus_sign if minus else '+'} {shown}" if position else lead + shown
    return text


# --- products -------------------------------------------------------------------------------------------------------


def _mul_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    matrices = [s for s in shapes if s != ()]
    if len(matrices) > 1:
        raise ShapeError(
            f"a scalar product with two matrices ({show_shape(matrices[0])} and {show_shape(matrices[1])}): "
            "use A*B for the matrix product or hadamard(A, B) for the entrywise one"
        )
    return matrices[0] if matrices else ()


def _mul_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    if term.is_scalar:
        return reduce(lambda x, y: x * y, args)
    return reduce(lambda x, y: x * y, [expand_scalar(v) if a.is_scalar else v for a, v in zip(term.args, args, strict=True)])


def _mul_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    return total([None if d is None else make("mul", *term.args[:i], d, *term.args[i + 1 :]) for i, d in enumerate(tangents)])


def _mul_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    bars: list[Term | None] = []
    for i, arg in enumerate(term.args):
        others = term.args[:i] + term.args[i + 1 :]
        if arg.is_scalar and not term.is_scalar:
            matrix = next(o for o in others if not o.is_scalar)
            bars.append(make("mul", *(o for o in others if o.is_scalar), inner(matrix, bar)))
        else:
            bars.append(make("mul", *others, bar))
    return bars


def _show_mul(term: Term, printer: Printer) -> str:
    minus, body = _split_sign(term)
    if minus:
        return ("-" if printer.latex else "−") + printer.at(body, Precedence.PRODUCT)
    shown = []
    for arg in term.args:
        text = printer.at(arg, Precedence.PRODUCT)
        shown.append(f"({text})" if arg.op == "num" and arg.payload[0] < 0 else text)
    return join_factors(shown, printer)


def join_factors(factors: Sequence[str], printer: Printer) -> str:
    """Juxtapose printed factors, with a thin separator where letters would run together."""
    return (r" \, " if printer.latex else "·").join(factors)


def _matmul_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    sizes = [require_matrix(s, "a matrix product") for s in shapes]
    for left, right in pairwise(sizes):
        if left[1] != right[0]:
            raise ShapeError(
                f"the product of {show_shape(left)} and {show_shape(right)}: the inner dimensions {left[1]} and "
                f"{right[0]} differ; transpose one factor (A*B.T), or use one symbol if they are equal"
            )
    return (sizes[0][0], sizes[-1][1])


def _matmul_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return reduce(field.matmul, args)


def chain(factors: Sequence[Term]) -> Term:
    """The matrix product of one or more factors."""
    return factors[0] if len(factors) == 1 else make("matmul", *factors)


def _matmul_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    return total([None if d is None else chain([*term.args[:i], d, *term.args[i + 1 :]]) for i, d in enumerate(tangents)])


def _matmul_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return [
        chain(
            [
                *(transpose(a) for a in reversed(term.args[:i])),
                bar,
                *(transpose(a) for a in reversed(term.args[i + 1 :])),
            ]
        )
        for i in range(len(term.args))
    ]


def _show_matmul(term: Term, printer: Printer) -> str:
    return join_factors([printer.at(a, Precedence.PRODUCT) for a in term.args], printer)


# --- transpose, trace, Hadamard -------------------------------------------------------------------------------------


def _transpose_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    rows, cols = require_matrix(shapes[0], "a transpose")
    return (cols, rows)


def _transpose_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.transpose(args[0])


def _trace_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    require_square(shapes[0], "a trace")
    return ()


def _trace_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.trace(args[0])


def _trace_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return [make("mul", bar, make("eye", payload=term.args[0].shape[:1]))]


def _hadamard_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return reduce(lambda x, y: x * y, args)


def _hadamard_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    return total(
        [None if d is None else make("hadamard", *term.args[:i], d, *term.args[i + 1 :]) for i, d in enumerate(tangents)]
    )


def _hadamard_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return [make("hadamard", *term.args[:i], bar, *term.args[i + 1 :]) for i in range(len(term.args))]


def _linear(name: str) -> Any:
    def rule(term: Term, tangents: Sequence[Term | None]) -> Term | None:
        return None if tangents[0] is None else make(name, tangents[0], payload=term.payload)

    return rule


def _show_transpose(term: Term, printer: Printer) -> str:
    return printer.at(term.args[0], Precedence.ATOM) + (r"^{\top}" if printer.latex else "ᵀ")


def _show_hadamard(term: Term, printer: Printer) -> str:
    return (r" \odot " if printer.latex else " ∘ ").join(printer.at(a, Precedence.POWER) for a in term.args)


def fraction_power(term: Term, exponent: Fraction | int) -> Term:
    """`term ** exponent` for a scalar term."""
    return make("pow", term, payload=(Fraction(exponent),))


OPERATIONS = (
    Operation(
        "add",
        lambda payload, shapes: require_same(shapes, "the sum"),
        _add_value,
        _show_sum,
        lambda term, tangents: total(tangents),
        lambda term, bar: [bar] * len(term.args),
        Growth.ADDITIVE,
        Precedence.SUM,
    ),
    Operation("mul", _mul_shape, _mul_value, _show_mul, _mul_tangent, _mul_adjoint, precedence=Precedence.PRODUCT),
    Operation(
        "matmul",
        _matmul_shape,
        _matmul_value,
        _show_matmul,
        _matmul_tangent,
        _matmul_adjoint,
        precedence=Precedence.PRODUCT,
    ),
    Operation(
        "transpose",
        _transpose_shape,
        _transpose_value,
        _show_transpose,
        _linear("transpose"),
        lambda term, bar: [transpose(bar)],
        Growth.ADDITIVE,
        Precedence.POWER,
    ),
    Operation(
        "trace",
        _trace_shape,
        _trace_value,
        lambda t, p: p.call("tr", [p.at(t.args[0], Precedence.SUM)]),
        _linear("trace"),
        _trace_adjoint,
    ),
    Operation(
        "hadamard",
        lambda payload, shapes: require_same(shapes, "the Hadamard product"),
        _hadamard_value,
        _show_hadamard,
        _hadamard_tangent,
        _hadamard_adjoint,
        precedence=Precedence.ENTRYWISE,
    ),
)
