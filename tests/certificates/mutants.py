"""Single-field corruptions of certificates, and the certificates to corrupt: every kind."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import sympy as sp

from verify import *
from verify.runner.check import check as check_claim
from verify.runner.loading import collect, shipped_folder
from verify.runner.proving import prove_identity

Json = Any
Path = tuple[Any, ...]
IDENTITIES = 8
NAMES = [
    "A",
    "B",
    "X⋆",
    "S",
    "m",
    "n",
    "r",
    "λ",
    "α",
    "β",
    "f",
    "le",
    "lt",
    "equal",
    "distinct",
    "add",
    "mul",
    "matmul",
    "trace",
]
NUMBERS = [
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e5",
    "1e999999999",
    "10**9",
    "1/0",
    "0/0",
    "--1",
    "+1",
    "1/-2",
    "",
    " 1",
    "1.0",
    "٣",
    "½",
]


@cache
def certificates() -> dict[str, Json]:
    """Accepted certificates by name: instances, a root, a direction of negative curvature, identities."""
    found = {p.stem: json.loads(p.read_bytes()) for p in sorted((shipped_folder() / "counterexamples").glob("*.json"))}
    found["root"] = check_claim(_in_a_box()).certificate
    found["negative curvature"] = _negative_curvature()
    proofs = [(f.id, prove_identity(f.claim.formula())) for f in collect(["first_order"]).claims]
    long = sorted((p for p in proofs if p[1] is not None), key=lambda p: -sum(map(len, p[1].certificate["cofactors"])))
    found.update({name: proof.certificate for name, proof in long[:IDENTITIES] if proof is not None})
    return {name: json.loads(json.dumps(c)) for name, c in found.items()}


def _in_a_box() -> Any:
    data = sp.ImmutableMatrix([[3, 1], [1, 2]])
    s = lora(m=2, n=2, r=1, loss=lambda X: frobenius(X - data) ** 2 / 2, decay=1)
    return forall(s, given=[s.sosp(), lt(0, rank(s.X))], then=le(frobenius(s.X), 2))


def _negative_curvature() -> Json:
    s = lora(m=2, n=1, r=1, loss=lambda X: frobenius(X - sp.ImmutableMatrix([[2], [1]])) ** 2 / 2)
    formula = forall(s, given=s.fosp(), then=s.sosp())
    return {
        "schema": 1,
        "kind": "negative_curvature",
        "verdict": "REFUTED",
        "claim": formula.to_json(),
        "dims": {},
        "values": {"A": [["0"], ["0"]], "B": [["0"]], "λ": "1"},
        "direction": {"A": [["2"], ["1"]], "B": [["2"]]},
    }


def places(tree: Json, path: Path = ()) -> Iterator[Path]:
    """Paths of everything inside a JSON value."""
    yield path
    for key, x in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(x, (*path, key))


def at(tree: Json, path: Path) -> Json:
    for key in path:
        tree = tree[key]
    return tree


def changed(tree: Json, path: Path, new: Json) -> Json:
    """The tree with one place replaced; everything else is shared."""
    if not path:
        return new
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = changed(tree[path[0]], path[1:], new)
    return copy


def mutants(certificate: Json, rng: random.Random, count: int) -> Iterator[tuple[str, Json]]:
    """(what was done, corrupted certificate), all different from the original."""
    paths = [p for p in places(certificate) if p]
    made = 0
    while made < count:
        path = rng.choice(paths)
        for what, new in _corruptions(at(certificate, path), rng):
            if new is not _DROP and json.dumps(new) == json.dumps(at(certificate, path)):
                continue
            mutant = _without(certificate, path) if new is _DROP else changed(certificate, path, new)
            yield f"{what} at {'.'.join(map(str, path))}", mutant
            made += 1


_DROP = object()


def _without(tree: Json, path: Path) -> Json:
    parent = at(tree, path[:-1])
    if isinstance(parent, dict):
        return changed(tree, path[:-1], {k: v for k, v in parent.items() if k != path[-1]})
    return changed(tree, path[:-1], [v for i, v in enumerate(parent) if i != path[-1]])


def _corruptions(value: Json, rng: random.Random) -> Iterator[tuple[str, Json]]:
    """One or two corruptions that fit the kind of value."""
    if rng.random() < 0.1:
        yield "dropped", _DROP
    if rng.random() < 0.03:
        deep = value
        for _ in range(rng.choice([1, 2, 250])):
            deep = [deep]
        yield "nested", deep
    if rng.random() < 0.08:
        yield "type", rng.choice([None, True, False, {}, [], "", 0, -1, [[]], {"a": 1}])
    match value:
        case bool():
            yield "negated", not value
        case int():
            yield "digit", value + rng.choice([-1, 1, 7, 10**6])
            yield "type", rng.choice([str(value), True, -value - 1])
        case str() if value and value.strip("-/0123456789") == "":
            yield "digit", _digit(value, rng)
            yield "number", rng.choice([*NUMBERS, "-" + value, value + "/2", value + "0", "9" * 30_000, "1" + "0" * 400])
        case str():
            yield "name", rng.choice([*NAMES, value[:-1], value + "x", value.upper()])
        case list():
            yield from _lists(value, rng)
        case dict() if value:
            key = rng.choice(sorted(value))
            yield "renamed", {(k + "_" if k == key else k): v for k, v in value.items()}
            yield "extra", {**value, "extra": rng.choice(list(value.values()))}


def _digit(value: str, rng: random.Random) -> str:
    i = rng.choice([k for k, c in enumerate(value) if c.isdigit()] or [0])
    return value[:i] + rng.choice("0123456789") + value[i + 1 :]


def _lists(value: list[Json], rng: random.Random) -> Iterator[tuple[str, Json]]:
    if len(value) > 1:
        i, j = rng.sample(range(len(value)), 2)
        swapped = list(value)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        yield "swapped", swapped
    if value and all(isinstance(row, list) and len(row) == len(value[0]) for row in value):
        yield "transposed", [list(column) for column in zip(*value, strict=True)]
        yield "shape", [row[:-1] for row in value] if rng.random() < 0.5 else [*value, value[0]]
    elif value:
        yield "shape", value[:-1] if rng.random() < 0.5 else [*value, value[-1]]
