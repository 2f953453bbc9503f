"""What a search did not test: told by the instances that were active, not by those that were made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import sympy as sp

from verify import *
from verify.cli.cache import _coverage, _coverage_of
from verify.evaluation.batches import Batch
from verify.runner.reach import Reach, untested
from verify.runner.reaching import Reaching, products_of
from verify.runner.verdicts import Coverage, Held, to_json

m, n, r = dimensions("m n r")
A, B, Y = sp.MatrixSymbol("A", m, r), sp.MatrixSymbol("B", n, r), sp.MatrixSymbol("Y", m, n)
t = scalars("t")
s = lora()


def held(formula: object) -> Held:
    payload = check(formula).payload
    assert isinstance(payload, Held)
    return payload


def seen(formula: object, *batches: tuple[Batch, list[bool]]) -> Reach:
    reaching = Reaching(formula)
    for batch, active in batches:
        reaching.note(batch, np.array(active))
    return reaching.reach


def batch(dims: dict[str, int], **values: np.ndarray) -> Batch:
    return Batch(dims, values, count=len(next(iter(values.values()))))


def test_only_active_instances_count() -> None:
    small = batch({"m": 2, "n": 2}, Y=np.stack([np.eye(2), np.zeros((2, 2))]))
    large = batch({"m": 7, "n": 9}, Y=np.ones((1, 7, 9)))
    reach = seen(forall(Y, then=le(spectral(Y), nuclear(Y))), (small, [True, False]), (large, [False]))
    assert reach.dims == {"m": 2, "n": 2}
    assert reach.sides == reach.ranks == {"Y": 2}
    assert reach.scales == (1.0, 1.0)


def test_the_smallest_size_of_a_product_is_told_and_its_rank() -> None:
    formula = forall(A, B, then=le(spectral(A * B.T), nuclear(A * B.T)))
    wide = batch({"m": 6, "n": 6, "r": 2}, A=np.ones((1, 6, 2)), B=np.ones((1, 6, 2)))
    reach = seen(formula, (wide, [True]))
    assert products_of(formula).keys() == {"A·Bᵀ"}
    assert reach.sides["A·Bᵀ"] == 2
    assert reach.ranks["A·Bᵀ"] == 1
    words = untested(reach)
    assert "min(m,n,r) above 2" in words
    assert "rank of A·Bᵀ above 1" in words


def test_ranks_are_not_made_by_rounding_errors() -> None:
    line = np.outer([1.0, 1 / 3, 0.7], [0.1, 0.7, 1 / 7])
    reach = seen(forall(Y, then=le(0, nuclear(Y))), (batch({"m": 3, "n": 3}, Y=(line + 1e-9)[None]), [True]))
    assert reach.ranks == {"Y": 1}


def test_scales_range_from_the_smallest_to_the_largest_magnitude() -> None:
    sizes = np.array([0.0, 1e-9, 4.0, 1e7])[:, None, None] * np.ones((4, 1, 1))
    reach = seen(forall(Y, then=le(0, nuclear(Y))), (batch({"m": 1, "n": 1}, Y=sizes), [True] * 4))
    assert reach.scales == (1e-9, 1e7)
    assert "data of size below 1e-09 or above 1e+07" in untested(reach)


def test_a_search_of_bounded_second_order_points_says_what_it_reached() -> None:
    found = held(forall(s, given=[s.sosp(), lt(rank(s.X), 3)], then=le(rank(s.X), 2)))
    reach = found.coverage.reach
    sizes = [dict(part.split("=") for part in sizes.split()) for _, sizes in found.coverage.cells]
    assert reach.dims == {d: max(int(c[d]) for c in sizes) for d in ("m", "n", "r")}
    assert reach.sides["A·Bᵀ"] == max(min(int(c[d]) for d in ("m", "n", "r")) for c in sizes)
    assert reach.ranks["A·Bᵀ"] == 2
    assert f"min(m,n,r) above {reach.sides['A·Bᵀ']}" in found.not_tested
    assert "rank of A·Bᵀ above 2" in found.not_tested
    assert reach.scales is not None


def test_a_search_with_curvature_bounds_says_that_it_saw_quadratics_only() -> None:
    al, be = positives("α β")
    # Every uniform bound that is assumed is met by quadratics; without one, other functions come in.
    bounded = held(forall(s, al, be, given=[uniform_curvature(s.f, al, be), s.sosp()], then=le(0, nuclear(s.X))))
    assert bounded.coverage.reach.kinds == {"f": ("quadratic",)}
    assert "f: quadratics only, curvature" in bounded.not_tested
    low, high = bounded.coverage.reach.curvature["f"]
    assert 0 < low < high
    free = held(forall(s, given=[s.fosp(), lt(0, s.decay)], then=le(frobenius(s.A), 2 * frobenius(s.B))))
    assert "cubic" in free.coverage.reach.kinds["f"]
    assert "quadratics only" not in free.not_tested


def test_numbers_have_a_scale_but_no_size() -> None:
    found = held(forall(t, then=le(sp.sin(t), 1)))
    assert found.coverage.reach.dims == {}
    assert found.not_tested.startswith("data of size below")


def test_the_line_begins_with_the_active_instances() -> None:
    result = check(forall(Y, then=le(spectral(Y), nuclear(Y))))
    coverage = result.coverage
    assert coverage is not None
    assert result.summary.startswith(f"{coverage.n_active:,} active of {coverage.n:,} instances")
    assert "not tested: " in result.summary


def test_reaches_join_and_are_read_back() -> None:
    one = Reach({"m": 2, "n": 5}, {"Y": 2}, {"Y": 1}, {}, {"f": ("quadratic",)}, {"f": (-1.0, 2.0)}, (0.5, 2.0))
    two = Reach({"m": 3, "n": 4}, {"Y": 3}, {"Y": 3}, {}, {"f": ("cubic",)}, {"f": (0.0, 9.0)}, (1.0, 7.0))
    both = one.joined(two)
    assert both == Reach(
        {"m": 3, "n": 5}, {"Y": 3}, {"Y": 3}, {}, {"f": ("cubic", "quadratic")}, {"f": (-1.0, 9.0)}, (0.5, 7.0)
    )
    assert Reach().joined(one) == one == one.joined(Reach())
    assert Reach.from_json(json.loads(json.dumps(both.to_json()))) == both
    coverage = Coverage(5, 4, reach=both)
    assert _coverage_of(json.loads(json.dumps(_coverage(coverage)))).reach == both


def test_the_row_of_a_claim_carries_the_reach() -> None:
    result = check(forall(A, B, then=le(spectral(A * B.T), nuclear(A * B.T))))
    row = to_json(result)
    assert row["reached"]["smallest_side"]["A·Bᵀ"] >= 2
    assert set(row["reached"]["dimensions"]) == {"m", "n", "r"}
    assert row["not_tested"]
    assert to_json(replace(result, payload=replace(result.payload, coverage=Coverage(3, 0))))["reached"] is None


def test_a_hunt_says_what_it_did_not_test(tmp_path: Path) -> None:
    from verify.cli.main import main

    file = tmp_path / "claims.py"
    file.write_text(
        "import sympy as sp\nfrom verify import *\nm, n = dimensions('m n')\nY = sp.MatrixSymbol('Y', m, n)\n\n\n"
        "@claim\ndef c():\n    '''The spectral norm is at most the nuclear norm.'''\n"
        "    return forall(Y, then=le(spectral(Y), nuclear(Y)))\n"
    )
    out = tmp_path / "hunt.json"
    argv = ["hunt", f"{file}::c", "--budget", "3", "--jobs", "1", "--json", str(out), "--out", str(tmp_path)]
    assert main(argv) == 0
    document = json.loads(out.read_text())
    assert document["verdict"] == "HELD"
    assert document["reached"]["rank"]["Y"] >= 2
    assert "sizes above" in document["not_tested"]
    # What was done before is remembered with its reach.
    assert main(argv) == 0
    again = json.loads(out.read_text())
    assert again["resumed"] > 0
    assert again["reached"]["rank"]["Y"] >= document["reached"]["rank"]["Y"]


def test_exact_instances_count_too() -> None:
    from verify.runner.exact_reading import ExactReader
    from verify.runner.exact_search import exact_pass

    formula = forall(s, given=[s.fosp()], then=le(0, frobenius(s.A)))
    seen_there = exact_pass(formula, [], ExactReader(formula), 60, 0)
    assert seen_there.n_active > 0
    reach = seen_there.reaching.reach
    assert reach.dims["m"] >= 1
    assert "f" in reach.kinds


def test_a_search_without_active_instances_reaches_nothing() -> None:
    reach = seen(forall(Y, then=le(0, nuclear(Y))), (batch({"m": 2, "n": 2}, Y=np.eye(2)[None]), [False]))
    assert reach == Reach()
    assert untested(reach) == []


def test_a_model_without_its_cubic_remainder_is_quadratic() -> None:
    f = smooth("f", (m, n))
    Z = sp.MatrixSymbol("Z", m, n)
    growth = le(inner(f.grad(Y) - f.grad(Z), Y - Z), 2 * frobenius(Y - Z) ** 2)
    found = held(forall(f, Y, Z, given=[uniform_curvature(f, 1, 2)], then=growth))
    assert found.coverage.reach.kinds == {"f": ("quadratic",)}
    low, high = found.coverage.reach.curvature["f"]
    assert low >= 1 - 1e-9
    assert high <= 2 + 1e-9
