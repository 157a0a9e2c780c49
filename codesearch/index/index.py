"""The index of one root, as programs use it: open, refresh, search, status.

Opening, lexical searches and ``status`` load no model. ``refresh`` is the only call that writes.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from codesearch.errors import BadQuery, IndexFormatError
from codesearch.files.repositories.roots import canonical
from codesearch.index.connection import Connection, OpenDatabase, is_damage
from codesearch.index.exchange import LOCK_WAIT_SECONDS, Exchange
from codesearch.index.model_choice import ModelChoice
from codesearch.index.searchable import Searchable
from codesearch.index.status import Status, read_status
from codesearch.models.adapter import AdaptedEmbedder
from codesearch.models.embedder import Model
from codesearch.models.pool import ModelPool
from codesearch.models.words import load_words
from codesearch.records import Embedder, Filter, Progress, Scorer, Stats, StoredChunk, silent
from codesearch.searching.request import SearchRequest, SimilarRequest
from codesearch.searching.search import Answer, Searcher
from codesearch.searching.stores.protocol import SearchStore
from codesearch.storage import metadata as recorded
from codesearch.storage.adapter_file import AdapterFile
from codesearch.storage.folders.locations import LOCK_NAME, Location
from codesearch.storage.folders.lock import WriterLock
from codesearch.storage.metadata import ModelRecord, Settings
from codesearch.storage.rows import Counts

if TYPE_CHECKING:
    from codesearch.updating.tally import Deadline

__all__ = ["LOCK_WAIT_SECONDS", "Index"]


T = TypeVar("T")


class Index(Exchange, Searchable):
    """Made by ``open_index``. Any thread may use it; several processes may search while one refreshes."""

    _folds = False

    def __init__(
        self,
        location: Location,
        model: str | Embedder | None,
        settings: Mapping[str, Any],
        create: bool,
        pool: ModelPool | None = None,
    ) -> None:
        super().__init__()
        self.root: Path = location.root
        self.directory: Path = location.directory
        self.under: str = location.under
        self._location = location
        self._settings = settings
        self._choice = ModelChoice(model, pool or ModelPool(), self._model_record)
        self._connection = Connection(location)
        self._adapter_file = AdapterFile(location.directory)
        try:
            self._connection.open(create)
        except IndexFormatError as error:
            if not (is_damage(error) and create):
                raise  # else the next refresh builds it again

    def __repr__(self) -> str:
        part = f", under={self.under!r}" if self.under else ""
        return f"<Index of {str(self.root)!r}{part}>"

    # -- reading

    @property
    def roots(self) -> tuple[Path, ...]:
        """The one root, as a search over several has them."""
        return (self.root,)

    @property
    def model(self) -> str:
        """Name of the model of this index."""
        return self._choice.current().name

    @property
    def is_current(self) -> bool:
        """Whether the open file is the one on disk: not cleared, or made anew, by somebody else."""
        return self._connection.is_current

    def status(self) -> Status:
        """Return the state of this index; loads no model."""
        with self._database() as database:
            model, tuned = self._choice.current(), self._adapter_file
            return read_status(self._location, database.store, model, database.vectors(), tuned)

    def counts(self) -> Counts:
        """Return the numbers of files, chunks and embedded chunks at this moment."""
        with self._database() as database:
            return database.store.counts()

    def chunks_of(self, path: str) -> list[StoredChunk]:
        """Return the chunks of a file (relative to the root), in order; [] where it is not indexed."""
        with self._database() as database:
            return database.store.chunks_of(path)

    def left_out(self) -> dict[str, str]:
        """Return what the last refresh left out, path -> reason; folders end with a slash."""
        from codesearch.updating import left_out

        with self._database() as database:
            return left_out.read(database.store)

    def lets_through(self, wanted: Filter) -> bool:
        """Return whether an indexed file passes the filter."""
        with self._database() as database:
            ids = database.store.ids_matching(wanted)
            return ids is None or len(ids) > 0

    def _answer(self, request: SearchRequest | SimilarRequest, scorer: Scorer | None) -> Answer:
        asks = isinstance(request, SearchRequest)  # else code is compared with code, as the model made it
        embedder = self._tuned_embedder if asks else self._query_embedder
        with self._database() as database:
            if isinstance(request, SearchRequest) and request.uses_vectors and database.store.has_vectors():
                self._get_ready(database, request)
            return Searcher(database.search_store, embedder).answer(request, scorer)

    def _get_ready(self, database: OpenDatabase, request: SearchRequest) -> None:
        """Begin to load the model where it is not there, and read meanwhile what else the answer needs."""
        if self._choice.current().load_ahead():
            database.vectors().catch_up()
            if request.mode == "hybrid":
                load_words()

    def _ask(self, question: Callable[[SearchStore], T]) -> T:
        with self._database() as database:
            return question(database.search_store)

    def _parts(self, under: Sequence[str] | None) -> Sequence[str]:
        if under is None:
            return (self.under,) if self.under else ()
        return under

    def _file(self, path: str | os.PathLike[str]) -> tuple[str, str]:
        root = str(self.root)
        if not Path(path).is_absolute():
            return root, Path(path).as_posix()
        try:
            return root, canonical(Path(path)).relative_to(self.root).as_posix()
        except ValueError:
            raise BadQuery(f"{path} is not in the index of {self.root}") from None

    def _database(self) -> AbstractContextManager[OpenDatabase]:
        return self._connection.database()

    # -- writing

    def refresh(
        self,
        progress: Progress | None = None,
        *,
        max_wait: float | None = None,
        vectors: bool = True,
        rebuild: bool = False,
        lock_wait: float = LOCK_WAIT_SECONDS,
    ) -> Stats:
        """Bring the index up to date with the tree. Killed at any point, it goes on from there next time.

        Args:
            progress: called as ``progress(stage, done, total)``.
            max_wait: stop at the first commit after so many seconds; the walk over the tree ends then too.
            vectors: False to stop when all text is searchable.
            rebuild: forget everything first; without a model given, the recorded one stays.
            lock_wait: seconds to wait for another process that is writing, ``max_wait`` at most.

        Raises:
            IndexBusy: another process is still writing after ``lock_wait`` seconds.
            ModelMismatch: the index holds another model's vectors, and nothing was changed.
            TooManyFiles: see ``open_index``.
        """
        if not self.root.is_dir():
            raise BadQuery(f"{self.root} is gone; what was indexed can still be searched (--no-refresh)")
        from codesearch.updating.tally import Deadline  # late, with all that refreshes: a search needs none

        deadline = Deadline(max_wait)
        lock_wait = lock_wait if max_wait is None else min(lock_wait, max_wait)
        self._location.create()
        with WriterLock(self.directory / LOCK_NAME, lock_wait):
            self._location.create()  # again, where it was cleared while this waited for the lock
            if rebuild:
                self._choice.choose_again()
            note = self._connection.prepare(rebuild)
            try:
                return self._run(deadline, progress or silent, vectors, note)
            except IndexFormatError as error:
                if not is_damage(error):
                    raise
                return self._run(deadline, progress or silent, vectors, self._connection.repair(error))

    def close(self) -> None:
        """Close the index; it cannot be used afterwards."""
        self._connection.close()

    def _run(self, deadline: Deadline, progress: Progress, embed: bool, note: str) -> Stats:
        from codesearch.updating.refresh import Job, run_refresh

        with self._database() as database:
            settings = recorded.read(database.store, Settings) or Settings()
            job = Job(
                location=self._location,
                store=database.store,
                vectors=database.vectors,
                model=self._choice.current(),
                settings=dataclasses.replace(settings, **self._settings),
                deadline=deadline,
                progress=progress,
                embed=embed,
                notes=(*database.store.notes, note) if note else tuple(database.store.notes),
            )
            return run_refresh(job)

    def _query_embedder(self) -> Embedder:
        return self._choice.load(self.root)

    def _tuned_embedder(self) -> Embedder:
        embedder = self._query_embedder()
        adapter = self._adapter_file.adapter(embedder.fingerprint)
        return embedder if adapter is None else AdaptedEmbedder(embedder, adapter)

    def _model_record(self) -> ModelRecord | None:
        with self._database() as database:
            return recorded.read(database.store, ModelRecord)

    def _vector_model(self) -> Model | None:
        """Return the model of the stored vectors, if there are any. ModelMismatch where another is given."""
        with self._database() as database:
            if not database.store.vector_count():
                return None
        return self._choice.checked(self.root)
