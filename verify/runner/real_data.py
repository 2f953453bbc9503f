"""Claims on real data, a trained point or every state of a run: decided in floating point, never more than HELD.

Main definitions: `decide_on`.

Implementation notes
    Comparisons see the data loss through its value and derived gradient only, so that the tolerances are relative to G(X)
    and X; the formula's own error bound (products of norms of 1797 images) would make them useless. Semidefiniteness is
    decided on the Hessian derived from the formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from verify.calculus.conditions import AllOf, AnyOf, Condition, conjuncts, reduced
from verify.evaluation.batches import Batch, instantiate_condition
from verify.evaluation.decide import FALSE, TRUE, UNDECIDED, Decisions, decide
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_terms
from verify.evaluation.models import TermModel
from verify.language.errors import NoSource
from verify.language.formulas import Formula, Quantifier
from verify.language.operations.operation import Environment, FunctionModel
from verify.language.sources import Training
from verify.language.statements import Comparison, Statement
from verify.points.data.datasets import DatasetInstance, batch_for
from verify.points.data.digits import one_thread
from verify.points.data.runs import states_for
from verify.runner.verdicts import Candidate, Coverage, Held, Payload, Unknown, Vacuous

_SHOWN = 10
"""How many of the instance's facts go into a claim's evidence."""

_DECIDED: dict[tuple[Any, Condition], Decisions] = {}
"""Decisions by (instance, condition): many claims share one assumption, and its Hessian is the costly part."""


@dataclass(frozen=True)
class _Modelled(Batch):
    """A batch in whose environment the functions are models: opaque, with values and derived gradients."""

    def environment(self) -> Environment:
        """What terms are evaluated in."""
        models: dict[str, FunctionModel] = {}
        for name, function in self.functions.items():
            assert function.body is not None
            models[name] = TermModel(function.body, function.shape, self.values, self.operators)
        return Environment(self.values, self.dims, models, self.operators)


def _modelled(batch: Batch) -> _Modelled:
    return _Modelled(**{f.name: getattr(batch, f.name) for f in fields(batch)})


def decide_on(formula: Formula, identifier: str) -> Payload:
    """Decide a claim on its data set's instance, or on every state of a run: its scope, as every verdict says.

    HELD (on however few points), CANDIDATE, VACUOUS or UNKNOWN; never REFUTED, as floats cannot.

    Args:
        formula: a `forall` claim with a data set as its source, or a claim with a training run as its source.
        identifier: the claim's id (unused; the instances are the same for every claim).
    """
    run = isinstance(formula.source, Training)
    if formula.then is None or (formula.quantifier is Quantifier.ALWAYS and not run):
        return Unknown("a data set has one trained point: only forall(...) claims can be read on it")
    with one_thread():
        try:
            instance = states_for(formula) if run else batch_for(formula)
        except NoSource as reason:
            return Unknown(str(reason))
        return _read(formula, instance)


def _read(formula: Formula, instance: DatasetInstance) -> Payload:
    assert formula.then is not None
    read = [(s, _decided(reduced(s, formula.process), instance)) for s in formula.given]
    then = reduced(formula.then, formula.process)
    outcome = _decided(then, instance)
    n = instance.batch.count
    if formula.quantifier is Quantifier.ALWAYS:
        # Assumptions are about the start of the run.
        read = [(s, replace(found, truth=np.full(n, found.truth[0]))) for s, found in read]
    assumed = np.min([np.full(n, TRUE), *(found.truth for _, found in read)], axis=0)
    active = (assumed == TRUE) & ~outcome.trivial
    unclear = (assumed >= UNDECIDED) & ~outcome.trivial & ((assumed == UNDECIDED) | (outcome.truth == UNDECIDED))
    margins = np.where(active & np.isfinite(outcome.margin), outcome.margin, np.inf)
    tightest = int(np.argmin(margins))
    margin = float(margins[tightest]) if np.isfinite(margins[tightest]) else None
    scope = f"on {formula.source} only"
    engine = f"float64 {scope}: {_facts(instance, then, tightest)}"
    coverage = Coverage(n, int(active.sum()), int(unclear.sum()), margin)
    if np.any(active & (outcome.truth == FALSE)) and margin is not None:
        return Candidate(engine, margin, coverage, how="violated in floats")
    if unclear.any():
        open_ = next((_brief(s) for s, found in read if np.any(unclear & (found.truth == UNDECIDED))), None)
        what = "the conclusion" if open_ is None else f"`{open_}`"
        return Unknown(f"{what} stays undecided {_where(int(unclear.sum()), n)} · {engine}", coverage)
    if not active.any():
        missed = next((_brief(s) for s, found in read if np.all(found.truth == FALSE)), None)
        what = "both sides are 0 at the point" if missed is None else f"the point does not meet `{missed}`"
        return Vacuous(f"{what if n == 1 else 'no state of the run is active'} · {engine}", coverage)
    return Held(
        replace(coverage, cells={(instance.batch.family, instance.batch.shape_text): int(active.sum())}),
        engine,
        "other data, ranks, decays and initializations",
        scope=scope,
    )


def _where(some: int, n: int) -> str:
    return "at the point" if n == 1 else f"at {some} of {n} states"


def _decided(condition: Condition, instance: DatasetInstance) -> Decisions:
    """The conjunction of the parts, each looked up first."""
    parts = [_decide_part(c, instance) for c in conjuncts([condition])]
    return Decisions(
        np.min([p.truth for p in parts], axis=0),
        np.min([p.margin for p in parts], axis=0),
        np.all([p.trivial for p in parts], axis=0),
        np.all([p.noise for p in parts], axis=0),
    )


def _decide_part(condition: Condition, instance: DatasetInstance) -> Decisions:
    key = (instance.key, condition)
    if key not in _DECIDED:
        if _compares_only(condition):
            (_DECIDED[key],) = decide([condition], _modelled(instance.batch))
        else:
            (_DECIDED[key],) = decide([instantiate_condition(condition, instance.batch.functions)], instance.batch)
    return _DECIDED[key]


def _compares_only(condition: Condition) -> bool:
    if isinstance(condition, AllOf | AnyOf):
        return all(_compares_only(p) for p in condition.parts)
    return isinstance(condition, Comparison)


def _facts(instance: DatasetInstance, then: Condition, tightest: int) -> str:
    sides = _sides([then], _modelled(instance.batch.at(tightest)).environment())
    place = "sides" if instance.batch.count == 1 else f"sides where they are closest (state {tightest})"
    shown = [instance.branch, *instance.facts[:_SHOWN], *([f"{place} {sides}"] if sides else [])]
    return ", ".join(shown)


_SIGNS = {"equal": "=", "le": "≤", "lt": "<", "distinct": "≠"}


def _sides(conditions: Sequence[Condition], env: Environment) -> str:
    """Both sides of every comparison: numbers, or the Frobenius norms of the left side and of the difference."""
    shown: list[str] = []
    for condition in conditions:
        match condition:
            case Comparison():
                with np.errstate(all="ignore"):
                    left, right = evaluate_terms([condition.left, condition.right], env, FloatField())
                if condition.left.is_scalar:
                    shown.append(f"{_number(left)} {_SIGNS[condition.relation]} {_number(right)}")
                else:
                    gap, size = (float(np.linalg.norm(v)) for v in (left - right, left))
                    shown.append(f"‖left − right‖ = {gap:.0e} of {size:.3g}")
            case AllOf() | AnyOf():
                shown.append(_sides(condition.parts, env))
            case _:
                continue
    return "; ".join(s for s in shown if s)


def _number(value: Any) -> str:
    return f"{float(np.reshape(value, -1)[0]):.6g}"


def _brief(statement: Statement) -> str:
    text = statement.text
    return text if len(text) <= 70 else text[:67] + "…"
