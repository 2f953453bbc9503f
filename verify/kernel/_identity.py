"""Certificates of identities: goal = sum of c l h r, with hypotheses h = 0 that the kernel derives from the claim."""
from dataclasses import replace
from typing import Any

from . import _words as words
from ._evaluate import ARG, Scope, evaluate, gradient
from ._language import Claim, Shape, chained, fields, read, shape, sides
from ._limits import Rejected, check, number
from ._values import MINUS, ONE, Value, add, affine, linear, mul, poly, turn
from ._words import Poly


def hypotheses(p: Any, s: Scope) -> list[tuple[Value, Shape]]:
    """Polynomials, with their shapes, that vanish when the statement holds."""
    match p:
        case ["both", *ps]:
            return [h for q in ps for h in hypotheses(q, s)]
        case ["equal", left, right]:
            return [(add(evaluate(left, s), affine(-1, evaluate(right, s))), shape(left, s.names))]
        case ["fosp" | "sosp", loss, names]:
            return [(g, shape(["sym", name], s.names)) for name, g in gradient(loss, names, s).items()]
        case ["regularized_stationary", f, weight, y, w]:
            inside = replace(s, names=replace(s.names, arg=sides(f[1], s.names)), values=s.values | {ARG: evaluate(y, s)})
            grad = gradient(f[2], [ARG], inside)[ARG]
            return [(add(grad, mul(evaluate(weight, s), evaluate(w, s))), sides(f[1], s.names))]
    return []

def conjuncts(p: Any) -> list[Any]:
    return [g for q in p[1:] for g in conjuncts(q)] if p[0] == "both" else [p]

def nonzero(c: Claim) -> set[str]:
    """The scalars known not to vanish, from their domains or a hypothesis. (The state of a process may leave both.)"""
    found = set()
    for name, v in c.names.variables.items():
        domain = {k: number(x) for k, x in v.get("domain", {}).items() if k != "integer"} if v["kind"] == "scalar" else {}
        if (domain.get("above", MINUS) >= 0 or domain.get("below", ONE) <= 0 or domain.get("least", MINUS) > 0
                or domain.get("most", ONE) < 0):
            found.add(name)
    for p in (p for q in c.given for p in conjuncts(q)):
        match p:
            case ["lt" | "distinct", ["num", x], ["sym", name]] | ["lt" | "distinct", ["sym", name], ["num", x]]:
                found |= {name} if number(x) == 0 else set()
    return found - set(c.process[2] if c.process else ())

def defined(p: Poly, apart: set[str]) -> None:
    """A cofactor must have a value at every instance: natural powers, of what is defined everywhere."""
    slots = {"smooth": 2, "smoothgrad": 1, "sym": 0, "dim": 0, "eye": 0, "ones": 0, "literal": 0}  # f is only C^2
    for s, w in p.terms:
        for a, e in (*s, *((a, ONE) for a, _ in w)):
            nature = e.denominator == 1 and (e > 0 or a.op == "dim" or (a.op == "sym" and a.name in apart))
            fine = a.op in ("trace", "hadamard", "apply", "adjoint") or len(a.slots) <= slots.get(a.op, -1)
            check(nature and fine, f"a cofactor may be undefined: {a.op} to the power {e}", rule="identity")
            for q in (*a.args, *(Poly({((), v): ONE}) for v in a.slots)):
                defined(q, apart)

def summand(row: Any, known: list[tuple[Value, Shape]], want: Shape, s: Scope, apart: set[str]) -> Value:
    """One c l h r, or its trace, with the shape of the goal."""
    fields(row, "coefficient left hypothesis transpose right trace")
    i, swap, trace = row["hypothesis"], row["transpose"], row["trace"]
    check(type(i) is int and 0 <= i < len(known) and type(swap) is bool and type(trace) is bool, "no such hypothesis:", i)
    h, found = known[i]
    state = {words.atom("sym", k, False).key for k in (s.process[2] if s.process else ())}
    check(not any(a.free & state for s_, w in poly(h).terms for a, _ in (*s_, *w)), "holds at the start only: hypothesis", i)
    first = row["coefficient"] if type(row["coefficient"]) is list else ["num", row["coefficient"]]
    left, right = (["num", 1] if row[k] is None else row[k] for k in ("left", "right"))
    shapes = [shape(left, s.names), found[::-1] if swap else found, shape(right, s.names)]
    result = chained([x for x in shapes if x]) if any(shapes) else ()
    check(shape(first, s.names) == () and (not trace or (result and result[0] == result[1])), "wrong shapes:", row)
    check((() if trace else result) == want, "a summand of another shape than the goal:", row)
    factor, before, behind = (evaluate(t, s) for t in (first, left, right))
    for x in (factor, before, behind):
        defined(poly(x), apart)
    inner = mul(mul(before, turn(h) if swap and found else h), behind)
    return mul(factor, linear("trace", "", [], [inner]) if trace else inner)

def identity(certificate: Any) -> list[str]:
    """Accept `forall` and `always` claims whose conclusions are equalities that the cofactors prove."""
    c = read(certificate["claim"])
    check(c.kind != "exists" and certificate["verdict"] == "PROVED", "an identity proves a forall or always", rule="identity")
    values = {k: words.letter(words.atom("sym", k, v["kind"] == "scalar", symmetric=v.get("shape") == [1, 1]))
              for k, v in c.names.variables.items()}
    s = Scope(c.names, values, True, c.process)
    early = replace(s, names=replace(c.names, process=""))
    goals, known = conjuncts(c.then), [h for p in c.given for h in hypotheses(p, early)]
    rows, names = certificate["cofactors"], certificate.get("divide", [])
    check(type(rows) is list and len(rows) == len(goals), "one list of cofactors for each goal is needed", rule="identity")
    factor: Value = ONE
    names = names if type(names) is list else [names]
    check(len({str(name) for name in names}) == len(names), "a name twice in divide", rule="identity")
    apart = nonzero(c)
    for name in names:
        check(type(name) is str and name in apart, "not known to be nonzero:", name, "identity")
        factor = mul(factor, values[name])
    for i, (goal, terms) in enumerate(zip(goals, rows, strict=True)):
        check(goal[0] == "equal" and type(terms) is list, "an identity proves equalities only:", goal[0], "identity")
        rest = mul(factor, add(evaluate(goal[1], s), affine(-1, evaluate(goal[2], s))))
        for row in terms:
            rest = add(rest, affine(-1, summand(row, known, shape(goal[1], c.names), early, apart)))
        rest = poly(rest)
        if shape(goal[1], c.names) == (1, 1):  # such a matrix is its own transpose
            rest = words.plus(*(Poly({(s_, min(w, words.flip(w))): x}) for (s_, w), x in rest.terms.items()))
        if left := rest.terms:
            raise Rejected("identity", f"the cofactors leave {len(left)} terms", f"goal {i}")
    return [f"goal {i}: {len(terms)} cofactors" for i, terms in enumerate(rows)]
