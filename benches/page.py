"""How smoothly the code map moves: frame times in headless Chromium while it is dragged.

    python -m benches.page [--points 10000 100000]

The map is drawn by the page itself, from points that this program answers with in place of the server's:
places do not matter to the time of a frame, their number does. Prints the medians and the worst frames of a
drag of 120 frames.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benches import program
from tests.support.browser import chromium
from tests.support.page import FILES, page_over, write

FRAMES = 120
_DRAG = """() => import('/static/map.js').then(({testing}) => new Promise((done) => {
    const times = []; let before = performance.now(); let left = %d;
    const step = (now) => {
        times.push(now - before); before = now;
        testing.view.x = Math.sin(left / 10) / 3; testing.schedule();
        left-- ? requestAnimationFrame(step) : done(times.slice(1));
    };
    requestAnimationFrame(step);
}))"""


def main() -> None:
    parser = program.parser(__doc__, record=False)
    parser.add_argument("--points", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory() as tree,
        page_over(write(Path(tree), FILES), Path(home)) as page,
        chromium() as browser,
    ):
        print("| points | median ms | p95 ms | worst ms |\n|---|---|---|---|")
        for count in options.points:
            tab = browser.new_page(viewport={"width": 1280, "height": 800})
            tab.goto(page.link())
            tab.wait_for_selector("#hits > li")
            answer_with(tab, count)
            tab.goto(f"{page.url}/?view=map")
            tab.wait_for_selector("#legend div", timeout=60_000)
            times = sorted(tab.evaluate(_DRAG % FRAMES))
            row = (statistics.median(times), times[int(0.95 * len(times))], times[-1])
            print(f"| {count:,} | " + " | ".join(f"{value:.1f}" for value in row) + " |", flush=True)
            tab.close()


def answer_with(tab: Any, count: int) -> None:
    """Answer the map's questions with random points in a hundred files."""
    random = np.random.default_rng(0)
    points = np.zeros(count, [("x", "<f4"), ("y", "<f4"), ("path", "<u4"), ("line", "<u4")])
    points["x"], points["y"] = random.normal(scale=0.4, size=(2, count))
    points["path"] = random.integers(0, 100, count)
    about = {
        "ready": True,
        "method": "pca",
        "count": count,
        "paths": [f"folder{n % 12}/file{n}.py" for n in range(100)],
        "languages": ["python"] * 100,
    }
    tab.route(
        "**/api/map?*", lambda route: route.fulfill(body=json.dumps(about), content_type="application/json")
    )
    tab.route("**/api/points?*", lambda route: route.fulfill(body=points.tobytes()))


if __name__ == "__main__":
    main()
