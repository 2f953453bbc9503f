"""Matrix algebra for all dimensions at once: rational combinations of words in matrix letters with scalar monomials.

A term of a polynomial is (scalars, word): `scalars` a sorted tuple of (atom, exponent), `word` a tuple of letters
(atom, transposed?), () for a scalar. What the algebra cannot look into is an atom, with its arguments in normal form."""
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from ._limits import check, identify, spend

ONE = Fraction(1)
SYMMETRIC = ("smooth", "smoothgrad", "hadamard")  # in their slots (f is C^k wherever D^k f is named)
SIZED = ("smooth", "smoothgrad", "apply", "adjoint")  # f or the operator fixes the size of an identity in a slot

@dataclass(frozen=True, order=True)
class Atom:
    """An indivisible scalar or matrix, determined by its key: `args` are polynomials it depends on somehow, `slots`
    words it is linear in, `free` the keys of the symbols in it."""
    key: int
    op: str = field(compare=False)
    name: Any = field(compare=False)
    scalar: bool = field(compare=False)
    args: tuple["Poly", ...] = field(compare=False)
    slots: tuple[Any, ...] = field(compare=False)
    free: frozenset[int] = field(compare=False)

Word = tuple[tuple[Atom, bool], ...]
Scalars = tuple[tuple[Atom, Fraction], ...]

@dataclass(frozen=True)
class Poly:
    """A polynomial in normal form: equal ones are equal as matrices or scalars wherever they are defined."""
    terms: dict[tuple[Scalars, Word], Fraction]

def atom(op: str, name: Any, scalar: object, args: Iterable[Poly] = (), slots: Iterable[Word] = ()) -> Atom:
    """The atom of these parts, numbered by a text from which they can be told: names are quoted, and every argument, slot
    and factor has an end (one empty slot is not the same as none)."""
    args, slots = tuple(args), tuple(sorted(slots) if op in SYMMETRIC else slots)
    spend(1 + len(str(name)) // 20 + sum(len(s + w) for p in args for s, w in p.terms) + sum(map(len, slots)))
    inside = ["".join(sorted(f"{c}{_text(s)}|{_text(w)};" for (s, w), c in p.terms.items())) + "]" for p in args]
    key = identify(f"{op}{name!r}[{''.join(inside)}({''.join(_text(w) + ',' for w in slots)})")
    parts = [key for p in args for key in p.terms] + [((), w) for w in slots]
    free = frozenset().union(*(a.free for s, w in parts for a, _ in (*s, *w)))
    return Atom(key, op, name, bool(scalar), args, slots, frozenset((key,)) if op in ("sym", "move") else free)

def _text(factors: Any) -> str:
    return "".join(f"#{a.key}^{x} " for a, x in factors)

def constant(c: Fraction) -> Poly:
    return Poly({((), ()): c} if c else {})

def letter(a: Atom) -> Poly:
    return Poly({(((a, ONE),), ()) if a.scalar else ((), ((a, False),)): ONE})

def side(d: Any) -> Poly:
    """A dimension as a scalar."""
    return constant(Fraction(d)) if type(d) is int else letter(atom("dim", d, True))

def plus(*ps: Poly) -> Poly:
    """The sum."""
    total: dict[tuple[Scalars, Word], Fraction] = {}
    for p in ps:
        for key, c in p.terms.items():
            spend(4 + (c.denominator.bit_length() >> 6))
            total[key] = total[key] + c if key in total else c
    return Poly({key: c for key, c in total.items() if c})

def times(p: Poly, *rest: Poly) -> Poly:
    """The product in the given order."""
    for q in rest:
        parts = []
        for ((s1, w1), c1), ((s2, w2), c2) in product(p.terms.items(), q.terms.items()):
            spend(8 + 2 * len(s1 + s2 + w1 + w2) + (c1.denominator.bit_length() + c2.numerator.bit_length() >> 6))
            parts.append(monomial(s1 + s2, w1 + w2, c1 * c2))
        p = plus(*parts)
    return p

def monomial(scalars: Scalars, word: Word, c: Fraction) -> Poly:
    """Equal atoms joined, x^a x^b = x^(a+b), identity letters dropped, and a power of a sum multiplied out as soon as
    its exponent is a natural number."""
    powers: dict[Atom, Fraction] = {}
    for a, e in scalars:
        powers[a] = powers.get(a, Fraction(0)) + e
        check(abs(powers[a]) < 1000 and e.denominator < 1 << 64, "an exponent is too large", rule="limits")
    whole = [a for a, e in powers.items() if a.op == "sum" and e.denominator == 1 and e > 0]
    rest = tuple(sorted((a, e) for a, e in powers.items() if e and a not in whole))
    word = tuple(x for x in word if x[0].op != "eye") or word[:1]
    start = Poly({(rest, word): c})
    return times(start, *(a.args[0] for a in whole for _ in range(int(powers[a])))) if whole else start

def flip(w: Word) -> Word:
    return tuple((a, not t and a.op != "eye") for a, t in reversed(w))

def transpose(p: Poly) -> Poly:
    return Poly({(s, flip(w)): c for (s, w), c in p.terms.items()})

def power(p: Poly, e: Fraction) -> Poly:
    """p^e of a scalar p: multiplied out for natural e; exponents scaled if p is one monomial and e an integer, or p is
    one atom; else a power of a sum as an atom. Meant where it is defined."""
    check(abs(e) < 1000 and (p.terms or e > 0), "exponent too large, or zero to a negative power", rule="limits")
    if e.denominator == 1 and e >= 0:
        return times(constant(ONE), *[p] * int(e))
    ((s, _), c) = next(iter(p.terms.items()), (((), ()), ONE))
    spend(int(abs(e) * max(c.numerator.bit_length(), c.denominator.bit_length())) ** 2 >> 20)
    if len(p.terms) == 1 and (e.denominator == 1 or (c == 1 and len(s) == 1 and s[0][1] == 1)):
        return monomial(tuple((a, x * e) for a, x in s), (), c ** int(e) if e.denominator == 1 else ONE)
    return Poly({(((atom("sum", "", True, [p]), e),), ()): ONE})

def build(op: str, name: Any, args: list[Poly], slots: list[Poly]) -> Poly:
    """An operation that is linear in its slots, expanded into words there (the empty word: an identity)."""
    total = Poly({})
    for choice in product(*(p.terms.items() for p in slots)):
        scalars, c = tuple(x for (s, _), _ in choice for x in s), ONE
        for _, x in choice:
            c *= x
        words = [() if w[0][0].op == "eye" and op in SIZED else w for (_, w), _ in choice]
        if op == "trace":
            value = side(words[0][0][0].name) if words[0][0][0].op == "eye" else traced(words[0])
        elif op == "smooth" and words:
            words.sort()
            value = traced(((atom("smoothgrad", name, False, args, words[:-1]), True), *words[-1]))
        else:
            value = letter(atom(op, name, op == "smooth", args, words))
        total = plus(total, times(monomial(scalars, (), c), value))
    return total

def traced(word: Word) -> Poly:
    """A trace as an atom, unchanged by cyclic shifts and transposition; tr(smoothgrad(f, X, Z..)' W) is written
    smooth(f, X, Z.., W)."""
    spend(len(word) ** 2 // 4)
    turns = sorted(w[i:] + w[:i] for w in (word, flip(word)) for i in range(len(word)))
    for ((a, turned), *rest) in turns:
        if a.op == "smoothgrad" and turned:
            return letter(atom("smooth", a.name, True, a.args, (*a.slots, tuple(rest))))
    return letter(atom("trace", "", True, (), [turns[0]]))

def gradient(p: Poly, u: Atom, rows: Any) -> Poly:
    """The W of p = <U, W> for a scalar p that is linear in the letter u."""
    total = Poly({})
    for (s, _), c in p.terms.items():
        hit = next(a for a, _ in s if u.key in a.free)
        word = exposed(hit, u)
        at = [a for a, _ in word].index(u)
        around = word[at + 1:] + word[:at]
        around = (around if word[at][1] else flip(around)) or ((atom("eye", rows, False), False),)
        total = plus(total, Poly({(tuple(x for x in s if x[0] != hit), around): c}))
    return total

def exposed(hit: Atom, u: Atom) -> Word:
    """A word whose trace is `hit`, with u as a letter: <a(.., Z, ..), W> = <a'(.., W, ..), Z> for the linear maps a."""
    check(hit.op in ("trace", "smooth"), "the kernel has no gradient rule for", hit.op, "derivative")
    word: Word = hit.slots[0]
    if hit.op == "smooth":
        word = ((atom("smoothgrad", hit.name, False, hit.args, hit.slots[1:]), True), *word)
    while u not in [a for a, _ in word]:
        spend(len(word) ** 2 // 4)
        turns = [w[i:] + w[:i] for w in (word, flip(word)) for i, (a, turned) in enumerate(w) if turned and u.key in a.free]
        a, rest = turns[0][0][0], turns[0][1:]
        i = next((i for i, w in enumerate(a.slots) if any(u.key in x.free for x, _ in w)), -1)
        check(i >= 0 and (rest or a.op in SIZED), "the kernel has no gradient rule for", a.op, "derivative")
        op = a.op
        if op in ("apply", "adjoint") and not a.name[1]:  # not symmetric
            op = "adjoint" if op == "apply" else "apply"
        word = ((atom(op, a.name, False, a.args, (*a.slots[:i], rest, *a.slots[i + 1:])), True), *a.slots[i])
    return word
