"""Symbolic–numeric verification of claims about low-rank (LoRA) loss landscapes.

`from verify import *` gives everything a claim needs: `lora`, `claim`, `forall`, `exists`, `always`, `on`, `equal`, `le`, `lt`,
`distinct`, the matrix functions, and `check`. Nothing heavy is imported until a name is used.
"""

from __future__ import annotations

import importlib
from typing import Any

from verify._version import __version__

_HOMES = {
    "verify.language.claims": "Claim Expect Keyword claim on",
    "verify.language.quantifiers": "always exists forall",
    "verify.language.domains": "parameter",
    "verify.language.errors": "ClaimError GateError NotDifferentiable NotRational ShapeError",
    "verify.language.functions": (
        "det diag diagonal dimensions elementwise entry frobenius function hadamard identity inner inverse lambda_min "
        "logdet logsumexp matrices maximum measurement minimum nonnegatives nuclear off_block ones operator positive_part "
        "positives rank relu scalars sigma sigmoid smooth softmax softplus spectral trace zeros"
    ),
    "verify.language.processes": "after ddt derivative gradient_descent gradient_flow",
    "verify.language.settings": "Setting lora",
    "verify.language.targets": "regularized_stationary",
    "verify.language.sources": "dataset training",
    "verify.language.curvature": "convex rsc rsm uniform_curvature",
    "verify.language.statements": "both distinct either equal fosp le lt singular_pair sosp",
    "verify.evaluation.derivatives": "gradient hessian_form stationarity",
    "verify.evaluation.interpret": "evaluate evaluate_exact",
    "verify.runner.check": "check",
    "verify.runner.prove": "prove",
    "verify.runner.verdicts": "Result Verdict",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [*sorted(_HOME_OF), "__version__"]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'verify' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
