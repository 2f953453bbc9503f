from __future__ import annotations

import pytest

from .hostile.bases import BASES, Base
from .hostile.trials import RIGHT, Trial, fault_of, reference, trials
from .judging import NoVerdict

COSTLY = [trial for trial in trials() if trial.base.costly]


@pytest.mark.parametrize("base", [base for base in BASES if base.costly], ids=lambda base: base.name)
def test_harmless_names_get_the_right_verdict(base: Base) -> None:
    result = reference(base.name)
    assert not isinstance(result, NoVerdict), result
    assert result.verdict in RIGHT[base.true], result


@pytest.mark.slow
@pytest.mark.parametrize("trial", COSTLY, ids=lambda trial: trial.id)
def test_no_point_depends_on_a_name(trial: Trial) -> None:
    assert fault_of(trial) is None, trial.renaming.named.names
