from __future__ import annotations

import pytest

from .hostile.bases import BASES, Base
from .hostile.trials import RIGHT, Trial, fault_of, reference, trials
from .judging import NoVerdict

CHEAP = [trial for trial in trials() if not trial.base.costly]


def test_there_are_many_trials() -> None:
    assert len(list(trials())) >= 100


@pytest.mark.parametrize("base", [base for base in BASES if not base.costly], ids=lambda base: base.name)
def test_harmless_names_get_the_right_verdict(base: Base) -> None:
    result = reference(base.name)
    assert not isinstance(result, NoVerdict), result
    assert result.verdict in RIGHT[base.true], result


@pytest.mark.parametrize("trial", CHEAP, ids=lambda trial: trial.id)
def test_no_verdict_depends_on_a_name(trial: Trial) -> None:
    assert fault_of(trial) is None, trial.renaming.named.names
