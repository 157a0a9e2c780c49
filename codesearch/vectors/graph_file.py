"""``graph.json``: what hnswlib's file does not say about itself, so that a doubtful graph is never used."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from codesearch.files.content.regular import read_regular
from codesearch.quick_dataclass import dataclass
from codesearch.storage.folders.filesystem import replace_atomically

__all__ = [
    "GRAPH",
    "Origin",
    "StaleGraph",
    "Stamp",
    "digest",
    "read_stamp",
    "remove",
    "stamped",
    "write_stamp",
]

GRAPH = "graph.hnsw"
_STAMP = "graph.json"
_MOST_BYTES = 1 << 16


class StaleGraph(Exception):
    """The saved graph is missing, damaged, or not one of this store; the message says which."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a graph: a saved graph is used for exactly the same."""

    identity: str
    """``meta("identity")`` of the database."""
    fingerprint: str
    """The embedder's."""
    dim: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """One saved graph."""

    format: int
    identity: str
    fingerprint: str
    dim: int
    m: int
    ef_construction: int
    count: int
    """Nodes, deleted ones included."""
    live: int
    last_seq: int
    """Newer vectors than this are not in the graph."""
    size: int
    """Bytes of the graph's file."""
    sha256: str

    @property
    def origin(self) -> Origin:
        """Return the source of the graph."""
        return Origin(self.identity, self.fingerprint, self.dim)


def read_stamp(directory: Path) -> Stamp:
    """The stamp of the saved graph.

    Raises:
        StaleGraph: there is none, or it cannot be read.
    """
    try:
        content = read_regular(directory / _STAMP, _MOST_BYTES)
        if content is None:
            raise StaleGraph("there is no saved graph")
        if not (directory / GRAPH).is_file():  # whoever opens a pipe waits
            raise StaleGraph("the saved graph cannot be read: it is gone, or no file")
        return Stamp(**json.loads(content))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise StaleGraph(f"the stamp of the saved graph cannot be read ({error})") from error


def write_stamp(directory: Path, stamp: Stamp, graph: Path) -> None:
    """Put a graph that was written beside its place, and its stamp, in place.

    The old stamp goes first: whoever looks meanwhile, or after a crash, finds no graph, not a wrong one.
    """
    (directory / _STAMP).unlink(missing_ok=True)
    replace_atomically(graph, directory / GRAPH)
    temporary = directory / f"{_STAMP}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(asdict(stamp)))
    replace_atomically(temporary, directory / _STAMP)


def remove(directory: Path) -> None:
    """Delete the saved graph, if there is one."""
    for name in (_STAMP, GRAPH):
        (directory / name).unlink(missing_ok=True)


def stamped(directory: Path) -> tuple[int, int] | None:
    """Changes whenever another graph is saved; None where there is none."""
    try:
        state = (directory / _STAMP).stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_ino


def digest(file: Path) -> str:
    """SHA-256 of a file, hexadecimal (0.7 s a GB where the CPU has instructions for it)."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
