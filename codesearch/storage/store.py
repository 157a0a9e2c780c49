"""Files, chunks, vectors and full-text index of one root, in one SQLite file.

This file opens, checks and tidies it; ``schema.py`` explains the tables, ``reading.py`` and
``writing.py`` hold the queries and the changes. It refuses files of another program, of another
format and damaged ones, with the command that puts it right; it never deletes anything by itself.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from codesearch.errors import CodesearchError, IndexFormatError, IndexNotFound
from codesearch.storage import schema
from codesearch.storage.database import Database
from codesearch.storage.writing import StoreWriter
from codesearch.tokens import document

__all__ = ["DATABASE", "Store"]

DATABASE = "index.sqlite"
"""Name of the file in the index directory."""


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
        if create:
            _make_private(directory)
        elif not path.is_file():
            raise IndexNotFound(shown)
        remedy = f"remove the index and build it again: codesearch clear {shown} && codesearch index {shown}"
        database = Database(path, remedy=remedy, read_only=read_only)
        try:
            if create:
                schema.create(database)
            schema.verify(database, root=shown)
            store = cls(database)
            store._repair_lexical()
        except BaseException:
            database.close()
            raise
        return store

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
        """Close the connections of all threads."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _make_private(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CodesearchError(
            f"the index folder {directory} cannot be created ({error}); "
            "set CODESEARCH_HOME to a folder of your own"
        ) from error
