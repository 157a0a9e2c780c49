"""One SQLite file shared by threads and processes: connections, transactions, errors in words.

Every thread gets its own connection. A connection is closed by whoever closes the database, but never
while a statement of its thread runs: SQLite would read freed memory. One process at a time writes
(``lock.py`` sees to that), any number read meanwhile: WAL gives each reader the snapshot of its
transaction's beginning.

Durability: ``synchronous=NORMAL``. Killing the process at any point loses at most the transaction
that was open: what was committed is in the operating system's hands. A power cut may also lose the
last commits before it, but never corrupts, because the log is flushed before it is copied into the
database. For a cache of the user's files that is the right side of a tenfold faster commit.

WAL needs shared memory and working locks. On a network file system the rollback journal is used
instead (it needs locks only; readers and the writer then wait for each other), and where even locks
fail the error says which folder to move.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codesearch.errors import CodesearchError, IndexBusy, IndexFormatError, StorageFailed
from codesearch.storage.connections import BUSY_SECONDS, Connection, prepare
from codesearch.storage.unwritable import Unwritable, advice, is_unwritable

__all__ = ["Database", "Row"]

Row = tuple[Any, ...]
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_CLOSED = "{} was closed; open the index again"
_ADVICE = (
    (
        (sqlite3.SQLITE_FULL,),
        "no space is left: nothing of this step was stored, everything before it is kept; "
        "free some space and run it again",
    ),
    (
        (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS),
        "a quota is used up, the disk fails, or it is a network drive: set CODESEARCH_HOME to a folder on "
        "another local disk",
    ),
    (
        (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
        "check its permissions, or set CODESEARCH_HOME to a folder of your own",
    ),
)


class _Mine(threading.local):
    """State of one thread."""

    connection: Connection | None = None
    depth: int = 0
    """Nesting of ``transaction`` and ``reading``."""


class Database:
    """Connections to one file. All methods may be called from any thread; ``close`` ends them all."""

    def __init__(self, path: Path, *, remedy: str, read_only: bool = False) -> None:
        self.path = path
        self.remedy = remedy
        self._read_only = read_only
        self.closed = False
        self._mine = _Mine()
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, Connection] = {}
        self._unwritable: Unwritable | None = None
        """Set once the folder could not be written."""

    @property
    def is_unwritable(self) -> bool:
        """Whether its folder could not be written when it was opened."""
        return self._unwritable is not None

    @property
    def read_only(self) -> bool:
        """Whether nothing is to be written, or can be."""
        return self._read_only or self.is_unwritable

    # -- reading and writing

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        with self._used() as handle:
            return handle.execute(sql, params).fetchall()

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """First column of the first row; None where there is no row."""
        with self._used() as handle:
            row = handle.execute(sql, params).fetchone()
        return None if row is None else row[0]

    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Execute one statement; the rowid of the row it inserted, if it did."""
        with self._used() as handle:
            return handle.execute(sql, params).lastrowid or 0

    def run_many(self, sql: str, params: Sequence[Sequence[Any]]) -> None:
        """Execute one statement for each row of parameters."""
        with self._used() as handle:
            handle.executemany(sql, params)

    def run_to_end(self, pragma: str) -> None:
        """Run a statement that does its work step by step without giving rows, outside of transactions."""
        with self._used() as handle:
            handle.executescript(pragma)

    def changes(self) -> int:
        """Rows changed through this thread's connection since it was opened."""
        with self._used() as handle:
            return handle.total_changes

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Around whatever makes values of rows. Where that fails, the file is damaged."""
        try:
            yield
        except (ValueError, TypeError, OverflowError) as error:
            raise self._damaged(error) from error

    # -- transactions

    @contextmanager
    def transaction(self) -> Iterator[bool]:
        """Everything inside is stored, or nothing. Yields True in the outermost of nested blocks."""
        with self._block("BEGIN IMMEDIATE") as outermost:
            yield outermost

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Every query inside sees the same snapshot."""
        with self._block("BEGIN"):
            yield

    @contextmanager
    def _block(self, begin: str) -> Iterator[bool]:
        if self._mine.depth:
            self._mine.depth += 1
            try:
                yield False
            finally:
                self._mine.depth -= 1
            return
        self.run(begin)
        self._mine.depth = 1
        try:
            yield True
            self.run("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._mine.depth = 0

    def _roll_back(self) -> None:
        """After an error SQLite may have rolled back by itself; a second error must not hide the first."""
        connection = self._mine.connection
        if connection is None:
            return
        with connection.lock:
            try:
                if connection.handle.in_transaction:
                    connection.handle.execute("ROLLBACK")
                return
            except sqlite3.Error:
                pass
        self._drop(connection)

    # -- connections

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        """Yield this thread's connection, which nobody closes inside the block; errors in words."""
        connection = self._kept()
        try:
            if connection is None and not self.closed:
                connection = self._mine.connection = self._connect()
            if connection is None:
                raise CodesearchError(_CLOSED.format(self.path))
            with connection.lock:
                if self.closed:
                    raise CodesearchError(_CLOSED.format(self.path))
                yield connection.handle
        except sqlite3.Error as error:
            raise self._in_words(error) from error
        except UnicodeDecodeError as error:  # text in another encoding, also inside SQLite's own messages
            raise self._damaged(error) from error

    def _kept(self) -> Connection | None:
        """Return the connection of this thread, unless it took for immutable what has changed."""
        connection = self._mine.connection
        if connection is None or connection.unwritable is None or self._mine.depth:
            return connection
        if connection.unwritable.is_over:
            if self._unwritable is connection.unwritable:
                self._unwritable = None
            self._drop(connection)
            return None
        return connection

    def _connect(self) -> Connection:
        handle = self._handle()
        connection = Connection(handle, self._unwritable)
        with self._lock:
            for thread in [t for t in self._open if not t.is_alive()]:
                self._open.pop(thread).close()
            if not self.closed:
                self._open[threading.current_thread()] = connection
                return connection
        handle.close()
        raise CodesearchError(_CLOSED.format(self.path))

    def _handle(self) -> sqlite3.Connection:
        """Open the file; where its folder cannot be written, for reading alone."""
        if self._unwritable is not None:
            return self._handle_unwritable(self._unwritable)
        handle = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            prepare(handle, self.path, read_only=self._read_only)
        except sqlite3.Error as error:
            handle.close()
            if not is_unwritable(error) or not self.path.is_file():
                raise
            try:
                found = self._handle_unwritable(unwritable := Unwritable(self.path))
            except (sqlite3.Error, OSError):
                raise error from None
            self._unwritable = unwritable
            return found
        except BaseException:
            handle.close()
            raise
        return handle

    def _handle_unwritable(self, unwritable: Unwritable) -> sqlite3.Connection:
        handle = unwritable.connect()
        handle.execute("PRAGMA query_only = ON")
        handle.execute("PRAGMA temp_store = MEMORY")
        handle.execute("SELECT count(*) FROM sqlite_schema")  # is it one at all?
        return handle

    def _drop(self, connection: Connection) -> None:
        self._mine.connection = None
        with self._lock:
            self._open.pop(threading.current_thread(), None)
        connection.close()

    def close(self) -> None:
        """Close the connections of all threads; a thread that is still at work gets an error."""
        with self._lock:
            self.closed = True
            connections = list(self._open.values())
            self._open.clear()
        for connection in connections:
            connection.close()

    # -- errors

    def _in_words(self, error: sqlite3.Error) -> CodesearchError:
        if self.closed:
            return CodesearchError(_CLOSED.format(self.path))
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the class of the error
        if kind in _LOCKED:
            return IndexBusy(None)
        for kinds, remedy in _ADVICE:
            if kind in kinds:
                return StorageFailed(f"{self.path}: {error}; {advice(self.path) or remedy}")
        return self._damaged(error)

    def _damaged(self, error: Exception) -> IndexFormatError:
        """Blame the file: its rows or tables are not as we wrote them."""
        problem = f"damaged ({self.path}: {str(error)[:200]!a})"
        return IndexFormatError(problem, "a whole database", self.remedy)
