"""One writer per index: a lock that the operating system drops when its holder dies.

The file's content, the holder's process id, is for the error message only. The lock is on an open
file, so two writers in one process exclude each other too. It is not taken for reading.

No library: filelock's native lock does not say who holds it, and where flock is missing it falls back to a
lock that outlives a holder that was killed.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from pathlib import Path
from types import TracebackType

from codesearch.errors import IndexBusy, StorageFailed
from codesearch.storage.folders.unwritable import advice

__all__ = ["WriterLock"]

_POLL_SECONDS = 0.05
_PID_BYTES = 12
_LOCKED_BYTE = 1 << 30
"""Windows locks ranges, and a locked range cannot be read: the id at the start must stay readable."""

if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int) -> None:
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class WriterLock:
    """``with WriterLock(path, wait_seconds)``: waits up to the bound, then raises IndexBusy(pid)."""

    def __init__(self, path: Path, wait_seconds: float = 0.0) -> None:
        self._path = path
        self._wait_seconds = wait_seconds
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock. IndexBusy names the process that held it all the time."""
        deadline = time.monotonic() + self._wait_seconds
        while not self._try_acquire():
            if time.monotonic() >= deadline:
                raise IndexBusy(self._holder())
            time.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would race with a waiting writer."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _try_acquire(self) -> bool:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # the index was cleared, folder and all, between the two
            return False
        except OSError as error:
            if isinstance(error, FileExistsError) and not self._path.parent.exists():
                return False  # the same, while the folder was made
            remedy = advice(self._path) or "set CODESEARCH_HOME to a folder of your own"
            raise StorageFailed(f"{self._path}: {error.strerror}; {remedy}") from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise StorageFailed(f"{self._path} is no file; remove it")
        try:
            _try_lock(fd)
        except OSError:
            os.close(fd)
            return False
        if not self._is_current(fd):  # the index was cleared between open and lock
            os.close(fd)
            return False
        os.lseek(fd, 0, os.SEEK_SET)
        with contextlib.suppress(OSError):  # a full disk must not keep anyone from the lock
            os.write(
                fd, f"{os.getpid():<{_PID_BYTES}}".encode()
            )  # of one size: making it empty takes longest
            if os.fstat(fd).st_size != _PID_BYTES:
                os.ftruncate(fd, _PID_BYTES)
        self._fd = fd
        return True

    def _is_current(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self._path.stat())
        except FileNotFoundError:
            return False

    def _holder(self) -> int | None:
        with contextlib.suppress(OSError, ValueError):
            return int(self._path.read_bytes() or b"0") or None
        return None

    def __enter__(self) -> WriterLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
