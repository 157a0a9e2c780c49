"""One SQLite connection: how it is set up, and how it is closed while another thread may be using it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

from codesearch.storage.filesystem import network_file_system
from codesearch.storage.unwritable import Unwritable

__all__ = ["BUSY_SECONDS", "Connection", "prepare"]

BUSY_SECONDS = 30.0
"""How long a statement waits for another process."""
_CACHE_KIB = 16_000
_LOG_LIMIT_BYTES = 64 << 20


class Connection:
    """A connection of one thread, locked while a statement runs."""

    def __init__(self, handle: sqlite3.Connection, unwritable: Unwritable | None) -> None:
        self.handle = handle
        self.unwritable = unwritable
        """Set where it takes the file for one that nobody changes."""
        self.lock = threading.Lock()

    def close(self) -> None:
        """Close it, after ending the statement that runs."""
        if not self.lock.acquire(blocking=False):
            with contextlib.suppress(sqlite3.ProgrammingError):  # its thread has closed it meanwhile
                self.handle.interrupt()
            self.lock.acquire()
            with contextlib.suppress(sqlite3.Error):
                self.handle.execute("SELECT 1")  # else the interrupt would end the last checkpoint
        try:
            self.handle.close()
        finally:
            self.lock.release()


def prepare(handle: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    """Set limits, and how the file at ``path`` is written and how surely. Errors are those of sqlite3."""
    handle.execute("PRAGMA foreign_keys = ON")
    handle.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    handle.execute("PRAGMA temp_store = MEMORY")
    if read_only:
        handle.execute("PRAGMA query_only = ON")
        return
    if not path.stat().st_size:  # decided when the first page is written; later it is a write
        handle.execute("PRAGMA auto_vacuum = INCREMENTAL")
    shared = network_file_system(path.parent) is None
    handle.execute(f"PRAGMA journal_mode = {'WAL' if shared else 'DELETE'}")
    handle.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT_BYTES}")
    handle.execute(f"PRAGMA synchronous = {'NORMAL' if shared else 'FULL'}")
    handle.execute("PRAGMA secure_delete = OFF")
