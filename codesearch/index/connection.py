"""The connection of an index to its database: opens it, follows a replaced one, rebuilds a damaged one.

Everything in an index can be made again from the tree, so damage is no loss; but only the writer may
throw a database away, and never one that a newer version wrote. A reader that has the old file open
keeps it: the name is unlinked, SQLite sees that its file has moved and leaves the new one alone.
"""

from __future__ import annotations

import os
import threading

from codesearch.errors import CodesearchError, IndexFormatError, IndexNotFound
from codesearch.searching.stores.single import SingleStore
from codesearch.storage.locations import Location
from codesearch.storage.store import DATABASE, Store
from codesearch.vectors import graph_file as graph_stamp
from codesearch.vectors.vector_index import VectorIndex

__all__ = ["Connection", "OpenDatabase", "is_damage"]


class OpenDatabase:
    """A store that is open, and the vectors read from it. Replaced as a whole when the file is."""

    def __init__(self, location: Location, store: Store) -> None:
        self.store = store
        self.search_store = SingleStore(str(location.root), store, self.vectors)
        self._directory = location.directory
        self._file = store.path.stat()
        self._lock = threading.Lock()
        self._vectors: VectorIndex | None = None

    @property
    def is_current(self) -> bool:
        """Whether the open file is the one on disk."""
        try:
            return os.path.samestat(self._file, self.store.path.stat())
        except FileNotFoundError:
            return False

    def vectors(self) -> VectorIndex:
        """Return the vectors, made when first asked for."""
        with self._lock:
            if self._vectors is None:
                self._vectors = VectorIndex(self.store, self._directory)
            return self._vectors


class Connection:
    """Holds the ``OpenDatabase`` of an ``Index``. Any thread may use it."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._lock = threading.RLock()
        self._opened: OpenDatabase | None = None
        self._closed = False

    def database(self) -> OpenDatabase:
        """Return the open database. IndexNotFound, IndexFormatError; CodesearchError once it was closed."""
        with self._lock:
            if self._closed:
                raise CodesearchError(f"the index of {self._location.root} was closed; open it again")
            return self._opened or self.open(create=False)

    @property
    def is_current(self) -> bool:
        """Whether an index is open whose file is the one on disk."""
        with self._lock:
            return self._opened is not None and self._opened.is_current

    def open(self, create: bool) -> OpenDatabase:
        """Open what is there; with ``create``, an empty index where nothing is."""
        with self._lock:
            root = self._location.root
            try:
                store = Store.open(self._location.directory, root=root)
            except IndexNotFound:
                if not create:
                    raise
                store = Store.open(self._location.directory, create=True, root=root)
            self._opened = OpenDatabase(self._location, store)
            return self._opened

    def prepare(self, rebuild: bool) -> str:
        """Open for the writer what lies on disk now, repaired if need be; return a note on it, or ""."""
        with self._lock:
            if self._opened and not self._opened.is_current:  # another process cleared it
                self._release()
            try:
                opened = self._opened or self.open(create=True)
                if rebuild:
                    opened.store.remove_files(list(opened.store.files()))
            except IndexFormatError as error:
                if rebuild:
                    self.discard()
                elif is_damage(error):
                    return self.repair(error)
                else:
                    raise
            return ""

    def repair(self, error: IndexFormatError) -> str:
        """Replace, for the writer, a damaged database by an empty one; return a note that says so."""
        self.discard()
        return f"the index was {error.found} and has been built again"

    def discard(self) -> None:
        """Delete, for the writer, the database and what was derived from it, and begin an empty one."""
        with self._lock:
            self._release()
            for suffix in ("", "-wal", "-shm"):
                (self._location.directory / (DATABASE + suffix)).unlink(missing_ok=True)
            graph_stamp.remove(self._location.directory)
            self.open(create=True)

    def close(self) -> None:
        """Close for good."""
        with self._lock:
            self._release()
            self._closed = True

    def _release(self) -> None:
        if self._opened:
            self._opened.store.close()
            self._opened = None


def is_damage(error: IndexFormatError) -> bool:
    """Return whether the file is broken, rather than of another format or program."""
    return str(error.found).startswith("damaged")
