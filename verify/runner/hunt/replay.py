"""Strategy 1: counterexamples that are already known, of any claim whose variables fit.

Main definitions: `replayed`. Known ones are the JSON certificates and the hunts' own stores in the context's folders.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np

from verify.language.errors import ClaimError
from verify.language.formulas import Formula
from verify.language.terms import Term, symbols_of
from verify.points.sources.curvature import assumed_curvature, bounds_of
from verify.runner.exact_counts import ExactCounter
from verify.runner.hunt.context import Context
from verify.runner.hunt.records import Seen, Unit
from verify.runner.hunt.store import recorded_certificates
from verify.runner.weighing import Counts
from verify.search.instances import ExactInstance
from verify.search.local_models import second_order_model
from verify.search.recorded import recorded_instance
from verify.search.witnesses import instance_from_witness

_MOST = 400
_CHOICES = 40
_TRIED = tuple(Fraction(x) for x in ("0", "1", "1/2", "2", "3", "4", "1/10", "5", "10"))


def replayed(context: Context, unit: Unit) -> Seen:
    """Every known counterexample read as an instance of the claim, small ones first."""
    counts, counter = Counts(), ExactCounter.of(context.formula)
    then, scalars = context.formula.then, context.formula.scalars()
    concluded = sorted({name for t in (() if then is None else then.terms()) for name in symbols_of(t) if name in scalars})
    for instance in sorted(islice(_known(context), _MOST), key=lambda i: sum(i.dims.values())):
        hopeful: dict[tuple[Fraction, ...], bool] = {}
        for complete in islice(_completed(instance, context), _CHOICES):
            told = tuple(complete.scalars[name] for name in concluded)
            if told not in hopeful:
                hopeful[told] = context.reader.may_settle(complete)
            if not hopeful[told]:
                continue
            decision = context.reader.read(complete)
            counts = counts.plus(counter.counts(complete, decision))
            if context.reader.settles(decision):
                found = context.certified(complete)
                if found is not None:
                    return Seen.of(counts, found=found)
    return Seen.of(counts)


def _known(context: Context) -> Iterator[ExactInstance]:
    if context.formula.witness is not None:
        yield instance_from_witness(context.formula.witness, context.formula)
    for certificate in _certificates(context.folders):
        try:
            found = recorded_instance(certificate, context.formula)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError, ClaimError):
            # A file that does not read as an instance is no counterexample.
            continue
        if found is not None:
            yield found


def _certificates(folders: tuple[str, ...]) -> Iterator[Any]:
    for folder in folders:
        for path in sorted(Path(folder).glob("*.json")):
            try:
                yield _parsed(path, path.stat().st_mtime_ns)
            except (OSError, ValueError):
                continue
        for path in sorted(Path(folder).glob("*.sqlite")):
            yield from recorded_certificates(path)


@lru_cache(maxsize=512)
def _parsed(path: Path, stamp: int) -> Any:
    """A file is read again only when it has changed."""
    return json.loads(path.read_bytes())


def _completed(instance: ExactInstance, context: Context) -> Iterator[ExactInstance]:
    """Scalars that the recorded claim did not have: bounds from f's spectrum, others from those it had and simple numbers."""
    domains = context.formula.scalars()
    usual = [*dict.fromkeys([*instance.scalars.values(), *_TRIED])]
    wrong = [n for n in domains if n in instance.scalars and not domains[n].contains(instance.scalars[n])]
    missing = [n for n in domains if n not in instance.scalars or n in wrong]
    choices = []
    bounds = _spectral_bounds(instance, context.formula) if missing else {}
    for name in missing:
        if name in bounds:
            choices.append([v for v in bounds[name] if domains[name].contains(v)])
            continue
        fixed = domains[name].least
        usable = [v for v in ([fixed] if fixed is not None else []) + usual if domains[name].contains(v)]
        choices.append(usable)
    for values in product(*choices):
        yield ExactInstance(
            instance.dims,
            {**instance.scalars, **dict(zip(missing, values, strict=True))},
            instance.matrices,
            instance.bodies,
            instance.steps if context.formula.process is not None and context.formula.process.step is not None else 0,
        )


def _spectral_bounds(instance: ExactInstance, formula: Formula) -> dict[str, list[Fraction]]:
    """For every scalar that bounds the curvature of a quadratic f: the tightest simple number for this f, if there is one."""
    found: dict[str, list[Fraction]] = {}
    for name, function in formula.functions().items():
        assumed = [bounds_of(s) for s in assumed_curvature(function, formula)]
        named = [[b.payload[0] if b is not None and b.op == "sym" else None for b in pair] for pair in assumed]
        if name not in instance.bodies or not any(n for pair in named for n in pair):
            continue
        rows, cols = (d if isinstance(d, int) else instance.dims[d] for d in function.shape)
        ends = _spectrum(instance.bodies[name], rows, cols)
        for low, high in named:
            if low is not None:
                found[low] = [] if ends is None else [_simple(ends[0], -1)]
            if high is not None:
                found[high] = [] if ends is None else [_simple(ends[1], 1)]
    return found


@lru_cache(maxsize=512)
def _spectrum(body: Term, rows: int, cols: int) -> tuple[float, float] | None:
    """The least and the largest eigenvalue of a quadratic's Hessian."""
    model = second_order_model(body, rows, cols, {})
    if model is None:
        return None
    values = np.linalg.eigvalsh(np.array(model[1], dtype=float))
    return float(values[0]), float(values[-1])


def _simple(value: float, side: int) -> Fraction:
    """A simple fraction that is the value up to rounding, else one slightly below (-1) or above (1) it."""
    near = Fraction(value).limit_denominator(1000)
    if abs(float(near) - value) <= 1e-10 * max(1.0, abs(value)):
        return near
    unit = 2 ** max(0, 8 - math.frexp(value)[1])
    return Fraction(math.floor(value * unit) if side < 0 else math.ceil(value * unit), unit)
