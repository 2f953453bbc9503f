"""Witnesses that a claim's author gives: exact data by symbol, or a certificate, to be turned into an instance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import sympy as sp

from verify.evaluation.interpret import bind_dims, exact_array
from verify.language.errors import ClaimError
from verify.language.formulas import Formula
from verify.language.functions import Operator, Smooth
from verify.language.terms import ARGUMENT, Term, symbols_of
from verify.language.translate import term_of
from verify.search.instances import ExactInstance, Rows, free_matrices, free_scalars
from verify.search.recorded import recorded_instance


def instance_from_witness(witness: Any, formula: Formula) -> ExactInstance:
    """The instance that `exists(..., witness={A: [[1]], ...})` describes.

    Args:
        witness: symbol (or name) to an int, a `Fraction`, rows of them; for a function variable `lambda X: expression`.
            Or a certificate whose variables have the claim's names: the path of its file, or its JSON object.
        formula: the claim.

    Raises:
        ClaimError: if a value is missing or not exact, or the certificate cannot be read or does not fit.
        ShapeError: if shapes disagree.
    """
    if isinstance(witness, str | Path):
        return _from_certificate(_read(Path(witness)), f"the certificate {witness}", formula)
    if not isinstance(witness, Mapping):
        raise ClaimError(
            f"witness={type(witness).__name__}: give a dictionary from symbols to exact values, or a certificate's path"
        )
    if "kind" in witness and "values" in witness:
        return _from_certificate(witness, "the certificate", formula)
    given = {_name(key): value for key, value in witness.items()}
    scalars: dict[str, Fraction] = {}
    matrices: dict[str, Rows] = {}
    chosen = free_matrices(formula)
    shapes = {n: shape for n, shape in formula.matrices().items() if n in chosen}
    for name in free_scalars(formula):
        scalars[name] = Fraction(exact_array(_need(given, name), name).item())
    for name in [*shapes, *formula.operators()]:
        rows = exact_array(_rows(_need(given, name)), name)
        if rows.ndim != 2:
            raise ClaimError(f"the witness for {name} is not a matrix: give rows")
        matrices[name] = tuple(tuple(row) for row in rows)
    dims = bind_dims(shapes, {n: (len(matrices[n]), len(matrices[n][0])) for n in shapes})
    dims.update({d: int(given[d]) for d in formula.dims if d in given and d not in dims})
    missing = [d for d in formula.dims if d not in dims]
    if missing:
        raise ClaimError(f"the witness does not fix the dimension {missing[0]}: add '{missing[0]}': size")
    bodies = {}
    for name, function in formula.functions().items():
        rows_, cols = (d if isinstance(d, int) else dims[d] for d in function.shape)
        bodies[name] = _body(_need(given, name), name, rows_, cols)
    return ExactInstance(dims, scalars, matrices, bodies)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ClaimError(f"the certificate {path} cannot be opened ({error.strerror}): check the path") from None
    except ValueError:
        raise ClaimError(f"the certificate {path} is not JSON: give a file that `verify check` accepts") from None


def _from_certificate(certificate: Any, which: str, formula: Formula) -> ExactInstance:
    """The instance of a certificate; it is only data here, and is read again like any other."""
    missing = [n for n in formula.variables if not isinstance(certificate, Mapping) or n not in certificate.get("values", {})]
    if missing:
        raise ClaimError(f"{which} has no value for {missing[0]}: give one of a claim with the same variables")
    try:
        instance = recorded_instance(certificate, formula)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise ClaimError(f"{which} is malformed ({type(error).__name__}): give one that `verify check` accepts") from None
    if instance is None:
        raise ClaimError(f"{which} has other names or shapes than the claim: give one of a claim with the same variables")
    return instance


def _name(key: Any) -> str:
    if isinstance(key, Smooth | Operator):
        return key.symbol.name
    return str(getattr(key, "name", key))


def _need(given: Mapping[str, Any], name: str) -> Any:
    if name not in given:
        raise ClaimError(f"the witness has no value for {name}: add it")
    return given[name]


def _rows(value: Any) -> Any:
    return value.tolist() if isinstance(value, sp.MatrixBase) else value


def _body(value: Any, name: str, rows: int, cols: int) -> Term:
    if not callable(value):
        raise ClaimError(f"the witness for the function {name} is not a function: give lambda X: expression")
    body = term_of(value(sp.MatrixSymbol(ARGUMENT, rows, cols)))
    unknown = sorted(set(symbols_of(body)) - {ARGUMENT})
    if unknown or not body.is_scalar:
        raise ClaimError(f"the witness for {name} must be a scalar formula with numbers only")
    return body
