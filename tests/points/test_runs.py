"""Training runs on real data: what theory §6 and §8 say at every step, measured and decided honestly."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the data come with scikit-learn: install the extra data")

from sympy import MatrixSymbol, sqrt

from verify import *
from verify.evaluation.hessians import hessian_matrix
from verify.points.analysis.approximate import draw, sides_along
from verify.points.data.digits import one_thread
from verify.points.data.runs import lowest_curvatures, run_of, states_for
from verify.points.data.solved import lora_loss, problem_of
from verify.runner.real_data import decide_on
from verify.runner.verdicts import Candidate, Held, Result, Unknown, Vacuous, describe, to_json

s = lora()
A, B, X, f, L, m, n, r, lam = s.A, s.B, s.X, s.f, s.L, s.m, s.n, s.r, s.decay
gamma = nonnegatives("γ")
C, D, Y = MatrixSymbol("C", m, r), MatrixSymbol("D", n, r), MatrixSymbol("Y", m, n)
penalty = (frobenius(A) ** 2 + frobenius(B) ** 2) / 2
approximate = sosp(L + gamma * penalty - inner(C, A) - inner(D, B), of=[A, B])
start_value = f(zeros(m, n)) + lam / 2 * frobenius(s.A0) ** 2
flow = gradient_flow(L, start=(s.A0, zeros(n, r)))
ZERO = training("cancer", rank=3, steps=25)
LARGE = training("cancer", rank=2, init="large", steps=25)
FLOW = training("cancer", rank=2, method="flow", steps=12)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def verdict(formula, source):
    return decide_on(replace(formula, source=source), "test")


@pytest.mark.parametrize("source", [ZERO, LARGE, training("network", rank=2, steps=12)], ids=str)
def test_the_bounds_of_approximate_points_hold_at_every_step(source):
    sides = sides_along(source)
    assert len(sides.error) == source.steps + 1
    assert np.all(sides.pairing <= sides.distance_bound)
    assert np.all(sides.distance_bound <= sides.coarse_bound * (1 + 1e-12))
    assert np.any(sides.gamma > 1e-3)
    if problem_of(source.name).convex:
        assert np.all(sides.value_gap <= sides.coarse_bound)


def test_the_bounds_vanish_where_training_reaches_the_target():
    sides = sides_along(training("cancer", rank=3, steps=120))
    assert sides.coarse_bound[-1] <= 1e-6 <= 1e-3 * sides.coarse_bound[0]
    assert sides.error[-1] <= 1e-6


def approximate_claim():
    return forall(s, gamma, C, D, given=[approximate, lt(0, gamma)], then=le(0, frobenius(A)))


def test_a_state_is_an_exact_point_of_its_tilted_loss():
    batch = states_for(replace(approximate_claim(), source=LARGE)).batch
    loss, variables = lora_loss(problem_of("cancer"))
    spectra = np.linalg.eigvalsh(hessian_matrix(loss, variables, batch))
    np.testing.assert_allclose(batch.values["γ"], np.maximum(-spectra[:, 0], 0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(lowest_curvatures(loss, variables, batch), spectra[:, 0], rtol=1e-9, atol=1e-12)
    # Read without what holds by construction, the same states are active.
    found = verdict(approximate_claim(), LARGE)
    assert isinstance(found, Held)
    assert found.coverage.n_active == int(np.sum(batch.values["γ"] > 0))
    assert batch.assured


def test_negative_curvature_is_read_where_the_loss_has_no_ridge():
    without = sosp(L - inner(C, A) - inner(D, B), of=[A, B])
    found = verdict(forall(s, C, D, given=[without], then=le(0, frobenius(A))), LARGE)
    curved = states_for(replace(approximate_claim(), source=LARGE)).batch.values["γ"] > 0
    assert curved.any()
    assert isinstance(found, Held)
    assert found.coverage.n_active == int(np.sum(~curved))


def test_the_start_is_that_of_lora():
    run = run_of(ZERO)
    assert not run.points["B"][0].any()
    assert np.all(np.diff(run.losses) < 0)
    assert np.std(run_of(training("digits", rank=4, steps=1)).points["A"][0]) == pytest.approx(0.5, rel=0.1)
    assert np.std(run_of(LARGE).points["B"][0]) > 1


def test_what_theory_says_of_runs_is_held_at_every_state():
    monotone = forall(s, s.A0, given=[lt(0, lam), le(L, start_value)], then=le(lam * nuclear(X), start_value - f(X)))
    found = verdict(monotone, ZERO)
    assert isinstance(found, Held)
    assert found.coverage.n == found.coverage.n_active == 26
    along = always(flow, given=lt(0, lam), then=[le(nuclear(X), penalty), le(lam * penalty, start_value - f(X))])
    found = verdict(along, FLOW)
    assert isinstance(found, Held)
    assert found.coverage.n_active == 13


def test_false_claims_about_runs_do_not_pass():
    slope = sqrt(frobenius(f.grad(X) * B + lam * A) ** 2 + frobenius(f.grad(X).T * A + lam * B) ** 2)
    balance = slope * sqrt(spectral(A) ** 2 + spectral(B) ** 2)
    false = {
        "without the start": (le(lam * penalty, f(zeros(m, n)) - f(X)), ZERO),
        "no gap at all": (le(L, f(Y) + lam * nuclear(Y)), ZERO),
        "balance, a tenth": (le(10 * lam * frobenius(A.T * A - B.T * B), balance), LARGE),
        "no negative curvature": (equal(gamma, 0), LARGE),
    }
    for name, (then, source) in false.items():
        variables = [s, gamma, C, D, Y]
        found = verdict(forall(*variables, given=[approximate], then=then), source)
        assert isinstance(found, Candidate), name
        assert found.margin < -1e-3
    along = always(flow, given=lt(0, lam), then=le(lam * penalty, f(zeros(m, n)) - f(X)))
    assert isinstance(verdict(along, FLOW), Candidate)


def test_states_that_miss_an_assumption_are_not_active():
    found = verdict(forall(s, given=[lt(frobenius(B), frobenius(A) / 2)], then=le(0, frobenius(A))), ZERO)
    assert isinstance(found, Held)
    assert 0 < found.coverage.n_active < found.coverage.n == 26
    assert isinstance(verdict(forall(s, given=[lt(frobenius(A), 0)], then=le(0, frobenius(A))), ZERO), Vacuous)


def test_the_run_is_the_scope_of_every_verdict_on_it():
    held = forall(s, then=le(nuclear(X), penalty))
    missed = forall(s, given=lt(frobenius(A), 0), then=le(nuclear(X), penalty))
    false = forall(s, then=le(2 * nuclear(X), penalty))
    for formula, kind in ((held, Held), (missed, Vacuous), (false, Candidate)):
        payload = verdict(formula, ZERO)
        assert isinstance(payload, kind)
        assert f"on {ZERO} only" in describe(payload)
        row = to_json(Result("claim", Expect.HOLDS, payload, 0.0))
        assert row["scope"] == (f"on {ZERO} only" if kind is Held else None)


def test_few_points_suffice_where_they_are_the_scope():
    found = verdict(forall(s, given=s.fosp(), then=equal(A.T * A, B.T * B)), dataset("cancer", rank=2))
    assert isinstance(found, Held)
    assert found.coverage.n_active == 1
    assert "on cancer (rank 2, zero initialization) only" in describe(found)


def test_assumptions_of_an_always_claim_are_read_at_the_start_of_the_run():
    starting = always(flow, given=[equal(B, 0), lt(0, lam)], then=le(nuclear(X), penalty))
    found = verdict(starting, FLOW)
    assert isinstance(found, Held)
    assert found.coverage.n_active == found.coverage.n
    assert isinstance(verdict(always(flow, given=equal(B, 0), then=equal(B, 0)), FLOW), Candidate)
    assert isinstance(verdict(always(flow, given=equal(A, 0), then=equal(B, 0)), FLOW), Vacuous)


def test_a_run_is_no_instance_of_another_process():
    decay = le(lam * penalty, start_value - f(X))
    descent = gradient_descent(L, step=positives("η"), start=(s.A0, zeros(n, r)))
    elsewhere = gradient_flow(L, start=(2 * s.A0, zeros(n, r)))
    other = gradient_flow(L + lam * penalty, start=(s.A0, zeros(n, r)))
    for process, source in ((flow, ZERO), (descent, ZERO), (elsewhere, FLOW), (other, FLOW)):
        found = verdict(always(process, then=decay), source)
        assert isinstance(found, Unknown)
    assert isinstance(verdict(always(flow, then=decay), dataset("cancer", rank=2)), Unknown)


def test_what_a_run_does_not_fix_is_unknown():
    one = forall(s, C, given=[sosp(L - inner(C, A), of=[A])], then=le(0, frobenius(A)))
    assert isinstance(verdict(one, ZERO), Unknown)
    assert isinstance(verdict(exists(s, such_that=[s.fosp()]), ZERO), Unknown)
    assert isinstance(verdict(forall(s, D, then=le(0, frobenius(D))), ZERO), Unknown)


def test_convexity_is_assumed_only_where_it_holds():
    claim_ = forall(s, Y, given=[convex(f)], then=le(f(X) + inner(f.grad(X), Y - X), f(Y)))
    assert isinstance(verdict(claim_, ZERO), Held)
    assert not isinstance(verdict(claim_, training("network", rank=2, steps=2)), Held)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "iris"}, "data set 'iris' is unknown"),
        ({"name": "cancer", "method": "adam"}, "method 'adam' is unknown"),
        ({"name": "cancer", "init": "middle"}, "initialization 'middle' is unknown"),
        ({"name": "cancer", "steps": 0}, "at least one step"),
        ({"name": "cancer", "rank": 0}, "at least 1"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ClaimError, match=message):
        training(**arguments)


def test_the_picture_is_written(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "approximate.svg"
    draw(str(path), dict.fromkeys(("digits", "cancer", "network"), 2))
    assert "large start, r = 1" in path.read_text()
