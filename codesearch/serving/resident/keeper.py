"""Keep indexes current in the background: finish what a question left undone, follow changes on disk.

One thread works for all roots, a slice at a time, and steps back whenever somebody waits for an answer.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import field
from pathlib import Path

from codesearch.errors import CodesearchError, IndexBusy
from codesearch.quick_dataclass import dataclass
from codesearch.serving.resident.pool import IndexPool, LentIndex
from codesearch.serving.resident.watch import TreeWatch
from codesearch.storage.folders.locations import Location, locate

__all__ = ["Keeper"]

_SLICE_SECONDS = 0.5
_BUSY_SECONDS = 2.0
"""Until the next try where another process writes."""
_TRUSTED_SECONDS = 60.0
"""After so long the first question looks over even a watched index: what git tracks may change unseen."""
_KEPT_SECONDS = 30 * 60.0
"""A root that nobody asked about for so long is not looked after any more."""


@dataclass(slots=True)
class _Kept:
    location: Location
    asked: float = field(default_factory=time.monotonic)
    due: float | None = None
    """When the next slice is due, by ``time.monotonic``; None where nothing is left to do."""
    checked: float | None = None
    """When the last refresh that left nothing undone began."""
    watch: TreeWatch | None = None
    unwatchable: bool = False
    folders_due: bool = True
    """Whether the folders that are watched may not be all of them."""
    is_worked_on: bool = False
    changes: int = 0
    """Reported so far."""
    seen: int = 0
    """How many of them the last whole refresh has seen."""

    @property
    def is_at_rest(self) -> bool:
        return self.due is None and not self.is_worked_on and self.seen == self.changes

    @property
    def is_watched(self) -> bool:
        return self.watch is not None and self.watch.is_alive and not self.folders_due


class Keeper:
    """Any thread may call it. ``watching`` False: only finish what was begun."""

    def __init__(self, pool: IndexPool, *, watching: bool) -> None:
        self._pool = pool
        self._watching = watching
        self._condition = threading.Condition()
        self._kept: dict[Path, _Kept] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    def asked(self, location: Location, started: float, complete: bool) -> None:
        """After a question's refresh, which began at ``started``: watch, and finish what it left undone."""
        with self._condition:
            kept = self._kept.setdefault(location.directory, _Kept(location))
            kept.asked = time.monotonic()
            if complete:
                kept.checked = started
            if not complete or (self._watching and not kept.is_watched and not kept.unwatchable):
                kept.due = kept.asked
                self._condition.notify()

    def finish(self, root: Path) -> None:
        """Do what the refresh for a command had no time for."""
        self.asked(locate(root, here=True), time.monotonic(), complete=False)

    def is_current(self, directory: Path) -> bool:
        """Whether the index is known to be what is on disk: watched, refreshed, nothing reported since."""
        now = time.monotonic()
        with self._condition:
            kept = self._kept.get(directory)
            if kept is None or not kept.is_watched or kept.checked is None:
                return False
            kept.asked = now
            return kept.is_at_rest and now - kept.checked < _TRUSTED_SECONDS

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
            return [str(kept.location.root) for kept in self._kept.values() if kept.is_watched]

    def close(self) -> None:
        """Stop after the slice that is being worked on."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()
        for kept in self._kept.values():
            if kept.watch is not None:
                kept.watch.end()

    def _changed(self, directory: Path, folders: bool) -> None:
        with self._condition:
            kept = self._kept.get(directory)
            if kept is not None:
                kept.changes += 1
                kept.folders_due = kept.folders_due or folders
                kept.due = time.monotonic()
                self._condition.notify()

    # -- the thread

    def _work(self) -> None:
        while (kept := self._next()) is not None:
            changes = kept.changes
            again = self._slice(kept, changes)
            with self._condition:
                kept.is_worked_on = False
                if again is not None:
                    kept.due = min(kept.due or again, again)

    def _next(self) -> _Kept | None:
        """Wait for work; None at the end. Of several roots the one that was asked about last."""
        with self._condition:
            while not self._closed:
                now = time.monotonic()
                self._forget_old(now)
                ready = [kept for kept in self._kept.values() if kept.due is not None and kept.due <= now]
                if ready:
                    kept = max(ready, key=lambda kept: kept.asked)
                    kept.due, kept.is_worked_on = None, True
                    return kept
                due = [kept.due for kept in self._kept.values() if kept.due is not None]
                self._condition.wait(min(due) - now if due else _TRUSTED_SECONDS)
        return None

    def _forget_old(self, now: float) -> None:
        for directory, kept in list(self._kept.items()):
            if now - kept.asked > _KEPT_SECONDS:
                del self._kept[directory]
                if kept.watch is not None:
                    kept.watch.end()

    def _slice(self, kept: _Kept, changes: int) -> float | None:
        """Work a while; when to go on, or None where all is done."""
        started = time.monotonic()
        try:
            with self._pool.lend(kept.location, None, {}, create=True) as index:
                assert isinstance(index, LentIndex)
                index.gate.let_others()
                stats = index.refresh(max_wait=_SLICE_SECONDS, lock_wait=0.0)
                if not stats.complete:
                    return time.monotonic()
                with self._condition:
                    kept.checked, kept.seen = started, changes
                return self._look_at_folders(kept, index)
        except IndexBusy:
            return time.monotonic() + _BUSY_SECONDS
        except CodesearchError as error:
            logging.getLogger(__name__).warning("%s: %s", kept.location.root, error)
        except Exception:  # one root's trouble must not end the work for all
            logging.getLogger(__name__).exception("%s: a refresh failed", kept.location.root)
        return None

    def _look_at_folders(self, kept: _Kept, index: LentIndex) -> float | None:
        """Watch the folders that there are now; once more to be looked over if these are others."""
        if not self._watching or kept.is_watched or kept.unwatchable:
            return None
        with self._condition:
            kept.folders_due = False
        directory = kept.location.directory
        new = TreeWatch(index.root, index.folders(), lambda folders: self._changed(directory, folders))
        kept.unwatchable = not new.begin()
        old, kept.watch = kept.watch, new
        if old is not None:
            old.end()
        if kept.unwatchable:
            return None
        with self._condition:  # what came while the watch was being set up nobody has reported
            kept.folders_due = kept.folders_due or not new.covers(index.folders())
        return time.monotonic()
