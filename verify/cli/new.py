"""`verify new FILE`: a file of claims that runs green, to start from."""

from __future__ import annotations

import argparse
from pathlib import Path

from verify.cli.files import require_parent, write_atomically
from verify.cli.main import OK, UsageError

TEMPLATE = '''"""Claims about the LoRA loss. Check them with: verify run {file}"""

from verify import *

s = lora()  # L(A, B) = f(ABᵀ) + (λ/2)(‖A‖² + ‖B‖²), any C² function f, any sizes
A, B, X, L, lam = s.A, s.B, s.X, s.L, s.decay


@claim(cite="first-order conditions", keyword=Keyword.TIGHT)
def balanced_of_stationary():
    """Weight decay balances the factors at every first-order stationary point."""
    return forall(s, given=[s.fosp(), lt(0, lam)], then=equal(A.T * A, B.T * B))


@claim(cite="Cauchy–Schwarz", keyword=Keyword.UPPER)
def nuclear_norm_le_product_of_factors():
    """The nuclear norm of a product is at most the product of the factors' Frobenius norms."""
    return forall(s, then=le(nuclear(X), frobenius(A) * frobenius(B)))


@claim(expect=Expect.REFUTED, keyword=Keyword.FALSE)
def spectral_norm_bounds_nuclear_norm():
    """False: the spectral norm is at least the nuclear norm."""
    return forall(s, then=le(nuclear(X), spectral(X)))
'''


def new(arguments: argparse.Namespace) -> int:
    """Write the template; an existing file is left alone."""
    path = Path(arguments.file)
    if path.exists():
        raise UsageError(f"{path} exists already: choose another name")
    if path.suffix != ".py":
        raise UsageError(f"{path} is not a Python file: choose a name that ends in .py")
    require_parent(path)
    write_atomically(path, TEMPLATE.replace("{file}", path.name).encode())
    print(f"wrote {path}; check it with: verify run {path}")
    return OK
