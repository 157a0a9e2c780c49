"""Read the stored vectors: the part of ``StoreReader`` that concerns them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from codesearch.storage.rows import Ids, StoredVectors
from codesearch.storage.sqlite.database import Database

__all__ = ["IN_LIST", "VectorReader"]

IN_LIST = "IN (SELECT value FROM json_each(?))"
"""SQL for one of the values of a JSON list, however many there are."""

_PAGE = 4096
"""Rows that are decoded at once."""


class VectorReader:
    """Vectors by chunk and by the order in which they were written."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def vectors(self, ids: Iterable[int] | None = None, after_seq: int = 0) -> StoredVectors:
        """Vectors newer than a sequence number, of all chunks or of these, in the order they were written.

        Rows are read a page at a time, so that little more than the result is held.
        """
        with self._db.reading():
            return self._vectors(ids, after_seq)

    def _vectors(self, ids: Iterable[int] | None, after_seq: int) -> StoredVectors:
        only, params = "", list[Any]()
        if ids is not None:
            only, params = f" AND chunk_id {IN_LIST}", [json.dumps([int(i) for i in ids])]
        count = int(self._db.value(f"SELECT count(*) FROM vectors WHERE seq > ?{only}", [after_seq, *params]))
        seqs, chunks = np.empty(count, np.int64), np.empty(count, np.int64)
        matrix = np.empty((count, (self.vector_dim() or 0) if count else 0), np.float32)
        sql = f"SELECT seq, chunk_id, vector FROM vectors WHERE seq > ?{only} ORDER BY seq LIMIT {_PAGE}"
        last, start = after_seq, 0
        while start < count:
            rows = self._db.rows(sql, [last, *params])
            page = slice(start, start + len(rows))
            with self._db.decoding():
                seqs[page], chunks[page] = [row[0] for row in rows], [row[1] for row in rows]
                flat = np.frombuffer(b"".join(row[2] for row in rows), np.float16)
                matrix[page] = flat.reshape(len(rows), -1)
            last, start = rows[-1][0], page.stop
        return StoredVectors(chunks, seqs, matrix)

    def vector_ids(self) -> Ids:
        """Ids of all chunks that have a vector, ascending."""
        rows = self._db.rows("SELECT chunk_id FROM vectors ORDER BY chunk_id")
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def has_vectors(self) -> bool:
        """Whether a chunk has one: counting them reads a page for every hundred."""
        return bool(self._db.fixed("SELECT EXISTS (SELECT 1 FROM vectors)"))

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
