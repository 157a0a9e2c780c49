"""What each token adds to the scores of the rows that hold it, as FTS5 computes it, remembered.

BM25 is a sum over the tokens of a question, and FTS5 adds it up in their order: the scores of single tokens,
added in the same order, are its scores to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass
from codesearch.storage.lexical.recent_terms import RecentTerms
from codesearch.storage.lexical.tokens import match_expression
from codesearch.storage.rows import Ids, ScoredRow
from codesearch.storage.sqlite.database import Database

__all__ = ["TermScores", "TokenScores", "best_of"]

_ROW = np.dtype([("id", np.int64), ("score", np.float64)])

Key = tuple[str, tuple[float, ...]]
"""A token, and the weights of the columns."""


@dataclass(frozen=True, slots=True)
class TokenScores:
    """The rows that hold a token."""

    ids: Ids
    """(n,) int64, ascending."""
    scores: NDArray[np.float64]
    """(n,) what the token adds to the score of each."""


class TermScores:
    """Asks the full-text index of one store. Any thread may; what it learns holds for one generation."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._recent = RecentTerms[TokenScores]()

    def are_known(self, keys: Sequence[Key], generation: int) -> list[bool]:
        """Return which tokens are remembered."""
        return [(generation, key) in self._recent for key in keys]

    def of(self, key: Key, generation: int, rows: int) -> TokenScores:
        """Return the scores of a token, read where they are not remembered (``RecentTerms.get``)."""
        return self._recent.get(key, generation, rows, lambda: self._read(key))

    def _read(self, key: Key) -> TokenScores:
        term, weights = key
        sql = "SELECT rowid, -bm25(lexical, ?, ?, ?) FROM lexical WHERE lexical MATCH ?"
        found = self._db.numbers(sql, (*weights, match_expression([term])), _ROW)
        return TokenScores(np.ascontiguousarray(found["id"]), np.ascontiguousarray(found["score"]))


def best_of(tokens: Sequence[TokenScores], limit: int, allowed: Ids | None = None) -> list[ScoredRow]:
    """Return the best of the rows that hold one of the tokens, equal ones by id; a token may come twice.

    Memory is that of the highest id: 9 bytes for each up to there.
    """
    highest = max((int(token.ids[-1]) for token in tokens if len(token.ids)), default=-1)
    sums, is_held = np.zeros(highest + 1), np.zeros(highest + 1, np.bool_)
    for token in tokens:
        sums[token.ids] += token.scores
        is_held[token.ids] = True
    ids = np.flatnonzero(is_held)
    if allowed is not None:
        is_held[:] = False
        is_held[allowed[: np.searchsorted(allowed, highest, side="right")]] = True
        ids = ids[is_held[ids]]
    scores = sums[ids]
    if limit < len(scores):
        best = np.flatnonzero(scores >= np.partition(scores, -limit)[-limit])
        ids, scores = ids[best], scores[best]
    order = np.argsort(-scores, kind="stable")[:limit]  # ids ascend
    return list(map(ScoredRow, ids[order].tolist(), scores[order].tolist()))
