"""Qdrant Edge: Qdrant's own engine in this process, one shard in a folder, without a server.

Vectors, quantisation, graph (HNSW), filters and the log of writes are the server's code; there are no
aliases, and one process at a time opens a shard. The graph is built when the engine is closed after writing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import qdrant_edge as edge

from codesearch.distributed.engines.protocol import EngineRecord, Found, Where, one_vector
from codesearch.distributed.engines.qdrant_questions import QdrantQuestions
from codesearch.distributed.engines.qdrant_terms import (
    CODE,
    OVERSAMPLING,
    RECORD,
    WORDS,
    Quantization,
    numbered,
)
from codesearch.distributed.engines.rows import EngineRow
from codesearch.errors import CodesearchError

__all__ = ["QdrantEdgeEngine"]

_PAGE = 1024
T = TypeVar("T")


class QdrantEdgeEngine(QdrantQuestions):
    """One shard. ``folder`` is made by ``create``."""

    def __init__(self, folder: Path, *, quantization: Quantization = "int8") -> None:
        self._folder = folder
        self._quantization: Quantization = quantization
        self._shard: edge.EdgeShard | None = None
        self._record: EngineRecord | None = None
        self._written = False

    def record(self) -> EngineRecord | None:
        """Return what was written down when the shard was made."""
        if self._record is None and (self._shard is not None or self._folder.exists()):
            found = self._try(lambda: self._open().retrieve([RECORD], True, False))
            payload = found[0].payload if found else None
            self._record = EngineRecord.from_json(payload["record"]) if payload else None
        return self._record

    def create(self, record: EngineRecord) -> None:
        """Make the shard with its indexes. A folder whose making was cut short is made anew."""
        one_vector(record, "Qdrant Edge")
        if self.record() is not None:
            return
        self._try(lambda: self._make(record.dim))
        for field, is_tenant in (("root", True), ("path", False), ("keys", False)):
            schema = edge.KeywordIndexParams(is_tenant=is_tenant)
            self._update(edge.UpdateOperation.create_field_index(field, schema))
        payload = {"record": record.as_json()}
        self._update(edge.UpdateOperation.upsert_points([edge.Point(RECORD, {}, payload)]))
        self._try(lambda: self._open().flush())

    def _make(self, dim: int) -> None:
        vector = edge.EdgeVectorParams(
            dim, edge.Distance.Cosine, quantization_config=_quantization(self._quantization)
        )
        sparse = edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)
        if self._shard is None:
            config = edge.EdgeConfig(vectors={CODE: vector}, sparse_vectors={WORDS: sparse})
            self._folder.mkdir(parents=True, exist_ok=True)
            self._shard = edge.EdgeShard.create(str(self._folder), config)

    def write(self, root: str, rows: Sequence[EngineRow]) -> None:
        """Store chunks; those that are there are replaced."""
        record = self.record()
        assert record is not None, "the shard is made before it is filled"
        points = [edge.Point(*self._point(root, row, record.average_length)) for row in rows]
        self._update(edge.UpdateOperation.upsert_points(points))

    def delete(self, root: str, uuids: Sequence[UUID]) -> None:
        """Remove chunks."""
        self._update(edge.UpdateOperation.delete_points([str(uuid) for uuid in uuids]))

    def close(self) -> None:
        """Build what is due, and close the shard."""
        if self._shard is None:
            return
        shard, self._shard = self._shard, None
        if self._written:
            self._try(shard.optimize)
        self._try(shard.close)

    # -- one request

    def _retrieve(self, ids: Sequence[str], *, with_vectors: Sequence[str] = ()) -> Sequence[Any]:
        names: list[Any] = list(ids)
        return self._try(lambda: self._open().retrieve(names, not with_vectors, list(with_vectors) or False))

    def _count(self, wanted: edge.Filter) -> int:
        request = edge.CountRequest(exact=False, filter=wanted)
        return self._try(lambda: self._open().count(request))

    def _values(self, field: str, limit: int, wanted: edge.Filter | None = None) -> list[str]:
        request = edge.FacetRequest(field, limit=limit, exact=True, filter=wanted)
        return [str(hit.value) for hit in self._try(lambda: self._open().facet(request)).hits]

    def _open(self) -> edge.EdgeShard:
        if self._shard is None:
            self._shard = edge.EdgeShard.load(str(self._folder))
        return self._shard

    def _update(self, operation: edge.UpdateOperation) -> None:
        self._written = True
        self._try(lambda: self._open().update(operation))

    def _query(self, query: Any, using: str, limit: int, wanted: edge.Filter) -> list[Found]:
        params = None
        if using == CODE and self._quantization != "none":
            rescore = edge.QuantizationSearchParams(
                rescore=True, oversampling=OVERSAMPLING[self._quantization]
            )
            params = edge.SearchParams(quantization=rescore)
        nearest = edge.Query.Nearest(query, using=using)
        request = edge.QueryRequest(
            limit=limit, query=nearest, filter=wanted, params=params, with_payload=False
        )
        found = self._try(lambda: self._open().query(request))
        return [Found(UUID(str(point.id)), float(point.score)) for point in found]

    def _page(self, wanted: edge.Filter, payload: Any, offset: Any) -> tuple[list[Any], Any]:
        request = edge.ScrollRequest(offset=offset, limit=_PAGE, filter=wanted, with_payload=payload)
        return self._try(lambda: self._open().scroll(request))

    @staticmethod
    def _sparse(weights: Mapping[str, float]) -> edge.SparseVector:
        return edge.SparseVector(*numbered(weights))

    @staticmethod
    def _filter(roots: Sequence[str], where: Where) -> edge.Filter:
        must: list[Any] = [edge.FieldCondition("root", match=edge.MatchAny(list(roots)))]
        if where.paths is not None:
            must.append(edge.FieldCondition("path", match=edge.MatchAny(list(where.paths))))
        if where.uuids is not None:
            must.append(edge.HasIdCondition({str(uuid) for uuid in where.uuids}))
        if where.key is not None:
            must.append(edge.FieldCondition("keys", match=edge.MatchValue(where.key)))
        return edge.Filter(must=must)

    def _try(self, ask: Callable[[], T]) -> T:
        """Turn the errors of the engine into ours. They share no base."""
        try:
            return ask()
        except Exception as error:
            raise CodesearchError(f"Qdrant Edge cannot answer for {self._folder}: {error}") from error


def _quantization(kind: Quantization) -> Any:
    if kind == "int8":
        return edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=0.99, memory=edge.Memory.Pinned)
    if kind == "binary":
        return edge.BinaryQuantizationConfig(memory=edge.Memory.Pinned)
    return None
