"""`python -m tests.truth [PROFILE]`: how many claims the verifier judges, and how many wrongly."""

from __future__ import annotations

import sys
from collections import Counter
from types import ModuleType

from .claims import topics
from .hostile.trials import fault_of, trials
from .judging import Judged, NoVerdict, claims_of, result_of, wrong

_ORDER = "proved held refuted candidate vacuous unknown error".split()  # noqa: SIM905


def outcome(judged: Judged, profile: str) -> str:
    """The verdict in lower case."""
    result = result_of(judged, profile)
    return "no verdict" if isinstance(result, NoVerdict) else result.verdict.value.lower()


def counted(name: str, claims: list[Judged], profile: str) -> int:
    """Print one count with the verdicts it is made of; how many are wrong."""
    bad = [judged for judged in claims if wrong(judged, result_of(judged, profile))]
    verdicts = Counter(outcome(judged, profile) for judged in claims)
    parts = ", ".join(f"{verdicts[name]} {name}" for name in [*_ORDER, "no verdict"] if verdicts[name])
    print(f"{len(claims)} {name} claims, {len(bad)} wrong: {parts}", flush=True)
    short = [judged.id for judged in claims if outcome(judged, profile).upper() not in {v.value for v in judged.may_end}]
    print(f"  {len(short)} weaker than they could be: {', '.join(short)}" if short else "  all as they should be", flush=True)
    for judged in bad:
        print(f"  {judged.id} is {name}, but: {result_of(judged, profile)!r}"[:300], flush=True)
    return len(bad)


def hostile() -> int:
    """Print the count of the hostile names; how many are wrong."""
    faults = {trial.id: fault for trial in trials() if (fault := fault_of(trial)) is not None}
    print(f"{len(list(trials()))} hostile variants tried, {len(faults)} wrong", flush=True)
    for name, fault in faults.items():
        print(ascii(f"  {name}: {fault}")[1:300], flush=True)
    return len(faults)


def main() -> int:
    """The three counts; 1 if any verdict is wrong."""
    profile = sys.argv[1] if len(sys.argv) > 1 else "dev"
    every = [judged for topic in topics() if isinstance(topic, ModuleType) for judged in claims_of(topic)]
    bad = counted("true", [judged for judged in every if judged.true], profile)
    bad += counted("false", [judged for judged in every if not judged.true], profile)
    return int(bad + hostile() > 0)


if __name__ == "__main__":
    sys.exit(main())
