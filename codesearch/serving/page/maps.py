"""The map of an index: computed once in the background, kept until the index changes.

A point is 16 bytes, little-endian: x and y (float32), the number of its file and its first line (uint32).
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from codesearch.index.index import Index
from codesearch.index.places import embedded_chunks
from codesearch.quick_dataclass import dataclass
from codesearch.serving.page.projection import project

__all__ = ["Map", "Maps"]

_POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("path", "<u4"), ("line", "<u4")])
_KEPT = 4


@dataclass(frozen=True, slots=True)
class Map:
    """The drawing of one index."""

    generation: int
    method: str
    paths: list[str]
    languages: list[str | None]
    points: bytes

    @property
    def count(self) -> int:
        """Number of points."""
        return len(self.points) // _POINT.itemsize

    def about(self) -> dict[str, Any]:
        """All but the points, as JSON."""
        return {
            "ready": True,
            "method": self.method,
            "count": self.count,
            "paths": self.paths,
            "languages": self.languages,
        }


class Maps:
    """Maps by index. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Path, Map] = {}
        self._making: dict[Path, int] = {}
        self._worker = ThreadPoolExecutor(1, "map")

    def get(self, index: Index) -> Map | None:
        """Return the map of an index as it is now, None while it is being made (an older one meanwhile)."""
        counts = index.counts()
        with self._lock:
            made = self._made.get(index.directory)
            if made is not None and made.count == counts.embedded:
                return made
            if index.directory not in self._making:
                self._making[index.directory] = counts.embedded
                chunks = embedded_chunks(index)
                self._worker.submit(self._make, index.directory, chunks)
            return made

    def _make(self, directory: Path, chunks: Any) -> None:
        try:
            plane, method = project(chunks.vectors)
            points = np.zeros(len(chunks), _POINT)
            points["x"], points["y"] = plane[:, 0], plane[:, 1]
            points["path"], points["line"] = chunks.path_of, chunks.lines
            found = Map(
                chunks.generation, method, list(chunks.paths), list(chunks.languages), points.tobytes()
            )
            with self._lock:
                while len(self._made) >= _KEPT:
                    self._made.pop(next(iter(self._made)))
                self._made[directory] = found
        except Exception:
            logging.getLogger(__name__).exception("the map of %s could not be made", directory)
        finally:
            with self._lock:
                self._making.pop(directory, None)

    def close(self) -> None:
        """Stop making maps."""
        self._worker.shutdown(cancel_futures=True)
