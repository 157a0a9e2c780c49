"""Hits of one file shown together: no line twice, none lost, each in its place; and which lines of a hit."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesearch.records import Hit
from codesearch.rendering.groups import by_file, merged
from codesearch.rendering.render import as_text
from codesearch.rendering.snippets import excerpt, with_context
from codesearch.searching.explain import Explanation
from codesearch.searching.question.pattern import parse_pattern

FILE = "".join(f"line {number}\n" for number in range(1, 61))


def hit(first: int, last: int, path: str = "a.py", root: str = "/r", score: float = 1.0) -> Hit:
    text = "".join(FILE.splitlines(keepends=True)[first - 1 : last])
    return Hit(root, path, first, last, "python", "function", f"f{first}", score, text)


def numbers(text: str) -> list[str]:
    """The line numbers that are shown, with their marks, and the separators."""
    return re.findall(r"^ *(\d+[:-]|--)(?= |$)", text, re.MULTILINE)


def written(tmp_path: Path) -> str:
    (tmp_path / "a.py").write_text(FILE)
    return str(tmp_path)


def test_files_come_in_the_order_of_their_best_hit() -> None:
    hits = [hit(1, 2), hit(1, 2, "b.py"), hit(5, 6), hit(1, 2, root="/other"), hit(9, 9, "b.py")]
    assert [group.places for group in by_file(hits)] == [(0, 2), (1, 4), (3,)]
    assert [found for group in by_file(hits) for found in group.hits] == [hits[n] for n in (0, 2, 1, 4, 3)]


def test_one_header_for_a_file_then_its_lines_in_order() -> None:
    hits = [hit(40, 41, score=0.9), hit(1, 1, "b.py", score=0.8), hit(7, 8, score=0.7)]
    got = as_text(hits, Path("/r"), lambda found: with_context(found, 0, 0))
    assert got == (
        "a.py:40-41  function f40  0.900\na.py:7-8  function f7  0.700\n"
        " 7: line 7\n 8: line 8\n--\n40: line 40\n41: line 41\n\n"
        "b.py:1-1  function f1  0.800\n1: line 1\n"
    )


def test_without_lines_every_hit_has_its_own_and_stays_in_order() -> None:
    hits = [hit(40, 41), hit(1, 1, "b.py"), hit(7, 8)]
    got = as_text(hits, Path("/r"), None)
    assert [line.split()[0] for line in got.splitlines()] == ["a.py:40-41", "b.py:1-1", "a.py:7-8"]


def test_explanations_go_below_their_hits() -> None:
    hits, why = [hit(9, 9), hit(1, 1, "b.py"), hit(3, 3)], [Explanation(n, None, n / 8) for n in (1, 2, 3)]
    for snippet in (None, lambda found: with_context(found, 0, 0)):
        lines = as_text(hits, Path("/r"), snippet, explanations=why).splitlines()
        shown = {a.split()[0]: b.strip() for a, b in pairwise(lines) if ".py" in a}
        assert {place: said.split(",")[0] for place, said in shown.items()} == {
            "a.py:9-9": "lexical 1", "b.py:1-1": "lexical 2", "a.py:3-3": "lexical 3",
        }  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    cuts=st.lists(st.integers(2, 60), unique=True, min_size=1, max_size=8).map(sorted),
    wanted=st.sets(st.integers(0, 8), min_size=1),
    before=st.integers(0, 70),
    after=st.integers(0, 70),
)
def test_context_shows_every_line_once(
    tmp_path: Path, cuts: list[int], wanted: set[int], before: int, after: int
) -> None:
    root, edges = written(tmp_path), [1, *cuts, 61]
    chunks = [(a, b - 1) for a, b in pairwise(edges)]
    hits = [hit(*chunk, root=root) for at, chunk in enumerate(chunks) if at in wanted] or [
        hit(*chunks[0], root=root)
    ]
    inside = {n for found in hits for n in range(found.start_line, found.end_line + 1)}
    around = {
        n
        for found in hits
        for n in range(max(1, found.start_line - before), min(60, found.end_line + after) + 1)
    }
    shown = numbers(as_text(hits, Path(root), lambda found: with_context(found, before, after)))
    lines = [mark for mark in shown if mark != "--"]
    assert lines == [f"{n}:" if n in inside else f"{n}-" for n in sorted(around)]
    gaps = sum(b > a + 1 for a, b in pairwise(sorted(around)))
    assert shown.count("--") == gaps


def test_two_chunks_of_one_line_are_both_shown() -> None:
    halves = [Hit("/r", "a.js", 1, 1, None, "code", "", 1.0, text) for text in ("var a;", "var b;")]
    (group,) = by_file(halves)
    sections = merged(group, lambda found: with_context(found, 0, 0))
    assert [[line.text for line in run] for run in sections.runs] == [["var a;", "var b;"]]


def test_what_is_left_out_of_all_hits_is_counted() -> None:
    got = as_text([hit(1, 20), hit(30, 50)], Path("/r"), lambda found: excerpt(found, "nothing"))
    assert got.endswith(" ... 17 more lines\n")


def test_one_line_that_is_left_out_is_one_line() -> None:
    got = as_text([hit(1, 13)], Path("/r"), lambda found: excerpt(found, "nothing"))
    assert got.endswith(" ... 1 more line\n")


TWO = (
    "import os\n\n\n"
    "def first(a):\n    # opens\n    return a\n\n\n"
    "def second(b):\n    # closes\n\n    b.flush()\n    b.close()\n    return b\n\n\n"
    "def third(c):\n    # opens the pool\n    return c\n"
)


def shown(query: str, pattern: str | None = None, text: str = TWO, lines: int = 12) -> list[str]:
    found = Hit("/r", "a.py", 1, text.count("\n"), "python", "code", "", 1.0, text)
    snippet = excerpt(found, query, parse_pattern(pattern), lines)
    assert snippet.omitted == len(text.splitlines()) - len(snippet.lines)
    return [line.text for line in snippet.lines]


def test_a_function_is_shown_not_halves_of_two() -> None:
    assert shown("flush closes") == TWO.splitlines()[8:14]
    assert shown("opens pool") == TWO.splitlines()[16:]


def test_a_short_part_comes_with_what_follows_it() -> None:
    assert shown("os") == TWO.splitlines()[:6]
    assert shown("first", lines=5) == TWO.splitlines()[3:6]


def test_prose_fills_the_room_with_the_paragraphs_around() -> None:
    text = "".join(f"Paragraph {n}.\n\n" for n in range(9)) + "The backoff doubles.\n\nAt most a minute.\n"
    found = Hit("/r", "a.md", 1, text.count("\n"), "markdown", "section", "", 1.0, text)
    assert [line.number for line in excerpt(found, "backoff", shown=6).lines] == [16, 17, 18, 19, 20, 21]
    code = replace(found, language="python")
    assert [line.number for line in excerpt(code, "backoff", shown=6).lines] == [19, 20, 21]


def test_where_no_part_tells_more_the_hit_is_shown_from_its_beginning() -> None:
    assert shown("zebra") == TWO.splitlines()[:12]


def test_a_part_that_is_too_long_is_cut_where_it_tells_most() -> None:
    assert shown("flush close", lines=3) == TWO.splitlines()[9:12]


@pytest.mark.parametrize(("pattern", "first"), [(r"return b", 8), ("def third", 16), ("import", 0)])
def test_the_line_that_matches_is_shown_before_words(pattern: str, first: int) -> None:
    assert shown("first opens", pattern)[0] == TWO.splitlines()[first]
