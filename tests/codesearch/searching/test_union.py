"""Several stores that answer as one: BM25 against FTS5 itself, references, the same chunk in two roots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesearch.errors import CodesearchError
from codesearch.records import ChunkRef
from codesearch.searching.stores.protocol import Match, SearchStore
from codesearch.searching.stores.union import Part, PartError, UnionStore
from codesearch.storage.lexical.tokens import query_terms
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder
from tests.support.searching import single
from tests.support.store_support import embed_pending, put_file

COLUMNS = (3.0, 2.0, 1.0)
WORDS = st.sampled_from(["retry", "socket", "the", "parse_config", "branch", "merge", "数据"])
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=30).map(" ".join), min_size=1, max_size=12)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    """Three empty ones."""
    with ExitStack() as stack:
        yield [stack.enter_context(Store.open(tmp_path / name, create=True)) for name in "abc"]


def union(*stores: Store, under: tuple[tuple[str, ...], ...] = ()) -> UnionStore:
    under = under or ((),) * len(stores)
    return UnionStore(
        [
            Part(single(store, f"/{store.path.parent.name}"), only)
            for store, only in zip(stores, under, strict=True)
        ]
    )


def fill(store: Store, texts: list[str], start: int = 0) -> None:
    """One file a text; rewritten, what was there is gone."""
    store.remove_files(list(store.files()))
    for number, text in enumerate(texts, start):
        put_file(store, f"src/file{number:02}.py", [f"{text}\n"])


def lexical(store: SearchStore, query: str, limit: int = 100) -> list[Match]:
    return store.lexical(query_terms(query), limit, COLUMNS)


def paths(store: SearchStore, found: list[Match]) -> list[str]:
    chunks = store.chunks([match.ref for match in found])
    return [chunks[match.ref].path for match in found]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=TEXTS,
    second=TEXTS,
    query=st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    limit=st.integers(1, 30),
)
def test_words_score_as_in_one_index_over_both(
    stores: list[Store], first: list[str], second: list[str], query: str, limit: int
) -> None:
    a, b, both = stores
    fill(a, first)
    fill(b, second, start=len(first))
    fill(both, first + second)
    one, several = single(both), union(a, b)
    want, got = lexical(one, query, limit), lexical(several, query, limit)
    assert [match.score for match in got] == pytest.approx([match.score for match in want], rel=1e-9)
    assert paths(several, got) == paths(one, want)


def test_vectors_are_compared_over_all_roots(stores: list[Store]) -> None:
    a, b, both = stores
    first, second = ["parse the config", "close a socket"], ["parse config", "retry a socket"]
    fill(a, first)
    fill(b, second, start=2)
    fill(both, first + second)
    for store in stores:
        embed_pending(store, WordHashEmbedder())
    query = WordHashEmbedder().encode_query(["parse config of a socket"])[0]
    one, several = single(both), union(a, b)
    want, got = one.nearest(query, 3), several.nearest(query, 3)
    assert [match.score for match in got] == pytest.approx([match.score for match in want])
    assert paths(several, got) == paths(one, want)
    assert [match.ref.root for match in got] == [
        "/a" if path in ("src/file00.py", "src/file01.py") else "/b" for path in paths(one, want)
    ]


def test_a_chunk_at_the_same_place_is_one_candidate_of_the_first_root(stores: list[Store]) -> None:
    a, b, c = stores
    fill(a, ["retry the socket", "close it"])
    fill(b, ["retry the socket", "retry something else"])
    fill(c, ["retry the socket"], start=7)  # elsewhere: not the same chunk
    for store in (b, c):
        embed_pending(store, WordHashEmbedder())
    several = union(a, b, c)
    found = {match.ref for match in lexical(several, "retry socket", 10)}
    assert found == {ChunkRef("/a", 1), ChunkRef("/b", 2), ChunkRef("/c", 1)}
    near = several.nearest(WordHashEmbedder().encode_query(["retry socket"])[0], 10)
    assert ChunkRef("/a", 1) in [match.ref for match in near]  # though only the second root has its vector
    [(copy, chunk)] = several.copies([ChunkRef("/a", 1)])[ChunkRef("/a", 1)].items()
    assert (copy, chunk.path) == (ChunkRef("/b", 1), "src/file00.py")
    assert several.copies([ChunkRef("/c", 1)]) == {}


def test_a_chunk_that_is_not_searched_stands_for_none(stores: list[Store]) -> None:
    a, b, _ = stores
    fill(a, ["retry the socket"])
    fill(b, ["retry the socket"])
    several = union(a, b, under=(("docs",), ()))
    assert [match.ref for match in lexical(several, "retry", 10)] == [ChunkRef("/b", 1)]
    assert several.definitions(["retry"]) == [ChunkRef("/b", 1)]
    assert several.copies([ChunkRef("/b", 1)]) == {}


def test_an_error_names_the_root_that_it_is_from(stores: list[Store]) -> None:
    a, b, _ = stores
    fill(a, ["retry the socket"])
    b.close()
    with pytest.raises(PartError) as caught:
        lexical(union(a, b), "retry", 10)
    assert caught.value.root == "/b"
    assert isinstance(caught.value.__cause__, CodesearchError)
