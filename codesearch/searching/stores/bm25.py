"""BM25 over several collections as if they were one.

Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009) with
the constants of SQLite's FTS5 (k1 1.2, b 0.75) and its treatment of terms that most rows hold. The number
of rows, their mean length and the number of rows that hold a term are those of all collections together.
So a score means the same in each of them, and one collection is scored as FTS5 scores it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass
from codesearch.storage.lexical.term_statistics import Postings, RowLengths

__all__ = ["Collection", "pooled_scores"]

_K1 = 1.2
_B = 0.75
_LEAST_IDF = 1e-6
"""Of a term that most rows hold: it orders what nothing else does."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One full-text index, as far as a query is concerned."""

    lengths: RowLengths
    terms: tuple[Postings, ...]
    """One for each term of the query, in the query's order."""


def pooled_scores(collections: Sequence[Collection]) -> list[NDArray[np.float64]]:
    """For each collection the scores of its rows, in the order of ``lengths.ids``; 0 where no term is."""
    rows = sum(len(c.lengths.ids) for c in collections)
    tokens = sum(int(c.lengths.tokens.sum()) for c in collections)
    scores = [np.zeros(len(c.lengths.ids)) for c in collections]
    damping = [_K1 * (1 - _B + _B * c.lengths.tokens * rows / max(tokens, 1)) for c in collections]
    for postings in zip(*(c.terms for c in collections), strict=True):
        idf = _idf(rows, sum(len(found.ids) for found in postings))
        for at, found in enumerate(postings):
            places = np.searchsorted(collections[at].lengths.ids, found.ids)
            often = found.weight
            scores[at][places] += idf * often * (_K1 + 1) / (often + damping[at][places])
    return scores


def _idf(rows: int, holding: int) -> float:
    return max(math.log((rows - holding + 0.5) / (holding + 0.5)), _LEAST_IDF)
