"""The connection of an index to its database: opens it, follows a replaced one, rebuilds a damaged one.

Everything in an index can be made again from the tree, so damage is no loss; but only the writer may
throw a database away, and one that a newer version wrote only when told to rebuild. A search that has
begun goes on with the file it has (``storage/sqlite/handles.py``), deleted or not. The next search opens
the new file, here and nowhere else; the old one is closed after its last.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from codesearch.errors import CodesearchError, IndexBusy, IndexFormatError, IndexNotFound
from codesearch.searching.stores.single import SingleStore
from codesearch.storage.folders.folder_lock import held_alone
from codesearch.storage.folders.locations import Location
from codesearch.storage.store import DATABASE, Store
from codesearch.vectors import graph_file as graph_stamp
from codesearch.vectors.table_file import remove_table
from codesearch.vectors.vector_index import VectorIndex

__all__ = ["Connection", "OpenDatabase", "is_damage"]


class OpenDatabase:
    """A store that is open, and the vectors read from it. Replaced as a whole when the file is.

    A replaced one stays open until nobody uses it any more: a search that has begun is answered from it.
    """

    def __init__(self, location: Location, store: Store) -> None:
        self.store = store
        self.search_store = SingleStore(str(location.root), store, self.vectors)
        self._directory = location.directory
        self._lock = threading.Lock()
        self._vectors: VectorIndex | None = None
        self._users = 0
        self._retired = False

    def vectors(self) -> VectorIndex:
        """Return the vectors, made when first asked for."""
        with self._lock:
            if self._vectors is None:
                self._vectors = VectorIndex(self.store, self._directory)
            return self._vectors

    @contextmanager
    def used(self) -> Iterator[OpenDatabase]:
        """Keep it open inside the block."""
        with self._lock:
            self._users += 1
        try:
            yield self
        finally:
            with self._lock:
                self._users -= 1
                unused = self._retired and not self._users
            if unused:
                self.store.close()

    def retire(self) -> None:
        """Close it as soon as nobody uses it."""
        with self._lock:
            self._retired = True
            unused = not self._users
        if unused:
            self.store.close()


class Connection:
    """Holds the ``OpenDatabase`` of an ``Index``. Any thread may use it."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._lock = threading.RLock()
        self._opened: OpenDatabase | None = None
        self._closed = False

    @contextmanager
    def database(self) -> Iterator[OpenDatabase]:
        """Yield the open database, which stays open inside the block, or the one that replaced it.

        Raises:
            IndexNotFound: there is none. IndexFormatError: of another format, or damaged.
            CodesearchError: the index was closed.
        """
        with ExitStack() as stack:
            with self._lock:
                opened = stack.enter_context(self._current().used())
            stack.enter_context(opened.store.held())
            yield opened

    @property
    def is_current(self) -> bool:
        """Whether an index is open whose file is the one on disk."""
        with self._lock:
            return self._opened is not None and self._opened.store.is_current

    def _current(self) -> OpenDatabase:
        if self._closed:
            raise CodesearchError(f"the index of {self._location.root} was closed; open it again")
        if self._opened is None:
            return self.open(create=False)
        if not self._opened.store.is_current:
            old = self._opened
            with suppress(IndexNotFound, IndexBusy):  # none is there yet: the old one answers meanwhile
                self.open(create=False)
                old.retire()
        return self._opened

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
            # Another process cleared it, or it could not be written when it was opened.
            if self._opened and (not self._opened.store.is_current or self._opened.store.is_unwritable):
                self._retire()
            try:
                opened = self._opened or self.open(create=True)
                opened.store.verify()  # a newer version may have changed the format of the open file
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
            self._retire()
            with held_alone(self._location.directory):
                for suffix in ("", "-wal", "-shm"):
                    (self._location.directory / (DATABASE + suffix)).unlink(missing_ok=True)
            graph_stamp.remove(self._location.directory)
            remove_table(self._location.directory)
            self.open(create=True)

    def close(self) -> None:
        """Close for good; a thread that is still searching gets an error."""
        with self._lock:
            self._closed = True
            opened, self._opened = self._opened, None
        if opened:
            opened.store.close()

    def _retire(self) -> None:
        if self._opened:
            self._opened.retire()
            self._opened = None


def is_damage(error: IndexFormatError) -> bool:
    """Return whether the file is broken, rather than of another format or program."""
    return str(error.found).startswith("damaged")
