"""The model of an index: the one given, else the one recorded, else the default."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from codesearch.errors import IndexFormatError, IndexNotFound
from codesearch.models.embedder import Model
from codesearch.models.pool import ModelPool
from codesearch.records import Embedder
from codesearch.storage.metadata import ModelRecord, check_model

__all__ = ["ModelChoice"]


class ModelChoice:
    """Chooses the model of one index, and loads it when a vector is needed. Any thread may ask.

    Args:
        given: a name or an embedder that whoever opened the index asked for.
        pool: what keeps loaded models.
        record: reads what the index says of its model, None where it has none yet.
    """

    def __init__(
        self, given: str | Embedder | None, pool: ModelPool, record: Callable[[], ModelRecord | None]
    ) -> None:
        self._pool = pool
        self._record = record
        self._given = None if given is None else pool.model(given)
        self._model = self._given
        self._lock = threading.Lock()

    def current(self) -> Model:
        """Return the model, not loaded."""
        record = self._record()
        with self._lock:
            if self._model is None or (self._given is None and record and record.name != self._model.name):
                self._model = self._recorded(record)
            return self._model

    def checked(self, root: Path) -> Model:
        """Return the model; ModelMismatch where it is not that of the vectors of ``root``'s index."""
        model = self.current()
        check_model(self._record(), model, root)
        return model

    def load(self, root: Path) -> Embedder:
        """Return the embedder of queries; ModelMismatch as ``checked`` raises it."""
        model = self.current()
        embedder = model.load()  # first, for a model may know its fingerprint only then
        check_model(self._record(), model, root)
        return embedder

    def choose_again(self) -> None:
        """Load the model of a rebuild before anything is thrown away for it."""
        try:
            model = self.current()
        except (IndexFormatError, IndexNotFound):
            model = self._given or self._pool.default()
        if not (model.named or model.is_loaded):
            model = self._pool.default()
        model.load()
        self._model = self._given = model

    def _recorded(self, record: ModelRecord | None) -> Model:
        if record is None:
            return self._pool.default()
        return (
            self._pool.model(record.name) if record.named else Model.absent(record.name, record.fingerprint)
        )
