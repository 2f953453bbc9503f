"""The same run with the linear algebra of other processors: OpenBLAS takes the kernels that `OPENBLAS_CORETYPE` names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

KERNELS = ("Nehalem", "Haswell")
"""Without and with fused multiply-add; older kernels run anywhere."""
DEFAULT = "default"
_PROBE = """
import json, numpy, scipy.linalg, threadpoolctl
numpy.linalg.svd(numpy.random.default_rng(0).standard_normal((64, 64)))
print(json.dumps([p.get("architecture") for p in threadpoolctl.threadpool_info() if p["internal_api"] == "openblas"]))
"""


def environment(kernel: str, threads: int = 1) -> dict[str, str]:
    """What a process is started with; nothing is read from or written to a cache."""
    kept = {n: v for n, v in os.environ.items() if n != "OPENBLAS_CORETYPE"}
    chosen = {} if kernel == DEFAULT else {"OPENBLAS_CORETYPE": kernel}
    limits = {n: str(threads) for n in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    return {**kept, **chosen, **limits, "VERIFY_CACHE_DIR": "", "PYTHONPATH": str(Path(__file__).parents[2])}


@lru_cache(maxsize=8)
def architectures(kernel: str) -> tuple[str, ...]:
    """The kernels that the libraries of NumPy and SciPy really use; none where they have another BLAS, or the process dies."""
    found = subprocess.run([sys.executable, "-c", _PROBE], env=environment(kernel), capture_output=True, text=True, check=False)
    return tuple(json.loads(found.stdout)) if found.returncode == 0 else ()


def has(kernel: str) -> bool:
    """Whether the variable has an effect here."""
    return bool(architectures(kernel)) and set(architectures(kernel)) == {kernel}


def verdicts(selectors: Sequence[str], folder: Path, kernel: str, *options: str, threads: int = 1) -> dict[str, Any]:
    """The rows of `verify run --json` by claim, from a process of its own.

    Raises:
        RuntimeError: if the run ended by anything but verdicts, with what it wrote.
    """
    out = folder / f"{kernel}-{threads}.json"
    command = [sys.executable, "-m", "verify", "run", *selectors, "--no-cache", "--jobs", "1", "--json", str(out), *options]
    done = subprocess.run(command, env=environment(kernel, threads), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{kernel}, {threads} threads: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return {row["id"]: row for row in json.loads(out.read_text())["claims"]}


def differences(runs: dict[str, dict[str, Any]]) -> list[str]:
    """The claims whose verdicts the runs do not share, one line each."""
    lines = []
    for claim in sorted({c for rows in runs.values() for c in rows}):
        found = {name: rows[claim]["verdict"] if claim in rows else "missing" for name, rows in runs.items()}
        if len(set(found.values())) > 1:
            lines.append(f"{claim}: " + ", ".join(f"{name} {verdict}" for name, verdict in found.items()))
    return lines
