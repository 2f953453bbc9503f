"""The picture of a landscape run shows what Theorem C says."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.points.analysis.picture import draw, landscape


def test_spurious_points_lie_above_the_threshold_and_the_picture_is_written(tmp_path: Path) -> None:
    found = landscape(seed=1, count=20)
    assert found.spurious.sum() >= 20
    assert found.lost == 0
    assert found.relative[found.spurious].min() >= 1 - 1e-9
    pytest.importorskip("matplotlib")
    draw(found, str(tmp_path / "landscape.png"))
    assert (tmp_path / "landscape.png").stat().st_size > 10_000
