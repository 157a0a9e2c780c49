"""The searcher over a real store and real vectors: modes, filters, definitions, unfinished indexes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codesearch.errors import BadQuery
from codesearch.records import Embedder, Filter, Hit
from codesearch.searching.ranking.weights import WEIGHTS
from codesearch.searching.request import MODES, SearchRequest
from codesearch.searching.search import Searcher
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder
from tests.support.searching import Ask, single
from tests.support.store_support import embed_pending, put_file

FILES = {
    "src/retry.py": ["decide whether a request is retried\n", "backoff between attempts\n"],
    "src/client.py": ["Client sends a request\n", "close the connection pool\n"],
    "tests/test_client.py": ["test_send request is retried and sent\n"],
    "docs/guide.md": ["retries request guide\n"],
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "index", create=True) as opened:
        for path, texts in FILES.items():
            put_file(opened, path, texts, "markdown" if path.endswith("md") else "python")
        yield opened


def searcher(store: Store) -> Ask:
    return Ask(store, WordHashEmbedder)


def without_model(store: Store) -> Ask:
    def never() -> Embedder:
        raise AssertionError("a lexical search asked for the model")

    return Ask(store, never)


def paths(hits: list[Hit]) -> list[str]:
    return [hit.path for hit in hits]


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_finds_the_answer(store: Store, mode: str) -> None:
    embed_pending(store, WordHashEmbedder())
    hits = searcher(store).search("decide whether request retried", 3, mode)
    assert hits[0].path == "src/retry.py"
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_words_alone_need_no_model(store: Store) -> None:
    assert without_model(store).search("backoff", mode="lexical")[0].path == "src/retry.py"


@pytest.mark.parametrize(
    ("query", "mode", "likened"),
    [
        ("how is a request retried", "hybrid", True),
        ("how is a request retried", "lexical", False),
        ("how is a request retried", "semantic", False),
        ("retry_request", "hybrid", False),  # a name is looked up, not understood
        (" ".join(f"word{at}" for at in range(80)), "hybrid", False),
    ],
)
def test_words_are_compared_where_vectors_answer_a_question(
    store: Store, query: str, mode: str, likened: bool
) -> None:
    embed_pending(store, WordHashEmbedder())
    asked: list[str] = []

    def words(text: str, texts: Sequence[str], /) -> NDArray[np.float64]:
        asked.append(text)
        return np.zeros(len(texts))

    found = Searcher(single(store), WordHashEmbedder, words=words)
    found.search(SearchRequest(query, 3, mode))
    assert asked == [query] * likened


def test_by_meaning_alone_a_second_place_of_a_file_is_worth_more(store: Store) -> None:
    embed_pending(store, WordHashEmbedder())
    request = SearchRequest("request connection pool client sends close", 9, "semantic")
    worth = [
        Searcher(single(store), WordHashEmbedder, replace(WEIGHTS, further_semantic=further)).search(request)
        for further in (0.4, 0.8)
    ]
    (first, second), (same, doubled) = (
        [hit.score for hit in hits if hit.path == "src/client.py"] for hits in worth
    )
    assert (same, doubled) == pytest.approx((first, 2 * second), abs=1e-5)


def test_an_index_without_vectors_answers_by_words(store: Store) -> None:
    assert without_model(store).search("backoff attempts")[0].path == "src/retry.py"
    assert without_model(store).search("backoff", mode="semantic") == []


def test_an_index_with_some_vectors_answers_with_both(store: Store) -> None:
    first = next(iter(store.chunks(store.pending()[:1]).values()))
    embedder = WordHashEmbedder()
    store.set_meta("fingerprint", embedder.fingerprint)
    store.put_vectors([first.id], embedder.encode_document([first.chunk.embedded_text]))
    hits = searcher(store).search("backoff pool")
    assert {"src/retry.py", "src/client.py"} <= set(paths(hits))


def test_a_named_definition_is_first_even_if_no_list_held_it(store: Store) -> None:
    put_file(store, "zz.py", ["Engine " + "padding " * 300])
    for i in range(120):
        put_file(store, f"use{i:03}.py", [f"calls{i} Engine\n"])
    assert without_model(store).search("Engine", 1, "lexical")[0].path == "zz.py"


@pytest.mark.parametrize("typed", ["getuserbyid", "getUsrById", "get_user_by_dI", "User.getUserByIds"])
def test_a_name_that_is_nearly_right_finds_the_definition(store: Store, typed: str) -> None:
    put_file(store, "users.py", ["get_user_by_id asks the table\n"])
    put_file(store, "uses.py", ["getitem by id, and user by id\n"] * 5)
    assert without_model(store).search(typed, 1, "lexical")[0].path == "users.py"


def test_a_name_that_is_used_is_no_typo_of_another(store: Store) -> None:
    put_file(store, "mine.py", ["requestz of mine\n"])
    put_file(store, "use.py", ["import requests\n"])
    assert without_model(store).search("requests", 1, "lexical")[0].path != "mine.py"


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        (Filter(languages=("markdown",)), {"docs/guide.md"}),
        (Filter(globs=("src/**",)), {"src/retry.py", "src/client.py"}),
        (Filter(globs=("!tests/**", "!*.md", "!other/**")), {"src/retry.py", "src/client.py"}),
        (Filter(under=("tests",)), {"tests/test_client.py"}),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_filters_come_before_the_ranking(store: Store, mode: str, wanted: Filter, allowed: set[str]) -> None:
    embed_pending(store, WordHashEmbedder())
    for i in range(150):  # more better answers than any arm returns
        put_file(store, f"other/{i}.txt", ["request request\n"], "text")
    assert set(paths(searcher(store).search("request", 20, mode, filter=wanted))) == allowed


def test_a_definition_outside_the_filter_stays_outside(store: Store) -> None:
    hits = without_model(store).search("Client", 5, "lexical", filter=Filter(under=("tests",)))
    assert "src/client.py" not in paths(hits)


def test_similar_leaves_the_chunk_itself_out(store: Store) -> None:
    put_file(store, "src/copy.py", ["decide whether a request is retried\n"])
    embed_pending(store, WordHashEmbedder())
    hits = searcher(store).similar("src/retry.py", 1, 2)
    assert hits[0].path == "src/copy.py"
    assert ("src/retry.py", 1) not in [(hit.path, hit.start_line) for hit in hits]


def test_similar_works_before_the_chunk_is_embedded(store: Store) -> None:
    embed_pending(store, WordHashEmbedder())
    put_file(store, "src/new.py", ["close connection pool again\n"])
    assert searcher(store).similar("src/new.py", 1, 1)[0].path == "src/client.py"


def test_what_cannot_be_asked(store: Store) -> None:
    ask = without_model(store)
    for query, limit, mode in (("  ", 1, "lexical"), ("x", 0, "lexical"), ("x", 1, "fuzzy")):
        with pytest.raises(BadQuery, match=r"empty|limit|mode"):
            ask.search(query, limit, mode)
    with pytest.raises(BadQuery, match=r"nothing is indexed at src/retry.py:99"):
        ask.similar("src/retry.py", 99)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.text(min_size=1).filter(str.strip))
def test_any_text_is_a_query(store: Store, query: str) -> None:
    hits = searcher(store).search(query, 3)
    assert hits == searcher(store).search(query, 3)
