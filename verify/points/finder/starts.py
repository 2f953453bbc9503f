"""Where the search for points begins.

Main definitions: `Start`, `start_points`. A given X is the start `dict(zip("AB", factors_of(X, r)))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from verify.language.errors import ShapeError
from verify.losses.problem import Problem
from verify.points.finder.gauge import factors_of
from verify.points.finder.lowering import Instances, Lowered, lowered
from verify.points.sources.matrices import orthonormal

Array = Any


class Start(Enum):
    """Initializations of the adapted matrices (A is `m×r`, B is `n×r`)."""

    ZERO = "the LoRA default: A normal with variance 1/r, B = 0, so that X = 0"
    SMALL = "both factors normal with standard deviation 1e-3"
    RANDOM = "both factors normal, such that the entries of X have variance 1"
    LARGE = "both factors normal, such that the entries of X have variance 100"
    ORTHOGONAL = "both factors with orthonormal columns (rows, where there are more columns than rows)"
    SPECTRAL = "the best rank-r approximation of −∇f(0), split evenly between the factors"


SMALL_DEVIATION = 1e-3
LARGE_DEVIATION = 10.0


def start_points(problem: Problem, starts: Start | Mapping[str, Array], per_instance: int, seed: int) -> Array:
    """The starting points `(count·per_instance, p)`; the starts of one instance stand next to each other.

    Args:
        problem: the stack of problems.
        starts: an initialization, or arrays by variable name, `(count·per_instance, rows, cols)` or
            `(count, per_instance, rows, cols)`.
        per_instance: starts for each instance.
        seed: of the random ones.

    Raises:
        ShapeError: if an array is missing or has another shape, or `per_instance` is not positive.
    """
    if per_instance < 1:
        raise ShapeError(f"{per_instance} starts for each instance: at least one is needed")
    loss = lowered(problem)
    total = problem.count * per_instance
    if not isinstance(starts, Start):
        return loss.flat(_checked(loss, starts, problem.count, per_instance))
    rng = np.random.default_rng(seed)
    if starts is Start.SPECTRAL:
        parts = []
        for first in range(0, problem.count, 256):
            indices = np.arange(first, min(first + 256, problem.count))
            parts.append(_spectral(loss, loss.load(problem, indices)))
        return np.repeat(np.concatenate(parts), per_instance, axis=0)
    found: dict[str, Array] = {}
    for place, (variable, (rows, cols)) in enumerate(zip(loss.variables, loss.shapes, strict=True)):
        if starts is Start.ORTHOGONAL:
            value = orthonormal(rng, total, rows, cols)
        else:
            value = _deviation(starts, cols, place) * rng.standard_normal((total, rows, cols))
        found[variable.payload[0]] = value
    return loss.flat(found)


def _deviation(start: Start, r: int, place: int) -> float:
    """The standard deviation of a factor's entries; A has an even place, B an odd one."""
    if start is Start.ZERO:
        return float(r**-0.5) if place % 2 == 0 else 0.0
    if start is Start.SMALL:
        return SMALL_DEVIATION
    # Entries of ABᵀ are sums of r products: variance r·σ⁴.
    size = LARGE_DEVIATION if start is Start.LARGE else 1.0
    return float(size**0.5 * r**-0.25)


def _checked(loss: Lowered, arrays: Mapping[str, Array], count: int, per_instance: int) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for variable, shape in zip(loss.variables, loss.shapes, strict=True):
        name = variable.payload[0]
        if name not in arrays:
            raise ShapeError(f"no start for {name}: give arrays for {', '.join(v.payload[0] for v in loss.variables)}")
        value = np.asarray(arrays[name], dtype=float)
        if value.shape == (count, per_instance, *shape):
            value = value.reshape(count * per_instance, *shape)
        if value.shape != (count * per_instance, *shape):
            raise ShapeError(f"the start of {name} has shape {value.shape}, not {(count * per_instance, *shape)}")
        found[name] = value
    return found


def slopes_at_zero(loss: Lowered, instances: Instances) -> list[Array]:
    """`∇f(0)` for each adapter, `(batch, m, n)`, read off the derived Hessian at A = B = 0.

    There `∇²L[(U, V)] = 2⟨∇f(0), UVᵀ⟩ + decay` (theory §1), so the mixed block of one column is ∇f(0), times the LoRA
    scale where there is one.
    """
    hessian = loss.hessian(np.zeros((instances.count, loss.unknowns)), instances)
    found = []
    for first in range(0, len(loss.variables), 2):
        (a, b), (c, d) = loss.ranges[first], loss.ranges[first + 1]
        r = loss.shapes[first][1]
        found.append(hessian[:, a:b:r, c:d:r])
    return found


def _spectral(loss: Lowered, instances: Instances) -> Array:
    arrays: dict[str, Array] = {}
    for place, slope in enumerate(slopes_at_zero(loss, instances)):
        left, right = loss.variables[2 * place : 2 * place + 2]
        a, b = factors_of(np.where(np.isfinite(slope), -slope, 0.0), loss.shapes[2 * place][1])
        bad = ~np.all(np.isfinite(slope), axis=(-2, -1))
        a[bad] = np.nan
        arrays[left.payload[0]], arrays[right.payload[0]] = a, b
    return loss.flat(arrays)
