"""The index of one root, as programs use it: open, refresh, search, status.

Opening, lexical searches and ``status`` load no model. ``refresh`` is the only call that writes.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any

from codesearch.errors import BadQuery, IndexFormatError, IndexNotFound
from codesearch.files.roots import canonical
from codesearch.index.connection import Connection, OpenDatabase, is_damage
from codesearch.index.searchable import Searchable
from codesearch.index.status import Status, read_status
from codesearch.models.embedder import Model
from codesearch.models.pool import ModelPool
from codesearch.records import Embedder, Progress, Scorer, Stats, StoredChunk
from codesearch.searching.request import SearchRequest, SimilarRequest
from codesearch.searching.search import Answer, Searcher
from codesearch.storage import metadata as recorded
from codesearch.storage.locations import LOCK_NAME, Location, locate
from codesearch.storage.lock import WriterLock
from codesearch.storage.metadata import ModelRecord, Settings
from codesearch.storage.rows import Counts
from codesearch.updating.refresh import Job, check_model, refresh
from codesearch.updating.tally import Deadline

__all__ = ["LOCK_WAIT_SECONDS", "Index", "index_at", "lending", "open_index", "settings_of"]

LOCK_WAIT_SECONDS = 10.0

Lender = Callable[[Location, "str | Embedder | None", Mapping[str, Any], bool], "Index"]
"""Gives out an index that stays open; closing it hands it back."""
_lender: ContextVar[Lender | None] = ContextVar("lender", default=None)


@contextmanager
def lending(lend: Lender) -> Iterator[None]:
    """Let the indexes that are opened inside the block come from ``lend``."""
    token = _lender.set(lend)
    try:
        yield
    finally:
        _lender.reset(token)


def open_index(
    path: str | os.PathLike[str] = ".",
    model: str | Embedder | None = None,
    *,
    here: bool = False,
    allow_large: bool = False,
    hidden: bool | None = None,
    ignore: bool | None = None,
    max_file_bytes: int | None = None,
    create: bool = True,
) -> Index:
    """Open the index of the root that ``path`` belongs to, or create an empty one; nothing is indexed yet.

    Args:
        path: a folder or a file. Searches keep to it where it is only a part of the root.
        model: a name for mlx_jinabert, or an object with the Embedder protocol. None: the one recorded
            in the index, else $CODESEARCH_MODEL, else the shipped one.
        here: make the folder itself the root, not the git repository that it belongs to.
        allow_large: index a home folder, or more than 50,000 files, all the same. Remembered by the index.
        hidden: index hidden files too. None here and below: as the index was told last, else no.
        ignore: honour .gitignore and .codesearchignore (default: yes).
        max_file_bytes: skip files over this size (default: 1,000,000).
        create: False to raise IndexNotFound instead of creating one.

    Raises:
        BadQuery: no such path. IndexNotFound, see ``create``. IndexFormatError: of a newer version.
    """
    settings = settings_of(
        allow_large=allow_large, hidden=hidden, ignore=ignore, max_file_bytes=max_file_bytes
    )
    return index_at(locate(path, here=here), model, settings, create)


def settings_of(
    *, allow_large: bool = False, hidden: bool | None, ignore: bool | None, max_file_bytes: int | None
) -> Mapping[str, Any]:
    """Those of the settings that are given."""
    given = {
        "allow_large": allow_large or None,
        "hidden": hidden,
        "ignore": ignore,
        "max_file_bytes": max_file_bytes,
    }
    return {key: value for key, value in given.items() if value is not None}


def index_at(
    location: Location,
    model: str | Embedder | None,
    settings: Mapping[str, Any],
    create: bool,
    pool: ModelPool | None = None,
) -> Index:
    """The index of a root; ``pool`` where several are opened together."""
    lend = _lender.get()
    if lend is not None:
        return lend(location, model, settings, create)
    create = create and location.root.exists()  # the tree is gone: an index can be asked, not made
    if create:
        location.create()
    return Index(location, model, settings, create, pool)


class Index(Searchable):
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
        self._pool = pool or ModelPool()
        self._given = None if model is None else self._pool.model(model)
        self._model = self._given
        self._lock = threading.Lock()
        self._connection = Connection(location)
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
        return self._current_model().name

    @property
    def is_current(self) -> bool:
        """Whether the open file is the one on disk: not cleared, or made anew, by somebody else."""
        return self._connection.is_current

    def status(self) -> Status:
        """Return the state of this index; loads no model."""
        database = self._database()
        return read_status(self._location, database.store, self._current_model(), database.vectors())

    def counts(self) -> Counts:
        """Return the numbers of files, chunks and embedded chunks at this moment."""
        return self._database().store.counts()

    def chunks_of(self, path: str) -> list[StoredChunk]:
        """Return the chunks of a file (relative to the root), in order; [] where it is not indexed."""
        return self._database().store.chunks_of(path)

    def _answer(self, request: SearchRequest | SimilarRequest, scorer: Scorer | None) -> Answer:
        return Searcher(self._database().search_store, self._query_embedder).answer(request, scorer)

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

    def _database(self) -> OpenDatabase:
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
            max_wait: stop at the first commit after so many seconds.
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
        deadline = Deadline(max_wait)
        lock_wait = lock_wait if max_wait is None else min(lock_wait, max_wait)
        self._location.create()
        with WriterLock(self.directory / LOCK_NAME, lock_wait):
            if rebuild:
                self._choose_model_again()
            note = self._connection.prepare(rebuild)
            try:
                return self._run(deadline, progress or _silent, vectors, note)
            except IndexFormatError as error:
                if not is_damage(error):
                    raise
                return self._run(deadline, progress or _silent, vectors, self._connection.repair(error))

    def close(self) -> None:
        """Close the index; it cannot be used afterwards."""
        self._connection.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, deadline: Deadline, progress: Progress, embed: bool, note: str) -> Stats:
        database = self._database()
        settings = recorded.read(database.store, Settings) or Settings()
        job = Job(
            location=self._location,
            store=database.store,
            vectors=database.vectors,
            model=self._current_model(),
            settings=dataclasses.replace(settings, **self._settings),
            deadline=deadline,
            progress=progress,
            embed=embed,
            notes=(*database.store.notes, note) if note else tuple(database.store.notes),
        )
        return refresh(job)

    # -- the model

    def _current_model(self) -> Model:
        """The model given, else the one recorded, else the default."""
        record = recorded.read(self._database().store, ModelRecord)
        with self._lock:
            if self._model is None or (self._given is None and record and record.name != self._model.name):
                self._model = self._recorded_model(record)
            return self._model

    def _choose_model_again(self) -> None:
        """Load the model of a rebuild before anything is thrown away for it."""
        try:
            model = self._current_model()
        except (IndexFormatError, IndexNotFound):
            model = self._given or self._pool.default()
        if not (model.named or model.is_loaded):
            model = self._pool.default()
        model.load()
        self._model = self._given = model

    def _query_embedder(self) -> Embedder:
        model = self._current_model()
        embedder = model.load()
        check_model(recorded.read(self._database().store, ModelRecord), model, self.root)
        return embedder

    def _vector_model(self) -> Model | None:
        """Return the model of the stored vectors, if there are any. ModelMismatch where another is given."""
        store = self._database().store
        if not store.vector_count():
            return None
        model = self._current_model()
        check_model(recorded.read(store, ModelRecord), model, self.root)
        return model

    def _recorded_model(self, record: ModelRecord | None) -> Model:
        if record is None:
            return self._pool.default()
        return (
            self._pool.model(record.name) if record.named else Model.absent(record.name, record.fingerprint)
        )


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
