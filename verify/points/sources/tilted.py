"""Second-order points of tilted losses, by construction: any pair is one where the tilt is free to balance its gradient.

Main definitions: `tilts`, `tilted`, `with_tilts`, `ridges`. A loss `L + (γ/2)‖θ‖² − ⟨C, A⟩ − ⟨D, B⟩` with free data C and D
has a stationary point wherever one likes: C and D are solved for, and whether `∇²L ⪰ −γI` is read like any other assumption
(theory §8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand, gradients, tangent
from verify.calculus.normal_form import polynomial_of
from verify.evaluation.batches import Batch, instantiate
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.errors import NotDifferentiable
from verify.language.operations.algebra import inner
from verify.language.statements import Stationary
from verify.language.terms import DIRECTION, Term, make, number, symbol, symbols_of
from verify.points.finder.gauge import factors_of

Array = Any


@dataclass(frozen=True)
class Tilt:
    """The gradient in a variable contains `factor` times a datum of the same shape, and no other gradient does."""

    datum: str
    factor: int


@lru_cache(maxsize=64)
def tilts(statement: Stationary) -> Mapping[str, Tilt]:
    """A tilt for every variable of a loss, or nothing where one of them has none."""
    slopes = gradients(statement.loss, statement.variables)
    moving = {v.payload[0] for v in statement.variables}
    found: dict[str, Tilt] = {}
    for variable, slope in zip(statement.variables, slopes, strict=True):
        others = [s for s in slopes if s is not slope]
        for name, shape in symbols_of(slope).items():
            if shape != variable.shape or name in moving or any(name in symbols_of(s) for s in others):
                continue
            factor = _factor(slope, name, shape)
            if factor is not None and name not in {t.datum for t in found.values()}:
                found[variable.payload[0]] = Tilt(name, factor)
                break
        else:
            return {}
    return found


def _factor(slope: Term, name: str, shape: Any) -> int | None:
    """±1 if the slope is affine in the datum with that factor."""
    direction = symbol(DIRECTION + name, shape)
    try:
        change = tangent(slope, {name: direction})
    except NotDifferentiable:
        return None
    for factor in (-1, 1):
        if polynomial_of(make("add", change, make("mul", number(-factor), direction))).is_zero:
            return factor
    return None


def tilted(batch: Batch, statement: Stationary, star: Array | None, rng: np.random.Generator) -> Batch:
    """The batch at pairs of all sizes, some of them near X⋆, with the tilts solved for.

    Args:
        batch: instances with all data of the loss; values of the variables and tilts are replaced.
        statement: stationarity of a loss for which `tilts` finds some.
        star: X⋆ for each instance, if it is known.
        rng: the source of randomness.
    """
    values = dict(batch.values)
    names = [v.payload[0] for v in statement.variables]
    near = rng.random(batch.count) < 0.5
    spread = np.where(near, 10.0 ** rng.uniform(-6, -1, batch.count), 10.0 ** rng.uniform(-1, 0.5, batch.count))
    for variable in statement.variables:
        rows, cols = (d if isinstance(d, int) else batch.dims[d] for d in variable.shape)
        values[variable.payload[0]] = spread[:, None, None] * rng.standard_normal((batch.count, rows, cols))
    if star is not None and len(names) == 2:
        centre = factors_of(star, values[names[0]].shape[-1])
        for name, middle in zip(names, centre, strict=True):
            values[name] = values[name] + np.where(near[:, None, None], middle, 0.0)
    moved = with_tilts(replace(batch, values=values), statement)
    return replace(moved, family=f"{batch.family}, approximate")


def with_tilts(batch: Batch, statement: Stationary) -> Batch:
    """The batch with the tilts that make its pairs stationary; see `tilted`."""
    values = dict(batch.values)
    names = [v.payload[0] for v in statement.variables]
    found = tilts(statement)
    for name in names:
        values[found[name].datum] = np.zeros_like(values[name])
    moved = replace(batch, values=values)
    slopes = [instantiate(g, batch.functions) for g in gradients(statement.loss, statement.variables)]
    with np.errstate(all="ignore"):
        computed = evaluate_terms(slopes, moved.environment(), FloatField())
    for name, slope in zip(names, computed, strict=True):
        values[found[name].datum] = -found[name].factor * np.broadcast_to(slope, values[name].shape)
    return replace(moved, values=values)


@lru_cache(maxsize=64)
def ridges(statement: Stationary) -> tuple[str, ...]:
    """The scalars γ that a loss contains as `(γ/2)‖θ‖²` and in no other way: γ moves every Hessian eigenvalue by itself."""
    squares = [make("mul", number(-1), inner(v, v)) for v in statement.variables]
    found = []
    for name, shape in symbols_of(statement.loss).items():
        if shape == ():
            change = make("mul", number(2), tangent(statement.loss, {name: number(1)}))
            if polynomial_of(expand(make("add", change, *squares))).is_zero:
                found.append(name)
    return tuple(found)
