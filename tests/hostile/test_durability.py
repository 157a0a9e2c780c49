"""Disks that fail and power that is cut: what was committed stays, what was not is made again."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from codesearch import open_index
from codesearch.index.index import Index
from codesearch.storage.store import DATABASE, Store
from tests.support.closeness import WordHashEmbedder
from tests.support.faulty_disk import FAULTS, faulty


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return twelve_files(tmp_path / "tree")


def twelve_files(root: Path) -> Path:
    root.mkdir()
    for number in range(12):
        (root / f"file{number}.py").write_text(f"def name{number}(call):\n    return call({number})\n" * 3)
    return root


def searchable(index: Index) -> set[str]:
    return {hit.path for hit in index.search("call", limit=100)}


def problems(index: Index) -> list[str]:
    with Store.open(index.directory) as store:
        return store.check()


@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("after", [0, 1, 3, 8, 20, 60])
def test_a_disk_that_fails_costs_the_last_step(tree: Path, fault: str, after: int) -> None:
    """The fault comes at the ``after``th write to a file of the index, and stays."""
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
        before = searchable(index)
    for number in range(6):
        (tree / f"file{number}.py").write_text(f"def changed{number}(call):\n    return call\n")
    done = faulty(tree, fault, after)
    assert done.returncode in (0, 1), done.stderr
    with open_index(tree, WordHashEmbedder()) as index:
        assert searchable(index) == before
        assert problems(index) == []
        index.refresh()
        assert index.status().complete
        assert {hit.symbol for hit in index.search("changed3", limit=3)} >= {"changed3"}
        assert problems(index) == []


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index folder in the middle of its life: a log that was not applied yet."""
    place = tmp_path_factory.mktemp("alive")
    tree = twelve_files(place / "tree")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CODESEARCH_HOME", str(place / "home"))
        with open_index(tree, WordHashEmbedder()) as index:
            return _copied_amid_changes(index, tree, place / "copy")


def _copied_amid_changes(index: Index, tree: Path, copy: Path) -> Path:
    index.refresh()
    with Store.open(index.directory) as store:
        store.compact()  # the log is applied, and flushed before that
    for number in range(6):
        (tree / f"file{number}.py").write_text(f"def changed{number}(call):\n    return call\n")
    index.refresh()
    return shutil.copytree(index.directory, copy)


@pytest.fixture
def written(alive: Path, tmp_path: Path) -> Path:
    return shutil.copytree(alive, tmp_path / "copy")


def _lose_the_end(log: bytes, draw: random.Random) -> bytes:
    return log[: draw.randrange(len(log))]


def _lose_sectors(log: bytes, draw: random.Random) -> bytes:
    """Writes that were not flushed reach the disk in any order: some sectors hold zeros."""
    kept = bytearray(log)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(0, len(log), 512)
        kept[at : at + 512] = bytes(len(kept[at : at + 512]))
    return bytes(kept)


def _tear(log: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(log))
    return log[:at] + bytes(draw.randrange(256) for _ in range(min(512, len(log) - at))) + log[at + 512 :]


@pytest.mark.parametrize("harm", [_lose_the_end, _lose_sectors, _tear])
@pytest.mark.parametrize("seed", range(20))
def test_a_power_cut_loses_the_last_commits_and_nothing_else(
    written: Path, tmp_path: Path, harm: Callable[[bytes, random.Random], bytes], seed: int
) -> None:
    """``synchronous=NORMAL``: the log is flushed before it is applied, so only the log can be torn."""
    log = written / f"{DATABASE}-wal"
    content = log.read_bytes()
    assert content, "the index was closed, so this shows nothing"
    log.write_bytes(harm(content, random.Random(seed)))
    log.with_name(f"{DATABASE}-shm").unlink(missing_ok=True)
    with Store.open(written) as store:
        assert store.check() == []
        assert set(store.files()) == {f"file{number}.py" for number in range(12)}


def test_the_model_of_a_power_cut_can_lose_data(tmp_path: Path) -> None:
    """The harm is real: rows that stand in the log alone are gone when it is."""
    path = tmp_path / "a.sqlite"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE t (x)")
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(path, copy)
    log = path.with_name("a.sqlite-wal").read_bytes()
    (copy / "a.sqlite-wal").write_bytes(_lose_the_end(log, random.Random(1)))
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        sqlite3.connect(copy / "a.sqlite").execute("SELECT * FROM t")


def test_errors_of_a_failing_disk_are_ours(tree: Path) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
    (tree / "file0.py").write_text("def other(): pass\n")
    done = faulty(tree, "EIO", 0)
    assert done.returncode == 1
    assert "StorageFailed" in done.stdout
