"""Keeping indexes current in the background: what a question left undone, and what the watcher reports.

One thread works for all roots, a slice at a time, and steps back whenever somebody waits for an answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from codesearch.errors import CodesearchError, IndexBusy
from codesearch.server.pool import IndexPool
from codesearch.storage.locations import Location

__all__ = ["Keeper", "Watcher"]

_SLICE_SECONDS = 0.5
_BUSY_SECONDS = 2.0
"""Until the next try where another process writes."""
_WATCHED_SECONDS = 30 * 60.0
"""A root that nobody asked about for so long is not looked after any more."""


class Watcher(Protocol):
    """What tells of changes below a root."""

    def start(self, root: Path, changed: Callable[[], None]) -> bool:
        """Watch a root, or look again which of its folders there are; False where it cannot be watched."""

    def stop(self, root: Path) -> None:
        """Stop watching it."""


@dataclass(slots=True)
class _Kept:
    location: Location
    model: str | None
    asked: float = field(default_factory=time.monotonic)
    due: float | None = None
    """When the next slice is due, by ``time.monotonic``; None where nothing is left to do."""
    checked: float | None = None
    """When the last refresh that left nothing undone began."""
    watched: bool = False
    changes: int = 0
    """Reported so far."""
    seen: int = 0
    """How many of them the last whole refresh has seen."""


class Keeper:
    """Any thread may call it. ``watcher`` None: only finish what was begun."""

    def __init__(self, pool: IndexPool, watcher: Watcher | None = None) -> None:
        self._pool = pool
        self._watcher = watcher
        self._condition = threading.Condition()
        self._kept: dict[Path, _Kept] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    def asked(self, location: Location, model: str | None, started: float, complete: bool) -> None:
        """After a question's own refresh, which began at ``started``: look after what it left, and watch."""
        with self._condition:
            kept = self._kept.setdefault(location.directory, _Kept(location, model))
            kept.asked = time.monotonic()
            if complete:
                kept.checked = started
            new = not kept.watched and self._watcher is not None
            kept.watched = kept.watched or new
            # A watch that has just begun does not know what changed before it.
            kept.due = kept.asked if not complete or new else kept.due
            self._condition.notify()
        if new and self._watcher is not None:
            begun = self._watcher.start(location.root, lambda: self._changed(location.directory))
            with self._condition:
                kept.watched = begun

    def is_current(self, directory: Path) -> bool:
        """Whether the index is known to be what is on disk: watched, refreshed, nothing reported since."""
        with self._condition:
            kept = self._kept.get(directory)
            if kept is None or not kept.watched or kept.due is not None or kept.checked is None:
                return False
            kept.asked = time.monotonic()
            return kept.seen == kept.changes

    def age(self, directory: Path) -> float | None:
        """Seconds since the index was known to be what is on disk; None where it never was."""
        if self.is_current(directory):
            return 0.0
        with self._condition:
            kept = self._kept.get(directory)
            return None if kept is None or kept.checked is None else time.monotonic() - kept.checked

    def watched(self) -> list[str]:
        """The roots that are watched."""
        with self._condition:
            return [str(kept.location.root) for kept in self._kept.values() if kept.watched]

    def close(self) -> None:
        """Stop after the slice that is being worked on."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()
        for kept in list(self._kept.values()):
            self._forget(kept)

    def _changed(self, directory: Path) -> None:
        with self._condition:
            kept = self._kept.get(directory)
            if kept is not None:
                kept.changes += 1
                kept.due = time.monotonic()
                self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                kept = self._next()
                while kept is None and not self._closed:
                    self._condition.wait(self._pause())
                    self._drop_old()
                    kept = self._next()
                if self._closed or kept is None:
                    return
                kept.due = None
                changes = kept.changes
            again = self._slice(kept, changes)
            with self._condition:
                if again is not None:
                    kept.due = min(kept.due or again, again)

    def _next(self) -> _Kept | None:
        now = time.monotonic()
        ready = [kept for kept in self._kept.values() if kept.due is not None and kept.due <= now]
        return max(ready, key=lambda kept: kept.asked, default=None)

    def _pause(self) -> float:
        now = time.monotonic()
        return min((kept.due - now for kept in self._kept.values() if kept.due is not None), default=60.0)

    def _drop_old(self) -> None:
        for kept in list(self._kept.values()):
            if time.monotonic() - kept.asked > _WATCHED_SECONDS:
                self._forget(kept)

    def _forget(self, kept: _Kept) -> None:
        self._kept.pop(kept.location.directory, None)
        if kept.watched and self._watcher is not None:
            self._watcher.stop(kept.location.root)

    def _slice(self, kept: _Kept, changes: int) -> float | None:
        """Work a while; when to go on, or None where all is done."""
        started = time.monotonic()
        index = None
        try:
            index = self._pool.lend(kept.location, kept.model, {}, create=True)
            index.gate.let_others()
            stats = index.refresh(max_wait=_SLICE_SECONDS, lock_wait=0.0)
        except IndexBusy:
            return time.monotonic() + _BUSY_SECONDS
        except (CodesearchError, OSError) as error:
            logging.getLogger(__name__).warning("%s: %s", kept.location.root, error)
            return None
        finally:
            if index is not None:
                index.close()
        if not stats.complete:
            return time.monotonic()
        with self._condition:
            kept.checked, kept.seen = started, changes
        if kept.watched and self._watcher is not None and (stats.files_added or stats.files_removed):
            # New folders are watched from now on; what they got before that, one more look finds.
            self._watcher.start(kept.location.root, lambda: self._changed(kept.location.directory))
            if stats.files_added:
                return time.monotonic()
        return None
