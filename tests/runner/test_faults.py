"""Whose fault an exception is, and the row that says so."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify.runner.check as checking
from verify.language.claims import Claim
from verify.language.errors import GateError, NoSource, ShapeError
from verify.runner.check import check_claim
from verify.runner.loading import load_file
from verify.runner.profiles import PROFILES
from verify.runner.verdicts import Broken, Unknown
from verify.runner.wording import plain, said

HEADER = "import helper\nimport numpy as np\nfrom verify import *\ns = lora()\n\n@claim\ndef c():\n"


def claim_of(folder: Path, body: str, helper: str = "") -> Claim:
    (folder / "helper.py").write_text(helper)
    file = folder / "mine.py"
    file.write_text(HEADER + "".join(f"    {line}\n" for line in body.splitlines()))
    (found,) = load_file(file).claims
    return found.claim


def row(claim: Claim) -> Broken:
    payload = check_claim(claim, "mine.c", PROFILES["dev"], 0).payload
    assert isinstance(payload, Broken), payload
    return payload


USERS = {
    "np.linalg.inv(np.zeros((2, 2)))": "LinAlgError: Singular matrix: correct the claim's code",
    "{}['n']": "KeyError: 'n': correct the claim's code",
    "def f(n): return f(n + 1)\nf(0)": "RecursionError: maximum recursion depth exceeded",
    "raise MemoryError": "MemoryError: correct the claim's code",
    "raise GeneratorExit('over')": "GeneratorExit: over: correct the claim's code",
    "import sys; sys.exit(3)": "the claim's function ends the program (exit code 3): remove that call",
    "return forall(s, then=equal(s.A, s.B))": "m×r",
}


@pytest.mark.parametrize("body", USERS)
def test_what_the_users_code_raises_is_an_error_at_its_line(body: str, tmp_path: Path) -> None:
    claim = claim_of(tmp_path, body)
    found = row(claim)
    assert USERS[body] in found.message
    assert re.fullmatch(rf"{re.escape(claim.file)}:[89]", found.location)
    assert "fault of the verifier" not in found.message
    assert "Traceback" in found.traceback


def test_an_error_in_a_module_of_the_users_own_is_named_beside_the_claims_line(tmp_path: Path) -> None:
    found = row(claim_of(tmp_path, "helper.broken()", "def broken():\n    return 1 / 0\n"))
    assert found.location.endswith("mine.py:8")
    assert found.message == "ZeroDivisionError: division by zero (in helper.py:2): correct the claim's code"


def test_a_function_of_the_users_that_the_verifier_calls_is_the_users(tmp_path: Path) -> None:
    found = row(claim_of(tmp_path, "return forall(s, then=equal(elementwise(lambda t: 1 / 0, s.A), s.A))"))
    assert found.message == "ZeroDivisionError: division by zero: correct the claim's code"


def test_a_claim_with_an_argument_is_the_users_mistake(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from verify import *\n\n@claim\ndef c(x):\n    return x\n")
    (found,) = load_file(file).claims
    assert row(found.claim).message == "TypeError: c() missing 1 required positional argument: 'x': correct the claim's code"


ODD = """
class Odd({base}):
    def __str__(self):
        raise RuntimeError("no message")
    __class__ = property(lambda self: 1 / 0)
    __traceback__ = property(lambda self: 1 / 0)
raise Odd()
"""


@pytest.mark.parametrize("base", ["Exception", "BaseException"])
def test_an_exception_that_cannot_even_be_shown_is_a_row_too(base: str, tmp_path: Path) -> None:
    found = row(claim_of(tmp_path, ODD.format(base=base).strip()))
    assert found.message == "Odd: its message cannot be shown: correct the claim's code"


def test_messages_are_one_short_line_of_printable_characters(tmp_path: Path) -> None:
    found = row(claim_of(tmp_path, r"raise ValueError('a\nb\x00\x1b[31m\udcff' + 'y' * 5000)"))
    assert found.message.startswith(r"ValueError: a b\x00\x1b[31m\udcffyyy")
    assert found.message.isprintable()
    assert len(found.message) < 500


@pytest.mark.parametrize("error", [KeyError("λ"), np.linalg.LinAlgError("Singular"), RecursionError("deep"), MemoryError()])
def test_what_the_verifier_raises_while_it_judges_is_its_own_fault(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claim_of(tmp_path, "return forall(s, then=le(0, nuclear(s.X)))")
    _fails(monkeypatch, error)
    found = row(claim)
    assert found.location == f"{claim.file}:{claim.line}"
    assert found.message.startswith(f"a fault of the verifier: {type(error).__name__}")
    assert "(verify/runner/check.py:" in found.message
    assert "please report" in found.message


def test_shapes_that_the_claims_code_never_saw_do_not_blame_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = claim_of(tmp_path, "return forall(s, then=le(0, nuclear(s.X)))")
    _fails(monkeypatch, ShapeError("the product of m×r and n×r: transpose one factor"))
    assert row(claim).message.startswith("a fault of the verifier: ShapeError")


@pytest.mark.parametrize("error", [NoSource("no source for this yet"), GateError("a derivative is wrong")])
def test_what_the_verifier_cannot_do_is_unknown_with_the_reason(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claim_of(tmp_path, "return forall(s, then=le(0, nuclear(s.X)))")
    _fails(monkeypatch, error)
    payload = check_claim(claim, "mine.c", PROFILES["dev"], 0).payload
    assert isinstance(payload, Unknown)
    assert payload.reason == str(error)


def test_ctrl_c_is_nobodys_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = claim_of(tmp_path, "return forall(s, then=le(0, nuclear(s.X)))")
    _fails(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        check_claim(claim, "mine.c", PROFILES["dev"], 0)


def _fails(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let a function of the verifier's own raise; as its code stands in that file, so do its frames."""

    def failing(*_: Any, **__: Any) -> Any:
        raise error

    code = failing.__code__.replace(co_filename=checking.__file__)
    made = types.FunctionType(code, failing.__globals__, "failing", None, failing.__closure__)
    monkeypatch.setattr(checking, "verdict_of", made)


def test_plain_text_keeps_letters_of_every_alphabet() -> None:
    assert plain("λ₁ ≤ ‖X⋆‖_F\t\n é") == "λ₁ ≤ ‖X⋆‖_F é"
    assert said(ValueError("a\u202eb")) == r"a\u202eb"
