"""The index of one root as a ``SearchStore``: SQLite for words and chunks, a ``VectorIndex`` for vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.records import Chunk, ChunkRef
from codesearch.searching.stores.order import (
    BM25_ROUNDING,
    COSINE_ROUNDING,
    Place,
    by_score_and_place,
    with_ties,
)
from codesearch.searching.stores.protocol import EVERYTHING, Match, Scope
from codesearch.searching.stores.recent_chunks import RecentChunks
from codesearch.storage.known_names import KnownNames
from codesearch.storage.rows import ChunkText, Ids, ScoredRow

if TYPE_CHECKING:
    from codesearch.storage.store import Store
    from codesearch.vectors.vector_index import VectorIndex

__all__ = ["SingleStore"]


class SingleStore:
    """The chunks of one root. ``vectors`` is called when they are first needed; None: none are compared."""

    def __init__(self, root: str, store: Store, vectors: Callable[[], VectorIndex] | None) -> None:
        self.root = root
        self.store = store
        self.vectors = vectors
        self._recent = RecentChunks(store)

    @property
    def roots(self) -> tuple[str, ...]:
        """The one root."""
        return (self.root,)

    def snapshot(self) -> AbstractContextManager[None]:
        """Answer every question inside the block from the same state."""
        return self.store.reading()

    # -- candidates

    def lexical(
        self, terms: Sequence[str], limit: int, columns: Sequence[float], scope: Scope = EVERYTHING
    ) -> list[Match]:
        """Return the best chunks by BM25."""
        ids = self.ids(scope)
        found = with_ties(
            lambda count: self.store.holding_any(terms, count, columns, ids), limit, BM25_ROUNDING
        )
        return self._ordered(found, limit, BM25_ROUNDING)

    def nearest(self, vector: NDArray[np.float32], limit: int, scope: Scope = EVERYTHING) -> list[Match]:
        """Return the chunks whose vectors are nearest to a unit vector (dim,)."""
        if self.vectors is None:
            return []
        index, ids = self.vectors(), self.ids(scope)
        found = with_ties(lambda count: index.nearest(vector, count, ids), limit, COSINE_ROUNDING)
        return self._ordered(found, limit, COSINE_ROUNDING)

    def _ordered(self, found: list[ScoredRow], limit: int, rounding: float) -> list[Match]:
        ordered = by_score_and_place(found, self._places, rounding)[:limit]
        root = self.root
        return [Match(ChunkRef(root, id_), score) for id_, score in ordered]

    def _places(self, found: Sequence[ScoredRow]) -> Mapping[int, Place]:
        known = self._recent.places([one.id for one in found])
        return {at: known.get(one.id, ("", 0)) for at, one in enumerate(found)}

    def definitions(
        self, names: Iterable[str], scope: Scope = EVERYTHING, limit: int | None = None
    ) -> list[ChunkRef]:
        """Return the chunks that define one of the names, by path."""
        found, ids = self.store.define(names), self.ids(scope)
        if ids is not None:
            permitted = set(ids.tolist())
            found = [id_ for id_ in found if id_ in permitted]
        return self._refs(found[:limit])

    def frequencies(self, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """Return how many chunks hold each token, and how many chunks there are."""
        return self.store.frequencies(terms)

    def defined_names(self) -> KnownNames:
        """Return every name that a chunk defines, case-folded."""
        return self.store.defined_names()

    def ids(self, scope: Scope) -> Ids | None:
        """Return the ids of the chunks in scope, ascending; None where it restricts nothing."""
        if scope.only is not None:
            return scope.only.get(self.root, np.zeros(0, np.int64))
        return self.store.ids_matching(scope.filter)

    # -- chunks

    def chunks(self, refs: Iterable[ChunkRef]) -> dict[ChunkRef, Chunk]:
        """Return chunks by reference."""
        by_id = {ref.id: ref for ref in refs}
        return {by_id[id_]: chunk for id_, chunk in self._recent.chunks(by_id).items()}

    def chunks_of(self, root: str, path: str) -> dict[ChunkRef, Chunk]:
        """Return the chunks of a file in its order."""
        return {ChunkRef(self.root, found.id): found.chunk for found in self.store.chunks_of(path)}

    def chunk_at(self, root: str, path: str, line: int) -> ChunkRef | None:
        """Return the chunk that holds a line of a file."""
        found = self.store.chunk_at(path, line)
        return None if found is None else ChunkRef(self.root, found)

    def texts(self, scope: Scope = EVERYTHING) -> Iterator[tuple[ChunkRef, ChunkText]]:
        """Yield the text of every chunk in scope."""
        for text in self.store.texts(self.ids(scope)):
            yield ChunkRef(self.root, text.id), text

    def vector(self, ref: ChunkRef) -> NDArray[np.float32] | None:
        """Return the stored vector of a chunk."""
        if self.vectors is None:
            return None
        stored = self.store.vectors([ref.id])
        return stored.matrix[0] if len(stored) else None

    def has_vectors(self) -> bool:
        """Return whether a chunk is embedded."""
        return self.vectors is not None and self.store.has_vectors()

    def copies(self, refs: Iterable[ChunkRef]) -> Mapping[ChunkRef, Mapping[ChunkRef, Chunk]]:
        """Return nothing: there is no other root."""
        return {}

    def _refs(self, ids: Iterable[int]) -> list[ChunkRef]:
        return [ChunkRef(self.root, id_) for id_ in ids]
