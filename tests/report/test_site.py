"""The report's files: every claim has its page, links lead somewhere, text is escaped, certificates can be checked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import verify
from verify.cli.main import main
from verify.report.figures import figures
from verify.report.mathml import mathml, pieces, prose
from verify.report.paper import escape_latex, latex_code
from verify.runner.about import about
from verify.runner.loading import collect

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from quick import QUICK

VOID = {"meta", "link", "input", "br", "use", "path"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.mktemp("site")
    (base / "quick.py").write_text(QUICK)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        assert main(["run", "quick.py", "--jobs", "1", "--json", "r.json", "--report", "direct"]) == 1
        assert main(["report", "r.json", "--out", "site"]) == 0
        yield base


class Page(HTMLParser):
    """Links, ids and the nesting of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.requests: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found: dict[str, str] = {k: v or "" for k, v in attrs}
        if tag == "a":
            self.links.append(found["href"])
        elif tag in ("script", "img", "link", "iframe") and ("src" in found or "href" in found):
            self.requests.append(found.get("src", found.get("href", "")))
        if "id" in found:
            self.ids.append(found["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def pages(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in (folder / "site").rglob("*.html")}


def test_both_commands_write_the_same_site(folder: Path) -> None:
    written = [
        {p.relative_to(folder / n): p.read_bytes() for p in (folder / n).rglob("*") if p.is_file()} for n in ("direct", "site")
    ]
    assert written[0] == written[1]
    assert len(written[0]) == 5 + 1 + 1 + 2 + 2  # claims, atlas, figures, certificates, paper


def test_pages_are_well_formed_and_self_contained_and_every_link_leads_somewhere(folder: Path) -> None:
    for name, text in pages(folder).items():
        page = Page(text)
        assert page.open == []
        assert page.requests == ["data:,"], f"{name} requests something"
        assert len(page.ids) == len(set(page.ids))
        assert "url(http" not in text
        for link in page.links:
            target, _, anchor = link.partition("#")
            if target:
                assert (folder / name).parent.joinpath(unquote(target)).is_file(), f"{name} links to {link}"
            else:
                assert anchor in page.ids


def test_the_atlas_shows_every_claim_and_what_is_not_as_expected(folder: Path) -> None:
    text = (folder / "site" / "index.html").read_text()
    for row in json.loads((folder / "r.json").read_text())["claims"]:
        assert row["id"] in text
    assert "<strong>2 not as expected:</strong>" in text
    assert "expected REFUTED, got HELD" in text


def test_users_words_are_escaped(folder: Path) -> None:
    for name in ("index.html", "claims/quick.refuted.html"):
        text = (folder / "site" / name).read_text()
        assert "<b>not bold</b>" not in text
        assert "&lt;b&gt;not bold&lt;/b&gt;" in text


def test_a_refutation_shows_matrices_both_sides_and_how_to_check_it(folder: Path) -> None:
    text = (folder / "site" / "claims" / "quick.refuted.html").read_text()
    assert 'class="matrix"' in text
    assert "The inequality that fails" in text
    assert "@example(m=1, n=1, r=1" in text
    assert "verify check quick.refuted.json" in text
    assert main(["check", *map(str, (folder / "site" / "certificates").iterdir())]) == 0


def test_a_proof_shows_the_derived_gradient_and_hessian(folder: Path) -> None:
    text = (folder / "site" / "claims" / "quick.proved.html").read_text()
    assert "<h2>Derived</h2>" in text
    assert text.count("&#x02207;") >= 4
    assert "all m, n, r" in text


def test_a_certificate_that_the_kernel_rejects_is_not_reported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads((folder / "r.json").read_text())
    row: dict[str, Any] = next(c for c in document["claims"] if c["id"] == "quick.refuted")
    row["certificate_content"]["values"]["A"] = row["certificate_content"]["values"]["B"]
    forged = folder / "forged.json"
    forged.write_text(json.dumps(document))
    assert main(["report", str(forged), "--out", str(folder / "forged")]) == 2
    assert "the certificate of quick.refuted is rejected" in capsys.readouterr().err
    assert not (folder / "forged").exists()


def test_results_with_the_documented_keys_only_make_a_report(folder: Path) -> None:
    document = json.loads((folder / "r.json").read_text())
    schema = json.loads((Path(verify.__file__).parent / "cli" / "results.schema.json").read_text())
    keys = schema["$defs"]["claim"]["required"]
    document["claims"] = [{k: row[k] for k in (*keys, "certificate_content")} for row in document["claims"]]
    bare = folder / "bare.json"
    bare.write_text(json.dumps(document))
    assert main(["report", str(bare), "--out", str(folder / "bare")]) == 0
    assert "carry no statement" in (folder / "bare" / "claims" / "quick.held.html").read_text()


def test_claims_of_one_name_get_a_page_each(folder: Path) -> None:
    document = json.loads((folder / "r.json").read_text())
    document["claims"] = document["claims"][1:2] * 2
    twice = folder / "twice.json"
    twice.write_text(json.dumps(document))
    assert main(["report", str(twice), "--out", str(folder / "twice")]) == 0
    assert sorted(p.name for p in (folder / "twice" / "claims").iterdir()) == ["quick.held-2.html", "quick.held.html"]


def test_the_paper_files_hold_every_claim(folder: Path) -> None:
    table = (folder / "site" / "table.tex").read_text()
    assert table.count(r" \\") == 5 + 1
    assert r"\texttt{quick.\allowbreak{}proved} & PROVED & all m, n, r & theory \S{}2 | balance \\" in table
    appendix = (folder / "site" / "appendix.md").read_text()
    rows = [line for line in appendix.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 5
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)
    assert r"$$ \Longrightarrow\quad A^{\top} \, A = B^{\top} \, B $$" in appendix


def test_latex_specials_and_greek_letters_are_escaped() -> None:
    assert escape_latex("a_b & 50% {x} λ ≤ σ") == r"a\_b \& 50\% \{x\} $\lambda$ $\le$ $\sigma$"


def test_names_may_be_broken_in_a_latex_table() -> None:
    assert latex_code("my.a_b") == r"my.\allowbreak{}a\_\allowbreak{}b"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed (Debian: texlive-latex-recommended)")
def test_the_table_fits_a_page(folder: Path) -> None:
    document = json.loads((folder / "r.json").read_text())
    document["claims"][0]["id"] = "special_regime.sigma_of_spurious_le_the_bound_of_the_large_branch_along_training"
    (folder / "long.json").write_text(json.dumps(document))
    assert main(["report", str(folder / "long.json"), "--out", str(folder / "long")]) == 0
    packages = r"\usepackage[T1]{fontenc}\usepackage{array,longtable,booktabs,amssymb}"
    text = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{table}}\end{{document}}"
    (folder / "long" / "paper.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "paper.tex"]
    run = subprocess.run(command, cwd=folder / "long", capture_output=True, text=True, errors="replace", check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Overfull" not in run.stdout


def test_formulas_are_cut_between_terms_only() -> None:
    assert pieces(r"\frac{a + b}{2} + \left(c + d\right) = 1") == [r"\frac{a + b}{2}", r"{} + \left(c + d\right)", "{} = 1"]
    assert pieces(r"-x") == ["-x"]
    assert pieces(r"\left\|a - b\right\| - c") == [r"\left\|a - b\right\|", "{} - c"]
    assert mathml("a + b").count("<math") == 2
    assert mathml(r"\undefinedcommand{") != ""


def test_every_formula_of_the_shipped_theory_is_typeset() -> None:
    for found in collect([]).claims:
        described = about(found.claim)
        shown = [*described.variables, *described.given, *described.derived]
        shown += [s for s in (described.process, described.then) if s is not None]
        assert shown, found.id
        for formula in shown:
            typeset = mathml(formula.latex)
            assert "<code>" not in typeset, formula.latex
            assert "\\" not in typeset, formula.latex


def test_backticks_mark_formulas_and_lone_ones_stay() -> None:
    assert prose("`a < b` holds") == "<code>a &lt; b</code> holds"
    assert prose("a ` b") == "a ` b"


def test_the_figures_agree_with_the_theory() -> None:
    values, curvatures, training, frontier = figures()
    spurious = [float(row[3]) for row in values.rows if row[0] == "spurious"]
    assert min(spurious) >= 1
    assert float(curvatures.rows[0][1]) >= 2
    last = training.rows[-1]
    assert float(last[1]) < 1e-12
    assert float(last[2]) == pytest.approx(0.8)
    for kappa, measured, bound, proved in frontier.rows:
        assert float(measured) == pytest.approx(float(bound), abs=1e-4)
        assert float(measured) >= float(proved) - 1e-4, kappa
    for figure in (values, curvatures, training, frontier):
        assert figure.svg.startswith("<svg ")
        assert "#000000" not in figure.svg
