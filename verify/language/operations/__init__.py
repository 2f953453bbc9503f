"""Node kinds: one `Operation` record each, gathered in `OPERATIONS`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from verify.language.operations import (
    algebra,
    derived,
    entries,
    functions,
    inverses,
    kinks,
    leaves,
    scalars,
    spectral,
)
from verify.language.operations.operation import Operation

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        operation.name: operation
        for module in (leaves, algebra, scalars, kinks, entries, inverses, functions, spectral, derived)
        for operation in module.OPERATIONS
    }
)
"""Every node kind by name."""

__all__ = ["OPERATIONS", "Operation"]
