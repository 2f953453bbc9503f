"""`verify completion SHELL`: a completion script for the shell, made from the command line's grammar."""

from __future__ import annotations

import argparse

import shtab

from verify.cli.main import OK, build_parser


def completion(arguments: argparse.Namespace) -> int:
    """Print the script."""
    print(shtab.complete(build_parser(), arguments.shell))
    return OK
