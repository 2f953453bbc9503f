"""The structure that design §4 promises: imports go one way, the kernel stands alone, the package is light to import."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "verify"
LAYERS = ["language", "calculus", "evaluation", "losses", "points", "search", "certificates", "runner", "report", "cli"]
KERNEL_USERS = {"certificates", "runner", "cli"}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The layers of `verify` that a module imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("verify.")}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_layer_imports_only_layers_to_its_left(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0]
    if layer in LAYERS:
        to_the_left = set(LAYERS[: LAYERS.index(layer) + 1])
        allowed = to_the_left | ({"kernel"} if layer in KERNEL_USERS else set()) | {"_version"}
        assert imported(path) <= allowed


@pytest.mark.parametrize("path", sorted((PACKAGE / "kernel").glob("*.py")), ids=lambda p: p.name)
def test_the_kernel_imports_nothing_but_the_standard_library(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        assert all(name.split(".")[0] in sys.stdlib_module_names for name in names)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, verify, verify.cli.main; sys.exit(bool({'sympy', 'numpy', 'scipy', 'hypothesis'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_can_be_imported() -> None:
    import verify

    for name in verify.__all__:
        assert getattr(verify, name) is not None


def with_examples() -> list[str]:
    found = []
    for path in modules():
        if ">>>" in path.read_text():
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            found.append(".".join(p for p in parts if p != "__init__"))
    return found


@pytest.mark.parametrize("name", with_examples())
def test_docstring_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
