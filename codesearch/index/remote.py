"""Search an engine like an index: the same requests and ranking, with the chunks on another machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from codesearch.distributed.engines.address import open_engine
from codesearch.distributed.engines.protocol import Engine, EngineRecord
from codesearch.distributed.engines.store import EngineStore
from codesearch.errors import BadQuery, IndexNotFound, ModelMismatch
from codesearch.files.repositories.git import run_git
from codesearch.index.searchable import Searchable
from codesearch.models.embedder import Model, encode_query
from codesearch.records import Embedder, Scorer
from codesearch.searching.request import SearchRequest, SimilarRequest
from codesearch.searching.search import Answer, Searcher
from codesearch.searching.stores.protocol import SearchStore
from codesearch.storage.rows import Counts

__all__ = ["RemoteIndex", "open_store", "root_name"]

T = TypeVar("T")


def open_store(
    url: str, *, roots: Sequence[str] | None = None, model: str | Embedder | None = None
) -> RemoteIndex:
    """Open the chunks that an engine holds.

    Args:
        url: ``qdrant://host:6333/collection``, ``postgresql://user@host/database?schema=NAME``; see
            ``codesearch.distributed.engines.address``.
        roots: names of the roots to search; None for all.
        model: a model with the fingerprint of the stored vectors; None for the one that made them.

    Raises:
        BadQuery: another address, or a root that is not there. IndexNotFound: nothing was uploaded yet.
    """
    return RemoteIndex(url, open_engine(url), roots, model)


class RemoteIndex(Searchable):
    """Made by ``open_store``. Any thread may search."""

    _folds = True

    def __init__(
        self, url: str, engine: Engine, roots: Sequence[str] | None, model: str | Embedder | None
    ) -> None:
        super().__init__()
        self._engine = engine
        self._given = None if model is None else Model(model)
        record = engine.record()
        if record is None:
            engine.close()
            raise IndexNotFound(url)
        self._record: EngineRecord = record
        known = engine.roots()
        unknown = [name for name in roots or () if name not in known]
        if unknown:
            engine.close()
            raise BadQuery(f"{url} has no root {unknown[0]}; it has {', '.join(known) or 'none'}")
        self.roots: tuple[str, ...] = tuple(roots or known)

    @property
    def model(self) -> str:
        """Name of the model of the stored vectors."""
        return self._record.model

    def counts(self) -> Counts:
        """Return the numbers of files and chunks. Every chunk of an engine is embedded."""
        files = sum(len(self._engine.files(root)) for root in self.roots)
        chunks = sum(len(self._engine.uuids(root)) for root in self.roots)
        return Counts(files, chunks, chunks, chunks)

    def close(self) -> None:
        """Close the connection."""
        self._engine.close()

    def _answer(self, request: SearchRequest | SimilarRequest, scorer: Scorer | None) -> Answer:
        question = request.query if isinstance(request, SearchRequest) else ""
        store = EngineStore(self._engine, self.roots, lambda: self._asked_of_text(question))
        return Searcher(store, lambda: self._embedder).answer(request, scorer)

    def _ask(self, question: Callable[[SearchStore], T]) -> T:
        return question(EngineStore(self._engine, self.roots))

    def _asked_of_text(self, question: str) -> NDArray[np.float32] | None:
        """The question by the model for text; None for code, which is compared with code."""
        return encode_query(self._text_embedder, question) if question and self._text_embedder else None

    @cached_property
    def _embedder(self) -> Embedder:
        record, model = self._record, self._given
        if model is None:
            model = Model.recorded(record.model, record.named, record.fingerprint)
        if model.fingerprint != record.fingerprint:
            raise ModelMismatch(record.model, model.name, "give the model that the store was filled with")
        return model.load()

    @cached_property
    def _text_embedder(self) -> Embedder | None:
        record = self._record.text
        if record is None:
            return None
        model = Model.recorded(record.model, record.named, record.fingerprint)
        if model.fingerprint != record.fingerprint:
            raise ModelMismatch(record.model, model.name, "the store's second vectors are of another version")
        return model.load()

    def _parts(self, under: Sequence[str] | None) -> Sequence[str]:
        return under or ()

    def _file(self, path: str | os.PathLike[str]) -> tuple[str, str]:
        if len(self.roots) != 1:
            raise BadQuery("a path is relative to a root; open the store with one root")
        return self.roots[0], os.fspath(path)


def root_name(root: Path) -> str:
    """A name for a root that every machine gives it: its remote ``host/owner/repository``, else its
    folder.
    """
    remote = (run_git(root, "config", "--get", "remote.origin.url") or b"").decode("utf-8", "replace")
    address = remote.strip().removesuffix(".git").removesuffix("/")
    if not address:
        return root.name
    host_and_path = address.partition("://")[2] or address.replace(":", "/", 1)
    return host_and_path.rpartition("@")[2]
