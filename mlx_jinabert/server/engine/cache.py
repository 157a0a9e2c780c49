"""Vectors that were computed before, by a hash of their text: in memory, then in a file.

The key holds the model's fingerprint, backend and type too, and the value is what the model gave, in
float32, so that an answer from the cache is the answer without it, to the byte. Texts are not kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CacheEntry", "CacheLevel", "MemoryCache", "TwoLevels", "text_key"]

_OVERHEAD = 300
"""Bytes that an entry takes beside its numbers, about: key, objects, table."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A cached text: its tokens before any cut, and its pooled vector, (width,) float32."""

    tokens: int
    vector: NDArray[np.float32]


class CacheLevel(Protocol):
    """Keys to what is known of their texts. Any thread may use it; it never raises."""

    def get(self, keys: Iterable[bytes]) -> dict[bytes, CacheEntry]:
        """Those that are known."""

    def put(self, found: Mapping[bytes, CacheEntry]) -> None:
        """Remember them."""

    def close(self) -> None:
        """Let go of files."""


def text_key(identity: bytes, text: str) -> bytes:
    """The key of a text, prompt included, under a model: 16 bytes. ``identity`` is at most 64 bytes."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=identity).digest()


class MemoryCache:
    """The most recently used entries, within ``max_bytes``; 0 keeps nothing."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, CacheEntry] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes that the entries take, about."""
        return self._bytes

    def get(self, keys: Iterable[bytes]) -> dict[bytes, CacheEntry]:
        """See ``CacheLevel``."""
        if not self._entries:
            return {}
        with self._lock:
            found = {key: self._entries[key] for key in keys if key in self._entries}
            for key in found:
                self._entries.move_to_end(key)
        return found

    def put(self, found: Mapping[bytes, CacheEntry]) -> None:
        """See ``CacheLevel``."""
        with self._lock:
            for key, entry in found.items():
                size = entry.vector.nbytes + _OVERHEAD
                if key in self._entries or size > self._max_bytes:
                    continue
                self._entries[key] = entry
                self._bytes += size
            while self._bytes > self._max_bytes:
                _, oldest = self._entries.popitem(last=False)
                self._bytes -= oldest.vector.nbytes + _OVERHEAD

    def close(self) -> None:
        """See ``CacheLevel``."""


class TwoLevels:
    """A small fast level before a large slow one."""

    def __init__(self, first: CacheLevel, second: CacheLevel) -> None:
        self._first = first
        self._second = second

    def get(self, keys: Iterable[bytes]) -> dict[bytes, CacheEntry]:
        """See ``CacheLevel``; what only the second level knows is put into the first."""
        wanted = list(keys)
        found = self._first.get(wanted)
        missing = [key for key in wanted if key not in found]
        if missing:
            slow = self._second.get(missing)
            self._first.put(slow)
            found |= slow
        return found

    def put(self, found: Mapping[bytes, CacheEntry]) -> None:
        """See ``CacheLevel``."""
        self._first.put(found)
        self._second.put(found)

    def close(self) -> None:
        """See ``CacheLevel``."""
        self._first.close()
        self._second.close()
