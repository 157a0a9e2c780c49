"""A database is not deleted while it is opened or closed, and two of one name never meet."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codesearch import open_index
from codesearch.errors import IndexBusy
from codesearch.index.index import Index
from codesearch.storage.folders import folder_lock, locations
from codesearch.storage.folders.folder_lock import held_alone, held_together
from codesearch.storage.sqlite import handles
from codesearch.storage.sqlite.handles import Handles
from codesearch.vectors import cache
from tests.support.closeness import WordHashEmbedder
from tests.support.trees import write_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "tree", 6)
    with open_index(root, WordHashEmbedder()) as index:
        index.refresh()
    return root


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever has to wait for a folder give up at once."""
    monkeypatch.setattr(folder_lock, "_WAIT_SECONDS", 0.0)


@contextmanager
def in_thread(work: Callable[[], object]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join()


@pytest.mark.usefixtures("impatient")
def test_many_hold_a_folder_together_and_one_alone(tmp_path: Path) -> None:
    with held_together(tmp_path), held_together(tmp_path), pytest.raises(IndexBusy), held_alone(tmp_path):
        pass
    with held_alone(tmp_path), pytest.raises(IndexBusy), held_together(tmp_path):
        pass
    with held_alone(tmp_path):
        pass


def test_a_folder_that_is_made_anew_is_locked_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    wait, waits = folder_lock._wait, list[int]()

    def replacing(handle: int, how: int, deadline: float) -> None:
        waits.append(handle)
        wait(handle, how, deadline)
        if len(waits) == 1:
            folder.rename(tmp_path / "old")
            folder.mkdir()

    monkeypatch.setattr(folder_lock, "_wait", replacing)
    monkeypatch.setattr(folder_lock, "_WAIT_SECONDS", 0.0)
    with held_together(folder), pytest.raises(IndexBusy), held_alone(folder):
        pass
    assert len(waits) == 3


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), held_together(tmp_path / "none"):
        pass


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("moment", ["_uri", "network_file_system"])
def test_nothing_is_cleared_while_a_handle_is_opened(
    tree: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Before the database is opened, and between it and its log."""
    busy: list[bool] = []
    function = getattr(handles, moment)

    def clearing(path: Path) -> object:
        with pytest.raises(IndexBusy):
            locations.clear(tree)
        busy.append(True)
        return function(path)

    monkeypatch.setattr(handles, moment, clearing)
    with open_index(tree, WordHashEmbedder()) as index:
        assert index.search("retry the socket")
    assert busy


def test_a_database_that_is_begun_during_a_clearing_keeps_its_log(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names that are deleted last must not be those of the new one."""
    unlink = Path.unlink
    began, opened = threading.Event(), list[Index]()

    def begin() -> None:
        began.set()
        opened.append(open_index(tree, WordHashEmbedder()))

    threads: list[threading.Thread] = []

    def slowly(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        if path.name == "index.sqlite" and not threads:
            threads.append(threading.Thread(target=begin))
            threads[0].start()
            began.wait()
            threads[0].join(0.2)

    with open_index(tree, WordHashEmbedder()) as index:  # its log and its shared memory lie there
        monkeypatch.setattr(Path, "unlink", slowly)
        locations.clear(tree)
        monkeypatch.setattr(Path, "unlink", unlink)
        threads[0].join()
        index.counts()
    with opened[0] as index:
        index.refresh()
        found: list[int] = []
        with index._database(), in_thread(lambda: found.append(len(index.search("retry the socket")))):
            pass  # it needs a second handle
        assert found[0] > 0
    with open_index(tree, WordHashEmbedder(), create=False) as index:
        assert index.counts().files == 6


@pytest.mark.usefixtures("impatient")
def test_the_cache_of_vectors_is_not_cleared_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, busy = cache._prepare, list[bool]()

    def clearing(*args: object) -> None:
        with pytest.raises(IndexBusy):
            locations.clear_all()
        busy.append(True)
        prepare(*args)

    monkeypatch.setattr(cache, "_prepare", clearing)
    with cache.VectorCache(locations.vector_cache_path()) as opened:
        opened.get("model", [b"text"], 4)
        assert opened.problem is None
    assert busy


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a number is not used again")
def test_another_file_with_the_number_of_the_first_is_another_file(tmp_path: Path) -> None:
    """The handles have opened nothing yet, so that only they keep the number."""
    path = tmp_path / "index.sqlite"
    path.touch()
    opened = Handles(path, read_only=False)
    number = path.stat().st_ino
    path.unlink()
    others = []
    for at in range(200):
        other = tmp_path / str(at)
        other.touch()
        others.append(other.stat().st_ino)
    assert number not in others
    path.touch()
    assert not opened.is_current


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a number is not used again")
def test_closed_handles_keep_nothing_open(tmp_path: Path) -> None:
    before = open_files()
    path = tmp_path / "index.sqlite"
    path.touch()
    opened = Handles(path, read_only=False)
    opened.give(opened.take())
    assert open_files() > before
    opened.close()
    assert open_files() == before
