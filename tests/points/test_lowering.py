"""Lowered values, gradients and Hessians against the plain evaluation of the same terms and against finite differences."""

import numpy as np
import pytest
from quadratics import quadratic

from verify.calculus.differentiate import expand
from verify.evaluation.fields import FloatField
from verify.evaluation.hessians import hessian_matrix
from verify.evaluation.interpret import evaluate_term
from verify.language.printing import text
from verify.language.terms import make, number, symbol
from verify.losses.families import FAMILIES
from verify.points.finder.lowering import lowered
from verify.points.finder.tidy import associate, tidy


def problems():
    for name, family in FAMILIES.items():
        yield pytest.param(lambda f=family: f.sample(np.random.default_rng(3), 4), id=name)
    yield pytest.param(lambda: quadratic(np.random.default_rng(3), 4, 1, 3, 2), id="m = 1")
    yield pytest.param(lambda: quadratic(np.random.default_rng(3), 1, 3, 2, 4), id="one instance, r > min(m, n)")


@pytest.mark.parametrize("make_problem", list(problems()))
def test_agrees_with_the_plain_evaluation(make_problem):
    problem = make_problem()
    loss = lowered(problem)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((problem.count, loss.unknowns))
    data = loss.load(problem, np.arange(problem.count))
    batch = problem.batch({v.payload[0]: a for v, a in loss.matrices(x).items()})
    value, slope = loss.value_and_gradient(x, data)
    plain = evaluate_term(expand(problem.loss), batch.environment(), FloatField())
    assert np.allclose(value, plain, rtol=1e-12, atol=1e-12)
    hessian, reference = loss.hessian(x, data), hessian_matrix(expand(problem.loss), problem.variables, batch)
    size = np.abs(reference).max()
    assert np.abs(hessian - reference).max() <= 1e-12 * size
    v = rng.standard_normal(x.shape)
    along = loss.hessian_vector(x, data, v)
    assert np.abs(along - (reference @ v[..., None])[..., 0]).max() <= 1e-11 * size
    h = 1e-5
    ahead, behind = (loss.value_and_gradient(x + s * h * v, data) for s in (1, -1))
    scale = np.abs(value) + np.linalg.norm(slope, axis=1) + size
    assert np.all(np.abs((ahead[0] - behind[0]) / (2 * h) - np.vecdot(slope, v)) <= 1e-6 * scale)
    assert np.abs((ahead[1] - behind[1]) / (2 * h) - along).max() <= 1e-5 * size


def test_instances_can_be_gathered_and_overwritten():
    problem = quadratic(np.random.default_rng(0), 5, 3, 2, 2)
    loss = lowered(problem)
    x = np.random.default_rng(1).standard_normal((5, loss.unknowns))
    data = loss.load(problem, np.arange(5))
    value, _ = loss.value_and_gradient(x, data)
    some = np.array([3, 1])
    assert np.array_equal(loss.value_and_gradient(x[some], data.pick(some))[0], value[some])
    changed = loss.load(problem, np.array([0, 0, 0, 0, 0]))
    changed.put(np.array([2, 4]), data.pick(some))
    mixed = loss.value_and_gradient(x[[0, 0, 3, 0, 1]], changed)[0]
    assert np.array_equal(mixed[[2, 4]], value[some])
    assert np.array_equal(
        data.constants[next(iter(data.constants))], loss.load(problem, np.arange(5)).constants[next(iter(data.constants))]
    )


def test_tidy_keeps_the_value_and_drops_units():
    a, b = symbol("A", ("m", "r")), symbol("B", ("n", "r"))
    product = make("matmul", a, make("transpose", b))
    twice = make("add", product, make("transpose", make("matmul", b, make("transpose", a))))
    assert text(tidy(twice)) == "2·A·Bᵀ"
    assert text(tidy(make("add", product, make("mul", number(-1), product)))) == "0"
    padded = make(
        "matmul", make("eye", payload=("m",)), product, make("ones", payload=("n", 1)), make("ones", payload=(1, "n"))
    )
    assert text(tidy(padded)) == "A·Bᵀ·1(n×n)"


def test_products_are_associated_cheaply():
    a, b, c = symbol("A", ("m", "r")), symbol("B", ("r", "n")), symbol("C", ("n", "r"))
    product = make("matmul", a, b, c)
    right_first = associate(product, {"m": 9, "n": 9, "r": 1})
    assert right_first.args == (a, make("matmul", b, c))
    left_first = associate(product, {"m": 1, "n": 9, "r": 9})
    assert left_first.args == (make("matmul", a, b), c)
