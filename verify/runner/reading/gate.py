"""The gate itself: every expression of a claim has one value, whoever reads it.

Main definitions: `check_reading`. Before a verdict, each side of each relation is evaluated at a few points in three ways: the
author's own objects (`evaluation.authored`), the kernel's exact reading of the tree that certificates carry, and the reading in
floating point that tests and searches use. A difference is an error and never a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from verify.calculus.conditions import along
from verify.evaluation.authored import LARGE, MP, Cubic, RoundedError, UndefinedError, value_of
from verify.evaluation.batches import instantiate
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import value_of_node
from verify.evaluation.scales import with_scales
from verify.kernel import Rejected, values_at
from verify.language.domains import Domain
from verify.language.errors import NotDifferentiable
from verify.language.formulas import Formula
from verify.language.nodes import Argument
from verify.language.operations.algebra import fraction_power, inner
from verify.language.operations.functions import FunctionSymbol
from verify.language.operations.operation import Environment
from verify.language.serial import Json
from verify.language.statements import RegularizedStationary
from verify.language.targets import Target, targets_in
from verify.language.terms import ARGUMENT, make, number, symbol, walk, walk_with_bodies
from verify.language.written import objects_in
from verify.losses.taylor import data_name
from verify.points.sources.bounds import scalar_domains
from verify.runner.reading.points import STYLES, Drawn, admits, as_array, as_floats, dimension_objects, draw, tried_for
from verify.runner.reading.sides import ReadingError, Side, sides_of, training_of
from verify.runner.reading.symmetry import check_symmetry

POINTS = len(STYLES)
"""Points at which every claim is read: one of each style."""
_FEW = 2
"""The same where matrices are large: one product takes seconds then."""
_EXACT = 3
"""Those of them at which the kernel reads it too, whose reading is slow."""
_MOST = 21
"""Points tried until every expression has been compared with both readings at one of them."""
_CLOSE = MP.mpf(10) ** -18
_NOTHING = MP.mpf(10) ** -30
_DIFFERENCES = MP.mpf(10) ** -12
_BY_DIFFERENCES = ("derivative", "ddt", "after", "smooth", "smoothgrad")
_FLOATS = 1e-6
"""Relative to the propagated size of a float's rounding errors."""


def check_reading(formula: Formula) -> str | None:
    """Compare the readings of a claim.

    Returns:
        None, or which of its expressions had no value at any point, so that it could not be compared.

    Raises:
        ReadingError: where two readings differ.
    """
    sides = list({(side.expression, str(side.tree)): side for side in sides_of(formula)}.values())
    if not sides:
        return None
    used = objects_in(*(side.expression for side in sides))
    _check_targets(used, formula)
    _check_domains(used, formula)
    objects = {**dict.fromkeys(formula.objects), **used}
    training = training_of(formula.process)
    check_symmetry(formula, training)
    least, points, domains = _least_sizes(sides), POINTS, scalar_domains(formula)
    unread = not_exactly = set(range(len(sides)))
    for turn in range(_MOST):
        if turn >= points and not unread:
            return None
        drawn = draw(objects, training, turn, {**dict.fromkeys(formula.dims, 1), **least}, domains)
        points = POINTS if drawn.largest <= LARGE else _FEW
        wanted = {k: side for k, side in enumerate(sides) if turn < points or k in unread}
        done, exactly = _compared_at(drawn, wanted, set(wanted) if turn < _EXACT else not_exactly, formula)
        # The kernel has no rule for some terms, or not the time: then it cannot rest a verdict on them either.
        unread, not_exactly = unread - done - exactly, not_exactly - exactly
    if not unread:
        return None
    missing = sides[min(unread)].expression
    return f"{str(missing)[:80]} has no value at any of {_MOST} points, so that its reading could not be checked"


def _least_sizes(sides: Sequence[Side]) -> dict[str, int]:
    """The sizes that the entries need which a claim names."""
    least: dict[str, int] = {}
    for node in (n for side in sides for n in walk_with_bodies(side.term) if n.op == "entry"):
        for dim, position in zip(node.args[0].shape, node.payload, strict=True):
            if isinstance(dim, str):
                least[dim] = max(least.get(dim, 1), position + 1)
    return least


def _compared_at(drawn: Drawn, sides: Mapping[int, Side], exact: set[int], formula: Formula) -> tuple[set[int], set[int]]:
    """Compare some sides at a point, those of `exact` with the kernel too: which had values in floats, which in the kernel."""
    values: dict[int, Any] = {}
    done: set[int] = set()
    exactly: set[int] = set()
    for k, side in sides.items():
        try:
            values[k] = _authored(side, drawn)
        except UndefinedError:
            continue
        except RoundedError as error:
            raise ReadingError(
                f"the verifier read {error} as if it were exact: write an exact number, as Rational(1, 3)"
            ) from None
    for k, floating in zip(values, _in_floats([sides[k] for k in values], drawn, formula), strict=True):
        if floating is not None and _compare_with_floats(sides[k], values[k], floating, drawn):
            done.add(k)
    asked = [k for k in values if k in exact]
    for k, kernels in zip(asked, _by_kernel([sides[k] for k in asked], drawn, formula), strict=True):
        if kernels is not None:
            _compare_with_kernel(sides[k], values[k], kernels, drawn)
            exactly.add(k)
    return done, exactly


# --- three readings -------------------------------------------------------------------------------------------------


def _authored(side: Side, drawn: Drawn) -> Any:
    at = drawn.point
    if side.space is not None:
        arguments = side.expression.atoms(Argument) if isinstance(side.expression, sp.Basic) else ()
        at = at.put({a: as_array(drawn.argument(*(at.size(d) for d in a.shape))) for a in arguments})
    return value_of(side.expression, at)


def _by_kernel(sides: Sequence[Side], drawn: Drawn, formula: Formula) -> list[Any]:
    def argument(space: Json) -> Any:
        if space is None:
            return None
        rows, cols = (d if isinstance(d, int) else drawn.dims[d] for d in space)
        return space, drawn.argument(rows, cols)

    if not sides:
        return []
    claim = formula.to_json()
    if formula.process is not None:
        # A start would take the place of the state: here the state has values of its own.
        process = [*claim["tree"][1][:-1], []]
        claim = {**claim, "tree": [claim["tree"][0], process, *claim["tree"][2:]]}
    dims = {d: drawn.dims.get(d, 1) for d in formula.dims}
    values = {name: drawn.values.get(name) for name in formula.variables}
    try:
        return values_at(claim, dims, values, [(side.tree, argument(side.space)) for side in sides])
    except Rejected as no:
        raise ReadingError(
            f"the verifier read this claim differently: its tree is refused at the author's values ({no.rule}: {no.message})"
        ) from None


def _in_floats(sides: Sequence[Side], drawn: Drawn, formula: Formula) -> list[Any]:
    """Values and error scales of the terms as tests read them; None where there is no such reading."""
    field = FloatField()
    values = {n: as_floats(drawn.values[n]) for n in (*formula.scalars(), *formula.matrices())}
    operators = {n: as_floats(drawn.values[n]) for n in formula.operators()}
    functions = {}
    for function, cubic in drawn.point.functions.items():
        functions[function.symbol.name], data = _as_formula(function.symbol, cubic)
        values.update(data)
    found: list[Any] = []
    for side in sides:
        here = dict(values)
        if side.space is not None:
            rows, cols = (d if isinstance(d, int) else drawn.dims[d] for d in side.space)
            here[ARGUMENT] = as_floats(drawn.argument(rows, cols))
        env = Environment(here, drawn.dims, {}, operators)
        try:
            term = instantiate(along(side.term, formula.process), functions)
            with np.errstate(all="ignore"):
                known, scales = with_scales([term], env, lambda node, done, e=env: value_of_node(node, done, e, field))  # type: ignore[misc]
            found.append((known[term], scales[term]))
        except (NotDifferentiable, ArithmeticError):
            found.append(None)
    return found


def _as_formula(function: FunctionSymbol, cubic: Cubic) -> tuple[FunctionSymbol, dict[str, Any]]:
    """The cubic as a formula for a function variable, and the values of its data."""
    argument, parts, data = symbol(ARGUMENT, function.shape), [], {}
    for k, (form, factors) in enumerate(zip(cubic.forms, cubic.factors, strict=True)):
        name = data_name(function.name, f"C{k}")
        data[name] = np.array([[[float(x) for x in row] for row in form]])
        t = inner(symbol(name, function.shape), argument)
        for power, (factor, fall) in enumerate(zip(factors, (1, 2, 6), strict=True), start=1):
            parts.append(make("mul", number(Fraction(float(factor)) / fall), fraction_power(t, power)))
    return FunctionSymbol(function.name, function.shape, make("add", *parts)), data


# --- comparing ------------------------------------------------------------------------------------------------------


def _entries(value: Any) -> list[Any]:
    return [value] if not isinstance(value, np.ndarray) else list(value.reshape(-1))


def _by_differences(side: Side) -> bool:
    """Whether the author's reading takes differences for derivatives."""
    return any(node.op in _BY_DIFFERENCES for node in walk(side.term))


def _compare_with_kernel(side: Side, ours: Any, rows: Any, drawn: Drawn) -> None:
    bounds = [tuple(MP.mpf(x.numerator) / x.denominator for x in pair) for row in rows for pair in row]
    entries = _entries(ours)
    if len(entries) == 1 and entries[0] == 0:
        entries = entries * len(bounds)  # a bare 0 stands for the zero matrix
    if len(entries) != len(bounds):
        raise _differs(side, ours, f"a matrix of {len(rows)}×{len(rows[0])}", drawn)
    size = max(abs(x) for x in (*entries, *(end for pair in bounds for end in pair)))
    # A derivative by differences is 0 only up to its own error; everything else is right to all digits.
    close = _CLOSE if drawn.largest <= LARGE else _FLOATS
    slack = _DIFFERENCES * (size + 1) if _by_differences(side) else close * size + _NOTHING
    for mine, (low, high) in zip(entries, bounds, strict=True):
        if not low - slack <= mine <= high + slack:
            raise _differs(side, ours, MP.nstr((low + high) / 2, 10), drawn)


def _compare_with_floats(side: Side, ours: Any, floating: tuple[Any, Any], drawn: Drawn) -> bool:
    """Whether the floats have a value to compare."""
    value, scale = floating
    found = np.asarray(value, dtype=float).reshape(-1)
    mine = np.array([float(x) for x in _entries(ours)])
    size = float(np.max(scale, initial=0.0)) + float(np.max(np.abs(mine), initial=0.0))
    bound = _FLOATS * size + float(_DIFFERENCES if _by_differences(side) else _NOTHING)
    if not (np.all(np.isfinite(found)) and np.isfinite(bound)):
        return False
    apart = np.abs(found - mine)
    if not np.max(apart) <= bound:
        raise _differs(side, ours, f"{found[np.argmax(apart)]:.10g} in floating point", drawn)
    return True


def _differs(side: Side, ours: Any, theirs: str, drawn: Drawn) -> ReadingError:
    shown = (
        MP.nstr(ours, 10)
        if not isinstance(ours, np.ndarray)
        else "[" + " ".join(MP.nstr(x, 6) for x in _entries(ours)[:9]) + "]"
    )
    return ReadingError(
        f"the verifier read this claim differently: {str(side.expression)[:120]} is {shown} in the author's own objects, and "
        f"{theirs} in what was read, with {drawn.where}: this is a fault of the verifier, please report it with the claim"
    )


def _check_targets(objects: Mapping[Any, None], formula: Formula) -> None:
    """What a setting's X⋆ stands for must be among the assumptions, and nothing else may be that its author did not state."""
    added = formula.given[: len(formula.given) - formula.stated] if formula.stated is not None else ()
    if any(not any(isinstance(o, Target) for o in objects_in(*s.expressions())) for s in added):
        raise ReadingError("the verifier read this claim differently: it has an assumption that was not stated")
    stated = [s.written[2] for s in formula.given if isinstance(s, RegularizedStationary) and s.written]
    for definition in targets_in(objects):
        if definition.point not in stated:
            raise ReadingError("the verifier read this claim differently: X⋆ has lost its definition")


def _check_domains(objects: Mapping[Any, None], formula: Formula) -> None:
    """A scalar may be exactly what its author's assumptions, and the tree's declaration, let it be."""
    dims = set(dimension_objects(list(objects)))
    for thing in objects:
        if not isinstance(thing, sp.Symbol):
            continue
        declared = formula.variables.get(str(thing.name))
        domain = Domain(above=0, integer=True) if thing.name in formula.dims else declared  # type: ignore[arg-type]
        if thing in dims and thing.name not in formula.dims:
            raise _domain_differs(thing, "no dimension")
        if not isinstance(domain, Domain):
            raise _domain_differs(thing, "no scalar")
        if thing.is_real is not True and thing not in dims and thing.name not in formula.dims:
            raise _domain_differs(thing, "a real number")
        wrong = next((x for x in tried_for(thing) if domain.contains(x) and not admits(thing, x)), None)
        if wrong is not None:
            raise _domain_differs(thing, f"one that may be {wrong}")
        missing = next((x for x in tried_for(thing) if admits(thing, x) and not domain.contains(x)), None)
        if missing is not None and thing not in dims and thing.name not in formula.dims:
            raise _domain_differs(thing, f"one that may not be {missing}")


def _domain_differs(symbol: Any, read: str) -> ReadingError:
    return ReadingError(
        f"the verifier read this claim differently: {symbol.name} was read as {read}, which its author's symbol is not "
        f"({', '.join(k for k, v in symbol.assumptions0.items() if v)}): please report it with the claim"
    )
