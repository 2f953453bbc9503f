"""The textbook examples of theory §4: exact numbers."""

from __future__ import annotations

import numpy as np
import pytest

from verify.evaluation.hessians import hessian_matrix
from verify.losses.planting import slope_at
from verify.losses.textbook import quadratic_of, strict_textbook, textbook, textbook_with_decay

EXAMPLES = {
    "λ = 0, a = 1": (textbook(), [1, 1, 3, 3], 0.75),
    "λ = 0, a = 2": (textbook(2.0), [1, 2, 3, 3], 0.75),
    "λ = 0, a = 3": (textbook(3.0), [1, 3, 3, 3], 0.75),
    "λ = 1/2": (textbook_with_decay(0.5), [1, 1, 3, 3], None),
    "strict": (strict_textbook(), [1, 1, 4, 4], 0.8),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_spectrum_star_and_value(name):
    example, spectrum, value = EXAMPLES[name]
    problem = example.problem
    assert np.allclose(np.linalg.eigvalsh(problem.operators["H"][0]), spectrum)
    slope = slope_at(problem.full, problem.dims, problem.data, problem.operators, problem.star)
    assert np.max(np.abs(slope + problem.weight[:, None, None] * problem.witness)) <= 1e-14
    if value is not None:
        from verify.points.analysis.full import update_of
        from verify.points.analysis.full import value as value_of

        assert value_of(problem, update_of(problem, example.point)) == pytest.approx(value, abs=1e-14)
        assert value_of(problem, problem.star) == pytest.approx(0.0, abs=1e-14)


def test_hessian_of_the_strict_example():
    example = strict_textbook()
    hessian = hessian_matrix(example.problem.loss, example.problem.variables, example.problem.batch(example.point))
    assert np.allclose(np.linalg.eigvalsh(hessian[0]), [0.0, 0.637, 2.763, 3.4], atol=5e-4)


def test_given_data_are_checked():
    with pytest.raises(ValueError, match="not symmetric"):
        quadratic_of(np.array([[[0.0, 1.0], [0.0, 0.0]]]), np.zeros((1, 1, 2)), 0.0, 1)
    with pytest.raises(ValueError, match="is needed"):
        quadratic_of(np.eye(3)[None], np.zeros((1, 1, 2)), 0.0, 1)
