"""Places as people paste them: what is read off them, and that the chunk that holds the line is first."""

# ruff: noqa: E501
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch import open_index
from codesearch.searching.question.places_in_query import Spot, spots_in


@pytest.mark.parametrize(
    ("text", "spots"),
    [
        ("app.py:123", [("app.py", 123, 123)]),
        ("src/app.py:123:5: error: no", [("src/app.py", 123, 123)]),
        ("src/app.py:12-40", [("src/app.py", 12, 40)]),
        ('  File "/srv/app/net.py", line 7, in send', [("/srv/app/net.py", 7, 7)]),
        ("src/app.py#L12", [("src/app.py", 12, 12)]),
        ("src/app.py#L12-L40", [("src/app.py", 12, 40)]),
        ("https://github.com/o/r/blob/main/src/app.py#L12-L40", [("src/app.py", 12, 40)]),
        ("https://gitlab.com/o/r/-/blob/v1.2/src/app.py#L12-40", [("src/app.py", 12, 40)]),
        ("https://bitbucket.org/o/r/src/abc123/src/app.py#lines-12:40", [("src/app.py", 12, 40)]),
        ("https://github.com/o/r/blame/main/a%20b/app.py?plain=1#L3", [("a b/app.py", 3, 3)]),
        ("at send (net.js:10:5)", [("net.js", 10, 10)]),
        ("vim +123 src/app.c", [("src/app.c", 123, 123)]),
        ("src/app.c line 12", [("src/app.c", 12, 12)]),
        ("error in app.c, at line 12", [("app.c", 12, 12)]),
        ("Warning: no in /srv/app.php on line 7", [("/srv/app.php", 7, 7)]),
        ("lines 3 to 9 of src/app.c", [("src/app.c", 3, 9)]),
        (
            "https://dev.azure.com/o/_git/r?path=/src/app.c&version=GBmain&line=12&lineEnd=14",
            [("/src/app.c", 12, 14)],
        ),
        ("#0 0x4f in f /build/src/engine/app.c:12:5", [("/build/src/engine/app.c", 12, 12)]),
        ("at a.b.C.run(Client.java:42)", [("Client.java", 42, 42)]),
        (r"C:\src\app.cs:line 12", [("\\src\\app.cs", 12, 12)]),
        ("main.cpp(12,5): error C2065", [("main.cpp", 12, 12)]),
        ("Makefile:9: *** missing separator", [("Makefile", 9, 9)]),
        ("a.py:1 then b.go:2", [("a.py", 1, 1), ("b.go", 2, 2)]),
        ("where are retries decided", []),
        ("http://localhost:8080/x", []),
        ("std::vector<int>::size", []),
        ("version 3.11:2", [("3.11", 2, 2)]),  # no such file: harmless
    ],
)
def test_every_form_is_read(text: str, spots: list[tuple[str, int, int]]) -> None:
    assert [(spot.path, spot.first, spot.last) for spot in spots_in(text)] == spots


@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    assert all(1 <= spot.first <= spot.last for spot in spots_in(text))


def test_a_path_is_tried_without_its_first_folders() -> None:
    assert list(Spot("/srv/app/net.py", 1, 1).suffixes()) == ["srv/app/net.py", "app/net.py", "net.py"]


@pytest.mark.parametrize(
    "query",
    [
        "src/app/jobs.py:LINE",
        "jobs.py:LINE",
        "/srv/deploy/app/jobs.py:LINE",
        'File "/opt/venv/site-packages/src/app/jobs.py", line LINE',
        "https://github.com/o/r/blob/main/src/app/jobs.py#LLINE",
        "what happens at app/jobs.py:LINE",
    ],
)
def test_the_chunk_that_holds_the_line_is_first(tmp_path: Path, query: str) -> None:
    step = 'def step_{0}(state):\n    """Step {0}."""\n    state.count += {0}\n    state.log("step {0}")\n    return state\n\n\n'
    (tmp_path / "src/app").mkdir(parents=True)
    (tmp_path / "src/app/jobs.py").write_text("".join(step.format(n) for n in range(60)))
    (tmp_path / "src/lines.py").write_text("jobs = 'app/jobs.py'  # line\n" * 3)
    with open_index(tmp_path, here=True) as index:
        index.refresh(vectors=False)
        for line in (1, 100, 222, 401):
            hit = index.search(query.replace("LINE", str(line)), limit=1, mode="lexical")[0]
            assert hit.path == "src/app/jobs.py"
            assert hit.start_line <= line <= hit.end_line


def test_a_filter_holds_for_places_too(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.js").write_text("let x = 'a.py'\n")
    with open_index(tmp_path, here=True) as index:
        index.refresh(vectors=False)
        hits = index.search("a.py:1", mode="lexical", languages=["js"])
    assert {hit.path for hit in hits} == {"b.js"}
