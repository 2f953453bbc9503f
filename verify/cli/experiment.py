"""`verify experiment`: LoRA trained on real data from zero and from large initialization, and what the theory says there.

For each problem two ranks, one above the rank of X⋆ and one below: which branch the polished point is on, all terms of Theorem
B with both sides, effective rank, distance to X⋆; and the early growth rates from B = 0 (theory §3, §4, §6).
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

from verify.cli.files import require_parent, write_json
from verify.cli.main import OK, UsageError
from verify.language.sources import DATASETS, INITIALIZATIONS

_HEAD = ("r", "start", "branch", "rank X", "effective rank", "‖X−X⋆‖/‖X⋆‖", "‖G‖_op/λ", "α_pair", "β_dir")
_SIDES = "α_pair‖X−X⋆‖² ≤ ⟨E,X⋆⟩ ≤ (‖G_⊥‖_op−λ)_+‖P_U^⊥X⋆P_V^⊥‖_* ≤ (β_dir)_+σ_r(X)‖P_U^⊥X⋆P_V^⊥‖_*"


def experiment(arguments: argparse.Namespace) -> int:
    """Carry out the command."""
    if find_spec("sklearn") is None:
        raise UsageError("the data come with scikit-learn: pip install 'lora-theory-verifier[data]'")
    require_parent(arguments.json)
    names = arguments.datasets or list(DATASETS)
    unknown = [name for name in names if name not in DATASETS]
    if unknown:
        raise UsageError(f"the data set {unknown[0]!r} is unknown: use one of {', '.join(DATASETS)}")
    documents = []
    for name in names:
        documents.append(_measure(name, arguments.rank))
        print(_table(documents[-1]))
    if arguments.json:
        write_json(arguments.json, {"schema": 1, "problems": documents})
    return OK


def _measure(name: str, rank: int | None) -> dict[str, Any]:
    from verify.points.data.digits import one_thread
    from verify.points.data.measurements import growth, measured
    from verify.points.data.solved import RANKS, problem_of, target_point, trained_point

    ranks = RANKS[name] if rank is None else (rank,)
    with one_thread():
        problem, target = problem_of(name), target_point(name)
        runs = []
        for r in ranks:
            for init in INITIALIZATIONS:
                found = measured(problem, target, trained_point(r, name, init))
                runs.append({"start": init, "branch": found.branch, **asdict(found)})
        predicted, seen = growth(problem, max(ranks))
    rows, cols = problem.dims.values()
    return {
        "name": name,
        "title": problem.title,
        "rows": rows,
        "cols": cols,
        "samples": problem.count,
        "decay": float(problem.decay),
        "target_rank": target.rank,
        "duality_gap": target.gap,
        "runs": runs,
        "growth": {"predicted": predicted.tolist(), "measured": seen.tolist()},
    }


def _table(document: dict[str, Any]) -> str:
    gap = document["duality_gap"]
    bound = "f is not convex: X⋆ is a stationary point" if gap is None else f"duality gap of X⋆ {abs(gap):.0e}"
    size = f"{document['rows']}×{document['cols']}, N = {document['samples']}, λ = {document['decay']:g}"
    lines = [f"{document['title']}: {size}, rank X⋆ = {document['target_rank']}, {bound}", ""]
    lines += _aligned([_HEAD, *(_row(run) for run in document["runs"])])
    lines += ["", f"  Theorem B, {_SIDES}:"]
    lines += [f"    r = {run['adapter_rank']}, {run['start']}: {_theorem_b(run)}" for run in document["runs"]]
    lines += ["", f"  growth from A small, B = 0: σ_i(∇f(0)) − λ  {_numbers(document['growth']['predicted'])}"]
    lines += [f"  {'measured along gradient flow':>42}  {_numbers(document['growth']['measured'])}", ""]
    return "\n".join(lines)


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    b = run["theorem_b"]
    rank = f"{run['rank']} of {run['adapter_rank']}"
    shown = (f"{run['effective_rank']:.3g}", f"{run['distance']:.1e}", f"{run['excess']:.4f}")
    alpha = "–" if run["alpha"] is None else f"{run['alpha']:.4g}"
    beta = "–" if b is None else f"{b['beta']:.4g}"
    return (str(run["adapter_rank"]), run["start"], run["branch"], rank, *shown, alpha, beta)


def _theorem_b(run: dict[str, Any]) -> str:
    from verify.points.data.measurements import chain

    if run["theorem_b"] is None:
        return "X = X⋆, both sides are 0" if run["branch"] != "low rank" else "Theorem A applies instead: ‖G‖_op ≤ λ"
    return chain(run["theorem_b"]["sides"])


def _numbers(values: list[float]) -> str:
    return "  ".join(f"{v:8.4f}" for v in values)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
