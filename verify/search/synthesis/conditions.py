"""The conditions on (H, S) at a chosen point: stationarity and `S ∈ ∂‖X⋆‖_*` are linear, `∇²L ⪰ 0` is affine (theory §7).

Main definitions: `gradient_at`, `hessian_at`, `equalities`. The loss is
`f(X) = ½⟨X−X⋆, H(X−X⋆)⟩ − w⟨S, X−X⋆⟩` with the nuclear weight w. All formulas work on floats and on Fractions, and on stacks
of H along leading axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.search.synthesis.points import Layout, Point

Array = Any


def gradient_at(point: Point, hessian: Array, witness: Array) -> Array:
    """`∇f(X) = H(X−X⋆) − wS`, `(..., m, n)`."""
    pull = (hessian @ point.move).reshape(*hessian.shape[:-2], *point.star.shape)
    return pull - point.weight * witness


def stationarity(point: Point, slope: Array) -> Array:
    """The part of `∇L` that is linear in `∇f(X)`: `s∇f B` over `s∇fᵀA`, `(..., (m+n)r)`."""
    parts = (slope @ point.right, np.swapaxes(slope, -1, -2) @ point.left)
    return point.scale * np.concatenate([p.reshape(*slope.shape[:-2], -1) for p in parts], axis=-1)


def penalty(point: Point) -> Array:
    """The gradient of the decay, `((m+n)r,)`."""
    parts = (point.decay_left * point.left, point.decay_right * point.right)
    return np.concatenate([p.reshape(-1) for p in parts])


def derivative(point: Point) -> Array:
    """The matrix J of `(U, V) ↦ UBᵀ + AVᵀ` on row-major vectors, `(mn, (m+n)r)`."""
    m, n, r = point.sizes
    rows, cols = np.eye(m, dtype=int), np.eye(n, dtype=int)
    first = (rows[:, None, :, None] * point.right[None, :, None, :]).reshape(m * n, m * r)
    second = (point.left[:, None, None, :] * cols[None, :, :, None]).reshape(m * n, n * r)
    return np.concatenate([first, second], axis=1)


def hessian_at(point: Point, hessian: Array, slope: Array) -> Array:
    """The part of `∇²L` that is linear in (H, ∇f(X)): `s²JᵀHJ` and `s∇f ⊗ I` in the corners, `(..., (m+n)r, (m+n)r)`."""
    m, n, r = point.sizes
    jacobian = derivative(point)
    found = point.scale * point.scale * (jacobian.T @ hessian @ jacobian)
    one = np.eye(r, dtype=int)
    corner = point.scale * (slope[..., :, None, :, None] * one[None, :, None, :]).reshape(*slope.shape[:-2], m * r, n * r)
    found[..., : m * r, m * r :] += corner
    found[..., m * r :, : m * r] += np.swapaxes(corner, -1, -2)
    return found


def decay_matrix(point: Point) -> Array:
    """The second derivative of the decay, a diagonal matrix."""
    ones = [point.decay_left + 0 * point.left, point.decay_right + 0 * point.right]
    return np.diag(np.concatenate([part.reshape(-1) for part in ones]))


def equalities(point: Point, layout: Layout) -> tuple[Array, Array]:
    """`E x = e` for the unknowns x = (entries of H, entries of S): `∇L(A, B) = 0`, and `SV⋆ = U⋆`, `SᵀU⋆ = V⋆` where S matters.

    Returns E, `(equations, unknowns)`, and e; some equations may depend on others.
    """
    exact = point.left.dtype == object
    basis = layout.basis.astype(int).astype(object) if exact else layout.basis
    zero = np.zeros(point.star.shape, dtype=point.star.dtype)
    columns = stationarity(point, gradient_at(point, basis, zero))
    if point.weight == 0:
        return columns.T, -penalty(point)
    witness = layout.witness_basis.astype(int).astype(object) if exact else layout.witness_basis
    pulled = stationarity(point, -point.weight * witness)
    turned = np.swapaxes(witness, -1, -2)
    fixed = [witness @ point.star_right, turned @ point.star_left]
    polar = np.concatenate([f.reshape(len(witness), -1) for f in fixed], axis=1)
    none = np.zeros((len(columns), polar.shape[1]), dtype=polar.dtype)
    matrix = np.block([[columns.T, pulled.T], [none.T, polar.T]])
    right = np.concatenate([-penalty(point), point.star_left.reshape(-1), point.star_right.reshape(-1)])
    return matrix, right
