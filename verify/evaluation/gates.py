"""The gates that every derived formula passes before anyone sees it.

Main definitions: `gate_gradient`, `gate_hessian_form`, `GateReport`.

(a) The loss is lowered to explicit SymPy scalars on small matrices, by the value rules alone, with one unknown t at a
time; SymPy's scalar `diff` in t at t = 0 must equal the derived formula at the same rational point: exactly, or to 40
digits where values are irrational. (b) Central differences in floating point, on other sizes, must show the observed
order 2, or an error at rounding level. (c) Central differences with a hundred digits must agree at points of the scales
1/30, 3, 10 and 100 (`gate_scales`), so that a rule that is wrong only far from the origin, or only where one size is
above another, is caught. Opaque smooth functions are random cubics, operators random integer matrices.

All points lie inside the loss's domain; a scale that has none there is passed over, and a loss without any is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from random import Random
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand
from verify.calculus.normal_form import canonical
from verify.evaluation.fields.decimal import DecimalField
from verify.evaluation.fields.rational import RationalField
from verify.evaluation.fields.unknown import Nowhere, UnknownField, derivative_at_zero
from verify.evaluation.gate_points import DIGITS, Instance, Sizes, candidates, each, rational_number
from verify.evaluation.gate_scales import SCALES, gate_scales
from verify.evaluation.gate_sides import switches
from verify.evaluation.interpret import evaluate_term
from verify.language.errors import GateError, NotRational, ShapeError
from verify.language.terms import Term, is_zero, show_shape

Array = Any

_AGREE = 40
_DIRECTIONS = 3
_LEAST_ORDER = 1.6
_ROUNDING = 200 * float(np.finfo(float).eps)
_OTHERS = 3
"""Points at which finite differences of a loss with kinks may fail."""
_TAME = 1e8
"""The largest loss at which central differences in floating point are taken."""


@dataclass(frozen=True)
class GateReport:
    """What the gates saw.

    Attributes:
        exact: where the entrywise comparison was made, and how ("exactly", "to 40 digits").
        order: the observed order of the central difference; None where it is exact to rounding.
        note: empty, or that the derivative is identically zero.
        scales: at which points of the loss's domain were found and the formula was compared.
    """

    exact: str
    order: float | None
    note: str = ""
    scales: tuple[Fraction, ...] = ()


def gate_gradient(loss: Term, variable: Term, derived: Term, seed: int = 0) -> GateReport:
    """Pass a derived gradient through both gates.

    Args:
        loss: a scalar term.
        variable: a symbol term, scalar or matrix.
        derived: the term claimed to be the gradient; the variable's shape.
        seed: of the random points.

    Raises:
        GateError: if a gate disagrees, or no point in the loss's domain was found.
        ShapeError: if the derived term has not the variable's shape.
    """
    if derived.shape != variable.shape:
        raise ShapeError(f"a gradient of {show_shape(derived.shape)} for a variable of {show_shape(variable.shape)}")
    loss, derived = expand(loss), expand(derived)
    name: str = variable.payload[0]
    terms = [loss, derived, variable]

    def units(point: Instance) -> tuple[list[Mapping[str, Array]], bool]:
        return [{name: unit} for unit in _units(point.values[name].shape)], True

    how = _exact_gate(loss, units, 1, derived, _points(terms, loss, derived, seed, Sizes.ASCENDING))

    def differences(fine: Instance) -> float | None:
        def slope(move: Mapping[str, Array]) -> float:
            return float((fine.float_value(derived) * move[name].astype(float)).sum())

        return _difference_gate(loss, [{name: d} for d in _some_directions(fine, name, seed)], 1, slope, fine)

    order = _away_from_kinks(differences, loss, _points(terms, loss, derived, seed, Sizes.DESCENDING))
    scales = gate_scales(loss, {name: None}, derived, 1, terms, seed)
    return GateReport(how, order, f"does not depend on {name}" if is_zero(canonical(derived)) else "", scales)


def gate_hessian_form(loss: Term, directions: Mapping[str, Term], derived: Term, seed: int = 0) -> GateReport:
    """Pass a derived quadratic form `D²L[d, d]` through the gates.

    Args:
        loss: a scalar term.
        directions: variable name to direction, a term of the variable's shape (it may mention the variables).
        derived: the scalar term claimed to be the second derivative along the directions.
        seed: of the random points.

    Raises:
        GateError: if a gate disagrees, or no point in the loss's domain was found.
        ShapeError: if the derived term is not scalar.
    """
    return gate_along(loss, directions, derived, 2, seed)


def gate_along(loss: Term, directions: Mapping[str, Term], derived: Term, order: int, seed: int = 0) -> GateReport:
    """Pass a derived first or second derivative along directions through the gates; as `gate_hessian_form`."""
    if not derived.is_scalar:
        raise ShapeError(f"a derivative along directions is scalar, not {show_shape(derived.shape)}")
    loss, derived = expand(loss), expand(derived)
    terms = [loss, derived, *directions.values()]

    def move(point: Instance) -> tuple[list[Mapping[str, Array]], bool]:
        values, rational = point.along(directions)
        return [values], rational

    how = _exact_gate(loss, move, order, derived, _points(terms, loss, derived, seed, Sizes.ASCENDING))

    def differences(fine: Instance) -> float | None:
        moves = {name: fine.float_value(direction) for name, direction in directions.items()}
        return _difference_gate(loss, [moves], order, lambda _: float(fine.float_value(derived)), fine)

    observed = _away_from_kinks(differences, loss, _points(terms, loss, derived, seed, Sizes.DESCENDING))
    scales = gate_scales(loss, directions, derived, order, terms, seed)
    return GateReport(how, observed, "is identically zero" if is_zero(canonical(derived)) else "", scales)


def _points(terms: Sequence[Term], loss: Term, derived: Term, seed: int, sizes: Sizes) -> Iterator[Instance]:
    """Points inside the loss's domain: of scale 1 and the sizes asked for, if there are any.

    Raises:
        GateError: if there are no more.
    """
    other = Sizes.ASCENDING if sizes is Sizes.DESCENDING else Sizes.DESCENDING
    for scale in (Fraction(1), *SCALES):
        for order in (sizes, other):
            yield from candidates(terms, loss, derived, seed, scale, order, _TAME)
    raise GateError("not gated: no point in the domain of the loss and of its derivative was found")


# --- gate (a): SymPy's scalar derivative ----------------------------------------------------------------------------


def _units(shape: tuple[int, ...]) -> Iterator[Array]:
    """The unit directions of a variable, row by row."""
    for where in np.ndindex(*shape):
        unit = each(lambda _: Fraction(0), np.zeros(shape))
        unit[where] = Fraction(1)
        yield unit


def _exact_gate(
    loss: Term,
    moves: Callable[[Instance], tuple[Sequence[Mapping[str, Array]], bool]],
    order: int,
    derived: Term,
    points: Iterator[Instance],
) -> str:
    """Compare at the first point where the loss has the derivatives asked for; a kink at a random point is passed over."""
    for point in points:
        try:
            directions, rational = moves(point)
            wanted = (derivative_at_zero(_lowered(loss, move, point), order, DIGITS + 10) for move in directions)
            return _compared(wanted, derived, point, order, rational=rational)
        except (Nowhere, NotRational):
            continue
    raise AssertionError("the points end with an error")


def _compared(wanted: Iterator[Any], derived: Term, point: Instance, order: int, *, rational: bool) -> str:
    """Compare the derived formula's entries with SymPy's scalar derivatives along the moves, one an entry."""
    values, exact = _formula_at(derived, point)
    for found, right in zip(np.broadcast_to(values, np.shape(values)).reshape(-1), wanted, strict=True):
        both = isinstance(right, Fraction) and isinstance(found, Fraction)
        if not (right == found if both and rational else _close(right, found)):
            if found != found:
                list(wanted)  # a formula without value says nothing where the loss has a kink in another direction
            raise GateError(
                f"the derived formula failed a gate: SymPy's scalar derivative of order {order} is "
                f"{float(right):.12g}, the formula gives {float(found):.12g}, at a rational point with {point.where()}"
            )
    return f"equal {'exactly' if exact and rational else f'to {_AGREE} digits'} with {point.where()}"


def _formula_at(derived: Term, point: Instance) -> tuple[Array, bool]:
    """The value of the derived formula, and whether it is exact."""
    try:
        return evaluate_term(derived, point.environment(lambda x: x), RationalField()), True
    except NotRational:
        digits = DecimalField(DIGITS + 10)
        return evaluate_term(derived, point.environment(digits.scalar), digits), False


def _lowered(loss: Term, move: Mapping[str, Array], point: Instance) -> Any:
    """The loss as one explicit scalar in t, by the value rules only."""
    field = UnknownField()
    env = point.environment(field.scalar)
    moved = {}
    for name, direction in move.items():
        if name in point.values:
            moved[name] = np.empty(direction.shape, dtype=object)
            for where in np.ndindex(*direction.shape):
                moved[name][where] = field.line(point.values[name][where], direction[where])
    return evaluate_term(loss, replace(env, values={**env.values, **moved}), field).item()


def _close(wanted: Any, found: Any) -> bool:
    import mpmath

    with mpmath.workdps(DIGITS):
        left, right = (
            mpmath.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else mpmath.mpmathify(x) for x in (wanted, found)
        )
        size = max(mpmath.mpf(1), abs(left), abs(right))
        return bool(mpmath.im(left) == 0 and abs(left - right) <= mpmath.mpf(10) ** -_AGREE * size)


# --- gate (b): central differences ----------------------------------------------------------------------------------


def _away_from_kinks(differences: Callable[[Instance], float | None], loss: Term, points: Iterator[Instance]) -> float | None:
    """The differences at the first point; where a kink may lie between, at others too before a formula is refused."""
    refusal: GateError | None = None
    for point in islice(points, 1 + (_OTHERS if switches(loss) else 0)):
        try:
            return differences(point)
        except GateError as error:
            refusal = error
    assert refusal is not None
    raise refusal


def _some_directions(point: Instance, name: str, seed: int) -> list[Array]:
    rng = Random(f"direction {seed}")
    return [each(lambda _: rational_number(rng), point.values[name]) for _ in range(_DIRECTIONS)]


def _difference_gate(
    loss: Term,
    moves: Sequence[Mapping[str, Array]],
    order: int,
    slope: Callable[[Mapping[str, Array]], float],
    point: Instance,
) -> float | None:
    """The observed order, or None where the error is at rounding level for every step."""
    steps = 2.0 ** -np.arange(4, 13 if order == 1 else 11)
    errors, floors, sizes = np.zeros_like(steps), np.zeros_like(steps), 0.0
    for move in moves:
        wanted = slope(move)
        if not np.isfinite(wanted):
            raise GateError("the derived formula failed a gate: it is not a finite number inside the loss's domain")
        shifts = np.concatenate([steps, -steps, [0.0]])
        moved = {}
        for name, direction in move.items():
            if name not in point.values:
                continue
            base, d = point.values[name].astype(float), np.asarray(direction).astype(float)
            moved[name] = base + shifts.reshape((-1,) + (1,) * base.ndim) * d
        values = np.broadcast_to(point.float_value(loss, moved), shifts.shape)
        up, down, middle = values[: len(steps)], values[len(steps) : -1], values[-1]
        found = (up - down) / (2 * steps) if order == 1 else (up - 2 * middle + down) / steps**2
        largest = float(np.max(np.abs(values))) + 1.0
        errors = np.maximum(errors, np.abs(found - wanted))
        floors = np.maximum(floors, _ROUNDING * (largest / steps**order + abs(wanted)))
        sizes = max(sizes, largest + abs(wanted))
    return _observed_order(errors, floors, sizes)


def _observed_order(errors: Array, floors: Array, size: float) -> float | None:
    above = errors > floors
    if not above.any():
        return None
    pairs = [k for k in range(len(errors) - 1) if above[k] and above[k + 1]]
    if not pairs and errors[-1] <= floors[-1]:
        return None
    orders = np.log2(np.maximum(errors[:-1], 1e-300) / np.maximum(errors[1:], 1e-300))
    best = int(np.argmin(errors))
    if pairs and orders[pairs[-1]] >= _LEAST_ORDER:
        return float(orders[pairs[-1]])
    if errors[best] <= 1e-8 * size and best > 0 and orders[:best].max() >= _LEAST_ORDER:
        return float(orders[:best].max())
    raise GateError(
        f"the derived formula failed a gate: central differences differ from it by {errors[best]:.3g} "
        "and do not converge at order 2"
    )
