"""Matrix algebra for all dimensions at once: rational combinations of words in matrix letters with scalar monomials.

A term of a polynomial is (scalars, word): `scalars` a sorted tuple of (atom, exponent), `word` a tuple of letters
(atom, transposed?), () for a scalar. What the algebra cannot look into is an atom, with its arguments in normal form.
FORMAT.md lists the rules."""
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from ._limits import check, identify, spend

ONE = Fraction(1)
SYMMETRIC = ("smooth", "smoothgrad", "hadamard")  # in their slots (f is C^k wherever D^k f is named)
SIZED = ("smooth", "smoothgrad", "apply", "adjoint")  # f or the operator fixes the size of an identity in a slot
TURNS = 200  # words with the same trace that are looked at

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
    symmetric: bool = field(compare=False)

Word = tuple[tuple[Atom, bool], ...]
Scalars = tuple[tuple[Atom, Fraction], ...]

@dataclass(frozen=True)
class Poly:
    """A polynomial in normal form: equal ones are equal as matrices or scalars wherever they are defined."""
    terms: dict[tuple[Scalars, Word], Fraction]

def atom(op: str, name: Any, scalar: object, args: Iterable[Poly] = (), slots: Iterable[Word] = (), *,
         symmetric: bool = False) -> Atom:
    """The atom of these parts, numbered by a text from which they can be told: names are quoted, and every argument, slot
    and factor has an end (one empty slot is not the same as none). A symmetric one is determined by its parts to be so."""
    args, slots = tuple(args), tuple(sorted(slots) if op in SYMMETRIC else slots)
    spend(1 + len(str(name)) // 20 + sum(len(s + w) for p in args for s, w in p.terms) + sum(map(len, slots)))
    key = identify(f"{op}{name!r}[{''.join(text(p) + ']' for p in args)}({''.join(_text(w) + ',' for w in slots)})")
    parts = [key for p in args for key in p.terms] + [((), w) for w in slots]
    free = frozenset().union(*(a.free for s, w in parts for a, _ in (*s, *w)))
    own = frozenset((key,)) if op in ("sym", "move") else free
    return Atom(key, op, name, bool(scalar), args, slots, own, symmetric or op in ("eye", "diag"))

def text(p: Poly) -> str:
    """The same for equal polynomials, in one check."""
    return "".join(sorted(f"{c}{_text(s)}|{_text(w)};" for (s, w), c in p.terms.items()))

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
    factors, word = reduced(tuple(x for x in word if x[0].op != "eye") or word[:1])
    factors += [a.args[0] for a in whole for _ in range(int(powers[a]))]
    start = Poly({(rest, word): c})
    return times(start, *factors) if factors else start

def flip(w: Word) -> Word:
    return tuple((a, not t and not a.symmetric) for a, t in reversed(w))

def reduced(word: Word) -> tuple[list[Poly], Word]:
    """K^-1 K and K K^-1 dropped, for a product K of letters, and 1'1 replaced by its number of entries. (An inverse is
    meant where it exists; a word that is left without letters is an identity.)"""
    factors: list[Poly] = []
    i = 0
    while i < len(word):
        a, t = word[i]
        inside = product_in(a) if a.op == "inverse" else ()
        wanted, size = flip(inside) if t else inside, len(inside)
        spend(1 + size)
        cut = (i, i + 2) if a.op == "ones" and t and word[i + 1:i + 2] == ((a, False),) else None
        if wanted and word[i + 1:i + 1 + size] == wanted:
            cut = (i, i + 1 + size)
        elif wanted and i >= size and word[i - size:i] == wanted:
            cut = (i - size, i + 1)
        if cut is None:
            i += 1
            continue
        factors += [side(a.name)] if a.op == "ones" else []
        word = word[:cut[0]] + word[cut[1]:] or ((atom("eye", 1 if a.op == "ones" else a.name[0], False), False),)
        i = 0
    return factors, word

def product_in(a: Atom) -> Word:
    """The argument of an inverse if it is a product of letters, else ()."""
    ((s, w), c) = next(iter(a.args[0].terms.items()), (((), ()), ONE))
    return w if len(a.args[0].terms) == 1 and not s and c == 1 and w and w[0][0].op != "eye" else ()

def ones(rows: Any, columns: Any) -> Word:
    """The matrix of ones as 1 1', a product of vectors of ones."""
    left, right = (((atom("ones", d, False), t),) if d != 1 else () for d, t in ((rows, False), (columns, True)))
    return left + right or ((atom("eye", 1, False), False),)

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
            value = traced(words[0])
        elif op == "hadamard":
            value = entrywise(words)
        elif op in ("entry", "diagonal"):
            turned = name[::-1] if op == "entry" else name  # X_ij = X'_ji
            value = letter(atom(op, *min((name, op == "entry", (), [words[0]]), (turned, op == "entry", (), [flip(words[0])]),
                                         key=lambda parts: (parts[3], parts[0]))))
        elif op == "smooth" and words:
            words.sort()
            value = traced(((atom("smoothgrad", name, False, args, words[:-1]), True), *words[-1]))
        else:
            value = letter(atom(op, name, op == "smooth", args, words))
        total = plus(total, times(monomial(scalars, (), c), value))
    return total

def entrywise(slots: list[Word]) -> Poly:
    """The entrywise product: nested ones opened, all-ones dropped, functions of one argument multiplied, and the whole
    written for the matrix or its transpose; beside an identity X is the same as X'."""
    flat: list[Word] = []
    for v in slots:
        spend(20 * (1 + len(v)))
        w = tuple(x for x in v if x[0].op != "eye") or v[:1]
        a, t = w[0]
        if a.op == "hadamard" and len(w) == 1:
            flat += [flip(u) if t else u for u in a.slots]
        elif not full(w):
            flat.append(w)
    groups: dict[str, list[Word]] = {}
    for w in flat:
        if w[0][0].op == "map" and len(w) == 1:
            groups.setdefault(text(argument(w[0])), []).append(w)
    if twins := next((g for g in groups.values() if len(g) > 1), None):
        product_, (a, t) = times(*(w[0][0].args[1] for w in twins)), twins[0][0]
        others = [Poly({((), w): ONE}) for w in flat if w not in twins]
        merged = mapped(product_, argument(twins[0][0]), a.name[::-1] if t else a.name)
        return build("hadamard", "", [], [*others, merged]) if others else merged
    if not flat:
        return Poly({((), slots[0]): ONE})
    unit = [w for w in flat if w[0][0].op == "eye"]
    if unit:
        flat = [min(w, flip(w)) for w in flat if w not in unit]
        both = letter(atom("hadamard", "", False, (), [unit[0], *flat], symmetric=True))
        return both if flat else Poly({((), unit[0]): ONE})
    if len(flat) == 1:
        return Poly({((), flat[0]): ONE})
    straight, over = sorted(flat), sorted(map(flip, flat))
    a = atom("hadamard", "", False, (), min(straight, over), symmetric=straight == over)
    return Poly({((), ((a, over < straight),)): ONE})

def full(w: Word) -> bool:
    """Is this a vector or matrix of ones?"""
    turns = [t for _, t in w]
    alone = w[0][0].op == "eye" and w[0][0].name == 1
    return alone or (all(a.op == "ones" for a, _ in w) and turns in ([False], [True], [False, True]))

HOLE = "·"  # the argument of an elementwise function; no variable has this name

def argument(x: tuple[Atom, bool]) -> Poly:
    """The argument of an elementwise function, turned as its letter is."""
    return transpose(x[0].args[0]) if x[1] else x[0].args[0]

def mapped(body: Poly, x: Poly, size: Any) -> Poly:
    """An elementwise function of a matrix of that size, given by a polynomial in the hole: sums split, natural powers of
    the entries as entrywise products, anything else an atom for the matrix or its transpose."""
    hole, total = atom("sym", HOLE, True), Poly({})
    for (s, _), c in body.terms.items():
        spend(4)
        fixed, moving = (tuple(f for f in s if (hole.key in f[0].free) == m) for m in (False, True))
        if not moving:
            part = Poly({((), ones(*size)): ONE})
        elif len(moving) == 1 and moving[0][0] == hole and moving[0][1] in range(1, 13):
            part = build("hadamard", "", [], [x] * int(moving[0][1]))
        else:
            part = either_way("map", size, x, [Poly({(moving, ()): ONE})])
        total = plus(total, times(monomial(fixed, (), c), part))
    return total

def either_way(op: str, size: Any, x: Poly, rest: list[Poly]) -> Poly:
    """A matrix g(x) with g(x') = g(x)', as a letter for x or x'."""
    straight, over = (text(x), [*map(str, size)]), (text(transpose(x)), [*map(str, size[::-1])])
    turn = over < straight
    a = atom(op, tuple(size[::-1] if turn else size), False, [transpose(x) if turn else x, *rest], symmetric=straight == over)
    return Poly({((), ((a, turn),)): ONE})

def inverse(size: Any, x: Poly) -> Poly:
    """The inverse, where it exists."""
    ((s, w), c) = next(iter(x.terms.items()), (((), ()), ONE))
    if len(x.terms) == 1 and not s and c == 1 and w[0][0].op == "eye":
        return x
    return either_way("inverse", size, x, [])

def invariant(op: str, size: Any, x: Poly, rest: Iterable[Poly]) -> Poly:
    """A scalar g(x) with g(x') = g(x)."""
    over = transpose(x)
    turn = (text(over), [*map(str, size[::-1])]) < (text(x), [*map(str, size)])
    return letter(atom(op, tuple(size[::-1] if turn else size), True, [over if turn else x, *rest]))

def traced(word: Word) -> Poly:
    """A trace as an atom, unchanged by cyclic shifts, transposition and what `partners` exchanges; tr(smoothgrad(f, X, Z..)' W)
    is written smooth(f, X, Z.., W)."""
    seen: set[Word] = set()
    queue = [word]
    while queue and len(seen) < TURNS:
        w = queue.pop()
        if w in seen:
            continue
        if len(w) == 1 and w[0][0].op == "eye":
            return side(w[0][0].name)
        spend(20 + 4 * len(w) ** 2)
        turns = {v[i:] + v[:i] for v in (w, flip(w)) for i in range(len(w))}
        for turn in sorted(turns):
            factors, less = reduced(turn)
            if less != turn:
                return times(traced(less), *factors)
        seen |= turns
        for turn in sorted(turns):
            for p, simpler in partners(turn):
                if simpler:
                    return build("trace", "", [], [p])
                queue += [v for _, v in p.terms if v not in seen]
    for ((a, turned), *rest) in sorted(seen):
        if a.op == "smoothgrad" and turned:
            return letter(atom("smooth", a.name, True, a.args, (*a.slots, tuple(rest))))
    return letter(atom("trace", "", True, (), [min(seen)]))

def partners(word: Word) -> Iterable[tuple[Poly, bool]]:
    """Words with the same trace, by exchanging the rest of a word with a slot of its first letter, and whether one is
    simpler for good: <a(.., Z, ..), W> = <a'(.., W, ..), Z> for the linear maps a."""
    (a, t), rest = word[0], word[1:]
    if not rest or a.op not in ("hadamard", "apply", "adjoint", "smoothgrad"):
        return
    rest = rest if t or a.symmetric else flip(rest)
    for i, slot in enumerate(a.slots):
        spend(8 + len(word))
        others = (*a.slots[:i], *a.slots[i + 1:])
        if a.op == "hadamard":
            swapped = entrywise([*others, rest])
            same = [x for _, w in swapped.terms for x, _ in w if x.op == "hadamard" and len(x.slots) == len(a.slots)]
            simpler = len(swapped.terms) != 1 or not same or slot[0][0].op == "eye"
            yield times(transpose(swapped), Poly({((), slot): ONE})), simpler
        elif slot:
            yield Poly({((), ((opposite(a, (*others, rest)), True), *slot)): ONE}), False

def opposite(a: Atom, slots: tuple[Word, ...]) -> Atom:
    """The adjoint of a linear map, at other slots."""
    other = {"apply": "adjoint", "adjoint": "apply"}.get(a.op, a.op)
    return atom(a.op if a.op not in ("apply", "adjoint") or a.name[1] else other, a.name, False, a.args, slots)

def gradient(p: Poly, u: Atom, rows: Any) -> Poly:
    """The W of p = <U, W> for a scalar p that is linear in the letter u."""
    total = Poly({})
    for (s, _), c in p.terms.items():
        hit = next(a for a, _ in s if u.key in a.free)
        word = exposed(hit, u)
        at = [a for a, _ in word].index(u)
        around = word[at + 1:] + word[:at]
        around = (around if word[at][1] else flip(around)) or ((atom("eye", rows, False), False),)
        total = plus(total, monomial(tuple(x for x in s if x[0] != hit), around, c))
    return total

def exposed(hit: Atom, u: Atom) -> Word:
    """A word whose trace is `hit`, with u as a letter: <a(.., Z, ..), W> = <a'(.., W, ..), Z> for the linear maps a."""
    check(hit.op in ("trace", "smooth"), "the kernel has no gradient rule for", hit.op, "derivative")
    word: Word = hit.slots[0]
    if hit.op == "smooth":
        word = ((atom("smoothgrad", hit.name, False, hit.args, hit.slots[1:]), True), *word)
    while u not in [a for a, _ in word]:
        spend(len(word) ** 2 // 4)
        turns = [w[i:] + w[:i] for w in (word, flip(word)) for i, (a, turned) in enumerate(w)
                 if (turned or a.symmetric) and u.key in a.free]
        a, rest = turns[0][0][0], turns[0][1:]
        i = next((i for i, w in enumerate(a.slots) if any(u.key in x.free for x, _ in w)), -1)
        good = a.op == "hadamard" or a.op in SIZED
        check(good and i >= 0 and (rest or a.op in SIZED), "the kernel has no gradient rule for", a.op, "derivative")
        others = (*a.slots[:i], *a.slots[i + 1:])
        if a.op == "hadamard":
            swapped = transpose(entrywise([*others, rest])).terms
            plain = list(swapped.values()) == [ONE] and not any(s for s, _ in swapped)
            check(plain, "the kernel has no gradient rule for functions here", rule="derivative")
            word = (*next(iter(swapped))[1], *a.slots[i])
        else:
            word = ((opposite(a, (*others, rest)), True), *a.slots[i])
    return word
