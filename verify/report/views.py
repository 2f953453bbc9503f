"""A claim's row of a results file, prepared for the templates.

Main definitions: `ClaimView`, `views_of`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from verify.runner.examples import Value, example_code, values_of

MARKS = {
    "PROVED": "✓",
    "HELD": "≈",
    "REFUTED": "✗",
    "CANDIDATE": "?",
    "VACUOUS": "∅",
    "UNKNOWN": "?",
    "ERROR": "!",
}
"""A sign for each verdict; it always stands beside the word."""

MEANINGS = {
    "PROVED": "holds for everything in the scope; the kernel accepted a certificate",
    "HELD": "no tested instance violated it: evidence, not a proof",
    "REFUTED": "false: the kernel accepted an exact counterexample",
    "CANDIDATE": "violated in floating point, not certified: neither refuted nor confirmed",
    "VACUOUS": "no tested instance met the assumptions",
    "UNKNOWN": "nothing can be said",
    "ERROR": "the claim itself is broken",
}


_OPTIONAL = (
    *("evidence", "coverage", "branches", "starts", "margins", "not_tested", "counterexample", "violated"),
    *("certificate_content", "cached", "title", "doc", "cite", "keyword", "file", "line", "quantifier", "variables"),
    *("process", "given", "then", "derived", "statement", "statement_hash"),
)
"""Keys that a results file may lack (design §6 fixes the others)."""


@dataclass(frozen=True)
class Bar:
    """One row of the distribution of margins: `10^decade` to `10^(decade + 1)`, or (None) not positive.

    `share` is a percentage of the largest.
    """

    decade: int | None
    count: int
    share: float


@dataclass(frozen=True)
class ClaimView:
    """What the pages say about one claim; `row` is the claim's row as it was written.

    Attributes:
        slug: a file name without ending, unique in the report.
        certificate: the certificate file's bytes, if the row carries one.
        values: of the exact instance, if the certificate is one.
        product: the update X = ABᵀ of that instance, in LaTeX, where A and B are among its matrices.
        example: code for Hypothesis' `@example`.
        bars: the distribution of margins.
    """

    row: Mapping[str, Any]
    slug: str
    certificate: bytes | None = None
    values: tuple[Value, ...] = ()
    product: str | None = None
    example: str | None = None
    bars: tuple[Bar, ...] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """The claim's name without its module."""
        return str(self.row["id"]).rpartition(".")[2]

    @property
    def topic(self) -> str:
        """The module."""
        return str(self.row["id"]).rpartition(".")[0]

    @property
    def title(self) -> str:
        """The claim in words, or its name."""
        return self.row.get("title") or self.name.replace("_", " ")

    @property
    def mark(self) -> str:
        """The verdict's sign."""
        return MARKS.get(self.row["verdict"], "?")

    @property
    def meaning(self) -> str:
        """What the verdict means."""
        return MEANINGS.get(self.row["verdict"], "")

    @property
    def details(self) -> str:
        """The docstring after its first line."""
        return "\n".join(str(self.row.get("doc") or "").splitlines()[1:]).strip()

    @property
    def source(self) -> str:
        """Where the claim was written."""
        return f"{self.row['file']}:{self.row['line']}" if self.row.get("file") else ""

    @property
    def scope(self) -> str:
        """What the verdict is about, in one phrase."""
        row = self.row
        if row["scope"] is not None:
            return str(row["scope"])
        if row["verdict"] == "REFUTED":
            sizes = [v.text.replace(" ", "") for v in self.values if v.code is not None and v.code.isdigit()]
            named = [s for s in sizes if s.split("=")[0] in (self.certificate_dims or {})]
            return " ".join(named) or "one instance"
        return f"{row['n']:,} instances" if row.get("n") else "—"

    @property
    def certificate_dims(self) -> Mapping[str, int]:
        """The sizes of the exact instance."""
        content = self.row.get("certificate_content") or {}
        return content.get("dims", {}) if content.get("kind") == "instance" else {}

    @property
    def searched(self) -> str:
        """The words that the filter looks at, in lower case."""
        row = self.row
        words = [row["id"], row["verdict"], self.title, row.get("cite"), row.get("keyword"), self.scope, row.get("engine")]
        words.append("as expected" if row["met"] else "not as expected")
        return " ".join(str(w) for w in words if w).lower()


def views_of(rows: Sequence[Mapping[str, Any]]) -> list[ClaimView]:
    """One view a row, with distinct file names."""
    taken: dict[str, int] = {}
    found = []
    for row in rows:
        slug = re.sub(r"[^\w.-]", "_", str(row["id"])).strip(".") or "claim"
        taken[slug.lower()] = taken.get(slug.lower(), 0) + 1
        if taken[slug.lower()] > 1:
            slug = f"{slug}-{taken[slug.lower()]}"
        found.append(_view({**dict.fromkeys(_OPTIONAL), **row}, slug))
    return found


def _view(row: Mapping[str, Any], slug: str) -> ClaimView:
    content = row.get("certificate_content")
    bars = tuple(_bars(row.get("margins") or []))
    if not isinstance(content, dict):
        return ClaimView(row, slug, bars=bars)
    encoded = (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    return ClaimView(row, slug, encoded, tuple(values_of(content)), _product(content), example_code(content), bars)


def _product(certificate: Mapping[str, Any]) -> str | None:
    """`ABᵀ` where the exact instance has factors A and B of one width."""
    values = certificate.get("values") or {}
    a, b = values.get("A"), values.get("B")
    if certificate.get("kind") != "instance" or not isinstance(a, list) or not isinstance(b, list):
        return None
    shapes = {n: v.get("shape") for n, v in certificate["claim"]["variables"].items()}
    if shapes["A"][1] != shapes["B"][1]:
        return None
    left, right = ([[Fraction(x) for x in row] for row in rows] for rows in (a, b))
    rows = [" & ".join(str(sum(x * y for x, y in zip(p, q, strict=True))) for q in right) for p in left]
    return r"A B^{\top} = \begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}"


def _bars(margins: Sequence[Mapping[str, Any]]) -> list[Bar]:
    most = max((m["n"] for m in margins), default=0)
    return [Bar(m["decade"], m["n"], 100 * m["n"] / most) for m in margins]
