"""A hunt goes from evidence to a verdict by the rules of a run."""

from __future__ import annotations

import json
import sqlite3
import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from verify import *
from verify.calculus.conditions import reduced
from verify.evaluation.batches import Batch
from verify.language.formulas import Formula
from verify.language.operations.algebra import inner
from verify.language.terms import ARGUMENT, symbol
from verify.runner.check import _no_violation
from verify.runner.evidence import Evidence
from verify.runner.exact_counts import ExactCounter
from verify.runner.exact_reading import ExactReader
from verify.runner.exact_search import ExactPass
from verify.runner.hunt.campaign import _payload
from verify.runner.hunt.context import context_of
from verify.runner.hunt.judging import judged, opened, plain_of, violations
from verify.runner.hunt.records import Outcome, Seen, Tried, Unit
from verify.runner.hunt.store import Store
from verify.runner.profiles import PROFILES
from verify.runner.verdicts import Held, Payload, Unknown, Vacuous
from verify.search.adversary import Freedom, worsened
from verify.search.instances import ExactInstance

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
x, t = scalars("x t")
BOUND = forall(P, then=le(0, nuclear(P)))


def hunted(seen: Seen, formula: Formula = BOUND, *, interrupted: bool = False) -> Payload:
    return _payload(None, (Tried("random", 1, seen, Outcome.NOTHING),), context_of(formula, 0), interrupted=interrupted)


EVIDENCE = {
    "one active instance": Evidence(n=900, n_active=1),
    "one short of enough": Evidence(n=900, n_active=19),
    "enough": Evidence(n=900, n_active=20),
    "states of a few runs": Evidence(n=900, n_active=90, n_repeats=80),
    "states of many runs": Evidence(n=900, n_active=90, n_repeats=60),
    "0 against 0 at all sizes": Evidence(n=900, n_trivial=400),
    "0 against 0 by assumption": Evidence(n=900, n_forced=400),
    "0 against 0 by assumption, a few": Evidence(n=900, n_forced=4),
    "0 against 0 does not add to real ones": Evidence(n=900, n_active=3, n_forced=400),
    "none": Evidence(n=900),
    "undecided": Evidence(n=900, n_active=400, n_undecided=2),
    "undecided assumptions": Evidence(n=900, n_active=400, n_undecided=2, n_open=2),
    "few and ties": Evidence(n=900, n_active=4, n_ties=30, n_ties_open=20),
    "no value": Evidence(n=900, n_active=400, n_without=7),
    "stopped early": Evidence(n=900, n_active=400, stopped_early=True),
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_hunt_and_a_run_say_the_same_of_the_same_evidence(name: str) -> None:
    evidence = EVIDENCE[name]
    seen = Seen.of(evidence.counts(), stopped_early=evidence.stopped_early)
    ran, found = _no_violation(BOUND, evidence, ExactPass()), hunted(seen)
    assert type(found) is type(ran)
    if isinstance(found, Unknown | Vacuous) and isinstance(ran, Unknown | Vacuous):
        assert found.reason == ran.reason


def test_which_verdicts_they_are() -> None:
    verdicts = {name: type(_no_violation(BOUND, replace(e), ExactPass())) for name, e in EVIDENCE.items()}
    assert [k for k, v in verdicts.items() if v is Held] == [
        "enough",
        "states of many runs",
        "0 against 0 by assumption",
        "no value",
    ]
    assert [k for k, v in verdicts.items() if v is Vacuous] == ["none"]


def test_what_has_no_value_is_named_as_not_tested() -> None:
    found = hunted(Seen(n=900, n_active=400, n_without=7, n_ties=3))
    assert isinstance(found, Held)
    assert "7 points at which a side of the claim has no value" in found.not_tested
    assert "3 points at which a strict assumption is a tie" in found.not_tested


def test_a_stop_by_hand_is_not_vacuous() -> None:
    assert isinstance(hunted(Seen(n=900), interrupted=True), Unknown)


def test_forced_zeros_of_one_unit_are_not_added_to_active_instances_of_another() -> None:
    evidence = Evidence(n=500, n_forced=500)
    seen = judged(context_of(BOUND, 0), evidence, PROFILES["dev"])
    assert (seen.n_active, seen.n_forced) == (0, 500)
    row = Tried("random").with_unit(seen).with_unit(Seen(n=500, n_active=3))
    assert isinstance(hunted(row.seen), Unknown)


def test_units_that_read_the_same_instances_again_are_no_more_evidence() -> None:
    row, fresh = Tried("exact"), Tried("random")
    for _ in range(10):
        row = row.with_unit(Seen(n=60, n_active=5, n_forced=4), repeats=True)
        fresh = fresh.with_unit(Seen(n=60, n_active=5, n_forced=4))
    assert (row.seen.n, row.seen.n_active, row.seen.n_clear, row.seen.n_forced) == (600, 50, 5, 4)
    assert fresh.seen.n_clear == 50
    assert isinstance(hunted(row.seen), Unknown)
    assert isinstance(hunted(fresh.seen), Held)


def test_every_count_survives_in_the_state_file(tmp_path: Path) -> None:
    counts = dict(zip(Seen().counts(), range(10, 30), strict=False))
    seen = Seen(**counts, margin=0.5, stopped_early=True)
    store = Store(tmp_path / "state.sqlite", "c", {}, 0)
    store.record(Unit("random", 3), seen)
    assert store.finished() == {Unit("random", 3): seen}
    store.close()


def test_a_state_file_of_an_older_format_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE units (fingerprint TEXT, strategy TEXT, number INTEGER, n INTEGER, n_active INTEGER, "
            "n_undecided INTEGER, margin REAL, seconds REAL, candidate TEXT, found TEXT, reach TEXT, "
            "PRIMARY KEY (fingerprint, strategy, number))"
        )
        database.execute("INSERT INTO units VALUES ('old', 'random', 0, 9, 9, 0, 1.0, 1.0, NULL, NULL, '[{}, {}]')")
    store = Store(path, "c", {}, 0)
    assert store.finished() == {}
    store.record(Unit("random", 0), Seen(n=4, n_active=2))
    assert store.finished()[Unit("random", 0)].n_active == 2
    store.close()


def batch_of(**values: object) -> Batch:
    arrays = {name: np.array(v, float) for name, v in values.items()}
    return Batch({"m": 1, "n": 1}, arrays, {}, {}, "given", len(next(iter(arrays.values()))))


def test_zero_on_both_sides_is_not_active_and_counted_by_what_makes_it_so() -> None:
    # Of a matrix of rank 1 the second and third singular values are 0; a row has none at all.
    formula = forall(P, then=le(sigma(P, 3), sigma(P, 2)))
    rng = np.random.default_rng(0)
    products = rng.standard_normal((50, 5, 1)) @ rng.standard_normal((50, 1, 4))
    for values, counts in ((products, (50, 0, 50, 0)), (products[:, :1], (50, 0, 0, 50))):
        there = Batch({"m": values.shape[1], "n": 4}, {"P": values}, {}, {}, "given", 50)
        claim = opened(plain_of(formula), there)
        seen = claim.seen(there, claim.standings(there))
        assert (seen.n, seen.n_active, seen.n_forced, seen.n_trivial) == counts


def test_violations_and_active_instances_are_told_apart() -> None:
    formula = forall(P, given=le(1, frobenius(P)), then=le(frobenius(P), 2))
    there = batch_of(P=[[[0.5]], [[1.5]], [[3.0]]])
    claim = opened(plain_of(formula), there)
    found = claim.standings(there)
    assert found.active.tolist() == [False, True, True]
    assert [f.instance.values["P"].item() for f in violations(there, found)] == [3.0]


@pytest.mark.parametrize(("entry", "active"), [(0, 0), (1, 1)])
def test_exact_instances_with_closed_formulas_are_counted_too(entry: int, active: int) -> None:
    s = lora()
    formula = forall(s, given=le(frobenius(s.A), 2), then=le(frobenius(s.X), 3 * frobenius(s.X)))
    here = symbol(ARGUMENT, (1, 1))
    instance = ExactInstance(
        dict.fromkeys(formula.dims, 1),
        dict.fromkeys(formula.scalars(), Fraction(1)),
        {name: ((Fraction(entry),),) for name in ("A", "B")},
        {name: inner(here, here) for name in formula.functions()},
    )
    counts = ExactCounter.of(formula).counts(instance, ExactReader(formula).read(instance))
    assert (counts.n, counts.n_active, counts.n_forced) == (1, active, 1 - active)


def test_nothing_is_printed_where_a_side_is_infinite() -> None:
    formula = forall(P, t, given=equal(1 / t, frobenius(P) / t), then=le(frobenius(P), 1 / t))
    start = batch_of(P=[[[1.0]]], t=[0.0])
    freedom = Freedom(("P", "t"), (), formula.scalars())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        worsened(start, [reduced(s) for s in formula.given], reduced(formula.then), freedom, 5)


CLAIMS = '''
from hypothesis import example
from verify import *
x = scalars("x")
m, n = dimensions("m n")
P = matrices("P", m, n)


@claim
@example(x=123456789)
def never_that_number():
    """False, at one number that nobody tries."""
    return forall(x, then=distinct(x, 123456789))


@claim
@example(x=7)
def another_number():
    """The same, with an example that settles nothing."""
    return forall(x, then=distinct(x, 123456789))


@claim
@example(x=123456789)
def such_a_number():
    """One number, which the example gives."""
    return exists(x, such_that=equal(x, 123456789))


@claim
def zero_alone():
    """Only x = 0 meets the assumption."""
    return forall(x, given=le(x**2, 0), then=le(x, 2))
'''


def hunt_file(name: str, folder: Path, budget: float = 3) -> dict[str, object]:
    from verify.cli.main import main

    file, out = folder / "numbers_.py", folder / "out.json"
    file.write_text(CLAIMS)
    main(["hunt", f"{file}::{name}", "--budget", str(budget), "--jobs", "1", "--out", str(folder), "--json", str(out)])
    found: dict[str, object] = json.loads(out.read_text())
    return found


@pytest.mark.parametrize(("name", "verdict"), [("never_that_number", "REFUTED"), ("such_a_number", "PROVED")])
def test_an_example_that_settles_the_claim_settles_the_hunt(name: str, verdict: str, tmp_path: Path) -> None:
    document = hunt_file(name, tmp_path)
    assert document["verdict"] == verdict
    assert document["strategy"] == "example"
    assert document["counterexample"] == ["x = 123456789"]
    assert (document["violated"] is not None) == (verdict == "REFUTED")
    assert check_certificate(str(document["certificate"]))


def check_certificate(path: str) -> bool:
    from verify.kernel import check_bytes

    return bool(check_bytes(Path(path).read_bytes()).accepted)


def test_an_example_that_settles_nothing_does_not_end_the_hunt(tmp_path: Path) -> None:
    document = hunt_file("another_number", tmp_path)
    assert document["strategy"] != "example"
    assert document["n"] is not None


def test_one_instance_read_again_and_again_is_not_held(tmp_path: Path) -> None:
    document = hunt_file("zero_alone", tmp_path)
    assert document["verdict"] == "UNKNOWN"
    assert "at least 20 are needed" in str(document["reason"])
