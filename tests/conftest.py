"""No test may be answered by the results of an earlier run; tests of the cache choose a folder of their own."""

from __future__ import annotations

import os

os.environ["VERIFY_CACHE_DIR"] = ""
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)
