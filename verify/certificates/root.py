"""Second-order points with irrational entries: a box around a refined float point, for the kernel's `root` kind.

Main definitions: `root_certificate`.

Implementation notes
    The refinement is a chord iteration: one float inverse of `H + Σ T_k T_kᵀ` (H the Hessian, T_k the directions of the loss'
    symmetry), residuals exact, every step rounded to a common power of two. Each step gains some ten digits.
    Nothing here is trusted: the kernel repeats the test (`verify/kernel/_root.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from verify.certificates.build import instance_certificate
from verify.kernel import Rejected
from verify.kernel import check as kernel_check
from verify.kernel._evaluate import expansion, hessian
from verify.kernel._instance import scope
from verify.kernel._language import read
from verify.kernel._limits import start
from verify.kernel._root import directions, flat
from verify.kernel._values import coefficient
from verify.language.formulas import Formula
from verify.language.serial import Json, fraction_text, term_to_json
from verify.language.statements import Stationary
from verify.language.terms import Term, make, number, symbol
from verify.search.instances import ExactInstance, values_to_json

FREE = "·W"
POINT_BITS, BOX_BITS, INVERSE_BITS = 180, 140, 40
_STEPS = 12


def root_certificate(
    formula: Formula, instance: ExactInstance, verdict: str, bits: int = 128
) -> tuple[ExactInstance, Json] | None:
    """A certificate for the true stationary point near the instance's, if the kernel accepts one.

    Args:
        formula: the claim; one of its assumptions is first- or second-order stationarity of a loss.
        instance: exact data with an approximate point (about float accuracy) in the place of the loss' variables.
        verdict: `"REFUTED"`, or `"PROVED"` for an `exists` claim.
        bits: the precision of the kernel's enclosures.

    Returns:
        The instance with the centre of the box, and the certificate; None where none was found.
    """
    for statement in formula.given:
        if isinstance(statement, Stationary):
            for gauges in symmetries(statement.variables):
                centre = refined(formula, instance, statement, gauges)
                if centre is not None:
                    found = _certificate(formula, centre, statement, gauges, verdict, bits)
                    if kernel_check(found).accepted:
                        return centre.instance, found
    return None


def symmetries(variables: Sequence[Term]) -> Iterator[list[Json]]:
    """Candidates, the smallest first: none; rotations of the factor pairs (A, B), (C, D) ...; all their invertible changes."""
    yield []
    pairs = [
        (a, b, a.shape[1])
        for a, b in zip(variables[::2], variables[1::2], strict=False)
        if len(a.shape) == 2 == len(b.shape) and a.shape[1] == b.shape[1]
    ]
    if not pairs:
        return
    for rotation in (True, False):
        gauges = []
        for a, b, side in pairs:
            free = symbol(FREE, (side, side))
            turned = make("mul", number(-1), make("transpose", free))
            moves = (make("add", free, turned), make("add", free, turned)) if rotation else (free, turned)
            terms = {v.payload[0]: term_to_json(make("matmul", v, move)) for v, move in zip((a, b), moves, strict=True)}
            gauges.append({"side": side, "moves": terms})
        yield gauges


@dataclass(frozen=True)
class Centre:
    """A refined point: the instance that holds it, and the inverse that the refinement used."""

    instance: ExactInstance
    inverse: list[list[Fraction]]


def refined(formula: Formula, instance: ExactInstance, statement: Stationary, gauges: list[Json]) -> Centre | None:
    """The chord iteration; None where it does not converge or the regularized Hessian is singular."""
    names = [v.payload[0] for v in statement.variables]
    claim, loss = formula.to_json(), term_to_json(statement.loss)
    inverse, size = None, None
    for _ in range(_STEPS):
        instance = _moved(instance, names, None)
        try:
            residual, curvature, moves = _derivatives(claim, instance, values_to_json(instance, formula), loss, names, gauges)
        except (Rejected, KeyError):
            return None
        if size is not None and max(map(abs, residual)) > size / 2:
            return None
        size = max(map(abs, residual))
        if inverse is None:
            inverse = _inverse(curvature, moves)
            if inverse is None:
                return None
        if size < Fraction(1, 1 << (POINT_BITS - 20)):
            return Centre(instance, inverse)
        step = [sum((y * g for y, g in zip(row, residual, strict=True)), Fraction(0)) for row in inverse]
        instance = _moved(instance, names, step)
    return None


def _derivatives(
    claim: Json, instance: ExactInstance, values: Json, loss: Json, names: list[str], gauges: list[Json]
) -> tuple[list[Fraction], list[list[Fraction]], list[list[Fraction]]]:
    """Gradient, Hessian and directions of the symmetries, exactly, by the kernel's own arithmetic."""
    start(128)
    at = scope(read(claim, dict(instance.dims)), values)
    slope, size = expansion(loss, names, at, 1)
    gradient = [coefficient(slope, at.level + 1, (i,)) for i in range(size)]
    if not all(isinstance(g, Fraction) for g in gradient):
        raise Rejected("root", "the loss is not visibly a polynomial")
    curvature = hessian(expansion(loss, names, at, 2)[0], size, at)
    return gradient, curvature, [flat(t, names) for t in directions(gauges, names, at)]


def _inverse(curvature: list[list[Fraction]], moves: list[list[Fraction]]) -> list[list[Fraction]] | None:
    """The float inverse of `H + Σ T_k T_kᵀ` in a common power of two."""
    matrix = np.array([[float(x) for x in row] for row in curvature])
    for direction in moves:
        t = np.array([float(x) for x in direction])
        matrix = matrix + np.outer(t, t)
    if not np.isfinite(matrix).all() or np.linalg.cond(matrix) > 1e9:
        return None
    return [[dyadic(Fraction(float(x)), INVERSE_BITS) for x in row] for row in np.linalg.inv(matrix)]


def dyadic(x: Fraction, bits: int) -> Fraction:
    """The nearest multiple of 2^-bits."""
    return Fraction(round(x * (1 << bits)), 1 << bits)


def _moved(instance: ExactInstance, names: Sequence[str], step: Sequence[Fraction] | None) -> ExactInstance:
    """The named entries, in order, less the step, rounded to the common denominator."""
    steps = iter(step) if step is not None else iter(lambda: Fraction(0), None)
    for name in names:
        if name in instance.scalars:
            instance = instance.with_scalar(name, dyadic(instance.scalars[name] - next(steps), POINT_BITS))
        else:
            rows = tuple(tuple(dyadic(x - next(steps), POINT_BITS) for x in row) for row in instance.matrices[name])
            instance = instance.with_matrix(name, rows)
    return instance


def _certificate(
    formula: Formula, centre: Centre, statement: Stationary, gauges: list[Json], verdict: str, bits: int
) -> dict[str, Json]:
    found = dict(instance_certificate(formula, replace(centre.instance, steps=0), verdict, bits))
    found["kind"] = "root"
    found["root"] = {
        "names": [v.payload[0] for v in statement.variables],
        "loss": term_to_json(statement.loss),
        "radius": fraction_text(Fraction(1, 1 << BOX_BITS)),
        "inverse": [[fraction_text(x) for x in row] for row in centre.inverse],
        "gauges": gauges,
    }
    return found
