"""Compare vectors exactly, by one matrix product per question; most are mapped from a file.

Of many, codes say which may be among the nearest (``codes.py``), and those alone are compared exactly: all
whose codes promise so much, up to so many times the error that the codes are seen to make. Their rows are
read and not mapped, so that of a large table no more than the codes is in memory.

A table is never changed, only followed by another one, so any number of threads may ask while one
of them looks for news.
"""

from __future__ import annotations

from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass
from codesearch.storage.reading import StoreReader
from codesearch.storage.rows import Ids, ScoredRow, StoredVectors
from codesearch.vectors.codes import Codes
from codesearch.vectors.row_file import RowFile

__all__ = ["VectorTable"]

_SURE = 5.0
"""Times the error of codes by which the nearest may look farther than they are. Of 91,080 nearest (132 of
24,905 real vectors, 690 questions) 4 missed two, 5 none."""
_LEAST_SEEN = 256
"""Vectors that tell the error of codes: they are compared exactly in any case."""
_AT_ONCE = 1_024
"""Rows that are read at a time: 1 MB of 256 numbers."""


@dataclass(frozen=True, slots=True)
class VectorTable:
    """The live vectors whose sequence number is above ``since``."""

    since: int
    last_seq: int
    """Everything up to here has been read."""
    ids: Ids
    """(n,) int64 chunk ids, in no order: of mapped rows, -1 for one that was removed, then of the others."""
    matrix: NDArray[np.float32]
    """(n - m, dim) float32, unit length up to the rounding to float16."""
    mapped: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(m, dim): rows of a file (``table_file.py``), which stay whatever is removed."""
    removed: int = 0
    """Rows of ``mapped`` that are no vector's any more."""
    codes: Codes | None = None
    """Of ``mapped``, where these are many."""
    file: RowFile | None = None
    """Of ``mapped``: where few of the rows are read, by number."""

    @classmethod
    def empty(cls, since: int = 0) -> VectorTable:
        """Nothing read yet."""
        return cls(since, since, np.zeros(0, np.int64), np.zeros((0, 0), np.float32))

    def __len__(self) -> int:
        return len(self.ids) - self.removed

    def live(self) -> tuple[Ids, NDArray[np.float32]]:
        """Return the chunk ids, (n,) int64, and the vectors, (n, dim) float32, in memory."""
        rows = np.flatnonzero(self.ids >= 0)
        return self.ids[rows], self._rows(rows)

    def follow(self, store: StoreReader) -> VectorTable:
        """This table as of now: what was written since is added, what was removed is dropped.

        To be called inside ``store.reading()``. A table that is up to date costs one count.
        """
        new = store.vectors(after_seq=self.last_seq)
        count, keep = store.vector_count(after_seq=self.since), None
        if len(self) + len(new) != count:  # some were removed, or written again
            keep = np.isin(self.ids, store.vector_ids()) & ~np.isin(self.ids, new.ids)
        if keep is None and not len(new):
            return self
        table = self._next(keep, new)
        # Nothing but a database that went back in time gets here: read it all again.
        return table if len(table) == count else VectorTable.empty(self.since).follow(store)

    def _next(self, keep: NDArray[np.bool_] | None, new: StoredVectors) -> VectorTable:
        ids, matrix, removed, count = self.ids, self.matrix, self.removed, len(self.mapped)
        if keep is not None:
            ids = np.concatenate([np.where(keep[:count], ids[:count], -1), ids[count:][keep[count:]]])
            matrix = matrix[keep[count:]]
            removed = count - int(keep[:count].sum())
        if len(new):
            matrix = np.concatenate([matrix, new.matrix]) if len(matrix) else new.matrix
            ids = np.concatenate([ids, new.ids]) if len(ids) else new.ids
        last_seq = max(self.last_seq, int(new.seqs[-1])) if len(new) else self.last_seq
        return VectorTable(self.since, last_seq, ids, matrix, self.mapped, removed, self.codes, self.file)

    def nearest(self, query: NDArray[np.float32], limit: int, allowed: Ids | None = None) -> list[ScoredRow]:
        """The best ``limit`` vectors by inner product with (dim,); equal scores are ordered by id."""
        if limit < 1:
            return []
        if self.codes is None:
            scores, ids = self._compared(query, allowed)
        else:
            scores, ids = self._compared_by(self.codes, query, limit, allowed)
        if not len(ids):
            return []
        if limit < len(scores):
            best = np.flatnonzero(scores >= np.partition(scores, -limit)[-limit])
            scores, ids = scores[best], ids[best]
        order = np.lexsort((ids, -scores))[:limit]
        return list(map(ScoredRow, ids[order].tolist(), scores[order].tolist()))

    def _compared(self, query: NDArray[np.float32], allowed: Ids | None) -> tuple[NDArray[np.float32], Ids]:
        """Inner products with the vectors of these chunks, in the order of the chunk ids beside them."""
        if not len(self):
            return np.zeros(0, np.float32), self.ids[:0]
        if allowed is None:
            rows = np.flatnonzero(self.ids >= 0) if self.removed else slice(None)
            return self._all_products(query)[rows], self.ids[rows]
        rows = np.flatnonzero(np.isin(self.ids, allowed))
        # Picking rows copies them: beyond a quarter of the table, computing everything is cheaper.
        if len(rows) * 4 < len(self):
            return _products(self._rows(rows), query), self.ids[rows]
        return self._all_products(query)[rows], self.ids[rows]

    def _compared_by(
        self, codes: Codes, query: NDArray[np.float32], limit: int, allowed: Ids | None
    ) -> tuple[NDArray[np.float32], Ids]:
        """As ``_compared``, but of the mapped rows at least the nearest ``limit`` alone."""
        ids, count, about = self.ids, len(self.mapped), codes.compare(query)
        if allowed is None and not self.removed:
            rows, later = np.arange(count), np.arange(len(ids) - count)
        else:
            is_asked = ids >= 0 if allowed is None else np.isin(ids, allowed)
            rows, later = np.flatnonzero(is_asked[:count]), np.flatnonzero(is_asked[count:])
            about = about[rows]
        rows, scores = self._likely(about, rows, query, limit)
        others = _products(self.matrix[later], query)
        return np.concatenate([scores, others]), ids[np.concatenate([rows, later + count])]

    def _likely(
        self, about: NDArray[np.float32], rows: NDArray[np.intp], query: NDArray[np.float32], limit: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return those of some mapped rows that may be nearest, with their scores, which are ``about`` so."""
        seen = max(2 * limit, _LEAST_SEEN)
        if len(rows) <= seen:
            return rows, self._mapped_products(rows, query)
        first = np.flatnonzero(about >= np.partition(about, -seen)[-seen])
        scores = self._mapped_products(rows[first], query)
        error = np.sqrt(np.square(scores - about[first]).mean())
        is_likely = about >= np.partition(scores, -limit)[-limit] - _SURE * error
        is_likely[first] = False
        more = np.flatnonzero(is_likely)
        found = np.concatenate([first, more])
        return rows[found], np.concatenate([scores, self._mapped_products(rows[more], query)])

    def _mapped_products(self, rows: NDArray[np.intp], query: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) inner products of some mapped rows with (dim,)."""
        if self.file is None:
            return _products(self.mapped[rows], query)
        products = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            products[part] = _products(self.file.rows(rows[part]), query)
        return products

    def _all_products(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = [_products(part, query) for part in (self.mapped, self.matrix) if len(part)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _rows(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Copy some rows, whose numbers ascend."""
        count = len(self.mapped)
        mapped = np.searchsorted(rows, count)
        parts = [(self.mapped, rows[:mapped]), (self.matrix, rows[mapped:] - count)]
        return np.concatenate([part[at] for part, at in parts if len(at)] or [self.matrix[:0]])


def _products(matrix: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) inner products of (n, dim) and (dim,), all summed alike and in the thread that asks.

    BLAS divides it among threads, which then wait for each other: 8.8 ms instead of 0.35 for 4,400 vectors
    of 256 while another program uses one of two cores. It also rounds by the row of a vector.
    """
    products: NDArray[np.float32] = np.einsum("ij,j->i", matrix, query)
    return products
