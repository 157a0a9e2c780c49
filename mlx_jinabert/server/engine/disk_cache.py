"""The file behind the cache in memory: one SQLite database of hashes and vectors, no texts.

Nothing depends on it. A file that is damaged, busy, full or not writable is worth the same as none: a
warning is logged once and the server answers without it.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from mlx_jinabert.server.engine.cache import CacheEntry

__all__ = ["DiskCache"]

_log = logging.getLogger("mlx_jinabert.server")

_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
    key    BLOB PRIMARY KEY,
    used   INTEGER NOT NULL,  -- seconds since 1970 of the last write or of a hit, by the hour
    tokens INTEGER NOT NULL,
    vector BLOB NOT NULL      -- float32, little-endian
) WITHOUT ROWID"""
_INDEX = "CREATE INDEX IF NOT EXISTS least_recently_used ON vectors (used)"
_FORMAT = 1
_BUSY_SECONDS = 1.0
_AT_ONCE = 500
_KEEP_SHARE = 0.8
"""What is left after an eviction: room, so that the next write does not evict again."""
_HOUR = 3600


class DiskCache:
    """See ``CacheLevel``. ``max_bytes`` bounds the pages in use; the file keeps its largest size."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        try:
            self._db = self._open()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, CacheEntry]:
        """See ``CacheLevel``."""
        wanted = list(keys)
        found: dict[bytes, CacheEntry] = {}
        with self._lock:
            try:
                for start in range(0, len(wanted) if self._db else 0, _AT_ONCE):
                    found |= self._read(wanted[start : start + _AT_ONCE])
            except sqlite3.Error as error:
                self._give_up(error)
        return found

    def put(self, found: Mapping[bytes, CacheEntry]) -> None:
        """See ``CacheLevel``."""
        now = int(time.time())
        rows = [
            (key, now, entry.tokens, entry.vector.astype("<f4").tobytes()) for key, entry in found.items()
        ]
        with self._lock:
            if self._db is None or not rows:
                return
            try:
                with self._db:
                    self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)
                    self._evict(self._db)
            except sqlite3.Error as error:
                self._give_up(error)

    def close(self) -> None:
        """See ``CacheLevel``."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")  # a power cut may damage it, and then it is nothing
        if db.execute("PRAGMA user_version").fetchone()[0] not in (0, _FORMAT):
            raise sqlite3.NotSupportedError("written by another version")
        db.execute(_TABLE)
        db.execute(_INDEX)
        db.execute(f"PRAGMA user_version = {_FORMAT}")
        return db

    def _read(self, keys: list[bytes]) -> dict[bytes, CacheEntry]:
        assert self._db is not None
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, used, tokens, vector FROM vectors WHERE key IN ({marks})"
        now = int(time.time())
        found, old = {}, []
        for key, used, tokens, blob in self._db.execute(query, keys):
            found[key] = CacheEntry(tokens, np.frombuffer(blob, "<f4").astype(np.float32))
            if now - used > _HOUR:
                old.append((now, key))
        if old:
            with self._db:
                self._db.executemany("UPDATE vectors SET used = ? WHERE key = ?", old)
        return found

    def _evict(self, db: sqlite3.Connection) -> None:
        """Forget what was not used for the longest time, down to a share of ``max_bytes``."""
        pages, free, size = (
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        used = (pages - free) * size
        if used <= self._max_bytes:
            return
        rows = db.execute("SELECT count(*) FROM vectors").fetchone()[0]
        count = int(rows * (1 - _KEEP_SHARE * self._max_bytes / used)) + 1
        oldest = "SELECT key FROM vectors ORDER BY used LIMIT ?"
        db.execute(f"DELETE FROM vectors WHERE key IN ({oldest})", (count,))

    def _give_up(self, error: Exception) -> None:
        _log.warning("vectors are not kept in %s: %s", self._path, error)
        if self._db is not None:
            self._db.close()
        self._db = None
