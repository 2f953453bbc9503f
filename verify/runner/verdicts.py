"""Verdicts, each with a typed payload, and the result of checking one claim.

Main definitions: `Verdict`, `Proved`, `Held`, `Refuted`, `Candidate`, `Vacuous`, `Unknown`, `Broken`, `Result`.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from verify.kernel import scope as kernel_scope
from verify.kernel import statement as kernel_statement
from verify.language.claims import Expect
from verify.runner.about import About
from verify.runner.reach import Reach


class Verdict(Enum):
    """What a run can say about a claim (design §3)."""

    PROVED = "PROVED"
    HELD = "HELD"
    REFUTED = "REFUTED"
    CANDIDATE = "CANDIDATE"
    VACUOUS = "VACUOUS"
    UNKNOWN = "UNKNOWN"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Coverage:
    """How many instances were tested and where.

    Attributes:
        n: instances made.
        n_active: those that met every assumption and reached a conclusion that is not zero against zero.
        n_undecided: active ones that neither tolerance nor an exact reading could decide.
        margin: the smallest relative margin of the conclusion among active instances (negative: violated).
        cells: active instances by (family, sizes).
        exact: how many of `n` were read exactly.
        branches: for claims about second-order points, the active ones by branch of the theory.
        ends: for such claims, how every start of the point finder ended.
        margins: active float instances by the decade of their relative margin (see `evidence.decades`).
        reach: how far the active float instances reached.
    """

    n: int = 0
    n_active: int = 0
    n_undecided: int = 0
    margin: float | None = None
    cells: Mapping[tuple[str, str], int] = field(default_factory=dict)
    exact: int = 0
    branches: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    margins: Mapping[int | None, int] = field(default_factory=dict)
    """None stands for margins that are not positive."""
    reach: Reach = field(default_factory=Reach)


@dataclass(frozen=True)
class Proved:
    """Holds for everything in `scope`; the kernel accepted the certificate.

    `vacuous` where no instance meets the assumptions that the proof uses: then everything follows from them.
    """

    scope: str
    detail: str
    certificate: Any = field(repr=False)
    vacuous: bool = False
    note: str = ""


@dataclass(frozen=True)
class Held:
    """No violation among the tested instances."""

    coverage: Coverage
    engine: str
    not_tested: str
    scope: str = ""
    """What the claim itself is restricted to, such as a data set."""
    note: str = ""
    """What else there is to say, such as float violations that turned out to be none."""


@dataclass(frozen=True)
class Refuted:
    """A counterexample whose certificate the kernel accepted."""

    counterexample: str
    comparison: tuple[str, str, str] | None
    certificate: Any = field(repr=False)
    coverage: Coverage
    note: str = ""


@dataclass(frozen=True)
class Candidate:
    """A violation that is still there when its assumptions hold to 50 digits, but could not be certified.

    Attributes:
        counterexample: the point; as it is printed it violates the claim as it is printed.
        margin: relative, negative.
        coverage: what was tested.
        how: what the violation survived; the points of data sets and runs are what they are, in floats.
    """

    counterexample: str
    margin: float
    coverage: Coverage
    note: str = ""
    how: str = "violated to 50 digits"


@dataclass(frozen=True)
class Vacuous:
    """No instance met the assumptions or reached the branch."""

    reason: str
    coverage: Coverage


@dataclass(frozen=True)
class Unknown:
    """Nothing could be said; the reason says why."""

    reason: str
    coverage: Coverage = Coverage()


@dataclass(frozen=True)
class Broken:
    """The claim itself is broken, or its check failed.

    Attributes:
        location, message: `file:line`, and what is wrong there.
        traceback: the whole of it, where an exception was raised.
        raised: the name of the exception's class.
    """

    location: str
    message: str
    traceback: str = field(default="", repr=False, compare=False)
    raised: str = field(default="", repr=False, compare=False)


Payload = Proved | Held | Refuted | Candidate | Vacuous | Unknown | Broken

_VERDICTS: dict[type, Verdict] = {
    Proved: Verdict.PROVED,
    Held: Verdict.HELD,
    Refuted: Verdict.REFUTED,
    Candidate: Verdict.CANDIDATE,
    Vacuous: Verdict.VACUOUS,
    Unknown: Verdict.UNKNOWN,
    Broken: Verdict.ERROR,
}

_MEETS: dict[Expect, frozenset[Verdict]] = {
    Expect.HOLDS: frozenset({Verdict.PROVED, Verdict.HELD}),
    Expect.PROVED: frozenset({Verdict.PROVED}),
    Expect.REFUTED: frozenset({Verdict.REFUTED}),
    Expect.OPEN: frozenset(Verdict) - {Verdict.ERROR},
}


def verdict_of_payload(payload: Payload) -> Verdict:
    """The verdict a payload stands for."""
    return _VERDICTS[type(payload)]


@dataclass(frozen=True)
class Result:
    """The outcome of checking one claim.

    Attributes:
        id: `module.claim_name`.
        expect: what the author expects.
        payload: the verdict with its evidence.
        seconds: time spent.
        certificate_path: where the certificate was written, if it was.
        about: statement, derived formulas and source, where they were asked for.
        cached: whether an earlier run's result was taken over.
    """

    id: str
    expect: Expect
    payload: Payload
    seconds: float
    certificate_path: str | None = None
    about: About | None = None
    cached: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict the payload stands for."""
        return verdict_of_payload(self.payload)

    @property
    def met(self) -> bool:
        """Whether the expectation is met; HOLDS wants more than a claim about no instance at all, as with VACUOUS."""
        about_nothing = isinstance(self.payload, Proved) and self.payload.vacuous
        return self.verdict in _MEETS[self.expect] and not (about_nothing and self.expect is Expect.HOLDS)

    @property
    def coverage(self) -> Coverage | None:
        """What was tested, where anything was."""
        return getattr(self.payload, "coverage", None)

    @property
    def certificate(self) -> Any:
        """The certificate as a JSON object, where there is one."""
        return getattr(self.payload, "certificate", None)

    @property
    def accepted(self) -> tuple[str, str] | None:
        """Scope and statement of the certificate, as the kernel reads them off its tree; None where there is none."""
        certificate = self.certificate
        return None if certificate is None else (kernel_scope(certificate), kernel_statement(certificate["claim"]))

    @property
    def summary(self) -> str:
        """One line of evidence."""
        return describe(self.payload)

    def __repr__(self) -> str:
        return f"{self.verdict.value} {self.id}: {self.summary} ({self.seconds:.2f} s)"

    def _repr_html_(self) -> str:
        return f"<p><b>{self.verdict.value}</b> <code>{html.escape(self.id)}</code>: {html.escape(self.summary)}</p>"


def describe(payload: Payload) -> str:
    """One line of evidence for any payload."""
    match payload:
        case Proved():
            return f"{payload.scope} · {payload.detail}{_noted(payload.note)}"
        case Held(coverage=c):
            margin = "" if c.margin is None else f" · smallest margin {c.margin:.1e}"
            left_out = f" · not tested: {payload.not_tested}" if payload.not_tested else ""
            active = f"{c.n_active:,} active of {c.n:,} instances{_branches(c)}"
            return f"{active}{margin} · {payload.engine}{left_out}{_noted(payload.note)}"
        case Refuted():
            return f"exact: {payload.counterexample}{_violated(payload.comparison)}{_noted(payload.note)}"
        case Candidate():
            how = f"{payload.how}, not certified (relative margin {payload.margin:.1e})"
            return f"{how}: {payload.counterexample}{_noted(payload.note)}"
        case Vacuous() | Unknown():
            return payload.reason
        case Broken():
            return f"{payload.location}: error: {payload.message}"


def _noted(note: str) -> str:
    return f" · note: {note}" if note else ""


def with_note(payload: Payload, note: str) -> Payload:
    """The payload with something more to say."""
    match payload:
        case Proved() | Held() | Refuted() | Candidate() if note:
            return replace(payload, note="; ".join(filter(None, (payload.note, note))))
        case Unknown() | Vacuous() if note:
            return replace(payload, reason=f"{payload.reason}; {note}")
        case _:
            return payload


def _branches(coverage: Coverage) -> str:
    """For example `` (40 full-rank, spurious; 80 rank-deficient, at X⋆)``, and the starts that ended elsewhere."""
    if not coverage.branches:
        return ""
    parts = [f"{count:,} {branch}" for branch, count in sorted(coverage.branches.items())]
    lost = {end.lower().replace("_", " "): k for end, k in coverage.ends.items() if end != "SECOND_ORDER" and k}
    tail = "".join(f"; {k:,} starts {end}" for end, k in sorted(lost.items()))
    return f" ({'; '.join(parts)}{tail})"


SIGNS = {"equal": "=", "le": "≤", "lt": "<", "distinct": "≠"}


def _violated(comparison: tuple[str, str, str] | None) -> str:
    return "" if comparison is None else f" · {violated(comparison)}"


def violated(comparison: tuple[str, str, str]) -> str:
    """Both sides of a comparison that fails, for example ``4/3 ≤ 1 is false``."""
    left, relation, right = comparison
    return f"{_brief(left)} {SIGNS.get(relation, relation)} {_brief(right)} is false"


def _brief(value: str) -> str:
    """A narrow enclosure ``[lo, hi]`` by ten digits, a long number by its first ones."""
    if value.startswith("["):
        rounded = {f"{float(end):.10g}" for end in value.strip("[]").split(", ")}
        if len(rounded) == 1:
            return f"about {rounded.pop()}"
    return value if len(value) <= 40 else value[:37] + "…"


def to_json(result: Result) -> dict[str, Any]:
    """The claim's row in the JSON of `verify run` (schema 1); a value that does not apply is null."""
    coverage = result.coverage
    payload = result.payload
    reason: str | None = None
    if isinstance(payload, Vacuous | Unknown):
        reason = payload.reason
    elif isinstance(payload, Broken | Candidate):
        reason = describe(payload)
    row = {
        "id": result.id,
        "expect": result.expect.value,
        "verdict": result.verdict.value,
        "met": result.met,
        "scope": payload.scope or None if isinstance(payload, Proved | Held) else None,
        "engine": payload.engine if isinstance(payload, Held) else "exact" if result.certificate is not None else None,
        "n": None if coverage is None else coverage.n,
        "n_active": None if coverage is None else coverage.n_active,
        "n_undecided": None if coverage is None else coverage.n_undecided,
        "margin": None if coverage is None else coverage.margin,
        "seconds": round(result.seconds, 4),
        "certificate": result.certificate_path,
        "reason": reason,
        "evidence": describe(payload),
        "coverage": _cells(coverage),
        "branches": None if coverage is None or not coverage.branches else dict(coverage.branches),
        "starts": None if coverage is None or not coverage.ends else dict(coverage.ends),
        "margins": _margins(coverage),
        "not_tested": payload.not_tested if isinstance(payload, Held) else None,
        "reached": None if coverage is None or not coverage.n_active else coverage.reach.to_json(),
        "note": getattr(payload, "note", "") or None,
        "counterexample": payload.counterexample if isinstance(payload, Refuted | Candidate) else None,
        "violated": _comparison(payload),
        "certificate_content": result.certificate,
        "statement": None if result.accepted is None else result.accepted[1],
        "cached": result.cached,
    }
    return row if result.about is None else {**row, **result.about.to_json()}


def _comparison(payload: Payload) -> dict[str, str] | None:
    """The inequality that fails at a counterexample, with both sides."""
    if not isinstance(payload, Refuted) or payload.comparison is None:
        return None
    left, relation, right = payload.comparison
    return {"left": left, "relation": SIGNS.get(relation, relation), "right": right}


def _margins(coverage: Coverage | None) -> list[dict[str, int | None]] | None:
    if coverage is None or not coverage.margins:
        return None
    ordered = sorted(coverage.margins.items(), key=lambda item: (item[0] is not None, item[0] or 0))
    return [{"decade": decade, "n": count} for decade, count in ordered]


def _cells(coverage: Coverage | None) -> list[dict[str, Any]] | None:
    if coverage is None or not coverage.cells:
        return None
    return [{"family": f, "sizes": s, "n_active": k} for (f, s), k in sorted(coverage.cells.items())]


def summarize(results: list[Result]) -> dict[str, int]:
    """Counts that add up: proved + held + refuted + undecided = claims."""
    count = {v: sum(1 for r in results if r.verdict is v) for v in Verdict}
    undecided = (Verdict.CANDIDATE, Verdict.VACUOUS, Verdict.UNKNOWN, Verdict.ERROR)
    return {
        "claims": len(results),
        "met": sum(1 for r in results if r.met),
        "proved": count[Verdict.PROVED],
        "held": count[Verdict.HELD],
        "refuted": count[Verdict.REFUTED],
        "undecided": sum(count[v] for v in undecided),
    }
