"""`lambda_min` of a matrix that need not be symmetric has no meaning, and is refused before anything is computed.

Main definitions: `check_symmetry`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy as sp

from verify.evaluation.authored import MP, Training, UndefinedError, value_of
from verify.language.errors import ClaimError
from verify.language.formulas import Formula
from verify.language.nodes import Argument, ScalarNode
from verify.language.written import objects_in
from verify.runner.reading.points import draw

_POINTS = 3
_CLOSE = MP.mpf(10) ** -20


def check_symmetry(formula: Formula, training: Training | None) -> None:
    """Refuse the smallest eigenvalue of a matrix that is not symmetric, unless an assumption speaks of what it is made of.

    Raises:
        ClaimError: with what to write instead.
    """
    written = [e for s in formula.statements() for e in s.expressions()]
    matrices = list(dict.fromkeys(m for e in written for m in _arguments_of_lambda_min(e)))
    if not matrices:
        return
    assumed = objects_in(*(e for s in formula.given for e in s.expressions()))
    dims = dict.fromkeys(formula.dims, 1)
    for matrix in matrices:
        own = [o for o in objects_in(matrix) if isinstance(o, sp.MatrixSymbol)]
        if any(o in assumed for o in own):
            continue
        for number in range(_POINTS):
            drawn = draw(formula.objects, training, number, dims, {})
            try:
                value = value_of(matrix, drawn.point)
            except UndefinedError:
                continue
            if not isinstance(value, np.ndarray) or np.max(np.abs(value - value.T)) > _CLOSE * np.max(np.abs(value)):
                raise ClaimError(
                    f"lambda_min({matrix}) needs a symmetric matrix, and {matrix} need not be one: write "
                    f"lambda_min(({matrix} + its transpose)/2), or assume that it equals its transpose"
                )


def _arguments_of_lambda_min(expression: Any) -> Iterator[Any]:
    """The matrices whose smallest eigenvalue an expression takes, function formulas left out."""
    for node in sp.preorder_traversal(expression):
        if isinstance(node, ScalarNode) and node.op == "lambda_min" and not node.args[0].atoms(Argument):
            yield node.args[0]
