"""The kernel's enclosures and exact linear algebra against second routes: mpmath, SymPy, NumPy."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_trees import ARG, add, claim, e, matrix, mul, num, power, sub, sym

from verify.kernel import Truth, decide, values_at

settings.register_profile("kernel", max_examples=60, deadline=None, derandomize=True)
settings.load_profile("kernel")
rationals = st.fractions(min_value=-40, max_value=40, max_denominator=10**6)
FUNCTIONS = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "tanh": mpmath.tanh,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "abs": abs,
    "sign": mpmath.sign,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "step": lambda x: mpmath.mpf(x > 0),
}


def value(term: Any, values: dict[str, Any], dims: dict[str, int] | None = None, shapes: Any = None, bits: int = 128):
    """Bounds of a scalar term: by bisection with `decide` where it is not exact, so only the public door is used."""
    variables = {k: matrix(len(v), len(v[0])) if isinstance(v, list) else {"kind": "scalar"} for k, v in values.items()}
    tree = {"tree": ["exists", [["lt", term, num("-1/1000003")]]], "dims": [], "variables": variables | (shapes or {})}
    found = decide(tree, {}, values, bits)
    if found.comparison is None:
        tree["tree"] = ["exists", [["lt", num("-1/1000003"), term]]]
        found = decide(tree, {}, values, bits)
        text = found.comparison[2]
    else:
        text = found.comparison[0]
    if text.startswith("["):
        lo, hi = (mpmath.mpf(x) for x in text[1:-1].split(", "))
        return lo, hi
    q = Fraction(text)
    return (mpmath.mpf(q.numerator) / q.denominator,) * 2


@given(st.sampled_from(sorted(FUNCTIONS)), rationals)
def test_enclosures_contain_the_value_and_are_tight(name: str, x: Fraction) -> None:
    mpmath.mp.prec = 400
    if name == "log" and x <= 0:
        found = decide({"tree": ["exists", [["lt", ["fn", "log", num(x)], num(1)]]], "dims": [], "variables": {}}, {}, {})
        assert found.conclusion is Truth.UNDECIDED
        return
    lo, hi = value(["fn", name, num(x)], {})
    true = FUNCTIONS[name](mpmath.mpf(x.numerator) / x.denominator)
    slack = mpmath.mpf(10) ** -17 * max(1, abs(true))
    assert lo - mpmath.mpf(10) ** -90 <= true <= hi + mpmath.mpf(10) ** -90
    assert hi - lo <= slack


@given(st.sampled_from(["exp", "tanh", "sigmoid", "softplus", "sin", "cos", "erf", "log"]), rationals, st.integers(1, 3))
def test_derivatives_of_functions(name: str, x: Fraction, order: int) -> None:
    mpmath.mp.prec = 300
    x = abs(x) / 8 + Fraction(1, 10)
    term = ["derivative", ["fn", name, sym("x")], [["x", num(1)]], order]
    lo, hi = value(term, {"x": str(x)})
    true = mpmath.diff(FUNCTIONS[name], mpmath.mpf(x.numerator) / x.denominator, order)
    assert lo - mpmath.mpf("1e-12") <= true <= hi + mpmath.mpf("1e-12")
    assert hi - lo < mpmath.mpf("1e-15") * max(1, abs(true))


@given(st.fractions(min_value=0, max_value=10**6, max_denominator=10**6), st.sampled_from(["1/2", "1/3", "3/2", "-1/2", "5/4"]))
def test_roots(x: Fraction, exponent: str) -> None:
    mpmath.mp.prec = 300
    q = Fraction(exponent)
    if x == 0 and q < 0:
        return
    lo, hi = value(power(num(x), exponent), {})
    true = (mpmath.mpf(x.numerator) / x.denominator) ** (mpmath.mpf(q.numerator) / q.denominator)
    assert lo - abs(true) * mpmath.mpf("1e-80") <= true <= hi + abs(true) * mpmath.mpf("1e-80")
    assert hi - lo <= abs(true) * mpmath.mpf("1e-17")
    assert value(power(num(x * x), "1/2"), {}) == value(num(x), {})


def rational_matrix(rows: int, columns: int, rng: random.Random, size: int = 9) -> list[list[str]]:
    return [[str(Fraction(rng.randint(-size, size), rng.randint(1, 4))) for _ in range(columns)] for _ in range(rows)]


def numeric(a: list[list[str]]) -> mpmath.matrix:
    return mpmath.matrix([[mpmath.mpf(Fraction(x).numerator) / Fraction(x).denominator for x in row] for row in a])


@pytest.mark.parametrize("seed", range(12))
def test_singular_values_and_their_sums(seed: int) -> None:
    mpmath.mp.prec = 200
    rng = random.Random(seed)
    a = rational_matrix(rng.randint(1, 4), rng.randint(1, 4), rng)
    if seed % 3 == 0 and len(a) > 1:
        a[1] = [str(2 * Fraction(x)) for x in a[0]]
    m = numeric(a)
    small = m * m.T if len(a) <= len(a[0]) else m.T * m
    true = sorted((mpmath.sqrt(max(x, 0)) for x in mpmath.eigsy(small, eigvals_only=True)), reverse=True)
    for k, sigma in enumerate(true, 1):
        lo, hi = value(["sigma", sym("a"), num(k)], {"a": a})
        assert lo - mpmath.mpf("1e-18") <= sigma <= hi + mpmath.mpf("1e-18")
        assert hi - lo < mpmath.mpf("1e-15") * (1 + sigma)
    rank = int(np.linalg.matrix_rank(np.array([[float(Fraction(x)) for x in row] for row in a]), rtol=1e-10))
    assert value(["rank", sym("a")], {"a": a})[0] == rank
    assert value(["sigma", sym("a"), num(len(true) + 1)], {"a": a}) == (0, 0)
    for op, want in (("nuclear", sum(true)), ("spectral", true[0])):
        lo, hi = value([op, sym("a")], {"a": a})
        assert max(abs(lo - want), abs(hi - want)) < mpmath.mpf("1e-15")


def test_rational_singular_values_are_exact() -> None:
    a = [["3/7", "0"], ["0", "-4/7"]]
    assert value(["sigma", sym("a"), num(2)], {"a": a}) == value(num("3/7"), {})
    turned = [["9/35", "16/35"], ["12/35", "-12/35"]]  # a rotation by 3/5, 4/5 of it
    assert value(["nuclear", sym("a")], {"a": turned}) == value(num(1), {})


@pytest.mark.parametrize("seed", range(6))
def test_smallest_eigenvalue_projection_inverse_determinant(seed: int) -> None:
    mpmath.mp.prec = 200
    rng = random.Random(100 + seed)
    n = rng.randint(1, 4)
    a = rational_matrix(n, n, rng)
    s = [[str(Fraction(a[i][j]) + Fraction(a[j][i])) for j in range(n)] for i in range(n)]
    lo, hi = value(["lambda_min", sym("s")], {"s": s})
    true = min(mpmath.eigsy(numeric(s), eigvals_only=True))
    assert lo - mpmath.mpf("1e-18") <= true <= hi + mpmath.mpf("1e-18")
    exact = sympy.Matrix([[sympy.Rational(x) for x in row] for row in a])
    assert value(["det", sym("a")], {"a": a})[0] == mpmath.mpf(exact.det().p) / exact.det().q
    if exact.det() != 0:
        identity = {
            "tree": ["exists", [["equal", ["matmul", sym("a"), ["inverse", sym("a")]], ["eye", n]]]],
            "dims": [],
            "variables": {"a": matrix(n, n)},
        }
        assert decide(identity, {}, {"a": a}).conclusion is Truth.TRUE


@pytest.mark.parametrize("seed", range(6))
def test_off_block_is_the_projection(seed: int) -> None:
    rng = random.Random(seed)
    m, n, k = rng.randint(2, 4), rng.randint(2, 4), rng.randint(1, 2)
    left, right, y = rational_matrix(m, k, rng), rational_matrix(k, n, rng), rational_matrix(m, n, rng)
    x = (sympy.Matrix(left).applyfunc(sympy.Rational) * sympy.Matrix(right).applyfunc(sympy.Rational)).tolist()
    u, v = (sympy.Matrix(z).columnspace() for z in (x, sympy.Matrix(x).T.tolist()))
    projections = []
    for basis, size in ((u, m), (v, n)):
        b = sympy.Matrix.hstack(*basis) if basis else sympy.zeros(size, 1)
        projections.append(sympy.eye(size) - (b * (b.T * b).inv() * b.T if basis else sympy.zeros(size)))
    want = projections[0] * sympy.Matrix(y).applyfunc(sympy.Rational) * projections[1]
    literal = ["literal", [[str(c) for c in row] for row in want.tolist()]]
    tree = {
        "tree": ["exists", [["equal", ["off_block", sym("y"), sym("x")], literal]]],
        "dims": [],
        "variables": {"x": matrix(m, n), "y": matrix(m, n)},
    }
    assert decide(tree, {}, {"x": [[str(c) for c in row] for row in x], "y": y}).conclusion is Truth.TRUE


def psd(a: list[list[Fraction]]) -> Truth:
    """Whether a matrix is the Hessian of a convex function, through the public door."""
    n = len(a)
    body = mul("1/2", add(*[mul(num(a[i][j]), e(i, 0), e(j, 0)) for i in range(n) for j in range(n)]))
    tree = claim(
        ["exists", [["convex", ["function", [n, 1], ["smooth", "f", ARG]]]]],
        A=None,
        B=None,
        **{"λ": None, "f": {"kind": "function", "shape": [n, 1]}},
    )
    tree["dims"] = []
    return decide(tree, {}, {"f": {"body": body}}).conclusion


@pytest.mark.parametrize("seed", range(25))
def test_semidefinite_definite_singular_and_barely_indefinite(seed: int) -> None:
    rng = random.Random(seed)
    n = rng.randint(1, 5)
    k = rng.randint(0, n)
    half = [[Fraction(rng.randint(-4, 4), rng.randint(1, 3)) for _ in range(n)] for _ in range(k)]
    a = [[sum((r[i] * r[j] for r in half), Fraction(0)) for j in range(n)] for i in range(n)]
    assert psd(a) is Truth.TRUE
    nudged = [[x - (Fraction(1, 2**200) if i == j else 0) for j, x in enumerate(row)] for i, row in enumerate(a)]
    true = sympy.Matrix([[sympy.Rational(x.numerator, x.denominator) for x in row] for row in nudged])
    coefficients = true.charpoly().all_coeffs()
    want = all((-1) ** i * c >= 0 for i, c in enumerate(coefficients))
    assert (psd(nudged) is Truth.TRUE) == want
    if k < n:
        assert psd(nudged) is Truth.FALSE
    other = [[Fraction(rng.randint(-3, 3)) for _ in range(n)] for _ in range(n)]
    other = [[other[i][j] + other[j][i] for j in range(n)] for i in range(n)]
    signs = sympy.Matrix([[int(x) for x in row] for row in other]).charpoly().all_coeffs()
    assert (psd(other) is Truth.TRUE) == all((-1) ** i * c >= 0 for i, c in enumerate(signs))


def test_a_zero_pivot_with_a_nonzero_row_is_indefinite() -> None:
    assert psd([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(5)]]) is Truth.FALSE
    assert psd([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(0)]]) is Truth.FALSE
    assert psd([[Fraction(0), Fraction(0)], [Fraction(0), Fraction(0)]]) is Truth.TRUE


def test_kinks_have_no_derivative() -> None:
    for term in (
        ["fn", "abs", sym("x")],
        ["fn", "relu", sym("x")],
        ["fn", "step", sym("x")],
        ["fn", "sign", sym("x")],
        ["max", sym("x"), num(0)],
        power(mul(sym("x"), sym("x")), "1/2"),
        sub(["fn", "abs", sym("x")], ["fn", "abs", sym("x")]),
    ):
        tree = {
            "tree": ["exists", [["equal", ["derivative", term, [["x", num(1)]], 1], num(0)]]],
            "dims": [],
            "variables": {"x": {"kind": "scalar"}},
        }
        assert decide(tree, {}, {"x": "0"}).conclusion is Truth.UNDECIDED


@pytest.mark.parametrize("x", [Fraction(-200), Fraction(-3000), Fraction(1, 10**100)])
def test_logarithms_next_to_one_are_enclosed_closely(x: Fraction) -> None:
    term = ["fn", "softplus", num(str(x))] if x < 0 else ["fn", "log", num(str(1 + x))]
    bound = num("1/1000000000000000000") if x < 0 else num(str(2 * x))
    tree = {"tree": ["exists", [["le", term, bound], ["le", num(0), term]]], "dims": [], "variables": {}}
    assert decide(tree, {}, {}).conclusion is Truth.TRUE


def _of_square(tree: Any, point: Any, *moves: Any) -> Any:
    """`D^k f(point)[moves]` of `f = ["function", …]` on square matrices, by the kernel."""
    n = len(point)
    shapes = {"P": point, **{f"Z{k}": z for k, z in enumerate(moves)}}
    variables = {k: {"kind": "matrix", "shape": [n, n]} for k in shapes}
    value = ["smooth", ["function", [n, n], tree], ["sym", "P"], *(["sym", f"Z{k}"] for k in range(len(moves)))]
    read = {"tree": ["forall", [], ["le", value, ["num", "0"]]], "dims": [], "variables": variables}
    values = {k: [[str(x) for x in row] for row in rows] for k, rows in shapes.items()}
    (rows,) = values_at(read, {}, values, [(value, None)])
    ((low, high),) = rows[0]
    assert low == high
    return low


@pytest.mark.parametrize("n", [1, 2, 3])
def test_derivatives_of_determinants_and_inverses_are_exact(n: int) -> None:
    draw = random.Random(n)
    point = [[Fraction(draw.randint(-3, 3)) + 7 * (i == j) for j in range(n)] for i in range(n)]
    move = [[Fraction(draw.randint(-2, 2)) for _ in range(n)] for _ in range(n)]
    t = sympy.Symbol("t")
    moved = sympy.Matrix(n, n, lambda i, j: sympy.Rational(str(point[i][j])) + t * sympy.Rational(str(move[i][j])))
    for tree, curve in ((["det", ["arg"]], moved.det()), (["trace", ["inverse", ["arg"]]], moved.inv().trace())):
        for order in (1, 2):
            wanted = sympy.diff(curve, t, order).subs(t, 0)
            assert Fraction(str(sympy.nsimplify(wanted))) == _of_square(tree, point, *[move] * order)


def test_a_side_without_any_value_is_told_from_one_without_a_rule() -> None:
    def why(left: Any, right: Any) -> str:
        variables = {"x": {"kind": "scalar", "domain": {}}}
        claim = {"tree": ["forall", [], ["le", left, right]], "dims": [], "variables": variables}
        comparison = decide(claim, {}, {"x": "-1"}).comparison
        assert comparison is not None
        return comparison[1]

    x, one = ["sym", "x"], ["num", "1"]
    for nowhere in (["fn", "log", x], ["pow", x, "1/2"], ["pow", ["add", x, one], "-1"]):
        assert why(nowhere, one) == "outside"
        assert why(one, nowhere) == "outside"
    assert why(["fn", "log", ["add", ["fn", "exp", x], ["mul", ["num", "-1"], ["fn", "exp", x]]]], one) == "undefined"
