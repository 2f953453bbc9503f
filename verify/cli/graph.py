"""`verify show --graph`: which claims build on which, as an indented tree or in Graphviz' DOT language."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from verify.cli.config import collect_here
from verify.cli.main import OK, UNMET, USAGE
from verify.runner.loading import Found, collect


def show_graph(arguments: argparse.Namespace) -> int:
    """Carry out the command: `show --graph [ID]`, the claims an id or prefix names and all that they build on."""
    selectors = [arguments.id] if arguments.id else []
    collected = collect_here(selectors)
    for problem in collected.problems:
        print(f"{problem.location}: error: {problem.message}", file=sys.stderr)
    if not collected.claims:
        return USAGE
    known = [*collected.claims, *(f for f in collect([]).claims if selectors)]
    edges = dependencies(known)
    lost = {name: [u for u in used if u not in edges] for name, used in edges.items()}
    wanted = [f.id for f in collected.claims]
    lines = as_dot(edges, wanted) if arguments.dot else as_text(edges, wanted)
    for line in lines:
        print(line)
    unknown = [(name, u) for name in wanted for u in lost.get(name, [])]
    for name, used in unknown:
        print(f"{name}: error: it builds on {used}, which is no claim: correct uses=[…]", file=sys.stderr)
    return UNMET if unknown or collected.problems else OK


def dependencies(claims: Sequence[Found]) -> dict[str, list[str]]:
    """The ids that each claim builds on; a bare name is a claim of the same file, or the only one of that name."""
    ids = {f.id for f in claims}
    by_name: dict[str, list[str]] = {}
    for identifier in sorted(ids):
        by_name.setdefault(identifier.rsplit(".", 1)[-1], []).append(identifier)
    found: dict[str, list[str]] = {}
    for claim in claims:
        module = claim.id.rsplit(".", 1)[0]
        resolved = []
        for name in claim.claim.uses:
            same = f"{module}.{name}"
            elsewhere = by_name.get(name, [])
            resolved.append(same if same in ids else elsewhere[0] if len(elsewhere) == 1 else name)
        found[claim.id] = list(dict.fromkeys(resolved))
    return found


def as_text(edges: Mapping[str, Sequence[str]], wanted: Sequence[str]) -> list[str]:
    """One tree for each claim that no other wanted one builds on; claims without any edge come last, on their own."""
    used = {u for name in wanted for u in edges.get(name, ())}
    roots = [n for n in wanted if n not in used]
    lines: list[str] = []
    for root in [n for n in roots if edges.get(n)]:
        lines += _tree(root, edges, 0, ())
    alone = [n for n in roots if not edges.get(n)]
    if alone:
        lines += [*([""] if lines else []), f"{len(alone)} claims that build on no other and that none builds on:"]
        lines += [f"  {name}" for name in alone]
    return lines


def _tree(name: str, edges: Mapping[str, Sequence[str]], depth: int, above: tuple[str, ...]) -> list[str]:
    mark = "" if depth == 0 else "  " * (depth - 1) + "└ "
    if name in above:
        return [f"{mark}{name} (a circle)"]
    lines = [mark + name]
    for used in edges.get(name, ()):
        lines += _tree(used, edges, depth + 1, (*above, name))
    return lines


def as_dot(edges: Mapping[str, Sequence[str]], wanted: Sequence[str]) -> list[str]:
    """The same as a directed graph: an arrow goes from a claim to what it builds on."""
    reached: dict[str, None] = {}
    pending = list(wanted)
    while pending:
        name = pending.pop(0)
        if name not in reached:
            reached[name] = None
            pending += edges.get(name, ())
    arrows = [f'  "{a}" -> "{b}";' for a in reached for b in edges.get(a, ())]
    return ["digraph claims {", "  rankdir=LR; node [shape=box];", *(f'  "{n}";' for n in reached), *arrows, "}"]
