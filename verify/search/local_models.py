"""A quadratic function given by a closed formula, as a local model whose data can be shrunk.

Main definitions: `as_local_models`, `second_order_model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations

import numpy as np

from verify.evaluation.fields import RationalField
from verify.evaluation.interpret import evaluate_term
from verify.language.errors import NotRational
from verify.language.formulas import Formula
from verify.language.operations.operation import Environment
from verify.language.terms import ARGUMENT, Term
from verify.losses.taylor import data_name
from verify.search.instances import ExactInstance, Rows

_LARGEST = 36
Vector = tuple[Fraction, ...]


def as_local_models(instance: ExactInstance, formula: Formula) -> ExactInstance | None:
    """The instance with every closed function replaced by its second-order model at 0, up to a constant.

    The model is the function itself (up to a constant) where that is quadratic; elsewhere it is another function, and the
    caller has to see whether it serves. None where values are not rational or the functions have too many entries.
    """
    matrices, scalars = dict(instance.matrices), dict(instance.scalars)
    for name, function in formula.functions().items():
        if name not in instance.bodies:
            continue
        rows, cols = (d if isinstance(d, int) else instance.dims[d] for d in function.shape)
        model = second_order_model(instance.bodies[name], rows, cols, instance.dims)
        if model is None:
            return None
        slope, bend = model
        matrices[data_name(name, "P")] = tuple(tuple(Fraction(0) for _ in range(cols)) for _ in range(rows))
        matrices[data_name(name, "G")] = tuple(slope[i * cols : (i + 1) * cols] for i in range(rows))
        matrices[data_name(name, "H")] = bend
        scalars[data_name(name, "c")] = Fraction(0)
    return ExactInstance(instance.dims, scalars, matrices, {}, instance.steps)


def second_order_model(body: Term, rows: int, cols: int, dims: Mapping[str, int]) -> tuple[Vector, Rows] | None:
    """Gradient and Hessian at 0 of a closed function of a matrix, exact where it is quadratic.

    None where its values are not rational, or it has too many entries.
    """
    if rows * cols > _LARGEST:
        return None
    try:
        return _expanded(body, rows, cols, dims)
    except NotRational:
        return None


def _expanded(body: Term, rows: int, cols: int, dims: Mapping[str, int]) -> tuple[Vector, Rows]:
    """Gradient and Hessian of a quadratic at 0, from its values."""
    size = rows * cols

    def at(*entries: tuple[int, int]) -> Fraction:
        argument = np.array([[Fraction(0)] * cols for _ in range(rows)], dtype=object)
        for place, value in entries:
            argument[divmod(place, cols)] = Fraction(value)
        value = evaluate_term(body, Environment({ARGUMENT: argument}, dims, {}, {}), RationalField())
        return Fraction(np.asarray(value).item())

    base = at()
    plus, minus = [at((i, 1)) for i in range(size)], [at((i, -1)) for i in range(size)]
    slope = tuple((p - q) / 2 for p, q in zip(plus, minus, strict=True))
    bend = [[Fraction(0)] * size for _ in range(size)]
    for i in range(size):
        bend[i][i] = plus[i] + minus[i] - 2 * base
    for i, j in combinations(range(size), 2):
        bend[i][j] = bend[j][i] = at((i, 1), (j, 1)) - plus[i] - plus[j] + base
    return slope, tuple(tuple(row) for row in bend)
