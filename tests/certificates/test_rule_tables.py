"""The prover's rules and the kernel's are one table: what has one normal form for the prover has one for the kernel, and
what has one for the kernel is the same number at random points."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy as sp
from rule_corpus import Pair, add, mul, pairs, random_term

from verify import equal, frobenius, gradient, identity, inverse, lora, lt, ones, prove, trace
from verify.calculus.differentiate import expand
from verify.calculus.identities import Proof
from verify.calculus.normal_form import canonical, polynomial_of
from verify.certificates.build import identity_certificate
from verify.evaluation.fields import FloatField
from verify.evaluation.interpret import evaluate_term
from verify.evaluation.models import TermModel
from verify.kernel import Rejected, _limits, _words, check
from verify.kernel._evaluate import Scope, evaluate
from verify.kernel._language import _RULES, read
from verify.kernel._limits import start
from verify.kernel._values import poly
from verify.language.domains import Domain
from verify.language.formulas import Formula, Quantifier
from verify.language.operations.operation import Environment
from verify.language.serial import term_to_json
from verify.language.statements import Comparison
from verify.language.terms import ARGUMENT, Term, make, number, symbol, walk
from verify.runner.verdicts import Proved, Unknown

ALL = list(pairs())
SHAPES = [(), (), ("m", "n"), ("n", "n"), ("m", 1), (1, 1)]


def formula(left: Term, right: Term) -> Formula:
    """The claim that two terms are equal, for all values of their letters."""
    variables: dict[str, Any] = {}
    dims = {"m", "n", "k"}
    for node in (n for t in (left, right) for n in walk(t)):
        if node.op == "sym":
            variables[node.payload[0]] = Domain() if node.shape == () else node.shape
        if node.op in ("smooth", "smoothgrad", "apply", "adjoint"):
            variables[node.payload[0].name] = node.payload[0]
    return Formula(Quantifier.FORALL, variables, tuple(sorted(dims)), (), Comparison("equal", left, right))


def one_form(left: Term, right: Term) -> bool:
    """Has the difference the normal form 0, for the prover?"""
    return polynomial_of(expand(add(left, mul(-1, right)))).is_zero


def accepted(left: Term, right: Term) -> bool:
    """Does the kernel accept that the two are equal?"""
    return check(json.loads(json.dumps(identity_certificate(formula(left, right), [Proof((), ())])))).accepted


@pytest.mark.parametrize("pair", ALL, ids=[p[0] for p in ALL])
def test_prover_and_kernel_agree_on_every_rule(pair: Pair) -> None:
    _, left, right = pair
    proved = one_form(left, right)
    assert accepted(left, right) == proved
    assert accepted(right, left) == proved
    if proved:
        assert same_value(left, right)


def test_the_corpus_has_rules_that_hold_and_rules_that_do_not_for_every_operation() -> None:
    seen = {node.op for _, left, right in ALL for t in (left, right) for node in walk(t)}
    statements = {op for op, (_, result) in _RULES.items() if result == "!"} | {"ddt", "after"}
    assert set(_RULES) - statements <= seen | {"fn"}
    verdicts = [one_form(left, right) for _, left, right in ALL]
    assert sum(verdicts) > 90
    assert len(verdicts) - sum(verdicts) > 25


LOSSES = {
    "a square": lambda X: frobenius(X) ** 2,
    "a norm": frobenius,
    "a root": lambda X: sp.sqrt(1 + frobenius(X) ** 2),
    "functions of entries": lambda X: trace(X.T * X.applyfunc(sp.tanh)),
    "a function of a norm": lambda X: sp.exp(trace(X.T * X)),
    "a logarithm": lambda X: sp.log(1 + trace(X.T * X)),
    "a sum of exponentials": lambda X: trace(ones(X.shape[1], X.shape[0]) * X.applyfunc(sp.exp)),
    "an inverse": lambda X: trace(inverse(identity(X.shape[1]) + X.T * X)),
}


@pytest.mark.parametrize("what", LOSSES)
def test_gradients_of_the_prover_are_those_of_the_kernel(what: str) -> None:
    s = lora(loss=LOSSES[what])
    balance = prove(equal(s.A.T * s.A, s.B.T * s.B), given=[s.fosp(), lt(0, s.decay)])
    assert isinstance(balance, Proved)
    assert "assumptions" not in balance.detail
    for variable in (s.A, s.B):
        assert isinstance(prove(equal(gradient(s.L, variable), 0), given=s.fosp()), Proved)
        assert isinstance(prove(equal(gradient(s.L, variable), variable), given=s.fosp()), Unknown)


@cache
def environment(seed: int) -> Environment:
    """Values for every letter of the corpus; f is cubic."""
    rng = np.random.default_rng(seed)
    m, n = [(2, 3), (3, 2), (2, 2)][seed % 3]
    shapes = {"A": (m, n), "B": (m, n), "K": (n, n), "M": (n, n), "v": (m, 1), "w": (m, 1), "P": (1, 1)}
    values = {k: rng.normal(size=s) for k, s in shapes.items()} | {
        "x": np.array(0.7 + rng.random()),
        "y": np.array(1.3 + rng.random()),
    }
    arg = symbol(ARGUMENT, ("m", "n"))
    cube = make(
        "trace", make("matmul", make("transpose", arg), make("map", arg, payload=(make("pow", make("hole"), payload=(2,)),)))
    )
    half = rng.normal(size=(m * n, m * n))
    operators = {"H": half + half.T, "G": rng.normal(size=(n * n, m * n))}
    return Environment(values, {"m": m, "n": n, "k": 2}, {"f": TermModel(cube, ("m", "n"))}, operators)


def value(term: Term, seed: int) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(evaluate_term(expand(term), environment(seed), FloatField()), float)


def same_value(left: Term, right: Term) -> bool:
    """Do two terms agree at random points, wherever both have a value?"""
    for seed in range(3):
        one, other = value(left, seed), value(right, seed)
        good = np.isfinite(one) & np.isfinite(other) & (abs(one) < 1e8)
        if not np.allclose(one[good], other[good], rtol=1e-6, atol=1e-6):
            return False
    return True


def kernel_form(term: Term, scope: Scope) -> str | None:
    """The kernel's normal form as a text; None where a term is beyond its rules or work."""
    _limits._work.left = _limits.WORK  # a budget of its own, with the numbering of atoms of all
    try:
        return _words.text(poly(evaluate(json.loads(json.dumps(term_to_json(term))), scope)))
    except Rejected:
        return None


def symbolic_scope(terms: Sequence[Term]) -> Scope:
    """As the kernel has it for identities."""
    whole = formula(terms[0], terms[0])
    variables = {k: d for t in terms for k, d in formula(t, t).variables.items()}
    names = read(
        Formula(Quantifier.FORALL, variables, whole.dims, (), Comparison("equal", number(1), number(1))).to_json()
    ).names
    letters = {
        k: _words.letter(_words.atom("sym", k, d["kind"] == "scalar", symmetric=d.get("shape") == [1, 1]))
        for k, d in names.variables.items()
        if d["kind"] in ("matrix", "scalar")
    }
    return Scope(names, letters, True, [])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_what_the_kernel_takes_for_equal_is_equal_at_random_points(shape: tuple[Any, ...], seed: int) -> None:
    rng = random.Random(f"{shape} {seed}")
    terms = list(dict.fromkeys(random_term(rng, shape, rng.choice([1, 2, 2, 3])) for _ in range(250)))
    start(128)
    groups: dict[str, list[Term]] = defaultdict(list)
    scope = symbolic_scope(terms)
    for term in terms:
        form = kernel_form(term, scope)
        if form is not None:
            groups[form].append(term)
    together = [group for group in groups.values() if len(group) > 1]
    assert all(same_value(group[0], other) for group in together for other in group[1:])
    assert sum(map(len, groups.values())) > 0.9 * len(terms)
    assert len(together) > 3


@pytest.mark.parametrize("seed", range(6))
def test_the_prover_finds_nothing_that_the_kernel_rejects(seed: int) -> None:
    rng = random.Random(seed)
    refused, changed = [], 0
    for _ in range(60):
        term = random_term(rng, rng.choice(SHAPES), 2)
        try:
            other = canonical(expand(term))
        except ArithmeticError:  # 0 to a negative power
            continue
        changed += term != other
        if not accepted(term, other):
            refused.append((term, other))
    assert not refused, refused[:3]
    assert changed > 20
