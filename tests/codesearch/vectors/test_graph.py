"""The graph against brute force, and its file against everything that can happen to a file."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codesearch.vectors import graph_file as graph_stamp
from codesearch.vectors.graph import Graph
from codesearch.vectors.graph_file import GRAPH, Origin, StaleGraph
from tests.support.paths import ROOT

DIM = 32
ORIGIN = Origin("identity", "fingerprint", DIM)


def clustered(count: int, seed: int, dim: int = DIM) -> np.ndarray:
    """Unit vectors in clumps, as the chunks of files are: (count, dim) float32."""
    rng = np.random.RandomState(seed)
    centres = rng.standard_normal((max(count // 40, 4), dim))
    vectors = centres[rng.randint(len(centres), size=count)] + 0.6 * rng.standard_normal((count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def recall(graph: Graph, vectors: dict[int, np.ndarray], queries: np.ndarray, limit: int = 10) -> float:
    ids, matrix = np.array(list(vectors)), np.stack(list(vectors.values()))
    found = 0
    for query in queries:
        best = set(ids[np.argsort(-(matrix @ query), kind="stable")[:limit]].tolist())
        found += len(best & {hit.id for hit in graph.query(query, limit)})
    return found / (limit * len(queries))


@pytest.fixture
def built() -> Graph:
    graph = Graph(DIM)
    graph.add(np.arange(100, 700), clustered(600, 0))
    return graph


def test_recall_holds_through_inserts_deletes_and_reopening(tmp_path: Path) -> None:
    vectors, queries = clustered(4000, 1), clustered(4100, 1)[-60:]
    live = dict(enumerate(vectors[:2000]))
    graph = Graph(DIM)
    graph.add(np.arange(2000), vectors[:2000])
    assert recall(graph, live, queries) >= 0.95
    for start in (2000, 3000):
        graph.add(np.arange(start, start + 1000), vectors[start : start + 1000])
        live |= dict(enumerate(vectors[start : start + 1000], start))
        gone = np.random.RandomState(start).permutation(list(live))[:400]
        graph.mark_deleted(gone)
        live = {ident: vector for ident, vector in live.items() if ident not in set(gone.tolist())}
        assert recall(graph, live, queries) >= 0.95
        graph.save(tmp_path, ORIGIN, last_seq=start)
        graph = Graph.load(tmp_path, ORIGIN)
        graph.mark_deleted(np.setdiff1d(graph.labels, list(live)))
        assert len(graph) == len(live)
        assert recall(graph, live, queries) >= 0.95


def test_the_search_is_as_broad_after_reopening(tmp_path: Path) -> None:
    """hnswlib forgets ef: with its default of 10, one in eight of these neighbours is missed."""
    rng = np.random.RandomState(11)
    vectors = rng.standard_normal((2500, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = rng.standard_normal((40, DIM)).astype(np.float32)
    graph = Graph(DIM)
    graph.add(np.arange(2500), vectors)
    graph.save(tmp_path, ORIGIN, 1)
    for opened in (graph, Graph.load(tmp_path, ORIGIN)):
        assert recall(opened, dict(enumerate(vectors)), queries) >= 0.97


def test_more_is_never_asked_for_than_is_there(built: Graph) -> None:
    query = clustered(1, 5)[0]
    assert len(built.query(query, 10_000)) == 600
    built.mark_deleted(np.arange(103, 700))
    assert sorted(hit.id for hit in built.query(query, 10)) == [100, 101, 102]
    built.mark_deleted(np.arange(100, 103))
    assert built.query(query, 10) == []
    assert Graph(DIM).query(query, 10) == []


def test_scores_are_inner_products_best_first(built: Graph) -> None:
    query, vectors = clustered(1, 5)[0], clustered(600, 0)
    hits = built.query(query, 20)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(abs(hit.score - float(vectors[hit.id - 100] @ query)) < 1e-5 for hit in hits)


def test_a_label_is_never_used_twice(built: Graph) -> None:
    built.mark_deleted(np.array([100]))
    for labels in ([100], [900, 900]):
        with pytest.raises(ValueError, match="label"):
            built.add(np.array(labels), clustered(len(labels), 3))
    assert (len(built), built.deleted) == (599, 1)


def test_deleting_twice_or_the_unknown_is_nothing(built: Graph, tmp_path: Path) -> None:
    built.mark_deleted(np.array([100, 5000]))
    built.save(tmp_path, ORIGIN, 1)
    again = Graph.load(tmp_path, ORIGIN)
    again.mark_deleted(np.array([100, 101]))
    assert 100 not in {hit.id for hit in again.query(clustered(600, 0)[0], 600)}
    assert len(again) == 598


def test_asking_while_adding(built: Graph) -> None:
    """hnswlib crashes or answers nonsense here without the mutex."""
    queries, failures = clustered(200, 7), []

    def ask() -> None:
        for query in queries:
            hits = built.query(query, 5)
            if len({hit.id for hit in hits}) != 5:
                failures.append(hits)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(1000, 3000, 100):
        built.add(np.arange(start, start + 100), clustered(100, start))
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(built) == 2600


# -- the file


def test_a_saved_graph_answers_the_same(built: Graph, tmp_path: Path) -> None:
    built.save(tmp_path, ORIGIN, 77)
    again, queries = Graph.load(tmp_path, ORIGIN), clustered(20, 9)
    assert [again.query(q, 7) for q in queries] == [built.query(q, 7) for q in queries]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.hnsw", "graph.json"]
    stamp = graph_stamp.read_stamp(tmp_path)
    assert (stamp.last_seq, stamp.count, stamp.live) == (77, 600, 600)


def test_a_graph_that_is_not_whole_is_not_loaded(built: Graph, tmp_path: Path) -> None:
    built.save(tmp_path, ORIGIN, 1)
    whole, chance = (tmp_path / GRAPH).read_bytes(), random.Random(4)
    for length in [0, 1, 95, 96, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(30))]:
        (tmp_path / GRAPH).write_bytes(whole[:length])
        with pytest.raises(StaleGraph, match="damaged"):
            Graph.load(tmp_path, ORIGIN)
    for _ in range(30):
        flipped = bytearray(whole)
        flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        (tmp_path / GRAPH).write_bytes(flipped)
        with pytest.raises(StaleGraph, match="damaged"):
            Graph.load(tmp_path, ORIGIN)
    (tmp_path / GRAPH).write_bytes(whole)
    assert len(Graph.load(tmp_path, ORIGIN)) == 600


@pytest.mark.parametrize(
    "other",
    [
        replace(ORIGIN, identity="another database"),
        replace(ORIGIN, fingerprint="another model"),
        replace(ORIGIN, dim=DIM * 2),
    ],
    ids=["database", "model", "dim"],
)
def test_a_graph_of_something_else_is_not_loaded(built: Graph, tmp_path: Path, other: Origin) -> None:
    built.save(tmp_path, ORIGIN, 1)
    with pytest.raises(StaleGraph, match="another index or model"):
        Graph.load(tmp_path, other)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', "\xff"])
def test_a_stamp_that_cannot_be_read_is_doubt(built: Graph, tmp_path: Path, text: str) -> None:
    built.save(tmp_path, ORIGIN, 1)
    (tmp_path / "graph.json").write_text(text, encoding="latin-1")
    with pytest.raises(StaleGraph, match="stamp"):
        Graph.load(tmp_path, ORIGIN)


@pytest.mark.parametrize("key", ["format", "m", "ef_construction", "count", "size"])
def test_a_stamp_that_says_otherwise_is_doubt(built: Graph, tmp_path: Path, key: str) -> None:
    built.save(tmp_path, ORIGIN, 1)
    stamp = json.loads((tmp_path / "graph.json").read_text())
    (tmp_path / "graph.json").write_text(json.dumps(stamp | {key: stamp[key] + 1}))
    with pytest.raises(StaleGraph):
        Graph.load(tmp_path, ORIGIN)


def test_between_the_two_files_there_is_no_graph(built: Graph, tmp_path: Path, monkeypatch) -> None:
    """A crash after the first rename: the new graph is there, the old stamp must not be."""
    built.save(tmp_path, ORIGIN, 1)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(graph_stamp.Path, "write_text", crash)
    with pytest.raises(KeyboardInterrupt):
        built.save(tmp_path, ORIGIN, 2)
    with pytest.raises(StaleGraph, match="no saved graph"):
        Graph.load(tmp_path, ORIGIN)


@pytest.fixture
def small_disk():
    resource = pytest.importorskip("resource", reason="needs limits on the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_graph_that_is_cut_short_is_an_error_and_keeps_the_old_one(
    built: Graph, tmp_path: Path, request
) -> None:
    built.save(tmp_path, ORIGIN, 1)
    (tmp_path / f"{GRAPH}.1.tmp").write_text("left by a writer that was killed")
    request.getfixturevalue("small_disk")
    with pytest.raises(OSError, match="could not be written"):
        built.save(tmp_path, ORIGIN, 2)
    assert len(Graph.load(tmp_path, ORIGIN)) == 600
    assert graph_stamp.read_stamp(tmp_path).last_seq == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.hnsw", "graph.json"]


BLOCKED = """
import sys
sys.modules["hnswlib"] = None
from codesearch.vectors.graph import hnsw_problem
print(hnsw_problem())
"""


@pytest.mark.parametrize(("blocked", "expected"), [(True, "C++ compiler"), (False, "None")])
def test_a_machine_without_hnswlib_is_told_what_to_do(blocked: bool, expected: str) -> None:
    script = BLOCKED if blocked else BLOCKED.replace('sys.modules["hnswlib"] = None', "")
    root = ROOT
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert expected in told.stdout
