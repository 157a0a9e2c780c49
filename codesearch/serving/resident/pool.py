"""Open indexes, lent to whoever asks, and closed least recently used first when memory runs short.

All of them share one pool of models, so a model is loaded once however many roots are searched with it.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from codesearch.files.walk import walk
from codesearch.index.index import LOCK_WAIT_SECONDS, Index
from codesearch.models.embedder import Model
from codesearch.models.pool import ModelPool
from codesearch.quick_dataclass import dataclass
from codesearch.records import Embedder, Progress, Stats
from codesearch.serving.resident.gates import Gate, Gates
from codesearch.serving.resident.memory import resident_bytes
from codesearch.storage import metadata as recorded
from codesearch.storage.folders.locations import Location
from codesearch.storage.metadata import Settings

__all__ = ["IndexPool", "LentIndex", "OpenEntry"]

Key = tuple[Path, str, tuple[tuple[str, Any], ...]]


class LentIndex(Index):
    """An index of the pool: ``close`` hands it back, and a refresh waits for its turn."""

    def __init__(
        self,
        location: Location,
        model: str | Embedder | None,
        settings: Mapping[str, Any],
        create: bool,
        *,
        models: ModelPool,
        gate: Gate,
        give_back: Callable[[LentIndex], None],
    ) -> None:
        super().__init__(location, model, settings, create, models)
        self.gate = gate
        self._give_back = give_back

    def refresh(
        self,
        progress: Progress | None = None,
        *,
        max_wait: float | None = None,
        vectors: bool = True,
        rebuild: bool = False,
        lock_wait: float = LOCK_WAIT_SECONDS,
    ) -> Stats:
        """As ``Index.refresh``; other requests of this process are waited for as other processes are."""
        started = time.monotonic()
        with self.gate.passed(lock_wait if max_wait is None else min(lock_wait, max_wait)):
            waited = time.monotonic() - started
            return super().refresh(
                progress,
                max_wait=None if max_wait is None else max(0.0, max_wait - waited),
                vectors=vectors,
                rebuild=rebuild,
                lock_wait=max(0.0, lock_wait - waited),
            )

    def folders(self) -> list[Path]:
        """Every folder below the root that may hold something to index, the root first."""
        with self._database() as database:
            settings = recorded.read(database.store, Settings) or Settings()
        return [self.root / folder for folder in walk(self.root, settings.walk_options()).folders]

    def close(self) -> None:
        """Hand it back; it stays open."""
        self._give_back(self)

    def close_for_good(self) -> None:
        """Close the files."""
        super().close()


@dataclass(slots=True)
class _Entry:
    index: LentIndex
    lent: int = 0
    used: float = 0.0


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An open index, for the status."""

    root: str
    lent: int
    """Requests that use it at this moment."""
    idle_seconds: float


class IndexPool:
    """Any thread may borrow. ``memory_limit`` in bytes, of the whole process."""

    def __init__(self, memory_limit: int) -> None:
        self.memory_limit = memory_limit
        self.gates = Gates()
        self._models = ModelPool()
        self._lock = threading.Lock()
        self._entries: dict[Key, _Entry] = {}
        self._dropped: list[_Entry] = []
        """Replaced on disk while lent; closed when they come back."""

    def lend(
        self, location: Location, model: str | Embedder | None, settings: Mapping[str, Any], create: bool
    ) -> LentIndex:
        """The open index of a root, opened now where it is not. Errors as those of ``open_index``."""
        if model is not None and not isinstance(model, str):
            raise TypeError("the resident process takes models by name")
        key = (
            location.directory,
            model or f"default {Model.default().name}",
            tuple(sorted(settings.items())),
        )
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and not entry.index.is_current:
                self._drop(key)
                entry = None
            if entry is None:
                entry = self._entries[key] = _Entry(self._open(location, model, settings, create))
            entry.lent += 1
            entry.used = time.monotonic()
            return entry.index

    def spare(self) -> None:
        """Close what was not used longest, until the process is within its limit or all is in use."""
        while resident_bytes() > self.memory_limit:
            with self._lock:
                idle = [(entry.used, key) for key, entry in self._entries.items() if not entry.lent]
                if not idle:
                    return
                self._drop(min(idle)[1])
            gc.collect()

    def forget(self, directory: Path) -> None:
        """Close the indexes of a folder as soon as nobody uses them."""
        with self._lock:
            for key in [key for key in self._entries if key[0] == directory]:
                self._drop(key)

    def open_entries(self) -> list[OpenEntry]:
        """Return the open indexes, most recently used first."""
        now = time.monotonic()
        with self._lock:
            entries = sorted(self._entries.values(), key=lambda entry: -entry.used)
            return [OpenEntry(str(e.index.root), e.lent, round(now - e.used, 1)) for e in entries]

    def close(self) -> None:
        """Close everything."""
        with self._lock:
            for entry in (*self._entries.values(), *self._dropped):
                entry.index.close_for_good()
            self._entries.clear()
            self._dropped.clear()

    def _open(
        self, location: Location, model: str | None, settings: Mapping[str, Any], create: bool
    ) -> LentIndex:
        create = create and location.root.exists()
        if create:
            location.create()
        gate = self.gates.of(location.directory)
        # The part of the root that one request asks for is not for the next one.
        whole = Location(location.root, location.directory, under="")
        return LentIndex(
            whole, model, settings, create, models=self._models, gate=gate, give_back=self._take_back
        )

    def _take_back(self, index: LentIndex) -> None:
        with self._lock:
            for entry in (*self._entries.values(), *self._dropped):
                if entry.index is index:
                    entry.lent -= 1
                    entry.used = time.monotonic()
            for entry in [entry for entry in self._dropped if not entry.lent]:
                self._dropped.remove(entry)
                entry.index.close_for_good()

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key)
        if entry.lent:
            self._dropped.append(entry)
        else:
            entry.index.close_for_good()
