"""What the page asks, over HTTP against a real resident process."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.page import FILES, Page, page_over, write
from tests.support.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of a test are ended by signals")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    root = write(tmp_path_factory.mktemp("tree"), FILES)
    (root.parent / "secret.txt").write_text("outside\n")
    with page_over(root, tmp_path_factory.mktemp("home")) as page:
        wait_for(lambda: page.ask("search", q="retry")["embedded"] == page.ask("search", q="retry")["total"])
        yield page


def test_the_page_and_its_parts_are_served_with_a_strict_policy(page: Page) -> None:
    html = page.get("/")
    policy = html.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    body = html.read().decode()
    assert "http://" not in body.replace("http://www.w3.org", "")
    assert "https://" not in body
    assert "<script>" not in body
    assert " style=" not in body
    assert " onclick=" not in body
    for name in ("style.css", "app.js", "map.js", "icon.svg"):
        assert page.get(f"/static/{name}").status == 200
    # Chromium asks for it now and then, whatever the page names.
    assert page.get("/favicon.ico").read() == page.get("/static/icon.svg").read()


@pytest.mark.parametrize(
    "name", ["../routes.py", "..%2froutes.py", "app.py", "no.js", "%2e%2e/api.py", ".js"]
)
def test_no_other_file_is_served(page: Page, name: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        page.get(f"/static/{name}")
    assert refused.value.code == 404


@pytest.mark.parametrize("path", ["/", "/api/search?q=x", "/api/roots", "/static/app.js"])
def test_nothing_without_the_secret(page: Page, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{page.url}{path}")
    assert refused.value.code == 401


def test_hits_have_lines_reasons_and_facets(page: Page) -> None:
    found = page.ask("search", q="where is a retry decided")
    best = found["hits"][0]
    assert (best["path"], best["kind"], best["symbol"]) == ("src/retry.py", "function", "should_retry")
    assert "".join(text for _, text in best["lines"][0]) == "def should_retry(attempt):"
    assert best["why"]["lexical_rank"] is not None
    counted = dict(map(tuple, found["facets"]["language"]))
    assert counted["python"] >= 2
    assert sum(counted.values()) == len(found["hits"])


def test_filters(page: Page) -> None:
    assert {hit["language"] for hit in page.ask("search", q="retry", language="javascript")["hits"]} <= {
        "javascript"
    }
    assert {hit["path"].split("/")[0] for hit in page.ask("search", q="retry", folder="web")["hits"]} <= {
        "web"
    }
    assert {hit["kind"] for hit in page.ask("search", q="retry", kind="function")["hits"]} == {"function"}


def test_a_file_comes_whole_with_its_chunks(page: Page) -> None:
    found = page.ask("file", path="src/retry.py")
    text = "\n".join("".join(piece for _, piece in line) for line in found["lines"])
    assert text == FILES["src/retry.py"]
    assert [part["symbol"] for part in found["chunks"]] == ["should_retry"]


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", "src/../../secret.txt", "nothing.py", ""])
def test_what_is_not_indexed_is_not_read(page: Page, path: str) -> None:
    assert "not indexed" in page.refused("file", path=path)


def test_a_root_outside_is_refused(page: Page) -> None:
    assert "outside" in page.refused("search", q="x", root="/")
    assert "outside" in page.refused("file", path="secret.txt", root=str(page.root.parent))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("search", {"q": ""}),
        ("search", {"q": "x", "language": "klingon"}),
        ("search", {"q": "x", "glob": "/"}),
        ("similar", {"path": "src/retry.py", "line": "-1"}),
        ("similar", {"path": "src/retry.py", "line": "9" * 30}),
        ("similar", {"path": "src/retry.py", "line": "999"}),
        ("search", {"q": "x" * 30_000}),
    ],
)
def test_bad_questions_are_refused_in_words(page: Page, name: str, asked: dict[str, str]) -> None:
    assert page.refused(name, **asked)


def test_unknown_parameters_are_refused_by_name(page: Page) -> None:
    said = page.refused("search", q="x", limit="3")
    assert said == "unknown parameter 'limit'; there are: q, root, language, glob, folder, kind"
    assert "there are: none" in page.refused("roots", q="x")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/no/such", 404), ("POST", "/api/search", 405)]
)
def test_what_is_not_served_is_said_in_json(page: Page, method: str, path: str, status: int) -> None:
    headers = {"authorization": f"Bearer {page.address.secret}"}
    asked = urllib.request.Request(page.url + path, headers=headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked)
    assert refused.value.code == status
    assert f"{method} {path}" in json.load(refused.value)["error"]


def test_similar_and_symbols(page: Page) -> None:
    assert page.ask("similar", path="src/retry.py", line="1")["hits"]
    names = [one["name"] for one in page.ask("symbols", q="should")]
    assert names[0] == "should_retry"
    assert page.ask("symbols", q="") == []


def test_the_map_has_a_point_for_every_chunk(page: Page) -> None:
    wait_for(lambda: page.ask("map")["ready"])
    about = page.ask("map")
    data = np.frombuffer(
        page.get("/api/points").read(), [("x", "<f4"), ("y", "<f4"), ("p", "<u4"), ("l", "<u4")]
    )
    assert len(data) == about["count"] == page.ask("search", q="x")["total"]
    assert np.isfinite(data["x"]).all()
    assert {about["paths"][number] for number in data["p"]} == set(FILES)


def test_roots(page: Page) -> None:
    [root] = page.ask("roots")
    assert (root["root"], root["files"]) == (str(page.root), len(FILES))
