"""The program as a user meets it: verdicts, exit codes, one-line errors, JSON."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verify.cli.main import main

STRANGER = '''
from sympy import MatrixSymbol, symbols, Trace
from verify import *

p, q = symbols("p q", integer=True, positive=True)
M, N = MatrixSymbol("M", p, q), MatrixSymbol("N", p, q)
s = lora()


@claim(cite="linear algebra")
def trace_is_cyclic():
    """The trace is invariant under cyclic shifts."""
    return forall(M, N, then=equal(Trace(M.T * N), Trace(N * M.T)))


@claim
def parallelogram_law():
    """The Frobenius norm satisfies the parallelogram law."""
    return forall(
        M, N, then=equal(frobenius(M + N) ** 2 + frobenius(M - N) ** 2, 2 * frobenius(M) ** 2 + 2 * frobenius(N) ** 2)
    )


@claim
def spectral_is_submultiplicative():
    """The spectral norm is submultiplicative."""
    return forall(M, N, then=le(spectral(M.T * N), spectral(M) * spectral(N)))


@claim
def nuclear_le_frobenius():
    """False: the nuclear norm is at most the Frobenius norm."""
    return forall(M, then=le(nuclear(M), frobenius(M)))


@claim
def broken():
    """A product of shapes that do not fit."""
    return forall(M, N, then=le(spectral(M * N), 1))
'''


ONE_CLAIM = """
from verify import *
s = lora()
@claim
def c():
    return forall(s, then=le(0, nuclear(s.X)))
"""


def write(folder: Path, text: str, name: str = "stranger.py") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def verdicts(path: Path) -> dict[str, str]:
    return {c["id"].split(".")[1]: c["verdict"] for c in json.loads(path.read_text())["claims"]}


def test_a_strangers_five_claims_get_the_five_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    code = main(["run", write(tmp_path, STRANGER), "--json", str(out), "--jobs", "1"])
    assert code == 1
    assert list(verdicts(out).values()) == ["PROVED", "PROVED", "HELD", "REFUTED", "ERROR"]
    text = capsys.readouterr().out
    assert re.search(r"ERROR.*stranger\.py:\d+: error: the product of p×q and p×q", text)
    assert "Traceback" not in text


def test_json_has_the_documented_keys(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    main(["run", write(tmp_path, STRANGER), "--json", str(out), "--jobs", "1"])
    document = json.loads(out.read_text())
    assert document["schema"] == 1
    fixed = [
        "id",
        "expect",
        "verdict",
        "met",
        "scope",
        "engine",
        "n",
        "n_active",
        "n_undecided",
        "margin",
        "seconds",
        "certificate",
        "reason",
    ]
    for row in document["claims"]:
        assert set(fixed) <= set(row)
    held = next(r for r in document["claims"] if r["verdict"] == "HELD")
    assert held["n"] >= 10_000
    assert held["n_active"] > 1000
    assert held["n_undecided"] == 0
    assert document["summary"] == {"claims": 5, "met": 3, "proved": 2, "held": 1, "refuted": 1, "undecided": 1}


def test_the_same_seed_gives_the_same_verdicts_and_certificates(tmp_path: Path) -> None:
    file = write(tmp_path, STRANGER)
    seen = []
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        main(["run", file, "--certificates", str(folder), "--seed", "7", "--jobs", jobs])
        seen.append({p.name: p.read_bytes() for p in folder.iterdir()})
    assert seen[0] == seen[1]
    assert len(seen[0]) == 3


def test_kept_certificates_are_accepted_and_damaged_ones_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "kept"
    main(["run", write(tmp_path, STRANGER), "--certificates", str(folder), "--jobs", "1"])
    files = sorted(str(p) for p in folder.iterdir())
    assert main(["check", *files]) == 0
    damaged = tmp_path / "damaged.json"
    damaged.write_text(Path(files[0]).read_text().replace('"REFUTED"', '"PROVED"').replace('"1"', '"3"'))
    assert main(["check", str(damaged)]) == 1
    assert main(["check", str(tmp_path / "missing.json")]) == 2
    assert "rejected" in capsys.readouterr().out


BROKEN = {
    "mismatch": ("    return forall(s, then=equal(A, B))", "m×r with n×r"),
    "unknown": ("    return forall(s, then=le(nuclear(X), scalars('t')))", "unknown symbol t"),
    "complex": ("    return forall(s, then=le(nuclear(X), symbols('t')))", "t is not declared real"),
    "undefined": ("    return forall(s, then=le(nuclear(X), undefined_name))", "undefined_name"),
    "boolean": ("    return True", "a bool"),
    "relation": ("    return Eq(symbols('x'), 1)", "Equality"),
    "sympy_bool": ("    return forall(s, then=Eq(A.T*A, A.T*A))", "use equal"),
    "not_scalar": ("    return forall(s, given=lora(loss=lambda Y: Y).fosp(), then=equal(A, A))", "not scalar"),
    "rank_zero": ("    return forall(lora(r=0), then=equal(1, 1))", "at least 1"),
    "negative_decay": ("    return forall(lora(decay=-1), then=equal(1, 1))", "negative"),
    "nan": ("    return forall(s, then=le(nuclear(X), float('nan')))", "nan"),
    "nothing": ("    pass", "returns nothing"),
    "crash": ("    return 1 / 0", "ZeroDivisionError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_claim_is_an_error_row_even_alone(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, message = BROKEN[case]
    header = "from sympy import *\nfrom verify import *\ns = lora(); A, B, X = s.A, s.B, s.X\n@claim\ndef c():\n"
    file = write(tmp_path, header + body + "\n", "broken.py")
    assert main(["run", file]) == 1
    captured = capsys.readouterr()
    line = next(row for row in captured.out.splitlines() if row.startswith("ERROR"))
    assert message in line
    assert re.search(r"broken\.py:6: error: ", line) or case in ("boolean", "relation", "nothing")
    assert "Traceback" not in captured.out + captured.err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_claim_that_ends_the_program_is_an_error_row_and_the_others_are_checked(
    jobs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = "import sys\n\n@claim\ndef a():\n    sys.exit(0)\n"
    file = write(tmp_path, "from verify import *\n" + ends + ONE_CLAIM)
    assert main(["run", file, "--jobs", jobs]) == 1
    shown = capsys.readouterr().out
    assert f"{file}:6: error: the claim's function ends the program (exit code 0)" in shown
    assert "2 claims: 0 proved, 1 held, 0 refuted, 1 undecided" in shown


def test_an_example_that_ends_the_program_is_an_error_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(
        tmp_path,
        "import sys\nfrom hypothesis import example\nfrom verify import *\ns = lora(m=1, n=1, r=1)\n\n"
        "@claim\n@example(λ=0, A=[[1]], B=[[1]], f=lambda X: sys.exit(0))\n"
        "def c():\n    return forall(s, then=le(0, s.L))\n",
    )
    assert main(["run", file, "--jobs", "1"]) == 1
    assert f"{file}:7: error: the claim's code ends the program (SystemExit: 0): remove that call" in capsys.readouterr().out


def test_two_claims_of_one_name_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = "@claim\ndef c():\n    return forall(s, then=le(0, nuclear(s.X)))\n"
    file = write(tmp_path, "from verify import *\ns = lora()\n" + one + one, "twice.py")
    assert main(["run", file]) == 1
    assert "two claims are named c" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module\n", r"f\.py:1: error: the file does not import, ModuleNotFoundError"),
        ("def (\n", r"f\.py:1: error: syntax error"),
        ("x = 1\n", r"f\.py: error: the file defines no claims"),
        ("raise SystemExit(0)\n", r"f\.py:1: error: the file does not import"),
        ("raise GeneratorExit\n", r"f\.py:1: error: the file does not import, GeneratorExit: correct this line"),
        (
            "raise type('Odd', (Exception,), {'__str__': lambda e: 1 / 0})\n",
            r"error: .* Odd: its message cannot be shown",
        ),
    ],
)
def test_a_file_without_claims_exits_with_2(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", write(tmp_path, text, "f.py")]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert "Traceback" not in error


def test_a_broken_file_beside_a_good_one_is_not_forgotten(tmp_path: Path) -> None:
    good = write(
        tmp_path, "from verify import *\ns = lora()\n@claim\ndef c():\n    return forall(s, then=le(0, nuclear(s.X)))\n"
    )
    bad = write(tmp_path, "import no_such_module\n", "bad.py")
    assert main(["run", good, bad]) == 1
    assert main(["run", good]) == 0


@pytest.mark.parametrize("selector", ["no_such_prefix", "missing.py", "missing.py::c"])
def test_unknown_selectors_exit_with_2(selector: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", selector]) == 2
    assert "error" in capsys.readouterr().err


def test_an_unmet_expectation_exits_with_1_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", write(tmp_path, ONE_CLAIM.replace("@claim", "@claim(expect=Expect.REFUTED)"))]) == 1
    assert "not as expected: stranger.c: expected REFUTED, got HELD" in capsys.readouterr().out


def test_new_writes_a_file_that_runs_green_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    assert main(["new", str(path)]) == 0
    assert main(["run", str(path)]) == 0
    assert main(["new", str(path)]) == 2
    assert main(["new", str(tmp_path / "no" / "mine.py")]) == 2


def test_list_and_show_and_derive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, STRANGER + "\nloss = frobenius(s.A * s.B.T) ** 2 / 2\n")
    out = tmp_path / "list.json"
    assert main(["list", file, "--json", str(out)]) == 0
    rows = json.loads(out.read_text())["claims"]
    assert len(rows) == 5
    assert all({"id", "file", "line", "title", "expect", "cite", "keyword"} <= set(row) for row in rows)
    assert main(["show", f"{file}::trace_is_cyclic"]) == 0
    assert "tr(Mᵀ·N) = tr(N·Mᵀ)" in capsys.readouterr().out
    assert main(["show", "first_order.balanced_of_stationary", "--latex"]) == 0
    assert r"\nabla" in capsys.readouterr().out
    assert main(["derive", f"{file}::loss"]) == 0
    assert "∇_A loss = A·Bᵀ·B" in capsys.readouterr().out
    assert main(["derive", f"{file}::s"]) == 0
    assert "∇f(A·Bᵀ)·B + λ·A" in capsys.readouterr().out
    assert main(["derive", f"{file}::trace_is_cyclic"]) == 0
    assert "tr(Mᵀ·N) = tr(N·Mᵀ)" in capsys.readouterr().out
    assert main(["derive", f"{file}::nothing"]) == 2
    assert main(["derive", file]) == 2
    assert f"write {file}::NAME, it has s, trace_is_cyclic" in capsys.readouterr().err
    assert main(["show", "first_order"]) == 2


def test_derive_shows_every_matrix_whatever_it_is_called(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "A, W = matrices('A W', p, q)\nfirst = frobenius(A - M) ** 2\nother = frobenius(W - M) ** 2\n"
    file = write(tmp_path, STRANGER + lines)
    for name, variables in (("first", "AM"), ("other", "MW")):
        assert main(["derive", f"{file}::{name}"]) == 0
        out = capsys.readouterr().out
        assert [line.split()[0] for line in out.splitlines()[1:3]] == [f"∇_{v}" for v in variables]


def test_results_are_written_as_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import verify.cli.checking as checking

    calls: list[int] = []

    def interrupted(*args: object, **options: object) -> object:
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return original(*args, **options)

    original = checking.check_claim
    monkeypatch.setattr(checking, "check_claim", interrupted)
    out = tmp_path / "out.json"
    others = ["--junit", str(tmp_path / "out.xml"), "--report", str(tmp_path / "site"), "--state", str(tmp_path / "state.json")]
    assert main(["run", write(tmp_path, STRANGER), "--json", str(out), "--jobs", "1", *others]) == 1
    assert list(verdicts(out)) == ["trace_is_cyclic"]
    assert json.loads(out.read_text())["interrupted"] is True
    assert (tmp_path / "out.xml").read_text().count("stopped before it was checked") == 4
    assert "The run was stopped" in (tmp_path / "site" / "index.html").read_text()
    assert not (tmp_path / "state.json").exists(), "a committed state must not lose claims"
    assert "stopped: 1 of 5 claims checked" in capsys.readouterr().out


def test_show_says_what_the_last_run_covered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERIFY_CACHE_DIR", str(tmp_path / "cache"))
    file = write(
        tmp_path,
        "from sympy import MatrixSymbol\nfrom verify import *\nQ = MatrixSymbol('Q', 2, 2)\n\n\n"
        "@claim\ndef ordered():\n    return forall(Q, then=le(spectral(Q), nuclear(Q)))\n",
    )
    assert main(["show", f"{file}::ordered"]) == 0
    assert "no run of this version is remembered" in capsys.readouterr().out
    assert main(["run", file, "--jobs", "1"]) == 0
    capsys.readouterr()
    assert main(["show", f"{file}::ordered"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"coverage  HELD: [\d,]+ active of 10,", shown)
    assert "by sizes: " in shown
    assert "by family: gaussian " in shown or "; gaussian " in shown


TWO_AND_SLOW = """
import time
from verify import *
s = lora()
@claim
def slow():
    time.sleep(600)
@claim
def quick():
    return forall(s, given=s.fosp(), then=equal(s.A.T * s.A, s.A.T * s.A))
"""


def test_ctrl_c_keeps_what_other_processes_have_finished(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "verify", "run", write(tmp_path, TWO_AND_SLOW), "--jobs", "2", "--json", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(8)
    process.send_signal(signal.SIGINT)
    shown, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in error
    assert "stopped: 1 of 2 claims checked" in shown
    assert verdicts(out) == {"quick": "PROVED"}


def test_files_of_one_name_get_ids_with_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("d1", "d2"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, ONE_CLAIM, "my.py")
    write(tmp_path / "d1", ONE_CLAIM, "other.py")
    out = tmp_path / "out.json"
    assert main(["run", "d1", "d2", "--json", str(out), "--jobs", "1"]) == 0
    assert [row["id"] for row in json.loads(out.read_text())["claims"]] == ["d1.my.c", "other.c", "d2.my.c"]
    assert main(["run", "d2", "--json", str(out), "--jobs", "1"]) == 0
    assert [row["id"] for row in json.loads(out.read_text())["claims"]] == ["my.c"]
    assert main(["show", "d1.my.c"]) == 0


def test_an_id_as_printed_names_a_claim_of_a_file_here_or_in_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, ONE_CLAIM, "my_claims.py")
    assert main(["show", "my_claims.c"]) == 0
    assert main(["run", "my_claims"]) == 0
    assert main(["show", "elsewhere.c"]) == 2
    assert "here elsewhere.py::c" in capsys.readouterr().err
    (tmp_path / "deep" / "er").mkdir(parents=True)
    write(tmp_path / "deep" / "er", ONE_CLAIM, "elsewhere.py")
    write(tmp_path, '[tool.verify]\npaths = ["deep"]\n', "pyproject.toml")
    assert main(["show", "elsewhere.c"]) == 0
    assert main(["show", "elsewhere.d"]) == 2
    assert "no claim named d in the file: it has c" in capsys.readouterr().err


def test_a_file_that_is_not_python_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", write(tmp_path, "hello", "text.txt")]) == 2
    assert "text.txt: error: not a Python file: name a file that ends in .py" in capsys.readouterr().err


def test_the_summary_counts_files_that_were_not_collected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = write(tmp_path, ONE_CLAIM), write(tmp_path, "import no_such_module\n", "bad.py")
    assert main(["run", good, bad]) == 1
    assert "all as expected · 1 file not collected" in capsys.readouterr().out


def test_claims_without_their_extra_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("verify.cli.run.missing_extra", lambda claim: None if claim.name == "c" else "data")
    text = ONE_CLAIM + ONE_CLAIM.replace("def c", "def d") + ONE_CLAIM.replace("def c", "def e")
    assert main(["run", write(tmp_path, text)]) == 0
    shown = capsys.readouterr().out
    assert "not collected: 2 claims need the extra data (pip install 'lora-theory-verifier[data]')" in shown


def test_a_pipe_without_greek_gets_escapes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "verify", "show", f"{write(tmp_path, ONE_CLAIM)}::c"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert shown.returncode == 0
    assert r"\u2016" in shown.stdout
