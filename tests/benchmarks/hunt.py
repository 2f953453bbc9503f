"""Seconds until `verify hunt` refutes the false claims it must refute: each hunt starts afresh, on all cores.

`python tests/benchmarks/hunt.py --json` prints one JSON document as its last line:
`{"rows": [{"claim", "seconds", "limit", "strategy", "accepted"}]}`, where `accepted` says that a certificate was written and
that the kernel accepts it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from verify.kernel import check_bytes

LIMITS = {
    "sharpness.spurious_is_large_with_constant_two": 20,
    "sharpness.spurious_is_large_with_constant_six_fifths": 60,
    "sharpness.spurious_is_large_with_constant_1_02": 60,
    "sharpness.second_order_eq_target_of_kappa_lt_seven_halves": 30,
    "sharpness.second_order_eq_target_of_kappa_lt_four_and_rank_two_over_one": 60,
    "sharpness.second_order_is_global_of_convex": 30,
    "sharpness.second_order_is_global_of_completion": 60,
    "sharpness.block_le_half_squared_distance_over_target_singular_value": 5,
    "sharpness.strict_second_order_of_large_norm_eq_target": 60,
}
"""Claims and the seconds they may take on two cores."""


def measured(claim: str, limit: int, seed: int) -> dict[str, Any]:
    """One hunt in a process of its own, without known counterexamples of earlier ones."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", "verify", "hunt", claim, "--budget", str(limit), "--seed", str(seed)]
        began = time.monotonic()
        subprocess.run([*command, "--no-replay", "--out", folder, "--json", str(out)], stdout=subprocess.DEVNULL, check=False)
        seconds = time.monotonic() - began
        document = json.loads(out.read_text()) if out.exists() else {}
        certificate = document.get("certificate")
        accepted = certificate is not None and check_bytes(Path(certificate).read_bytes()).accepted
        return {
            "claim": claim,
            "seconds": round(seconds, 2),
            "limit": limit,
            "strategy": document.get("strategy"),
            "accepted": accepted,
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the document as the last line")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = []
    for claim, limit in LIMITS.items():
        rows.append(measured(claim, limit, arguments.seed))
        row = rows[-1]
        good = "ok" if row["accepted"] and row["seconds"] <= limit else "MISSED"
        print(f"{good:<7}{row['seconds']:>7.1f} s of {limit:>3}  {row['strategy']}  {claim}", flush=True)
    if arguments.json:
        print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
