"""What a claim about stationary points speaks of: the point, X⋆, the opaque f, and which sizes and curvatures are of use.

Main definitions: `needs_landscape`, `stationary_of`, `targets_of`, `opaque_function`.
"""

from __future__ import annotations

import numpy as np

from verify.language.errors import NoSource
from verify.language.formulas import Formula
from verify.language.operations.functions import FunctionSymbol
from verify.language.statements import Comparison, RegularizedStationary, Statement, Stationary
from verify.losses.curved import Curved
from verify.points.sources.curvature import assumed_curvature
from verify.points.sources.factors import ordered
from verify.points.sources.several import placement_of
from verify.points.sources.stationary import moves_data

_LARGEST = 30, 40
"""Most unknowns for one adapter, and for several."""


def needs_landscape(formula: Formula) -> bool:
    """Whether the claim speaks of points that must be searched for, or of X⋆: only this source provides them."""
    return stationary_of(formula) is not None or target_of(formula) is not None


def adapters(formula: Formula) -> int:
    """The number of adapted matrices; the points of several cost more than in proportion."""
    statement = stationary_of(formula)
    return 1 if statement is None else max(1, len(statement.variables) // 2)


def stationary_of(formula: Formula) -> Stationary | None:
    """The stationarity that a claim assumes, where its points must be searched for.

    First-order points are arranged by their data instead (`sources.stationary`), unless X⋆ fixes f or no data can be moved.
    Its variables are in the order A, B of the products A·Bᵀ that the loss sees.
    """
    found = _stationary_of(formula)
    return None if found is None else ordered(found)


def _stationary_of(formula: Formula) -> Stationary | None:
    assumed = [s for s in formula.given if isinstance(s, Stationary)]
    second = next((s for s in assumed if s.order == 2), None)
    if second is not None or not assumed or formula.process is not None:
        return second
    (first, *_) = assumed
    if target_of(formula) is not None:
        return first if len(first.variables) == 2 else None
    return None if formula.functions() or moves_data(first, tuple(formula.matrices())) else first


def targets_of(formula: Formula) -> tuple[RegularizedStationary, ...]:
    """The definitions of X⋆ that a claim assumes, one for each adapter."""
    return tuple(s for s in formula.given if isinstance(s, RegularizedStationary))


def target_of(formula: Formula) -> RegularizedStationary | None:
    """The first of them."""
    return next(iter(targets_of(formula)), None)


def is_small(formula: Formula, dims: dict[str, int]) -> bool:
    """Whether the points can be found in a moment."""
    statement = stationary_of(formula)
    if statement is None:
        return True
    shapes = [[d if isinstance(d, int) else dims[d] for d in v.shape] for v in statement.variables]
    return sum(int(np.prod(shape)) for shape in shapes) <= _LARGEST[len(shapes) > 2]


def has_room(formula: Formula, function: FunctionSymbol, dims: dict[str, int]) -> bool:
    """Whether `min(m, n) > r`, as a spurious point needs (theory §3, Corollary A′)."""
    statement = stationary_of(formula)
    if statement is None or len(statement.variables) != 2:
        return True
    sizes_ = [d if isinstance(d, int) else dims[d] for d in (*function.shape, statement.variables[0].shape[1])]  # type: ignore[misc]
    return min(sizes_[:2]) > sizes_[2]


def opaque_function(formula: Formula) -> FunctionSymbol | None:
    """The function variable that a family stands for."""
    statement, targets = stationary_of(formula), targets_of(formula)
    found = list(formula.functions().values())
    if len(found) > 1:
        raise NoSource("no source for second-order points of several opaque functions yet")
    if found and targets and (statement is None or placement_of(statement, targets) is None):
        single = statement is None or len(statement.variables) == 2
        if not single or [t.function.name for t in targets] != [found[0].name]:
            raise NoSource(
                f"no source for this X⋆ yet: it is known of {found[0].name} itself for one adapter, and of each of several "
                f"adapters in {found[0].name}(Σ E_l·A_l·B_lᵀ·F_lᵀ)"
            )
    return found[0] if found else None


def bent_kinds(formula: Formula, function: FunctionSymbol | None) -> list[Curved]:
    """The kinds of curvature beside positive ones that a claim leaves room for."""
    if function is None:
        return []
    kinds = {s.kind for s in assumed_curvature(function, formula)}
    return [] if kinds - {"convex"} else [Curved.FLAT] if kinds else [Curved.FLAT, Curved.ANY]


def largest_star(formula: Formula, target: RegularizedStationary | None, r: int, width: int) -> int:
    """The largest rank that X⋆ may have; only a claim that says so keeps it at the LoRA rank."""
    if target is None:
        return 0
    return min(r, width) if any(bounds_rank(s, target) for s in formula.given) else width


def bounds_rank(statement: Statement, target: RegularizedStationary) -> bool:
    """Whether a statement is `rank(X⋆) ≤ …`."""
    compares = isinstance(statement, Comparison) and statement.relation == "le"
    return compares and statement.left.op == "rank" and statement.left.args[0] == target.point  # type: ignore[attr-defined]
