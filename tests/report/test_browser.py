"""The report in a real browser: no console errors, no requests, every link, the keyboard, accessibility, narrow screens."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from verify.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from quick import QUICK

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra test)")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed (Debian: apt-get install chromium)")
PAGES = (
    "index.html",
    "figures.html",
    "claims/quick.proved.html",
    "claims/quick.refuted.html",
    "claims/quick.broken.html",
    "claims/quick.long.html",
    "claims/quick.long_and_false.html",
)
LONG = """

@claim
def long():
    \"\"\"A statement that is wider than a phone.\"\"\"
    return forall(s, then=le(0, inner(A.T * A * B.T * B * A.T * A, A.T * A * B.T * B * A.T * A) ** 2))


@claim(expect=Expect.REFUTED)
def long_and_false():
    \"\"\"False, and wider than a phone.\"\"\"
    return forall(s, then=le((1 + inner(A.T * A * B.T * B * A.T * A, A.T * A * B.T * B * A.T * A) ** 2) ** 3, 0))
"""
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("browser")
    (base / "quick.py").write_text(QUICK + LONG)
    main(["run", str(base / "quick.py"), "--jobs", "1", "--report", str(base / "site")])
    return base / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        # In many containers Chromium runs only without its sandbox and with little shared memory; the pages are our own.
        opened = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture
def seen() -> list[str]:
    """What a page complains about or asks for."""
    return []


@pytest.fixture
def view(browser: Any, seen: list[str], request: pytest.FixtureRequest) -> Iterator[Any]:
    options = {"viewport": DESKTOP, **getattr(request, "param", {})}
    context = browser.new_context(**options)
    page = context.new_page()
    page.on("console", lambda message: seen.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else seen.append(f"request: {r.url}"))
    page.on("requestfailed", lambda r: seen.append(f"failed: {r.url}"))
    yield page
    context.close()


def address(site: Path, name: str) -> str:
    return (site / name).as_uri()


def test_every_page_that_links_lead_to_loads_without_a_complaint(view: Any, seen: list[str], site: Path) -> None:
    waiting, visited = [address(site, "index.html")], set()
    while waiting:
        here = waiting.pop()
        if here in visited:
            continue
        visited.add(here)
        view.goto(here)
        links = view.eval_on_selector_all("a[href]:not([download])", "links => links.map(a => a.href.split('#')[0])")
        waiting += [link for link in links if link.endswith(".html")]
    assert len(visited) == len(list(site.rglob("*.html")))
    assert seen == []


def shown(view: Any) -> list[str]:
    return [text.split(".")[-1] for text in view.locator(".atlas tbody tr:visible .name").all_inner_texts()]


def test_the_atlas_is_filtered_and_read_by_keyboard_alone(view: Any, site: Path) -> None:
    view.goto(address(site, "index.html"))
    assert shown(view) == ["proved", "held", "refuted", "loud", "broken", "long", "long_and_false"]
    view.keyboard.press("/")
    view.keyboard.type("without QUICK.refuted")
    assert shown(view) == ["refuted"]
    assert view.get_by_role("status").inner_text() == "1 of 7 claims shown"
    view.keyboard.press("Escape")
    assert len(shown(view)) == 7
    view.keyboard.press("ArrowDown")
    view.keyboard.press("ArrowDown")
    assert view.evaluate("document.activeElement.getAttribute('href')") == "claims/quick.held.html"
    for _ in range(2):
        view.keyboard.press("ArrowUp")
    assert view.evaluate("document.activeElement.id") == "words"
    view.keyboard.press("Tab")
    view.keyboard.press("Space")
    assert shown(view) == ["held", "refuted", "loud", "broken", "long", "long_and_false"]
    view.focus("#unmet")
    view.keyboard.press("Space")
    assert shown(view) == ["loud", "broken"]
    view.keyboard.press("/")
    view.keyboard.press("Enter")
    view.wait_for_url("**/claims/quick.loud.html")


def test_without_script_every_claim_is_there_and_no_dead_filter(browser: Any, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(site, "index.html"))
    assert len(shown(page)) == 7
    assert not page.locator("form").is_visible()
    context.close()


@pytest.mark.parametrize("view", [{"viewport": PHONE}, {"viewport": DESKTOP}], indirect=True, ids=["phone", "desktop"])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(view: Any, site: Path, name: str) -> None:
    view.goto(address(site, name))
    wide, room = view.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room


LIGHT_AND_DARK = [
    pytest.param({"viewport": DESKTOP, "color_scheme": "light"}, id="light"),
    pytest.param({"viewport": PHONE, "color_scheme": "dark"}, id="dark phone"),
]


@pytest.mark.parametrize("view", LIGHT_AND_DARK, indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_violation(view: Any, site: Path, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (extra test)")
    view.goto(address(site, name))
    found = axe.Axe().run(view).response["violations"]
    serious = [(v["id"], [n["html"] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_in_the_figures_has_the_colour_of_the_page(browser: Any, site: Path, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(address(site, "figures.html"))
    colours = page.eval_on_selector_all("svg text", "all => [...new Set(all.map(t => getComputedStyle(t).fill))]")
    assert colours == [page.evaluate("getComputedStyle(document.body).color")]
    context.close()


def test_the_printed_page_is_dark_on_white_and_has_no_controls(browser: Any, site: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto(address(site, "index.html"))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not page.locator("form").is_visible()
    page.goto(address(site, "claims/quick.held.html"))
    assert page.locator("details td").first.evaluate("cell => cell.checkVisibility({contentVisibilityAuto: true})")
    context.close()
