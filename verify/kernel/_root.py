"""Second-order points with irrational entries: one is shown to exist in a box, and the claim is read on the whole box.

Let x range over the entries of the named variables, in order, and let T_1, T_2 ... be the directions of a symmetry: the
loss does not change along them, identically, so <grad L(x), T_k(x)> = 0 for all x. Let p be the centre of the box and
    F(x) = grad L(x) + sum of c_k(x) T_k(x),    c_k(x) = <T_k(p), x - p>.
A zero of F is a zero of grad L: the product of F(x) = 0 with T_j(x) says that sum of c_k <T_j, T_k> = 0 for all j, hence
the norm of sum of c_k T_k is 0. At such a point grad L = 0, and the derivative of <grad L, T_k> = 0 gives Hess L T_k = 0."""
from dataclasses import replace
from fractions import Fraction
from itertools import count
from math import inf
from typing import Any

from ._evaluate import Scope, evaluate, expansion, hessian, lift
from ._language import TRUTH, expect, fields, shape, sides
from ._limits import check, number, spend
from ._matrices import centred, semidefinite
from ._values import Interval, Value, add, affine, coefficient, each, ends, monomials, mul, total, vanishes

FREE = "·W"  # the matrix of a symmetry; no variable of a claim has this name

def flat(values: dict[str, Value], names: list[str]) -> list[Value]:
    """All entries of the named variables, in order."""
    return [x for k in names for row in (values[k] if isinstance(values[k], list) else [[values[k]]]) for x in row]

def directions(gauges: Any, names: list[str], s: Scope) -> list[dict[str, Value]]:
    """T_1, T_2 ...: the moves of each symmetry at the scope's values, for each entry of its free matrix."""
    check(type(gauges) is list, "gauges is not a list", rule="root")
    found = []
    for gauge in gauges:
        fields(gauge, "side moves")
        side, moves = sides([gauge["side"]], s.names)[0], gauge["moves"]
        good = type(moves) is dict and set(moves) <= set(names) and FREE not in s.names.variables
        check(good, "a symmetry moves some of", names, "root")
        n = replace(s.names, variables=s.names.variables | {FREE: {"kind": "matrix", "shape": [side, side]}})
        for k, t in moves.items():
            expect(t, n, shape(["sym", k], n))
        for at in range(side * side):
            spend(side * side)
            unit = [[Fraction(side * i + j == at) for j in range(side)] for i in range(side)]
            inside = replace(s, names=n, values=s.values | {FREE: unit})
            found.append({k: evaluate(moves[k], inside) if k in moves else affine(0, s.values[k]) for k in names})
    return found

def symmetric(gauges: Any, loss: Any, names: list[str], s: Scope) -> None:
    """Check that the loss does not change along the directions: its derivatives vanish as polynomials in all entries."""
    level, own = s.level + 1, count()
    zero = {k: affine(0, s.values[k]) for k in names}
    free = replace(s, level=level, values=s.values | {k: lift(z, level, inf, [], own) for k, z in zero.items()})
    moves = directions(gauges, names, free)
    moved = {k: lift(free.values[k], level + 1, 1, [t[k] for t in moves]) for k in names}
    value = evaluate(loss, replace(free, level=level + 1, values=free.values | moved))
    change = [c for key, c in monomials(value, level + 1).items() if key]
    check(all(vanishes(x) for c in change for x in monomials(c, level).values()), "the loss changes along the symmetry",
          rule="root")

def located(spec: Any, s: Scope) -> Scope:
    """The scope with the named entries enclosed in a box around the given values that contains a stationary point, and
    with the truth of its second-order stationarity.

    Krawczyk: with any matrix Y, the map x - Y F(x) sends the box p + [-h, h] into its interior if, in each row,
    |Y F(p)| + h |I - Y F'(box)| < h. Then it has a fixed point there (Brouwer), and Y is regular, so F vanishes at it.
    Second order: with T the directions, v = t + w with t in their span and w orthogonal to it has v'Hv = w'Hw =
    w'(H + TT')w, so that H is positive semidefinite if H + TT' is on the whole box."""
    fields(spec, "names loss radius inverse gauges")
    names, loss, h, gauges, rows = (spec[k] for k in ("names", "loss", "radius", "gauges", "inverse"))
    h = number(h)
    expect(["fosp", loss, names], s.names, TRUTH)
    check(h > 0 and all(k in s.values for k in names), "a positive radius, and values in the names' place", rule="root")
    level, own = s.level + 1, count()
    wide = replace(s, values=s.values | {k: each(lambda x: Interval(x - h, x + h), s.values[k]) for k in names})
    moving = replace(wide, level=level, values=wide.values | {k: lift(wide.values[k], level, 1, [], own) for k in names})
    (start, size), (value, _) = expansion(loss, names, s, 1), expansion(loss, names, wide, 2)
    full = hessian(value, size, wide)
    jacobian, point, entries = [list(row) for row in full], flat(s.values, names), flat(moving.values, names)
    if gauges != []:
        symmetric(gauges, loss, names, s)
    here, there, slopes = ([flat(t, names) for t in directions(gauges, names, x)] for x in (s, wide, moving))
    for t, wide_t, moving_t in zip(here, there, slopes, strict=True):
        c = total(mul(x, add(y, -p)) for x, y, p in zip(t, entries, point, strict=True))
        change = [mul(c, x) for x in moving_t]
        spend(size * size)
        jacobian = [[add(x, coefficient(change[i], level, (j,))) for j, x in enumerate(row)] for i, row in enumerate(jacobian)]
        full = [[add(x, mul(wide_t[i], wide_t[j])) for j, x in enumerate(row)] for i, row in enumerate(full)]
    good = type(rows) is list and len(rows) == size and all(type(row) is list and len(row) == size for row in rows)
    check(good, f"the inverse is not a matrix of {size} x {size} numbers", rule="root")
    inverse = each(number, rows)
    gradient = [[coefficient(start, level, (i,))] for i in range(size)]
    radii = [sum((hi - lo) / 2 for lo, hi in map(ends, row)) for row in jacobian]
    product, shifts = mul(inverse, centred(jacobian)[0]), mul(inverse, gradient)
    for i, (row, line) in enumerate(zip(inverse, product, strict=True)):
        spread = sum(abs(x - (i == j)) for j, x in enumerate(line)) + sum(abs(y) * e for y, e in zip(row, radii, strict=True))
        check(max(map(abs, ends(shifts[i][0]))) + h * spread < h, "the box is not mapped into itself: row", i, "root")
    middle, error = centred(full)
    for i, line in enumerate(middle):
        line[i] -= error
    return replace(wide, root=(loss, names, semidefinite(middle)))
