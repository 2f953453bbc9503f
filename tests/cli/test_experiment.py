"""`verify experiment`: what is printed about real data is what the theory says, and agrees with its JSON."""

import json

import pytest

pytest.importorskip("sklearn", reason="the data come with scikit-learn: install the extra data")

from verify.cli.main import OK, USAGE, main


@pytest.fixture(scope="module")
def cancer(tmp_path_factory):
    path = tmp_path_factory.mktemp("experiment") / "cancer.json"
    assert main(["experiment", "cancer", "--json", str(path)]) == OK
    document = json.loads(path.read_text())
    assert document["schema"] == 1
    (problem,) = document["problems"]
    return problem


def test_a_rank_above_that_of_the_target_ends_low_rank_and_one_below_ends_loud(cancer):
    found = {(run["adapter_rank"], run["start"]): run for run in cancer["runs"]}
    assert set(found) == {(3, "zero"), (3, "large"), (1, "zero"), (1, "large")}
    for start in ("zero", "large"):
        assert found[3, start]["branch"] == "low rank"
        assert found[3, start]["rank"] == cancer["target_rank"] == 2
        assert found[3, start]["distance"] <= 1e-12
        assert found[3, start]["excess"] <= 1 + 1e-9
        assert found[1, start]["branch"] == "loud"
        assert found[1, start]["excess"] > 1.1


def test_the_sides_of_theorem_b_are_in_order_and_fit_its_constants(cancer):
    loud = [run for run in cancer["runs"] if run["branch"] == "loud"]
    assert loud
    for run in loud:
        sides = run["theorem_b"]["sides"]
        assert 0 < sides[0] <= sides[1] <= sides[2] <= sides[3]
        assert run["alpha"] > 0
        assert run["theorem_b"]["beta"] > 0


def test_modes_grow_at_their_singular_value_minus_the_decay(cancer):
    assert cancer["growth"]["measured"] == pytest.approx(cancer["growth"]["predicted"], abs=1e-5)
    assert cancer["growth"]["predicted"][0] > 0.5


def test_the_table_names_every_run(capsys):
    assert main(["experiment", "cancer", "--rank", "2"]) == OK
    shown = capsys.readouterr().out
    assert shown.count("full rank, at X⋆") == 2
    assert "rank X⋆ = 2" in shown
    assert "X = X⋆, both sides are 0" in shown


def test_an_unknown_data_set_is_a_usage_error(capsys):
    assert main(["experiment", "iris"]) == USAGE
    assert "use one of digits, cancer, network" in capsys.readouterr().err
