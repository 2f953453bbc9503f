"""How much work a run spends; counted in instances, so that results do not depend on the machine's speed.

The limits in seconds are there for what never ends. They are far above what any claim needs, and count processor time, so
that a busy machine does not reach them sooner.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Work units for one claim.

    Attributes:
        name: `dev`, `ci` or `deep`.
        instances: float instances to test.
        constrained: float instances where each one costs a numerical solve.
        points: second-order points to find and test, for claims about them.
        exact_examples: small exact instances drawn by Hypothesis.
        syntheses: semidefinite programs solved for claims about second-order points.
        retries: undecided instances read again exactly.
        shrink_tests: exact readings spent on shrinking a counterexample.
        process_steps: training steps tested for claims along a process.
        safety_seconds: processor time after which no more instances are tested; what it cuts short is said in the verdict.
        time_limit: seconds of processor time for the whole claim; what exceeds it is UNKNOWN. By the clock it is several times
            as long (`verify.cli.crew`).
    """

    name: str
    instances: int
    constrained: int
    points: int
    exact_examples: int
    syntheses: int
    retries: int
    shrink_tests: int
    process_steps: int
    safety_seconds: float
    time_limit: float


PROFILES = {
    "dev": Profile("dev", 10_000, 600, 800, 80, 45, 80, 300, 8, 60.0, 180.0),
    "ci": Profile("ci", 30_000, 1_800, 3_000, 200, 135, 200, 600, 20, 300.0, 900.0),
    "deep": Profile("deep", 200_000, 10_000, 12_000, 1_200, 4_000, 1_000, 2_000, 40, 3600.0, 10_800.0),
}
"""Every profile by name; `dev` is the default."""
