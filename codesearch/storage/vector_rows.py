"""Reads the stored vectors: the part of ``StoreReader`` that is about them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from codesearch.storage.database import Database, Row
from codesearch.storage.rows import Ids, StoredVectors

__all__ = ["IN_LIST", "VectorReader"]

IN_LIST = "IN (SELECT value FROM json_each(?))"
"""SQL for one of the values of a JSON list, however many there are."""


class VectorReader:
    """Vectors by chunk and by the order in which they were written."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def vectors(self, ids: Iterable[int] | None = None, after_seq: int = 0) -> StoredVectors:
        """Vectors newer than a sequence number, of all chunks or of these, in the order they were written."""
        sql = "SELECT seq, chunk_id, vector FROM vectors WHERE seq > ?"
        params: list[Any] = [after_seq]
        if ids is not None:
            sql += f" AND chunk_id {IN_LIST}"
            params.append(json.dumps([int(i) for i in ids]))
        rows = self._db.rows(f"{sql} ORDER BY seq", params)
        with self._db.decoding():
            return _vectors(rows)

    def vector_ids(self) -> Ids:
        """Ids of all chunks that have a vector, ascending."""
        rows = self._db.rows("SELECT chunk_id FROM vectors ORDER BY chunk_id")
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def vector_count(self, after_seq: int = 0) -> int:
        """How many chunks have a vector, or one that is newer than a sequence number."""
        if not after_seq:
            return int(self._db.value("SELECT count(*) FROM vectors"))
        return int(self._db.value("SELECT count(*) FROM vectors WHERE seq > ?", (after_seq,)))

    def vector_dim(self) -> int | None:
        """Width of the stored vectors; None where there are none."""
        size = self._db.value("SELECT length(vector) FROM vectors LIMIT 1")
        return None if size is None else size // 2

    def last_seq(self) -> int:
        """The highest sequence number ever given to a vector, 0 before the first."""
        return int(self._db.value("SELECT seq FROM sqlite_sequence WHERE name = 'vectors'") or 0)


def _vectors(rows: list[Row]) -> StoredVectors:
    seqs = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    ids = np.fromiter((row[1] for row in rows), np.int64, len(rows))
    flat = np.frombuffer(b"".join(row[2] for row in rows), np.float16).astype(np.float32)
    return StoredVectors(ids, seqs, flat.reshape(len(rows), -1) if rows else flat.reshape(0, 0))
