"""The contract of a store, held by the index itself and by every engine that holds the same chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from codesearch.distributed.engines.protocol import Engine
from codesearch.records import Chunk, ChunkRef, Filter
from codesearch.searching.request import SearchRequest, SimilarRequest
from codesearch.searching.search import Searcher
from codesearch.searching.stores.protocol import Match, Scope, SearchStore
from codesearch.storage.lexical.tokens import query_terms
from tests.support.closeness import WordHashEmbedder
from tests.support.engines import QUESTIONS, embedded_store, engine_store, fill, indexed
from tests.support.postgres import postgres_engine
from tests.support.qdrant import qdrant_edge_engine, qdrant_engine

ENGINES: dict[str, Callable[[], Iterator[Engine]]] = {
    "qdrant": qdrant_engine,
    "qdrant-edge": qdrant_edge_engine,
    "postgres": postgres_engine,
}
COLUMNS = (3.0, 2.0, 1.0)
EMBEDDER = WordHashEmbedder()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODESEARCH_HOME", str(tmp_path_factory.mktemp("indexes")))
        yield indexed(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def reference(tree: Path) -> Iterator[SearchStore]:
    with embedded_store(tree) as store:
        yield store


@pytest.fixture(scope="module", params=["embedded", *ENGINES])
def store(request: pytest.FixtureRequest, tree: Path, reference: SearchStore) -> Iterator[SearchStore]:
    if request.param == "embedded":
        yield reference
        return
    engines = ENGINES[request.param]()
    engine = next(engines)
    fill(engine, tree)
    yield engine_store(engine, tree)
    engines.close()


def places(store: SearchStore, found: list[Match] | list[ChunkRef]) -> list[tuple[str, int]]:
    refs = [one.ref if isinstance(one, Match) else one for one in found]
    chunks = store.chunks(refs)
    return [(chunks[ref].path, chunks[ref].start_line) for ref in refs]


def same_chunks(store: SearchStore, reference: SearchStore, path: str) -> bool:
    def described(chunks: dict[ChunkRef, Chunk]) -> list[Chunk]:
        return list(chunks.values())

    [mine], [theirs] = store.roots, reference.roots
    return described(store.chunks_of(mine, path)) == described(reference.chunks_of(theirs, path))


@pytest.mark.parametrize("question", QUESTIONS)
def test_words_find_the_same_chunks_in_the_same_order(
    store: SearchStore, reference: SearchStore, question: str
) -> None:
    with store.snapshot():
        found = store.lexical(query_terms(question), 10, COLUMNS)
        assert places(store, found) == places(
            reference, reference.lexical(query_terms(question), 10, COLUMNS)
        )
        assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)


def test_a_repeated_term_counts_as_often(store: SearchStore, reference: SearchStore) -> None:
    """A long question says so how much each of its terms tells. Qdrant's idf orders the tail otherwise."""
    firsts = []
    for terms in (("send", "retry", "retry", "retry"), ("send", "send", "send", "retry")):
        with store.snapshot():
            firsts.append(places(store, store.lexical(terms, 10, COLUMNS))[0])
            assert firsts[-1] == places(reference, reference.lexical(terms, 10, COLUMNS))[0]
    assert firsts[0] != firsts[1]


@pytest.mark.parametrize("question", QUESTIONS)
def test_vectors_find_the_same_chunks_with_their_cosines(
    store: SearchStore, reference: SearchStore, question: str
) -> None:
    [vector] = EMBEDDER.encode_query([question])
    with store.snapshot():
        found, expected = store.nearest(vector, 4), reference.nearest(vector, 4)
        np.testing.assert_allclose([m.score for m in found], [m.score for m in expected], atol=2e-3)
        assert set(places(store, found)) <= set(places(reference, reference.nearest(vector, 6)))


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(languages=("python",)),
        Filter(globs=("*.md", "lib/**")),
        Filter(globs=("!src",)),
        Filter(under=("src",)),
    ],
)
def test_filters_let_the_same_chunks_through(
    store: SearchStore, reference: SearchStore, wanted: Filter
) -> None:
    scope, [vector] = Scope(wanted), EMBEDDER.encode_query(["request"])
    terms = query_terms("retry request index user connection")
    with store.snapshot():
        assert places(store, store.lexical(terms, 20, COLUMNS, scope)) == places(
            reference, reference.lexical(terms, 20, COLUMNS, scope)
        )
        assert sorted(places(store, store.nearest(vector, 20, scope))) == sorted(
            places(reference, reference.nearest(vector, 20, scope))
        )


def test_a_filter_that_lets_nothing_through(store: SearchStore) -> None:
    scope = Scope(Filter(globs=("*.nothing",)))
    with store.snapshot():
        assert store.lexical(("retry",), 5, COLUMNS, scope) == []
        assert store.nearest(EMBEDDER.encode_query(["x"])[0], 5, scope) == []


@pytest.mark.parametrize("name", ["should_retry", "Client", "getuserbyid", "pool.Get", "nothing"])
def test_definitions(store: SearchStore, reference: SearchStore, name: str) -> None:
    with store.snapshot():
        assert places(store, store.definitions([name])) == places(reference, reference.definitions([name]))
        assert len(store.definitions([name], limit=1)) <= 1


def test_names_that_are_defined(store: SearchStore, reference: SearchStore) -> None:
    assert sorted(store.defined_names()) == sorted(reference.defined_names())


def test_chunks_come_back_whole(store: SearchStore, reference: SearchStore) -> None:
    assert all(
        same_chunks(store, reference, path) for path in ("src/client.py", "docs/notes.md", "lib/pool.go")
    )
    assert store.chunks_of(store.roots[0], "gone.py") == {}
    assert store.chunks([ChunkRef(store.roots[0], 1 << 50)]) == {}


def test_a_line_has_a_chunk(store: SearchStore) -> None:
    [root] = store.roots
    ref = store.chunk_at(root, "src/retry.py", 2)
    assert ref is not None
    chunk = store.chunks([ref])[ref]
    assert chunk.start_line <= 2 <= chunk.end_line
    assert store.chunk_at(root, "src/retry.py", 999) is None


def test_the_vector_of_a_chunk(store: SearchStore) -> None:
    ref = store.chunk_at(store.roots[0], "src/client.py", 1)
    assert ref is not None
    text = store.chunks([ref])[ref].embedded_text
    np.testing.assert_allclose(store.vector(ref), EMBEDDER.encode_document([text])[0], atol=1e-3)
    assert store.has_vectors()


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "lexical"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_search_answers_the_same(
    store: SearchStore, reference: SearchStore, question: str, mode: str
) -> None:
    request = SearchRequest.make(question, mode=mode, limit=3)  # type: ignore[arg-type]
    mine, theirs = (Searcher(one, lambda: EMBEDDER).search(request) for one in (store, reference))
    assert [hit.path for hit in mine] == [hit.path for hit in theirs]
    assert mine[0].text == theirs[0].text


def test_patterns_and_similar_code(store: SearchStore, reference: SearchStore) -> None:
    for request in (
        SearchRequest.make("", pattern=r"def \w+"),
        SearchRequest.make("retry", pattern=r"return"),
        SimilarRequest(path="src/retry.py", line=1, limit=3),
        SimilarRequest(symbol="getUserById", limit=2),
        SimilarRequest(code="def send(request): pass", limit=2),
    ):
        mine, theirs = (Searcher(one, lambda: EMBEDDER).answer(request).hits for one in (store, reference))
        assert [(hit.path, hit.start_line) for hit in mine] == [(hit.path, hit.start_line) for hit in theirs]
