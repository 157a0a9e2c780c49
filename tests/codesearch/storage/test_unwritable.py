"""A full disk, a folder that may only be read: what is indexed is searched, and the reason is said."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from codesearch import errors
from codesearch.errors import CodesearchError, IndexBusy, IndexNotFound, StorageFailed
from codesearch.index.opening import open_index
from codesearch.storage.folders.locations import LOCK_NAME
from codesearch.storage.folders.lock import WriterLock
from tests.support.closeness import WordHashEmbedder
from tests.support.command import run
from tests.support.paths import ROOT
from tests.support.trees import make_old, write_tree

posix = pytest.mark.skipif(os.name == "nt", reason="resource limits and mounts")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "tree", 6)
    make_old(root)
    return root


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small file system, and the home of the indexes in it."""
    point = tmp_path / "disk"
    point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(point)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("may not mount")
    monkeypatch.setenv("CODESEARCH_HOME", str(point / "home"))
    try:
        yield point
    finally:
        subprocess.run(["umount", "--lazy", str(point)], check=True)


def fill(disk: Path) -> None:
    with (disk / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def make_read_only(disk: Path) -> None:
    for left in disk.rglob("index.sqlite-*"):
        left.unlink()  # after a clean end there are none, and no more can be made
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


@posix
@pytest.mark.parametrize(
    ("spoil", "said"), [(fill, "no space is left"), (make_read_only, "cannot be written")]
)
def test_what_is_indexed_is_searched(
    tree: Path, disk: Path, spoil: Callable[[Path], None], said: str
) -> None:
    lexical = ("--mode", "lexical", "-l")
    want = run("retry socket", *lexical, cwd=tree).stdout
    assert want
    spoil(disk)
    (tree / "new.py").write_text("def retry_socket():\n    pass\n")
    for more in ((), ("--no-refresh",)):
        got = run("retry socket", *lexical, *more, cwd=tree)
        assert (got.returncode, got.stdout) == (0, want)
        assert (said in got.stderr) == (not more)
        assert "CODESEARCH_HOME" in got.stderr or "free some" in got.stderr or more
    failed = run("index", cwd=tree)
    assert failed.returncode == 2
    assert said in failed.stderr


@posix
def test_it_is_written_again_when_there_is_room(tree: Path, disk: Path) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
    fill(disk)
    with open_index(tree, WordHashEmbedder()) as index:
        before = index.search("retry socket")
        (tree / "new.py").write_text("def retry_socket():\n    pass\n")
        with pytest.raises(StorageFailed, match="no space"):
            index.refresh()
        assert index.search("retry socket") == before
        (disk / "fill").unlink()
        assert index.refresh().files_added == 1
        assert index.search("retry_socket", mode="lexical")[0].path == "new.py"


_STARVED = """if True:
    import resource, signal, sys
    from codesearch import open_index
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no file may grow
    with open_index(sys.argv[1], create=False) as index:
        print(len(index.search("retry socket", mode="lexical")), index.status().files)
"""


@posix
def test_a_process_that_may_write_nothing_searches(tree: Path) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
        found = len(index.search("retry socket", mode="lexical"))
    done = subprocess.run(
        [sys.executable, "-c", _STARVED, tree], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"{found} 6\n", done.stderr


@posix
def test_a_reader_that_took_the_file_for_immutable_sees_a_later_change(tree: Path, disk: Path) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        index.refresh()
    fill(disk)
    with open_index(tree, WordHashEmbedder()) as reader:
        assert "new.py" not in {hit.path for hit in reader.search("retry socket")}
        (disk / "fill").unlink()
        (tree / "new.py").write_text("def retry_socket():\n    pass\n")
        with open_index(tree, WordHashEmbedder()) as writer:
            writer.refresh()
        assert reader.search("retry_socket", mode="lexical")[0].path == "new.py"


def test_a_lock_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match=r"CODESEARCH_HOME"):
        WriterLock(tmp_path / "file" / LOCK_NAME).acquire()


@pytest.mark.parametrize(
    "error",
    [
        IndexNotFound("/root"),
        StorageFailed("no space is left"),
        IndexBusy(7),
        errors.IndexFormatError(9, 3, "upgrade"),
        errors.ModelMismatch("a", "b", "remedy"),
        errors.ModelUnavailable("name", "problem"),
        errors.BadQuery("empty"),
        errors.TooFewQuestions("/root", 1, 2, 30),
        errors.PortableIndexError("problem", "file"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_pickle(error: CodesearchError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
