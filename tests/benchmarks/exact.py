"""Exact semidefiniteness: the kernel against SymPy and mpmath's intervals; and a certificate with 36 unknowns.

    python tests/benchmarks/exact.py [--json]

Every matrix is a Gram matrix of 30-bit rationals with one common denominator, plus a small multiple of the identity, so that
all three can decide it; the kernel also decides singular ones, which intervals cannot. Times are the least of several runs, in
seconds, on one core. With `--json` the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import replace
from fractions import Fraction
from time import perf_counter
from typing import Any

import mpmath
import numpy as np
import one_core
import sympy as sp

from verify import distinct, forall, frobenius, le, lora, lt, positives, uniform_curvature
from verify.certificates.build import encode, instance_certificate
from verify.kernel import check_bytes
from verify.kernel._matrices import semidefinite
from verify.runner.evidence import gather
from verify.runner.exact_reading import ExactReader
from verify.runner.profiles import PROFILES

SIZES = (12, 24, 48)
GOAL = 100
DENOMINATOR = 2**30 + 3


def gram(size: int, rank: int, shift: Fraction) -> list[list[Fraction]]:
    rng = random.Random(size)
    k = [[rng.randrange(-(2**15), 2**15) for _ in range(size)] for _ in range(rank)]
    return [
        [Fraction(sum(row[i] * row[j] for row in k), DENOMINATOR) + shift * (i == j) for j in range(size)] for i in range(size)
    ]


def least_time(run: Any, times: int) -> float:
    found = []
    for _ in range(times):
        begin = perf_counter()
        assert run()
        found.append(perf_counter() - begin)
    return min(found)


def by_intervals(rows: list[list[Fraction]]) -> bool:
    """LDLᵀ with mpmath's intervals at 200 bits: positive definite if every pivot is certainly positive."""
    iv = mpmath.iv
    iv.prec = 200
    work = [[iv.mpf(x.numerator) / x.denominator for x in row] for row in rows]
    for k in range(len(work)):
        if not work[k][k].a > 0:
            return False
        for i in range(k + 1, len(work)):
            factor = work[i][k] / work[k][k]
            for j in range(k + 1, i + 1):
                work[i][j] -= factor * work[j][k]
                work[j][i] = work[i][j]
    return True


def row(size: int) -> dict[str, Any]:
    definite, singular = gram(size, size, Fraction(1, 7)), gram(size, size // 2, Fraction(0))
    matrix = sp.Matrix(size, size, [sp.Rational(x.numerator, x.denominator) for line in definite for x in line])
    kernel = least_time(lambda: semidefinite(definite), 7)
    rival = least_time(lambda: sp.Matrix(matrix).is_positive_semidefinite, 3 if size < 48 else 1)
    return {
        "n": size,
        "kernel": round(kernel, 6),
        "kernel_singular": round(least_time(lambda: semidefinite(singular), 7), 6),
        "sympy": round(rival, 4),
        "iv": round(least_time(lambda: by_intervals(definite), 3 if size < 48 else 1), 4),
        "over_sympy": round(rival / kernel, 1),
    }


def certificate() -> dict[str, Any]:
    """A spurious point with m = n = 6, r = 3: 36 unknowns, a quadratic with 666 coefficients, X⋆, S and both bounds."""
    s = lora(m=6, n=6, r=3)
    star, _ = s.regularized_stationary()
    alpha, beta = positives("α β")
    given = [uniform_curvature(s.f, alpha, beta), s.sosp(), lt(0, s.decay), distinct(s.X, star)]
    formula = forall(s, star, alpha, beta, given=given, then=le(beta * frobenius(s.X), alpha * frobenius(star)))
    evidence = gather(formula, replace(PROFILES["dev"], instances=900, points=900), np.random.default_rng(0))
    reader = ExactReader(formula)
    for finding in evidence.violations:
        family = finding.start.family
        instance = reader.violating_near(finding.start) if family.startswith("quadratic") else None
        if instance is not None:
            return checked(encode(instance_certificate(formula, instance, "REFUTED", 128)), family)
    raise RuntimeError("no spurious point with 36 unknowns was certified")


def checked(raw: bytes, family: str) -> dict[str, Any]:
    seconds = least_time(lambda: check_bytes(raw).accepted, 5)
    return {"unknowns": 36, "bytes": len(raw), "check": round(seconds, 4), "family": family}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for size in SIZES:
        rows.append(row(size))
        print("  ".join(f"{k} {v}" for k, v in rows[-1].items()), flush=True)
    large = certificate()
    print("  ".join(f"{k} {v}" for k, v in large.items()))
    if options.json:
        print(json.dumps({"rows": rows, "goal_over_sympy_at_24": GOAL, "certificate": large, "core": one_core.CORE}))


if __name__ == "__main__":
    main()
