"""Claims as pytest items, in a process of their own, as a user runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

CLAIMS = '''
import pytest
from hypothesis import example
from sympy import MatrixSymbol
from verify import *

s = lora()
A, B, X, lam = s.A, s.B, s.X, s.decay
Q = MatrixSymbol("Q", 2, 2)


@claim(keyword=Keyword.TIGHT)
def balanced():
    """Weight decay balances the factors."""
    return forall(s, given=[s.fosp(), lt(0, lam)], then=equal(A.T * A, B.T * B))


@claim
def balanced_without_decay():
    """A wrong guess."""
    return forall(s, given=s.fosp(), then=equal(A.T * A, B.T * B))


@claim(expect=Expect.REFUTED)
def nuclear_le_spectral():
    """False, as expected."""
    return forall(Q, then=le(nuclear(Q), spectral(Q)))


@claim(expect=Expect.REFUTED)
def loud():
    """True, but expected to be refuted."""
    return forall(Q, then=le(spectral(Q), nuclear(Q)))


@claim
@pytest.mark.skip(reason="kept pytest marks")
def marked():
    return forall(Q, then=le(spectral(Q), nuclear(Q)))


@claim
def broken():
    return forall(s, then=equal(A, B))
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "my_claims.py").write_text(CLAIMS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nverify_paths = my_claims.py\naddopts = --strict-markers\n")
    (tmp_path / "pyproject.toml").write_text("[tool.verify.budget]\ninstances = 200\nexact_examples = 40\n")
    return tmp_path


def run(folder: Path, *arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    # An installed package is found by its entry point; a bare checkout names the plugin.
    installed = any(e.value == "verify.pytest_plugin" for e in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "verify.pytest_plugin"]
    script = ["-c", code] if code else ["-m", "pytest"]
    root = str(Path(__file__).resolve().parents[2])
    # On a CI machine pytest repeats each failure's whole text in its summary; the outcome must not depend on where it runs.
    env = {**os.environ, "PYTHONPATH": root, "PYTEST_ADDOPTS": "", "CI": "", "BUILD_NUMBER": ""}
    command = [sys.executable, *script, *plugin, "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def outcome(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return dict(reversed(pair) for pair in re.findall(r"^(PASSED|FAILED|SKIPPED|ERROR) (\S+)", result.stdout, re.MULTILINE))


def test_each_claim_is_an_item_with_the_outcome_of_a_run(project: Path) -> None:
    result = run(project, "-rA")
    assert result.returncode == 1
    assert outcome(result) == {
        "my_claims.py::balanced": "PASSED",
        "my_claims.py::balanced_without_decay": "FAILED",
        "my_claims.py::nuclear_le_spectral": "PASSED",
        "my_claims.py::loud": "FAILED",
        "my_claims.py::broken": "FAILED",
        "[1]": "SKIPPED",
    }
    assert "Traceback" not in result.stdout
    failure = result.stdout.split("_ balanced_without_decay _")[1].split("\n", 2)[1]
    assert failure.startswith("counterexample, exact: m=1 n=1 r=1, λ=")
    assert re.search(r"^expected REFUTED, got HELD: [\d,]+ active of [\d,]+ instances", result.stdout, re.MULTILINE)
    assert "my_claims.py:44: error: equal compares m×r with n×r" in result.stdout


def test_a_counterexample_pasted_as_an_example_is_replayed(project: Path) -> None:
    shown = run(project, "-k", "without_decay").stdout
    (code,) = re.findall(r"^ +(@example\(.*\))$", shown, re.MULTILINE)
    source = CLAIMS.replace("@claim\ndef balanced_without_decay", f"@claim\n{code}\ndef balanced_without_decay")
    (project / "my_claims.py").write_text(source)
    again = run(project, "-k", "without_decay", "--verify-seed", "5").stdout
    assert re.findall(r"^counterexample, (.*)", again, re.MULTILINE) == re.findall(
        r"^counterexample, (.*)", shown, re.MULTILINE
    )
    wrong = source.replace("λ=0", "λ=1")
    (project / "my_claims.py").write_text(wrong)
    assert "counterexample" in run(project, "-k", "without_decay").stdout, "an example that settles nothing is no verdict"


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (["-k", "nuclear"], ["nuclear_le_spectral"]),
        (["-m", "verify_expects_refuted"], ["nuclear_le_spectral", "loud"]),
        (["-m", "verify_tight"], ["balanced"]),
        (["my_claims.py::balanced"], ["balanced"]),
    ],
)
def test_claims_are_selected_like_tests(selection: list[str], chosen: list[str], project: Path) -> None:
    result = run(project, "--collect-only", "-q", *selection)
    assert re.findall(r"my_claims\.py::(\w+)", result.stdout) == chosen


def test_claims_run_under_xdist(project: Path) -> None:
    result = run(project, "-n", "2", "-k", "balanced or nuclear", "-rA")
    assert {k: v for k, v in outcome(result).items() if k.startswith("my")} == {
        "my_claims.py::balanced": "PASSED",
        "my_claims.py::balanced_without_decay": "FAILED",
        "my_claims.py::nuclear_le_spectral": "PASSED",
    }


def test_the_command_line_names_claims_beside_other_tests(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (project / "tests").mkdir()
    (project / "tests" / "test_own.py").write_text("def test_own():\n    pass\n")
    quiet = ["--collect-only", "-q"]
    assert "my_claims" not in run(project, *quiet).stdout
    both = run(project, *quiet, "--verify", "my_claims.py").stdout
    assert "test_own" in both
    assert both.count("my_claims.py::balanced\n") == 1
    inside = run(project, *quiet, ".", "--verify", "my_claims.py").stdout
    assert inside.count("my_claims.py::balanced\n") == 1
    missing = run(project, *quiet, "--verify", "none.py")
    assert missing.returncode == 4
    assert "none.py: no such file or folder" in missing.stderr


def test_a_folder_of_claims_leaves_helpers_and_tests_alone(project: Path) -> None:
    folder = project / "claims"
    folder.mkdir()
    (project / "my_claims.py").rename(folder / "own.py")
    (folder / "_helper.py").write_text("raise RuntimeError\n")
    (folder / "test_other.py").write_text("def test_x():\n    pass\n")
    (project / "pytest.ini").write_text("[pytest]\nverify_paths = claims\n")
    text = run(project, "--collect-only", "-q").stdout
    assert "claims/own.py::balanced\n" in text
    assert "claims/test_other.py::test_x\n" in text
    assert "error" not in text


def test_a_file_that_does_not_import_is_a_collection_error(project: Path) -> None:
    (project / "my_claims.py").write_text("import no_such_module\n")
    result = run(project)
    assert result.returncode == 2
    assert re.search(r"my_claims\.py:1: error: the file does not import", result.stdout)


def test_configuration_mistakes_fail_without_a_traceback(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.verify]\nprofil = 'ci'\n")
    result = run(project, "-k", "tight or balanced")
    assert "unknown key 'profil': did you mean profile?" in result.stdout
    assert "Traceback" not in result.stdout


def test_without_claim_files_nothing_heavy_is_imported(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    heavy = "{'sympy', 'numpy', 'scipy', 'matplotlib', 'verify.runner', 'verify.language'}"
    code = f"import sys, pytest; c = pytest.main(sys.argv[1:]); print('heavy', sorted({heavy} & set(sys.modules))); sys.exit(c)"
    result = run(tmp_path, "-q", code=code)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "heavy []" in result.stdout


def test_an_unknown_mark_is_warned_of_once(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nverify_paths = my_claims.py\n")
    text = (project / "my_claims.py").read_text()
    (project / "my_claims.py").write_text(text.replace("@pytest.mark.skip(reason=", "@pytest.mark.unheard_of(reason="))
    shown = run(project, "--collect-only", "-m", "unheard_of").stdout
    assert shown.count("PytestUnknownMarkWarning") == 1
    assert "1/6 tests collected" in shown


HOSTILE = """
import os, signal, sys, time
import pytest
from verify import *

s = lora()


def true():
    return forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.A.T * s.A))


@claim
def ends_the_process():
    os._exit(0)


@claim
def kills_the_process():
    os.kill(os.getpid(), signal.SIGKILL)


@claim
def ends_the_program():
    sys.exit(0)


@claim
def never_ends():
    time.sleep(600)


@claim
def is_interrupted():
    raise KeyboardInterrupt


@claim
def breaks():
    return {}["n"]


@claim
def skips():
    pytest.skip("not today")


@claim
def good():
    return true()
"""


def test_no_claim_ends_the_session_or_holds_it_up(tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_text(HOSTILE)
    done = run(tmp_path, "--verify", "hostile.py", "-v", "-rA", "--verify-time-limit", "1.5", "hostile.py")
    assert done.returncode == 1, done.stdout + done.stderr
    outcomes = dict(re.findall(r"^hostile\.py::(\w+) (PASSED|FAILED|SKIPPED)", done.stdout, re.MULTILINE))
    assert outcomes == {
        "ends_the_process": "FAILED",
        "kills_the_process": "FAILED",
        "ends_the_program": "FAILED",
        "never_ends": "FAILED",
        "is_interrupted": "FAILED",
        "breaks": "FAILED",
        "skips": "SKIPPED",
        "good": "PASSED",
    }
    for message in (
        "hostile.py:13: error: the claim's code ended the process that checked it (exit code 0): remove that call",
        "ended by SIGKILL",
        "hostile.py:25: error: the claim's function ends the program (exit code 0): remove that call",
        "expected HOLDS, got UNKNOWN: time limit: no verdict",
        "hostile.py:35: error: KeyboardInterrupt: correct the claim's code",
        "hostile.py:40: error: KeyError: 'n': correct the claim's code",
        "not today",
    ):
        assert message in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
