"""The adversary: from one float instance, move everything that may move until the conclusion fails as badly as possible.

Main definitions: `worsened`, `Freedom`. The assumptions are constraints of a sequential quadratic program, equalities as
residuals, everything else as margins; all derivatives of one step come from one batch of shifted instances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition, conjuncts
from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.language.domains import Domain
from verify.language.operations.functions import OperatorSymbol
from verify.language.statements import Comparison
from verify.search.margins import flat, margins

Array = Any
_SHIFT = 1e-7
_STRICT = 1e-3
"""How far inside a strict inequality or a `distinct` the adversary stays, relative to the sizes compared."""
_LARGEST = 45


@dataclass(frozen=True)
class Freedom:
    """What the adversary may move.

    Attributes:
        values: scalars and matrices of the batch.
        operators: operator matrices; symmetric ones stay so.
        domains: where scalars must stay.
    """

    values: tuple[str, ...]
    operators: tuple[OperatorSymbol, ...] = ()
    domains: Mapping[str, Domain] | None = None

    def size(self, batch: Batch) -> int:
        """The number of unknowns."""
        arrays = [batch.values[n] for n in self.values] + [batch.operators[o.name] for o in self.operators]
        return sum(int(np.prod(a.shape[1:])) for a in arrays)


def worsened(batch: Batch, given: Sequence[Condition], conclusion: Condition, freedom: Freedom, steps: int) -> Batch | None:
    """One instance moved towards the worst violation of `conclusion` under `given`; None where there is nothing to move.

    Args:
        batch: a batch of one; its functions are opened in the conditions.
        given: assumptions, read as constraints.
        conclusion: whose margin is minimized.
        freedom: what may be moved.
        steps: the most iterations.
    """
    size = freedom.size(batch)
    if not 0 < size <= _LARGEST:
        return None
    from scipy.optimize import minimize

    readings = _Readings(batch, tuple(conjuncts(list(given))), conclusion, freedom)
    start = _vector(batch, freedom)
    constraints = []
    first = readings.at(start)
    if first.equal.size:
        constraints.append({"type": "eq", "fun": lambda x: readings.at(x).equal, "jac": lambda x: readings.slopes(x).equal})
    if first.least.size:
        constraints.append({"type": "ineq", "fun": lambda x: readings.at(x).least, "jac": lambda x: readings.slopes(x).least})
    try:
        with np.errstate(all="ignore"):
            found = minimize(
                lambda x: readings.at(x).margin,
                start,
                jac=lambda x: readings.slopes(x).margin,
                method="SLSQP",
                constraints=constraints,
                options={"maxiter": steps, "ftol": 1e-10},
            )
    except (ValueError, np.linalg.LinAlgError):
        return None
    return _moved(batch, freedom, found.x[None]) if np.all(np.isfinite(found.x)) else None


@dataclass(frozen=True)
class _Reading:
    """At one point the margin and the constraints; or their derivatives."""

    margin: Any
    equal: Array
    least: Array


class _Readings:
    """Margins and residuals with their forward differences; the last point is remembered."""

    def __init__(self, batch: Batch, given: Sequence[Condition], conclusion: Condition, freedom: Freedom) -> None:
        self.batch, self.conclusion, self.freedom = batch, conclusion, freedom
        self.equalities = [c for c in given if isinstance(c, Comparison) and c.relation == "equal"]
        self.others = [c for c in given if c not in self.equalities]
        self.known: tuple[bytes, _Reading, _Reading] | None = None

    def at(self, x: Array) -> _Reading:
        return self._both(x)[0]

    def slopes(self, x: Array) -> _Reading:
        return self._both(x)[1]

    def _both(self, x: Array) -> tuple[_Reading, _Reading]:
        key = x.tobytes()
        if self.known is None or self.known[0] != key:
            shift = _SHIFT * (1.0 + np.abs(x))
            points = np.concatenate([x[None], x[None] + np.diag(shift)])
            with np.errstate(all="ignore"):  # a step may leave where the claim has values
                margin, equal, least = self._read(points)
            here = _Reading(float(margin[0]), equal[0], least[0])
            slope = _Reading(
                (margin[1:] - margin[0]) / shift,
                ((equal[1:] - equal[0]) / shift[:, None]).T,
                ((least[1:] - least[0]) / shift[:, None]).T,
            )
            self.known = (key, here, slope)
        return self.known[1], self.known[2]

    def _read(self, points: Array) -> tuple[Array, Array, Array]:
        batch = _moved(self.batch, self.freedom, points)
        read = margins([self.conclusion, *self.others], batch)
        least = [x - (_STRICT if _is_strict(c) else 0.0) for c, x in zip(self.others, read[1:], strict=True)]
        least += [self._inside(name, domain, batch) for name, domain in (self.freedom.domains or {}).items()]
        terms = [t for c in self.equalities for t in (c.left, c.right)]
        sides = evaluate_terms(terms, batch.environment(), FloatField())
        equal = [flat(a, batch.count) - flat(b, batch.count) for a, b in zip(sides[::2], sides[1::2], strict=True)]
        nothing = np.zeros((batch.count, 0))
        residuals = np.concatenate(equal, axis=1) if equal else nothing
        inequal = np.stack(least, axis=1) if least else nothing
        return read[0], _finite(residuals), _finite(inequal)

    def _inside(self, name: str, domain: Domain, batch: Batch) -> Array:
        value = batch.values[name]
        low = [b for b in (domain.least, domain.above) if b is not None]
        high = [b for b in (domain.most, domain.below) if b is not None]
        gaps = [value - float(b) - (_STRICT if b == domain.above else 0.0) for b in low]
        gaps += [float(b) - value - (_STRICT if b == domain.below else 0.0) for b in high]
        return np.min(gaps, axis=0) if gaps else np.ones(batch.count)


def _is_strict(condition: Condition) -> bool:
    return isinstance(condition, Comparison) and condition.relation in ("lt", "distinct")


def _finite(values: Array) -> Array:
    """A reading that is not a number pushes the step back."""
    return np.nan_to_num(values, nan=1e3, posinf=1e3, neginf=-1e3)


def _vector(batch: Batch, freedom: Freedom) -> Array:
    parts = [batch.values[n].ravel() for n in freedom.values] + [batch.operators[o.name].ravel() for o in freedom.operators]
    return np.concatenate(parts).astype(float)


def _moved(batch: Batch, freedom: Freedom, points: Array) -> Batch:
    """The instance at several points, `(count, unknowns)`; what is not free is repeated."""
    count, start = len(points), 0

    def repeated(array: Array) -> Array:
        return np.broadcast_to(array, (count, *array.shape[1:]))

    values = {n: repeated(v) for n, v in batch.values.items()}
    operators = {n: repeated(v) for n, v in batch.operators.items()}
    for name in freedom.values:
        length = int(np.prod(batch.values[name].shape[1:]))
        values[name] = points[:, start : start + length].reshape(count, *batch.values[name].shape[1:])
        start += length
    for operator in freedom.operators:
        shape = batch.operators[operator.name].shape[1:]
        length = int(np.prod(shape))
        moved = points[:, start : start + length].reshape(count, *shape)
        operators[operator.name] = (moved + np.swapaxes(moved, -1, -2)) / 2 if operator.symmetric else moved
        start += length
    return replace(batch, values=values, operators=operators, count=count, assured=frozenset(), slack=None)
