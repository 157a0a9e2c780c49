"""An index survives whatever happens to it: kills, a full disk, damage, foreign versions, company."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codesearch import open_index
from codesearch.errors import IndexFormatError
from codesearch.index.index import Index
from codesearch.storage.store import DATABASE, Store
from codesearch.vectors.vector_index import VectorIndex
from tests.support.closeness import WordHashEmbedder
from tests.support.refresh_child import BATCH, Job, Starter
from tests.support.trees import answers, make_old, write_tree
from tests.support.waiting import wait_for

KILLS = int(os.environ.get("KILLS", "50"))
FILES = 16
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "tree", FILES, functions=6)
    make_old(root)
    return root


@pytest.fixture
def starter() -> Iterator[Starter]:
    with Starter() as running:
        yield running


def _opened(root: Path) -> Index:
    return open_index(root, WordHashEmbedder())


def _check(index: Index) -> None:
    with Store.open(index.directory) as store:
        assert store.check() == []
        counts = store.counts()
        assert counts.embedded == store.vector_count()
        assert counts.chunks - counts.embedded == len(store.pending())


def _fresh_answers(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    with monkeypatch.context() as patched:
        patched.setenv("CODESEARCH_HOME", str(tmp_path / "fresh"))
        with _opened(root) as index:
            index.refresh()
            return answers(index)


# -- kills


class _Log:
    """What a child said that it was doing."""

    def __init__(self, path: Path) -> None:
        lines = path.read_text().splitlines() if path.exists() else []
        self.words = [line.split() for line in lines]

    @property
    def encoded(self) -> int:
        """Texts that the model was given, the last batch whether or not it came back."""
        return sum(int(words[1]) for words in self.words if words[0] == "encoding")

    def committed(self, stage: str) -> int:
        """The last count that was reported as done."""
        return max([int(words[1]) for words in self.words if words[0] == stage], default=0)


@forks
def test_killed_at_any_moment_nothing_committed_is_lost(
    tree: Path, tmp_path: Path, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick = random.Random(20)
    log = tmp_path / "log"
    embedded, killed, finished = 0, 0, 0
    while killed < KILLS:
        log.unlink(missing_ok=True)
        pid = starter.start(Job(str(tree), str(log), slow=pick.choice([0.0005, 0.001, 0.003])))
        if stage := pick.choice(["", "walk", "chunk", "encoding", "encoding"]):
            _wait_for(log, stage, "finished")
        time.sleep(pick.uniform(0.0, pick.choice([0.02, 0.2])))
        status = starter.kill(pid)
        killed += status < 0
        said = _Log(log)
        with _opened(tree) as index:
            _check(index)
            counts = index.counts()
            assert counts.files >= said.committed("chunk")
            assert counts.embedded >= embedded + said.committed("embed")
            assert counts.embedded >= embedded + said.encoded - BATCH
            assert counts.files == 0 or index.search("retry the socket", mode="lexical") is not None
        embedded = counts.embedded
        if status == 0:  # done before the kill: go on with an index that has everything to do again
            finished += 1
            _forget(tree, finished)
            embedded = 0
    with _opened(tree) as index:
        index.refresh()
        assert answers(index) == _fresh_answers(tree, tmp_path, monkeypatch)


def _forget(tree: Path, seed: int) -> None:
    """Other files, and no vector that is known already."""
    from codesearch.storage.folders.locations import clear_all

    clear_all()
    write_tree(tree, FILES, functions=6, seed=seed)


@forks
def test_killed_while_the_graph_is_saved(tree: Path, tmp_path: Path, starter: Starter) -> None:
    log = tmp_path / "log"
    pid = starter.start(Job(str(tree), str(log), graph=True, hang_at_rename=True))
    _wait_for(log, "renaming")
    assert starter.kill(pid) < 0
    with _opened(tree) as index:
        _check(index)
        assert index.status().vector_index == "exact"
        before = answers(index)
    starter.start(Job(str(tree), str(log), graph=True))
    assert starter.wait() == 0
    with _opened(tree) as index:
        assert index.status().vector_index == "hnsw"
        assert answers(index) == before


def _wait_for(log: Path, *words: str) -> None:
    wait_for(lambda: log.exists() and any(word in log.read_text() for word in words))


@forks
@pytest.mark.parametrize("limit", [50_000, 150_000, 300_000])
def test_full_disk_is_said_and_nothing_is_lost(
    tree: Path, tmp_path: Path, starter: Starter, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    log = tmp_path / "log"
    starter.start(Job(str(tree), str(log), file_limit=limit))
    assert starter.wait() == 1
    assert DATABASE in log.read_text()
    assert "error StorageFailed" in log.read_text()
    with _opened(tree) as index:
        _check(index)
        assert index.counts().files >= _Log(log).committed("chunk")
        index.refresh()
        assert answers(index) == _fresh_answers(tree, tmp_path, monkeypatch)


# -- company


@forks
def test_two_refreshers_at_once_take_turns(tree: Path, tmp_path: Path, starter: Starter) -> None:
    with Starter() as other:
        starter.start(Job(str(tree), str(tmp_path / "one"), slow=0.001))
        other.start(Job(str(tree), str(tmp_path / "two"), slow=0.001))
        assert (starter.wait(), other.wait()) == (0, 0)
    embedded = [_Log(tmp_path / name).committed("finished") for name in ("one", "two")]
    with _opened(tree) as index:
        assert sorted(embedded) == [0, index.counts().chunks]
        _check(index)


@forks
def test_second_refresher_is_told_who_writes(tree: Path, tmp_path: Path, starter: Starter) -> None:
    pid = starter.start(Job(str(tree), str(tmp_path / "one"), slow=0.02))
    _wait_for(tmp_path / "one", "encoding")
    with Starter() as other:
        other.start(Job(str(tree), str(tmp_path / "two"), lock_wait=0.1))
        assert other.wait() == 1
    assert f"IndexBusy: process {pid} " in (tmp_path / "two").read_text()
    assert starter.kill(pid) < 0


@forks
def test_searches_see_a_refresh_grow(tree: Path, tmp_path: Path, starter: Starter) -> None:
    starter.start(Job(str(tree), str(tmp_path / "log"), slow=0.004))
    _wait_for(tmp_path / "log", "encoding")
    seen = []
    with _opened(tree) as index:
        while "finished" not in (tmp_path / "log").read_text():
            seen.append(index.counts().embedded)
            assert index.search("retry the socket", limit=5)
        assert starter.wait() == 0
        seen.append(index.counts().embedded)
        assert seen == sorted(seen)
        assert len(set(seen)) > 3
        assert seen[-1] == index.counts().chunks
        with _opened(tree) as other:
            assert answers(index) == answers(other)


def test_threads_share_an_index_while_one_refreshes(tree: Path) -> None:
    failures: list[BaseException] = []
    with _opened(tree) as index:
        index.refresh()
        write_tree(tree, FILES + 4, seed=3)

        def ask() -> None:
            try:
                for _ in range(20):
                    assert index.search("retry the socket", limit=5)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        index.refresh()
        for thread in threads:
            thread.join()
        assert failures == []
        assert index.counts().files == FILES + 4


# -- damage


def _indexed(tree: Path) -> tuple[Path, list[object]]:
    with _opened(tree) as index:
        index.refresh()
        return index.directory, answers(index)


def _scribble(path: Path, start: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(random.Random(1).randbytes(path.stat().st_size - start))


@pytest.mark.parametrize("start", [0, 40, 4096, 40_000])
def test_damaged_database_is_built_again(tree: Path, start: int) -> None:
    directory, before = _indexed(tree)
    _scribble(directory / DATABASE, start)
    with _opened(tree) as index:
        stats = index.refresh()
        assert any("built again" in note for note in stats.notes)
        assert stats.embedded == 0  # the vector cache has not forgotten
        _check(index)
        assert answers(index) == before


def test_damaged_or_missing_database_can_be_rebuilt(tree: Path) -> None:
    directory, before = _indexed(tree)
    _scribble(directory / DATABASE, 0)
    with _opened(tree) as index:
        index.refresh(rebuild=True)
        assert answers(index) == before
    (directory / DATABASE).unlink()
    with _opened(tree) as index:
        index.refresh(rebuild=True)
        assert answers(index) == before


def test_damaged_database_is_not_searched(tree: Path) -> None:
    directory, _ = _indexed(tree)
    _scribble(directory / DATABASE, 0)
    with _opened(tree) as index, pytest.raises(IndexFormatError, match="codesearch index"):
        index.search("retry")


def test_newer_format_is_refused_and_kept(tree: Path) -> None:
    directory, _ = _indexed(tree)
    with sqlite3.connect(directory / DATABASE) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = (directory / DATABASE).read_bytes()
    with pytest.raises(IndexFormatError, match="upgrade") as refused:
        _opened(tree)
    assert refused.value.found == 99
    assert (directory / DATABASE).read_bytes() == before


def test_damaged_graph_is_noticed_and_built_again(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VectorIndex.__init__.__kwdefaults__, "graph_from", 0)
    directory, before = _indexed(tree)
    (graph,) = directory.glob("*.hnsw")
    _scribble(graph, 100)
    with _opened(tree) as index:
        assert answers(index) == before
        write_tree(tree, FILES + 1)
        index.refresh()
        assert index.status().vector_index == "hnsw"


def test_index_that_was_cleared_meanwhile_is_made_anew(tree: Path) -> None:
    from codesearch.storage.folders.locations import clear

    with _opened(tree) as index:
        index.refresh()
        clear(tree)
        assert index.refresh().files_added == FILES
        with _opened(tree) as other:
            assert other.counts() == index.counts()
