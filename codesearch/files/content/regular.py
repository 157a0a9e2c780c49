"""Read a file that anybody may have put there: never block, never read more than asked for."""

from __future__ import annotations

import errno
import os
import stat

__all__ = ["read_regular"]

_FLAGS = sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC", "O_NOCTTY"))
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENAMETOOLONG})


def read_regular(
    path: str | bytes | os.PathLike[str], max_bytes: int, *, follow: bool = True
) -> bytes | None:
    """The content; None where there is no regular file (a pipe, a device, a folder) or it is larger.

    Without ``follow`` a symbolic link counts as nothing. Raises OSError where the file is there and
    cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | _FLAGS | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    except ValueError:  # a NUL in the name
        return None
    except OSError as error:
        if error.errno in _ABSENT or (os.name == "nt" and os.path.isdir(path)):  # noqa: PTH112 - may be bytes
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        return _read(handle, max_bytes)
    finally:
        os.close(handle)


def _read(handle: int, max_bytes: int) -> bytes | None:
    """Until the end: what a file says of its size need not be true (procfs)."""
    parts: list[bytes] = []
    left = max_bytes + 1
    while left > 0 and (part := os.read(handle, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts) if left > 0 else None
