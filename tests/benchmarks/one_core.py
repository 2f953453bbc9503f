"""Importing this pins the process to one core with one thread for every numerical library; also makes helpers importable.

The libraries read these settings when they are first imported, so this must be imported before NumPy.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
CORE = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
if CORE is not None:
    os.sched_setaffinity(0, {CORE})
sys.path[:0] = [str(HERE.parents[1] / "points"), str(HERE.parents[2])]
