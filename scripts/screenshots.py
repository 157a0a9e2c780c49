"""Take the pictures of the search page: ``python -m scripts.screenshots QUESTION [FOLDER]``.

Writes docs/page-results.png and docs/page-map.png. The page is served over a real folder (this repository,
unless another is given) and looked at by Debian's Chromium; pictures are reduced to 256 colours. The question
is an argument because a file that held it word for word would be its first answer.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.sources import ROOT
from tests.support.browser import chromium
from tests.support.page import Page, page_over

COLOURS = 256
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("question")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT)
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--home", type=Path, help="holds an index of the folder already (a large one)")
    parser.add_argument("--name", default="page", help="how the files are called: NAME-results.png, ...")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        page_over(options.folder.resolve(), options.home or Path(home)) as page,
        chromium() as browser,
    ):
        print(f"{wait_until_embedded(page, options.question):,} chunks")
        for name, scheme, view in (("results", "light", ""), ("map", "dark", "map")):
            context = browser.new_context(color_scheme=scheme, viewport=SIZE)
            tab = context.new_page()
            tab.goto(page.link())
            tab.wait_for_url(f"{page.url}/")
            ask(tab, options.question, view)
            save(tab.screenshot(), options.out / f"{options.name}-{name}.png")
            context.close()


def wait_until_embedded(page: Page, question: str) -> int:
    """Ask until everything is embedded and the map is drawn; return the number of chunks."""
    while True:
        state = page.ask("search", q=question)
        if state["embedded"] == state["total"] and page.ask("map")["ready"]:
            return int(state["total"])
        time.sleep(10 if state["total"] > 20_000 else 1)  # each question takes time from the work


def ask(tab: Any, question: str, view: str) -> None:
    """Type a question, and look at the answer as a list or on the map."""
    from playwright.sync_api import expect

    tab.fill("#query", question)
    tab.keyboard.press("Enter")
    expect(tab.locator("#status")).to_contain_text("results in", timeout=20_000)
    if view == "map":
        tab.click("#show-map")
        tab.wait_for_selector("#legend div")
    else:
        tab.keyboard.press("j")
        tab.click("#hits > .current details summary")
    tab.wait_for_timeout(500)


def save(picture: bytes, path: Path) -> None:
    """Write a PNG with few colours."""
    from PIL import Image

    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path} {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
