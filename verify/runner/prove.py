"""`prove(goal, given=[...])`: an identity for all sizes, from Python."""

from __future__ import annotations

from typing import Any

from verify.language.formulas import Formula
from verify.language.processes import Process
from verify.language.quantifiers import always, closure
from verify.language.statements import require_statement
from verify.runner.proving import prove_identity
from verify.runner.reading.gate import check_reading
from verify.runner.verdicts import Payload, Unknown


def prove(goal: Any, given: Any = (), *, process: Process | None = None) -> Payload:
    """Try to prove an identity for all sizes.

    Every free symbol is universally quantified.

    Args:
        goal: an `equal(...)` (or several under `both`), or a whole `forall(...)` / `always(...)`.
        given: assumptions: equalities, `fosp()`, and positivity of scalars (`lt(0, lam)`).
        process: a gradient flow or descent, where the goal contains `ddt` or `after`.

    Returns:
        `Proved` with the certificate that the kernel accepted, or `Unknown` ("not proved" never means "false").

    >>> from verify import lora, equal, lt
    >>> s = lora()
    >>> prove(equal(s.A.T * s.A, s.B.T * s.B), given=[s.fosp(), lt(0, s.decay)]).scope
    'all m, n, r'
    """
    formula = goal if isinstance(goal, Formula) else _closed(goal, given, process)
    unread = check_reading(formula)
    if unread is not None:
        return Unknown(unread)
    return prove_identity(formula) or Unknown("not proved: the goal is not in the ideal of the assumptions, as far as searched")


def _closed(goal: Any, given: Any, process: Process | None) -> Formula:
    require_statement(goal, "the goal")
    if process is not None:
        return always(process, given=given, then=goal)
    return closure(given, goal)
