"""What a claim may say: the form and shape of every term and statement, settled before anything is computed."""
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ._functions import FUNCTIONS, SMOOTH
from ._limits import ORDER, SIZE, Rejected, check, number, spend

Shape = tuple[Any, ...]  # () a scalar, (rows, columns) a matrix of integer or named sides, TRUTH a statement
TRUTH: Shape = ("truth",)
# op, arguments, result: "." scalar, "ab" matrix of such sides, "x" scalar or matrix, "!" statement, "q" rational,
# "a" dimension, "i" index, "n" names, "F" elementary function, "h" scalar in ["hole"], "f" function on matrices a x b;
# a letter stands for one side throughout a node, and "*" for one or more
_TABLE = """num q . | pi . | dim a . | unit a b i i ab | eye a aa | zeros a b ab | ones a b ab | add x* x |
hadamard ab* ab | max .* . | min .* . | pow . q . | fn F . . | map h ab ab | entry ab i i . | transpose ab ba | trace aa . |
inverse aa aa | det aa . | diag a1 aa | diagonal aa a1 | rowlse ab a1 | rowsoftmax ab ab | frobenius ab . | nuclear ab . |
spectral ab . | sigma ab . . | rank ab . | lambda_min aa . | off_block ab ab ab | ddt x x | after x x | equal x x ! |
distinct x x ! | le . . ! | lt . . ! | both !* ! | either !* ! | fosp . n ! | sosp . n ! | convex f ! |
uniform_curvature f . . ! | rsc f . ab . . ! | rsm f . ab . . ! | regularized_stationary f . ab ab !"""
_RULES = {op: (args, result) for op, *args, result in (line.split() for line in _TABLE.split("|"))}
_SMOOTH = {"num", "pi", "dim", "unit", "eye", "zeros", "ones", "literal", "add", "mul", "pow", "matmul", "transpose", "trace",
           "map", "hadamard", "fn", "entry", "diag", "diagonal", "rowlse", "rowsoftmax", "arg", "hole"}

@dataclass(frozen=True)
class Names:
    """What a term may refer to; a dimension stands for its value, or for itself."""
    dims: dict[str, Any]
    variables: dict[str, Any]
    arg: Shape | None = None
    hole: bool = False
    process: str = ""

@dataclass(frozen=True)
class Claim:
    """A well-formed claim taken apart; an `exists` has no `then`."""
    kind: str
    given: list[Any]
    then: Any
    process: list[Any]
    names: Names

def sides(pair: Any, n: Names) -> Shape:
    """Dimensions, each an integer or a declared name."""
    for d in pair:
        check((type(d) is int and 1 <= d <= SIZE) or (type(d) is str and d in n.dims), "not a dimension:", d)
    return tuple(n.dims.get(d, d) for d in pair)

def declared(name: Any, n: Names, *kinds: str) -> Any:
    """The declaration of a variable of one of these kinds."""
    check(type(name) is str and name in n.variables and n.variables[name]["kind"] in kinds, "no such name:", name)
    return n.variables[name]

def expect(t: Any, n: Names, want: Shape) -> None:
    check((found := shape(t, n)) == want, f"shape {found} where {want} is needed:", t)

def formula(f: Any, n: Names) -> Shape:
    """The shape of the argument of a function given by a formula, in which nothing moves by itself."""
    good = type(f) is list and len(f) == 3 and f[0] == "function" and type(f[1]) is list and len(f[1]) == 2
    check(good, "not a function:", f)
    found = sides(f[1], n)
    expect(f[2], replace(n, arg=found, hole=False, process=""), ())
    return found

def chained(shapes: list[Shape]) -> Shape:
    """The shape of a product of matrices."""
    good = all(len(s) == 2 for s in shapes) and all(s[1] == t[0] for s, t in pairwise(shapes))
    check(good, "sides do not match:", shapes)
    return shapes[0][0], shapes[-1][1]

def shape(t: Any, n: Names) -> Shape:
    """The shape of a term, or TRUTH of a statement; Rejected if it is not well formed."""
    spend(1)
    match t:
        case ["sym", name]:
            return sides(declared(name, n, "matrix", "scalar").get("shape", []), n)
        case ["arg"] if n.arg is not None:
            return n.arg
        case ["hole"] if n.hole:
            return ()
        case ["literal", [[_, *_] as first, *_] as rows]:
            for row in rows:
                check(type(row) is list and len(row) == len(first) and all(number(x) is not None for x in row), "rows:", t)
            return sides([len(rows), len(first)], n)
        case ["mul", _, *_]:
            shapes: list[Shape] = [s for s in (shape(x, n) for x in t[1:]) if s]
            check(len(shapes) < 2 and TRUTH not in shapes, "more than one matrix in mul:", t)
            return shapes[0] if shapes else ()
        case ["matmul", _, *_]:
            return chained([shape(x, n) for x in t[1:]])
        case ["apply" | "adjoint" as op, name, x]:
            spaces = [sides(declared(name, n, "operator")[key], n) for key in ("domain", "codomain")]
            expect(x, n, spaces[int(op == "adjoint")])
            return spaces[int(op == "apply")]
        case ["smooth" | "smoothgrad" as op, f, _, *slots] if len(slots) <= ORDER:
            found = formula(f, n) if type(f) is list else sides(declared(f, n, "function")["shape"], n)
            for x in t[2:]:
                expect(x, n, found)
            return () if op == "smooth" else found
        case ["derivative", x, [_, *_] as moves, order] if type(order) is int and 0 <= order <= ORDER:
            check(all(type(move) is list and len(move) == 2 for move in moves), "not directions:", moves)
            for name, z in moves:
                expect(z, n, shape(["sym", name], n))
            check(len({name for name, _ in moves}) == len(moves), "a name twice among the directions:", t)
            return shape(x, n)
        case [str(op), *args] if op in _RULES:
            return _by_table(t, n, *_RULES[op], args)
    raise Rejected("shape", f"not a term or statement here: {str(t)[:80]}")

def _by_table(t: Any, n: Names, codes: list[str], result: str, args: list[Any]) -> Shape:
    """The shape of a node of the table: each argument against its code."""
    codes = codes if not codes or codes[0][-1] != "*" else [codes[0][:-1]] * max(len(args), 1)
    check(len(codes) == len(args) and n.process == {"ddt": "flow", "after": "descent"}.get(t[0], n.process), "form:", t)
    bound: dict[str, Any] = {"1": 1}
    def bind(letters: str, found: Shape) -> None:
        agree = len(letters) == len(found) and all(bound.setdefault(k, d) == d for k, d in zip(letters, found, strict=True))
        check(agree and found != TRUTH, "shapes do not agree:", t)
    for code, x in zip(codes, args, strict=True):
        match code:
            case "q":
                number(x)
            case "i":
                check(type(x) is int and 0 <= x < SIZE, "not an index:", x)
            case "F":
                check(type(x) is str and x in FUNCTIONS, "not a function:", x)
            case "a" | "b":
                bind(code, sides([x], n))
            case "n":
                check(type(x) is list and x and len({str(name) for name in x}) == len(x), "not distinct names:", x)
                for name in x:
                    declared(name, n, "matrix", "scalar")
            case "f":
                bind("ab", formula(x, n))
            case "x":
                bind("x", (shape(x, n),))
                check(bound["x"] != TRUTH, "a statement, not a term:", x)
            case "ab" | "aa" | "a1":
                bind(code, shape(x, n))
            case _:
                expect(x, replace(n, hole=True) if code == "h" else n, TRUTH if code == "!" else ())
    return bound["x"] if result == "x" else TRUTH if result == "!" else tuple(bound[k] for k in result if k != ".")

def fields(x: Any, required: str, optional: str = "") -> None:
    """An object with these keys."""
    good = type(x) is dict and set(required.split()) <= set(x) <= {*required.split(), *optional.split()}
    check(good, f"needs the keys {required}:", x, "format")

def _declare(v: Any, n: Names) -> None:
    """One declaration of a variable."""
    kind, domain = (v.get("kind"), v.get("domain", {})) if type(v) is dict else (None, {})
    if kind == "scalar":
        fields(v, "kind", "domain")
        fields(domain, "", "above least below most integer")
        good = all(type(x) is bool if key == "integer" else number(x) is not None for key, x in domain.items())
    elif kind == "operator":
        fields(v, "kind domain codomain symmetric")
        spaces = [v[key] for key in ("domain", "codomain")]
        good = all(type(s) is list and len(sides(s, n)) == 2 for s in spaces) and type(v["symmetric"]) is bool
        good = good and (not v["symmetric"] or sides(spaces[0], n) == sides(spaces[1], n))
    else:
        fields(v, "kind shape")
        good = kind in ("matrix", "function") and type(v["shape"]) is list and len(sides(v["shape"], n)) == 2
    check(good, "not a declaration:", v)

def read(claim: Any, dims: Any = None) -> Claim:
    """The claim with every declaration, statement and process checked; without dims these stay symbolic."""
    fields(claim, "tree dims variables")
    listed, variables = claim["dims"], claim["variables"]
    check(type(listed) is list and all(type(d) is str for d in listed) and type(variables) is dict, "not names:", listed)
    check(dims is None or (type(dims) is dict and sorted(dims) == sorted(listed)), "dims must give exactly", listed)
    n = Names({d: d if dims is None else sides([dims[d]], Names({}, {}))[0] for d in listed}, variables)
    for v in variables.values():
        _declare(v, n)
    parsed = None
    match claim["tree"]:
        case ["forall", [*given], then]:
            parsed = Claim("forall", given, then, [], n)
        case ["exists", [_, *_] as given]:
            parsed = Claim("exists", given, None, [], n)
        case ["always", [("flow" | "descent") as op, loss, symbols, *step, [*begin]] as process, [*given], then]:
            expect(["fosp", loss, symbols], n, TRUTH)
            check(len(step) == (op == "descent") and len(begin) in (0, len(symbols)), "not a process:", process)
            outside = replace(n, variables={k: v for k, v in variables.items() if k not in symbols})
            for t, k in [*zip(begin, symbols, strict=False), *((t, None) for t in step)]:
                expect(t, outside, shape(["sym", k], n) if k else ())
            parsed = Claim("always", given, then, process, replace(n, process=op))
    check(parsed, "not a claim:", claim["tree"])
    assert parsed is not None
    for p in parsed.given:
        expect(p, n, TRUTH)
    if parsed.kind != "exists":
        expect(parsed.then, parsed.names, TRUTH)
    return parsed

def smooth(t: Any) -> bool:
    """Is a term twice continuously differentiable in its argument for a reason visible in its form?"""
    if t[0] == "pow" and t[1][0] == "frobenius" and number(t[2]) % 2 == 0 <= number(t[2]):
        return smooth(t[1][1])
    natural = t[0] != "pow" or number(t[2]) % 1 == 0 <= number(t[2])
    visible = natural and t[0] in _SMOOTH and (t[0] != "fn" or t[1] in SMOOTH)
    return visible and (t[0] == "literal" or all(smooth(x) for x in t[1:] if type(x) is list))
