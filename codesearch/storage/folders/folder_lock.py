"""Lock a folder for the moment in which a database in it is opened, closed or deleted.

A database of SQLite's is three files, and SQLite opens and deletes the log and the shared memory by name:
after it has opened the database, and when its last user closes it. Where the database is deleted or made anew
in between, the log of one meets the other, and what was committed is gone. So whoever opens or closes one
holds its folder together with others, and whoever deletes one holds it alone.

The lock is flock's on the folder itself: it makes no file, works where nothing can be written, and the kernel
drops it when its holder dies. Windows has no need of it: an open file cannot be deleted there. Where a file
system knows no such locks, there is none.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codesearch.errors import IndexBusy

__all__ = ["held_alone", "held_together"]

_WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.005

if sys.platform == "win32":

    @contextmanager
    def held_together(folder: Path) -> Iterator[None]:
        """Do nothing."""
        yield

    held_alone = held_together
else:
    import fcntl

    @contextmanager
    def held_together(folder: Path) -> Iterator[None]:
        """Let nobody delete what lies in ``folder``. FileNotFoundError where there is none; IndexBusy."""
        with _held(folder, fcntl.LOCK_SH):
            yield

    @contextmanager
    def held_alone(folder: Path) -> Iterator[None]:
        """Let nobody open or close what lies in ``folder``. Errors as above."""
        with _held(folder, fcntl.LOCK_EX):
            yield

    @contextmanager
    def _held(folder: Path, how: int) -> Iterator[None]:
        handle = _locked(folder, how)
        try:
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def _locked(folder: Path, how: int) -> int | None:
        """Open and lock the folder that lies there once it is locked; None where it cannot be opened."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                raise
            except OSError:
                return None
            try:
                _wait(handle, how, deadline)
                if os.path.samestat(os.fstat(handle), folder.stat()):  # else it was made anew meanwhile
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _wait(handle: int, how: int, deadline: float) -> None:
        """Take the lock, or go without where the file system has none. IndexBusy at the deadline."""
        while True:
            try:
                fcntl.flock(handle, how | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise IndexBusy(None) from None
                time.sleep(_POLL_SECONDS)
            except OSError:
                return
            else:
                return
