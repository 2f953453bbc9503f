"""`verify check`: certificates re-verified by the kernel alone; needs nothing but the standard library."""

from __future__ import annotations

import argparse
import sys

from verify.cli.main import OK, UNMET, USAGE
from verify.kernel import check_bytes


def check(arguments: argparse.Namespace) -> int:
    """One line a certificate: accepted, or the first rule that failed and where."""
    code = OK
    for path in arguments.certificates:
        try:
            with open(path, "rb") as stream:
                raw = stream.read()
        except OSError as error:
            print(f"{path}: error: cannot be opened ({error.strerror}): check the path", file=sys.stderr)
            code = USAGE
            continue
        report = check_bytes(raw)
        if report.accepted:
            print(f"accepted  {path}")
        else:
            print(f"rejected  {path}: {report.rule} at {report.where or 'the top'}: {report.message}")
            code = max(code, UNMET)
    return code
