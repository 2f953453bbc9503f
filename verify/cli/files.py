"""Writing files so that a kill in the middle leaves the old file or the new one, never half of one."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from verify.cli.main import UsageError


def require_parent(path: str | Path | None) -> None:
    """Check, before any work, that a file or folder could be made there.

    Raises:
        UsageError: if the folder it belongs into does not exist.
    """
    if path is not None and not Path(path).resolve().parent.is_dir():
        raise UsageError(f"{path} cannot be written: its folder does not exist")


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file through a temporary one in the same folder."""
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.resolve().parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: str | Path, document: Any) -> None:
    """Write a JSON document; numbers that are not finite become null."""
    text = json.dumps(_finite(document), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_atomically(path, text.encode())


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value
