"""Which lines of a chunk are pointed at; and what a kind of files does to an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch import BadQuery, open_index
from codesearch.rendering.render import Answer, as_json
from codesearch.searching.ranking.best_lines import WINDOW, best_lines
from codesearch.searching.signals.words import rarity
from tests.support.closeness import WordHashEmbedder

CODE = "def start(proxy):\n    log(proxy)\n    check(proxy)\n\n    retry = 3\n    return open(proxy, retry)\n"
PROSE = "# Start\n\nHow to start the proxy: run it.\n"


def test_the_lines_that_hold_the_rare_words() -> None:
    assert best_lines(CODE, {"proxy": 1.0, "retry": 1.0, "open": 1.0}) == (3, 5)
    assert best_lines(CODE, {"zebra": 1.0}) == (0, 2)
    assert best_lines("\n\nonly\n\n", {"only": 1.0}) == (2, 2)


@given(st.text(alphabet="ab \n", max_size=60), st.dictionaries(st.sampled_from("ab"), st.floats(0.1, 3)))
def test_best_lines_lie_in_the_text(text: str, stems: dict[str, float]) -> None:
    first, last = best_lines(text, stems)
    lines = text.split("\n")
    assert 0 <= first <= last < len(lines)
    assert last - first < WINDOW
    if any(line.strip() for line in lines):
        assert any(line.strip() for line in lines[first : last + 1])


@given(
    st.lists(st.text(alphabet="abc ", max_size=4), max_size=9).map("\n".join),
    st.dictionaries(st.sampled_from(["a", "b", "c", "ab"]), st.floats(0.1, 3)),
)
def test_best_lines_are_those_of_the_definition(text: str, stems: dict[str, float]) -> None:
    lines = text.split("\n")
    filled = [at for at, line in enumerate(lines) if line.strip()] or [0]
    first, last = filled[0], filled[-1]
    filled_lines = lines[first : last + 1]
    telling = {
        stem: rarity(weight, sum(stem in line for line in filled_lines), len(filled_lines))
        for stem, weight in stems.items()
    }

    def worth(start: int) -> float:
        window = lines[start : min(start + WINDOW, last + 1)]
        return round(sum(telling[stem] for stem in sorted(stems) if any(stem in line for line in window)), 9)

    best = max(range(first, max(first, last - WINDOW + 1) + 1), key=lambda at: (worth(at), -at))
    assert best_lines(text, stems) == (best, min(best + WINDOW - 1, last))


def indexed(folder: Path):  # type: ignore[no-untyped-def]
    root = folder / "tree"
    root.mkdir()
    (root / "proxy.py").write_text("\n\n" + CODE)
    (root / "proxy.md").write_text(PROSE)
    index = open_index(root, WordHashEmbedder())
    index.refresh()
    return index


def test_a_hit_says_its_best_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_HOME", str(tmp_path / "home"))
    with indexed(tmp_path) as index:
        (hit,) = index.search("which retry is opened", kind="code")
        assert hit.best_lines == (6, 8)
        record = json.loads(as_json(Answer("q", ("/r",), "m", 1, 1, (hit,))))["results"][0]
        assert record["best_lines"] == [6, 8]
        assert index.search("", pattern="retry")[0].best_lines is None


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("code", {"proxy.py"}),
        ("docs", {"proxy.md"}),
        ("all", {"proxy.py", "proxy.md"}),
        ("auto", {"proxy.py", "proxy.md"}),
    ],
)
def test_a_kind_says_which_files_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, paths: set[str]
) -> None:
    monkeypatch.setenv("CODESEARCH_HOME", str(tmp_path / "home"))
    with indexed(tmp_path) as index:
        for mode in ("hybrid", "lexical", "semantic"):
            assert {hit.path for hit in index.search("start the proxy", kind=kind, mode=mode)} == paths
        if kind == "auto":
            assert index.search("how do I start the proxy", kind=kind)[0].path == "proxy.md"
        with pytest.raises(BadQuery, match="kind is 'prose'"):
            index.search("start", kind="prose")
