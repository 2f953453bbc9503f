"""From float second-order points to certified counterexamples, for claims that are nowhere else in the repository."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from second_route import gradients, loss_hessian, reading_of
from second_route import rank as rank_of

from verify import *
from verify.certificates.build import encode, instance_certificate
from verify.certificates.rounding import Grid, factor_pairs, frame, simplest
from verify.certificates.stationary import PointBuilder
from verify.evaluation.rational_linear_algebra import product, transposed
from verify.evaluation.rational_linear_algebra import rank as exact_rank
from verify.kernel import check as kernel_check
from verify.kernel import check_bytes
from verify.language.formulas import Formula
from verify.language.serial import term_to_json
from verify.language.statements import Stationary
from verify.runner.check import check as check_claim
from verify.runner.evidence import gather
from verify.runner.exact_reading import ExactReader
from verify.runner.profiles import PROFILES

Array = Any


def certified(formula: Formula, seed: int, wanted: int = 4, points: int = 600) -> list[tuple[str, dict[str, Any]]]:
    """(family, certificate) of violations that the finder met, each made exact and accepted from its bytes."""
    profile = replace(PROFILES["dev"], instances=points, points=points)
    evidence = gather(formula, profile, np.random.default_rng(seed))
    reader, found, families = ExactReader(formula), [], Counter()
    for finding in evidence.violations:
        family = finding.start.family
        if families[family] >= 3 or len(found) >= wanted:
            continue
        instance = reader.violating_near(finding.start)
        if instance is not None:
            certificate = instance_certificate(formula, instance, "REFUTED", 128, reader.read(instance).comparison)
            assert check_bytes(encode(certificate)).accepted
            found.append((family, certificate))
            families[family] += 1
    return found


def spurious(m: int, n: int, r: int, decay: Any) -> Formula:
    s = lora(m=m, n=n, r=r, decay=decay)
    star, _ = s.regularized_stationary()
    alpha, beta = positives("α β")
    return forall(
        s,
        star,
        alpha,
        beta,
        given=[uniform_curvature(s.f, alpha, beta), s.sosp(), distinct(s.X, star)],
        then=le(beta * frobenius(s.X - star), alpha * spectral(star)),
    )


def deficient(m: int, n: int, r: int, decay: Any) -> Formula:
    s = lora(m=m, n=n, r=r, decay=decay)
    return forall(s, given=[s.sosp(), lt(rank(s.X), r)], then=le(2 * nuclear(s.X), frobenius(s.A)))


def free_decay(m: int, n: int, r: int) -> Formula:
    s = lora(m=m, n=n, r=r)
    gradient_ = s.f.grad(s.X)
    return forall(s, given=[s.sosp(), lt(0, s.decay), le(1, rank(s.X))], then=lt(3 * spectral(gradient_), 2 * s.decay))


def factorized(m: int, n: int, r: int) -> Formula:
    M = sp.MatrixSymbol("M", m, n)
    s = lora(m=m, n=n, r=r, loss=lambda Y: frobenius(Y - M) ** 2 / 2)
    return forall(s, M, given=[s.sosp(), lt(0, s.decay), le(1, rank(s.X))], then=le(frobenius(s.X - M), s.decay))


CASES = {
    "spurious 2×2, r=1, λ=0": lambda: spurious(2, 2, 1, 0),
    "spurious 3×4, r=2, λ=0": lambda: spurious(3, 4, 2, 0),
    "spurious 2×3, r=1": lambda: spurious(2, 3, 1, sp.Rational(1, 4)),
    "spurious 4×4, r=2": lambda: spurious(4, 4, 2, sp.Rational(1, 10)),
    "spurious 6×5, r=3": lambda: spurious(6, 5, 3, sp.Rational(1, 3)),
    "deficient 3×3, r=2": lambda: deficient(3, 3, 2, sp.Rational(1, 10)),
    "deficient 5×4, r=3": lambda: deficient(5, 4, 3, sp.Rational(1, 10)),
    "deficient 3×3, r=3, λ=0": lambda: deficient(3, 3, 3, 0),
    "any 3×3, r=1": lambda: free_decay(3, 3, 1),
    "any 4×6, r=2": lambda: free_decay(4, 6, 2),
    "any 6×6, r=3": lambda: free_decay(6, 6, 3),
    "factorization 3×3, r=2": lambda: factorized(3, 3, 2),
    "factorization 5×6, r=3": lambda: factorized(5, 6, 3),
}


LONG = {"spurious 6×5, r=3", "factorization 5×6, r=3"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in CASES])
def test_violations_at_found_points_are_certified(name: str) -> None:
    # A loss written out has no planted points to look through first.
    found = certified(CASES[name](), seed=7, points=120 if name.startswith("factorization") else 600)
    assert len(found) >= 3


@pytest.mark.slow
def test_verdicts_of_false_claims_about_found_points() -> None:
    s = lora(scale=positives("s"))
    t = lora(decays=positives("λ_A λ_B"))
    for formula in (
        forall(s, given=[s.sosp(), lt(0, s.decay), le(1, rank(s.X))], then=le(spectral(s.f.grad(s.X)), s.decay)),
        forall(t, given=[t.sosp(), le(2, rank(t.X))], then=equal(frobenius(t.A), frobenius(t.B))),
    ):
        result = check_claim(formula)
        assert result.verdict is Verdict.REFUTED, result
        assert kernel_check(result.certificate).accepted


def test_existence_of_a_spurious_point_is_proved_without_a_witness() -> None:
    s = lora()
    star, _ = s.regularized_stationary()
    alpha, beta = positives("α β")
    conditions = [uniform_curvature(s.f, alpha, beta), s.sosp(), distinct(s.X, star), lt(0, s.decay)]
    result = check_claim(exists(s, star, alpha, beta, such_that=[*conditions, le(beta, 4 * alpha)]))
    assert result.verdict is Verdict.PROVED
    assert kernel_check(result.certificate).accepted
    # Theorem D: below condition number 3 there is none.
    assert check_claim(exists(s, star, alpha, beta, such_that=[*conditions, le(beta, 2 * alpha)])).verdict is Verdict.UNKNOWN


def test_fixed_data_are_refuted_in_a_box() -> None:
    data = sp.ImmutableMatrix([[1, 2, 0], [0, 1, 3], [1, 0, 1]])
    mask = sp.ImmutableMatrix([[1, 0, 1], [1, 1, 0], [0, 1, 1]])
    s = lora(m=3, n=3, r=2, loss=lambda X: frobenius(hadamard(mask, X - data)) ** 2 / 2, decay=sp.Rational(1, 10))
    result = check_claim(forall(s, given=s.sosp(), then=le(frobenius(s.X), 2)))
    assert result.verdict is Verdict.REFUTED
    assert result.certificate["kind"] == "root"
    assert "≤ 2 is false" in result.summary


def test_a_perturbation_of_one_part_in_1e16_is_rejected() -> None:
    for _, certificate in certified(spurious(3, 3, 2, sp.Rational(1, 4)), seed=3, wanted=3):
        for name in ("A", "B"):
            for i, row in enumerate(certificate["values"][name]):
                for j, x in enumerate(row):
                    if Fraction(x):
                        rows = [list(line) for line in certificate["values"][name]]
                        rows[i][j] = str(Fraction(x) * (1 + Fraction(1, 10**16)))
                        moved = certificate | {"values": certificate["values"] | {name: rows}}
                        moved.pop("violated", None)
                        report = kernel_check(moved)
                        assert not report.accepted
                        assert report.rule == "hypothesis"


def nullity(formula: Formula, certificate: dict[str, Any]) -> int:
    """The dimension of the Hessian's kernel at a certificate's point, by the second route."""
    statement = next(s for s in formula.given if isinstance(s, Stationary))
    names = [v.payload[0] for v in statement.variables]
    s = reading_of(certificate)
    loss = json.loads(json.dumps(term_to_json(statement.loss)))
    assert not any(x for slope in gradients(loss, names, s).values() for x in slope.ravel())
    bend = loss_hessian(loss, names, s)
    return len(bend) - rank_of(bend)


def test_singular_hessians_are_certified_on_the_gauge_and_beyond_it() -> None:
    formula = spurious(3, 3, 2, sp.Rational(1, 4))
    for _, certificate in certified(formula, seed=1, wanted=2):
        # Non-zero, r = 2: one rotation, theory §1.
        assert nullity(formula, certificate) >= 1
    free = spurious(2, 2, 1, 0)
    for _, certificate in certified(free, seed=1, wanted=2):
        # λ = 0: the scaling.
        assert nullity(free, certificate) >= 1
    s = lora(m=3, n=3, r=2, decay=0)
    corner = sp.ImmutableMatrix([[1, 0, 0], [0, 0, 0], [0, 0, 0]])
    thin = [[1, 0], [0, 0], [0, 0]]
    low = exists(
        s,
        such_that=[s.sosp(), equal(rank(s.X), 1)],
        witness={s.A: thin, s.B: thin, s.f: lambda Y: trace((Y - corner).T * (Y - corner))},
    )
    result = check_claim(low)
    assert result.verdict is Verdict.PROVED
    # GL(2) moves the pair in 2² − 1·1 directions; (m−a)(r−b) + (n−b)(r−a) = 2 + 2 more are flat (theory §1).
    assert nullity(low, result.certificate) == 3 + 4


def test_the_strict_variant_at_condition_number_four() -> None:
    s = lora()
    star, dual = s.regularized_stationary()
    witness = {
        s.A: [[sp.Rational(3, 5)], [0]],
        s.B: [[1], [0]],
        star: [[0, 0], [0, 1]],
        dual: [[0, 0], [0, 1]],
        s.decay: 0,
        s.f: lambda Y: (
            sp.Rational(5, 4) * (Y[0, 0] ** 2 + (Y[1, 1] - 1) ** 2)
            + sp.Rational(3, 2) * Y[0, 0] * (Y[1, 1] - 1)
            + (Y[0, 1] + Y[1, 0]) ** 2
            + sp.Rational(1, 4) * (Y[0, 1] - Y[1, 0]) ** 2
        ),
    }
    conditions = [uniform_curvature(s.f, 1, 4), s.sosp(), equal(s.f(s.X), sp.Rational(4, 5)), equal(s.f(star), 0)]
    formula = exists(s, star, such_that=conditions, witness=witness)
    result = check_claim(formula)
    assert result.verdict is Verdict.PROVED
    assert nullity(formula, result.certificate) == 1
    sharper = exists(s, star, such_that=[uniform_curvature(s.f, 1, 4 - sp.Rational(1, 10**12)), s.sosp()], witness=witness)
    assert check_claim(sharper).verdict is Verdict.UNKNOWN


def test_a_frame_is_exactly_orthonormal_and_near() -> None:
    rng = np.random.default_rng(0)
    for size, count in ((1, 1), (3, 1), (4, 2), (6, 3), (5, 5)):
        columns = np.linalg.qr(rng.standard_normal((size, count)))[0]
        for grid in (Grid(4), Grid(1000)):
            made = frame(columns, grid)
            gram = product(transposed(made), made)
            assert gram == [[Fraction(int(i == j)) for j in range(count)] for i in range(count)]
            assert np.abs(np.array(made, dtype=float) - columns).max() <= 8 / grid.q


@pytest.mark.parametrize("rank_", [1, 2, 3])
def test_balanced_pairs_stay_balanced_and_keep_their_rank(rank_: int) -> None:
    rng = np.random.default_rng(rank_)
    u, v, w = (np.linalg.qr(rng.standard_normal((k, k)))[0][:, :rank_] for k in (5, 4, 3))
    sizes = np.linspace(1, 2, rank_)
    a, b = (u * sizes) @ w.T, 2 * (v * sizes) @ w.T
    for pair in list(factor_pairs(a, b, Grid(100)))[:2]:
        assert pair.balanced
        gram = product(transposed(pair.a), pair.a)
        other = product(transposed(pair.b), pair.b)
        assert other == [[4 * x for x in row] for row in gram]
        assert exact_rank(pair.a) == rank_
        near = np.array(product(pair.a, transposed(pair.b)), dtype=float)
        assert np.abs(near - a @ b.T).max() < 0.5


def test_simplest_numbers() -> None:
    assert simplest(Fraction(314, 100), Fraction(315, 100)) == Fraction(22, 7)
    assert simplest(Fraction(0), Fraction(1, 3)) == 0
    assert Grid(100).scalar(-0.3333) == Fraction(-1, 3)
    assert Grid(4).scalar(1e-9) > 0


def test_claims_without_stationarity_are_left_alone() -> None:
    M = sp.MatrixSymbol("M", *sp.symbols("m n", integer=True, positive=True))
    assert not PointBuilder(forall(M, then=le(nuclear(M), frobenius(M)))).applies
