"""`verify derive FILE::NAME`: gradient, Hessian form and stationarity conditions of a loss in a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import sympy as sp

from verify.cli.main import OK, UNMET, UsageError
from verify.cli.show import only_claim, show_claim
from verify.evaluation.derivatives import gradient, hessian_form
from verify.language.claims import Claim
from verify.language.errors import ClaimError, GateError
from verify.language.nodes import is_matrix
from verify.language.operations.operation import Precedence
from verify.language.printing import LATEX, UNICODE
from verify.language.settings import Setting
from verify.language.translate import term_of
from verify.runner.loading import load_module


def derive(arguments: argparse.Namespace) -> int:
    """Carry out the command."""
    path, _, name = arguments.target.partition("::")
    if not Path(path).is_file():
        raise UsageError(f"{path}: no such file: derive takes FILE::NAME")
    module, problem = load_module(Path(path))
    if module is None:
        assert problem is not None
        print(f"{problem.location}: error: {problem.message}", file=sys.stderr)
        return UNMET
    known = [k for k, v in vars(module).items() if not k.startswith("_") and _derivable(v)]
    if not name:
        raise UsageError(f"{path}: what to derive is not named: write {path}::NAME, it has {_listed(known)}")
    if name not in vars(module):
        raise UsageError(f"{path} has no {name}: it has {_listed(known)}")
    value = vars(module)[name]
    if isinstance(value, Claim):
        return show_claim(only_claim(arguments.target), latex=arguments.latex, debug=arguments.debug)
    loss, variables = (value.L, [value.A, value.B]) if isinstance(value, Setting) else (value, matrices_of(value))
    try:
        print_derivatives(name, loss, variables, latex=arguments.latex)
    except (ClaimError, GateError) as error:
        print(f"{path}: error: {name}: {error}", file=sys.stderr)
        return UNMET
    return OK


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing to derive"


def _derivable(value: Any) -> bool:
    if isinstance(value, Claim | Setting):
        return True
    return isinstance(value, sp.Expr) and not is_matrix(value) and bool(value.atoms(sp.MatrixSymbol))


def matrices_of(loss: Any) -> list[Any]:
    """The matrices of a loss, in the order of their names."""
    return sorted(sp.sympify(loss).atoms(sp.MatrixSymbol), key=lambda s: str(s.name))


def print_derivatives(name: str, loss: Any, variables: list[Any], *, latex: bool) -> None:
    """Gradient in every variable, then the Hessian's quadratic form."""
    printer = LATEX if latex else UNICODE

    def shown(expression: Any) -> str:
        return printer.at(term_of(expression), Precedence.SUM)

    print(f"{name} = {shown(loss)}")
    for variable in variables:
        label = printer.name(variable.name)
        head = rf"\nabla_{{{label}}} {name}" if latex else f"∇_{label} {name}"
        print(f"{head} = {shown(gradient(loss, variable))}")
    moves = {v: sp.MatrixSymbol(f"d{v.name}", *v.shape) for v in variables}
    directions = ", ".join(printer.name(d.name) for d in moves.values())
    head = rf"\nabla^2 {name}[{directions}]" if latex else f"∇²{name}[{directions}]"
    print(f"{head} = {shown(hessian_form(loss, moves))}")
    print(
        "stationary where every gradient above is 0; all gates passed (exact entrywise, finite differences, scales up to 100)"
    )
