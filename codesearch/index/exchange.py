"""Export an index to a file, import one from a file, upload one to an engine."""

from __future__ import annotations

import os
from abc import abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch.index.connection import Connection, OpenDatabase
from codesearch.index.model_choice import ModelChoice
from codesearch.models.embedder import Model
from codesearch.records import Embedder, Progress, silent
from codesearch.storage import metadata as recorded
from codesearch.storage.folders.locations import LOCK_NAME, Location
from codesearch.storage.folders.lock import WriterLock
from codesearch.storage.metadata import Settings

if TYPE_CHECKING:
    from codesearch.distributed.engines.protocol import Engine
    from codesearch.distributed.engines.upload import Upload
    from codesearch.index.portable.importing import ImportResult
    from codesearch.index.portable.manifest import Manifest

__all__ = ["LOCK_WAIT_SECONDS", "Exchange"]

LOCK_WAIT_SECONDS = 10.0


class Exchange:
    """The part of ``Index`` that writes to and reads from other places than its own."""

    _location: Location
    _choice: ModelChoice
    _connection: Connection

    @abstractmethod
    def _database(self) -> AbstractContextManager[OpenDatabase]: ...

    def export(self, target: str | os.PathLike[str]) -> Manifest:
        """Write the index into one file, without the text of chunks; see ``codesearch.index.portable``.

        Raises:
            CodesearchError: the file cannot be written.
        """
        from codesearch.index.portable.export import export_index

        with self._database() as database:
            return export_index(database.store, self._location.root, Path(target))

    def import_from(
        self, source: str | os.PathLike[str], *, sha256: str | None = None, progress: Progress | None = None
    ) -> ImportResult:
        """Take over what fits the files of this root from an exported index; ``refresh`` makes the rest.

        Args:
            source: a path, or a URL that http(s) or fsspec can open.
            sha256: refuse the file unless it has this hash (64 hex digits).
            progress: called as ``progress(stage, done, total)``.

        Raises:
            PortableIndexError: not such a file, damaged, or another hash. ModelMismatch: the index holds
            another model's vectors. IndexBusy: as in ``refresh``.
        """
        from codesearch.index.portable.importing import import_index

        self._location.create()
        with WriterLock(self._location.directory / LOCK_NAME, LOCK_WAIT_SECONDS):
            self._connection.prepare(False)
            with self._database() as database:
                settings = recorded.read(database.store, Settings) or Settings()
                return import_index(
                    database.store,
                    self._location.root,
                    self._choice.current(),
                    os.fspath(source),
                    sha256=sha256,
                    max_file_bytes=settings.max_file_bytes,
                    progress=progress or silent,
                )

    def upload(
        self,
        engine: Engine,
        name: str,
        *,
        text_model: str | Embedder | None = None,
        progress: Progress | None = None,
    ) -> Upload:
        """Bring an engine up to date with this index, under a name for its root.

        ``text_model`` makes a second vector of each chunk (Qdrant alone); None: the engine's own, if any.

        Raises:
            ModelMismatch: the engine holds another model's vectors. CodesearchError: this index is not
            complete, or the engine does not answer.
        """
        from codesearch.distributed.engines.upload import upload

        with self._database() as database:
            second = None if text_model is None else Model(text_model)
            return upload(database.store, engine, name, progress or silent, second)
