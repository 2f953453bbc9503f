"""The point finder: quality on every family, degenerate problems, saddles, and losses that have no points to find."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from quadratics import quadratic, spectra

from verify.evaluation.hessians import hessian_matrix
from verify.language.curvature import function_of
from verify.language.functions import inner
from verify.language.settings import lora
from verify.language.translate import term_of
from verify.losses.families import FAMILIES
from verify.points import Effort, Start, Status, find, find_streamed
from verify.points.finder.gauge import Gauge, tangents
from verify.points.finder.lowering import lowered
from verify.points.finder.newton import positive_definite
from verify.points.finder.work import norms


def check(points, at_least=1.0):
    """Counts add up, and every second-order point stands up to an evaluation that shares nothing with the finder."""
    problem = points.problem.pick(points.instance)
    assert sum(points.reached.values()) == points.count
    good = points.second_order
    assert good.mean() >= at_least, str(points)
    assert np.all(points.relative_gradient[good] <= 1e-10)
    hessian = hessian_matrix(problem.loss, problem.variables, problem.batch(points.arrays))[good]
    size = np.maximum(1.0, np.abs(hessian).sum(axis=-1).max(axis=-1))
    # Even the gauge directions have no negative curvature to speak of; off them there is none within the tolerance.
    assert np.all(np.linalg.eigvalsh(hessian)[:, 0] >= -1e-7 * size)
    loss, weight = lowered(problem), np.asarray(problem.weight)[good]
    x = loss.flat(points.arrays)[good]
    for group, members in ((Gauge.LINEAR, weight == 0), (Gauge.ROTATIONS, weight > 0)):
        for h, t, top in zip(hessian[members], tangents(loss, x[members], group), size[members], strict=True):
            u, lengths, _ = np.linalg.svd(t.T, full_matrices=True)
            off = u[:, int(np.sum(lengths > 1e-9 * lengths.max(initial=0.0))) :]
            assert np.linalg.eigvalsh(off.T @ h @ off).min(initial=0.0) >= -1e-9 * top
    assert np.all(points.lambda_min[good] >= points.lambda_min_bound[good] - 1e-12 * size)
    assert np.all(points.lambda_min_bound[good] >= -1e-9 * size)
    return points


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_from_the_default_and_a_random_start(family):
    problem = FAMILIES[family].sample(np.random.default_rng(0), 40)
    for start in (Start.ZERO, Start.RANDOM):
        check(find(problem, start), 0.97)


@pytest.mark.parametrize("start", Start)
@pytest.mark.parametrize("decay", [0.05, 0.0])
def test_every_start(start, decay):
    problem = quadratic(np.random.default_rng(1), 60, 5, 4, 2, decay=decay, spectrum=(1, 30))
    check(find(problem, start, per_instance=2), 0.99)


@pytest.mark.parametrize("decay", [0.05, 0.0])
@pytest.mark.parametrize(("count", "m", "n", "r"), [(30, 1, 4, 2), (30, 3, 1, 1), (30, 3, 2, 5), (1, 4, 4, 2), (20, 2, 2, 2)])
def test_degenerate_shapes(decay, count, m, n, r):
    check(find(quadratic(np.random.default_rng(2), count, m, n, r, decay=decay)))


@pytest.mark.parametrize("decay", [0.05, 0.0])
def test_rank_deficient_and_zero_starts(decay):
    problem = quadratic(np.random.default_rng(3), 40, 4, 4, 3, decay=decay)
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 40, 4, 3))
    a[:, :, 2] = b[:, :, 2] = 0
    check(find(problem, {"A": a, "B": b}))
    a[:, :, 1] = 0
    check(find(problem, {"A": a, "B": 0 * b}), 0.95)
    # The origin is a stationary point: with large targets a strict saddle that must be left.
    origin = check(find(problem, {"A": 0 * a, "B": 0 * b}))
    assert np.all(origin.value < 0.5 * np.einsum("bi,bij,bj->b", *_quadratic_data(problem)))


def _quadratic_data(problem):
    m = problem.data["M"].reshape(problem.count, -1)
    return m, problem.operators["H"], m


def test_origin_is_kept_where_it_is_second_order():
    """Theory §3, Corollary A'': (0, 0) is an SOSP if and only if ‖∇f(0)‖_op ≤ λ."""
    problem = quadratic(np.random.default_rng(3), 20, 3, 3, 2, decay=100.0)
    zero = {"A": np.zeros((20, 3, 2)), "B": np.zeros((20, 3, 2))}
    points = check(find(problem, zero))
    assert np.all(points.arrays["A"] == 0)
    assert np.all(points.iterations <= 1)
    slope = (problem.operators["H"] @ problem.data["M"].reshape(20, 9, 1)).reshape(20, 3, 3)
    assert np.allclose(points.lambda_min, 100.0 - np.linalg.norm(slope, 2, axis=(1, 2)), rtol=1e-12)


def test_saddles_of_factorization_are_left():
    """Theory §5: second-order points keep the top min(r, q) singular values; the others are strict saddles."""
    rng = np.random.default_rng(5)
    problem = quadratic(rng, 30, 4, 4, 2, operators=np.broadcast_to(np.eye(16), (30, 16, 16)).copy(), decay=0.1)
    u, s, vt = np.linalg.svd(problem.data["M"])
    root = np.sqrt(np.maximum(s[:, 1:3] - 0.1, 0))[:, None, :]
    saddle = {"A": u[:, :, 1:3] * root, "B": np.swapaxes(vt[:, 1:3], 1, 2) * root}
    points = check(find(problem, saddle))
    x = points.arrays["A"] @ np.swapaxes(points.arrays["B"], 1, 2)
    top = np.maximum(s[:, None, :2] - 0.1, 0)
    assert np.allclose(x, (u[:, :, :2] * top) @ vt[:, :2], atol=1e-7)


@pytest.mark.parametrize("decay", [0.1, 0.0])
def test_repeated_singular_values_and_exact_low_rank(decay):
    problem = quadratic(np.random.default_rng(6), 30, 4, 4, 2, decay=decay)
    check(find(replace(problem, data={**problem.data, "M": np.broadcast_to(np.eye(4), (30, 4, 4)).copy()})))
    thin = np.random.default_rng(0).standard_normal((30, 4, 1))
    check(find(replace(problem, data={**problem.data, "M": thin @ np.swapaxes(thin, 1, 2)})))
    # X⋆ = 0 without decay: minima like that of (xy)², where the gradient must be tiny before the curvature is settled.
    check(find(replace(problem, data={**problem.data, "M": np.zeros((30, 4, 4))})), 0.9)


def test_data_of_very_different_sizes():
    problem = quadratic(np.random.default_rng(7), 30, 3, 4, 2)
    for size in (1e-6, 1e6):
        check(find(replace(problem, data={**problem.data, "M": size * problem.data["M"]})))


@pytest.mark.parametrize("low", [-3.0, -0.5])
def test_unbounded_losses_end_in_bounded_work(low):
    rng = np.random.default_rng(8)
    problem = quadratic(rng, 40, 4, 4, 2, decay=0.0, operators=spectra(rng, 40, 16, low, -low))
    points = find(problem)
    assert sum(points.reached.values()) == 40
    assert points.reached[Status.UNBOUNDED] >= 35
    assert points.iterations.max() <= 20_000
    assert points.reached[Status.NON_FINITE] == 0


def test_linear_loss_runs_away():
    problem = quadratic(np.random.default_rng(9), 10, 3, 3, 2, decay=0.0, operators=np.zeros((10, 9, 9)))
    assert find(problem).second_order.all()
    M = sp.MatrixSymbol("M", *sp.symbols("m n", integer=True, positive=True))
    s = lora(loss=lambda X: inner(M, X))
    linear = replace(problem, loss=term_of(s.L), full=function_of(s.f), operators={})
    points = find(linear)
    assert points.reached[Status.UNBOUNDED] == 10


def test_non_finite_instances_do_not_spoil_the_others():
    problem = quadratic(np.random.default_rng(10), 30, 4, 3, 2)
    target = problem.data["M"].copy()
    target[::3, 0, 0] = np.nan
    target[1::3, 0, 0] = np.inf
    spoiled = find(replace(problem, data={**problem.data, "M": target}))
    assert spoiled.reached[Status.NON_FINITE] == 20
    assert spoiled.second_order[2::3].all()
    assert not spoiled.second_order[::3].any()
    assert np.isnan(spoiled.lambda_min[::3]).all()
    start = {"A": np.full((30, 4, 2), np.nan), "B": np.zeros((30, 3, 2))}
    assert find(problem, start).reached[Status.NON_FINITE] == 30


def test_work_limits_are_kept_and_reported():
    problem = quadratic(np.random.default_rng(11), 30, 5, 5, 2, spectrum=(1, 100))
    points = find(problem, effort=Effort(descent=3, newton=1, rescue=1, waves=1))
    assert sum(points.reached.values()) == 30
    assert points.reached[Status.NOT_CONVERGED] > 0
    assert points.iterations.max() <= 3 + 1 + 1
    assert np.all(points.gradient[points.status == Status.NOT_CONVERGED] > 0)


def test_results_are_reproducible_and_depend_on_the_seed():
    problem = quadratic(np.random.default_rng(12), 20, 3, 4, 2)
    one, two, other = (find(problem, per_instance=2, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.arrays["A"], two.arrays["A"])
    assert not np.array_equal(one.arrays["A"], other.arrays["A"])
    assert one.instance.tolist() == sorted([*range(20), *range(20)])


def test_points_are_found_whatever_else_is_in_the_batch():
    """Refilling and compaction mix instances: each must end at a point of its own problem."""
    problem = quadratic(np.random.default_rng(13), 900, 2, 3, 1, spectrum=(1, 60))
    points = check(find(problem))
    alone = find(problem.pick(np.arange(5)), {n: x[:5] for n, x in points.arrays.items()})
    assert np.allclose(alone.value, points.value[:5], rtol=1e-9)
    value = norms((points.arrays["A"] @ np.swapaxes(points.arrays["B"], 1, 2) - problem.data["M"]).reshape(900, 6))
    assert np.all(points.value <= 0.5 * 60 * value**2 + 0.025 * sum((x**2).sum(axis=(1, 2)) for x in points.arrays.values()))


def test_streams_and_subsets():
    stacks = [quadratic(np.random.default_rng(k), 10, 3, 3, 2) for k in range(3)]
    found = list(find_streamed(iter(stacks)))
    assert [p.count for p in found] == [10, 10, 10]
    some = found[0].pick(found[0].second_order)
    assert some.count == found[0].reached[Status.SECOND_ORDER]
    assert str(some) == f"{some.count} starts: {some.count} second order"
    assert all(s.sentence for s in Status)


def test_instances_with_and_without_decay_in_one_stack():
    problem = quadratic(np.random.default_rng(14), 40, 4, 3, 2)
    decay = np.where(np.arange(40) % 2 == 0, 0.0, 0.1)
    check(find(replace(problem, data={**problem.data, "λ": decay}, weight=decay)))


def test_positive_definiteness_of_stacks():
    rng = np.random.default_rng(0)
    frame = np.linalg.qr(rng.standard_normal((50, 6, 6)))[0]
    lowest = np.where(rng.random(50) < 0.3, -1e-3, 1e-3)
    values = np.concatenate([lowest[:, None], rng.uniform(0.1, 1, (50, 5))], axis=1)
    stack = (frame * values[:, None]) @ np.swapaxes(frame, 1, 2)
    assert np.array_equal(positive_definite(stack), lowest > 0)
    stack[3] = np.nan
    expected = lowest > 0
    expected[3] = False
    assert np.array_equal(positive_definite(stack), expected)
    assert positive_definite(stack[:0]).shape == (0,)


def test_package_stays_light():
    import subprocess
    import sys

    code = "import sys; from verify.points import __all__; assert 'numpy' not in sys.modules and 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("start", [Start.RANDOM, Start.SMALL])
@pytest.mark.parametrize("c", [1e-8, 1e-4, 1e4, 1e8])
def test_a_loss_times_a_constant_has_the_same_points(start, c):
    def ends(size):
        problem = quadratic(np.random.default_rng(15), 30, 4, 3, 2, decay=0.05 * size)
        problem = replace(problem, operators={"H": size * problem.operators["H"]})
        points = find(problem, start)
        assert points.second_order.all()
        owner = problem.pick(points.instance)
        hessian = hessian_matrix(owner.loss, owner.variables, owner.batch(points.arrays))
        largest = np.abs(hessian).sum(axis=-1).max(axis=-1)
        assert np.all(points.lambda_min >= -1e-9 * largest)
        assert np.all(
            points.gradient <= 1e-8 * largest * norms(np.concatenate([v.reshape(30, -1) for v in points.arrays.values()], 1))
        )
        return points.arrays["A"] @ np.swapaxes(points.arrays["B"], 1, 2)

    same = np.abs(ends(c) - ends(1.0)).max(axis=(-2, -1)) <= 1e-6
    assert same.mean() >= 0.9


def test_a_strict_saddle_of_a_tiny_loss_is_one():
    problem = quadratic(np.random.default_rng(16), 5, 3, 3, 2, decay=5e-14)
    problem = replace(problem, operators={"H": 1e-12 * problem.operators["H"]})
    near = {n: 1e-9 * np.random.default_rng(17).standard_normal((5, 3, 2)) for n in "AB"}
    points = find(problem, near)
    assert np.all(np.linalg.norm(points.arrays["A"], axis=(1, 2))[points.second_order] > 1e-2)
