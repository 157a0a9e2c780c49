"""The queries that every kind of Qdrant answers alike; the client decides how one request is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from codesearch.distributed.engines.protocol import ANYWHERE, Found, Where
from codesearch.distributed.engines.qdrant_terms import CODE, NAMES, ROOTS, SHORT, TEXT, WORDS
from codesearch.distributed.engines.rows import EngineRow, chunk_from, impact, payload_of
from codesearch.records import Chunk

__all__ = ["QdrantQuestions"]


class QdrantQuestions(ABC):
    """The reading half of an ``Engine``. Points, filters and vectors are those of the client's library."""

    def roots(self) -> list[str]:
        """Return the roots that have chunks."""
        return sorted(self._values("root", ROOTS))

    def uuids(self, root: str) -> set[UUID]:
        """Return every chunk of a root."""
        return {UUID(str(point.id)) for point in self._scroll(self._filter([root], ANYWHERE), False)}

    def files(self, root: str) -> Mapping[str, str | None]:
        """Return path -> language of every file of a root."""
        points = self._scroll(self._filter([root], ANYWHERE), ["path", "language"])
        return {point.payload["path"]: point.payload["language"] for point in points}

    def words(
        self, roots: Sequence[str], terms: Sequence[str], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the best chunks by BM25."""
        return self._query(self._sparse(Counter(terms)), WORDS, limit, self._filter(roots, where))

    def near(
        self, roots: Sequence[str], vector: NDArray[np.float32], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the chunks nearest to a vector, rescored with the original vectors."""
        return self._query(vector.tolist(), CODE, limit, self._filter(roots, where))

    def near_by_text(
        self, roots: Sequence[str], vector: NDArray[np.float32], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the chunks nearest to a vector of the model for text."""
        return self._query(vector.tolist(), TEXT, limit, self._filter(roots, where))

    def chunks(self, roots: Sequence[str], where: Where) -> Iterator[tuple[str, UUID, Chunk]]:
        """Yield the chunks there."""
        for point in self._points(roots, where):
            yield str(point.payload["root"]), UUID(str(point.id)), chunk_from(point.payload)

    def keys(self, roots: Sequence[str]) -> set[str]:
        """Return the names that are defined, case-folded; of very many the most frequent."""
        return set(self._values("keys", NAMES, self._filter(roots, ANYWHERE)))

    def vector(self, uuid: UUID) -> NDArray[np.float32] | None:
        """Return the stored vector of a chunk."""
        points = self._retrieve([str(uuid)], with_vectors=[CODE])
        stored = points[0].vector.get(CODE) if points and isinstance(points[0].vector, dict) else None
        return None if stored is None else np.asarray(stored, np.float32)

    def has_vectors(self, roots: Sequence[str]) -> bool:
        """Return whether there are chunks: each has a vector."""
        return self._count(self._filter(roots, ANYWHERE)) > 0

    # -- parts of a request

    def _points(self, roots: Sequence[str], where: Where) -> Iterator[Any]:
        """Those of known names are fetched by them: a filter would be held against every point."""
        if where.uuids is None or where.paths is not None or where.key is not None:
            yield from self._scroll(self._filter(roots, where), True)
            return
        for point in self._retrieve([str(uuid) for uuid in where.uuids]):
            if point.payload and point.payload.get("root") in roots:
                yield point

    def _scroll(self, wanted: Any, payload: Any) -> Iterator[Any]:
        offset: Any = None
        while True:
            points, offset = self._page(wanted, payload, offset)
            yield from points
            if offset is None:
                return

    def _point(
        self, root: str, row: EngineRow, average: float, short_dim: int = 0
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Id, vectors and payload of a chunk."""
        weights = {term: impact(weight, row.length, average) for term, weight in row.terms.items()}
        vectors: dict[str, Any] = {WORDS: self._sparse(weights)}
        if row.vector is not None:
            vectors[CODE] = row.vector.tolist()
            if short_dim:
                vectors[SHORT] = row.vector[:short_dim].tolist()
        if row.text_vector is not None:
            vectors[TEXT] = row.text_vector.tolist()
        return str(row.uuid), vectors, {"root": root, **payload_of(row)}

    # -- requests

    @abstractmethod
    def _values(self, field: str, limit: int, wanted: Any = None) -> list[str]:
        """The values of a field, counted by its index; no point is read."""

    @abstractmethod
    def _query(self, query: Any, using: str, limit: int, wanted: Any) -> list[Found]:
        """The nearest points by one of the vectors."""

    @abstractmethod
    def _page(self, wanted: Any, payload: Any, offset: Any) -> tuple[Sequence[Any], Any]:
        """A page of points, and where the next one begins, None after the last."""

    @abstractmethod
    def _retrieve(self, ids: Sequence[str], *, with_vectors: Sequence[str] = ()) -> Sequence[Any]:
        """Points by id: with the vectors that are named, else with their payload."""

    @abstractmethod
    def _count(self, wanted: Any) -> int:
        """The number of points, roughly."""

    @staticmethod
    @abstractmethod
    def _filter(roots: Sequence[str], where: Where) -> Any:
        """The filter of the client's library."""

    @staticmethod
    @abstractmethod
    def _sparse(weights: Mapping[str, float]) -> Any:
        """The sparse vector of the client's library."""
