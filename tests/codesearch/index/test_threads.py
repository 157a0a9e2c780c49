"""Threads that search while the index is closed, cleared, made anew or written by a newer version.

What goes wrong here ends the process (SQLite reads freed memory), so each case is a process of its own.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from codesearch.errors import CodesearchError, IndexFormatError
from codesearch.index.opening import open_index
from codesearch.storage.folders import locations
from codesearch.storage.folders.locations import locate
from codesearch.storage.store import DATABASE
from tests.support.closeness import WordHashEmbedder
from tests.support.paths import ROOT
from tests.support.trees import make_old, write_tree

_SEARCHING = """if True:
    import json, sys, threading, time
    from collections import Counter
    from pathlib import Path
    from codesearch import open_index
    from tests.support.closeness import WordHashEmbedder

    root, closing = Path(sys.argv[1]), sys.argv[2] == "close"
    index = open_index(root, WordHashEmbedder())
    stop, seen, lock = threading.Event(), Counter(), threading.Lock()

    def work(step):
        while not stop.is_set():
            try:
                step()
                said = "answers"
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
            with lock:
                seen[said] += 1

    def search():
        for mode in ("hybrid", "lexical", "semantic"):
            index.search("retry the socket", mode=mode)

    def refresh():
        (root / "package0" / "new.py").write_text(f"def new(): return {time.monotonic()}\\n")
        index.refresh()
        time.sleep(0.05)

    def until(condition):
        while not condition():
            time.sleep(0.01)

    steps = [search] * 4 + [refresh] * (not closing)
    threads = [threading.Thread(target=work, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    print("started", flush=True)
    until(lambda: seen["answers"] > 20)
    if closing:
        index.close()
        until(lambda: seen.total() - seen["answers"] > 20)
    else:
        sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    print(json.dumps(seen))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "tree", 60)
    make_old(root)
    with open_index(root, WordHashEmbedder()) as index:
        index.refresh()
    return root


def start(tree: Path, what: str) -> subprocess.Popen[str]:
    """Begin to search, and to close or to refresh; the latter until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SEARCHING, str(tree), what],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n", process.communicate()[1]
    return process


def seen(process: subprocess.Popen[str]) -> Counter[str]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return Counter(json.loads(out))


def test_closing_gives_searching_threads_an_error(tree: Path) -> None:
    for _ in range(3):
        counts = seen(start(tree, "close"))
        assert counts.pop("answers") > 20
        assert counts
        assert all(said.startswith("CodesearchError: ") and "was closed" in said for said in counts)


@pytest.mark.slow  # by chance; tests/codesearch/storage/test_folder_lock.py has the moments that matter
def test_clearing_disturbs_nobody_who_searches_and_refreshes(tree: Path) -> None:
    process = start(tree, "refresh")
    cleared = 0
    while cleared < 6:
        assert process.poll() is None
        try:
            locations.clear(tree)
            cleared += 1
        except CodesearchError:  # being written, or cleared just now
            pass
        time.sleep(0.05)
    counts = seen(process)
    assert counts.pop("answers") > 20
    assert {said for said in counts if not said.startswith("IndexBusy")} == set()


def test_a_search_follows_an_index_that_was_made_anew(tree: Path) -> None:
    with open_index(tree, WordHashEmbedder()) as index:
        before = index.search("retry the socket")
        locations.clear(tree)
        assert index.search("retry the socket") == before  # from what it holds
        (tree / "package0" / "brand_new.py").write_text("def brand_new():\n    return 1\n")
        with open_index(tree, WordHashEmbedder()) as another:
            another.refresh()
        assert index.search("brand_new", mode="lexical")[0].path == "package0/brand_new.py"


def test_an_open_index_that_a_newer_version_took_over_is_not_written(tree: Path) -> None:
    def content() -> list[object]:
        with closing(sqlite3.connect(path)) as database:
            version = database.execute("PRAGMA user_version").fetchall()
            return [version, *(database.execute(f"SELECT * FROM {t}").fetchall() for t in ("meta", "files"))]

    path = locate(tree).directory / DATABASE
    with open_index(tree, WordHashEmbedder()) as index:
        index.search("retry")
        with closing(sqlite3.connect(path)) as newer:
            newer.execute("PRAGMA user_version = 999")
        before = content()
        (tree / "package0" / "brand_new.py").write_text("def brand_new():\n    return 1\n")
        with pytest.raises(IndexFormatError, match=r"999.*upgrade"):
            index.refresh()
    assert content() == before
