"""The canonical form: equal formulas print equal, and every formula keeps its value."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verify.calculus.normal_form import canonical
from verify.evaluation.fields import FloatField, RationalField
from verify.evaluation.interpret import evaluate_term
from verify.language.errors import NotRational
from verify.language.functions import smooth
from verify.language.operations.entries import HOLE
from verify.language.operations.functions import OperatorSymbol
from verify.language.operations.operation import Environment
from verify.language.printing import text
from verify.language.terms import Term, make, number, symbol

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
SIZES = {"m": 2, "n": 3, "r": 2}
DIMS = ["m", "n", "r"]
H = OperatorSymbol("H", ("m", "n"), ("m", "n"), symmetric=True)
J = OperatorSymbol("J", ("m", "n"), ("r", "n"))
F = smooth("f", ("m", "n")).symbol
BODIES = [
    make("fn", HOLE, payload=("tanh",)),
    make("pow", HOLE, payload=(Fraction(2),)),
    make("add", make("mul", number(3), HOLE), number(1)),
    make("fn", make("mul", number(-1), HOLE), payload=("sigmoid",)),
]


class Quadratic:
    """`f(X) = ½⟨X, QX⟩ + ⟨C, X⟩` with Q = diag of a weight matrix."""

    def __init__(self, weights, linear):
        self.weights, self.linear = weights, linear

    def gradient(self, field, point, directions):
        if not directions:
            return self.weights * point + self.linear
        return self.weights * directions[0] if len(directions) == 1 else 0 * point

    def derivative(self, field, point, directions):
        if not directions:
            return ((self.weights * point / 2 + self.linear) * point).sum(axis=(-2, -1))
        return (self.gradient(field, point, directions[:-1]) * directions[-1]).sum(axis=(-2, -1))


@st.composite
def matrices(draw, rows, cols, depth):
    """A random matrix term of a given shape."""
    square = rows == cols
    leaves = ["sym", "sym", "ones", "zeros"] + (["eye"] if square else [])
    nodes = ["add", "matmul", "matmul", "transpose", "mul", "hadamard", "map", "pair"]
    if (rows, cols) == ("m", "n"):
        nodes += ["apply", "smoothgrad", "smoothgrad1"]
    if (rows, cols) == ("r", "n"):
        nodes += ["applyJ"]
    if square:
        nodes += ["inverse", "diag"]
    kind = draw(st.sampled_from(leaves if depth == 0 else nodes))
    sub = lambda a, b: draw(matrices(a, b, depth - 1))  # noqa: E731
    match kind:
        case "sym":
            return symbol(draw(st.sampled_from("AB")) + f"{rows}{cols}", (rows, cols))
        case "ones" | "zeros":
            return make(kind, payload=(rows, cols))
        case "eye":
            return make("eye", payload=(rows,))
        case "add":
            return make("add", sub(rows, cols), sub(rows, cols))
        case "matmul":
            middle = draw(st.sampled_from(DIMS))
            return make("matmul", sub(rows, middle), sub(middle, cols))
        case "pair":
            middle = draw(st.sampled_from(DIMS))
            left = symbol(f"A{middle}{rows}", (middle, rows))
            return make("matmul", make("transpose", left), sub(middle, cols))
        case "transpose":
            return make("transpose", sub(cols, rows))
        case "mul":
            return make("mul", draw(scalars(depth - 1)), sub(rows, cols))
        case "hadamard":
            return make("hadamard", sub(rows, cols), sub(rows, cols))
        case "map":
            return make("map", sub(rows, cols), payload=(draw(st.sampled_from(BODIES)),))
        case "apply":
            return make("apply", sub("m", "n"), payload=(H,))
        case "applyJ":
            return make("apply", sub("m", "n"), payload=(J,))
        case "smoothgrad":
            return make("smoothgrad", sub("m", "n"), payload=(F,))
        case "smoothgrad1":
            return make("smoothgrad", sub("m", "n"), sub("m", "n"), payload=(F,))
        case "inverse":
            return make("inverse", make("add", make("eye", payload=(rows,)), symbol(f"S{rows}", (rows, rows))))
        case _:
            return make("diag", make("diagonal", sub(rows, rows)))


@st.composite
def scalars(draw, depth):
    """A random scalar term."""
    leaves = ["sym", "num", "dim"]
    nodes = ["add", "mul", "pow", "trace", "trace", "inner", "smooth", "smooth2", "frobenius", "fn", "entry", "max"]
    kind = draw(st.sampled_from(leaves if depth <= 0 else nodes))
    match kind:
        case "sym":
            return symbol(draw(st.sampled_from(["λ", "η"])))
        case "num":
            return number(Fraction(draw(st.integers(-3, 3)), draw(st.integers(1, 2))))
        case "dim":
            return make("dim", payload=(draw(st.sampled_from(DIMS)),))
        case "add" | "mul" | "max":
            return make(kind, draw(scalars(depth - 1)), draw(scalars(depth - 1)))
        case "pow":
            return make("pow", draw(scalars(depth - 1)), payload=(Fraction(draw(st.integers(1, 2))),))
        case "fn":
            return make("fn", draw(scalars(depth - 1)), payload=(draw(st.sampled_from(["tanh", "sin", "abs"])),))
        case "trace":
            dim = draw(st.sampled_from(DIMS))
            return make("trace", draw(matrices(dim, dim, depth - 1)))
        case "inner":
            rows, cols = draw(st.sampled_from(DIMS)), draw(st.sampled_from(DIMS))
            left, right = draw(matrices(rows, cols, depth - 1)), draw(matrices(rows, cols, depth - 1))
            return make("trace", make("matmul", make("transpose", left), right))
        case "frobenius":
            return make("frobenius", draw(matrices("m", "r", depth - 1)))
        case "entry":
            return make("entry", draw(matrices("m", "n", depth - 1)), payload=(1, 0))
        case "smooth":
            return make("smooth", draw(matrices("m", "n", depth - 1)), payload=(F,))
        case _:
            parts = [draw(matrices("m", "n", depth - 1)) for _ in range(3)]
            return make("smooth", *parts, payload=(F,))


def environment(*, exact: bool, seed: int = 0) -> Environment:
    rng = np.random.default_rng(seed)

    def array(rows, cols):
        numerators = rng.integers(-9, 10, (rows, cols))
        if not exact:
            return numerators / 7.0
        out = np.empty((rows, cols), dtype=object)
        for where in np.ndindex(rows, cols):
            out[where] = Fraction(int(numerators[where]), 7)
        return out

    values = {f"{x}{a}{b}": array(SIZES[a], SIZES[b]) for x in "AB" for a in DIMS for b in DIMS}
    values |= {f"S{a}": array(SIZES[a], SIZES[a]) * (Fraction(1, 5) if exact else 0.2) for a in DIMS}
    for name, value in (("λ", Fraction(3, 4)), ("η", Fraction(-5, 3))):
        values[name] = np.array(value, dtype=object) if exact else np.asarray(float(value))
    square = array(6, 6)
    operators = {"H": square + square.T, "J": array(6, 6)}
    return Environment(values, SIZES, {"f": Quadratic(array(2, 3), array(2, 3))}, operators)


ENVIRONMENTS = [environment(exact=False, seed=k) for k in range(2)]
EXACT = environment(exact=True)


def same_value(term: Term) -> None:
    form = canonical(term)
    assert form.shape == term.shape
    try:
        left, right = (evaluate_term(t, EXACT, RationalField()) for t in (term, form))
        assert np.all(np.broadcast_to(left, np.shape(right)) == right), text(form)
    except NotRational:
        for env in ENVIRONMENTS:
            left, right = (evaluate_term(t, env, FloatField()) for t in (term, form))
            size = 1 + np.max(np.abs(left))
            if size < 1e8:
                assert np.allclose(left, right, rtol=1e-6, atol=1e-7 * size), text(form)


@SETTINGS
@given(scalars(3))
def test_scalars_keep_their_value(term):
    same_value(term)


@SETTINGS
@given(st.sampled_from(DIMS).flatmap(lambda a: st.sampled_from(DIMS).flatmap(lambda b: matrices(a, b, 3))))
def test_matrices_keep_their_value(term):
    same_value(term)


@SETTINGS
@given(scalars(3))
def test_canonical_is_idempotent(term):
    form = canonical(term)
    assert canonical(form) == form


# --- equal formulas print equal -------------------------------------------------------------------------------------


def shuffled(term: Term, rng) -> Term:
    """The same formula, written in another way."""
    args = [shuffled(a, rng) for a in term.args]
    match term.op:
        case "add" | "mul":
            rng.shuffle(args)
            if len(args) > 2 and rng.random() < 0.5:
                args = [make(term.op, *args[:2]), *args[2:]]
        case "matmul" if len(args) > 2 and rng.random() < 0.5:
            args = [args[0], make("matmul", *args[1:])]
        case "matmul" if rng.random() < 0.4:
            turned = [make("transpose", a) for a in reversed(args)]
            return make("transpose", make("matmul", *turned))
        case "hadamard":
            rng.shuffle(args)
            if rng.random() < 0.3:
                return make("transpose", make("hadamard", *(make("transpose", a) for a in args)))
        case "trace":
            (inside,) = args
            if rng.random() < 0.5:
                inside = make("transpose", inside)
            if inside.op == "matmul" and rng.random() < 0.7:
                k = rng.randrange(len(inside.args))
                inside = make("matmul", *inside.args[k:], *inside.args[:k])
            return make("trace", inside)
        case "pow" if term.payload[0] == 2 and rng.random() < 0.5:
            return make("mul", args[0], args[0])
        case "transpose" if args[0].op == "transpose":
            return args[0].args[0]
        case "frobenius":
            if rng.random() < 0.5:
                return make("frobenius", make("transpose", args[0]))
            square = make("trace", make("matmul", make("transpose", args[0]), args[0]))
            return make("pow", square, payload=(Fraction(1, 2),))
        case "smooth" if len(args) == 3 and rng.random() < 0.5:
            args[1:] = args[:0:-1]
    return make(term.op, *args, payload=term.payload)


@SETTINGS
@given(scalars(3), st.randoms(use_true_random=False))
def test_equal_scalars_print_equal(term, rng):
    assert text(canonical(shuffled(term, rng))) == text(canonical(term))


@SETTINGS
@given(matrices("m", "n", 3), st.randoms(use_true_random=False))
def test_equal_matrices_print_equal(term, rng):
    assert text(canonical(shuffled(term, rng))) == text(canonical(term))


@SETTINGS
@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=6), st.integers(0, 5), st.booleans(), st.data())
def test_trace_words(word, shift, turn, data):
    letters = [make("transpose", symbol(x, ("r", "r"))) if data.draw(st.booleans()) else symbol(x, ("r", "r")) for x in word]
    other = letters[shift % len(letters) :] + letters[: shift % len(letters)]
    if turn:
        other = [make("transpose", x) for x in reversed(other)]
    first, second = (make("trace", make("matmul", *x) if len(x) > 1 else x[0]) for x in (letters, other))
    assert text(canonical(first)) == text(canonical(second))


@pytest.mark.parametrize(
    ("op", "payload"), [("pow", (Fraction(-1),)), ("fn", ("log",)), ("fn", ("exp",)), ("fn", ("softplus",))]
)
def test_nonlinear_functions_keep_their_argument(op, payload):
    inside = make("add", make("trace", symbol("A", ("r", "r"))), number(2))
    other = make("add", number(2), make("trace", make("transpose", symbol("A", ("r", "r")))))
    assert canonical(make(op, inside, payload=payload)) == canonical(make(op, other, payload=payload))


def test_cancellation_across_the_ends_of_a_trace():
    K, Q = symbol("K", ("r", "r")), symbol("Q", ("r", "r"))
    cycle = make("trace", make("matmul", K, Q, make("inverse", K)))
    assert text(canonical(cycle)) == "tr(Q)"
    ones = make("ones", payload=("m", "r"))
    square = make("trace", make("matmul", make("transpose", ones), ones))
    assert canonical(square) == canonical(make("mul", make("dim", payload=("r",)), make("dim", payload=("m",))))


def test_exact_scalars_multiply_matrices():
    A = symbol("A", ("m", "r"))
    env = Environment({"A": np.array([[Fraction(1), Fraction(2)]], dtype=object)}, {"m": 1, "r": 2}, {}, {})
    gram = make("matmul", A, make("transpose", A))
    for scalar, value in [
        (make("trace", gram), 5),
        (make("add", number(1), number(2)), 3),
        (make("det", gram), 5),
    ]:
        product = evaluate_term(make("mul", scalar, A), env, RationalField())
        assert product.tolist() == [[value, 2 * value]]
