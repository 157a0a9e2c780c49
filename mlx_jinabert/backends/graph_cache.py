"""Built ONNX graphs on disk, by content: a folder per graph under the user's cache folder.

An entry appears whole or not at all (written beside, then renamed) and is believed only while its
files have the hashes that were recorded when it was written. A damaged entry is built again; a cache
that cannot be written costs the time to build, never an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_jinabert.checkpoint.cache_folder import cache_dir

__all__ = ["GRAPH_FILE", "cached_graph", "discard"]

GRAPH_FILE = "model.onnx"
_RECORD = "sha256.json"


@contextmanager
def cached_graph(key: str, build: Callable[[Path], None]) -> Iterator[Path]:
    """The path of the graph named ``key`` (hexadecimal), which ``build(path)`` writes where it is missing.

    The file is there at least until the context ends.
    """
    entry = _entry(key)
    if _is_whole(entry):
        yield entry / GRAPH_FILE
        return
    with _workspace(entry.parent) as folder:
        built = folder / "graph"
        built.mkdir()
        build(built / GRAPH_FILE)
        yield (entry if _publish(built, entry) else built) / GRAPH_FILE


def discard(key: str) -> None:
    """Forget an entry that is whole and yet cannot be used."""
    shutil.rmtree(_entry(key), ignore_errors=True)


def _entry(key: str) -> Path:
    return cache_dir() / "graphs" / key


def _is_whole(entry: Path) -> bool:
    try:
        recorded = json.loads((entry / _RECORD).read_bytes())
        return GRAPH_FILE in recorded and recorded == _hashes(entry)
    except (OSError, ValueError, TypeError):
        return False


def _hashes(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.glob(f"{GRAPH_FILE}*")):
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


@contextmanager
def _workspace(beside: Path) -> Iterator[Path]:
    """A temporary folder on the cache's own file system, or elsewhere if that cannot be written."""
    try:
        beside.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = tempfile.mkdtemp(prefix=".building-", dir=beside)
    except OSError:
        folder = tempfile.mkdtemp(prefix="mlx-jinabert-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(built: Path, entry: Path) -> bool:
    """Move a finished folder to its place; whether it is there now."""
    try:
        (built / _RECORD).write_text(json.dumps(_hashes(built)), encoding="utf-8")
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
