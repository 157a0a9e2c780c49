"""Qdrant: many roots in one collection, with vectors for code, words (BM25) and, if asked for, prose.

The vectors are named ``code``, ``bm25`` (sparse) and ``text`` (by a second model); chunks are the payload.

The name that users give is an alias: ``rebuild`` fills a new collection beside the old one and then moves the
alias (blue/green). BM25 is split as Qdrant's guide has it: the weight of a term in a chunk is stored, its
rarity is computed by the server (``Modifier.IDF``). Vectors are quantised to int8 beside the originals and
rescored with them. With ``short_dim`` a first stage compares the beginnings of vectors, which models trained
so (Matryoshka, Kusupati et al., arXiv 2205.13147) allow; whole ones then lie on disk.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from codesearch.distributed.engines.protocol import ANYWHERE, EngineRecord, Found, Where
from codesearch.distributed.engines.qdrant_questions import QdrantQuestions
from codesearch.distributed.engines.qdrant_terms import (
    CODE,
    RECORD,
    RRF_K,
    SHORT,
    SHORTLIST,
    TEXT,
    WORDS,
    Quantization,
    numbered,
)
from codesearch.distributed.engines.qdrant_vectors import checked_stage, dense_vectors, rescoring
from codesearch.distributed.engines.rows import EngineRow
from codesearch.errors import CodesearchError

__all__ = ["QdrantEngine"]

_PAGE = 1024
T = TypeVar("T")


class QdrantEngine(QdrantQuestions):
    """One collection. ``client`` may be a server, a local folder or memory."""

    def __init__(
        self,
        client: QdrantClient,
        collection: str,
        *,
        quantization: Quantization = "int8",
        short_dim: int = 0,
    ) -> None:
        self._client = client
        self._name = collection
        self._quantization: Quantization = quantization
        self._new_short_dim = short_dim
        self._record: EngineRecord | None = None

    # -- the collection

    def record(self) -> EngineRecord | None:
        """Return what was written down when the collection was made."""
        if self._record is None:
            points = self._try(lambda: self._there() and self._client.retrieve(self._name, [RECORD]))
            payload = points[0].payload if points else None
            self._record = EngineRecord.from_json(payload["record"]) if payload else None
        return self._record

    def create(self, record: EngineRecord) -> None:
        """Make the collection with its indexes, and the alias that is its name."""
        if self._try(self._there):
            return
        self._fill_new(f"{self._name}-1", record)
        self._move_alias(f"{self._name}-1")

    def rebuild(self, record: EngineRecord, fill: Callable[[QdrantEngine], None]) -> None:
        """Fill a new collection while the old one answers, then let the name stand for the new one."""
        old = self._target()
        number = int(old.rpartition("-")[2]) + 1 if old else 1
        fresh = QdrantEngine(
            self._client,
            f"{self._name}-{number}",
            quantization=self._quantization,
            short_dim=self._new_short_dim,
        )
        self._try(lambda: self._client.delete_collection(fresh._name))
        self._fill_new(fresh._name, record)
        fill(fresh)
        self._move_alias(fresh._name)
        self._record = None  # that of the old one
        if old:
            self._try(lambda: self._client.delete_collection(old))

    def _fill_new(self, name: str, record: EngineRecord) -> None:
        record = replace(record, short_dim=checked_stage(self._new_short_dim, record.dim))
        dense = dense_vectors(record, self._quantization)
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        self._try(lambda: self._client.create_collection(name, dense, sparse_vectors_config={WORDS: sparse}))
        tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        self._index(name, "root", tenant)
        for field in ("path", "keys"):
            self._index(name, field, models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD))
        payload = {"record": record.as_json()}
        zero = models.PointStruct(id=RECORD, vector={}, payload=payload)
        self._try(lambda: self._client.upsert(name, [zero], wait=True))

    def _index(self, name: str, field: str, schema: models.KeywordIndexParams) -> None:
        self._try(lambda: self._client.create_payload_index(name, field, schema))

    def _there(self) -> bool:
        return self._target() is not None or self._client.collection_exists(self._name)

    def _target(self) -> str | None:
        """The collection that the alias stands for."""
        aliases = self._try(lambda: self._client.get_aliases().aliases)
        return next((one.collection_name for one in aliases if one.alias_name == self._name), None)

    def _move_alias(self, target: str) -> None:
        drop = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=self._name))
        make = models.CreateAliasOperation(
            create_alias=models.CreateAlias(collection_name=target, alias_name=self._name)
        )
        steps: list[Any] = [drop, make] if self._target() else [make]
        self._try(lambda: self._client.update_collection_aliases(steps))

    # -- writing

    def write(self, root: str, rows: Sequence[EngineRow]) -> None:
        """Store chunks; those that are there are replaced."""
        record = self.record()
        assert record is not None, "the collection is made before it is filled"
        points = [
            models.PointStruct(id=name, vector=vectors, payload=payload)
            for name, vectors, payload in (
                self._point(root, row, record.average_length, record.short_dim) for row in rows
            )
        ]
        self._try(lambda: self._client.upsert(self._name, points, wait=True))

    def delete(self, root: str, uuids: Sequence[UUID]) -> None:
        """Remove chunks."""
        selector = models.PointIdsList(points=[str(uuid) for uuid in uuids])
        self._try(lambda: self._client.delete(self._name, selector, wait=True))

    # -- asking

    def near(
        self, roots: Sequence[str], vector: NDArray[np.float32], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the chunks nearest to a vector; of two stages the first finds candidates for the second."""
        record = self.record()
        if record is None or not record.short_dim:
            return super().near(roots, vector, limit, where)
        wanted = self._filter(roots, where)
        first = models.Prefetch(
            query=vector[: record.short_dim].tolist(),
            using=SHORT,
            limit=SHORTLIST * limit,
            filter=wanted,
            params=rescoring(self._quantization),
        )
        answer = self._try(
            lambda: self._client.query_points(
                self._name,
                prefetch=first,
                query=vector.tolist(),
                using=CODE,
                limit=limit,
                with_payload=False,
            )
        )
        return _found(answer.points)

    def fused(
        self,
        roots: Sequence[str],
        terms: Sequence[str],
        vector: NDArray[np.float32],
        limit: int,
        text_vector: NDArray[np.float32] | None = None,
    ) -> list[Found]:
        """Return the best chunks by all arms, fused by the server: for clients without our ranking."""
        depth, wanted = max(100, 2 * limit), self._filter(roots, ANYWHERE)
        arms = [
            models.Prefetch(query=self._sparse(Counter(terms)), using=WORDS, limit=depth, filter=wanted),
            models.Prefetch(query=vector.tolist(), using=CODE, limit=depth, filter=wanted),
        ]
        if text_vector is not None:
            arms.append(models.Prefetch(query=text_vector.tolist(), using=TEXT, limit=depth, filter=wanted))
        query = models.RrfQuery(rrf=models.Rrf(k=RRF_K))
        answer = self._try(
            lambda: self._client.query_points(
                self._name, prefetch=arms, query=query, limit=limit, with_payload=False
            )
        )
        return _found(answer.points)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    # -- one request

    def _retrieve(self, ids: Sequence[str], *, with_vectors: Sequence[str] = ()) -> Sequence[Any]:
        return self._try(
            lambda: self._client.retrieve(
                self._name, list(ids), with_payload=not with_vectors, with_vectors=list(with_vectors) or False
            )
        )

    def _count(self, wanted: models.Filter) -> int:
        return self._try(lambda: self._client.count(self._name, wanted, exact=False)).count

    def _values(self, field: str, limit: int, wanted: models.Filter | None = None) -> list[str]:
        found = self._try(
            lambda: self._client.facet(self._name, field, facet_filter=wanted, limit=limit, exact=True)
        )
        return [str(hit.value) for hit in found.hits]

    def _query(self, query: Any, using: str, limit: int, wanted: models.Filter) -> list[Found]:
        rescore = rescoring(self._quantization) if using != WORDS else None
        answer = self._try(
            lambda: self._client.query_points(
                self._name,
                query=query,
                using=using,
                limit=limit,
                query_filter=wanted,
                search_params=rescore,
                with_payload=False,
            )
        )
        return _found(answer.points)

    def _page(self, wanted: models.Filter, payload: Any, offset: Any) -> tuple[Sequence[Any], Any]:
        return self._try(
            lambda: self._client.scroll(
                self._name, wanted, limit=_PAGE, offset=offset, with_payload=payload, with_vectors=False
            )
        )

    @staticmethod
    def _sparse(weights: Mapping[str, float]) -> models.SparseVector:
        indices, values = numbered(weights)
        return models.SparseVector(indices=indices, values=values)

    @staticmethod
    def _filter(roots: Sequence[str], where: Where) -> models.Filter:
        must: list[Any] = [models.FieldCondition(key="root", match=models.MatchAny(any=list(roots)))]
        if where.paths is not None:
            must.append(models.FieldCondition(key="path", match=models.MatchAny(any=list(where.paths))))
        if where.uuids is not None:
            must.append(models.HasIdCondition(has_id=[str(uuid) for uuid in where.uuids]))
        if where.key is not None:
            must.append(models.FieldCondition(key="keys", match=models.MatchValue(value=where.key)))
        return models.Filter(must=must)

    def _try(self, ask: Callable[[], T]) -> T:
        """Turn the errors of Qdrant into ours. The client's errors share no base."""
        try:
            with warnings.catch_warnings():  # the local mode says at each call what it needs not do
                warnings.filterwarnings("ignore", ".*[Ll]ocal", UserWarning)
                return ask()
        except CodesearchError:  # said by a question within a question
            raise
        except Exception as error:
            raise CodesearchError(
                f"Qdrant cannot answer for the collection {self._name}: {error}; is the server running there?"
            ) from error


def _found(points: Sequence[Any]) -> list[Found]:
    return [Found(UUID(str(point.id)), float(point.score)) for point in points]
