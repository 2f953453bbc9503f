"""A proof from contradictory assumptions says that no instance meets them; one from assumptions that can be met does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sympy as sp

from verify import *
from verify.language.claims import Expect
from verify.runner.assumptions import Outlook, outlook
from verify.runner.loading import collect
from verify.runner.proving import _follows, prove_identity
from verify.runner.verdicts import Proved, Result

m, n = dimensions("m n")
A = sp.MatrixSymbol("A", m, n)
K, N = sp.MatrixSymbol("K", n, n), sp.MatrixSymbol("N", n, n)
x, y = scalars("x y")
p = sp.Symbol("p", positive=True)
NEVER = "no instance meets the assumptions"

CONTRADICTIONS = {
    "a matrix is zero and is not": ([A], [equal(A, 0), distinct(A, 0)], equal(2 * A, 0)),
    "its transpose is not": ([A], [equal(A, 0), distinct(A.T, 0)], equal(2 * A, 0)),
    "its norm is positive": ([A], [equal(A, 0), lt(0, trace(A.T * A))], equal(2 * A, 0)),
    "two values": ([x], [equal(x, 0), equal(x, 1)], equal(sp.Integer(1) + x, 5)),
    "two values under both": ([x], [both(equal(x, 0), equal(x, 1))], equal(x, 7)),
    "two values of a matrix": ([A, x], [equal(A, 0), equal(trace(A.T * A), 1)], equal(x, 7)),
    "by way of another": ([x, y], [equal(x, 3), equal(2 * y, x), equal(y, 1)], equal(x, y)),
    "outside of the domain": ([p], [equal(p, -1)], equal(p**2, 1)),
    "outside of the domain by way of another": ([p, x], [equal(x, -4), equal(2 * p, x)], equal(p**2, 4)),
    "below itself": ([x], [equal(x, 2), lt(x, 2)], equal(x**2, 4)),
    "above its value": ([x], [equal(x, 2), le(3, x)], equal(x**2, 4)),
    "every alternative fails": ([x], [equal(x, 2), either(equal(x, 3), lt(x, 0))], equal(x**2, 4)),
    "an empty interval": ([x, A], [equal(x * A, 0), lt(0, x), lt(x, -1)], equal(A, 0)),
    "an empty interval by the domain": ([p, A], [equal(p * A, 0), le(p, 0)], equal(A, 0)),
    "a commutator that is the identity": ([K, N], [equal(K * N - N * K, identity(n))], equal(K * N, N * K + identity(n))),
    "equal and distinct": ([x, y, A], [equal(x, y), distinct(x, y)], equal(x * A, y * A)),
}


CONTRADICTORY = """
from verify import *

x = scalars("x")

@claim
def c():
    return forall(x, given=[equal(x, 0), equal(x, 1)], then=equal(x, 7))
"""


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_follows_from_a_contradiction_says_so(name: str) -> None:
    bound, given, then = CONTRADICTIONS[name]
    result = check(forall(*bound, given=given, then=then))
    assert result.verdict.value == "PROVED"
    assert result.summary.endswith(f" · {NEVER}")
    assert "PROVED" in repr(result)
    assert NEVER in repr(result)
    assert result.payload.vacuous


POSSIBLE = {
    "a zero matrix": ([A], [equal(A, 0)], equal(2 * A, 0)),
    "a value": ([x], [equal(x, 2), lt(1, x), le(x, 2), distinct(x, 0)], equal(x**2, 4)),
    "one alternative": ([x], [equal(x, 2), either(equal(x, 3), lt(x, 5))], equal(x**2, 4)),
    "a point of the domain": ([p], [equal(p, 1)], equal(p**2, 1)),
    "an interval of one point": ([x, A], [equal(x * A, 0), le(1, x), le(x, 1), lt(0, x)], equal(A, 0)),
    "a projection": ([K], [equal(K * K, K)], equal(K * K * K, K)),
    "not used": ([x, A], [equal(x, 0), equal(x, 1)], equal(trace(A.T * A), trace(A * A.T))),
}


@pytest.mark.parametrize("name", POSSIBLE)
def test_what_follows_from_assumptions_that_can_be_met_says_nothing(name: str) -> None:
    bound, given, then = POSSIBLE[name]
    result = check(forall(*bound, given=given, then=then))
    assert result.verdict.value == "PROVED"
    assert "assumptions" not in result.summary
    assert result.met


def test_where_no_instance_is_found_it_says_that() -> None:
    sums = forall(x, y, A, given=[equal(x**2 + y**2, -1), equal((x**2 + y**2) * A, 0)], then=equal(A, 0))
    proved = prove_identity(sums)
    assert proved is not None
    assert proved.detail.endswith(" · no instance that meets the assumptions was found")
    assert not proved.vacuous


def test_along_a_process_the_start_counts() -> None:
    s = lora()
    C = sp.MatrixSymbol("C", s.m, s.r)
    flow = gradient_flow(s.L)
    result = check(always(flow, given=[equal(C, 0), distinct(C, 0)], then=equal(C.T * C, 0)))
    assert result.verdict.value == "PROVED"
    assert result.summary.endswith(NEVER)


def test_holds_wants_more_than_a_claim_about_nothing() -> None:
    proved = Proved("all n", "", {}, vacuous=True)
    assert not Result("c", Expect.HOLDS, proved, 0.0).met
    assert Result("c", Expect.PROVED, proved, 0.0).met
    assert Result("c", Expect.OPEN, proved, 0.0).met
    assert Result("c", Expect.HOLDS, replace(proved, vacuous=False), 0.0).met


def test_no_shipped_proof_rests_on_assumptions_that_cannot_be_met() -> None:
    seen = 0
    for found in collect(["first_order", "low_rank", "special_regime", "several_adapters", "implicit_bias"]).claims:
        proved = prove_identity(found.claim.formula())
        seen += proved is not None
        assert proved is None or "assumptions" not in proved.detail, found.id
    assert seen > 25


def test_the_kernel_has_the_last_word_on_a_contradiction() -> None:
    formula = forall(x, given=[equal(x, 0), equal(x, 1)], then=equal(x, 7))
    assert outlook(formula, _follows) is Outlook.IMPOSSIBLE
    assert outlook(formula, lambda *_: False) is Outlook.NOT_FOUND


def test_a_run_says_it_and_the_cache_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from verify.cli.main import main

    (tmp_path / "mine.py").write_text(CONTRADICTORY)
    monkeypatch.setenv("VERIFY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for again in ("", "cached"):
        assert main(["run", "mine.py", "--jobs", "1"]) == 1
        out = capsys.readouterr().out
        assert NEVER in out
        assert again in out
