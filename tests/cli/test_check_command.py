"""`verify check`: accepted or the first rule that failed, exit codes, and the comparison with the claim's own text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from verify.cli.main import main

CLAIMS = '''
from sympy import MatrixSymbol
from verify import *

m, n = dimensions("m n")
M, N = MatrixSymbol("M", m, n), MatrixSymbol("N", m, n)


@claim
def trace_is_cyclic():
    """True."""
    return forall(M, N, then=equal(trace(M.T * N), trace(N * M.T)))


@claim(expect=Expect.REFUTED)
def nuclear_le_frobenius():
    """False."""
    return forall(M, then=le(nuclear(M), {factor}frobenius(M)))
'''


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims")
    (folder / "mine.py").write_text(CLAIMS.replace("{factor}", ""))
    (folder / "edited.py").write_text(CLAIMS.replace("{factor}", "2 * "))
    (folder / "broken.py").write_text("from verify import *\n@claim\ndef c():\n    return forall(1, then=2)\n")
    assert main(["run", str(folder / "mine.py"), "--jobs", "1", "--certificates", str(folder / "kept")]) == 0
    return folder


def test_accepted_certificates_are_shown_with_verdict_scope_and_statement(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(str(p) for p in (written / "kept").glob("*.json"))
    assert main(["check", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line[0] != " "] == [f"accepted  {file}" for file in files]
    assert lines[1:9] == [
        lines[1],
        "    for all sizes m, n",
        "      M: a matrix m × n",
        "    then",
        "      nuclear(M) ≤ frobenius(M)",
        f"accepted  {files[1]}",
        "  PROVED  all m, n",
        "    for all sizes m, n",
    ]
    assert lines[1].startswith("  REFUTED  m=")
    assert lines[1].endswith(", exact")
    assert lines[-1] == "      trace(Mᵀ · N) = trace(N · Mᵀ)"


def test_a_file_name_cannot_forge_a_line(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = (written / "kept" / "mine.trace_is_cyclic.json").read_bytes()
    for content, code in ((good, 0), (b"[]", 1)):
        file = tmp_path / "a\naccepted  b\x1b[1A.json"
        file.write_bytes(content)
        assert main(["check", str(file)]) == code
        lines = capsys.readouterr().out.splitlines()
        assert len([line for line in lines if line[0] != " "]) == 1
        assert all(line.isprintable() for line in lines)


def test_the_claims_own_text_is_elaborated_again(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(written / "kept" / "mine.nuclear_le_frobenius.json")
    assert main(["check", file, "--claim", f"{written / 'mine.py'}::nuclear_le_frobenius"]) == 0
    assert main(["check", file, "--claim", f"{written / 'edited.py'}::nuclear_le_frobenius"]) == 1
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(f"rejected  {file}: another claim at claim.tree[2][2]")
    assert '["frobenius", ["sym", "M"]]' in line
    assert main(["check", file, "--claim", f"{written / 'mine.py'}::trace_is_cyclic"]) == 1


def test_numbers_and_truth_values_are_different_even_where_python_says_equal() -> None:
    from verify import forall, le, matrices
    from verify.certificates.binding import mismatch

    M = matrices("M", 1, 1)
    formula = forall(M, then=le(0, M[0, 0]))
    certificate = {"claim": json.loads(json.dumps(formula.to_json()))}
    assert mismatch(certificate, formula) is None
    certificate["claim"]["variables"]["M"]["shape"][0] = True
    assert mismatch(certificate, formula) == ("claim.variables.M.shape[0]", "the certificate has true, the claim 1")


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "not JSON"), ("[]", "no kind"), ('{"schema": NaN}', "not a rational"), ("", "not JSON")],
)
def test_malformed_files_are_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content)
    assert main(["check", str(file)]) == 1
    assert message in capsys.readouterr().out


def test_what_cannot_be_opened_or_named_is_exit_code_two(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(written / "kept" / "mine.trace_is_cyclic.json")
    assert main(["check", str(written / "missing.json"), file]) == 2
    captured = capsys.readouterr()
    assert [line for line in captured.out.splitlines() if line[0] != " "] == [f"accepted  {file}"]
    assert "cannot be opened" in captured.err
    assert main(["check", str(written)]) == 2
    capsys.readouterr()
    for selector in (
        f"{written / 'mine.py'}::absent",
        str(written / "mine.py"),
        f"{written / 'broken.py'}::c",
        "no_such.py::c",
    ):
        assert main(["check", file, "--claim", selector]) == 2
        assert capsys.readouterr().err.startswith("verify: error: ")


def test_a_file_longer_than_the_kernel_reads_is_rejected_without_reading_it_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "long.json"
    with file.open("wb") as stream:
        stream.truncate(2**33)
    assert main(["check", str(file)]) == 1
    assert "limits" in capsys.readouterr().out


def test_without_a_claim_nothing_heavy_is_imported(written: Path) -> None:
    file = str(written / "kept" / "mine.nuclear_le_frobenius.json")
    code = (
        "import sys; from verify.cli.main import main; code = main(['check', sys.argv[1]]); "
        "heavy = {'sympy', 'numpy', 'scipy', 'mpmath', 'hypothesis', 'flint', 'rich'} & set(sys.modules); "
        "sys.exit(code or len(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code, file], check=False, capture_output=True).returncode == 0
