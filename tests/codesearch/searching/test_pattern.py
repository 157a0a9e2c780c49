"""Regular expressions beside a question: what may answer, in which order, and that none hangs a search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesearch.errors import BadQuery
from codesearch.records import Filter
from codesearch.searching.question import pattern as pattern_module
from codesearch.searching.question.pattern import parse_pattern
from codesearch.searching.request import MODES
from codesearch.storage import reading as store_read
from codesearch.storage.rows import ChunkText
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder
from tests.support.searching import Ask
from tests.support.store_support import embed_pending, put_file

FILES = {
    "b/send.py": ["def send(request):\n    retry(request)\n", "def close():\r\n    Retry()\r\n"],
    "a/retry.py": ["class Retry:\n    times = 3\n", "def retry(call):\n    return call()\n"],
    "B.py": ["retry = None\n"],
}
NESTED = r"(a|aa)+$"  # exponential in the number of letters


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    with Store.open(tmp_path / "index", create=True) as store:
        for path, texts in FILES.items():
            put_file(store, path, texts)
        embed_pending(store, WordHashEmbedder())
        yield Ask(store, WordHashEmbedder)


def texts(ask: Ask, query: str, *patterns: str, **options: object) -> list[str]:
    return [hit.text for hit in ask.search(query, pattern=patterns, **options)]


def chunk(text: str) -> tuple[str, ChunkText]:
    return "key", ChunkText(1, "a.py", 0, 7, text)


@pytest.mark.parametrize("mode", MODES)
def test_only_what_matches_answers_and_the_query_ranks_it(ask: Ask, mode: str) -> None:
    got = texts(ask, "send the request", r"def \w+", mode=mode)
    assert got[0] == FILES["b/send.py"][0]
    assert {FILES["a/retry.py"][0], FILES["B.py"][0]}.isdisjoint(got)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.sampled_from(["retry", "Retry", r"^def", r"\d", "[(]request", ":$", "x"]), st.integers(1, 3))
def test_hits_are_those_of_an_unlimited_search_that_match(ask: Ask, expression: str, page: int) -> None:
    everything = {text for texts in FILES.values() for text in texts}
    matching = {t for t in everything if re.search(expression, t.replace("\r", ""), re.MULTILINE)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_read, "_PAGE", page)
        assert set(texts(ask, "retry", expression, mode="semantic")) == matching
        assert set(texts(ask, "", expression, filter=Filter(globs=("*",)))) == matching


def test_without_a_query_matches_come_by_path_and_need_no_model(ask: Ask) -> None:
    found = ask.search(" ", 3, pattern=("(?i)retry",))
    places = [(hit.path, hit.start_line, hit.score) for hit in found]
    assert places == [("B.py", 1, 0.0), ("a/retry.py", 1, 0.0), ("a/retry.py", 3, 0.0)]
    assert texts(ask, "", "(?i)retry", filter=Filter(under=("B.py",))) == FILES["B.py"]


def test_all_expressions_have_to_match(ask: Ask) -> None:
    assert texts(ask, "", "retry", "request") == FILES["b/send.py"][:1]
    assert texts(ask, "", "retry", "nowhere") == []


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("Retry", False),  # letters match their own case
        ("(?i)RETRY", True),
        (r"^\s*retry\(x\)$", True),  # the ends of a line, also of one that ends in CR LF
        (r"def f\(\):\s+retry", True),  # over several lines
        ("def.*retry", False),  # where it is asked for
        (r"\p{Ll}+\([[:alpha:]]\)", True),  # the classes of ripgrep
    ],
)
def test_what_an_expression_means(expression: str, matches: bool) -> None:
    one = parse_pattern(expression)
    assert one is not None
    assert bool(list(one.matching([chunk("def f():\r\n    retry(x)\r\n")]))) is matches


@pytest.mark.parametrize(
    ("expression", "said"),
    [("a(b", r"'a\(b' cannot be read at position 3: missing \)"), ("[a", "position 2"), ("", "''"), (3, "3")],
)
def test_what_is_no_expression(expression: object, said: str) -> None:
    with pytest.raises(BadQuery, match=said):
        parse_pattern([expression])  # type: ignore[list-item]


def test_an_expression_that_backtracks_for_ever_is_refused_with_its_place() -> None:
    nested = parse_pattern(NESTED)
    assert nested is not None
    with pytest.raises(BadQuery, match=r"took more than 0.05 s \(at a.py:7\)"):
        list(nested.matching([chunk("a" * 80 + "b")], seconds=0.05))


def test_all_chunks_of_a_search_share_one_budget(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 8))
    monkeypatch.setattr(pattern_module.time, "monotonic", lambda: next(clock))
    with pytest.raises(BadQuery, match="took more than 20 s"):
        texts(ask, "retry", "t")


def test_no_expression_is_no_pattern() -> None:
    assert parse_pattern(None) is parse_pattern([]) is None


def test_the_lines_where_matches_begin() -> None:
    both = parse_pattern([r"\s+b", "c"])
    assert both is not None
    assert both.first_lines("a\r\nb\r\nc c\r\nc") == [1, 2]


@pytest.mark.parametrize(
    "source",
    [
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}.*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"[{](\w{65536}){1}",
        r"\{99999999}",
        r"[a{99999999}]",
        "x{,99999999}",
        "(a{300}){300}",
    ],
)
def test_ordinary_counts_are_compiled(source: str) -> None:
    assert parse_pattern(source)


@pytest.mark.parametrize(
    "source", ["a{100001}", "(a{400}){400}", r"(\)[x](]{9}){99999999}", "(?:ab|c){60000,}"]
)
def test_counts_that_would_not_end_are_refused(source: str) -> None:
    with pytest.raises(BadQuery, match="repeats so often"):
        parse_pattern(source)
