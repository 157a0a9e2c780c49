"""The page in a real browser: typed by keyboard alone, read by axe, with hostile files in the tree."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browser import chromium
from tests.support.page import FILES, Page, page_over, write
from tests.support.running import require
from tests.support.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of a test are ended by signals")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    root = write(tmp_path_factory.mktemp("tree"), FILES)
    with page_over(root, tmp_path_factory.mktemp("home")) as page:
        wait_for(lambda: page.ask("search", q="retry")["embedded"] == page.ask("search", q="retry")["total"])
        wait_for(lambda: page.ask("map")["ready"])
        yield page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=["light", "dark"])
def tab(request: pytest.FixtureRequest, browser: Any, page: Page) -> Iterator[Any]:
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(1000 * PATIENCE)
    tab = context.new_page()
    tab.problems = []
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("console", lambda message: message.type == "error" and tab.problems.append(_said(message)))
    tab.on("dialog", lambda dialog: (tab.problems.append("a dialog"), dialog.dismiss()))
    tab.goto(page.link())
    tab.wait_for_url(f"{page.url}/")
    tab.wait_for_selector("#hits > li")
    yield tab
    assert tab.problems == []
    context.close()


def _said(message: Any) -> str:
    return f"{message.text} {message.location.get('url', '')}"


def expect(found: Any) -> Any:
    from playwright.sync_api import expect

    expect.set_options(timeout=1000 * PATIENCE)
    return expect(found)


def results(tab: Any) -> list[str]:
    expect(tab.locator("#status")).to_contain_text("results in")
    return [link.inner_text() for link in tab.query_selector_all("#hits .place a")]


def test_why_a_hit_is_there_names_what_changed_its_score_alone(tab: Any) -> None:
    tab.fill("#query", "where is a retry decided")
    tab.keyboard.press("Enter")
    assert results(tab)
    tab.click("#hits > li:first-child details summary")
    steps = tab.inner_text("#hits > li:first-child details").partition("fused")[2].split("; ")[1:]
    assert steps
    assert all(
        re.fullmatch(r"\w+ (x[\d.e-]+)?(\+-?[\d.e-]+)?", step) and re.search(r"\d", step) for step in steps
    )


def test_a_question_by_keyboard_alone(tab: Any) -> None:
    tab.focus("#main")
    tab.keyboard.press("/")
    tab.keyboard.type("where is a retry decided")
    tab.keyboard.press("Enter")
    assert results(tab)[0] == "src/retry.py:1-2"
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#file:not([hidden]) .marked")
    assert tab.inner_text("#file h2") == "src/retry.py"
    assert "file=src%2Fretry.py" in tab.url
    tab.reload()
    tab.wait_for_selector("#file:not([hidden]) .marked")  # the address holds it all
    tab.keyboard.press("Escape")
    expect(tab.locator("#file")).to_be_hidden()
    tab.keyboard.press("j")
    tab.keyboard.press("s")
    tab.wait_for_url(re.compile("like="))
    tab.go_back()
    expect(tab.locator("#query")).to_have_value("where is a retry decided")


def test_a_symbol_is_suggested_and_taken(tab: Any) -> None:
    tab.focus("#query")
    tab.keyboard.type("should")
    tab.wait_for_selector("#suggestions li")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    assert results(tab)[0] == "src/retry.py:1-2"


def test_facets_narrow_the_results(tab: Any) -> None:
    tab.fill("#query", "retry")
    tab.keyboard.press("Enter")
    assert len(results(tab)) > 1
    tab.get_by_label(re.compile("markdown")).check()
    expect(tab.locator("#hits > li")).to_have_count(1)
    assert "language=markdown" in tab.url


def test_markup_in_files_stays_text(tab: Any) -> None:
    tab.fill("#query", "parseConfiguration")
    tab.keyboard.press("Enter")
    assert results(tab)[0].startswith("web/config.js")
    assert "<img src=x onerror=alert(1)>" in tab.inner_text("#hits li:first-child .code")
    assert tab.query_selector("#hits img") is None


def test_the_map_draws_every_chunk_and_names_neighbours(tab: Any) -> None:
    tab.fill("#query", "retry")
    tab.keyboard.press("Enter")
    results(tab)
    tab.click("#show-map")
    tab.wait_for_selector("#legend div")
    assert "chunks" in tab.inner_text("#legend")
    assert "results lit up" in tab.inner_text("#legend")
    drawn = tab.evaluate(
        """() => new Promise((done) => requestAnimationFrame(() => {
            const canvas = document.querySelector('#canvas'), gl = canvas.getContext('webgl');
            if (!gl) return done(-1);
            requestAnimationFrame(() => done(gl.getError()));
        }))"""
    )
    assert drawn == 0
    tab.focus("#canvas")
    for key in ("+", "ArrowLeft", "0", "Enter"):
        tab.keyboard.press(key)
    tab.wait_for_selector("#near li")
    tab.click("#near li:first-child button")
    tab.wait_for_selector("#file:not([hidden]) .marked")


@pytest.mark.parametrize("view", ["", "?q=retry", "?q=retry&view=map", "?q=retry&file=src/retry.py&line=1"])
def test_axe_finds_nothing(tab: Any, page: Page, view: str) -> None:
    require("axe_playwright_python")
    from axe_playwright_python.sync_playwright import Axe

    tab.goto(f"{page.url}/{view}")
    tab.wait_for_timeout(600)
    violations = Axe().run(tab).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in violations] == []
