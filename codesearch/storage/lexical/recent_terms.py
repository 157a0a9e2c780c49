"""What was read of single tokens, remembered for one state of an index.

Questions differ in their rare words and share the common ones, which many rows hold and which take the time,
so what was read for one answers others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

from codesearch.storage.rows import Ids

__all__ = ["OfRows", "RecentTerms"]

_LEAST_KEPT = 250_000
_KEPT_PER_ROW = 8
"""Rows of tokens that are remembered, some 16 bytes each: so many, or so many for each row of the index."""


class OfRows(Protocol):
    """What is known of the rows that hold a token."""

    @property
    def ids(self) -> Ids:
        """(n,) int64."""


T = TypeVar("T", bound=OfRows)


class RecentTerms(Generic[T]):
    """Remembers values by key, the last that were asked for. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = -1
        self._kept: dict[Hashable, T] = {}
        self._count = 0

    def __contains__(self, asked: tuple[int, Hashable]) -> bool:
        """Whether the value of a key is remembered for a generation."""
        generation, key = asked
        with self._lock:
            return generation == self._generation and key in self._kept

    def get(self, key: Hashable, generation: int, rows: int, read: Callable[[], T]) -> T:
        """Return the value of a key, read where it is not remembered.

        Call it inside ``reading()``; the generation is that of the snapshot, of so many rows.
        """
        with self._lock:
            if generation == self._generation and key in self._kept:
                found = self._kept[key] = self._kept.pop(key)  # the last to be dropped
                return found
        value = read()
        self._keep(key, value, generation, max(_LEAST_KEPT, _KEPT_PER_ROW * rows))
        return value

    def _keep(self, key: Hashable, value: T, generation: int, most: int) -> None:
        with self._lock:
            if generation < self._generation or len(value.ids) > most:
                return
            if generation > self._generation:
                self._generation, self._kept, self._count = generation, {}, 0
            if key in self._kept:
                return
            self._kept[key] = value
            self._count += len(value.ids)
            while self._count > most:  # those that were asked for longest ago go first
                self._count -= len(self._kept.pop(next(iter(self._kept))).ids)
