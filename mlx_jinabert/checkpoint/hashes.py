"""sha256 of files, remembered; and what was converted here from what.

A hash is remembered by device, inode, size and both times of the file, so that one which was replaced,
edited or moved over another is hashed again; the time of the inode's last change cannot be set by a
program. A file that changed within the last moments is not remembered: another change may come within
one tick of the file system's clock. Both records are kept in a private folder of the cache and worth
nothing outside of it: one that cannot be read or written costs time, never an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlx_jinabert.checkpoint.cache_location import is_private, keep_file, private_folder

__all__ = ["FileHashes", "origin_of", "remember_origin"]

_FOLDER = "identity"
_HASHES = "files.json"
_ORIGINS = "conversions.json"
_MOST_ENTRIES = 4096
_TICK_NS = 2_000_000_000
"""The coarsest clock of a file system in use (FAT)."""


class FileHashes:
    """sha256 of files, each read in full once."""

    def __init__(self) -> None:
        self._known = _read(_HASHES)
        self._fresh: dict[str, list[Any]] = {}

    def sha256(self, path: Path) -> str:
        """Hexadecimal; raises OSError where the file cannot be read."""
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            key, stamp = f"{before.st_dev}:{before.st_ino}", _stamp(before)
            known = self._known.get(key)
            if isinstance(known, list) and known[:-1] == stamp and isinstance(known[-1], str):
                return known[-1]
            now = time.time_ns()
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            settled = max(before.st_mtime_ns, before.st_ctime_ns) < now - _TICK_NS
            if settled and _stamp(os.fstat(file.fileno())) == stamp:
                self._fresh[key] = [*stamp, digest]
        return digest

    def save(self) -> None:
        """Remember what was hashed, for later processes."""
        if self._fresh:
            _add(_HASHES, self._fresh)


def origin_of(content: str) -> str | None:
    """The content that was converted here into ``content``."""
    found = _read(_ORIGINS).get(content)
    return found if isinstance(found, str) else None


def remember_origin(content: str, source: str) -> None:
    """Remember that ``content`` was converted here from ``source``."""
    _add(_ORIGINS, {content: source})


def _stamp(found: os.stat_result) -> list[int]:
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _read(name: str) -> dict[str, Any]:
    """The record, if nobody else could have written it."""
    try:
        folder = private_folder(_FOLDER)
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and is_private(folder) else {}


def _add(name: str, entries: Mapping[str, Any]) -> None:
    older = {key: value for key, value in _read(name).items() if key not in entries}
    kept = dict([*older.items(), *entries.items()][-_MOST_ENTRIES:])
    keep_file(_FOLDER, name, json.dumps(kept).encode())
