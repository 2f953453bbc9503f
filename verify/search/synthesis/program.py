"""The semidefinite program of theory §7 at a chosen point, solved by Clarabel.

Main definitions: `least_condition` (minimal κ), `interior` (bounds given, largest margin), `extreme` (bounds given, a linear
objective).

The Hessian's LMI has no Slater point: the gauge directions are in its kernel. `TTᵀ` is added for orthonormal gauge tangents T,
which changes nothing for solutions of `∇L = 0` (design §9).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np

from verify.search.synthesis.conditions import decay_matrix, equalities, gradient_at, hessian_at
from verify.search.synthesis.points import Layout, Point, layout_of

Array = Any
_LARGEST = 1e5
"""Condition numbers beyond this are not told apart from infeasibility."""


class Curvature(Enum):
    """What is assumed of H besides an upper bound."""

    UNIFORM = auto()
    """`H ⪰ αI`."""
    PAIRED = auto()
    """`H ⪰ 0` and `⟨d, Hd⟩ = α‖d‖²` for `d = X − X⋆`: convex, with the pointwise constant α_pair."""
    INDEFINITE = auto()
    """`H ⪰ −βI` and `⟨d, Hd⟩ = α‖d‖²`."""


@dataclass(frozen=True, eq=False)
class Solution:
    """H, `(mn, mn)`, S, `(m, n)`, and the objective's value: κ, or a margin."""

    hessian: Array
    witness: Array
    value: float


@dataclass(frozen=True, eq=False)
class _Cone:
    """`constant + linear·x + slope·t ⪰ 0` for a symmetric matrix; linear is `(unknowns, size, size)`."""

    constant: Array
    linear: Array
    slope: Array


def least_condition(point: Point, curvature: Curvature = Curvature.UNIFORM, low: float = 1.0) -> Solution | None:
    """The smallest κ = β/α for which some loss makes the point second-order stationary, with X⋆ stationary.

    Args:
        point: in floats.
        curvature: what is assumed of H besides the upper bound β.
        low: α. (κ depends on it only through α·‖X‖ : λ.)

    Returns None where there is no such loss, or the solver is not sure.
    """
    parts = _Parts(point, curvature, low)
    identity = np.eye(point.move.size)
    lower = {Curvature.UNIFORM: (-low * identity, 0 * identity), Curvature.PAIRED: (0 * identity, 0 * identity)}
    constant, slope = lower.get(curvature, (0 * identity, identity))
    cones = [
        *parts.bounded(constant, 1.0, slope),
        *parts.bounded(0 * identity, -1.0, identity),
        *parts.second_order(0.0),
        *parts.contraction(0.0),
    ]
    found = parts.solve(cones, 1.0, np.zeros(parts.unknowns))
    if found is None or found.value / low > _LARGEST:
        return None
    return Solution(found.hessian, found.witness, found.value / low)


def interior(
    point: Point, low: float, high: float, curvature: Curvature = Curvature.UNIFORM, pairing: float = 1.0
) -> Solution | None:
    """(H, S) that meets `lowI ⪯ H ⪯ highI` (and the rest) with the largest margin, which is the value.

    `pairing` is the α_pair that the other kinds of curvature prescribe.
    """
    parts = _Parts(point, curvature, pairing)
    identity = np.eye(point.move.size)
    cones = [
        *parts.bounded(-low * identity, 1.0, -identity),
        *parts.bounded(high * identity, -1.0, -identity),
        *parts.second_order(-0.5),
        *parts.contraction(-1.0 / high),
    ]
    found = parts.solve(cones, -1.0, np.zeros(parts.unknowns))
    return None if found is None or found.value < -1e-7 else found


def extreme(
    point: Point,
    low: float,
    high: float,
    hessian: Array,
    witness: Array,
    curvature: Curvature = Curvature.UNIFORM,
    pairing: float = 1.0,
) -> Solution | None:
    """(H, S) within the bounds that minimizes `⟨hessian, H⟩ + ⟨witness, S⟩`, which is the value."""
    parts = _Parts(point, curvature, pairing)
    identity = np.eye(point.move.size)
    cones = [
        *parts.bounded(-low * identity, 1.0, 0 * identity),
        *parts.bounded(high * identity, -1.0, 0 * identity),
        *parts.second_order(0.0),
        *parts.contraction(0.0),
    ]
    weights = [np.sum(parts.basis * hessian, axis=(-2, -1)), np.sum(parts.free * witness, axis=(-2, -1))]
    cost = np.concatenate(weights)
    found = parts.solve(cones, 0.0, cost)
    if found is None:
        return None
    return Solution(found.hessian, found.witness, float(np.sum(hessian * found.hessian) + np.sum(witness * found.witness)))


class _Parts:
    """The affine maps of one point, shared by all objectives."""

    def __init__(self, point: Point, curvature: Curvature, low: float) -> None:
        self.point = point
        self.layout: Layout = layout_of(point)
        self.basis = self.layout.basis
        self.free = self.layout.witness_basis[: 0 if point.weight == 0 else None]
        self.unknowns = len(self.basis) + len(self.free)
        rows, values = equalities(point, self.layout)
        if curvature is not Curvature.UNIFORM:
            pairing = np.concatenate([self.basis @ point.move @ point.move, np.zeros(len(self.free))])
            rows, values = np.vstack([rows, pairing]), np.append(values, low * (point.move @ point.move))
        self.rows, self.values = _independent(rows, values)

    def bounded(self, constant: Array, sign: float, slope: Array) -> list[_Cone]:
        """`constant + sign·H + slope·t ⪰ 0`, a cone for each block."""
        linear = np.concatenate([sign * self.basis, np.zeros((len(self.free), *constant.shape))])
        return [_cut(_Cone(constant, linear, slope), list(block)) for block in self.layout.blocks]

    def second_order(self, slope: float) -> list[_Cone]:
        """`∇²L + TTᵀ + slope·t·I ⪰ 0`."""
        point = self.point
        nothing = np.zeros(point.star.shape)
        from_hessian = hessian_at(point, self.basis, gradient_at(point, self.basis, nothing))
        from_witness = hessian_at(point, np.zeros((len(self.free), *self.basis.shape[1:])), -point.weight * self.free)
        constant = decay_matrix(point) + _projection(point.tangents())
        whole = _Cone(constant, np.concatenate([from_hessian, from_witness]), slope * np.eye(len(constant)))
        return [_cut(whole, members) for members in _coupled(whole)]

    def contraction(self, slope: float) -> list[_Cone]:
        """`‖S − U⋆V⋆ᵀ‖_op ≤ 1 + slope·t` as an LMI; the rest of S has norm 1 by the equalities."""
        if self.point.weight == 0:
            return []
        m, n = self.point.star.shape

        def corners(block: Array) -> Array:
            found = np.zeros((*block.shape[:-2], m + n, m + n))
            found[..., :m, m:] = block
            found[..., m:, :m] = np.swapaxes(block, -1, -2)
            return found

        polar = self.point.star_left @ self.point.star_right.T
        linear = np.concatenate([np.zeros((len(self.basis), m + n, m + n)), corners(self.free)])
        whole = _Cone(np.eye(m + n) - corners(polar), linear, slope * np.eye(m + n))
        return [_cut(whole, members) for members in _coupled(whole)]

    def solve(self, cones: list[_Cone], weight: float, cost: Array) -> Solution | None:
        """Minimize `weight·t + cost·x`; t does not occur if the weight is 0."""
        import clarabel
        from scipy import sparse

        moving = weight != 0
        matrices = [np.hstack([self.rows, np.zeros((len(self.rows), int(moving)))])]
        rights = [self.values]
        kinds: list[Any] = [clarabel.ZeroConeT(len(self.values))]
        for cone in cones:
            linear, slope = _triangle(cone.linear), _triangle(cone.slope)
            matrices.append(-np.hstack([linear.T, slope[:, None]] if moving else [linear.T]))
            rights.append(_triangle(cone.constant))
            kinds.append(clarabel.PSDTriangleConeT(len(cone.constant)))
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.max_iter = 80
        settings.max_threads = 1
        size = self.unknowns + int(moving)
        linear_cost = np.append(cost, weight) if moving else cost
        stacked = sparse.csc_matrix(np.vstack(matrices))
        solver = clarabel.DefaultSolver(
            sparse.csc_matrix((size, size)), linear_cost, stacked, np.concatenate(rights), kinds, settings
        )
        found = solver.solve()
        if found.status != clarabel.SolverStatus.Solved:
            return None
        x = np.array(found.x)
        witness = self.point.star_left @ self.point.star_right.T
        if len(self.free):
            witness = np.tensordot(x[len(self.basis) : self.unknowns], self.free, 1)
        value = float(x[-1]) if moving else float(found.obj_val)
        return Solution(np.tensordot(x[: len(self.basis)], self.basis, 1), witness, value)


def _independent(rows: Array, values: Array) -> tuple[Array, Array]:
    """Equations without redundancy, orthonormalized."""
    left, sizes, right = np.linalg.svd(rows, full_matrices=False)
    rank = int(np.sum(sizes > 1e-10 * max(sizes.max(initial=0.0), 1e-300)))
    return right[:rank], (left.T @ values)[:rank] / sizes[:rank]


def _projection(tangents: Array) -> Array:
    """`TTᵀ` for an orthonormal basis T of the columns' span."""
    left, sizes, _ = np.linalg.svd(tangents, full_matrices=False)
    basis = left[:, sizes > 1e-10 * max(sizes.max(initial=0.0), 1e-300)]
    return basis @ basis.T


def _coupled(cone: _Cone) -> list[list[int]]:
    """The index sets of the diagonal blocks of all matrices of a cone together."""
    from scipy.sparse.csgraph import connected_components

    pattern = np.abs(cone.constant) + np.abs(cone.linear).sum(axis=0) > 1e-13
    count, labels = connected_components(pattern, directed=False)
    return [[int(i) for i in np.flatnonzero(labels == k)] for k in range(count)]


def _cut(cone: _Cone, members: list[int]) -> _Cone:
    pick = np.ix_(members, members)
    return _Cone(cone.constant[pick], cone.linear[:, pick[0], pick[1]], cone.slope[pick])


def _triangle(matrix: Array) -> Array:
    """The upper triangle column by column, off-diagonal entries times √2, as Clarabel wants it."""
    cols, rows = np.tril_indices(matrix.shape[-1])
    return matrix[..., rows, cols] * np.where(rows == cols, 1.0, np.sqrt(2.0))
