"""One writer at a time, across threads and processes, and no lock outlives its holder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codesearch.errors import IndexBusy
from codesearch.storage.folders import lock
from codesearch.storage.folders.lock import WriterLock

_HOLDER = """
import sys, pathlib
from codesearch.storage.folders.lock import WriterLock
with WriterLock(pathlib.Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "writer.lock"


def _holder(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HOLDER, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_second_writer_in_this_process_is_told_who_holds_it(path: Path) -> None:
    with WriterLock(path), pytest.raises(IndexBusy) as busy, WriterLock(path):
        pass
    assert busy.value.pid == os.getpid()


def test_lock_is_free_again_after_release(path: Path) -> None:
    for _ in range(3):
        with WriterLock(path):
            pass
    assert path.exists()


def test_other_process_is_named_and_its_death_frees_the_lock(path: Path) -> None:
    with _holder(path) as process:
        with pytest.raises(IndexBusy) as busy:
            WriterLock(path).acquire()
        assert busy.value.pid == process.pid
        process.kill()
        process.wait()
        with WriterLock(path, wait_seconds=5):
            assert int(path.read_text()) == os.getpid()


def test_waiting_writer_gets_the_lock(path: Path) -> None:
    first = WriterLock(path)
    first.acquire()
    threading.Timer(0.2, first.release).start()
    with WriterLock(path, wait_seconds=10), pytest.raises(IndexBusy):
        WriterLock(path).acquire()


def test_lock_of_a_deleted_index_is_worth_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = lock._try_lock

    def cleared_before_it_is_locked(fd: int) -> None:
        monkeypatch.undo()
        shutil.rmtree(path.parent)
        real(fd)

    monkeypatch.setattr(lock, "_try_lock", cleared_before_it_is_locked)
    with WriterLock(path, wait_seconds=5), pytest.raises(IndexBusy):
        WriterLock(path).acquire()


def test_garbage_in_the_file_hides_only_the_name(path: Path) -> None:
    with WriterLock(path):
        path.write_text("not a number")
        with pytest.raises(IndexBusy) as busy:
            WriterLock(path).acquire()
    assert busy.value.pid is None
