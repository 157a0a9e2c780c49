"""Files, chunks, vectors and full-text index of one root, in one SQLite file.

This file opens, checks and tidies it; ``schema.py`` explains the tables, ``reading.py`` and
``writing.py`` hold the queries and the changes. It refuses files of another program, of another
format and damaged ones, with the command that puts it right; it never deletes anything by itself.
"""

from __future__ import annotations

import os
import stat
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType

from codesearch.errors import CodesearchError, IndexFormatError, IndexNotFound, StorageFailed
from codesearch.storage.folders.folder_lock import held_together
from codesearch.storage.lexical.tokens import document
from codesearch.storage.sqlite import schema
from codesearch.storage.sqlite.database import Database
from codesearch.storage.writing import StoreWriter

__all__ = ["DATABASE", "Store"]

DATABASE = "index.sqlite"
"""Name of the file in the index directory."""
_TRIES = 50


class Store(StoreWriter):
    """One index. Any thread may use it; one process at a time may write (``lock.py``).

    ``notes`` are what the user should know about its opening: a repair that was made.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.notes: list[str] = []

    @classmethod
    def open(
        cls, directory: Path, *, create: bool = False, read_only: bool = False, root: Path | str | None = None
    ) -> Store:
        """Open the index in a directory, or create an empty one.

        A full-text index that does not fit the chunks is written anew (and noted), unless ``read_only``.

        Args:
            directory: the index directory; created (mode 0700) with ``create``.
            create: start an empty index where there is none.
            read_only: refuse to write.
            root: the indexed folder, for messages.

        Raises:
            IndexNotFound: nothing there, and ``create`` is false.
            IndexFormatError: another format, another program's file, or damaged.
        """
        shown = str(directory if root is None else root)
        path = directory / DATABASE
        remedy = f"remove the index and build it again: codesearch clear {shown} && codesearch index {shown}"
        for _ in range(_TRIES):
            if not _is_there(path, shown) and not create:
                raise IndexNotFound(shown)
            try:
                if create:
                    _make_private(path)
                database = Database(path, remedy=remedy, read_only=read_only)
            except FileNotFoundError:  # cleared at this moment
                continue
            try:
                return cls._begun(database, shown, create)
            except BaseException as error:
                replaced = isinstance(error, CodesearchError) and not database.is_current
                database.close()
                if not replaced:
                    raise
        raise StorageFailed(
            f"{path} was another file at every look; set CODESEARCH_HOME to a folder on a local disk"
        )

    @classmethod
    def _begun(cls, database: Database, root: str, create: bool) -> Store:
        with database.held():
            if create:
                schema.create(database)
            schema.verify(database, root=root)
            store = cls(database)
            store._repair_lexical()
            return store

    def held(self) -> AbstractContextManager[None]:
        """Answer this thread from the file as it is open, inside the block, whatever becomes of it."""
        return self._db.held()

    @property
    def is_current(self) -> bool:
        """Whether the open file is the one on disk: not deleted, or made anew, by somebody else."""
        return self._db.is_current

    @property
    def path(self) -> Path:
        """The database file."""
        return self._db.path

    @property
    def is_unwritable(self) -> bool:
        """Whether its folder could not be written when it was opened."""
        return self._db.is_unwritable

    def verify(self) -> None:
        """Raise IndexFormatError where a newer version has changed the format of the open file."""
        schema.verify(self._db, root=str(self._db.path.parent))

    def _repair_lexical(self) -> None:
        problem = schema.lexical_problem(self._db)
        if problem is None:
            return
        if self._db.read_only:
            raise IndexFormatError(f"damaged ({problem})", "a whole full-text index", self._db.remedy)
        self.refill_lexical(document)
        self.notes.append(f"{problem}: the full-text index was written anew")

    def check(self) -> list[str]:
        """Everything that a full check finds wrong; [] for a sound index. Reads the whole file."""
        problems = [str(row[0]) for row in self._db.rows("PRAGMA integrity_check(20)") if row[0] != "ok"]
        problems += [
            f"a row of {row[0]} refers to none of {row[2]}"
            for row in self._db.rows("PRAGMA foreign_key_check")
        ]
        if problem := schema.lexical_problem(self._db):
            problems.append(problem)
        try:
            with self._db.transaction():
                self._db.run("INSERT INTO lexical (lexical) VALUES ('integrity-check')")
        except IndexFormatError as error:
            problems.append(f"the full-text index is damaged: {error}")
        return problems

    def flush(self) -> None:
        """Return when everything committed so far would survive a power cut (see ``database.py``)."""
        with self._db.held():
            self._db.run("PRAGMA synchronous = FULL")
            try:
                self.set_meta("flushed", str(self.generation()))
            finally:
                self._db.run("PRAGMA synchronous = NORMAL")

    def compact(self) -> None:
        """Give freed pages back to the file system and empty the log. For the end of a large refresh."""
        self._db.run_to_end("PRAGMA incremental_vacuum")
        self._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close it for all threads."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_there(path: Path, root: str) -> bool:
    """Whether there is a file. StorageFailed for a pipe, a folder or a link to nowhere in its place."""
    for beside in ("-journal", "-wal", "-shm"):
        _is_file(path.with_name(path.name + beside), root)
    return _is_file(path, root)


def _is_file(path: Path, root: str) -> bool:
    try:
        if stat.S_ISREG(path.stat().st_mode):
            return True
    except OSError:
        if not path.is_symlink():
            return False
    raise StorageFailed(f"{path} is no file; remove it and index again: codesearch clear {root}")


def _make_private(path: Path) -> None:
    """Make the file and its folder, the user's alone. FileNotFoundError where the folder goes meanwhile."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held_together(path.parent), suppress(FileExistsError):
            # never one that is there: closing it would end the locks that SQLite has on it in this process
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CodesearchError(
            f"the index folder {path.parent} cannot be created ({error}); "
            "set CODESEARCH_HOME to a folder of your own"
        ) from error
