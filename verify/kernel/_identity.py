"""Certificates of identities: goal = sum of c l h r, with hypotheses h = 0 that the kernel derives from the claim."""
from dataclasses import replace
from typing import Any

from . import _words as words
from ._evaluate import ARG, Scope, evaluate, gradient
from ._language import Claim, Shape, chained, declared, fields, read, shape, sides
from ._limits import Rejected, check, number, spend
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

def nonzero(name: Any, c: Claim) -> bool:
    """Is the scalar known not to vanish, from its domain or a hypothesis? (The state of a process may leave both.)"""
    spend(8 * len(c.given))
    domain = {k: number(x) for k, x in declared(name, c.names, "scalar").get("domain", {}).items() if k != "integer"}
    told = [(p[0], *(number(t[1]) if t[0] == "num" else t for t in p[1:])) for q in c.given for p in conjuncts(q)
            if p[0] in ("lt", "distinct")]
    x = ["sym", name]
    known = (domain.get("above", MINUS) >= 0 or domain.get("below", ONE) <= 0 or domain.get("least", MINUS) > 0
             or domain.get("most", ONE) < 0 or any(p in told for p in (("lt", 0, x), ("lt", x, 0), ("distinct", x, 0),
                                                                       ("distinct", 0, x))))
    return known and not (c.process and name in c.process[2])

def defined(p: Poly, c: Claim) -> None:
    """A cofactor must have a value at every instance: natural powers, of what is defined everywhere."""
    slots = {"smooth": 2, "smoothgrad": 1, "sym": 0, "dim": 0, "eye": 0, "ones": 0, "literal": 0}  # f is only C^2
    for s, w in p.terms:
        for a, e in (*s, *((a, ONE) for a, _ in w)):
            nature = e.denominator == 1 and (e > 0 or a.op == "dim" or (a.op == "sym" and nonzero(a.name, c)))
            fine = a.op in ("trace", "hadamard", "apply", "adjoint") or len(a.slots) <= slots.get(a.op, -1)
            check(nature and fine, f"a cofactor may be undefined: {a.op} to the power {e}", rule="identity")
            for q in (*a.args, *(Poly({((), v): ONE}) for v in a.slots)):
                defined(q, c)

def summand(row: Any, known: list[tuple[Value, Shape]], want: Shape, s: Scope, c: Claim) -> Value:
    """One c l h r, or its trace, with the shape of the goal."""
    fields(row, "coefficient left hypothesis transpose right trace")
    i, swap, trace = row["hypothesis"], row["transpose"], row["trace"]
    check(type(i) is int and 0 <= i < len(known) and type(swap) is bool and type(trace) is bool, "no such hypothesis:", i)
    h, found = known[i]
    state = {words.atom("sym", k, False).key for k in (c.process[2] if c.process else ())}
    check(not any(a.free & state for s_, w in poly(h).terms for a, _ in (*s_, *w)), "holds at the start only: hypothesis", i)
    first = row["coefficient"] if type(row["coefficient"]) is list else ["num", row["coefficient"]]
    left, right = (["num", 1] if row[k] is None else row[k] for k in ("left", "right"))
    shapes = [shape(left, s.names), found[::-1] if swap else found, shape(right, s.names)]
    result = chained([x for x in shapes if x]) if any(shapes) else ()
    check(shape(first, s.names) == () and (not trace or (result and result[0] == result[1])), "wrong shapes:", row)
    check((() if trace else result) == want, "a summand of another shape than the goal:", row)
    for t in (first, left, right):
        defined(poly(evaluate(t, s)), c)
    inner = mul(mul(evaluate(left, s), turn(h) if swap and found else h), evaluate(right, s))
    return mul(evaluate(first, s), linear("trace", "", [], [inner]) if trace else inner)

def identity(certificate: Any) -> list[str]:
    """Accept `forall` and `always` claims whose conclusions are equalities that the cofactors prove."""
    c = read(certificate["claim"])
    check(c.kind != "exists" and certificate["verdict"] == "PROVED", "an identity proves a forall or always", rule="identity")
    values = {k: words.letter(words.atom("sym", k, v["kind"] == "scalar")) for k, v in c.names.variables.items()}
    s = Scope(c.names, values, True, c.process)
    early = replace(s, names=replace(c.names, process=""))
    goals, known = conjuncts(c.then), [h for p in c.given for h in hypotheses(p, early)]
    rows, names = certificate["cofactors"], certificate.get("divide", [])
    check(type(rows) is list and len(rows) == len(goals), "one list of cofactors for each goal is needed", rule="identity")
    factor: Value = ONE
    names = names if type(names) is list else [names]
    check(len({str(name) for name in names}) == len(names), "a name twice in divide", rule="identity")
    for name in names:
        check(nonzero(name, c), "not known to be nonzero:", name, "identity")
        factor = mul(factor, values[name])
    for i, (goal, terms) in enumerate(zip(goals, rows, strict=True)):
        check(goal[0] == "equal" and type(terms) is list, "an identity proves equalities only:", goal[0], "identity")
        rest = mul(factor, add(evaluate(goal[1], s), affine(-1, evaluate(goal[2], s))))
        for row in terms:
            rest = add(rest, affine(-1, summand(row, known, shape(goal[1], c.names), early, c)))
        if left := poly(rest).terms:
            raise Rejected("identity", f"the cofactors leave {len(left)} terms", f"goal {i}")
    return [f"goal {i}: {len(terms)} cofactors" for i, terms in enumerate(rows)]
