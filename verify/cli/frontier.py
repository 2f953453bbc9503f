"""`verify hunt ID --sharpen c` and `--sweep kappa=3:50`: brackets of constants, one or a table of them, with a plot."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verify.cli.files import write_json
from verify.cli.hunt import document, keep
from verify.cli.main import OK, UNMET
from verify.cli.progress import HuntDisplay
from verify.language.formulas import Formula
from verify.runner.hunt.campaign import Options
from verify.runner.hunt.sharpen import Bracket, Side, sharpen
from verify.runner.hunt.subject import Subject
from verify.runner.hunt.sweep import Grid, Row, grid_of, scalar_named, sweep
from verify.runner.verdicts import Verdict, verdict_of_payload


def sharpen_or_sweep(
    subject: Subject, formula: Formula, options: Options, folder: Path, arguments: argparse.Namespace, display: HuntDisplay
) -> int:
    """Carry out the command."""
    began = time.monotonic()
    parameter = None if arguments.sharpen is None else scalar_named(arguments.sharpen, formula)
    if arguments.sweep is None:
        assert parameter is not None
        with display.running():
            bracket = sharpen(subject, formula, parameter, options, display.unit)
        path = _kept(bracket, folder / f"{subject.id}.{parameter}.json")
        display.note(f"{subject.id}: {bracket.text}" + ("" if path is None else f" · {path}"))
        stopped = bracket.stopped
        if bracket.found is not None:
            display.counterexample(bracket.found, formula)
        extra: dict[str, Any] = {"sharpen": _bracket_to_json(bracket, path), "interrupted": stopped}
        tried, strategy, verdict = bracket.last.tried, bracket.strategy, _verdict(bracket)
    else:
        grid = grid_of(arguments.sweep, formula)
        if parameter is None:
            free = [n for n, d in formula.scalars().items() if d.free and n != grid.name]
            parameter = free[0] if len(free) == 1 else None
        rows: list[Row] = []
        table: list[dict[str, Any]] = []
        display.note(_head(grid, parameter))
        for row in sweep(subject, formula, grid, parameter, options, display.unit):
            rows.append(row)
            table.append(_row_to_json(row, grid.name, subject.id, folder))
            display.note(_line(row, grid, table[-1]["certificate"]))
            write_json(folder / f"{subject.id}.sweep.json", {"schema": 1, "id": subject.id, "rows": table})
        plot = _plot(rows, grid.name, parameter, folder / f"{subject.id}.sweep.svg")
        display.note(f"table: {folder / f'{subject.id}.sweep.json'}" + ("" if plot is None else f" · plot: {plot}"))
        stopped = rows[-1].stopped
        if stopped:
            display.note(f"stopped at value {len(rows)} of {len(grid.values)}")
        extra = {"sweep": table, "plot": plot, "interrupted": stopped}
        path = next((r["certificate"] for r in table if r["certificate"] is not None), None)
        verdict = Verdict.REFUTED if path is not None else verdict_of_payload(rows[-1].result.payload)
        tried, strategy = rows[-1].result.tried, rows[-1].result.strategy
    if arguments.json:
        found = document(subject.id, verdict, strategy, time.monotonic() - began, path, [row.to_json() for row in tried])
        write_json(arguments.json, {**found, **extra})
    if stopped:
        display.note("stopped by hand: what was found so far")
    return UNMET if stopped else OK


def _head(grid: Grid, parameter: str | None) -> str:
    """The first line of the table, whose columns have the widths of `_line`."""
    columns = ("verdict", "by") if parameter is None else (f"{parameter} refuted", "other end")
    return "  ".join(_padded(grid, grid.name, *columns, "certificate", brief=parameter is None))


def _line(row: Row, grid: Grid, path: str | None) -> str:
    """One grid value: the verdict there and what found it, or both ends of the bracket."""
    if row.bracket is None:
        cells = (verdict_of_payload(row.result.payload).value, row.result.strategy or "")
    else:
        cells = _ends(row.bracket)
    return "  ".join(_padded(grid, str(row.value), *cells, path or "", brief=row.bracket is None)).rstrip()


def _ends(bracket: Bracket) -> tuple[str, str]:
    sign = "≥" if bracket.side is Side.ABOVE else "≤"
    refuted = "none" if bracket.refuted is None else f"{sign} {bracket.refuted} ≈ {float(bracket.refuted):.6g}"
    return refuted, "" if bracket.end is None else f"{bracket.end.value}: {bracket.end.basis}"


def _padded(grid: Grid, value: str, first: str, second: str, last: str, *, brief: bool) -> list[str]:
    width = max(len(grid.name), *(len(str(v)) for v in grid.values))
    widths = (10, 14) if brief else (28, 44)
    return [f"{value:>{width}}", f"{first:<{widths[0]}}", f"{second:<{widths[1]}}", last]


def _verdict(bracket: Bracket) -> Verdict:
    return Verdict.REFUTED if bracket.refuted is not None else verdict_of_payload(bracket.last.payload)


def _kept(bracket: Bracket, path: Path) -> str | None:
    return None if bracket.found is None else keep(bracket.found, path)


def _bracket_to_json(bracket: Bracket, path: str | None) -> dict[str, Any]:
    return {
        "parameter": bracket.parameter,
        "refuted": None if bracket.refuted is None else str(bracket.refuted),
        "refuted_float": None if bracket.refuted is None else float(bracket.refuted),
        "direction": bracket.side.value,
        "certificate": path,
        "other_end": None if bracket.end is None else str(bracket.end.value),
        "basis": None if bracket.end is None else bracket.end.basis,
        "rounds": bracket.rounds,
    }


def _row_to_json(row: Row, name: str, identifier: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{identifier}.{name}={str(row.value).replace('/', 'over')}.json"
    if row.bracket is not None:
        return {name: str(row.value), **_bracket_to_json(row.bracket, _kept(row.bracket, path))}
    found = row.result.found
    verdict = verdict_of_payload(row.result.payload).value
    return {
        name: str(row.value),
        "verdict": verdict,
        "strategy": row.result.strategy,
        "certificate": None if found is None else keep(found, path),
    }


def _plot(rows: Sequence[Row], name: str, parameter: str | None, path: Path) -> str | None:
    """The frontier as a picture; None without matplotlib (extra `plots`) or without two brackets."""
    points = [(float(r.value), r.bracket) for r in rows if r.bracket is not None and r.bracket.refuted is not None]
    if len(points) < 2:
        return None
    try:
        import matplotlib as mpl
    except ImportError:
        return None
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot([x for x, _ in points], [float(b.refuted) for _, b in points if b.refuted is not None], "o-", label="refuted")
    held = [(x, float(b.end.value)) for x, b in points if b.end is not None and b.end.tested]
    if held:
        axes.plot([x for x, _ in held], [y for _, y in held], "s--", label="not refuted")
    axes.set_xlabel(name)
    axes.set_ylabel(parameter or "")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return str(path)
