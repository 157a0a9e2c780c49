"""Nearest chunks: always what brute force over the store says, whoever changed it and however it is found."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesearch.storage.rows import ScoredRow
from codesearch.storage.store import Store
from codesearch.vectors import vector_index as vectors
from codesearch.vectors.graph_file import GRAPH, read_stamp
from codesearch.vectors.table_file import TABLE
from codesearch.vectors.vector_index import VectorIndex
from tests.support.closeness import WordHashEmbedder, assert_close
from tests.support.paths import ROOT
from tests.support.store_support import embed_pending, put_file

ALWAYS, NEVER = 1, 10**12
DIM = WordHashEmbedder.dim


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path, create=True) as opened:
        yield opened


def fill(store: Store, path: str, count: int) -> None:
    put_file(store, path, [f"def {path[0]}{i}(value{i % 7}): word{i}\n" for i in range(count)])
    embed_pending(store, WordHashEmbedder())


def index_of(
    store: Store, graph_from: int = ALWAYS, mapped_from: int = NEVER, coded_from: int = NEVER
) -> VectorIndex:
    return VectorIndex(
        store, store.path.parent, graph_from=graph_from, mapped_from=mapped_from, coded_from=coded_from
    )


def question(text: str) -> np.ndarray:
    return WordHashEmbedder().encode_query([text])[0]


def brute_force(store: Store, query: np.ndarray, limit: int, allowed: np.ndarray | None = None) -> list[int]:
    stored = store.vectors(ids=allowed)
    scores = stored.matrix @ query if len(stored) else np.zeros(0)
    order = sorted(zip(-scores, stored.ids.tolist(), strict=True))
    return [ident for _, ident in order[:limit]]


def assert_right(index: VectorIndex, store: Store, limit: int = 5) -> None:
    """Every hit has its own score and is among the best, but for one in a question that a graph misses."""
    stored = store.vectors()
    rows = dict(zip(stored.ids.tolist(), stored.matrix, strict=True))
    missed = 0 if index.catch_up().graph is None else 1
    for text in ("def a3 value3 word3", "word17", "something else"):
        query = question(text)
        hits, best = index.nearest(query, limit), brute_force(store, query, limit)
        own = np.array([float(rows[hit.id] @ query) for hit in hits])
        assert_close(np.array([hit.score for hit in hits]), own, atol=1e-5, what=f"scores for {text!r}")
        assert len({hit.id for hit in hits}) == len(best)
        assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.id))
        if best:
            assert (own >= float(rows[best[-1]] @ query) - 1e-5).sum() >= len(best) - missed


def test_the_exact_answer_is_brute_force(store: Store) -> None:
    index = index_of(store, NEVER)
    assert index.nearest(question("anything"), 5) == []
    fill(store, "a.py", 300)
    query = question("def a3 value3 word3")
    assert [hit.id for hit in index.nearest(query, 50)] == brute_force(store, query, 50)
    assert (index.kind, len(index)) == ("exact", 300)
    assert index.save_if_due() is None
    assert not (store.path.parent / GRAPH).exists()


@pytest.mark.parametrize("graph_from", [ALWAYS, NEVER])
@pytest.mark.parametrize("share", [1, 20, 300])
def test_a_filter_is_answered_exactly(store: Store, graph_from: int, share: int) -> None:
    fill(store, "a.py", 600)
    index = index_of(store, graph_from)
    index.save_if_due()
    allowed, query = store.vector_ids()[::share], question("word17 value3")
    assert [hit.id for hit in index.nearest(query, 7, allowed)] == brute_force(store, query, 7, allowed)
    assert index.nearest(query, 7, np.zeros(0, np.int64)) == []
    assert index.nearest(query, 7, np.array([10**9])) == []


def test_every_change_is_followed_with_and_without_a_graph(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(vectors, "_SMALLEST_TAIL", 50)
    fill(store, "a.py", 400)
    graph, exact = index_of(store, ALWAYS), index_of(store, NEVER)
    assert graph.save_if_due() == "vector graph built over 400 chunks"
    fill(store, "b.py", 30)
    assert graph.save_if_due() is None
    assert_right(graph, store)
    store.remove_files(["b.py"])
    fill(store, "c.py", 90)
    assert_right(graph, store)
    assert graph.save_if_due() == "vector graph extended to 490 chunks"
    assert_right(graph, store)
    put_file(store, "a.py", [f"new text {i}\n" for i in range(10)])
    embed_pending(store, WordHashEmbedder())
    for index in (graph, exact):
        assert_right(index, store)
        assert len(index) == 100
    assert graph.save_if_due() == "vector graph rebuilt over 100 chunks"
    assert_right(graph, store)
    assert (graph.kind, exact.kind) == ("hnsw", "hnsw")  # what is on disk serves whoever finds it


def test_a_reader_uses_the_writers_graph_and_never_builds(store: Store) -> None:
    fill(store, "a.py", 300)
    reader = index_of(store)
    assert_right(reader, store)
    assert (reader.kind, reader.catch_up().graph) == ("exact", None)
    index_of(store).save_if_due()
    assert_right(reader, store)
    assert reader.kind == "hnsw"
    assert len(reader.catch_up().graph) == 300
    assert reader.notes == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from(["put", "remove", "save", "reopen"]), st.integers(1, 60)
    ),
    max_size=8,
)


@settings(max_examples=30)
@given(
    steps=STEPS,
    graph_from=st.sampled_from([ALWAYS, 40 * DIM, NEVER]),
    mapped_from=st.sampled_from([ALWAYS, 30 * DIM, NEVER]),
    coded_from=st.sampled_from([ALWAYS, NEVER]),
    tail=st.sampled_from([5, 1000]),
)
def test_any_history_gives_what_brute_force_gives(
    steps: list, graph_from: int, mapped_from: int, coded_from: int, tail: int
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder), create=True) as store,
    ):
        patch.setattr(vectors, "_SMALLEST_TAIL", tail)
        index = index_of(store, graph_from, mapped_from, coded_from)
        for name, action, count in steps:
            if action == "put":
                fill(store, f"{name}.py", count)
            elif action == "remove":
                store.remove_files([f"{name}.py"])
            elif action == "save":
                index.save_if_due()
            else:
                index = index_of(store, graph_from, mapped_from, coded_from)
            assert_right(index, store)
        assert len(index) == store.vector_count()


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        (lambda folder: (folder / GRAPH).unlink(), "cannot be read"),
        (lambda folder: (folder / GRAPH).write_bytes(b"short"), "damaged"),
        (lambda folder: (folder / "graph.json").write_text("{"), "stamp"),
    ],
    ids=["missing", "cut", "stamp"],
)
def test_a_doubtful_graph_is_passed_over_rebuilt_and_noted(store: Store, damage, note: str) -> None:
    fill(store, "a.py", 300)
    index_of(store).save_if_due()
    damage(store.path.parent)
    index = index_of(store)
    assert_right(index, store)
    assert index.save_if_due() == "vector graph rebuilt over 300 chunks"
    assert note in index.notes[0]
    assert index_of(store).catch_up().graph is not None
    assert_right(index, store)


def test_another_model_makes_the_graph_stale(store: Store) -> None:
    fill(store, "a.py", 300)
    index = index_of(store)
    index.save_if_due()
    store.forget_vectors()
    assert index.nearest(question("word1"), 5) == []
    embed_pending(store, WordHashEmbedder("word-hash-2"))
    query = WordHashEmbedder("word-hash-2").encode_query(["word17"])[0]
    for opened in (index, index_of(store)):
        assert opened.kind == "exact"
        assert [hit.id for hit in opened.nearest(query, 5)] == brute_force(store, query, 5)
    assert index.save_if_due() == "vector graph rebuilt over 300 chunks"


def test_the_same_model_again_under_the_same_ids(store: Store) -> None:
    """A vector that is written anew keeps its chunk's id: the graph's node of that name is outdated."""
    fill(store, "a.py", 300)
    index = index_of(store)
    index.save_if_due()
    ids, before = store.vector_ids(), store.vectors().matrix[0]
    store.put_vectors(ids[:1].tolist(), question("entirely different")[None, :])
    assert index.nearest(question("entirely different"), 1)[0].id == ids[0]
    assert ids[0] not in {hit.id for hit in index.nearest(before, 5)}
    assert_right(index, store)
    assert index.save_if_due() == "vector graph rebuilt over 300 chunks"
    assert_right(index, store)


def test_a_graph_of_a_later_snapshot_is_left_for_later(store: Store) -> None:
    fill(store, "a.py", 300)
    with Store.open(store.path.parent) as other:
        reader = index_of(other)
        with other.reading():
            assert other.counts().chunks == 300
            fill(store, "b.py", 300)
            index_of(store).save_if_due()
            assert len(reader) == 300
        assert len(reader) == 600
        assert reader.catch_up().graph is not None
        assert reader.notes == []


def test_a_thread_in_an_older_snapshot_takes_nothing_from_the_others(store: Store) -> None:
    fill(store, "a.py", 100)
    index = index_of(store, NEVER)
    with store.reading():
        assert store.counts().chunks == 100
        thread = threading.Thread(target=lambda: (fill(store, "b.py", 100), index.catch_up()))
        thread.start()
        thread.join()
        assert len(index.catch_up().table) == 200
    assert len(index) == 200
    assert_right(index, store)


def test_threads_ask_while_the_writer_builds_and_extends(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(vectors, "_SMALLEST_TAIL", 20)
    fill(store, "a.py", 300)
    index, query, failures = index_of(store), question("def a3 value3 word3"), []
    best, running = index.nearest(query, 1)[0].id, threading.Event()
    running.set()

    def ask() -> None:
        while running.is_set():
            hits = index.nearest(query, 5)
            if hits[0].id != best or len({hit.id for hit in hits}) != 5:
                failures.append(hits)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for name in "bcde":
        index.save_if_due()
        fill(store, f"{name}.py", 100)
    running.clear()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(index) == 700


def test_a_query_of_another_width_is_refused(store: Store) -> None:
    fill(store, "a.py", 3)
    with pytest.raises(ValueError, match=rf"\(3,\).*\({DIM},\)"):
        index_of(store).nearest(np.ones(3, np.float32), 1)


def test_a_small_index_gives_its_graph_up(store: Store) -> None:
    fill(store, "a.py", 200)
    index_of(store, 100 * DIM).save_if_due()
    assert read_stamp(store.path.parent).count == 200
    put_file(store, "a.py", ["one\n"])
    index = index_of(store, 100 * DIM)
    assert index.save_if_due() is None
    assert not (store.path.parent / GRAPH).exists()
    assert_right(index, store, limit=1)


def test_progress_of_a_build_is_told(store: Store) -> None:
    fill(store, "a.py", 1500)
    steps: list[tuple[str, int, int]] = []
    index_of(store).save_if_due(lambda *step: steps.append(step))
    assert steps == [("graph", 1000, 1500), ("graph", 1500, 1500)]


def test_equal_scores_are_ordered_by_id(store: Store) -> None:
    put_file(store, "a.py", [f"text {i}\n" for i in range(40)])
    ids = store.pending()
    store.put_vectors(ids[::-1], np.tile(question("same"), (40, 1)))
    hits = index_of(store, NEVER).nearest(question("same"), 6)
    assert hits == [ScoredRow(ident, hits[0].score) for ident in ids[:6]]


BLOCKED = """
import sys
sys.modules["hnswlib"] = None
from pathlib import Path
from codesearch.storage.store import Store
from codesearch.vectors.vector_index import VectorIndex
from tests.codesearch.vectors.test_vectors import assert_right
with Store.open(Path(sys.argv[1])) as store:
    index = VectorIndex(store, store.path.parent, graph_from=1)
    assert_right(index, store)
    print(index.kind, index.save_if_due())
"""


def test_without_hnswlib_every_vector_is_compared_and_it_is_said(store: Store) -> None:
    fill(store, "a.py", 300)
    index_of(store).save_if_due()
    command = [sys.executable, "-c", BLOCKED, str(store.path.parent)]
    root = ROOT
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert told.startswith("exact hnswlib cannot be imported")


def test_equal_vectors_score_equally_wherever_they_stand(store: Store) -> None:
    put_file(store, "a.py", [f"def f{i}(value): word\n" for i in range(999)])
    ids = store.pending()
    vector = np.random.default_rng(3).normal(size=DIM).astype(np.float32)
    store.put_vectors(ids, np.tile(vector / np.linalg.norm(vector), (len(ids), 1)))
    asked = question("word")
    whole = index_of(store, NEVER).nearest(asked, len(ids))
    few = index_of(store, NEVER).nearest(asked, len(ids), np.array(ids[5:40], np.int64))
    assert len({hit.score for hit in (*whole, *few)}) == 1


def answers(index: VectorIndex, store: Store) -> list[list[ScoredRow]]:
    some = store.vector_ids()[::3]
    questions = map(question, ("def a3 value3 word3", "word17", "something else"))
    return [index.nearest(asked, 20, allowed) for asked in questions for allowed in (None, some, some[:30])]


@pytest.mark.parametrize("coded_from", [NEVER, ALWAYS], ids=["float32", "codes"])
def test_a_mapped_table_answers_to_the_bit_as_one_in_memory(store: Store, coded_from: int) -> None:
    fill(store, "a.py", 300)
    index_of(store, NEVER, ALWAYS, coded_from).save_if_due()
    for change in (lambda: None, lambda: fill(store, "b.py", 40), lambda: store.remove_files(["a.py"])):
        change()
        mapped, read = index_of(store, NEVER, ALWAYS), VectorIndex(store, store.path.parent / "elsewhere")
        table = mapped.catch_up().table
        assert (len(table.mapped), table.codes is not None) == (300, coded_from == ALWAYS)
        assert len(mapped) == len(read) == store.vector_count()
        assert answers(mapped, store) == answers(read, store)
        assert_right(mapped, store)


def test_the_vectors_are_written_again_when_much_has_changed(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(vectors, "_SMALLEST_TAIL", 20)
    file, index = store.path.parent / TABLE, index_of(store, NEVER, 100 * DIM)
    written = []
    for path, count in (("a.py", 90), ("b.py", 30), ("c.py", 15), ("d.py", 10)):
        fill(store, path, count)
        index.save_if_due()
        written.append(file.exists() and len(index_of(store, NEVER).catch_up().table.mapped))
    assert written == [False, 120, 120, 145]
    store.remove_files(["a.py", "b.py"])
    index.save_if_due()
    assert not file.exists()
    assert_right(index, store)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda file: file.write_bytes(file.read_bytes()[:-1]), id="cut short"),
        pytest.param(lambda file: file.write_bytes(b"?" + file.read_bytes()[1:]), id="no JSON"),
        pytest.param(lambda file: file.write_bytes(b"[]".ljust(4096)), id="no record"),
        pytest.param(lambda file: file.write_bytes(b""), id="empty"),
        pytest.param(
            lambda file: file.write_bytes(file.read_bytes().replace(b"word-hash-1", b"word-hash-2")),
            id="another model",
        ),
        pytest.param(lambda file: (file.unlink(), file.mkdir()), id="a folder"),
    ],
)
def test_a_file_of_vectors_that_does_not_fit_is_not_read(store: Store, damage) -> None:
    fill(store, "a.py", 300)
    index_of(store, NEVER, ALWAYS).save_if_due()
    damage(store.path.parent / TABLE)
    reader = index_of(store, NEVER, ALWAYS)
    assert len(reader.catch_up().table.mapped) == 0
    assert_right(reader, store)


def test_vectors_of_a_later_snapshot_are_left_for_later(store: Store) -> None:
    fill(store, "a.py", 300)
    with Store.open(store.path.parent) as other:
        reader = index_of(other, NEVER)
        with other.reading():
            assert other.counts().chunks == 300
            fill(store, "b.py", 300)
            index_of(store, NEVER, ALWAYS).save_if_due()
            assert len(reader) == 300
        assert len(reader) == 600
        assert_right(reader, other)
