"""The picture of a landscape run shows what Theorem C says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from verify.points.analysis import drawing
from verify.points.analysis.picture import draw, landscape


def test_spurious_points_lie_above_the_threshold_and_the_picture_is_written(tmp_path: Path) -> None:
    found = landscape(seed=1, count=20)
    assert found.spurious.sum() >= 20
    assert found.lost == 0
    assert found.relative[found.spurious].min() >= 1 - 1e-9
    pytest.importorskip("matplotlib")
    draw(found, str(tmp_path / "landscape.png"))
    assert (tmp_path / "landscape.png").stat().st_size > 10_000


@pytest.mark.parametrize("module", ["picture", "experiment", "approximate"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "0 files are named: give one, as in python -m verify.points.analysis."),
        (["a.txt"], "a.txt is no picture: choose a name that ends in .png, .svg, .pdf"),
        (["no/a.png"], "no/a.png cannot be written, its folder does not exist: make it first"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(module: str, words: list[str], message: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"verify.points.analysis.{module}", *words]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: {message}")
    assert len(run.stderr.splitlines()) == 1


def test_a_missing_extra_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(path: str) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(drawing, "find_spec", lambda name: None if name == "sklearn" else name)
    monkeypatch.setattr(sys, "argv", ["approximate", str(tmp_path / "a.png")])
    assert drawing.draw_from_command_line(never, "approximate", ("plots", "data")) == 2
    assert "pip install 'lora-theory-verifier[data]'" in capsys.readouterr().err
