"""How many distinct second-order points the claims really see: `python tests/benchmarks/counts.py [--profile ci] [--json]`.

Spurious points are those at which Theorem B is read, global ones those at which Theorem A's uniqueness is (theory §3, §4). Two
points are the same if X, X⋆ and λ agree to nine digits.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from verify.calculus.conditions import conjuncts, reduced
from verify.points.sources.landscapes import second_order_batches
from verify.points.sources.second_order import Tally
from verify.runner.check import check_claim
from verify.runner.loading import collect
from verify.runner.profiles import PROFILES

READ = {
    "full-rank, spurious": "high_rank.pairing_le_excess_times_block",
    "rank-deficient, at X⋆": "low_rank.rank_deficient_eq_target_of_strongly_convex",
}


def distinct(identifier: str, branch: str, points: int) -> int:
    """Distinct points of a branch among the first ones that a claim reads."""
    formula = collect([identifier]).claims[0].claim.formula()
    conditions = conjuncts([reduced(s, formula.process) for s in formula.given])
    seen: set[bytes] = set()
    count = 0
    for batch in second_order_batches(formula, conditions, np.random.default_rng(0), 0, Tally()):
        if count >= points:
            break
        count += batch.count
        if not batch.family.endswith(branch):
            continue
        updates = batch.values["A"] @ np.swapaxes(batch.values["B"], -1, -2)
        for update, star, decay in zip(updates, batch.values["X⋆"], batch.values["λ"], strict=True):
            numbers = np.concatenate([update.ravel(), star.ravel(), [decay]])
            size = max(float(np.abs(numbers).max()), 1e-300)
            seen.add(np.round(numbers / size, 9).tobytes() + np.float32(size).tobytes())
    return len(seen)


def main() -> None:
    """Print the counts, with the verdict at the same points."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="ci")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    profile = PROFILES[arguments.profile]
    rows: dict[str, Any] = {}
    for branch, identifier in READ.items():
        (found,) = collect([identifier]).claims
        result = check_claim(found.claim, found.id, profile, 0)
        rows[branch] = {
            "claim": found.id,
            "verdict": result.verdict.value,
            "distinct points": distinct(identifier, branch, profile.points),
            "evidence": result.summary,
        }
    print(json.dumps(rows, ensure_ascii=False, indent=1) if arguments.json else _table(rows))


def _table(rows: dict[str, Any]) -> str:
    return "\n".join(f"{r['distinct points']:>7,} {branch}: {r['verdict']}, {r['evidence']}" for branch, r in rows.items())


if __name__ == "__main__":
    main()
