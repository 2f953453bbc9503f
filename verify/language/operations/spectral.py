"""Spectral quantities: norms, singular values, rank, smallest eigenvalue, and the ⊥⊥ block of theory §0."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from verify.language.operations.algebra import fraction_power, inner
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
    require_matrix,
    require_same,
    require_scalar,
    require_square,
)


def _matrix_to_scalar(what: str) -> Any:
    def rule(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
        require_matrix(shapes[0], what)
        return ()

    return rule


def _frobenius_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    return field.power((args[0] * args[0]).sum(axis=(-2, -1)), Fraction(1, 2))


def _frobenius_tangent(term: Term, tangents: Sequence[Term | None]) -> Term | None:
    if tangents[0] is None:
        return None
    return make("mul", inner(term.args[0], tangents[0]), fraction_power(term, -1))


def _frobenius_adjoint(term: Term, bar: Term) -> Sequence[Term | None]:
    return [make("mul", bar, fraction_power(term, -1), term.args[0])]


def _sigma_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    require_matrix(shapes[0], "sigma")
    require_scalar(shapes[1], "the index of sigma")
    return ()


def _sigma_value(field: Field, term: Term, args: Sequence[Array], env: Environment) -> Array:
    """`σ_k`, counted from 1; 0 beyond the smaller dimension, undefined (not a number) for k < 1 or fractional k."""
    return field.pick(field.singular_values(args[0]), args[1])


def _off_block_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    require_matrix(shapes[0], "off_block")
    return require_same(shapes, "off_block")


def _lambda_min_shape(payload: tuple[Any, ...], shapes: tuple[Shape, ...]) -> Shape:
    require_square(shapes[0], "lambda_min")
    return ()


def _norm(mark: str, latex_mark: str) -> Any:
    def rule(term: Term, printer: Printer) -> str:
        inside = printer.at(term.args[0], Precedence.SUM)
        return rf"\left\|{inside}\right\|_{latex_mark}" if printer.latex else f"‖{inside}‖{mark}"

    return rule


def _show_sigma(term: Term, printer: Printer) -> str:
    index, inside = printer.at(term.args[1], Precedence.SUM), printer.at(term.args[0], Precedence.SUM)
    if printer.latex:
        return rf"\sigma_{{{index}}}\left({inside}\right)"
    return f"σ_{index}({inside})" if index.isalnum() else f"σ_{{{index}}}({inside})"


def _show_off_block(term: Term, printer: Printer) -> str:
    y, x = (printer.at(a, Precedence.SUM) for a in term.args)
    if printer.latex:
        return rf"P_{{U({x})}}^{{\perp}} \left({y}\right) P_{{V({x})}}^{{\perp}}"
    return f"P⊥_U({x})·({y})·P⊥_V({x})"


def _show_call(name: str) -> Any:
    return lambda term, printer: printer.call(name, [printer.at(a, Precedence.SUM) for a in term.args])


_NORM = "it is not differentiable where singular values meet or vanish: use frobenius(X)**2 or a smooth loss"

OPERATIONS = (
    Operation(
        "frobenius",
        _matrix_to_scalar("the Frobenius norm"),
        _frobenius_value,
        _norm("_F", "F"),
        _frobenius_tangent,
        _frobenius_adjoint,
        Growth.ADDITIVE,
    ),
    Operation(
        "nuclear",
        _matrix_to_scalar("the nuclear norm"),
        lambda field, term, args, env: field.singular_values(args[0]).sum(axis=-1),
        _norm("_*", "*"),
        growth=Growth.ADDITIVE,
        why_not=_NORM,
    ),
    Operation(
        "spectral",
        _matrix_to_scalar("the spectral norm"),
        lambda field, term, args, env: field.singular_values(args[0])[..., 0],
        _norm("_op", r"{\mathrm{op}}"),
        growth=Growth.ADDITIVE,
        why_not=_NORM,
    ),
    Operation("sigma", _sigma_shape, _sigma_value, _show_sigma, growth=Growth.SPECIAL, why_not=_NORM),
    Operation(
        "rank",
        _matrix_to_scalar("the rank"),
        lambda field, term, args, env: field.rank(args[0]),
        _show_call("rank"),
        growth=Growth.SPECIAL,
        why_not="it is an integer",
    ),
    Operation(
        "lambda_min",
        _lambda_min_shape,
        lambda field, term, args, env: field.lambda_min(args[0]),
        lambda t, p: p.call(r"\lambda_{\min}" if p.latex else "λ_min", [p.at(t.args[0], Precedence.SUM)]),
        growth=Growth.ADDITIVE,
        why_not=_NORM,
    ),
    Operation(
        "off_block",
        _off_block_shape,
        lambda field, term, args, env: field.off_block(args[0], args[1]),
        _show_off_block,
        growth=Growth.SPECIAL,
        precedence=Precedence.PRODUCT,
        why_not="the projections jump where the rank changes",
    ),
)
