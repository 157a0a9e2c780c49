"""Chunks that were read lately: the same ones are candidates of many questions.

Reading and decoding two hundred rows takes as long as ranking them. What is kept belongs to one generation of
the index; a refresh that changes anything empties it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from codesearch.records import Chunk
from codesearch.storage.reading import StoreReader

__all__ = ["RecentChunks"]

_CHARACTERS = 4_000_000
"""Of the texts that are kept: those of some four thousand chunks."""


class RecentChunks:
    """Reads chunks of one store, and keeps some. Any thread may ask."""

    def __init__(self, store: StoreReader) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._generation = -1
        self._kept: dict[int, Chunk] = {}
        self._characters = 0

    def chunks(self, ids: Iterable[int]) -> dict[int, Chunk]:
        """Return chunks by id, ascending; ids that were removed meanwhile are missing."""
        with self._store.reading():
            generation = self._store.generation()
            wanted = sorted(set(ids))
            found = self._known(wanted, generation)
            missing = [id_ for id_ in wanted if id_ not in found]
            if not missing:
                return found
            read = {id_: stored.chunk for id_, stored in self._store.chunks(missing).items()}
        self._keep(read, generation)
        return {id_: chunk for id_ in wanted if (chunk := found.get(id_) or read.get(id_))}

    def places(self, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return the path and the first byte of chunks, by id; of those that are kept without reading."""
        with self._store.reading():
            wanted = set(ids)
            kept = self._known(wanted, self._store.generation())
            found = {id_: (chunk.path, chunk.start_byte) for id_, chunk in kept.items()}
            missing = wanted - found.keys()
            return found | self._store.places(missing) if missing else found

    def _known(self, ids: Iterable[int], generation: int) -> dict[int, Chunk]:
        with self._lock:
            if generation > self._generation:
                self._generation, self._kept, self._characters = generation, {}, 0
            kept = self._kept if generation == self._generation else {}
            return {id_: kept[id_] for id_ in ids if id_ in kept}

    def _keep(self, read: Mapping[int, Chunk], generation: int) -> None:
        with self._lock:
            if generation != self._generation:  # an older snapshot, or news came meanwhile
                return
            for id_, chunk in read.items():
                if id_ not in self._kept:
                    self._kept[id_] = chunk
                    self._characters += len(chunk.text)
            while self._characters > _CHARACTERS:  # those that were read first go first
                self._characters -= len(self._kept.pop(next(iter(self._kept))).text)
