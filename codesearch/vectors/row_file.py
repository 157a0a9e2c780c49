"""Vectors read by their numbers from a file that stays open, without mapping it.

For one row that is touched, Linux maps 64 KiB or more around it, and keeps them.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["RowFile"]


class RowFile:
    """Rows of float32, (n, dim), from a byte of a file on. Any thread may ask."""

    def __init__(self, file: BinaryIO, start: int, dim: int) -> None:
        """``file`` is open for reading, and may be closed: this keeps a handle of its own."""
        self._handle = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._handle)
        self._start, self._dim = start, dim
        self._lock = threading.Lock()

    def rows(self, numbers: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return some rows, (len(numbers), dim). OSError or ValueError where they cannot be read."""
        size = 4 * self._dim
        places = (self._start + size * numbers).tolist()
        read = self._read if hasattr(os, "pread") else self._read_in_turn
        return np.frombuffer(b"".join(read(places, size)), np.float32).reshape(len(numbers), self._dim)

    def _read(self, places: Sequence[int], size: int) -> list[bytes]:
        handle, read = self._handle, os.pread
        return [read(handle, size, place) for place in places]

    def _read_in_turn(self, places: Sequence[int], size: int) -> list[bytes]:
        """Without ``pread``, as on Windows."""
        with self._lock:
            return [os.read(self._handle, size) for place in places if os.lseek(self._handle, place, 0) >= 0]
