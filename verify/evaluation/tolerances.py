"""The two relative tolerances every float decision is made at (design §5), in one place."""

LOOSE = 1e-6
"""A violation must exceed this fraction of the error scale to count as one."""

TIGHT = 1e-9
"""A statement must hold to this fraction of the error scale to count as true."""
