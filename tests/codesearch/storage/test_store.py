"""The store against dumb twins: a dictionary of files, and BM25 written out."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesearch.errors import BadQuery
from codesearch.records import SourceFile
from codesearch.storage.lexical.tokens import document, match_expression, query_terms
from codesearch.storage.rows import Counts, FileChange
from codesearch.storage.store import Store
from tests.support.closeness import WordHashEmbedder, assert_close
from tests.support.store_support import chunks_of, embed_pending, put_file


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "index", create=True) as opened:
        yield opened


def ids_of(store: Store, path: str) -> list[int]:
    return [stored.id for stored in store.chunks_of(path)]


def test_a_file_comes_back_as_it_was_put(store: Store) -> None:
    texts = ["def größe():\n", "\tpass\r\n", "# 日本 \0 \u2028 \N{GRINNING FACE}\n"]
    put_file(store, "a b/ä.py", texts)
    assert [stored.chunk for stored in store.chunks_of("a b/ä.py")] == chunks_of("a b/ä.py", texts)
    assert store.chunks(ids_of(store, "a b/ä.py")) == {s.id: s for s in store.chunks_of("a b/ä.py")}
    assert store.files()["a b/ä.py"].language == "python"


def test_unchanged_texts_keep_id_and_vector_and_move(store: Store) -> None:
    put_file(store, "a.py", ["one\n", "two\n", "two\n", "three\n"])
    embed_pending(store, WordHashEmbedder())
    first, second, third, _ = ids_of(store, "a.py")
    assert put_file(store, "a.py", ["new\n\n", "two\n", "one\n", "two\n"]) == FileChange(1, 3, 1)
    new, *kept = ids_of(store, "a.py")
    assert kept == [second, first, third]
    assert [s.chunk for s in store.chunks_of("a.py")] == chunks_of(
        "a.py", ["new\n\n", "two\n", "one\n", "two\n"]
    )
    assert store.pending() == [new]
    assert store.counts() == Counts(files=1, chunks=4, embedded=3, to_embed=4)


def test_a_text_under_another_name_is_found_by_it(store: Store) -> None:
    put_file(store, "a.py", ["body\n"])
    (chunk,) = chunks_of("a.py", ["body\n"])
    renamed = type(chunk)(
        **{name: getattr(chunk, name) for name in chunk.__slots__} | {"definitions": ("Other", "x.Thing")}
    )
    file = SourceFile("a.py", 5, 2, "python")
    assert store.replace_file(file, b"h", [renamed], [document(renamed)]).reused == 1
    assert store.define(["body"]) == []
    assert store.define(["ns::THING"]) == store.define(["other"]) == ids_of(store, "a.py")


def test_the_names_are_those_of_now(store: Store) -> None:
    put_file(store, "a.py", ["one\n", "two\n"])
    assert list(store.defined_names()) == ["one", "two"]
    assert store.defined_names() is store.defined_names()  # read once
    put_file(store, "b.py", ["three\n"])
    assert list(store.defined_names()) == ["one", "three", "two"]
    store.remove_files(["a.py"])
    assert list(store.defined_names()) == ["three"]


def test_ids_and_sequence_numbers_are_never_given_twice(store: Store) -> None:
    seen, seqs = set(), [0]
    for i in range(4):
        put_file(store, "a.py", [f"text {i}\n"])
        (ident,) = embed_pending(store, WordHashEmbedder())
        assert ident not in seen
        seen.add(ident)
        seqs.append(int(store.vectors(after_seq=seqs[-1]).seqs[0]))
        store.remove_files(["a.py"])
    assert seqs == [0, 1, 2, 3, 4]
    assert store.last_seq() == 4


def test_touching_changes_the_time_alone(store: Store) -> None:
    put_file(store, "a.py", ["one\n"])
    before = store.files()["a.py"]
    store.touch_file(SourceFile("a.py", 4, mtime_ns=99, language="python"))
    after = store.files()["a.py"]
    assert (after.stamp, after.content_hash, after.id) == (99, before.content_hash, before.id)


def test_vectors_are_what_was_put_up_to_float16(store: Store) -> None:
    put_file(store, "a.py", ["one\n", "two\n"])
    first, second = ids_of(store, "a.py")
    wanted = WordHashEmbedder().encode_document(["one", "two", "gone"])
    assert store.put_vectors([second, first, 999], wanted) == 2
    got = store.vectors()
    assert got.ids.tolist() == [second, first]
    assert_close(got.matrix, wanted[:2], atol=1e-3, what="stored vectors")
    assert store.vectors(ids=[first]).ids.tolist() == [first]
    assert store.vectors(after_seq=store.last_seq()).ids.tolist() == []


@pytest.mark.parametrize(
    "vectors",
    [np.full((1, 4), np.nan, np.float32), np.full((1, 4), 1e6, np.float32), np.ones((2, 4)), np.ones((1, 8))],
    ids=["nan", "beyond float16", "too many", "too wide"],
)
def test_a_vector_that_does_not_fit_is_refused_whole(store: Store, vectors: np.ndarray) -> None:
    put_file(store, "a.py", ["one\n", "two\n"])
    first, second = ids_of(store, "a.py")
    store.put_vectors([first], np.ones((1, 4), np.float32))
    with pytest.raises(ValueError, match="vector"):
        store.put_vectors([second], vectors)
    assert store.vector_ids().tolist() == [first]


def test_forgotten_vectors_are_pending_again(store: Store) -> None:
    put_file(store, "a.py", ["one\n", "two\n"])
    embedded = embed_pending(store, WordHashEmbedder())
    store.forget_vectors()
    assert store.pending() == embedded
    assert store.vector_dim() is None


def test_a_snapshot_is_remembered_until_it_ends_or_is_written_to(store: Store) -> None:
    put_file(store, "a.py", ["one\n"])
    with store.reading():
        before = store.generation()
        with Store.open(store.path.parent) as other:
            put_file(other, "b.py", ["two\n"])
        assert store.generation() == before
    assert store.generation() == before + 1
    with store.reading():
        assert not store.has_vectors()
        embed_pending(store, WordHashEmbedder())
        assert store.has_vectors()


def test_the_chunk_at_a_line(store: Store) -> None:
    put_file(store, "a.py", ["one\n1\n2\n", "two\n", "three\n3\n"])
    first, second, third = ids_of(store, "a.py")
    found = [store.chunk_at("a.py", line) for line in range(8)]
    assert found == [None, first, first, first, second, third, third, None]
    assert store.chunk_at("b.py", 1) is None
    put_file(store, "b.py", ["short", "on the same line\n\nand on\n"])
    assert store.chunk_at("b.py", 1) == ids_of(store, "b.py")[0]


def test_the_generation_grows_with_every_commit_that_changes_something(store: Store) -> None:
    before = store.generation()
    with store.transaction():
        put_file(store, "a.py", ["one\n"])
        put_file(store, "b.py", ["two\n"])
    assert store.generation() == before + 1
    store.remove_files(["missing.py"])
    store.set_meta("key", "value")
    store.set_meta("key", "value")
    assert store.generation() == before + 2
    assert store.meta("key") == "value"
    assert store.meta("missing", "default") == "default"


FILE_NAMES = st.sampled_from(["a.py", "b.py", "c/d.py"])
TEXTS = st.lists(st.sampled_from(["alpha one\n", "beta two\n", "gamma\n", "delta\n"]), max_size=5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), FILE_NAMES, TEXTS),
        st.tuples(st.just("remove"), FILE_NAMES),
        st.tuples(st.just("embed")),
    ),
    max_size=8,
)


@settings(max_examples=25)
@given(steps=STEPS)
def test_any_history_leaves_what_a_dictionary_would_hold(steps: list[tuple]) -> None:
    files: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder), create=True) as store:
        for step in steps:
            if step[0] == "put":
                old, files[step[1]] = Counter(files.get(step[1], [])), step[2]
                same = (old & Counter(step[2])).total()
                change = put_file(store, step[1], step[2])
                assert change == FileChange(len(step[2]) - same, same, old.total() - same)
            elif step[0] == "remove":
                assert store.remove_files([step[1]]) == len(files.pop(step[1], []))
            else:
                embed_pending(store, WordHashEmbedder())
        agrees_with(store, files)


def agrees_with(store: Store, files: dict[str, list[str]]) -> None:
    assert set(store.files()) == set(files)
    chunks = [chunk for path, texts in files.items() for chunk in chunks_of(path, texts)]
    assert store.counts().chunks == len(chunks)
    for path, texts in files.items():
        assert [stored.chunk for stored in store.chunks_of(path)] == chunks_of(path, texts)
    for word in ("alpha", "two", "delta"):
        assert len(store.lexical(word, 99)) == sum(word in chunk.text for chunk in chunks)
        assert len(store.define([word])) == sum(word in chunk.definitions for chunk in chunks)
    assert len(store.pending()) + store.counts().embedded == len(chunks)
    assert store.check() == []


CORPUS = {
    "net/retry.py": ["retry policy backoff retry", "backoff jitter seconds seconds seconds"],
    "net/http_client.py": ["client sends request retry", "request headers body"],
    "docs/readme.md": ["how retry works in the client and what a policy is", "headers"],
    "main.go": ["main request", "seconds since start"],
}


def dumb_bm25(store: Store, terms: list[str], weights: tuple[float, float, float]) -> list[tuple[int, float]]:
    """BM25 with k1 = 1.2, b = 0.75, weighted term counts and a floor under the idf, as FTS5 documents it."""
    rows = {}
    for path in CORPUS:
        for stored in store.chunks_of(path):
            fields = document(stored.chunk)
            rows[stored.id] = [fields.symbol.split(), fields.path.split(), fields.body.split()]
    lengths = {ident: sum(map(len, columns)) for ident, columns in rows.items()}
    average = sum(lengths.values()) / len(rows)
    scores: Counter[int] = Counter()
    for term in terms:
        holders = [ident for ident, columns in rows.items() if any(term in column for column in columns)]
        idf = max(math.log((len(rows) - len(holders) + 0.5) / (len(holders) + 0.5)), 1e-6)
        for ident in holders:
            count = sum(w * column.count(term) for w, column in zip(weights, rows[ident], strict=True))
            norm = 1.2 * (0.25 + 0.75 * lengths[ident] / average)
            scores[ident] += idf * count * 2.2 / (count + norm)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (5.0, 2.0, 1.0), (0.0, 0.0, 1.0)])
@pytest.mark.parametrize("terms", [["retry"], ["client", "request"], ["net", "seconds", "headers"], ["none"]])
def test_lexical_order_is_that_of_bm25_written_out(store: Store, terms, weights) -> None:
    for path, texts in CORPUS.items():
        put_file(store, path, texts)
    wanted = dumb_bm25(store, terms, weights)
    got = store.lexical(" OR ".join(terms), 20, weights)
    assert [hit.id for hit in got] == [ident for ident, _ in wanted]
    assert_close([h.score for h in got], [float(s) for _, s in wanted], atol=1e-9, what="BM25")
    assert store.lexical(" OR ".join(terms), 2, weights) == got[:2]


def test_a_filter_takes_hits_away_and_changes_nothing_else(store: Store) -> None:
    for path, texts in CORPUS.items():
        put_file(store, path, texts)
    asked = match_expression(query_terms("retry request seconds"))
    everything = store.lexical(asked, 20)
    allowed = np.array(ids_of(store, "main.go") + ids_of(store, "net/retry.py"), np.int64)
    wanted = [hit for hit in everything if hit.id in allowed.tolist()]
    assert store.lexical(asked, 20, allowed=np.sort(allowed)) == wanted
    assert len(wanted) == 4 < len(everything)
    assert store.lexical("retry", 20, allowed=np.zeros(0, np.int64)) == []
    assert store.lexical("", 20) == store.lexical("retry", 0) == []


def test_an_expression_that_is_none_is_a_bad_query(store: Store) -> None:
    with pytest.raises(BadQuery, match="full-text query"):
        store.lexical('"unclosed', 5)


def test_other_tokens_are_filled_in(store: Store) -> None:
    put_file(store, "a.py", ["one\n"])
    store.refill_lexical(lambda chunk: type(document(chunk))("", "", chunk.text + "renewed two_words"))
    assert [hit.id for hit in store.lexical("renewed", 5)] == ids_of(store, "a.py")
    assert [len(store.lexical(token, 5)) for token in ("two_words", "two", "one")] == [1, 0, 1]
    store.remove_files(["a.py"])
    assert store.lexical("renewed", 5) == []
    assert store.check() == []
