"""What is known without the Hessian's LMI, to check the program against (design §9, theory §4).

Main definitions: `least_condition_of_pairing`, `least_condition_of_gradient`.
"""

from __future__ import annotations

from typing import Any

Array = Any


def least_condition_of_pairing(move: Array, pull: Array) -> float | None:
    """The smallest κ of a symmetric H with `H v = g`: `(g·g − v·g)/(v·g − v·v)` where H ⪰ I is wanted.

    Args:
        move: v, a vector.
        pull: g, with `v·(g − v) > 0` unless `g = v`.

    Returns None where no `H ⪰ I` has `Hv = g`.

    >>> import numpy as np
    >>> least_condition_of_pairing(np.array([1.0, 0.0]), np.array([2.0, 1.0]))
    3.0
    """
    gap = float(move @ pull - move @ move)
    if gap <= 0:
        return 1.0 if not (pull - move).any() else None
    return float(pull @ pull - move @ pull) / gap


def least_condition_of_gradient(move: Array, pull: Array) -> tuple[float, float] | None:
    """The same up to scaling: the smallest κ of a symmetric `αI ⪯ H ⪯ καI` with `Hv = g`, and the best α.

    The angle φ between v and g gives κ = ((1 + sin φ)/cos φ)², attained at `α = |g|/(√κ|v|)`.
    """
    inner, first, second = float(move @ pull), float(move @ move), float(pull @ pull)
    if inner <= 0:
        return None
    cosine = min(1.0, inner / (first * second) ** 0.5)
    kappa = ((1 + (1 - cosine * cosine) ** 0.5) / cosine) ** 2
    return kappa, (second / (first * kappa)) ** 0.5
