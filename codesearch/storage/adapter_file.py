"""``adapter.npz``: the query adapter of an index, beside the database, so that a rebuild keeps it.

An adapter of another model than that of the index, and a file that cannot be read, change no vector: the
index answers as it did before it was tuned.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np

from codesearch.models.adapter import QueryAdapter
from codesearch.storage.folders.filesystem import replace_atomically

__all__ = ["AdapterFile"]

_NAME = "adapter.npz"
_FORMAT = 1
_Stamp = tuple[int, int, int]


class AdapterFile:
    """The adapter in the folder of an index, read again when it has changed. Any thread may ask."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _NAME
        self._lock = threading.Lock()
        self._read: tuple[_Stamp | None, QueryAdapter | None] = (None, None)

    def adapter(self, fingerprint: str) -> QueryAdapter | None:
        """Return the adapter for the vectors of this model; None where there is none, or another model's."""
        stamp = self._stamp()
        with self._lock:
            if stamp != self._read[0]:
                self._read = (stamp, _load(self._path) if stamp else None)
            found = self._read[1]
        return found if found is not None and found.fingerprint == fingerprint else None

    @property
    def is_damaged(self) -> bool:
        """Whether there is a file that cannot be read."""
        return self._stamp() is not None and _load(self._path) is None

    def write(self, adapter: QueryAdapter) -> None:
        """Put an adapter in the place of the last one: after a crash there is the old one or the new."""
        written = self._path.with_name(f"{_NAME}.{os.getpid()}.tmp")
        with written.open("wb") as stream:
            np.savez(
                stream,
                format=np.array(_FORMAT),
                left=adapter.left,
                right=adapter.right,
                offset=adapter.offset,
                fingerprint=np.array(adapter.fingerprint),
                note=np.array(adapter.note),
            )
        replace_atomically(written, self._path)

    def forget(self) -> bool:
        """Delete the adapter; whether there was one."""
        existed = self._stamp() is not None
        self._path.unlink(missing_ok=True)
        return existed

    def _stamp(self) -> _Stamp | None:
        try:
            state = self._path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_ino, state.st_size


def _load(path: Path) -> QueryAdapter | None:
    """Read an adapter; None for a file that is not a whole one of this format."""
    if not path.is_file():  # whoever opens a pipe waits
        return None
    import zipfile  # late: few indexes have one

    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as parts:
            if int(parts["format"]) != _FORMAT:
                return None
            adapter = QueryAdapter(
                left=np.asarray(parts["left"], np.float32),
                right=np.asarray(parts["right"], np.float32),
                offset=np.asarray(parts["offset"], np.float32),
                fingerprint=str(parts["fingerprint"]),
                note=str(parts["note"]),
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    return adapter if _is_whole(adapter) else None


def _is_whole(adapter: QueryAdapter) -> bool:
    shapes = adapter.offset.ndim == 1 and adapter.left.ndim == adapter.right.ndim == 2
    arrays = (adapter.left, adapter.right, adapter.offset)
    return (
        shapes
        and adapter.left.shape == (adapter.dim, adapter.right.shape[0])
        and adapter.right.shape[1] == adapter.dim
        and all(bool(np.isfinite(array).all()) for array in arrays)
    )
