"""`python -m tests.truth`: how many claims the verifier judges, and how many wrongly."""

from __future__ import annotations

import sys
from collections import Counter
from types import ModuleType

from .claims import topics
from .judging import Judged, NoVerdict, claims_of, result_of, wrong


def outcome(judged: Judged) -> str:
    """The verdict in lower case."""
    result = result_of(judged)
    return "no verdict" if isinstance(result, NoVerdict) else result.verdict.value.lower()


def counted(name: str, claims: list[Judged]) -> int:
    """Print one count with the verdicts it is made of; how many are wrong."""
    bad = [judged for judged in claims if wrong(judged, result_of(judged))]
    verdicts = Counter(map(outcome, claims)).most_common()
    print(f"{len(claims)} {name} claims, {len(bad)} wrong: {', '.join(f'{count} {verdict}' for verdict, count in verdicts)}")
    for judged in bad:
        print(f"  wrong: {judged.id} is {name} and ends {result_of(judged)}")
    return len(bad)


def main() -> int:
    """Both counts, and those of the hostile names; 1 if any verdict is wrong."""
    every = [judged for topic in topics() if isinstance(topic, ModuleType) for judged in claims_of(topic)]
    bad = counted("true", [judged for judged in every if judged.true])
    bad += counted("false", [judged for judged in every if not judged.true])
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
