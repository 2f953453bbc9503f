"""Strategy 1: counterexamples that are already known, of any claim whose variables fit.

Main definitions: `replayed`. Known ones are the JSON certificates and the hunts' own stores in the context's folders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, product
from pathlib import Path
from typing import Any

from verify.kernel import Truth
from verify.language.errors import ClaimError
from verify.runner.hunt.context import Context
from verify.runner.hunt.records import Seen, Unit
from verify.runner.hunt.store import recorded_certificates
from verify.search.instances import ExactInstance
from verify.search.recorded import recorded_instance
from verify.search.witnesses import instance_from_witness

_MOST = 400
_CHOICES = 40
_TRIED = tuple(Fraction(x) for x in ("0", "1", "1/2", "2", "3", "4", "1/10", "5", "10"))


def replayed(context: Context, unit: Unit) -> Seen:
    """Every known counterexample read as an instance of the claim."""
    n = n_active = 0
    for instance in islice(_known(context), _MOST):
        for complete in islice(_completed(instance, context), _CHOICES):
            decision = context.reader.read(complete)
            n += 1
            n_active += int(all(t is Truth.TRUE for t in decision.hypotheses))
            if context.reader.settles(decision):
                found = context.certified(complete)
                if found is not None:
                    return Seen(n, n_active, found=found)
    return Seen(n, n_active)


def _known(context: Context) -> Iterator[ExactInstance]:
    if context.formula.witness is not None:
        yield instance_from_witness(context.formula.witness, context.formula)
    for certificate in _certificates(context.folders):
        try:
            found = recorded_instance(certificate, context.formula)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError, ClaimError):
            # A file that does not read as an instance is no counterexample.
            continue
        if found is not None:
            yield found


def _certificates(folders: tuple[str, ...]) -> Iterator[Any]:
    for folder in folders:
        for path in sorted(Path(folder).glob("*.json")):
            try:
                yield json.loads(path.read_bytes())
            except (OSError, ValueError):
                continue
        for path in sorted(Path(folder).glob("*.sqlite")):
            yield from recorded_certificates(path)


def _completed(instance: ExactInstance, context: Context) -> Iterator[ExactInstance]:
    """Scalars that the recorded claim did not have, from those it had and a few simple numbers."""
    domains = context.formula.scalars()
    usual = [*dict.fromkeys([*instance.scalars.values(), *_TRIED])]
    wrong = [n for n in domains if n in instance.scalars and not domains[n].contains(instance.scalars[n])]
    missing = [n for n in domains if n not in instance.scalars or n in wrong]
    choices = []
    for name in missing:
        fixed = domains[name].least
        usable = [v for v in ([fixed] if fixed is not None else []) + usual if domains[name].contains(v)]
        choices.append(usable)
    for values in product(*choices):
        yield ExactInstance(
            instance.dims,
            {**instance.scalars, **dict(zip(missing, values, strict=True))},
            instance.matrices,
            instance.bodies,
            instance.steps if context.formula.process is not None and context.formula.process.step is not None else 0,
        )
