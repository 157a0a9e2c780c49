"""Built ONNX graphs on disk, by content: a folder per graph under the user's cache folder.

An entry appears whole or not at all (written beside, then renamed) and is believed only while its
files have the hashes that were recorded when it was written, under the key that it is asked for by, in a
folder that nobody else can write to; what nobody touched is hashed once (``hashes.py``). A damaged entry is
built again, and a log line says so; a cache that cannot be written, or is another user's, costs the time to
build, never an error.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_jinabert.checkpoint.cache_location import cache_dir, is_private, private_folder
from mlx_jinabert.checkpoint.hashes import FileHashes

__all__ = ["GRAPH_FILE", "cached_graph", "discard"]

GRAPH_FILE = "model.onnx"
_RECORD = "sha256.json"
_FOLDER = "graphs"
_KEY = "key"
"""Of the record: what the entry was built for; the other keys are names of files."""
_log = logging.getLogger("mlx_jinabert")


@contextmanager
def cached_graph(key: str, build: Callable[[Path], None]) -> Iterator[Path]:
    """The path of the graph named ``key`` (hexadecimal), which ``build(path)`` writes where it is missing.

    The file is there at least until the context ends.
    """
    entry = _entry(key)
    if _is_whole(entry):
        yield entry / GRAPH_FILE
        return
    if entry.exists():
        _log.warning("%s: the cached graph is not the one that was written there; it is built anew", entry)
    with _workspace() as folder:
        built = folder / "graph"
        built.mkdir()
        build(built / GRAPH_FILE)
        yield (entry if _publish(built, entry) else built) / GRAPH_FILE


def discard(key: str) -> None:
    """Forget an entry that is whole and yet cannot be used."""
    shutil.rmtree(_entry(key), ignore_errors=True)


def _entry(key: str) -> Path:
    return cache_dir() / _FOLDER / key


def _is_whole(entry: Path) -> bool:
    try:
        private_folder(_FOLDER)  # one that an older version left open to others is closed
        if not is_private(entry):
            return False
        recorded = json.loads((entry / _RECORD).read_bytes())
        return GRAPH_FILE in recorded and recorded == {_KEY: entry.name, **_hashes(entry)}
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _hashes(folder: Path) -> dict[str, str]:
    hashes = FileHashes()
    found = {path.name: hashes.sha256(path) for path in sorted(folder.glob(f"{GRAPH_FILE}*"))}
    hashes.save()
    return found


@contextmanager
def _workspace() -> Iterator[Path]:
    """A temporary folder on the cache's own file system, or elsewhere if that cannot be written."""
    try:
        folder = tempfile.mkdtemp(prefix=".building-", dir=private_folder(_FOLDER))
    except OSError:
        folder = tempfile.mkdtemp(prefix="mlx-jinabert-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(built: Path, entry: Path) -> bool:
    """Move a finished folder to its place; whether it is there now."""
    try:
        built.chmod(0o700)
        record = {_KEY: entry.name, **_hashes(built)}
        (built / _RECORD).write_text(json.dumps(record), encoding="utf-8")
        for path in built.iterdir():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        _take_place(built, entry)
    except OSError:
        return _is_whole(entry)
    return True


def _take_place(built: Path, entry: Path) -> None:
    """Rename. What another process was faster to put there stays: it may be reading it. Damage goes."""
    try:
        built.rename(entry)
    except OSError:
        if _is_whole(entry):
            return
        entry.rename(built.with_name("old"))
        built.rename(entry)
