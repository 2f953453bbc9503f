"""What a run writes for other programs: JSON by its schema, JUnit XML, annotations, the state file, differences."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema
from quick import QUICK

import verify
from verify.cli.main import main
from verify.kernel import check as kernel_check

SCHEMA = Path(verify.__file__).parent / "cli" / "results.schema.json"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with everything that one run writes."""
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "quick.py").write_text(QUICK)
    (folder / "empty.py").write_text("import no_such_module\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GITHUB_ACTIONS", "true")
        patch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
        files = ["--json", "r.json", "--junit", "r.xml", "--state", "state.json"]
        assert main(["run", "quick.py", "empty.py", "--jobs", "1", *files]) == 1
        yield folder


def rows(folder: Path) -> dict[str, Any]:
    return {c["id"]: c for c in json.loads((folder / "r.json").read_text())["claims"]}


def test_the_json_follows_the_schema_in_the_package(outputs: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = json.loads((outputs / "r.json").read_text())
    validator.validate(document)
    known = set(schema["$defs"]["claim"]["properties"])
    assert all(set(row) <= known for row in document["claims"])
    document["claims"][0]["certificate_content"] = None
    assert not validator.is_valid(document), "a PROVED without a certificate must not validate"


def test_rows_carry_statement_derivations_and_both_sides(outputs: Path) -> None:
    found = rows(outputs)
    assert found["quick.proved"]["then"]["text"] == "Aᵀ·A = Bᵀ·B"
    assert [d["text"].split(" = ")[0] for d in found["quick.proved"]["derived"]] == ["∇_A L", "∇_B L", "∇²L[dA, dB]"]
    assert found["quick.proved"]["file"] == "quick.py"
    held = found["quick.held"]
    assert sum(m["n"] for m in held["margins"]) <= held["n_active"]
    assert set(found["quick.refuted"]["violated"]) == {"left", "relation", "right"}
    assert found["quick.broken"]["statement_hash"] is None


def test_what_the_kernel_accepted_is_shown_for_every_certificate(outputs: Path) -> None:
    for row in rows(outputs).values():
        kept = row["certificate_content"]
        assert row["statement"] == (None if kept is None else kernel_check(kept).statement)
    assert rows(outputs)["quick.proved"]["statement"].splitlines()[-1] == "  (Aᵀ · A) = (Bᵀ · B)"
    assert rows(outputs)["quick.refuted"]["statement"].startswith("for all sizes")


def test_junit_follows_the_common_schema(outputs: Path) -> None:
    schema = xmlschema.XMLSchema(Path(__file__).parent / "junit.xsd")
    schema.validate(str(outputs / "r.xml"))
    root = ET.parse(outputs / "r.xml").getroot()
    quick = next(s for s in root if s.get("name") == "quick")
    assert (quick.get("tests"), quick.get("failures"), quick.get("errors")) == ("5", "1", "1")
    assert quick.find("testcase[@name='loud']/failure").get("message") == "expected REFUTED, got HELD"
    assert "equal compares m×r with n×r" in quick.find("testcase[@name='broken']/error").text
    problem = next(s for s in root if s.get("name") == "collection")
    assert "no_such_module" in problem.find("testcase/error").get("message")


def test_github_gets_annotations_on_the_lines_and_a_summary(
    outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = (outputs / "summary.md").read_text()
    assert "1 undecided (1 ERROR)" in summary
    assert "2 NOT as expected · 1 file not collected" in summary
    table = [line for line in summary.splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 5 for line in table)
    assert table[1].startswith("| **no**"), "what is not as expected comes first"
    monkeypatch.chdir(outputs)
    main(["run", "quick.py::loud", "quick.py::broken"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::error ")]
    line = QUICK.splitlines().index("def loud():")
    assert lines[0].startswith(f"::error file=quick.py,line={line},title=quick.loud%3A expected REFUTED%2C got HELD::")
    line = QUICK.splitlines().index("    return forall(s, then=equal(A, B))") + 1
    assert lines[1].startswith(f"::error file=quick.py,line={line},title=quick.broken")
    assert len(lines) == 2


def test_a_job_summary_that_cannot_be_written_is_a_warning(
    outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outputs)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(outputs / "no" / "summary.md"))
    assert main(["run", "quick.py::proved"]) == 0
    assert "verify: warning: the job summary " in capsys.readouterr().err


def test_the_state_has_no_numbers_that_change_between_machines(outputs: Path) -> None:
    state = json.loads((outputs / "state.json").read_text())
    assert [row["id"] for row in state["claims"]] == sorted(rows(outputs))
    assert all(set(row) == {"id", "verdict", "scope", "statement"} for row in state["claims"])


def test_diff_names_what_changed_and_says_so_by_its_exit_code(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = str(outputs / "r.json")
    assert main(["diff", old, old]) == 0
    document = json.loads((outputs / "r.json").read_text())
    document["claims"][0].update(verdict="HELD")
    document["claims"][1].update(id="quick.renamed")
    document["claims"][2].update(statement_hash="0" * 64)
    new = outputs / "new.json"
    new.write_text(json.dumps(document))
    capsys.readouterr()
    assert main(["diff", old, str(new)]) == 1
    text = capsys.readouterr().out
    assert "changed   quick.proved  PROVED → HELD" in text
    assert "removed   quick.held" in text
    assert "added     quick.renamed" in text
    assert "restated  quick.refuted" in text


def test_diff_compares_a_state_file_with_a_run_by_the_hash_of_the_statement(outputs: Path) -> None:
    state = json.loads((outputs / "state.json").read_text())
    document = json.loads((outputs / "r.json").read_text())
    by_id = {row["id"]: row for row in document["claims"]}
    state["claims"] = [by_id[row["id"]] | {"statement_hash": row["statement"]} for row in state["claims"]]
    earlier = [
        {k: v for k, v in row.items() if k != "statement_hash"} | {"statement": row["statement_hash"]} for row in by_id.values()
    ]
    for name, claims in (("same.json", state["claims"]), ("earlier.json", earlier)):
        (outputs / name).write_text(json.dumps({**document, "claims": claims}))
        assert main(["diff", str(outputs / "r.json"), str(outputs / name)]) == 0
    earlier[0]["statement"] = "0" * 64
    (outputs / "earlier.json").write_text(json.dumps({**document, "claims": earlier}))
    assert main(["diff", str(outputs / "r.json"), str(outputs / "earlier.json")]) == 1


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 2, "claims": []}', '{"schema": 1, "claims": [{}]}', "\x00"])
def test_what_is_no_results_file_is_a_usage_error(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    assert main(["diff", str(file), str(file)]) == 2
    assert main(["report", str(file), "--out", str(tmp_path / "site")]) == 2
    assert main(["diff", str(tmp_path / "none.json"), str(file)]) == 2
    assert "verify run --json" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_is_a_script_that_knows_the_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "completion" in script
    assert "--profile" in script
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_output_in_a_pipe_has_no_colours_and_no_progress(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "quick.py::proved", "--verbose"])
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "∇_A L = ∇f(A·Bᵀ)·B + λ·A" in text
    shown = [line.strip() for line in text.partition("accepted by the kernel:")[2].splitlines()]
    assert shown[1:3] == ["PROVED  all m, n, r", "for all sizes m, n, r"]
    assert "(Aᵀ · A) = (Bᵀ · B)" in shown


@pytest.mark.parametrize("option", ["--json", "--junit", "--state", "--report", "--certificates"])
def test_places_that_cannot_be_written_are_found_before_the_work(option: str, outputs: Path, tmp_path: Path) -> None:
    wrong_kind = tmp_path / "here"
    if option in ("--report", "--certificates"):
        wrong_kind.write_text("")
    else:
        wrong_kind.mkdir()
    for place in (wrong_kind, tmp_path / "none" / "there"):
        assert main(["run", str(outputs / "quick.py"), option, str(place)]) == 2


def terminal(arguments: list[str], **env: str) -> str:
    """What the program writes to a terminal."""
    parent, child = pty.openpty()
    base = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "GITHUB_ACTIONS")}
    command = [sys.executable, "-m", "verify", *arguments]
    with subprocess.Popen(command, stdout=child, stderr=child, env={**base, "TERM": "xterm", **env}) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:  # Linux's way of saying that the terminal was closed
                break
            if not part:
                break
            shown += part
        process.wait()
    os.close(parent)
    return shown.decode()


def test_a_terminal_gets_progress_and_colour_and_no_color_is_honoured(outputs: Path) -> None:
    arguments = ["run", str(outputs / "quick.py") + "::held"]
    colourful, plain = terminal(arguments), terminal(arguments, NO_COLOR="1")
    assert re.search(r"\x1b\[32mHELD", colourful)
    assert "0/1" in colourful, "progress"
    assert not re.search(r"\x1b\[[0-9;]*[34][0-9]m", plain), "no colours"
    assert "HELD" in plain
