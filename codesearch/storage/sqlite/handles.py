"""Open handles of one SQLite file, each lent to one thread at a time and never closed while lent.

All of them are of the file that was there at the beginning. A handle that is opened later is looked at
again once it can be read: where another file lies in the place by then, or none, it is closed, and the
thread waits for a handle that is given back. So a database that was deleted or made anew under its readers
goes on answering them, all from the same file; whoever owns it follows to the new one as a whole.

Opening and closing hold the folder (``folder_lock.py``), since SQLite goes by names then.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import weakref
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

from codesearch.errors import CodesearchError, IndexBusy, StorageFailed
from codesearch.quick_dataclass import dataclass
from codesearch.storage.folders.filesystem import network_file_system
from codesearch.storage.folders.folder_lock import held_together
from codesearch.storage.folders.unwritable import Unwritable, is_unwritable

__all__ = ["BUSY_SECONDS", "Handle", "Handles"]

BUSY_SECONDS = 30.0
"""How long a statement waits for another process, and a thread for a handle."""
_CACHE_KIB = 2_000
"""Of pages, for each handle. Questions and refreshes take the same time with eight times as much."""
_LOG_LIMIT_BYTES = 64 << 20
_READ = "SELECT count(*) FROM sqlite_schema"
_KEPT = 8
"""Handles that are kept open while nobody uses them."""


@dataclass(eq=False, slots=True)
class Handle:
    """One connection to the file."""

    connection: sqlite3.Connection
    unwritable: Unwritable | None
    """Set where it takes the file for one that nobody changes."""

    @property
    def is_outdated(self) -> bool:
        """Whether somebody has changed what it takes for unchanging."""
        return self.unwritable is not None and self.unwritable.is_over


class Handles:
    """The handles of the file at ``path``, which must exist. Any thread may call any method."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.closed = False
        self.unwritable: Unwritable | None = None
        """Set once the folder could not be written."""
        self._read_only = read_only
        self._file = _Pin(path)
        self._idle: list[Handle] = []
        self._lent: set[Handle] = set()
        self._changed = threading.Condition()

    @property
    def is_current(self) -> bool:
        """Whether their file is still the one at ``path``."""
        return self._file.lies_at(self.path)

    def closed_error(self) -> CodesearchError:
        """Say that they were closed."""
        return CodesearchError(f"{self.path} was closed; open the index again")

    def take(self) -> Handle:
        """Lend a handle to this thread, which gives it back. sqlite3.Error where it cannot be opened.

        Raises:
            CodesearchError: they were closed. IndexBusy: the file is gone, and others use what is left of it.
            StorageFailed: the file is gone, and no handle was left.
        """
        while handle := self._free(0):
            if not (handle.is_outdated and self.is_current):
                return handle
            self.drop(handle)
        if handle := self._another():
            with self._changed:
                self._lent.add(handle)
            return handle
        if handle := self._free(BUSY_SECONDS):
            return handle
        raise IndexBusy(None)

    def give(self, handle: Handle) -> None:
        """Take a handle back."""
        with self._changed:
            self._lent.discard(handle)
            if not self.closed and len(self._idle) < _KEPT:
                self._idle.append(handle)
                self._changed.notify()
                return
        self._close(handle)

    def drop(self, handle: Handle) -> None:
        """Close a lent handle for good: its state is unknown, or outdated."""
        with self._changed:
            self._lent.discard(handle)
            if handle.unwritable is self.unwritable:
                self.unwritable = None
            self._changed.notify_all()
        self._close(handle)

    def close(self) -> None:
        """Close those that nobody uses now, and the others when they are given back, which is soon."""
        with self._changed:
            self.closed = True
            idle, self._idle = self._idle, []
            for handle in self._lent:
                handle.connection.interrupt()
            self._changed.notify_all()
        for handle in idle:
            self._close(handle)
        self._file.release()

    def _free(self, seconds: float) -> Handle | None:
        """Lend one that nobody uses; None where there is none after so many seconds."""
        with self._changed:
            if seconds:
                self._changed.wait_for(lambda: self._idle or self.closed or not self._lent, seconds)
                if not (self._idle or self._lent or self.closed):
                    raise StorageFailed(f"{self.path} was deleted or replaced; open the index again")
            if self.closed:
                raise self.closed_error()
            if not self._idle:
                return None
            handle = self._idle.pop()
            self._lent.add(handle)
            return handle

    # -- opening

    def _another(self) -> Handle | None:
        """Open the file once more; None where it is no longer at its place."""
        try:
            with held_together(self.path.parent):
                if not self.is_current:
                    return None
                handle = self._opened()
        except (sqlite3.Error, FileNotFoundError):
            if self.is_current:
                raise
            return None
        if self.is_current:  # and was so when its log was opened, beside it, where folders know no locks
            return handle
        self._close(handle)
        return None

    def _opened(self) -> Handle:
        """Open what lies at the path; where its folder cannot be written, for reading alone."""
        if self.unwritable is not None:
            return _opened_unwritable(self.unwritable)
        connection = sqlite3.connect(
            _uri(self.path), uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, self.path, read_only=self._read_only)
            return Handle(connection, None)
        except sqlite3.Error as error:
            connection.close()
            if not is_unwritable(error) or not self.is_current:
                raise
            try:
                handle = _opened_unwritable(Unwritable(self.path))
            except (sqlite3.Error, OSError):
                raise error from None
            self.unwritable = handle.unwritable
            return handle
        except BaseException:
            connection.close()
            raise

    def _close(self, handle: Handle) -> None:
        with ExitStack() as stack, suppress(sqlite3.Error):
            with suppress(OSError, IndexBusy):
                stack.enter_context(held_together(self.path.parent))
            try:
                handle.connection.execute("SELECT 1")  # else an interrupt would end the last checkpoint
            finally:
                handle.connection.close()


def _release(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


class _Pin:
    """A file whose number no other file gets as long as it is pinned; ext4 gives a free one to the next file.

    Linux has a way to open a file (O_PATH) that does not end the locks that SQLite has on it when it is
    closed. The file systems of macOS and Windows do not use a number again.
    """

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC) if sys.platform == "linux" else None
        self._stat = path.stat() if handle is None else os.fstat(handle)
        self.release = weakref.finalize(self, _release, handle)

    def lies_at(self, path: Path) -> bool:
        """Whether it is the file at ``path``."""
        try:
            return os.path.samestat(self._stat, path.stat())
        except OSError:
            return False


def _uri(path: Path) -> str:
    """Return the address of a file that is opened for writing and never made."""
    name = quote(os.fsencode(path.absolute().as_posix()))
    return f"file://{'' if name.startswith('/') else '/'}{name}?mode=rw"


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    """Set limits, and how the file at ``path`` is written and how surely, and open its log.

    Errors are those of sqlite3.
    """
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        connection.execute(_READ)
        return
    if not path.stat().st_size:  # decided when the first page is written; later it is a write
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    shared = network_file_system(path.parent) is None
    connection.execute(f"PRAGMA journal_mode = {'WAL' if shared else 'DELETE'}")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT_BYTES}")
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if shared else 'FULL'}")
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute(_READ)


def _opened_unwritable(unwritable: Unwritable) -> Handle:
    connection = unwritable.connect()
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(_READ)
    return Handle(connection, unwritable)
