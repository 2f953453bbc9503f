"""The static site of one run: an atlas of all claims, a page a claim, the theory's pictures; and the paper's tables.

Main definitions: `site`. Every page carries its own style and script: it can be sent alone, and nothing is requested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from verify._version import __version__
from verify.report.figures import Figure
from verify.report.mathml import mathml, prose
from verify.report.paper import escape_latex, latex_code, markdown_cell
from verify.report.views import MARKS, MEANINGS, views_of


def site(document: Mapping[str, Any], pictures: Sequence[Figure]) -> dict[str, bytes]:
    """The files of the site by path.

    Args:
        document: the JSON of `verify run`.
        pictures: of the theory; may be empty.
    """
    pages = _environment(autoescape=True)
    texts = _environment(autoescape=False)
    claims = views_of(document["claims"])
    shared = {
        "claims": claims,
        "summary": document.get("summary") or {},
        "problems": document.get("problems") or [],
        "interrupted": document.get("interrupted", False),
        "pictures": pictures,
        "version": __version__,
        "marks": MARKS,
        "meanings": MEANINGS,
    }
    verdicts = [v for v in MARKS if any(c.row["verdict"] == v for c in claims)]
    files = {"index.html": pages.get_template("index.html").render(**shared, verdicts=verdicts, root="")}
    for before, claim, after in zip([None, *claims], claims, [*claims[1:], None], strict=False):
        page = pages.get_template("claim.html").render(**shared, claim=claim, before=before, after=after, root="../")
        files[f"claims/{claim.slug}.html"] = page
    if pictures:
        files["figures.html"] = pages.get_template("figures.html").render(**shared, root="")
    files["appendix.md"] = texts.get_template("appendix.md").render(**shared)
    files["table.tex"] = texts.get_template("table.tex").render(**shared)
    encoded = {path: text.encode() for path, text in files.items()}
    encoded.update({f"certificates/{c.slug}.json": c.certificate for c in claims if c.certificate is not None})
    return encoded


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("verify.report"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        math=mathml,
        prose=prose,
        latex=escape_latex,
        latex_code=latex_code,
        cell=markdown_cell,
        tiny=_tiny,
        count=_count,
        side=_side,
    )
    return environment


def _side(value: str) -> str:
    """One side of a comparison: an exact number, or an enclosure in words."""
    ends = value.strip("[]").split(", ")
    return f"between {ends[0]} and {ends[1]}" if value.startswith("[") and len(ends) == 2 else value


def _tiny(value: float | None) -> str:
    """A margin: two digits, or a dash."""
    return "—" if value is None else f"{value:.1e}"


def _count(value: int | None) -> str:
    return "—" if value is None else f"{value:,}"
