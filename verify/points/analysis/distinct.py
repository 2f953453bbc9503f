"""Points counted as distinct modulo gauge: by the updates X and the loss.

Main definitions: `distinct`, `merged`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand
from verify.losses.problem import Problem
from verify.points.analysis.full import evaluated

Array = Any
SAME = 1e-6
"""Relative to the largest X and to the size of the loss at 0 in the group."""


def distinct(problem: Problem, points: Mapping[str, Array], groups: Array, tolerance: float = SAME) -> Array:
    """Which points of the same group are the same modulo gauge: equal updates and equal loss, up to a tolerance.

    Args:
        problem: the problem of every point (`problem.pick` repeats problems), with any number of adapters.
        points: arrays `(count, rows, cols)` by variable name.
        groups: points are compared within a group only, usually the problem's number; `(count,)` integers.
        tolerance: relative.

    Returns:
        For every point the index of the first point it equals (its own, if it is new), `(count,)`. Points that are not
        finite equal none.
    """
    updates = [points[a.payload[0]] @ np.swapaxes(points[b.payload[0]], -1, -2) for a, b in problem.pairs]
    flat = np.concatenate([u.reshape(problem.count, -1) for u in updates], axis=-1)
    origin = {v.payload[0]: np.zeros((problem.count, *problem.size_of(v))) for v in problem.variables}
    loss = [expand(problem.loss)]
    values, heights = evaluated(problem, loss, points)[0], np.abs(evaluated(problem, loss, origin)[0])
    return merged(flat, values, heights + np.abs(np.nan_to_num(values)), np.asarray(groups), tolerance)


def merged(flat: Array, values: Array, heights: Array, groups: Array, tolerance: float) -> Array:
    """`distinct` for vectors `(count, q)` with losses, and the sizes that losses are compared with, `(count,)`."""
    labels = np.arange(len(values))
    order = np.argsort(groups, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(group) == 0:
            continue
        norms = np.linalg.norm(flat[group], axis=-1)
        near = tolerance * np.max(norms[np.isfinite(norms)], initial=0.0)
        level = tolerance * np.max(heights[group])
        kept: list[int] = []
        for k in group:
            known = np.array(kept, dtype=int)
            same = (np.linalg.norm(flat[known] - flat[k], axis=-1) <= near) & (np.abs(values[known] - values[k]) <= level)
            if np.any(same):
                labels[k] = known[np.argmax(same)]
            else:
                kept.append(int(k))
    return labels
