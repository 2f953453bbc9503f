"""Exact instances as text, LaTeX and code; examples that a claim's author pasted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sympy as sp
from hypothesis import example
from sympy import Rational

import verify
from verify import Expect, check, claim, dataset, entry, equal, exists, forall, gradient_descent, le, lora, lt, on, positives
from verify.language.errors import ClaimError
from verify.language.processes import after
from verify.language.quantifiers import always
from verify.runner.examples import example_code, values_of
from verify.runner.loading import load_file
from verify.runner.profiles import PROFILES
from verify.runner.replay import Standing, replay
from verify.runner.verdicts import Broken, Candidate, Refuted, Verdict
from verify.search.witnesses import instance_from_witness

s = lora()


def pasted(code: str) -> Any:
    """The decorator that the code stands for."""
    names = {**{n: getattr(verify, n) for n in verify.__all__}, "Rational": Rational, "example": example}
    return eval(code.removeprefix("@"), names)


def test_the_code_of_a_counterexample_refutes_the_claim_again() -> None:
    def build() -> Any:
        return forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.B.T * s.B))

    first = check(claim(build))
    assert isinstance(first.payload, Refuted)
    code = example_code(first.certificate)
    assert code is not None
    again = check(claim(pasted(code)(build)), seed=99)
    assert isinstance(again.payload, Refuted)
    assert all(again.certificate["values"][name] == first.certificate["values"][name] for name in ("λ", "A", "B"))
    assert again.payload.coverage.n == 1


def test_an_example_of_a_training_claim_carries_its_steps() -> None:
    eta = positives("η")
    descent = gradient_descent(s.L, step=eta, start=(s.A0, s.B0))

    def build() -> Any:
        return always(descent, then=equal(after(s.A), s.A))

    found = check(claim(expect=Expect.REFUTED)(build))
    assert isinstance(found.payload, Refuted)
    code = example_code(found.certificate)
    assert code is not None
    assert check(claim(pasted(code)(build))).verdict is Verdict.REFUTED


def test_an_example_that_settles_nothing_gives_no_verdict() -> None:
    def build() -> Any:
        return forall(s, then=le(0, verify.nuclear(s.X)))

    tried = example(m=1, n=1, r=1, A=[[1]], B=[[1]])(build)
    assert check(claim(tried)).verdict is Verdict.HELD


def test_an_example_can_be_the_witness_of_an_exists() -> None:
    def build() -> Any:
        return exists(s, such_that=[equal(entry(s.X, 0, 0), Rational(7, 3))])

    found = check(claim(example(m=1, n=1, r=1, A=[[7]], B=[[Rational(1, 3)]])(build)))
    assert found.verdict is Verdict.PROVED


def test_an_example_says_nothing_about_the_same_claim_on_a_data_set() -> None:
    def build() -> Any:
        return forall(s, then=equal(s.A, 0))

    base = claim(example(m=1, r=1, A=[[1]])(build))
    formula = on(base, source=dataset("digits")).formula()
    assert replay(base.examples, base.formula(), PROFILES["dev"]).settled is not None
    assert replay(base.examples, formula, PROFILES["dev"]).settled is None


def test_an_example_without_a_value_is_an_error_of_the_claim() -> None:
    def build() -> Any:
        return forall(s, then=le(0, verify.nuclear(s.X)))

    result = check(claim(example(A=[[1]])(build)))
    assert result.verdict is Verdict.ERROR
    with pytest.raises(ClaimError, match="no value for B"):
        instance_from_witness({"A": [[1]]}, build())


@pytest.mark.parametrize(
    ("tried", "message"),
    [
        (example(m=1, n=1, r=1, lam=0, A=[[1]], B=[[1]]), "@example has no variable lam: it has λ, A, B"),
        (example(m=1, n=1, r=1, λ=0, A=[[1]]), "@example has no value for B: add it"),
        (example([[1]]), "@example gives a value without a name: write every value by name, as in @example(A=[[1]])"),
    ],
)
def test_an_example_with_wrong_names_is_an_error_that_speaks_of_the_example(tried: Any, message: str) -> None:
    def build() -> Any:
        return forall(s, then=le(0, s.decay * verify.nuclear(s.X)))

    result = check(claim(tried(build)))
    assert isinstance(result.payload, Broken)
    assert result.payload.message == message


def test_an_example_above_the_claim_is_told_where_it_belongs(tmp_path: Path) -> None:
    file = tmp_path / "above.py"
    file.write_text(
        "from hypothesis import example\nfrom verify import *\ns = lora()\n\n\n@example(m=1)\n@claim\ndef c():\n    pass\n"
    )
    (problem,) = load_file(file).problems
    assert problem.location == f"{file}:6"
    assert "write @example below @claim" in problem.message


def test_polynomials_are_written_out_and_other_functions_keep_their_form() -> None:
    variables = {"f": {"kind": "function", "shape": ["m", 2]}, "A": {"kind": "matrix", "shape": ["m", "m"]}}
    square = ["pow", ["entry", ["arg"], 0, 1], "2"]
    body = ["add", ["mul", ["num", "-1/2"], square], ["entry", ["arg"], 0, 0]]

    def values(tree: Any) -> Any:
        values = {"A": [["1/2"]], "f": {"body": tree}}
        return values_of({"kind": "instance", "dims": {"m": 1}, "claim": {"variables": variables}, "values": values})

    m, matrix, function = values(body)
    assert (m.text, m.code) == ("m = 1", "1")
    assert matrix.code == "[[Rational(1, 2)]]"
    assert matrix.latex == r"A = \begin{bmatrix} \frac{1}{2} \end{bmatrix}"
    assert function.latex == r"f(Y) = Y_{11} - \frac{1}{2} Y_{12}^{2}"
    assert function.code == "lambda Y: entry(Y, 0, 0) + Rational(-1, 2)*entry(Y, 0, 1)**2"
    other = values(["fn", "exp", ["entry", ["arg"], 0, 0]])[-1]
    assert other.code is None
    assert "exp" in other.text


x = verify.scalars("x")
CIRCLE = sp.sin(x) ** 2 + sp.cos(x) ** 2
"""1 everywhere, which no finite number of digits says."""


def of_example(build: Any, *examples: Any) -> Any:
    tried = build
    for one in examples:
        tried = one(tried)
    return check(claim(tried))


def test_an_example_that_stays_undecided_leaves_the_claim_undecided() -> None:
    def build() -> Any:
        return forall(x, given=lt(x * CIRCLE, 1), then=le(x, 1))

    assert check(claim(build)).verdict is Verdict.HELD
    result = of_example(build, example(x=Rational(1)))
    assert result.verdict is Verdict.UNKNOWN
    assert "@example 1 (x=1) stays undecided" in result.summary
    assert result.coverage is not None
    assert result.coverage.n_active > 0


def test_the_undecided_example_is_named_among_others() -> None:
    def build() -> Any:
        return forall(x, given=lt(x * CIRCLE, 1), then=le(x, 1))

    result = of_example(build, example(x=1), example(x=0), example(x=-3))
    assert result.verdict is Verdict.UNKNOWN
    assert result.summary.count("@example") == 1
    assert "(x=1)" in result.summary


def test_an_example_that_holds_to_fifty_digits_is_true() -> None:
    # Both sides are equal: no enclosure tells them apart.
    result = of_example(lambda: forall(x, then=le(CIRCLE, 1)), example(x=1))
    assert result.verdict is Verdict.HELD
    assert "@example" not in result.summary


def test_an_example_that_does_not_meet_the_assumptions_is_said_to_be_none() -> None:
    result = of_example(lambda: forall(x, given=lt(x, 0), then=le(sp.sin(x), 1)), example(x=1), example(x=-1))
    assert result.verdict is Verdict.HELD
    assert result.payload.note == "@example 2 (x=1) does not meet the assumptions"
    assert "note: @example 2" in result.summary


def test_a_proof_stands_beside_an_example_that_is_none() -> None:
    def build() -> Any:
        return forall(s, given=[s.fosp(), lt(0, s.decay)], then=equal(s.A.T * s.A, s.B.T * s.B))

    result = of_example(build, example(m=1, n=1, r=1, λ=1, A=[[1]], B=[[2]], f=lambda X: entry(X, 0, 0)))
    assert result.verdict is Verdict.PROVED
    assert "does not meet the assumptions" in result.summary


def test_an_example_that_violates_the_claim_to_fifty_digits_is_a_candidate() -> None:
    # The circle's equation holds at every x, but no exact reading says so; the cosine of 3 is below −9/10.
    def build() -> Any:
        given = [equal(CIRCLE, 1), le(3, x), le(x, 3)]
        return forall(x, given=given, then=le(Rational(-9, 10), sp.cos(x)))

    result = of_example(build, example(x=3))
    assert isinstance(result.payload, Candidate)
    assert "x=3" in result.payload.counterexample


def test_an_example_of_a_flow_is_read_where_it_is() -> None:
    flow = verify.gradient_flow(s.L, start=(s.A0, s.B0))

    def standing(formula: Any) -> Standing:
        values = {"m": 1, "n": 1, "r": 1, "λ": 1, "A0": [[1]], "B0": [[2]], "f": lambda X: entry(X, 0, 0), "steps": 2}
        (read,) = replay([values], formula, PROFILES["dev"]).others
        return read.standing

    # From A = 1, B = 2 the flow of AB + (A² + B²)/2 takes A below 0 and B down.
    assert standing(always(flow, then=le(verify.frobenius(s.B), verify.frobenius(s.B0)))) is Standing.TRUE
    assert standing(always(flow, then=le(verify.frobenius(s.B0), verify.frobenius(s.B)))) is Standing.VIOLATES
    # Two sides that are the same: the few digits of a flow cannot say so.
    assert standing(always(flow, then=le(verify.frobenius(s.B), verify.frobenius(s.B)))) is Standing.UNDECIDED


def test_a_hunt_does_not_pass_over_an_undecided_example(tmp_path: Path) -> None:
    from verify.cli.main import main

    file = tmp_path / "claims.py"
    file.write_text(
        "from hypothesis import example\nimport sympy as sp\nfrom verify import *\nx = scalars('x')\n\n\n"
        "@claim\n@example(x=1)\ndef c():\n    '''The squares of sine and cosine add to 1.'''\n"
        "    return forall(x, given=lt(x * (sp.sin(x) ** 2 + sp.cos(x) ** 2), 1), then=le(x, 1))\n"
    )
    out = tmp_path / "hunt.json"
    assert main(["hunt", f"{file}::c", "--budget", "2", "--jobs", "1", "--json", str(out), "--out", str(tmp_path)]) == 1
    document = json.loads(out.read_text())
    assert document["verdict"] == "UNKNOWN"
    assert "@example 1" in document["reason"]
