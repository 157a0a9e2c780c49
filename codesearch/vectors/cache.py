"""A cache of vectors that any of the user's indexes computed, keyed by what was embedded.

The same text under the same model has the same vector, in every worktree, branch and clone. The key is
a hash of (identity of the model, hash of the embedded text), the value the vector in float16 with a check
sum over both, the file one SQLite database that all processes of the user share and nobody else can read.
It holds nothing but hashes and vectors. A vector whose check sum is wrong is computed again.

Nothing depends on it: it is asked before embedding and told after the index has committed, it may be
deleted at any moment, and a cache that is damaged, busy, full or not writable is worth the same as an
empty one. So this file raises nothing that comes from the disk; ``problem`` says what went wrong. A
damaged file is moved aside (``.damaged``, one is kept) and a new one begun.
"""

from __future__ import annotations

import math
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import CodesearchError, IndexBusy
from codesearch.storage.folders.filesystem import network_file_system
from codesearch.storage.folders.folder_lock import held_alone, held_together

__all__ = ["DEFAULT_BYTES", "VectorCache", "configured_bytes"]

DEFAULT_BYTES = 1 << 30
"""Size of the file that is kept within, unless CODESEARCH_CACHE_BYTES says another one; 0 turns it off."""
_FORMAT = 2
_SUM_BYTES = 8
_BUSY_SECONDS = 2.0
_KEEP_SHARE = 0.8
"""Share that is kept by an eviction, so that the next batch does not evict again."""
_DAY = 86_400

_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
    key    BLOB PRIMARY KEY,
    used   INTEGER NOT NULL,  -- day of the last use, counted from 1970
    vector BLOB NOT NULL      -- check sum, then dim float16 numbers, little-endian
)"""
_INDEX = "CREATE INDEX IF NOT EXISTS least_recently_used ON vectors (used)"

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)

T = TypeVar("T")


class VectorCache:
    """The cache file at ``path``; nothing is opened before it is first used. Any thread may use it."""

    def __init__(self, path: Path, max_bytes: int | None = None) -> None:
        """``max_bytes`` limits the file; None: CODESEARCH_CACHE_BYTES, else 1 GiB; 0 turns the cache off.

        Raises:
            CodesearchError: CODESEARCH_CACHE_BYTES is no number.
        """
        self.path = path
        self.max_bytes = configured_bytes() if max_bytes is None else max_bytes
        self.problem: str | None = None
        self._lock = threading.Lock()
        self._handle: sqlite3.Connection | None = None

    def get(self, identity: str, hashes: Sequence[bytes], dim: int) -> list[NDArray[np.float32] | None]:
        """Of each text hash (``stored.text_hash``) the vector, (dim,) float32; None where it is unknown.

        ``identity`` is all that the vectors depend on besides the text (``Model.cache_identity``).
        """
        return [
            None if blob is None else np.frombuffer(blob, "<f2").astype(np.float32)
            for blob in self.get_blobs(identity, hashes, 2 * dim)
        ]

    def get_blobs(
        self, identity: str, hashes: Sequence[bytes], length: int | None = None
    ) -> list[bytes | None]:
        """``get`` of bytes: those that ``put_blobs`` remembered, all ``length`` long where that is given."""
        keys = [_key(identity, text) for text in hashes]
        found = self._do(lambda db: _read(db, keys)) or {}
        blobs = [_unsealed(key, found.get(key, b""), length) for key in keys]
        broken = sum(blob is None and key in found for key, blob in zip(keys, blobs, strict=True))
        if broken:
            self.problem = f"vector cache {self.path}: {broken} vector(s) were damaged and are computed anew"
        return blobs

    def put(self, identity: str, hashes: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Remember (n, dim) vectors of n text hashes. To be called after the index has committed them."""
        self.put_blobs(identity, hashes, [vector.tobytes() for vector in np.asarray(vectors).astype("<f2")])

    def put_blobs(self, identity: str, hashes: Sequence[bytes], blobs: Sequence[bytes]) -> None:
        """``put`` of bytes, one for each text hash."""
        today = _today()
        keys = [_key(identity, text) for text in hashes]
        rows = [(key, today, _sum(key, blob) + blob) for key, blob in zip(keys, blobs, strict=True)]
        if rows:
            self._do(lambda db: _write(db, rows, self.max_bytes))

    def size_bytes(self) -> int:
        """Bytes on disk, with the log."""
        total = 0
        for name in (self.path.name, f"{self.path.name}-wal"):
            with suppress(OSError):
                total += self.path.with_name(name).stat().st_size
        return total

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._close()

    def __enter__(self) -> VectorCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Run ``work`` on the file; None where the file could not do it."""
        if self.max_bytes <= 0:
            return None
        with self._lock:
            try:
                if self._handle is None or not self.path.exists():  # deleted under our hands: begin again
                    self._open()
                assert self._handle is not None
                return work(self._handle)
            except (sqlite3.Error, OSError, ValueError, TypeError, IndexBusy) as error:
                self.problem = f"vector cache {self.path}: {error}"
                self._recover(error)
        return None

    def _open(self) -> None:
        self._close()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held_together(self.path.parent):
            _make_private(self.path)
            self._handle = db = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            _prepare(db, self.path)

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            with ExitStack() as stack:
                with suppress(OSError, IndexBusy):
                    stack.enter_context(held_together(self.path.parent))
                handle.close()

    def _recover(self, error: Exception) -> None:
        with suppress(sqlite3.Error):
            self._close()
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if kind in _DAMAGED or isinstance(error, ValueError | TypeError):  # a value of another type
            with suppress(OSError, IndexBusy), held_alone(self.path.parent):
                self.path.replace(self.path.with_name(f"{self.path.name}.damaged"))
                for ending in ("-wal", "-shm"):
                    self.path.with_name(f"{self.path.name}{ending}").unlink(missing_ok=True)


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Set how the file is written, and make its table. Errors are those of sqlite3."""
    if not path.stat().st_size:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute(f"PRAGMA journal_mode = {'DELETE' if network_file_system(path.parent) else 'WAL'}")
    db.execute("PRAGMA synchronous = OFF")  # a power cut may damage it; it is then begun anew
    db.execute("PRAGMA secure_delete = OFF")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > _FORMAT:
        raise sqlite3.NotSupportedError("written by a newer version; it is left alone")
    if 0 < version < _FORMAT:
        db.execute("DROP TABLE IF EXISTS vectors")
    db.execute(_TABLE)
    db.execute(_INDEX)
    db.execute(f"PRAGMA user_version = {_FORMAT}")


def configured_bytes() -> int:
    """Read the limit that CODESEARCH_CACHE_BYTES sets, else ``DEFAULT_BYTES``."""
    text = os.environ.get("CODESEARCH_CACHE_BYTES", "")
    try:
        return int(text) if text else DEFAULT_BYTES
    except ValueError as error:
        raise CodesearchError(
            f"CODESEARCH_CACHE_BYTES is {text!r}, expected a number of bytes, or 0 for no cache"
        ) from error


def _make_private(path: Path) -> None:
    """Create the file for this user alone; PermissionError where somebody else made it."""
    with suppress(FileExistsError):
        # never one that is there: closing it would end the locks that SQLite has on it in this process
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    for file in (path, *(path.with_name(path.name + beside) for beside in ("-journal", "-wal", "-shm"))):
        if (file.exists() or file.is_symlink()) and not file.is_file():
            raise PermissionError(f"{file} is not a regular file")
    found = path.stat()
    if os.name == "nt":
        return
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o600)


def _key(identity: str, text_hash: bytes) -> bytes:
    return blake2b(
        text_hash, digest_size=16, key=blake2b(identity.encode(), digest_size=32).digest()
    ).digest()


def _sum(key: bytes, vector: bytes) -> bytes:
    return blake2b(vector, digest_size=_SUM_BYTES, key=key).digest()


def _unsealed(key: bytes, blob: bytes, length: int | None) -> bytes | None:
    """The bytes of a row; None for no row, another length or a wrong check sum."""
    sealed, found = blob[:_SUM_BYTES], blob[_SUM_BYTES:]
    if not found or (length is not None and len(found) != length) or _sum(key, found) != sealed:
        return None
    return found


def _today() -> int:
    return int(time.time()) // _DAY


def _read(db: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    today = _today()
    found: dict[bytes, bytes] = {}
    old: list[tuple[int, bytes]] = []
    for key in keys:
        row = db.execute("SELECT vector, used FROM vectors WHERE key = ?", (key,)).fetchone()
        if row is not None:
            found[key] = row[0]
            if row[1] != today:  # one write a day at most, so that asking stays cheap
                old.append((today, key))
    if old:
        with suppress(sqlite3.OperationalError):  # busy or read-only: the answer is good all the same
            db.execute("BEGIN IMMEDIATE")
            db.executemany("UPDATE vectors SET used = ? WHERE key = ?", old)
            db.execute("COMMIT")
        if db.in_transaction:
            db.execute("ROLLBACK")
    return found


def _write(db: sqlite3.Connection, rows: Sequence[tuple[bytes, int, bytes]], max_bytes: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT OR REPLACE INTO vectors (key, used, vector) VALUES (?, ?, ?)", rows)
    if _used_bytes(db) > max_bytes:
        _evict(db, max_bytes)
    db.execute("COMMIT")
    db.executescript("PRAGMA incremental_vacuum")


def _used_bytes(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _evict(db: sqlite3.Connection, max_bytes: int) -> None:
    """Forget what was not used for the longest time; of what was used on the same day, the oldest."""
    share = 1 - _KEEP_SHARE * max_bytes / _used_bytes(db)
    rows = db.execute("SELECT count(*) FROM vectors").fetchone()[0]
    oldest = "SELECT rowid FROM vectors ORDER BY used, rowid LIMIT ?"
    db.execute(f"DELETE FROM vectors WHERE rowid IN ({oldest})", (math.ceil(share * rows),))
