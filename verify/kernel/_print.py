"""What an accepted certificate says, written from its tree alone: the scope, and the statement line by line.

A text can be read in one way only: every operation with an order of its own stands in parentheses or is written as a
call, and a name that is not plain letters (or is a word of this notation) stands in quotes, with each unusual
character by its number, as in "<U+0410>". Nothing else leaves the fixed alphabet below, so no name can forge a line."""
from fractions import Fraction
from hashlib import sha256
from typing import Any

from ._functions import FUNCTIONS
from ._language import _RULES, Claim, read
from ._limits import check, number, spend, start
from ._total import everywhere

LENGTH = 10_000  # characters of a statement
RESERVED = "·"  # what starts with it stands for the argument of a function, or for the matrix of a symmetry
_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_GREEK = "αβγδεζηθικλμξπρσςτφχψωΓΔΘΛΞΠΣΦΨΩ"  # those that could be taken for Latin ones are shown by number
_FIRST, _LATER = {*_LATIN, *_GREEK}, {*_LATIN, *_GREEK, *"0123456789_⋆"}
_QUOTED = _LATER | {chr(i) for i in range(32, 127)} - {*'"<>'}
_BETWEEN = {"add": " + ", "mul": " * ", "matmul": " · ", "hadamard": " ∘ ", "both": " and ", "either": " or ",
            "equal": " = ", "distinct": " ≠ ", "le": " ≤ ", "lt": " < "}
_WORDS = {*_RULES, *FUNCTIONS, *_BETWEEN, "arg", "hole", "and", "or", "in", "along", "order", "adjoint", "derivative"}

def name(x: str) -> str:
    """A name as it is if it is plain, else quoted."""
    if x and x[0] in _FIRST and set(x) <= _LATER and x not in _WORDS:
        return x
    return '"' + "".join(c if c in _QUOTED else f"<U+{ord(c):04X}>" for c in x) + '"'

def dim(x: Any) -> str:
    return name(x) if type(x) is str else str(x)

def rational(x: Fraction) -> str:
    """p/q in decimal digits; long ones in hexadecimal ones, which Python writes at any length."""
    spend(1 + (x.numerator.bit_length() + x.denominator.bit_length()) // 64)
    parts = [x.numerator, x.denominator][:1 + (x.denominator != 1)]
    return "/".join(str(p) if p.bit_length() < 4000 else f"{p:#x}" for p in parts)

def joined(parts: list[str]) -> str:
    return ", ".join(parts)

def term(t: Any) -> str:
    """A well-formed term or statement."""
    text = _term(t)
    spend(2 + len(text) // 64)
    return text

def bare(t: Any) -> str:
    """The same between commas, brackets or line ends, where parentheses around all of it say nothing."""
    text = term(t)
    return text[1:-1] if (t[0] in ("num", "pow") and text[0] == "(") or (t[0] in _BETWEEN and len(t) > 2) else text

def _term(t: Any) -> str:
    match t:
        case ["num", x]:
            return exact(x)
        case ["sym", x]:
            return name(x)
        case ["arg"] | ["hole"] | ["pi"]:
            return str(t[0])
        case ["dim", d]:
            return dim(d)
        case ["function", sides, body]:
            return f"(arg in {dim(sides[0])} × {dim(sides[1])} ↦ {bare(body)})"
        case ["map", body, x]:
            return f"map(hole ↦ {bare(body)}, {bare(x)})"
        case ["literal", rows]:
            return "[" + "; ".join(joined([rational(number(x)) for x in row]) for row in rows) + "]"
        case ["transpose", x]:
            return f"{term(x)}ᵀ"
        case ["pow", x, e]:
            return f"({term(x)}^{exact(e)})"
        case ["fn", f, x]:
            return f"{f}({bare(x)})"
        case ["smooth" | "smoothgrad" as op, f, x, *slots]:
            head = "∇" if op == "smoothgrad" else f"∂{len(slots)} " if slots else ""
            called = term(f) if type(f) is list else name(f)
            return f"{head}{called}({bare(x)})" + (f"[{joined(list(map(bare, slots)))}]" if slots else "")
        case ["apply" | "adjoint" as op, f, x]:
            return f"{f'adjoint({name(f)})' if op == 'adjoint' else name(f)}({bare(x)})"
        case ["derivative", x, moves, order]:
            along = joined([f"{name(k)} along {term(z)}" for k, z in moves])
            return f"derivative({bare(x)}, [{along}], order {order})"
        case ["fosp" | "sosp" as op, loss, names]:
            return f"{op}({bare(loss)}, [{joined(list(map(name, names)))}])"
        case ["add", x, _, *_]:
            return f"({term(x)}{''.join(map(_plus, t[2:]))})"
        case [str(op), _, _, *_] if op in _BETWEEN:
            return f"({_BETWEEN[op].join(map(term, t[1:]))})"
    return f"{t[0]}({joined([bare(x) if type(x) is list else dim(x) for x in t[1:]])})"

def _plus(t: Any) -> str:
    """A later summand with its sign."""
    match t:
        case ["mul", ["num", c], x] if number(c) == -1:
            return f" - {term(x)}"
    return f" + {term(t)}"

def exact(x: Any) -> str:
    """A number that may stand beside other signs."""
    text = rational(number(x))
    return f"({text})" if {*text} & {*"-/"} else text

def variable(k: str, v: Any) -> str:
    """One declaration."""
    def sides(key: str) -> str:
        return " × ".join(map(dim, v[key]))
    if v["kind"] == "scalar":
        signs, domain = {"above": ">", "least": "≥", "below": "<", "most": "≤"}, v.get("domain", {})
        bounds = "".join(f", {signs[b]} {rational(number(domain[b]))}" for b in signs if b in domain)
        return f"{name(k)}: {'an integer' if domain.get('integer') else 'a real number'}{bounds}"
    if v["kind"] == "operator":
        kind = "symmetric linear map" if v["symmetric"] else "linear map"
        return f"{name(k)}: a {kind} from {sides('domain')} to {sides('codomain')}"
    what = "a matrix" if v["kind"] == "matrix" else "a twice continuously differentiable function of a matrix"
    return f"{name(k)}: {what} {sides('shape')}"

def named(c: Claim) -> None:
    """One name is one thing, and none is reserved: otherwise the statement could not be read."""
    names = [*c.names.dims, *c.names.variables]
    check(len(set(names)) == len(names), "a name is both a dimension and a variable", rule="names")
    for x in names:
        check(x and not x.startswith(RESERVED), "a reserved name:", x, "names")

def statement(claim: Any) -> str:
    """The claim of a certificate in words: declarations, assumptions, conclusion, one a line."""
    start(128)
    c = read(claim)
    check(len(set(claim["dims"])) == len(claim["dims"]), "a dimension is listed twice", rule="names")
    named(c)
    sizes = f" sizes {joined(list(map(dim, sorted(c.names.dims))))}" if c.names.dims else ""
    lines = [f"{'there are' if c.kind == 'exists' else 'for all'}{sizes}"]
    lines += [f"  {variable(k, v)}" for k, v in sorted(c.names.variables.items())]
    if c.process:
        op, loss, names, *step, begin = c.process
        size = f" with step {bare(step[0])}" if step else ""
        lines += [f"along gradient {op} in {joined(list(map(name, names)))}{size} of", f"  {bare(loss)}"]
        lines += [f"  from {name(k)} = {bare(t)}" for k, t in zip(names, begin, strict=False)]
    if c.given:
        lines.append("such that" if c.kind == "exists" else "given, at the start" if c.process else "given")
        lines += [f"  {bare(p)}" for p in c.given]
    if c.kind != "exists":
        lines += ["then, at all times" if c.process else "then", f"  {bare(c.then)}"]
    return bounded("\n".join(lines))

def bounded(text: str) -> str:
    """A text of moderate length; of a longer one its beginning, its length and a hash of the whole."""
    if len(text) <= LENGTH:
        return text
    return f"{text[:LENGTH]} ...\n  ({len(text)} characters in all, SHA-256 {sha256(text.encode()).hexdigest()})"

def scope(certificate: Any) -> str:
    """For which sizes an accepted certificate holds, and whether only where its terms are defined."""
    start(128)
    if certificate["kind"] != "identity":
        sizes = certificate["dims"]
        return f"{' '.join(f'{dim(d)}={sizes[d]}' for d in sorted(sizes)) or 'the sizes as stated'}, exact"
    c = read(certificate["claim"])
    sizes = f"all {joined([dim(d) for d in sorted(c.names.dims)])}" if c.names.dims else "the sizes as stated"
    partly = not everywhere(c)
    return f"{sizes}{', every state' if c.process else ''}{' where defined' if partly else ''}"
