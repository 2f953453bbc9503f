"""Second-order points per second: this engine, SciPy at its best, a SciPy BFGS loop and JAX, side by side on one core.

`python tests/benchmarks/points.py [--json] [--quick]` prints a table, and with `--json` one JSON line last. Times are CPU
seconds of this process, pinned to one core with one BLAS thread. Every method solves problems of the same stacks: general
quadratics with m = n = 6, r = 3 (36 unknowns), spectrum [1, 10] and [1, 100], λ = 0.05, a random target of full rank, random
starts. A start counts as reached if ‖∇L‖ ≤ 1e-10·(1 + ‖∇L(start)‖) and λ_min ≥ −1e-9 modulo gauge, checked by eigenvalues
after the clock has stopped.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from time import process_time

import one_core

# isort: split
import numpy as np
from quadratics import quadratic
from scipy.optimize import minimize

from verify.points import Start, find, find_streamed
from verify.points.finder.lowering import lowered
from verify.points.finder.starts import start_points

DECAY = 0.05
SPECTRA = {"1-10": (1.0, 10.0), "1-100": (1.0, 100.0)}
SIZES = {12: (3, 2), 24: (4, 3), 36: (6, 3), 60: (6, 5), 120: (10, 6)}
GOALS = {"scipy_best": 10.0, "scipy_bfgs": 40.0, "jax": 2.0}


def certified(points):
    """The fraction of the starts that ended at a point of the required quality; λ_min by eigenvalues."""
    good = (points.relative_gradient <= 1e-10) & (points.lambda_min >= -1e-9) & points.second_order
    return float(np.mean(good))


def engine(problem, repeats=3):
    """SOSPs per second of this engine (the best of some runs), and the certified fraction."""
    find(problem.pick(np.arange(64)))
    best, points = np.inf, None
    for _ in range(repeats):
        begin = process_time()
        points = find(problem, Start.RANDOM)
        best = min(best, process_time() - begin)
    return float(np.sum(points.second_order)) / best, certified(points)


# --- SciPy: one problem at a time, with lean hand-written derivatives (checked against the derived ones) -----------------


def hand_written(target, operator, m, n, r):
    """Loss with gradient, and Hessian, of one quadratic, as fast as NumPy does them for a single problem."""
    cut, eye_m, eye_n, eye_r = m * r, np.eye(m), np.eye(n), np.eye(r)

    def loss(x):
        a, b = x[:cut].reshape(m, r), x[cut:].reshape(n, r)
        d = (a @ b.T - target).ravel()
        g = operator @ d
        slope = g.reshape(m, n)
        out = DECAY * x
        out[:cut] += (slope @ b).ravel()
        out[cut:] += (slope.T @ a).ravel()
        return 0.5 * (d @ g) + 0.5 * DECAY * (x @ x), out

    def hessian(x):
        a, b = x[:cut].reshape(m, r), x[cut:].reshape(n, r)
        slope = (operator @ (a @ b.T - target).ravel()).reshape(m, n)
        jacobian = np.concatenate([np.kron(eye_m, b), np.einsum("ik,jl->ijlk", a, eye_n).reshape(m * n, n * r)], axis=1)
        h = jacobian.T @ (operator @ jacobian)
        h[np.diag_indices_from(h)] += DECAY
        mixed = np.kron(slope, eye_r)
        h[:cut, cut:] += mixed
        h[cut:, :cut] += mixed.T
        return h

    return loss, hessian


def scipy_best(loss, hessian, x):
    """L-BFGS-B to 1e-5, then least-squares Newton to 1e-10."""
    tolerance = 1e-10 * (1 + np.linalg.norm(loss(x)[1]))
    options = {"gtol": 1e-5, "ftol": 0.0, "maxiter": 5000, "maxfun": 10000}
    x = minimize(loss, x, jac=True, method="L-BFGS-B", options=options).x
    for _ in range(20):
        slope = loss(x)[1]
        if np.linalg.norm(slope) <= tolerance:
            break
        x = x - np.linalg.lstsq(hessian(x), slope, rcond=1e-9)[0]
    return x


def scipy_bfgs(loss, hessian, x):
    """BFGS as it comes, asked for 1e-10."""
    tolerance = 1e-10 * (1 + np.linalg.norm(loss(x)[1]))
    return minimize(loss, x, jac=True, method="BFGS", options={"gtol": tolerance, "norm": 2, "maxiter": 5000}).x


def one_by_one(method, problem, count):
    """Points per second of a loop over single problems, and the fraction with a small enough gradient."""
    loss = lowered(problem)
    starts = start_points(problem, Start.RANDOM, 1, 0)[:count]
    m, n, r = (problem.dims[d] for d in "mnr")
    data = loss.load(problem, np.arange(count))
    value, slope = loss.value_and_gradient(starts, data)
    functions = [hand_written(problem.data["M"][i], problem.operators["H"][i], m, n, r) for i in range(count)]
    for i in range(3):
        found = functions[i][0](starts[i])
        assert abs(found[0] - value[i]) <= 1e-10 * abs(value[i])
        assert np.allclose(found[1], slope[i], rtol=1e-10, atol=1e-10)
    begin = process_time()
    ends = [method(*f, x) for f, x in zip(functions, starts, strict=True)]
    seconds = process_time() - begin
    size = [np.linalg.norm(f[0](x)[1]) for f, x in zip(functions, ends, strict=True)]
    return count / seconds, float(np.mean(np.array(size) <= 1e-10 * (1 + np.linalg.norm(slope, axis=1))))


# --- what a point costs, in units of linear algebra of its size -----------------------------------------------------------


def unit_cost(problem):
    """Seconds of 20 stacked solves and 10 Hessian assemblies for one instance, the best of several stacks."""
    loss = lowered(problem)
    count = min(problem.count, 128)
    data = loss.load(problem, np.arange(count))
    x = np.random.default_rng(0).standard_normal((count, loss.unknowns))
    h = loss.hessian(x, data) + 10.0 * np.eye(loss.unknowns)
    solve = _best(lambda: np.linalg.solve(h, x[..., None])) / count
    assemble = _best(lambda: loss.hessian(x, data)) / count
    return 20 * solve + 10 * assemble, solve, assemble


def _best(action, rounds=7):
    action()
    times = []
    for _ in range(rounds):
        repeats, begin = 0, process_time()
        while process_time() - begin < 0.03:
            action()
            repeats += 1
        times.append((process_time() - begin) / repeats)
    return float(np.min(times))


def sizes(rng, quick):
    """`limit_ratio` and microseconds for each number of unknowns and both spectra."""
    ratios = {name: {} for name in SPECTRA}
    cost = {}
    for p, (m, r) in SIZES.items():
        for name, spectrum in SPECTRA.items():
            count = max(200, (10_000 if quick else 80_000) // p)
            problem = quadratic(rng, count, m, m, r, spectrum=spectrum, decay=DECAY)
            unit, solve, assemble = unit_cost(problem)
            speed, _ = engine(problem)
            ratios[name][str(p)] = round(1 / speed / unit, 2)
            cost[f"{p} {name}"] = {
                "us_per_point": round(1e6 / speed, 1),
                "us_solve": round(1e6 * solve, 2),
                "us_hessian": round(1e6 * assemble, 2),
            }
    return ratios, cost


# --- memory ---------------------------------------------------------------------------------------------------------------


def stream(total):
    """Find points of many instances in a stream of stacks; prints peak memory in GiB and the number reached."""
    rng = np.random.default_rng(5)
    stack = 5000
    problems = (quadratic(rng, stack, 6, 6, 3, spectrum=(1.0, 10.0), decay=DECAY) for _ in range(total // stack))
    arrays, reached = [], 0
    for points in find_streamed(problems):
        arrays.append(points.arrays)
        reached += int(np.sum(points.second_order))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"memory_gib": round(peak, 3), "instances": total, "reached": reached}))


def memory(total):
    """Peak memory of a fresh process that streams `total` instances."""
    run = subprocess.run([sys.executable, __file__, "--stream", str(total)], capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON line last")
    parser.add_argument("--quick", action="store_true", help="smaller stacks, no memory run")
    parser.add_argument("--stream", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        stream(options.stream)
        return
    begin = process_time()
    rng = np.random.default_rng(0)
    speed = {name: {} for name in ("engine", "scipy_best", "scipy_bfgs", "jax")}
    reached = {name: {} for name in ("engine", "scipy_best", "scipy_bfgs", "jax")}
    for name, spectrum in SPECTRA.items():
        problem = quadratic(rng, 1000 if options.quick else 6000, 6, 6, 3, spectrum=spectrum, decay=DECAY)
        speed["engine"][name], reached["engine"][name] = engine(problem)
        for label, method, count in (("scipy_best", scipy_best, 150), ("scipy_bfgs", scipy_bfgs, 40)):
            speed[label][name], reached[label][name] = one_by_one(method, problem, count)
        speed["jax"][name], reached["jax"][name] = with_jax(problem)
        shown = "  ".join(f"{k} {v[name]:.0f}/s" for k, v in speed.items() if v[name] is not None)
        print(f"spectrum [{name.replace('-', ', ')}]: {shown}; certified {reached['engine'][name]:.4f}", flush=True)
    ratios, cost = sizes(rng, options.quick)
    for name, row in ratios.items():
        print(f"limit ratio, spectrum [{name.replace('-', ', ')}]: {row}", flush=True)
    used = {"memory_gib": None} if options.quick else memory(100_000)
    print(f"memory: {used}", flush=True)
    ratio = {
        other: {n: round(speed["engine"][n] / speed[other][n], 1) if speed[other][n] else None for n in SPECTRA}
        for other in GOALS
    }
    result = {
        "sosp_per_second": {k: together(v) for k, v in speed.items()},
        "sosp_per_second_by_spectrum": speed,
        "speedup": {k: smallest(v) for k, v in ratio.items()},
        "speedup_by_spectrum": ratio,
        "goals": GOALS,
        "reached": min(reached["engine"].values()),
        "reached_by": reached,
        "limit_ratio": {p: max(row[p] for row in ratios.values()) for p in map(str, SIZES)},
        "limit_ratio_by_spectrum": ratios,
        "cost": cost,
        "memory_gib": used["memory_gib"],
        "memory_run": used,
        "core": one_core.CORE,
        "cpu_seconds": round(process_time() - begin, 1),
    }
    print(f"engine over others: {ratio} (goals {GOALS})")
    if options.json:
        print(json.dumps(result))


def together(speeds):
    """Points per second over all spectra, as many points of each."""
    known = [s for s in speeds.values() if s]
    return round(len(known) / sum(1 / s for s in known), 1) if known else None


def smallest(ratios):
    """The least of the known ratios."""
    known = [r for r in ratios.values() if r is not None]
    return min(known) if known else None


def with_jax(problem):
    """Points per second of the same algorithm in JAX, or None where JAX is not installed."""
    try:
        from points_jax import run
    except ImportError:
        return None, None
    return run(problem, DECAY)


if __name__ == "__main__":
    main()
