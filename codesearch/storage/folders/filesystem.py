"""What a folder's file system means for locks, and writes that survive a crash."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["network_file_system", "replace_atomically", "sync_file"]

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph", "lustre", "glusterfs", "fuse.rclone")


def network_file_system(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """Type of the network file system that holds ``folder``, None for a local one or where it is not known.

    Read from the kernel's mount table (Linux only): the mount point that is the longest prefix of the
    resolved path, the last one where several are mounted there. Elsewhere nothing is known, and SQLite's own
    checks have to do.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    resolved = folder.resolve()
    best, kind = -1, ""
    for line in lines:
        fields = line.split()
        # "36 35 98:0 /root /mount/point options - type source ..."; spaces are written as \040
        point = Path(fields[4].replace("\\040", " "))
        if len(point.parts) >= best and resolved.is_relative_to(point):
            best, kind = len(point.parts), fields[fields.index("-") + 1]
    return kind if kind.startswith(_NETWORK) else None


def sync_file(path: Path) -> None:
    """Flush one file, or the names in one folder, to the disk. Folders cannot be flushed on Windows."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_atomically(written: Path, target: Path) -> None:
    """Rename a file written beside ``target`` onto it: after a crash there is the old one or the new."""
    try:
        sync_file(written)
        written.replace(target)
        sync_file(target.parent)
    except OSError:
        with suppress(OSError):
            written.unlink()
        raise
