"""Every family: its derivatives pass the gates, its planted X⋆ is stationary, its curvature bounds hold."""

from __future__ import annotations

import numpy as np
import pytest

from verify.calculus.differentiate import expand, gradients, tangent
from verify.evaluation.gates import gate_gradient, gate_hessian_form
from verify.evaluation.hessians import hessian_matrix, hessian_of_function, is_quadratic
from verify.language.errors import GateError
from verify.language.operations.algebra import inner, total
from verify.language.terms import ARGUMENT, make, number, symbol, symbols_of
from verify.losses.families import FAMILIES
from verify.losses.planting import plant, slope_at

SINGLE = [name for name, family in FAMILIES.items() if family.terms.full is not None]
ADAPTED_TWICE = [name for name in FAMILIES if name not in SINGLE]
QUADRATIC = [
    "factorization",
    "quadratic",
    "gaussian_sensing",
    "isometric_sensing",
    "completion",
    "weighted",
    "linearized_squared",
]


def generator(seed=0):
    return np.random.default_rng(seed)


def variables_of(family):
    return [v for pair in family.terms.pairs for v in pair]


def hessian_form(loss, variables):
    moves = {v.payload[0]: symbol("d" + v.payload[0], v.shape) for v in variables}
    slopes = gradients(loss, variables)
    return moves, total([inner(moves[v.payload[0]], tangent(g, moves)) for v, g in zip(variables, slopes, strict=True)])


@pytest.mark.parametrize("name", FAMILIES)
def test_derived_gradients_pass_both_gates(name):
    family = FAMILIES[name]
    loss, variables = family.terms.loss, variables_of(family)
    for variable, derived in zip(variables, gradients(loss, variables), strict=True):
        report = gate_gradient(loss, variable, derived)
        assert report.exact.startswith("equal")
        assert report.note == ""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "attention" else name for name in FAMILIES]
)
def test_derived_hessians_pass_both_gates(name):
    family = FAMILIES[name]
    moves, form = hessian_form(family.terms.loss, variables_of(family))
    assert gate_hessian_form(family.terms.loss, moves, form).exact.startswith("equal")


@pytest.mark.parametrize("name", SINGLE)
def test_the_full_function_s_gradient_passes_both_gates(name):
    full = FAMILIES[name].terms.full
    argument = symbol(ARGUMENT, full.shape)
    (derived,) = gradients(full.body, [argument])
    assert gate_gradient(full.body, argument, derived).exact.startswith("equal")


@pytest.mark.parametrize("name", ["completion", "cross_entropy"])
def test_a_wrong_gradient_of_a_family_is_refused(name):
    family = FAMILIES[name]
    variable = variables_of(family)[0]
    (derived,) = gradients(family.terms.loss, [variable])
    with pytest.raises(GateError):
        gate_gradient(family.terms.loss, variable, make("mul", number(2), derived))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_data_are_exactly_what_the_loss_mentions(name):
    family = FAMILIES[name]
    problem = family.sample(generator(), 3)
    names = {v.payload[0] for v in problem.variables}
    assert set(symbols_of(problem.loss)) == set(problem.data) | names
    assert all(len(v) == 3 and np.all(np.isfinite(v)) for v in [*problem.data.values(), *problem.operators.values()])
    assert problem.convex == family.convex
    assert family.formula
    assert problem.family == name


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_seed_gives_the_same_problems(name):
    first, second, other = (FAMILIES[name].sample(generator(seed), 2) for seed in (5, 5, 6))
    assert all(np.array_equal(first.data[k], second.data[k]) for k in first.data)
    assert any(not np.array_equal(first.data[k], other.data[k]) for k in first.data)


PLANTED = [
    {},
    {"star_rank": 2},
    {"star_rank": 0},
    {"m": 3, "n": 3, "star_rank": 3},
    {"m": 1, "n": 4},
    {"m": 1, "n": 1},
    {"decay": 0.0},
    {"decay": np.linspace(0.0, 1.0, 8)},
    {"samples": 40},
    {"r": 9},
]


@pytest.mark.parametrize("options", PLANTED, ids=str)
@pytest.mark.parametrize("name", SINGLE)
def test_planted_points_are_stationary_with_their_witness(name, options):
    problem = FAMILIES[name].sample(generator(), 8, **options)
    star, witness, weight = problem.star, problem.witness, problem.weight[:, None, None]
    slope = slope_at(problem.full, problem.dims, problem.data, problem.operators, star)
    assert np.max(np.abs(slope + weight * witness)) <= 1e-12
    values = np.linalg.svd(star, compute_uv=False)
    rank = options.get("star_rank", 1)
    assert np.all(np.sum(values > 1e-9, axis=-1) == rank)
    assert np.max(np.linalg.norm(witness, ord=2, axis=(-2, -1))) <= 1 + 1e-12
    assert np.allclose(np.sum(witness * star, axis=(-2, -1)), values.sum(axis=-1), rtol=1e-12, atol=1e-12)


def test_witnesses_are_strict_contractions_off_the_singular_spaces():
    star = plant(generator(), 50, 5, 4, 2)
    u, _, vt = np.linalg.svd(star.point)
    block = np.swapaxes(u[:, :, 2:], -1, -2) @ star.witness @ np.swapaxes(vt[:, 2:], -1, -2)
    norms = np.linalg.norm(block, ord=2, axis=(-2, -1))
    assert norms.max() <= 0.9 + 1e-12
    assert norms.max() > 0.5
    polar = u[:, :, :2] @ vt[:, :2]
    outside = star.witness - polar
    assert np.max(np.abs(np.swapaxes(u[:, :, :2], -1, -2) @ outside)) <= 1e-12
    assert np.max(np.abs(outside @ np.swapaxes(vt[:, :2], -1, -2))) <= 1e-12


@pytest.mark.parametrize("name", SINGLE)
def test_curvature_bounds_hold_at_random_points(name):
    problem = FAMILIES[name].sample(generator(), 6, m=3, n=4, samples=20, star_rank=None)
    argument = symbol(ARGUMENT, problem.full.shape)
    for seed in range(3):
        point = generator(seed).standard_normal((6, 3, 4)) * 10.0 ** (seed - 1)
        hessian = hessian_matrix(problem.full.body, [argument], problem.batch({ARGUMENT: point}))
        values = np.linalg.eigvalsh(hessian)
        assert np.all(values[:, 0] >= problem.alpha - 1e-12)
        assert np.all(values[:, -1] <= problem.beta + 1e-12)
    assert np.all(problem.alpha <= problem.beta)


@pytest.mark.parametrize("name", QUADRATIC)
def test_bounds_of_quadratics_are_attained(name):
    problem = FAMILIES[name].sample(generator(), 4, samples=25)
    assert is_quadratic(problem.full)
    values = np.linalg.eigvalsh(hessian_of_function(problem.full, problem.batch({})))
    assert np.allclose(values[:, 0], problem.alpha, atol=1e-10)
    assert np.allclose(values[:, -1], problem.beta, atol=1e-10)


def test_the_prescribed_spectrum_is_attained():
    problem = FAMILIES["quadratic"].sample(generator(), 5, spectrum=(2.0, 7.0))
    values = np.linalg.eigvalsh(problem.operators["H"])
    assert np.allclose(values[:, [0, -1]], [2.0, 7.0], rtol=1e-12)
    isometric = FAMILIES["isometric_sensing"].sample(generator(), 5, isometry=0.25)
    gram = np.swapaxes(isometric.operators["Φ"], -1, -2) @ isometric.operators["Φ"]
    assert np.allclose(np.linalg.eigvalsh(gram)[:, [0, -1]], [0.75, 1.25], rtol=1e-12)


def test_an_indefinite_quadratic_is_not_called_convex_and_can_be_planted():
    problem = FAMILIES["quadratic"].sample(generator(), 5, spectrum=(-1.0, 3.0), star_rank=None)
    assert not problem.convex
    with pytest.raises(ValueError, match="cannot be planted"):
        FAMILIES["quadratic"].sample(generator(), 5, spectrum=(-1.0, 3.0))
    concave = FAMILIES["quadratic"].sample(generator(), 5, spectrum=(-3.0, -1.0))
    slope = slope_at(concave.full, concave.dims, concave.data, concave.operators, concave.star)
    assert np.max(np.abs(slope + concave.weight[:, None, None] * concave.witness)) <= 1e-12


def test_masks_see_every_row_and_column():
    mask = FAMILIES["completion"].sample(generator(), 40, m=5, n=6, observed=0.1).data["P"]
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert np.all(mask.max(axis=-1) == 1)
    assert np.all(mask.max(axis=-2) == 1)
    assert mask.mean() < 0.5


@pytest.mark.parametrize("name", ADAPTED_TWICE)
def test_targets_of_networks_are_reachable_up_to_the_noise(name):
    family = FAMILIES[name]
    assert len(family.terms.pairs) == 2
    assert family.terms.full is None
    problem = family.sample(generator(), 4, noise=0.0, r=2, target_rank=0, decay=0.0)
    at_zero = {v.payload[0]: np.zeros((4, *problem.size_of(v))) for v in problem.variables}
    from verify.points.analysis.full import evaluated

    (value,) = evaluated(problem, [expand(problem.loss)], at_zero)
    assert np.max(np.abs(value)) <= 1e-24


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("factorization", {"m": 0}),
        ("factorization", {"star_rank": 9}),
        ("factorization", {"star_rank": -1}),
        ("factorization", {"decay": -0.1}),
        ("factorization", {"decay": np.nan}),
        ("quadratic", {"spectrum": (2.0, 1.0)}),
        ("quadratic", {"spectrum": (0.0, 1.0)}),
        ("isometric_sensing", {"isometry": 1.0}),
        ("weighted", {"weights": (0.0, 1.0)}),
    ],
    ids=str,
)
def test_impossible_draws_are_refused(name, options):
    with pytest.raises(ValueError, match=r".+"):
        FAMILIES[name].sample(generator(), 2, **options)


def test_no_problems_at_all_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        FAMILIES["factorization"].sample(generator(), 0)


def test_problems_can_be_picked_and_repeated():
    problem = FAMILIES["quadratic"].sample(generator(), 3)
    twice = problem.pick([2, 2, 0])
    assert twice.count == 3
    assert np.array_equal(twice.star[0], problem.star[2])
    assert np.array_equal(twice.operators["H"][2], problem.operators["H"][0])
