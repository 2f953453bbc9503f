"""The JSON Schema of certificates describes what is really produced, and refuses what is not a certificate."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sympy as sp

from verify import *
from verify.runner.check import check as check_claim
from verify.runner.loading import shipped_folder

SCHEMA = json.loads(files("verify.kernel").joinpath("certificate.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FILES = sorted((shipped_folder() / "counterexamples").glob("*.json"))
m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
s = lora()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_shipped_certificates_fit(path: Path) -> None:
    VALIDATOR.validate(json.loads(path.read_bytes()))


def in_a_box() -> Any:
    fit = lora(m=2, n=2, r=1, loss=lambda X: frobenius(X - sp.ImmutableMatrix([[3, 1], [1, 2]])) ** 2 / 2, decay=1)
    return forall(fit, given=fit.sosp(), then=le(frobenius(fit.X), 1))


PRODUCED = {
    "identity": lambda: forall(s, given=[s.fosp(), lt(0, s.decay)], then=equal(s.A.T * s.A, s.B.T * s.B)),
    "instance": lambda: forall(P, then=le(nuclear(P), frobenius(P))),
    "operator": lambda: forall(P, operator("H", (m, n)), then=le(0, inner(P, operator("H", (m, n))(P)))),
    "flow": lambda: always(gradient_flow(s.L), then=equal(ddt(s.A), s.A)),
    "descent": lambda: always(gradient_descent(s.L, step=positives("η")), then=equal(after(s.A), s.A)),
    "exists": lambda: exists(P, such_that=equal(rank(P), 2), witness={P: [[1, 0], [0, 1]]}),
    "root": in_a_box,
    "elementwise": lambda: forall(P, then=le(trace(P.T * P.applyfunc(sp.Lambda(sp.Symbol("t"), sp.Symbol("t") ** 2))), 0)),
}


@pytest.mark.parametrize("name", PRODUCED)
def test_produced_certificates_fit(name: str) -> None:
    certificate = check_claim(PRODUCED[name]()).certificate
    assert certificate is not None
    assert certificate["kind"] == {"identity": "identity", "root": "root"}.get(name, "instance")
    VALIDATOR.validate(certificate)


def test_what_is_no_certificate_does_not_fit() -> None:
    good = json.loads(FILES[0].read_bytes())
    for path, value in (
        (("schema",), 2),
        (("kind",), "proof"),
        (("verdict",), "HELD"),
        (("dims",), {"m": 0}),
        (("values",), []),
        (("extra",), 1),
        (("claim", "tree"), ["forall", []]),
        (("claim", "tree"), ["implies", [], ["le", ["num", "1"], ["num", "2"]]]),
        (("claim", "variables"), {"A": {"kind": "matrix"}}),
        (("values",), {"A": [["1.5"]]}),
        (("values",), {"A": [["1/0"]]}),
        (("bits",), 8),
    ):
        bad = copy.deepcopy(good)
        place = bad
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        assert not VALIDATOR.is_valid(bad), path
