"""One SQLite file shared by threads and processes: transactions, and errors that say what to do.

A thread uses one handle (``handles.py``) for a statement, a transaction or all that lies inside ``held``.
One process at a time writes (``lock.py`` sees to that), any number read meanwhile: WAL gives each reader
the snapshot of its transaction's beginning.

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

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import BadQuery, CodesearchError, IndexBusy, IndexFormatError, StorageFailed
from codesearch.storage.folders.unwritable import advice
from codesearch.storage.sqlite.handles import Handle, Handles

__all__ = ["Database", "Row"]

Row = tuple[Any, ...]
_READING = "BEGIN"
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
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

    handle: Handle | None = None
    holds: int = 0
    """Nesting of ``held``, which everything that uses the handle is."""
    depth: int = 0
    """Nesting of ``transaction`` and ``reading``."""
    known: dict[str, Any] | None = None
    """Answers of ``fixed`` since ``reading`` began; None where it has not, or something may be written."""


class Database:
    """One file, which must exist. All methods may be called from any thread."""

    def __init__(self, path: Path, *, remedy: str, read_only: bool = False) -> None:
        self.path = path
        self.remedy = remedy
        self._read_only = read_only
        self._handles = Handles(path, read_only=read_only)
        self._mine = _Mine()

    @property
    def is_current(self) -> bool:
        """Whether the open file is still the one at ``path``."""
        return self._handles.is_current

    @property
    def is_unwritable(self) -> bool:
        """Whether its folder could not be written when it was opened."""
        return self._handles.unwritable is not None

    @property
    def read_only(self) -> bool:
        """Whether nothing is to be written, or can be."""
        return self._read_only or self.is_unwritable

    # -- reading and writing

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        with self._used() as connection:
            return connection.execute(sql, params).fetchall()

    def numbers(self, sql: str, params: Sequence[Any], row: np.dtype[np.void]) -> NDArray[np.void]:
        """All rows of a query of numbers, (n,) of the type ``row``: no object is kept for any of them."""
        with self._used() as connection:
            return np.fromiter(connection.execute(sql, params), row)

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """First column of the first row; None where there is no row."""
        with self._used() as connection:
            row = connection.execute(sql, params).fetchone()
        return None if row is None else row[0]

    def fixed(self, sql: str) -> Any:
        """``value``, asked once inside of ``reading``, where it cannot change."""
        known = self._mine.known
        if known is None:
            return self.value(sql)
        if sql not in known:
            known[sql] = self.value(sql)
        return known[sql]

    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Execute one statement; the rowid of the row it inserted, if it did."""
        with self._used() as connection:
            return connection.execute(sql, params).lastrowid or 0

    def run_many(self, sql: str, params: Sequence[Sequence[Any]]) -> None:
        """Execute one statement for each row of parameters."""
        with self._used() as connection:
            connection.executemany(sql, params)

    def run_to_end(self, pragma: str) -> None:
        """Run a statement that does its work step by step without giving rows, outside of transactions."""
        with self._used() as connection:
            connection.executescript(pragma)

    def changes(self) -> int:
        """Rows changed through the handle that this thread holds."""
        with self._used() as connection:
            return connection.total_changes

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
        with self._block(_READING):
            yield

    @contextmanager
    def _block(self, begin: str) -> Iterator[bool]:
        mine = self._mine
        with self.held():
            if not mine.depth:
                self.run(begin)
                mine.known = {}
            if begin != _READING:
                mine.known = None
            mine.depth += 1
            try:
                yield mine.depth == 1
                if mine.depth == 1:
                    self.run("COMMIT")
            except BaseException:
                if mine.depth == 1:
                    self._roll_back()
                raise
            finally:
                mine.depth -= 1
                if not mine.depth:
                    mine.known = None

    def _roll_back(self) -> None:
        """After an error SQLite may have rolled back by itself; a second error must not hide the first."""
        handle = self._mine.handle
        if handle is None:
            return
        try:
            if handle.connection.in_transaction:
                handle.connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._mine.handle = None
            self._handles.drop(handle)

    # -- handles

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep one handle for this thread: what is asked inside is answered whatever becomes of the file.

        Raises:
            IndexBusy: the file is gone, and other threads use all that is left of it.
        """
        mine = self._mine
        with self._in_words():
            mine.handle = mine.handle or self._handles.take()
        mine.holds += 1
        try:
            yield
        finally:
            mine.holds -= 1
            if not mine.holds and (handle := mine.handle):
                mine.handle = None
                self._handles.give(handle)

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        """Yield the handle of this thread; errors in words."""
        with self.held(), self._in_words():
            handle = self._mine.handle
            if handle is None or self._handles.closed:
                raise self._handles.closed_error()
            yield handle.connection

    def close(self) -> None:
        """Close the file; a thread that is still at work gets an error."""
        self._handles.close()

    # -- errors

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except UnicodeEncodeError as error:
            raise BadQuery(
                f"{error.object[:200]!a} is no Unicode text, and nothing of such a name is indexed"
            ) from None
        except UnicodeDecodeError as error:  # text in another encoding, also inside SQLite's own messages
            raise self._damaged(error) from error

    def _explained(self, error: sqlite3.Error) -> CodesearchError:
        if self._handles.closed:
            return self._handles.closed_error()
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the class of the error
        if kind in _LOCKED:
            return IndexBusy(None)
        for kinds, remedy in _ADVICE:
            if kind in kinds:
                name = getattr(error, "sqlite_errorname", "unknown")  # of 30 kinds of "disk I/O error" one
                return StorageFailed(f"{self.path}: {error} ({name}); {advice(self.path) or remedy}")
        return self._damaged(error)

    def _damaged(self, error: Exception) -> IndexFormatError:
        """Blame the file: its rows or tables are not as we wrote them."""
        problem = f"damaged ({self.path}: {str(error)[:200]!a})"
        return IndexFormatError(problem, "a whole database", self.remedy)
