"""A claim at one rational instance: every statement TRUE, FALSE or UNDECIDED, and certificates that rest on that."""
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from enum import Enum
from math import inf
from typing import Any

from ._evaluate import ARG, Scope, advance, along, evaluate, expansion, gradient, hessian
from ._language import Claim, Names, expect, fields, read, shape, sides, smooth
from ._limits import BITS, STEPS, WORK, Outside, Rejected, Undefined, check, number, start
from ._matrices import semidefinite
from ._root import located
from ._values import MINUS, ONE, ZERO, Value, add, affine, coefficient, each, ends, monomials, mul, pay, turn


class Truth(Enum):
    """Three-valued truth, in order."""
    FALSE, UNDECIDED, TRUE = 0, 1, 2

Comparison = tuple[str, str, str]
Judgement = tuple[Truth, Comparison | None]

@dataclass(frozen=True)
class Decision:
    """A claim read at an instance; `comparison` is what failed in the conclusion, or could not be decided."""
    hypotheses: tuple[Truth, ...]
    conclusion: Truth
    comparison: Comparison | None

def text(x: Value) -> str:
    """An exact rational of moderate length as p/q, anything else as an enclosure in decimals, rounded outward."""
    lo, hi = ends(x)
    pay(lo, hi)
    if lo == hi and max(lo.numerator.bit_length(), lo.denominator.bit_length()) < 2000:
        return str(lo)
    low, high = (Context(20, way).divide(Decimal(v.numerator), Decimal(v.denominator))
                 for v, way in ((lo, ROUND_FLOOR), (hi, ROUND_CEILING)))
    return f"[{low}, {high}]"

def compare(relation: str, x: Value, y: Value) -> Judgement:
    """le, lt or equal of real numbers; enclosures decide where every pair of points in them gives the same answer."""
    (a0, a1), (b0, b1) = ends(x), ends(y)
    pay(a0, b0)
    pay(a1, b1)
    yes, no = {"le": (a1 <= b0, a0 > b1), "lt": (a1 < b0, a0 >= b1),
               "equal": (a0 == a1 == b0 == b1, a1 < b0 or b1 < a0)}[relation]
    return Truth.TRUE if yes else Truth.FALSE if no else Truth.UNDECIDED, None if yes else (text(x), relation, text(y))

def all_of(parts: Any) -> Judgement:
    """The first of the least true."""
    return min(parts, key=lambda part: part[0].value)  # type: ignore[no-any-return]

def equal(x: Value, y: Value) -> Judgement:
    """Equality of scalars, or of all entries."""
    pairs = each(lambda a, b: compare("equal", a, b), x, y)
    return all_of([pair for row in pairs for pair in row] if isinstance(x, list) else [pairs])

def definite(a: Value, what: str) -> Judgement:
    return (Truth.TRUE, None) if semidefinite(a) else (Truth.FALSE, (what, "is", "not positive semidefinite"))

def pair(left: Any, right: Any, s: Scope) -> list[Value]:
    """The values of both sides; a side that has none at all is told before one for which there is no rule."""
    found, missing = [], []
    for t in (left, right):
        try:
            found.append(evaluate(t, s))
        except Undefined as reason:
            missing.append(reason)
    if missing:
        raise next((x for x in missing if isinstance(x, Outside)), missing[0])
    return found

def judge(p: Any, s: Scope) -> Judgement:
    """The truth of a well-formed statement, by Kleene's rules; an atom with an undefined part is UNDECIDED."""
    def of(x: Any) -> Value:
        return evaluate(x, s)
    try:
        match p:
            case ["both", *ps]:
                return all_of([judge(q, s) for q in ps])
            case ["either", *ps]:
                return max((judge(q, s) for q in ps), key=lambda part: part[0].value)
            case ["le" | "lt" as op, left, right]:
                return compare(op, *pair(left, right, s))
            case ["equal", left, right]:
                return equal(*pair(left, right, s))
            case ["distinct", left, right]:
                truth = Truth(2 - equal(*pair(left, right, s))[0].value)
                return truth, None if truth is Truth.TRUE else ("the difference", "distinct", "0")
            case ["fosp" | "sosp" as op, loss, names] if s.root and s.root[:2] == (loss, names):
                return (Truth.TRUE, None) if op == "fosp" or s.root[2] else (Truth.UNDECIDED, (op, "is", "not decided"))
            case ["sosp", loss, names] if s.direction is not None:
                check(set(s.direction) <= set(names), "a direction in other names than", names)
                return negative(loss, names, s)
            case ["fosp" | "sosp" as op, loss, names]:
                slope, free = expansion(loss, names, s, 1)  # first, as it is so much cheaper
                first = all_of([compare("equal", coefficient(slope, s.level + 1, (i,)), ZERO) for i in range(free)])
                if op == "fosp" or first[0] is Truth.FALSE:
                    return first
                return all_of([first, definite(hessian(expansion(loss, names, s, 2)[0], free, s), "the Hessian")])
            case ["convex", f]:
                return curvature(f, ZERO, None, s)
            case ["uniform_curvature", f, low, high]:
                return curvature(f, of(low), of(high), s)
            case ["rsc" | "rsm" as op, f, c, *rest]:  # implied by a bound in all directions, everywhere, or not decided
                for x in rest:
                    of(x)  # an undefined ball says nothing
                truth = curvature(f, of(c) if op == "rsc" else None, of(c) if op == "rsm" else None, s)[0]
                return (truth, None) if truth is Truth.TRUE else (Truth.UNDECIDED, (op, "is", "not decided"))
            case ["regularized_stationary", f, weight, y, w]:
                return witnessed(f, of(weight), of(y), of(w), s)
    except Undefined as reason:
        return Truth.UNDECIDED, (p[0], "outside" if isinstance(reason, Outside) else "undefined", str(reason))
    raise Rejected("shape", f"no reading of {str(p)[:80]}")

def negative(loss: Any, names: list[str], s: Scope) -> Judgement:
    """One direction v with v'Hv < 0 shows that a Hessian H is not positive semidefinite; any other shows nothing. All
    names move, some by zero, so that a kink in any of them is seen."""
    value = affine(2, along(loss, {k: s.direction.get(k, affine(0, s.values[k])) for k in names}, s, 2))
    below, shown = compare("lt", value, ZERO)[0] is Truth.TRUE, ("0", "le", text(value))
    return (Truth.FALSE, shown) if below else (Truth.UNDECIDED, shown)

def witnessed(f: Any, weight: Value, y: Value, w: Value, s: Scope) -> Judgement:
    """-grad f(Y) = weight W where W'W <= I and <W, Y> = ||Y||_*. Given the former, the latter holds iff P = W'Y is
    symmetric positive semidefinite with P^2 = Y'Y, for then P is |Y| and its trace the nuclear norm."""
    grad = gradient(f[2], [ARG], s.extended({ARG: y}))[ARG]
    p, rest = mul(turn(w), y), affine(-1, mul(turn(w), w))
    for i, row in enumerate(rest):
        row[i] = add(row[i], ONE)
    return all_of([equal(affine(-1, grad), mul(weight, w)), definite(rest, "I - S'S"), definite(p, "S'Y"),
                   equal(mul(p, p), mul(turn(y), y))])

def curvature(f: Any, low: Value | None, high: Value | None, s: Scope) -> Judgement:
    """low I <= Hess f <= high I everywhere, for an f that expands exactly to a polynomial of degree at most 2: then the
    Hessian is constant. (Without a cut-off only sums and products expand.)"""
    rows, columns = sides(f[1], s.names)
    value, free = expansion(f[2], [ARG], s.extended({ARG: [[ZERO] * columns] * rows}), inf)
    if any(len(key) > 2 and c != 0 for key, c in monomials(value, s.level + 1).items()):
        return Truth.UNDECIDED, ("the function", "is", "not quadratic")
    parts = []
    for bound, sign in ((low, ONE), (high, MINUS)):
        if bound is not None:
            h = affine(sign, hessian(value, free, s))
            for i, row in enumerate(h):
                row[i] = add(row[i], affine(-sign, bound))
            parts.append(definite(h, "Hess f - low I" if sign > 0 else "high I - Hess f"))
    return all_of(parts)

def bound(declaration: Any, x: Any, n: Names) -> Any:
    """One value, checked against its declaration."""
    kind, domain = declaration["kind"], declaration.get("domain", {})
    if kind == "scalar":
        v, limit = number(x), {k: number(c) for k, c in domain.items() if k != "integer"}
        check(v > limit.get("above", v - 1) and v >= limit.get("least", v) and v < limit.get("below", v + 1)
              and v <= limit.get("most", v) and (v.denominator == 1 or not domain.get("integer")), "domain:", x, "values")
        return v
    if kind == "function":
        fields(x, "body")
        expect(x["body"], Names({}, {}, sides(declaration["shape"], n)), ())
        check(smooth(x["body"]), "the body is not visibly twice continuously differentiable", rule="values")
        return x["body"]
    if kind == "operator":
        rows, columns = (a * b for a, b in (sides(declaration[k], n) for k in ("codomain", "domain")))
    else:
        rows, columns = sides(declaration["shape"], n)
    good = type(x) is list and len(x) == rows and all(type(row) is list and len(row) == columns for row in x)
    check(good, f"not a matrix of {rows} x {columns} numbers:", x, "values")
    value = each(number, x)
    check(not declaration.get("symmetric") or value == turn(value), "the operator is declared symmetric", rule="values")
    return value

def enclosed(values: dict[str, Value], c: Claim) -> None:
    """Check computed values, or boxes, of scalars against their domains; an integer is never computed."""
    for k, x in values.items():
        declaration = c.names.variables[k]
        if declaration["kind"] == "scalar":
            check(not declaration.get("domain", {}).get("integer"), "an integer does not move:", k, "values")
            for end in ends(x):
                bound(declaration, str(end), c.names)

def scope(c: Claim, values: Any) -> Scope:
    """The values of all variables, the state of a process with a start excepted."""
    wanted = set(c.names.variables) - set(c.process[2] if c.process and c.process[-1] else ())
    check(type(values) is dict and set(values) == wanted, "values must bind exactly", sorted(wanted), "values")
    return Scope(c.names, {k: bound(c.names.variables[k], x, c.names) for k, x in values.items()}, False, c.process)

def settle(claim: Any, dims: Any, values: Any, bits: Any, steps: Any, root: Any, direction: Any) -> tuple[Claim, Decision]:
    """Every hypothesis at the start, or on the whole box of a root; the conclusion there, or `steps` steps of descent
    later, or along a direction."""
    check(type(bits) is int and 16 <= bits <= BITS, "bits out of range:", bits)
    start(bits)
    read(claim)  # shapes agree as names, not only at this instance
    parsed = read(claim, dims)
    process = parsed.process
    check(type(steps) is int and 0 <= steps <= (STEPS if process[:1] == ["descent"] else 0), "steps out of range:", steps)
    s = scope(parsed, values)
    try:
        if process and process[-1]:
            begin = {k: evaluate(t, s) for k, t in zip(process[2], process[-1], strict=True)}
            s = s.extended(begin)
        if process:
            enclosed({k: s.values[k] for k in process[2]}, parsed)
            gradient(process[1], process[2], s)  # the loss is defined and differentiable where the process starts
        if root is not None:
            check(not process, "a root is a point of forall or exists", rule="root")
            s = located(root, s)
            enclosed({k: s.values[k] for k in root["names"]}, parsed)
        given = [judge(p, s) for p in parsed.given]
        if direction is not None:
            check(type(direction) is dict and all(k in s.values for k in direction), "no direction:", direction)
            known = {k: parsed.names.variables[k] for k in direction}
            check(all(v["kind"] in ("matrix", "scalar") for v in known.values()), "no direction:", direction)
            moves = {k: bound(v | {"domain": {}}, direction[k], parsed.names) for k, v in known.items()}
            s = replace(s, direction=moves)
        for _ in range(steps):
            s = advance(s)
    except Undefined as reason:
        raise Rejected("values", f"the process is undefined: {reason}") from None
    last = all_of(given) if parsed.kind == "exists" else judge(parsed.then, s)
    return parsed, Decision(tuple(truth for truth, _ in given), *last)

def decide(claim: Any, dims: Any, values: Any, bits: int = 128, steps: int = 0, root: Any = None) -> Decision:
    """A claim read exactly at one instance; raises Rejected when the claim or the instance is malformed."""
    return settle(claim, dims, values, bits, steps, root, None)[1]

def values_at(claim: Any, dims: Any, values: Any, terms: Any, bits: int = 128) -> list[Any]:
    """What terms of a claim's tree are worth at one instance: rows of bounds (lo, hi), None where a term is undefined or costs
    too much. Each comes with None, or with the shape and the value of ["arg"] in it. A start of a process is not used."""
    start(bits)
    s = scope(read(claim, dims), values)
    found: list[Any] = []
    for term, argument in terms:
        start(bits, WORK // 10)
        try:
            inside = s
            if argument is not None:
                here = replace(s.names, arg=sides(argument[0], s.names))
                inside = replace(s, names=here).extended({ARG: each(number, argument[1])})
            shape(term, inside.names)
            value = evaluate(term, inside)
            found.append(each(ends, value if isinstance(value, list) else [[value]]))
        except (Undefined, Rejected) as no:
            if isinstance(no, Rejected) and no.rule not in ("budget", "derivative", "limits"):
                raise
            found.append(None)
    return found

def instance(c: Any) -> list[str]:
    """Accept the refutation of `forall` or `always` (hypotheses TRUE, conclusion FALSE) or the witness of `exists`."""
    extra = (c[key] or {} if key in c else None for key in ("root", "direction"))
    claim, found = settle(c["claim"], c["dims"], c["values"], c.get("bits", 128), c.get("steps", 0), *extra)
    for i, truth in enumerate(found.hypotheses):
        check(truth is Truth.TRUE, f"hypothesis {i} is", truth.name, "hypothesis")
    want, verdict = (Truth.TRUE, "PROVED") if claim.kind == "exists" else (Truth.FALSE, "REFUTED")
    shown = found.comparison and dict(zip(("lhs", "rel", "rhs"), found.comparison, strict=True))
    good = c["verdict"] == verdict and found.conclusion is want
    check(good, f"the conclusion is {found.conclusion.name}:", shown, "conclusion")
    check(c.get("violated", shown) == shown, "violated is not", shown, "conclusion")
    return [f"{len(found.hypotheses)} hypotheses TRUE", f"conclusion {found.conclusion.name}: {shown or ''}"]
