"""Compare a walk with the last refresh: a pure function that reads no file.

A file is taken as unchanged when its size and its stamp (times and inode) are what they were, with one
exception, known from git as the racy entry: a file modified at about the moment when it was last read may
have been modified again within the same tick of the file system's clock. Those are read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codesearch.quick_dataclass import dataclass
from codesearch.records import SourceFile
from codesearch.storage.rows import StoredFile

__all__ = ["TICK_NS", "Changes", "compare", "is_racy"]

TICK_NS = 2_000_000_000
"""Coarsest modification time in use, in nanoseconds (FAT: 2 s; HFS+ and ext3: 1 s)."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The work of a refresh. Paths in the order of the walk."""

    to_read: tuple[SourceFile, ...]
    """New files, and known ones whose content may have changed."""
    removed: tuple[str, ...]
    """Paths that are stored but were not walked."""
    unchanged: int
    """Files that need not even be opened."""


def compare(
    walked: Sequence[SourceFile], stored: Mapping[str, StoredFile], last_read_ns: int | None
) -> Changes:
    """Compare a walk with what is stored; ``last_read_ns`` is when the last whole refresh began to read.

    None, where no refresh has read everything yet, makes every file doubtful.
    """

    def as_it_was(file: SourceFile) -> bool:
        known = stored.get(file.path)
        if known is None or is_racy(file, last_read_ns):
            return False
        return (file.size, file.stamp) == (known.size, known.stamp)

    to_read = tuple(file for file in walked if not as_it_was(file))
    removed = stored.keys() - {file.path for file in walked}
    return Changes(to_read, tuple(sorted(removed)), len(walked) - len(to_read))


def is_racy(file: SourceFile, last_read_ns: int | None) -> bool:
    """Whether the file may have changed after it was last read without its time telling so."""
    return last_read_ns is None or file.mtime_ns >= last_read_ns - TICK_NS
