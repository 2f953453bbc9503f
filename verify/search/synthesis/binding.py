"""Which part of a claim plays which role of theory §7, and a synthesized loss written in the claim's own names.

Main definitions: `Roles`, `roles_of`, `setting_at`, `as_batch`, `as_exact`. Nothing is recognized by name: scale and decays are
read off the loss by evaluating it exactly at small points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.conditions import conjuncts, reduced
from verify.evaluation.batches import Batch, instantiate
from verify.evaluation.fields import FloatField, RationalField
from verify.evaluation.interpret import evaluate_term
from verify.language.domains import Domain
from verify.language.errors import NotRational
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.operations.operation import Environment
from verify.language.statements import Curvature, RegularizedStationary, Stationary
from verify.language.terms import Dim, Term, symbols_of
from verify.losses.taylor import data_name, taylor_model
from verify.points.sources.assumptions import Definition, definitions
from verify.points.sources.curvature import assumed_curvature, bounds_of
from verify.points.sources.factors import are_products
from verify.search.instances import ExactInstance, rows_of
from verify.search.synthesis.points import Number, Point
from verify.search.synthesis.shapes import Setting

Array = Any


@dataclass(frozen=True)
class Roles:
    """A claim about second-order points of `f(sABᵀ) + (λ_A/2)‖A‖² + (λ_B/2)‖B‖²` with an opaque f, taken apart.

    Attributes:
        formula: the claim.
        stationary: its assumption about (A, B).
        function: f.
        model: the quadratic that takes the place of f.
        target: the definition of X⋆ and S, where the claim has one.
        curvature: the assumptions about f's curvature.
        defined: variables that assumptions define by others.
        loss_scalars: the scalars in the loss (decays, scale).
        parameters: scalars that are neither in the loss, nor bounds on the curvature, nor defined.
    """

    formula: Formula
    stationary: Stationary
    function: FunctionSymbol
    model: FunctionSymbol
    target: RegularizedStationary | None
    curvature: tuple[Curvature, ...]
    defined: tuple[Definition, ...]
    loss_scalars: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def factors(self) -> tuple[Term, Term]:
        """The symbols of A and B."""
        left, right = self.stationary.variables
        return left, right

    def bounds(self, side: int) -> list[Term]:
        """All assumed lower (0) or upper (1) bounds on the curvature."""
        return [b for b in (bounds_of(s)[side] for s in self.curvature) if b is not None]

    def bound_symbols(self, side: int) -> list[str]:
        """Those bounds that are plain variables free to choose."""
        taken = {d.name for d in self.defined} | set(self.loss_scalars)
        return sorted({b.payload[0] for b in self.bounds(side) if b.op == "sym"} - taken)


def roles_of(formula: Formula) -> Roles | None:
    """The claim's parts, or None if it is not about second-order points of one adapter with one opaque f."""
    found = [s for s in formula.given if isinstance(s, Stationary) and s.order == 2]
    functions = list(formula.functions().values())
    if len(found) != 1 or len(functions) != 1 or formula.process is not None or formula.operators():
        return None
    (stationary,), (function,) = found, functions
    if len(stationary.variables) != 2 or not are_products(stationary):
        return None
    target = next((s for s in formula.given if isinstance(s, RegularizedStationary)), None)
    if target is not None and (target.point.op != "sym" or target.witness.op != "sym"):
        return None
    own = {v.payload[0] for v in stationary.variables}
    others = [s for s in formula.given if s is not stationary and s is not target]
    defined = tuple(d for d in definitions(conjuncts([reduced(s) for s in others])) if d.name not in own)
    inside = symbols_of(stationary.loss)
    scalars = formula.scalars()
    loss_scalars = tuple(n for n in scalars if n in inside)
    curvature = tuple(assumed_curvature(function, formula))
    bounds = {b.payload[0] for s in curvature for b in bounds_of(s) if b is not None and b.op == "sym"}
    taken = {*loss_scalars, *bounds, *(d.name for d in defined)}
    return Roles(
        formula,
        stationary,
        function,
        taylor_model(function, cubic=False),
        target,
        curvature,
        defined,
        loss_scalars,
        tuple(n for n in scalars if n not in taken),
    )


def dims_at(roles: Roles, m: int, n: int, r: int, r_star: int) -> dict[str, int] | None:
    """The claim's dimensions for given sizes (others become r⋆), or None where it fixes them otherwise."""
    left, right = roles.factors
    wanted: list[tuple[Dim, int]] = [*zip(left.shape, (m, r), strict=True), *zip(right.shape, (n, r), strict=True)]
    wanted += list(zip(roles.function.shape, (m, n), strict=True))
    dims = dict.fromkeys(roles.formula.dims, r_star)
    dims.update({d: size for d, size in wanted if isinstance(d, str)})
    return dims if all((d if isinstance(d, int) else dims[d]) == size for d, size in wanted) else None


def setting_at(roles: Roles, dims: Mapping[str, int], scalars: Mapping[str, Fraction]) -> Setting | None:
    """Scale and decays of the loss at given values of its scalars, or None if it has another form.

    The form is read off the values at three points, and checked at a fourth.
    """
    return _setting(roles.stationary.loss, roles.factors, roles.function, tuple(dims.items()), tuple(scalars.items()))


@lru_cache(maxsize=512)
def _setting(
    given: Term,
    factors: tuple[Term, Term],
    function: FunctionSymbol,
    sizes: tuple[tuple[str, int], ...],
    scalars: tuple[tuple[str, Fraction], ...],
) -> Setting | None:
    """`setting_at`: most claims have the same loss."""
    left, right = factors
    dims, name = dict(sizes), function.name
    (m, r), (n, _) = (tuple(d if isinstance(d, int) else dims[d] for d in v.shape) for v in (left, right))
    loss = instantiate(given, {name: taylor_model(function, cubic=False)})
    slope = _integers(m, n, 2)

    def value(a: Array, b: Array, pull: Array) -> Fraction:
        data = {left.payload[0]: a, right.payload[0]: b}
        zero = _integers(m, n, 0)
        data |= {data_name(name, "P"): zero, data_name(name, "G"): pull}
        constants = {k: np.array(v, dtype=object) for k, v in scalars}
        env = Environment({**constants, **data}, dims, {}, {data_name(name, "H"): _integers(m * n, m * n, 0)})
        return Fraction(np.ravel(evaluate_term(loss, env, RationalField()))[0])

    none = _integers(m, n, 0)
    first, second = _integers(m, r, 1), _integers(n, r, 3)
    try:
        decays = (
            2 * value(first, 0 * second, none) / np.sum(first * first),
            2 * value(0 * first, second, none) / np.sum(second * second),
        )
        scale = (value(first, second, slope) - value(first, second, none)) / np.sum(slope * (first @ second.T))
        setting = Setting(Fraction(scale), Fraction(decays[0]), Fraction(decays[1]))
        other, another = _integers(m, r, 4), _integers(n, r, 5)
        told = value(other, another, slope)
    except (NotRational, KeyError, ZeroDivisionError):
        return None
    wanted = setting.scale * np.sum(slope * (other @ another.T))
    wanted += (setting.decay_left * np.sum(other * other) + setting.decay_right * np.sum(another * another)) / 2
    good = told == wanted and setting.scale > 0 and min(decays) >= 0 and setting.skew is not None
    return setting if good else None


def _integers(rows: int, cols: int, kind: int) -> Array:
    """A matrix of small whole numbers without structure; 0 for kind 0."""
    place = np.arange(1, rows * cols + 1).reshape(rows, cols)
    return ((kind * place * place + kind * kind * place) % 7 + (kind > 0) * 1).astype(object) * Fraction(int(kind > 0))


def matrices_at(roles: Roles, dims: Mapping[str, int], point: Point, hessian: Array, slope: Array) -> dict[str, Array]:
    """Values by name for every matrix of the claim and for f's data, floats or Fractions."""
    name = roles.function.name
    found = {v.payload[0]: value for v, value in zip(roles.factors, (point.left, point.right), strict=True)}
    found |= {data_name(name, "P"): point.star, data_name(name, "G"): -point.weight * slope, data_name(name, "H"): hessian}
    spare = [point.star, slope]
    if roles.target is not None:
        found |= {roles.target.point.payload[0]: point.star, roles.target.witness.payload[0]: slope}
        spare = []
    pair = list(_factors_of_star(point))
    for variable, shape in roles.formula.matrices().items():
        if variable in found:
            continue
        rows, cols = (d if isinstance(d, int) else dims[d] for d in shape)
        fitting = next((k for k, value in enumerate(spare) if value.shape[-2:] == (rows, cols)), None)
        if fitting is not None:
            found[variable] = spare.pop(fitting)
            continue
        factor = next((k for k, value in enumerate(pair) if len(value) == rows), None)
        made = np.zeros((rows, cols), dtype=point.left.dtype) + 0 * point.left.flat[0]
        if factor is not None:
            value = pair.pop(factor)
            kept = min(cols, value.shape[1])
            made[:, :kept] = value[:, :kept]
        found[variable] = made
    return found


def _factors_of_star(point: Point) -> tuple[Array, Array]:
    """Nearly balanced factors of `X⋆/s`, rational for rational points."""
    inside = point.star_left.T @ point.star @ point.star_right
    left, right = point.star_left.copy(), point.star_right.copy()
    for k in range(left.shape[1]):
        value = inside[k, k] / point.scale
        root = Fraction(float(value) ** 0.5).limit_denominator(12) if left.dtype == object else value**0.5
        left[:, k] *= root
        right[:, k] *= value / root
    return left, right


def as_batch(
    roles: Roles, dims: Mapping[str, int], point: Point, hessian: Array, slope: Array, scalars: Mapping[str, float]
) -> Batch:
    """Instances in floats, for one loss or a stack of losses (H and S along a leading axis); definitions are carried out."""
    count = len(hessian) if np.ndim(hessian) == 3 else 1
    found = matrices_at(roles, dims, point, hessian, slope)
    made = {k: np.broadcast_to(np.asarray(v, dtype=float), (count, *np.shape(v)[-2:])) for k, v in found.items()}
    bend = data_name(roles.function.name, "H")
    operators = {bend: made.pop(bend)}
    values = {**made, **{k: np.full(count, float(v)) for k, v in scalars.items()}}
    for definition in roles.defined:
        term = instantiate(definition.value, {roles.function.name: roles.model})
        env = Environment(values, dims, {}, operators)
        with np.errstate(all="ignore"):
            value = evaluate_term(term, env, FloatField())
        values[definition.name] = np.broadcast_to(value, (count, *np.shape(value)[np.ndim(value) - len(term.shape) :]))
    return Batch(dims, values, operators, {roles.function.name: roles.model}, "synthesized", count)


def as_exact(
    roles: Roles, dims: Mapping[str, int], point: Point, hessian: Array, slope: Array, scalars: Mapping[str, Fraction]
) -> ExactInstance:
    """The instance in rationals; what assumptions define is left to `search.exact_assumptions`."""
    made = {k: rows_of(v) for k, v in matrices_at(roles, dims, point, hessian, slope).items()}
    numbers = {n: scalars.get(n, Fraction(1)) for n in roles.formula.scalars()}
    numbers[data_name(roles.function.name, "c")] = Fraction(0)
    return ExactInstance({d: dims[d] for d in roles.formula.dims}, numbers, made)


def evaluated(term: Term, dims: Mapping[str, int], scalars: Mapping[str, Number]) -> Number | None:
    """A scalar term's value from scalars alone, exact on Fractions; None if something is missing or irrational."""
    if any(name not in scalars for name in symbols_of(term)):
        return None
    exact = all(isinstance(v, Fraction) for v in scalars.values())
    try:
        if exact:
            env = Environment({k: np.array(v, dtype=object) for k, v in scalars.items()}, dims, {}, {})
            return Fraction(np.ravel(evaluate_term(term, env, RationalField()))[0])
        env = Environment({k: np.array(float(v)) for k, v in scalars.items()}, dims, {}, {})
        with np.errstate(all="ignore"):
            return float(np.ravel(evaluate_term(term, env, FloatField()))[0])
    except (NotRational, KeyError, ZeroDivisionError):
        return None


def inside(domain: Domain, free: float) -> float:
    """A number in a domain from an unconstrained real: near a strict bound for very negative ones."""
    low = domain.least if domain.above is None else domain.above
    high = domain.most if domain.below is None else domain.below
    if low is not None and high is not None:
        return float(low) + float(high - low) / (1 + float(np.exp(-free)))
    if low is not None:
        return float(low) + float(np.exp(free))
    return free if high is None else float(high) - float(np.exp(free))
