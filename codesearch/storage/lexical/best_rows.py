"""Find the best rows by BM25, exactly as FTS5 scores them, without scoring every match.

What single tokens add to scores is remembered and added up (``term_scores.py``). A common token is read only
when some questions have held it: to score all its rows takes longer than a question that leaves most of them
out, as follows.

A score costs ten times as much as a match, and most rows that match hold only words that many hold. A word
adds at most ``idf * (k1 + 1)`` to a score, so a row that holds none but common words cannot be among the best
once there are enough rows above the sum of their bounds (MaxScore: Turtle and Flood, "Query evaluation:
strategies and optimizations", 1995). Which words are too common is guessed, and proven by the least score
that came out; where the guess was wrong, that score says which they are.
"""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field
from sqlite3 import SQLITE_ERROR

from codesearch.errors import BadQuery, IndexFormatError
from codesearch.quick_dataclass import dataclass
from codesearch.storage.lexical.term_scores import TermScores, TokenScores, best_of
from codesearch.storage.lexical.tokens import match_expression
from codesearch.storage.rows import Ids, ScoredRow
from codesearch.storage.sqlite.database import Database, Row
from codesearch.storage.vector_rows import IN_LIST

__all__ = ["BestRows"]

_K1 = 1.2
_LEAST_IDF = 1e-6
"""Both are FTS5's; the second is of a word that more than half of the rows hold."""
_ROUNDING = 1e-6
_LEAST_ROWS = 3_000
_ENOUGH = 8
"""Rows of an index, and matches for each row that is asked for, from which on it pays to leave some out."""
_GUESS = 0.6
"""Share of a word's bound that the last of the best rows has at least, mostly, where so many rows hold one of
the words that are as rare. Of 290 questions over 4,380, 14,035 and 30,000 chunks it was so for 282."""
_MOST_COUNTED = 10_000
_TIMES = 3
"""Questions that held a common token before it is read: as much time as the reading takes."""
_GAPS = 100
"""Ids for each row, from which on most of a table of all ids would be empty."""
_COLUMNS = "SELECT rowid, -bm25(lexical, ?, ?, ?) AS score FROM lexical WHERE lexical MATCH ?"
_BEST = "ORDER BY score DESC, rowid LIMIT ?"
# The unary plus keeps SQLite from running the full-text query once for every allowed id.
_HOLDING = "AND +rowid IN (SELECT rowid FROM lexical WHERE lexical MATCH ?)"


@dataclass(slots=True)
class _Counts:
    """The number of rows of one generation, and of those that hold a word."""

    generation: int
    rows: int
    highest: int = 0
    """The highest id."""
    holding: dict[str, int] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    """How many questions held a token that was not read."""

    @property
    def is_sparse(self) -> bool:
        """Whether a table of all ids is too large to add up in."""
        return self.highest > _GAPS * self.rows


class BestRows:
    """Asks the full-text index of one store. Any thread may; the counts are remembered until it changes."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._lock = threading.Lock()
        self._counts = _Counts(-1, 0)
        self._scores = TermScores(database)

    def matching(
        self, match: str, limit: int, weights: Sequence[float], allowed: Ids | None
    ) -> list[ScoredRow]:
        """Return the best of all rows that an FTS5 expression matches. BadQuery where it cannot be read."""
        restrict, ids = (
            ("", ()) if allowed is None else (f"AND +rowid {IN_LIST}", (json.dumps(allowed.tolist()),))
        )
        try:
            return self._best(restrict, weights, (match, *ids, limit))
        except IndexFormatError as error:
            if getattr(error.__cause__, "sqlite_errorcode", None) != SQLITE_ERROR:
                raise
            raise BadQuery(f"the full-text query cannot be read: {error.__cause__}") from error

    def holding_any(
        self,
        terms: Sequence[str],
        limit: int,
        weights: Sequence[float],
        generation: int,
        allowed: Ids | None = None,
    ) -> list[ScoredRow]:
        """Return the best rows that hold one of the tokens: those of ``matching`` with their expression.

        Call it inside ``reading()``; ``generation`` is that of the snapshot.
        """
        counts, weights = self._counts_of(generation), tuple(map(float, weights))
        if not self._is_worth_reading(terms, limit, weights, counts):
            if allowed is not None:
                return self.matching(match_expression(terms), limit, weights, allowed)
            found = self._leaving_out(terms, limit, weights, counts)
            if found is not None:
                return found
        if counts.is_sparse:
            return self.matching(match_expression(terms), limit, weights, allowed)
        return best_of(self._tokens(terms, weights, counts), limit, allowed)

    def _is_worth_reading(
        self, terms: Sequence[str], limit: int, weights: tuple[float, ...], counts: _Counts
    ) -> bool:
        """Whether to read the tokens that are not remembered: they are few, or were asked for often."""
        if counts.is_sparse or counts.rows < _LEAST_ROWS:
            return not counts.is_sparse
        known = self._scores.are_known([(term, weights) for term in terms], counts.generation)
        new = [term for term, is_known in zip(terms, known, strict=True) if not is_known]
        seldom = {term for term in new if counts.asked[term] < _TIMES}
        if sum(self._held(term, counts) for term in seldom) < _ENOUGH * limit:
            for term in new:  # once it is forgotten, it has to be asked for as often again
                counts.asked.pop(term, None)
            return True
        counts.asked.update(set(new))
        return False

    def _tokens(self, terms: Sequence[str], weights: tuple[float, ...], counts: _Counts) -> list[TokenScores]:
        """Return what each token adds to scores."""
        distinct = dict.fromkeys(terms)
        found = {term: self._scores.of((term, weights), counts.generation, counts.rows) for term in distinct}
        return [found[term] for term in terms]

    def _leaving_out(
        self, terms: Sequence[str], limit: int, weights: Sequence[float], counts: _Counts
    ) -> list[ScoredRow] | None:
        """Return the best rows without a score for each; None where all have to be scored."""
        bounds = self._bounds(terms, limit, counts)
        if bounds is None:
            return None
        match, least = match_expression(terms), bounds.guess(limit)
        for _ in range(2):
            needed = bounds.needed(least)
            if len(needed) == len(bounds.most):  # nothing to leave out
                break
            found = self._best(_HOLDING, weights, (match, match_expression(needed), limit))
            if len(found) < limit:
                break
            least = found[-1].score
            if set(bounds.needed(least)) <= set(needed):
                return found
        return None

    def _best(self, restrict: str, weights: Sequence[float], params: Sequence[str | int]) -> list[ScoredRow]:
        symbol, path, body = (float(weight) for weight in weights)
        rows: list[Row] = self._db.rows(f"{_COLUMNS} {restrict} {_BEST}", (symbol, path, body, *params))
        return list(map(ScoredRow._make, rows))

    # -- how common words are

    def frequencies(self, terms: Iterable[str], generation: int) -> tuple[dict[str, int], int]:
        """Return how many rows hold each token, and how many rows there are, as ``holding_any`` is called."""
        counts = self._counts_of(generation)
        return {term: self._held(term, counts) for term in terms}, counts.rows

    def _bounds(self, terms: Sequence[str], limit: int, counts: _Counts) -> _Bounds | None:
        """Return what each token may add to a score, the commonest first; None where few rows match."""
        held = {term: held for term in terms if (held := self._held(term, counts))}
        if len(held) < 2 or sum(held.values()) < _ENOUGH * limit:
            return None
        times = Counter(terms)
        ordered = sorted(held, key=lambda term: (-held[term], term))
        return _Bounds(
            {term: times[term] * (_K1 + 1) * _idf(counts.rows, held[term]) for term in ordered}, held
        )

    def _counts_of(self, generation: int) -> _Counts:
        with self._lock:
            counts = self._counts
        if counts.generation == generation and len(counts.holding) < _MOST_COUNTED:
            return counts
        rows = int(self._db.value("SELECT count(*) FROM lexical_docsize"))
        counts = _Counts(generation, rows, int(self._db.value("SELECT max(id) FROM lexical_docsize") or 0))
        with self._lock:
            if generation >= self._counts.generation:
                self._counts = counts
        return counts

    def _held(self, term: str, counts: _Counts) -> int:
        if term not in counts.holding:
            count = "SELECT count(*) FROM lexical WHERE lexical MATCH ?"
            counts.holding[term] = int(self._db.value(count, (match_expression([term]),)))
        return counts.holding[term]


@dataclass(frozen=True, slots=True)
class _Bounds:
    """How much the tokens of a question can add to a score."""

    most: dict[str, float]
    """What a token adds to a score at most, the commonest token first."""
    held: dict[str, int]
    """Rows that hold it."""

    def guess(self, limit: int) -> float:
        """Return what the last of the best rows may have for a score."""
        rows = 0
        for term in reversed(self.most):
            rows += self.held[term]
            if rows >= limit:
                break
        return _GUESS * self.most[term]

    def needed(self, least: float) -> list[str]:
        """Return the tokens of which a row holds one, or its score is below ``least``."""
        terms, most = list(self.most), 0.0  # of the words up to one
        for at, term in enumerate(terms):
            most += self.most[term]
            if most >= least - _ROUNDING:
                return terms[at:]
        return terms[-1:]


def _idf(rows: int, holding: int) -> float:
    return max(math.log((rows - holding + 0.5) / (holding + 0.5)), _LEAST_IDF)
