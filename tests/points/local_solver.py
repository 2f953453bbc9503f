"""A plain local solver for tests: Newton steps with the absolute Hessian, one stack, no tricks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verify.calculus.differentiate import expand, gradients
from verify.evaluation.hessians import hessian_matrix
from verify.points.analysis.full import evaluated


def _flat(problem, parts):
    return np.concatenate([p.reshape(problem.count, -1) for p in parts], axis=-1)


def _split(problem, vector):
    points, start = {}, 0
    for v in problem.variables:
        rows, cols = problem.size_of(v)
        points[v.payload[0]] = vector[:, start : start + rows * cols].reshape(problem.count, rows, cols)
        start += rows * cols
    return points


def value_and_gradient(problem, points):
    loss = expand(problem.loss)
    value, *slopes = evaluated(problem, [loss, *gradients(loss, problem.variables)], points)
    return value, _flat(problem, slopes)


def random_points(problem, rng, size=1.0):
    return {v.payload[0]: size * rng.standard_normal((problem.count, *problem.size_of(v))) for v in problem.variables}


def settle(problem, points, steps=200):
    """Points after damped Newton steps along which the loss never rises; negative curvature is followed downhill."""
    here = _flat(problem, [points[v.payload[0]] for v in problem.variables])
    value, slope = value_and_gradient(problem, _split(problem, here))
    for _ in range(steps):
        hessian = hessian_matrix(problem.loss, problem.variables, problem.batch(_split(problem, here)))
        eigenvalues, vectors = np.linalg.eigh(hessian)
        size = np.maximum(np.abs(eigenvalues).max(axis=-1, keepdims=True), 1e-300)
        inside = np.einsum("bji,bj->bi", vectors, slope)
        stiff = np.maximum(np.abs(eigenvalues), 1e-9 * size)
        step = -np.einsum("bij,bj->bi", vectors, inside / stiff * (np.abs(eigenvalues) > 1e-9 * size))
        best, best_value = here, value.copy()
        for length in (4.0, 1.0, 0.5, 0.25, 0.1, 0.02, 1e-3, 1e-4):
            trial = here + length * step
            tried, _ = value_and_gradient(problem, _split(problem, trial))
            better = tried < best_value - 1e-15 * np.abs(best_value)
            best = np.where(better[:, None], trial, best)
            best_value = np.where(better, tried, best_value)
        # At rounding level the value cannot judge any more: the gradient does.
        full = here + step
        full_value, full_slope = value_and_gradient(problem, _split(problem, full))
        close = np.abs(full_value - value) <= 1e-12 * (1 + np.abs(value))
        improves = close & (np.linalg.norm(full_slope, axis=-1) < np.linalg.norm(slope, axis=-1))
        here = np.where(improves[:, None], full, best)
        value, slope = value_and_gradient(problem, _split(problem, here))
        if np.all(np.linalg.norm(slope, axis=-1) <= 1e-12 * (1 + np.linalg.norm(here, axis=-1))):
            break
    return _split(problem, here)


def without_star(problem):
    return replace(problem, star=None, witness=None)
