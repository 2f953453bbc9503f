"""From a float second-order point to a certified box: losses that are nowhere else in the repository."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize

from verify import equal, exists, forall, frobenius, hadamard, le, lora, lt, rank, sigma
from verify.certificates.root import root_certificate
from verify.kernel import check
from verify.language.settings import Setting
from verify.search.instances import ExactInstance, rows_of

Array = Any


def completion(m: int, n: int, r: int, decay: str, seed: int, missing: float = 0.2) -> tuple[Setting, ExactInstance]:
    """A completion loss with data in eighths and a float minimizer of it."""
    rng = np.random.default_rng(seed)
    mask = (rng.random((m, n)) >= missing).astype(int)
    goal = np.round(rng.normal(size=(m, r)) @ rng.normal(size=(r, n)) * 8) * 3 / 8
    data = sp.ImmutableMatrix([[sp.Rational(float(x)) for x in row] for row in goal])
    weights = sp.ImmutableMatrix(mask.tolist())
    setting = lora(m=m, n=n, r=r, loss=lambda X: frobenius(hadamard(weights, X - data)) ** 2 / 2, decay=sp.Rational(decay))
    weight = float(Fraction(decay))

    def value(z: Array) -> tuple[float, Array]:
        a, b = z[: m * r].reshape(m, r), z[m * r :].reshape(n, r)
        g = mask * (a @ b.T - goal)
        return float((g**2).sum() / 2 + weight / 2 * z @ z), np.r_[(g @ b + weight * a).ravel(), (g.T @ a + weight * b).ravel()]

    start = rng.normal(size=(m + n) * r)
    z = minimize(value, start, jac=True, method="BFGS", options={"gtol": 1e-9}).x
    left, right = z[: m * r].reshape(m, r), z[m * r :].reshape(n, r)
    return setting, ExactInstance({}, {}, {"A": rows_of(left.tolist()), "B": rows_of(right.tolist())})


@pytest.mark.parametrize(
    ("shape", "decay", "missing"),
    [((2, 2, 1), "1/10", 0.2), ((3, 2, 1), "0", 0.0), ((3, 3, 2), "1/10", 0.2), ((4, 3, 2), "0", 0.0)],
)
def test_found_points_of_completion_losses_are_certified(shape: tuple[int, int, int], decay: str, missing: float) -> None:
    setting, point = completion(*shape, decay, 1, missing)
    conditions = [setting.sosp(), lt(0, sigma(setting.X, setting.r)), equal(rank(setting.X), setting.r)]
    found = root_certificate(exists(setting, such_that=conditions), point, "PROVED")
    assert found is not None
    centre, certificate = found
    assert check(certificate).accepted
    moved = np.array(centre.matrices["A"], dtype=float) - np.array(point.matrices["A"], dtype=float)
    assert np.abs(moved).max() < 1e-5


def test_a_false_claim_about_found_points_is_refuted_and_a_true_one_is_not() -> None:
    setting, point = completion(3, 3, 2, "1/5", 3)
    small = forall(setting, given=setting.sosp(), then=le(frobenius(setting.X), sp.Rational(1, 100)))
    found = root_certificate(small, point, "REFUTED")
    assert found is not None
    assert check(found[1]).accepted
    true = forall(setting, given=setting.sosp(), then=le(0, frobenius(setting.X)))
    assert root_certificate(true, point, "REFUTED") is None


def test_a_point_that_is_far_from_stationary_gives_no_certificate() -> None:
    setting, point = completion(2, 2, 1, "1/10", 1)
    away = point.with_matrix("A", ((Fraction(100),), (Fraction(-77),)))
    assert root_certificate(exists(setting, such_that=setting.sosp()), away, "PROVED") is None


def test_a_saddle_is_certified_as_first_order_only() -> None:
    # the second singular value of a diagonal target: stationary, but not of second order; √(3 − 1/2) is irrational
    target = sp.ImmutableMatrix([[5, 0], [0, 3]])
    setting = lora(m=2, n=2, r=1, loss=lambda X: frobenius(X - target) ** 2 / 2, decay=sp.Rational(1, 2))
    near = ((Fraction(0),), (Fraction(15811388, 10**7),))
    point = ExactInstance({}, {}, {"A": near, "B": near})
    assert root_certificate(exists(setting, such_that=setting.sosp()), point, "PROVED") is None
    assert root_certificate(exists(setting, such_that=setting.fosp()), point, "PROVED") is not None
