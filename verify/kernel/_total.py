"""Which terms have a value at every instance, for a reason visible in their form; the others are partial operations.

FORMAT.md: an identity is proved where both of its sides and all hypotheses are defined. This says whether that is
everywhere. What is not visibly total is taken for partial, so that "where defined" is said too often, never too rarely."""
from dataclasses import dataclass, replace
from typing import Any

from ._functions import SMOOTH
from ._identity import conjuncts, nonzero
from ._language import Claim, Names, shape, sides
from ._limits import number, spend

_CORNERS = {"max", "min", "nuclear", "spectral", "frobenius", "rank", "off_block"}  # total, but without a derivative somewhere
_NEVER_NEGATIVE = {"nuclear", "spectral", "frobenius", "rank"}
_DERIVED = {"fosp": 1, "sosp": 2, "convex": 2, "uniform_curvature": 2, "rsc": 2, "rsm": 2, "regularized_stationary": 1}

@dataclass(frozen=True)
class Domains:
    """The names, the scalars known not to vanish, those known to be positive, and the loss of the process."""
    names: Names
    apart: set[str]
    positive: set[str]
    loss: Any = None

def everywhere(c: Claim) -> bool:
    """Has every term of the claim a value at every instance?"""
    moving = c.process[2] if c.process else []
    positive = {k for k, v in c.names.variables.items() if v["kind"] == "scalar" and _above_zero(v.get("domain", {}))}
    positive |= {p[2][1] for q in c.given for p in conjuncts(q) if p[0] == "lt" and p[1] == ["num", "0"] and p[2][0] == "sym"}
    d = Domains(c.names, nonzero(c), positive - set(moving), c.process[1] if c.process else None)
    told = [["fosp", d.loss, moving], *c.process[3:-1], *c.process[-1]] if c.process else []
    return all(total(p, d, 0) for p in [*c.given, c.then, *told])

def _above_zero(domain: Any) -> bool:
    return number(domain.get("above", -1)) >= 0 or number(domain.get("least", 0)) > 0

def total(t: Any, d: Domains, order: int) -> bool:
    """Has a well-formed term or statement `order` derivatives at every instance? (A function has two.)"""
    spend(2)
    def inside(*ts: Any, more: int = 0) -> bool:
        return all(total(x, d, order + more) for x in ts if type(x) is list)
    match t:
        case ["num" | "pi" | "dim" | "literal" | "sym" | "arg" | "hole", *_]:
            return True
        case ["pow", ["frobenius", x], e] if _natural(number(e) / 2):
            return inside(x)
        case ["pow", x, e]:
            return inside(x) and _power(x, number(e), d, order)
        case ["fn", f, x]:
            return inside(x) and (f in SMOOTH or (_positive(x, d) if f == "log" else order == 0))
        case ["inverse" | "lambda_min", _]:
            return False
        case ["entry", x, i, j]:
            return inside(x) and _within((i, j), shape(x, d.names))
        case ["unit", rows, columns, i, j]:
            return _within((i, j), sides((rows, columns), d.names))
        case ["sigma", x, k]:
            return order == 0 and inside(x) and (k[0] == "dim" or (k[0] == "num" and _natural(number(k[1]) - 1)))
        case ["smooth" | "smoothgrad" as op, f, *points]:  # f is C^2, or given by a formula
            wanted = len(points) - 1 + order + (op == "smoothgrad")
            return inside(*points) and (total(f, d, wanted) if type(f) is list else wanted <= 2)
        case ["function", size, body]:
            return total(body, replace(d, names=replace(d.names, arg=sides(size, d.names))), order)
        case ["map", body, x]:
            return inside(x) and total(body, replace(d, names=replace(d.names, hole=True)), order)
        case ["derivative", x, moves, k]:
            return inside(x, *(z for _, z in moves), more=k)
        case ["ddt" | "after" as op, x]:
            return inside(x, more=op == "ddt") and inside(d.loss, more=1)
        case ["fosp" | "sosp" as op, loss, _]:
            return inside(loss, more=_DERIVED[op])
        case [op, f, *rest] if op in _DERIVED:
            return inside(f, more=_DERIVED[op]) and inside(*rest)
    return inside(*t[1:]) and (order == 0 or t[0] not in _CORNERS)

def _natural(e: Any) -> bool:
    return bool(e.denominator == 1 and e >= 0)

def _positive(x: Any, d: Domains) -> bool:
    return x[0] in ("dim", "pi") or (x[0] == "num" and number(x[1]) > 0) or (x[0] == "sym" and x[1] in d.positive)

def _power(x: Any, e: Any, d: Domains, order: int) -> bool:
    if _natural(e) or _positive(x, d):
        return True
    if e.denominator == 1:
        return (x[0] == "sym" and x[1] in d.apart) or (x[0] == "num" and number(x[1]) != 0)
    return e > 0 and order == 0 and x[0] in _NEVER_NEGATIVE

def _within(at: tuple[int, int], size: Any) -> bool:
    """A first row or column there is in every matrix."""
    return all(i == 0 or (type(side) is int and i < side) for i, side in zip(at, size, strict=True))
