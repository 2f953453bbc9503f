"""The shipped theory under every kernel and thread count: `python tests/benchmarks/kernels.py [SELECTOR…] [--profile ci]`.

Prints the claims whose verdicts differ between OpenBLAS' kernels (the processor's own, Nehalem, Haswell) or between one and two
threads, and exits with 1 if any does. For a nightly run: each of the six runs checks everything, afresh and without replay.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runner"))

from processors import DEFAULT, KERNELS, architectures, differences, has, verdicts

THREADS = (1, 2)


def main() -> int:
    """Run the matrix and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("selectors", nargs="*", metavar="SELECTOR")
    parser.add_argument("--profile", default="dev")
    parser.add_argument("--replay", action="store_true", help="let known counterexamples answer first, as `verify run` does")
    arguments = parser.parse_args()
    options = ["--profile", arguments.profile, *([] if arguments.replay else ["--no-replay"])]
    kernels = [DEFAULT, *(k for k in KERNELS if has(k))]
    print("kernels:", ", ".join(f"{k} ({'/'.join(architectures(k)) or 'another BLAS'})" for k in kernels), flush=True)
    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        for kernel in kernels:
            for threads in THREADS:
                began, name = time.monotonic(), f"{kernel} × {threads}"
                runs[name] = verdicts(arguments.selectors, Path(folder), kernel, *options, threads=threads)
                print(f"{name}: {len(runs[name])} claims in {time.monotonic() - began:.0f} s", flush=True)
    found = differences(runs)
    print("\n".join(found) or "all verdicts agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
