"""Term frequencies and row lengths, for BM25 over several indexes at once.

FTS5 scores against the statistics of its own table, so the scores of two indexes cannot be compared:
a word that is rare here may be common there. These are the numbers below the score, read from the
full-text index itself: how often a row holds a term, and how long each row is. Nothing is scored here.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass
from codesearch.storage.lexical.recent_terms import RecentTerms
from codesearch.storage.rows import Ids
from codesearch.storage.sqlite.database import Database

__all__ = ["Postings", "RowLengths", "TermStatistics"]

# A table of one's own connection: nothing is written to the index.
_INSTANCES = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.lexical_instances USING fts5vocab (main, lexical, instance)"
)
_OCCURRENCES = (
    "SELECT doc, sum(CASE col WHEN 'symbol' THEN ? WHEN 'path' THEN ? ELSE ? END) "
    "FROM temp.lexical_instances WHERE term = ? GROUP BY doc ORDER BY doc"
)
_VARINT_BITS = 7
_CONTINUES = 0x80


@dataclass(frozen=True, slots=True)
class Postings:
    """The rows that hold a term."""

    ids: Ids
    """(n,) int64 chunk ids, ascending."""
    weight: NDArray[np.float64]
    """(n,) how often each holds it, an occurrence counting as much as its column does."""


@dataclass(frozen=True, slots=True)
class RowLengths:
    """Every row of the full-text index."""

    ids: Ids
    """(n,) int64 chunk ids, ascending."""
    tokens: NDArray[np.int64]
    """(n,) tokens of each, all columns together."""


class TermStatistics:
    """Reads them for one store, and remembers them until the index changes. Any thread may ask."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._lock = threading.Lock()
        self._recent = RecentTerms[Postings]()
        self._generation: int | None = None
        self._lengths = RowLengths(np.zeros(0, np.int64), np.zeros(0, np.int64))

    def postings(self, term: str, weights: Sequence[float], generation: int) -> Postings:
        """The rows that hold a token, weighed by the columns symbol, path and body.

        Call it inside ``reading()``; the generation is that of the snapshot.
        """
        key = term, tuple(map(float, weights))
        rows = len(self.lengths(generation).ids)
        return self._recent.get(key, generation, rows, lambda: self._read(*key))

    def _read(self, term: str, weights: tuple[float, ...]) -> Postings:
        self._db.run(_INSTANCES)
        rows = self._db.rows(_OCCURRENCES, (*weights, term))
        return Postings(
            np.fromiter((row[0] for row in rows), np.int64, len(rows)),
            np.fromiter((row[1] for row in rows), np.float64, len(rows)),
        )

    def lengths(self, generation: int) -> RowLengths:
        """The length of every row."""
        with self._lock:
            if self._generation != generation:
                rows = self._db.rows("SELECT id, sz FROM lexical_docsize ORDER BY id")
                with self._db.decoding():
                    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
                    self._lengths = RowLengths(ids, _summed_varints([row[1] for row in rows]))
                self._generation = generation
            return self._lengths


def _summed_varints(blobs: Sequence[bytes]) -> NDArray[np.int64]:
    """The sum of the variable-length integers of each blob (big-endian base 128, as SQLite writes them)."""
    if not blobs:
        return np.zeros(0, np.int64)
    data = np.frombuffer(b"".join(blobs), np.uint8)
    ends = np.flatnonzero(data < _CONTINUES)  # of the integers
    place = ends[np.searchsorted(ends, np.arange(len(data)))] - np.arange(len(data))
    values = (data & (_CONTINUES - 1)).astype(np.int64) << (_VARINT_BITS * place)
    starts = np.cumsum([0, *(len(blob) for blob in blobs[:-1])])
    summed: NDArray[np.int64] = np.add.reduceat(values, starts)
    return summed
