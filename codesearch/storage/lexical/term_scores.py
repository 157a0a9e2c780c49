"""What each token adds to the scores of the rows that hold it, as FTS5 computes it, remembered.

BM25 is a sum over the tokens of a question, and FTS5 adds it up in their order: the scores of single tokens,
added in the same order, are its scores to the last bit. Questions differ in their rare words and share the
common ones, which many rows hold and which take the time, so what was computed for one answers others.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesearch.storage.lexical.tokens import match_expression
from codesearch.storage.rows import Ids, ScoredRow
from codesearch.storage.sqlite.database import Database

__all__ = ["TermScores", "TokenScores", "best_of"]

_LEAST_KEPT = 250_000
_KEPT_PER_ROW = 4
"""Scores that are remembered, 16 bytes each: so many, or so many for each row of the index."""

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
        self._lock = threading.Lock()
        self._generation = -1
        self._kept: dict[Key, TokenScores] = {}
        self._count = 0

    def are_known(self, keys: Sequence[Key], generation: int) -> list[bool]:
        """Return which tokens are remembered."""
        with self._lock:
            return [generation == self._generation and key in self._kept for key in keys]

    def of(self, key: Key, generation: int, rows: int) -> TokenScores:
        """Return the scores of a token, read where they are not remembered.

        Call it inside ``reading()``; the generation is that of the snapshot, of so many rows.
        """
        with self._lock:
            if generation == self._generation and key in self._kept:
                found = self._kept[key] = self._kept.pop(key)  # the last to be dropped
                return found
        token = self._read(key)
        self._keep(key, token, generation, max(_LEAST_KEPT, _KEPT_PER_ROW * rows))
        return token

    def _read(self, key: Key) -> TokenScores:
        term, weights = key
        sql = "SELECT rowid, -bm25(lexical, ?, ?, ?) FROM lexical WHERE lexical MATCH ?"
        found = self._db.rows(sql, (*weights, match_expression([term])))
        ids, scores = zip(*found, strict=True) if found else ((), ())
        return TokenScores(np.array(ids, np.int64), np.array(scores, np.float64))

    def _keep(self, key: Key, token: TokenScores, generation: int, most: int) -> None:
        with self._lock:
            if generation < self._generation or len(token.ids) > most:
                return
            if generation > self._generation:
                self._generation, self._kept, self._count = generation, {}, 0
            if key in self._kept:
                return
            self._kept[key] = token
            self._count += len(token.ids)
            while self._count > most:  # those that were asked for longest ago go first
                self._count -= len(self._kept.pop(next(iter(self._kept))).ids)


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
