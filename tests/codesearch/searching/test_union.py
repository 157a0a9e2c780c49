"""Several stores that answer as one: BM25 against FTS5 itself, ids and paths, the same chunk in two roots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codesearch.errors import CodesearchError
from codesearch.records import Filter
from codesearch.searching.several.union import Part, PartFailed, UnionStore
from codesearch.searching.several.union_names import label, part_of, unlabelled
from codesearch.searching.signals.path_roles import roles_of
from codesearch.storage.store import Store
from codesearch.tokens import match_expression, query_terms, terms_of, tokenize
from codesearch.vectors.vector_index import VectorIndex
from tests.support.closeness import WordHashEmbedder
from tests.support.store_support import embed_pending, put_file

COLUMNS = (3.0, 2.0, 1.0)
WORDS = st.sampled_from(["retry", "socket", "the", "parse_config", "branch", "merge", "数据"])
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=30).map(" ".join), min_size=1, max_size=12)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    """Three empty ones."""
    with ExitStack() as stack:
        yield [stack.enter_context(Store.open(tmp_path / name, create=True)) for name in "abc"]


def union(*stores: Store, filters: tuple[Filter, ...] = ()) -> UnionStore:
    filters = filters or (Filter(),) * len(stores)
    return UnionStore(
        [
            Part(str(at), store, lambda store=store: VectorIndex(store, store.path.parent), wanted)
            for at, (store, wanted) in enumerate(zip(stores, filters, strict=True))
        ]
    )


def fill(store: Store, texts: list[str], start: int = 0) -> None:
    """One file a text; rewritten, what was there is gone."""
    store.remove_files(list(store.files()))
    for number, text in enumerate(texts, start):
        put_file(store, f"src/file{number:02}.py", [f"{text}\n"])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=TEXTS, second=TEXTS, query=st.lists(WORDS, min_size=1, max_size=4).map(" ".join))
def test_words_score_as_in_one_index_over_both(
    stores: list[Store], first: list[str], second: list[str], query: str
) -> None:
    a, b, both = stores
    fill(a, first)
    fill(b, second, start=len(first))
    fill(both, first + second)
    want = both.lexical(match_expression(query), 100, COLUMNS)
    parts = union(a, b)
    got = parts.lexical(match_expression(query), 100, COLUMNS)
    assert [scored.score for scored in got] == pytest.approx([scored.score for scored in want], rel=1e-9)
    paths = both.chunks([scored.id for scored in want])
    labelled = parts.chunks([scored.id for scored in got])
    by_path = {unlabelled(labelled[s.id].chunk.path): s.score for s in got}
    assert by_path == pytest.approx({paths[s.id].chunk.path: s.score for s in want})


@given(st.text(max_size=40))
def test_the_terms_of_an_expression_are_those_of_the_query(query: str) -> None:
    assert terms_of(match_expression(query)) == query_terms(query)


def test_vectors_are_compared_over_all_roots(stores: list[Store]) -> None:
    a, b, both = stores
    first, second = ["parse the config", "close a socket"], ["parse config", "retry a socket"]
    fill(a, first)
    fill(b, second, start=2)
    fill(both, first + second)
    for store in stores:
        embed_pending(store, WordHashEmbedder())
    query = WordHashEmbedder().encode_query(["parse config of a socket"])[0]
    want = VectorIndex(both, both.path.parent).nearest(query, 3)
    got = union(a, b).nearest(query, 3)
    assert [s.score for s in got] == pytest.approx([s.score for s in want])
    assert [s.id >> 40 for s in got] == [(s.id - 1) // 2 for s in want]


def test_a_chunk_at_the_same_place_is_one_candidate_of_the_first_root(stores: list[Store]) -> None:
    a, b, c = stores
    fill(a, ["retry the socket", "close it"])
    fill(b, ["retry the socket", "retry something else"])
    fill(c, ["retry the socket"], start=7)  # elsewhere: no twin
    for store in (b, c):
        embed_pending(store, WordHashEmbedder())
    parts = union(a, b, c)
    found = parts.chunks([s.id for s in parts.lexical(match_expression("retry socket"), 10, COLUMNS)])
    assert sorted(found) == [1, (1 << 40) + 2, (2 << 40) + 1]
    near = parts.nearest(WordHashEmbedder().encode_query(["retry socket"])[0], 10)
    assert 1 in [s.id for s in near]  # though only the second root has its vector
    assert [unlabelled(twin.path) for twin in parts.twins(1)] == ["src/file00.py"]
    assert parts.twins((2 << 40) + 1) == []


def test_a_twin_that_is_not_searched_is_none(stores: list[Store]) -> None:
    a, b, _ = stores
    fill(a, ["retry the socket"])
    fill(b, ["retry the socket"])
    parts = union(a, b, filters=(Filter(under=("docs",)), Filter()))
    expression = match_expression("retry")
    found = parts.lexical(expression, 10, COLUMNS, parts.ids_matching(Filter()))
    assert [s.id for s in found] == [(1 << 40) + 1]
    assert (1 << 40) + 1 in parts.define(["retry"])
    assert parts.twins((1 << 40) + 1) == []


def test_an_error_names_the_root_that_it_is_from(stores: list[Store]) -> None:
    a, b, _ = stores
    fill(a, ["retry the socket"])
    b.close()
    with pytest.raises(PartFailed) as caught:
        union(a, b).lexical(match_expression("retry"), 10, COLUMNS)
    assert caught.value.position == 1
    assert isinstance(caught.value.__cause__, CodesearchError)


def test_no_label_is_a_word_or_a_role() -> None:
    for path in (f"{label(at)}src/x.py" for at in range(100)):
        assert tokenize(path) == tokenize("src/x.py")
        assert roles_of(path) == roles_of("src/x.py")
    assert [part_of(label(at)) for at in (0, 7)] == [0, 7]


def test_models_do_not_see_the_label(stores: list[Store]) -> None:
    a, b, _ = stores
    fill(b, ["retry the socket"])
    [of_b] = union(a, b).chunks([(1 << 40) + 1]).values()
    assert of_b.chunk.path != "src/file00.py"
    assert of_b.chunk.embedded_text == b.chunks([1])[1].chunk.embedded_text
