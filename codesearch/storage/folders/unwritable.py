"""Read an index whose folder is not writable: full disk, read-only file system, another user's home.

SQLite's log needs shared memory beside the file even to read. Where that cannot be made, the file is opened
as one that nobody changes, which is right as long as its log is empty; a log that is not (its writer was
killed) is first applied to a copy elsewhere. As soon as the file or its log has changed, somebody can write
again, and it is opened as usual.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tempfile

__all__ = ["Unwritable", "advice", "is_unwritable"]

_KINDS = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_LITTLE_BYTES = 1 << 20


def is_unwritable(error: sqlite3.Error) -> bool:
    """Whether SQLite failed because it could not write, perhaps only beside the file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _KINDS


def advice(path: Path) -> str | None:
    """Return what is wrong with the place of a file and what to do; None where nothing seems wrong."""
    import shutil  # late, here and below: every search imports this, and few need it

    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return None
    if free < _LITTLE_BYTES:
        return "no space is left on its disk; free some and run it again: what is stored is kept"
    if not os.access(path.parent, os.W_OK):
        return "its folder cannot be written; set CODESEARCH_HOME to a folder of your own"
    return None


class Unwritable:
    """Connections to the file at ``path``, which does not change as long as they are open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._seen = _stamps(path)

    @property
    def is_over(self) -> bool:
        """Whether somebody has written after all."""
        return _stamps(self._path) != self._seen

    def connect(self) -> sqlite3.Connection:
        """Open it. Raises sqlite3.Error or OSError where even that is impossible."""
        with self._lock:
            path = self._path if self._copy is None else Path(self._copy.name) / self._path.name
            if self._copy is None and _has_log(self._path):
                import tempfile

                self._copy = tempfile.TemporaryDirectory(prefix="codesearch-", ignore_cleanup_errors=True)
                path = _applied(self._path, Path(self._copy.name))
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _stamps(path: Path) -> list[tuple[int, int, int] | None]:
    """Return what changes with the content of the file and of its log."""
    found: list[tuple[int, int, int] | None] = []
    for file in (path, _log_of(path)):
        try:
            stat = file.stat()
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns) if stat.st_size else None)
        except OSError:
            found.append(None)
    return found


def _has_log(path: Path) -> bool:
    try:
        return _log_of(path).stat().st_size > 0
    except FileNotFoundError:
        return False


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _applied(path: Path, folder: Path) -> Path:
    """Copy the file and its log into ``folder`` and make them one."""
    copy = folder / path.name
    import shutil

    shutil.copyfile(path, copy)
    shutil.copyfile(_log_of(path), _log_of(copy))
    handle = sqlite3.connect(copy)
    try:
        handle.execute("PRAGMA journal_mode = DELETE")
    finally:
        handle.close()
    return copy
