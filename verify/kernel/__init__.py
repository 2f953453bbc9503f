"""The trusted kernel: it accepts a certificate only where it has checked, from the claim alone, that the verdict holds.

Standard library only. FORMAT.md describes claims, certificates and what each verdict means."""
import json
from dataclasses import dataclass
from typing import Any

from ._identity import identity
from ._instance import Decision, Truth, decide, instance, values_at
from ._language import fields
from ._limits import BYTES, Rejected, measure, plain, start
from ._limits import check as _check

__all__ = ["Decision", "Rejected", "Report", "Truth", "check", "check_bytes", "decide", "values_at"]

_KINDS = {  # the keys a kind needs, and those it may have
    "identity": ("cofactors", "divide"), "instance": ("dims values", "bits steps violated"),
    "root": ("dims values root", "bits violated"), "negative_curvature": ("dims values direction", "bits violated")}

@dataclass(frozen=True)
class Report:
    """The answer: the rule that accepted, or the first that failed, with the place and the reason."""
    accepted: bool
    rule: str
    where: str
    message: str
    facts: tuple[str, ...] = ()

def check(certificate: Any) -> Report:
    """Check one certificate. Never raises: whatever goes wrong is a rejection."""
    try:
        start(128)
        measure(certificate)
        kind = certificate.get("kind") if type(certificate) is dict else None
        _check(type(kind) is str and kind in _KINDS, "no kind of certificate:", kind, "format")
        needed, optional = _KINDS[str(kind)]
        fields(certificate, "schema kind claim verdict " + needed, "info " + optional)
        _check(type(certificate["schema"]) is int and certificate["schema"] == 1, "not schema 1", rule="format")
        facts = identity(certificate) if kind == "identity" else instance(certificate)
        return Report(True, str(kind), "", f"{certificate['verdict']} holds", tuple(facts))
    except Rejected as no:
        return Report(False, no.rule, no.where, no.message)
    except Exception as no:  # nothing is accepted that ends here
        return Report(False, "format", "", plain(f"malformed: {type(no).__name__} {str(no)[:80]}"))

def check_bytes(raw: Any) -> Report:
    """Check one certificate file: UTF-8 JSON without duplicate keys, floats or NaN."""
    try:
        _check(isinstance(raw, bytes) and len(raw) <= BYTES, f"not at most {BYTES} bytes", rule="limits")
        return check(json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_float, parse_float=_float))
    except Rejected as no:
        return Report(False, no.rule, no.where, no.message)
    except Exception as no:
        return Report(False, "format", "", f"not JSON: {type(no).__name__}")

def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _check(len({key for key, _ in pairs}) == len(pairs), "a key appears twice in one object", rule="format")
    return dict(pairs)

def _float(text: str) -> None:
    _check(False, "not a rational number:", text, "format")
