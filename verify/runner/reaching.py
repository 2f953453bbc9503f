"""Seeing how far active instances reach, batch by batch.

Main definitions: `Reaching`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from verify.evaluation.batches import Batch
from verify.evaluation.fields import FloatField
from verify.evaluation.hessians import hessian_of_function, is_quadratic
from verify.evaluation.interpret import evaluate_terms
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.printing import text
from verify.language.statements import FunctionOf
from verify.language.terms import Shape, Term, symbols_of, walk
from verify.losses.taylor import data_name
from verify.runner.reach import QUADRATIC, Range, Reach

Array = Any
_RANK = 1e-6
"""Singular values below this, relative to the largest, are not counted: a found point is known to about half the digits."""
_CURVATURES = 4
"""Instances of a batch whose Hessians are looked at."""
_PRODUCTS = 3


class Reaching:
    """Collects the reach of the instances that a search calls active."""

    def __init__(self, formula: Formula | None = None) -> None:
        self.reach = Reach()
        self.formula = formula
        self.products = {} if formula is None else products_of(formula)

    def note(self, batch: Batch, active: Array) -> None:
        """Take in the active instances of a batch, given by a mask."""
        if self.formula is None or not active.any():
            return
        chosen = batch.pick(np.flatnonzero(active))
        dims = {d: batch.dims[d] for d in self.formula.dims if d in batch.dims}
        sides = self._sides(batch.dims)
        seen = Reach(
            dims,
            sides,
            self._ranks(chosen, sides),
            {n: _dims_in(t) for n, t in self.products.items()},
            self._kinds(chosen),
            self._curvature(chosen),
            self._scales(chosen),
        )
        self.reach = self.reach.joined(seen)

    def take(self, other: Reach) -> None:
        """Take in what another search reached."""
        self.reach = self.reach.joined(other)

    def _shapes(self) -> dict[str, Shape]:
        assert self.formula is not None
        return self.formula.matrices()

    def _sides(self, dims: Mapping[str, int]) -> dict[str, int]:
        def size(names: tuple[Any, ...]) -> int:
            return min((d if isinstance(d, int) else dims[d] for d in names), default=0)

        singles = {n: size(shape) for n, shape in self._shapes().items()}
        return {**singles, **{n: size(_sizes_in(t)) for n, t in self.products.items()}}

    def _ranks(self, batch: Batch, sides: Mapping[str, int]) -> dict[str, int]:
        """Only where a matrix may have a larger rank than was seen before."""
        known = self.reach.ranks
        wanted = [n for n in sides if sides[n] > known.get(n, -1)]
        found = {n: _rank(batch.values[n]) for n in wanted if n in batch.values}
        terms = {n: p for n, p in self.products.items() if n in wanted and all(f in batch.values for f in symbols_of(p))}
        with np.errstate(all="ignore"):
            values = evaluate_terms(list(terms.values()), batch.environment(), FloatField()) if terms else []
        return {**found, **{n: _rank(v) for n, v in zip(terms, values, strict=True)}}

    def _kinds(self, batch: Batch) -> dict[str, tuple[str, ...]]:
        return {n: (_kind(f, batch),) for n, f in self._functions(batch).items()}

    def _functions(self, batch: Batch) -> dict[str, FunctionSymbol]:
        assert self.formula is not None
        return {n: batch.functions[n] for n in self.formula.functions() if n in batch.functions}

    def _curvature(self, batch: Batch) -> dict[str, Range]:
        few = batch.pick(np.arange(min(batch.count, _CURVATURES)))
        found = {n: _spectrum(n, f, few) for n, f in self._functions(batch).items()}
        return {n: ends for n, ends in found.items() if ends is not None}

    def _scales(self, batch: Batch) -> Range | None:
        assert self.formula is not None
        names = [*self.formula.matrices(), *self.formula.scalars()]
        sizes = [np.abs(batch.values[n]).reshape(batch.count, -1).max(axis=1) for n in names if n in batch.values]
        together = np.concatenate(sizes) if sizes else np.zeros(0)
        together = together[(together > 0) & np.isfinite(together)]
        return (float(together.min()), float(together.max())) if together.size else None


def products_of(formula: Formula) -> dict[str, Term]:
    """The products of two different matrices that a claim speaks of, such as `A·Bᵀ`."""
    found: dict[str, Term] = {}
    spoken_of = [t for s in formula.statements() for t in s.terms()]
    for term in [*spoken_of, *([] if formula.process is None else formula.process.terms())]:
        for node in walk(term):
            if node.op == "matmul" and len(node.args) == 2 and len({_factor(a) for a in node.args} - {None}) == 2:
                found.setdefault(text(node), node)
    return dict(list(found.items())[:_PRODUCTS])


def _factor(term: Term) -> str | None:
    inner = term.args[0] if term.op == "transpose" else term
    return inner.payload[0] if inner.op == "sym" else None


def _sizes_in(product: Term) -> tuple[Any, ...]:
    return (*product.args[0].shape, *product.args[1].shape[1:])


def _dims_in(product: Term) -> tuple[str, ...]:
    """The dimensions of a product, its outer ones first."""
    rows, inner, cols = _sizes_in(product)
    return tuple(dict.fromkeys(str(d) for d in (rows, cols, inner)))


def _rank(values: Array) -> int:
    finite = values[np.all(np.isfinite(values), axis=(-2, -1))] if values.ndim == 3 else values
    if not finite.size:
        return 0
    sizes = np.linalg.svd(finite, compute_uv=False)
    return int(np.sum(sizes > _RANK * sizes[..., :1], axis=-1).max())


def _kind(function: FunctionSymbol, batch: Batch) -> str:
    """`quadratic`, `cubic` for a local model with a cubic remainder, else the family of the instances."""
    if function.body is not None and _is_quadratic(function):
        return QUADRATIC
    remainder = batch.values.get(data_name(function.name, "c"))
    if remainder is not None:
        return "cubic" if np.any(remainder) else QUADRATIC
    return batch.family.partition(", ")[0] or "another formula"


@lru_cache(maxsize=512)
def _is_quadratic(function: FunctionSymbol) -> bool:
    assert function.body is not None
    return is_quadratic(FunctionOf(function.shape, function.body))


def _spectrum(name: str, function: FunctionSymbol, batch: Batch) -> Range | None:
    """The ends of the spectra of the Hessians, of a local model at its own point; None where the Hessian is not constant."""
    bend = batch.operators.get(data_name(name, "H"))
    if bend is None:
        if function.body is None or not _is_quadratic(function):
            return None
        bend = hessian_of_function(FunctionOf(function.shape, function.body), batch)
    if not np.all(np.isfinite(bend)):
        return None
    values = np.linalg.eigvalsh(bend)
    return float(values.min()), float(values.max())
