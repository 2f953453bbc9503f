"""The real-data points: second-order stationary, independent of X⋆'s computation, and decided honestly."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the digits come with scikit-learn: install the extra data")

from verify import *
from verify.evaluation.batches import instantiate
from verify.evaluation.hessians import hessian_matrix
from verify.language.translate import term_of
from verify.points.data.datasets import batch_for
from verify.points.data.digits import DECAY, digits_problem, one_thread
from verify.points.data.polish import value_and_gradient
from verify.points.data.proximal import duality_gap, slope_of
from verify.points.data.solved import target_point, trained_point
from verify.runner.loading import shipped_folder
from verify.runner.real_data import decide_on
from verify.runner.verdicts import Candidate, Held, Unknown, Vacuous

s = lora()
A, B, X, f, r, lam = s.A, s.B, s.X, s.f, s.r, s.decay
Xs, S = s.regularized_stationary()
DIGITS = dataset("digits", rank=4)
NARROW = dataset("digits", rank=2)
WEIGHT = float(DECAY)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def verdict(formula, source=DIGITS):
    return decide_on(replace(formula, source=source), "test")


def formula_with_everything():
    return forall(A, B, f, lam, Xs, S, given=[s.fosp(), s.stationary_definition()], then=equal(X, Xs))


@pytest.mark.parametrize("rank", [2, 4])
def test_trained_point_is_second_order_stationary_for_the_derived_loss(rank):
    batch = batch_for(replace(formula_with_everything(), source=dataset("digits", rank=rank))).batch
    loss = instantiate(term_of(s.L), batch.functions)
    variables = (term_of(A), term_of(B))
    _, slope = value_and_gradient(loss, variables, batch)
    size = WEIGHT * np.sqrt(np.sum(batch.values["A"] ** 2) + np.sum(batch.values["B"] ** 2))
    assert np.linalg.norm(slope) <= 1e-13 * size
    curvatures = np.linalg.eigvalsh(hessian_matrix(loss, variables, batch)[0])
    assert curvatures[0] >= -1e-12 * curvatures[-1]
    assert np.sum(np.abs(curvatures) <= 1e-12 * curvatures[-1]) == rank * (rank - 1) // 2
    assert trained_point(rank).lowest > 1e-3


def explicit_value_and_gradient(problem, update):
    """The loss written by hand, as a check of the derived one."""
    logits = problem.images @ (problem.weights + update)
    shifted = logits - logits.max(axis=1, keepdims=True)
    chances = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    value = -np.mean(np.log(np.sum(chances * problem.labels, axis=1)))
    return value, problem.images.T @ (chances - problem.labels) / problem.count


def test_derived_loss_is_the_softmax_cross_entropy():
    problem = digits_problem()
    update = np.random.default_rng(0).standard_normal((64, 10))
    value, slope = slope_of(problem, update)
    expected, gradient = explicit_value_and_gradient(problem, update)
    assert value == pytest.approx(expected, rel=1e-12)
    assert np.allclose(slope, gradient, rtol=1e-11, atol=1e-14)
    assert (problem.count, problem.dims) == (1797, {"m": 64, "n": 10})


def test_target_is_stationary_with_a_dual_witness_and_a_tiny_gap():
    problem, target = digits_problem(), target_point()
    _, gradient = explicit_value_and_gradient(problem, target.point)
    nuclear = np.sum(np.linalg.svd(target.point, compute_uv=False))
    assert np.linalg.norm(gradient + WEIGHT * target.witness) <= 1e-13
    assert np.linalg.norm(target.witness, 2) <= 1 + 1e-12
    assert np.sum(target.witness * target.point) == pytest.approx(nuclear, rel=1e-12)
    assert abs(target.gap) <= 1e-13
    assert abs(target.raw_gap) <= 1e-10
    assert target.rank == 3


def test_duality_gap_bounds_the_suboptimality():
    problem, target = digits_problem(), target_point()
    rng = np.random.default_rng(1)

    def objective(x):
        return slope_of(problem, x)[0] + WEIGHT * np.sum(np.linalg.svd(x, compute_uv=False))

    for spread in (1e-4, 1e-2, 1.0):
        other = target.point + spread * rng.standard_normal(target.point.shape)
        assert duality_gap(problem, WEIGHT, other) * objective(other) >= objective(other) - objective(target.point) > 0


def test_rank_deficient_point_is_the_target():
    """Theorem A on numbers, without the claim machinery."""
    trained, target, problem = trained_point(4), target_point(), digits_problem()
    update = trained.first @ trained.second.T
    _, gradient = explicit_value_and_gradient(problem, update)
    assert np.linalg.norm(gradient, 2) <= WEIGHT * (1 + 1e-12)
    assert np.linalg.norm(update - target.point) <= 1e-11 * np.linalg.norm(target.point)
    assert problem.accuracy(update) > problem.accuracy(0 * update) + 0.15


def test_shipped_claims_on_data_get_their_verdicts():
    from verify.runner.loading import load_file

    found = load_file(shipped_folder() / "real_data.py")
    assert not found.problems
    results = {c.claim.name: check(c.claim) for c in found.claims if c.claim.source is not None}
    assert all(result.met for result in results.values())
    verdicts = {name: result.verdict.value for name, result in results.items()}
    open_ones = {"digits_theorem_b", "narrow_theorem_a"}
    assert {verdicts[name] for name in open_ones} == {"VACUOUS"}
    assert {v for name, v in verdicts.items() if name not in open_ones} == {"HELD"}
    assert "full-rank branch" in results["narrow_theorem_b"].summary
    assert "duality gap" in results["digits_theorem_a"].summary


def test_false_claims_do_not_pass():
    G, Gs = f.grad(X), f.grad(Xs)
    fosp = [s.fosp(), lt(0, lam)]
    assert isinstance(verdict(forall(s, given=fosp, then=le(frobenius(A), Fraction(9999, 10**4) * frobenius(B)))), Candidate)
    assert isinstance(verdict(forall(s, given=fosp, then=le(spectral(G), lam)), NARROW), Candidate)
    target = [*fosp, s.stationary_definition()]
    assert isinstance(verdict(forall(A, B, f, lam, Xs, S, given=target, then=equal(X, Xs)), NARROW), Candidate)
    block = (spectral(off_block(G, X)) - lam) * nuclear(off_block(Xs, X))
    tighter = le(inner(G - Gs, X - Xs), Fraction(98, 100) * block)
    assert isinstance(verdict(forall(A, B, f, lam, Xs, S, given=target, then=tighter), NARROW), Candidate)


def test_a_point_that_is_not_stationary_is_vacuous():
    heavier = lora(decay=Fraction(131, 1000))
    found = verdict(forall(heavier, given=heavier.fosp(), then=equal(A.T * A, B.T * B)))
    assert isinstance(found, Vacuous)
    assert found.coverage.n_active == 0


def test_what_the_data_do_not_fix_is_unknown():
    be = positives("β")
    other = forall(s, be, given=lt(0, lam), then=le(0, be * frobenius(X)))
    found = verdict(other)
    assert isinstance(found, Unknown)
    assert found.reason == "the data set has no value for β"
    assert isinstance(verdict(exists(s, such_that=[s.fosp()])), Unknown)
    small = lora(m=2, n=2, r=1)
    assert isinstance(verdict(forall(small, then=le(0, frobenius(small.X)))), Unknown)


def test_alpha_is_that_of_the_pair():
    al = positives("α")
    pairing = inner(f.grad(X) - f.grad(Xs), X - Xs)
    equality, target = equal(al * frobenius(X - Xs) ** 2, pairing), [lt(0, lam), s.stationary_definition()]
    assert isinstance(verdict(forall(A, B, f, lam, Xs, S, al, given=target, then=equality), NARROW), Held)
    large = parameter("α", above=1)
    large_equality = equal(large * frobenius(X - Xs) ** 2, pairing)
    assert isinstance(verdict(forall(A, B, f, lam, Xs, S, large, given=target, then=large_equality), NARROW), Unknown)


def test_dimensions_may_have_other_names():
    p, q, k = dimensions("p q k")
    setting = lora(m=p, n=q, r=k)
    balanced = equal(setting.A.T * setting.A, setting.B.T * setting.B)
    assert isinstance(verdict(forall(setting, given=setting.fosp(), then=balanced)), Held)
