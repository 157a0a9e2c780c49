"""An approximate nearest-neighbour graph (HNSW, Malkov and Yashunin 2016) behind five methods.

hnswlib 0.8 is fast and bare: its file is neither atomic nor checked, it forgets ef and dim, a label
that is used twice or a k above the number of live nodes is an error or worse, adding while querying
is a data race. All of that ends here:

- labels are chunk ids, which are never reused; vectors are unit vectors, compared by inner product;
- ef follows the question, and k never exceeds what is live; one mutex orders adding and asking;
- a file is written beside its place, checked for its size, flushed and renamed; ``graph.json`` beside
  it (``graph_stamp.py``) says what it holds, and a file that does not fit in every point is not loaded.

The graph is a cache: whoever gets a ``StaleGraph`` builds it anew from the store.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesearch.storage.rows import Ids, ScoredRow
from codesearch.vectors.graph_file import (
    GRAPH,
    Origin,
    StaleGraph,
    Stamp,
    digest,
    read_stamp,
    stamped,
    write_stamp,
)

__all__ = ["Graph", "hnsw_problem"]

_FORMAT = 1
_M = 16
_EF_CONSTRUCTION = 200
_EF = 256
"""Candidates kept in a search. Vectors far from all others are the hard case, because few nodes link to
them: of 200 such among 20,000, the search finds 71 % with 64 candidates, 86 % with 128, 95 % with 256."""
_BATCH = 1000
"""Vectors added at a time: what a question waits for at most, and one step of the progress."""


def hnsw_problem() -> str | None:
    """Why there can be no graph on this machine, with the remedy; None where there can."""
    try:
        import hnswlib  # noqa: F401
    except (ImportError, OSError) as error:
        return (
            f"hnswlib cannot be imported ({error}), so every vector is compared; it is built from source: "
            "install a C++ compiler (on a Mac: xcode-select --install), "
            "then: pip install --force-reinstall hnswlib"
        )
    return None


class Graph:
    """Unit vectors under int64 labels, searched approximately. Safe to share between threads."""

    def __init__(self, dim: int) -> None:
        """An empty graph for vectors of ``dim`` float32 numbers."""
        import hnswlib

        self.dim = dim
        self._index: Any = hnswlib.Index(space="ip", dim=dim)
        self._labels: Ids = np.zeros(0, np.int64)
        self._dead: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Nodes that a question can find."""
        return len(self._labels) - len(self._dead)

    @property
    def deleted(self) -> int:
        """Nodes that only cost time."""
        return len(self._dead)

    @property
    def labels(self) -> Ids:
        """Every label ever added, ascending, deleted ones included."""
        return self._labels

    def add(
        self, labels: Ids, vectors: NDArray[np.float32], progress: Callable[[int, int], Any] | None = None
    ) -> None:
        """Insert (n, dim) unit vectors under labels that were never used before."""
        if len(np.unique(np.concatenate([self._labels, labels]))) != len(self._labels) + len(labels):
            raise ValueError("a label was used before; the graph must be built anew")
        with self._lock:
            self._reserve(len(self._labels) + len(labels))
        for start in range(0, len(labels), _BATCH):
            batch = slice(start, start + _BATCH)
            with self._lock:
                self._index.add_items(vectors[batch], labels[batch])
                self._labels = np.sort(np.concatenate([self._labels, labels[batch]]))
            if progress is not None:
                progress(min(start + _BATCH, len(labels)), len(labels))

    def _reserve(self, count: int) -> None:
        if not len(self._labels):
            self._index.init_index(max(count, 1), M=_M, ef_construction=_EF_CONSTRUCTION)
        elif count > self._index.get_max_elements():
            self._index.resize_index(count)

    def mark_deleted(self, labels: Ids) -> None:
        """Hide nodes from every later question; unknown labels are passed over."""
        with self._lock:
            for label in np.intersect1d(labels, self._labels).tolist():
                with suppress(RuntimeError):  # it was deleted before it was saved
                    self._index.mark_deleted(label)
                self._dead.add(label)

    def query(self, vector: NDArray[np.float32], limit: int) -> list[ScoredRow]:
        """The nearest live nodes to a (dim,) unit vector, best first; score is the inner product.

        Raises:
            StaleGraph: so much of the graph cannot be reached that too few nodes are found.
        """
        with self._lock:
            count = min(limit, len(self))
            if count < 1:
                return []
            for breadth in (max(_EF, 2 * count), len(self._labels)):
                self._index.set_ef(breadth)
                with suppress(RuntimeError):  # fewer found than asked for
                    found, distances = self._index.knn_query(vector[None, :], count, num_threads=1)
                    return [
                        ScoredRow(int(label), 1.0 - float(distance))
                        for label, distance in zip(found[0], distances[0], strict=True)
                    ]
        raise StaleGraph("the graph has come apart")

    # -- on disk

    def save(self, directory: Path, origin: Origin, last_seq: int) -> None:
        """Replace the saved graph. A crash leaves the old one or none.

        Raises:
            OSError: it could not be written whole.
        """
        temporary = directory / f"{GRAPH}.{os.getpid()}.tmp"
        try:
            for left in directory.glob("graph.*.tmp"):  # by a writer that was killed
                left.unlink(missing_ok=True)
            with self._lock:
                self._index.save_index(str(temporary))
                expected = self._index.index_file_size()
                count, live = len(self._labels), len(self)
            size = temporary.stat().st_size
            if size != expected:  # hnswlib does not look
                raise OSError(f"{size} bytes of {expected} were written")
            stamp = Stamp(
                format=_FORMAT,
                **asdict(origin),
                m=_M,
                ef_construction=_EF_CONSTRUCTION,
                count=count,
                live=live,
                last_seq=last_seq,
                size=size,
                sha256=digest(temporary),
            )
            write_stamp(directory, stamp, temporary)
        except (OSError, RuntimeError) as error:
            temporary.unlink(missing_ok=True)
            raise OSError(f"the graph could not be written to {directory}: {error}") from error

    @classmethod
    def load(cls, directory: Path, origin: Origin) -> Graph:
        """The saved graph.

        Raises:
            StaleGraph: there is none, or it is in doubt.
        """
        before, stamp = stamped(directory), read_stamp(directory)
        if (stamp.format, stamp.m, stamp.ef_construction) != (_FORMAT, _M, _EF_CONSTRUCTION):
            raise StaleGraph("the saved graph is of another version")
        if stamp.origin != origin:
            raise StaleGraph("the saved graph is of another index or model")
        file = directory / GRAPH
        try:
            if file.stat().st_size != stamp.size or digest(file) != stamp.sha256:
                raise StaleGraph("the saved graph is damaged")
            graph = cls(stamp.dim)
            graph._index.load_index(str(file))
        except (OSError, RuntimeError) as error:
            raise StaleGraph(f"the saved graph cannot be read ({error})") from error
        graph._labels = np.sort(np.array(graph._index.get_ids_list(), np.int64))
        if len(graph._labels) != stamp.count or stamped(directory) != before:
            raise StaleGraph("the saved graph was replaced while it was read")
        return graph
