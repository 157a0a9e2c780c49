"""Request to hits: candidates from the full text and from the vectors, then one ranking.

Both arms give the same number of candidates whatever the limit (``depth``), so the first ten of fifty hits
are the ten hits of a search for ten. Filters apply before that and never empty a list that has answers. An
index whose vectors are not complete answers with its text and with what is embedded so far. Nothing here
writes, and a lexical search touches neither the vectors nor the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codesearch.models.embedder import encode_query
from codesearch.models.words import word_likeness
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, ChunkRef, Copy, Embedder, Hit, Scorer
from codesearch.searching.explain import Explanation, Trace
from codesearch.searching.informed import informed
from codesearch.searching.named import named_by
from codesearch.searching.question.pattern import Pattern, parse_pattern
from codesearch.searching.question.query import Query
from codesearch.searching.ranking import ranking
from codesearch.searching.ranking.best_lines import best_lines
from codesearch.searching.ranking.folding import Fold, fold
from codesearch.searching.ranking.ranking import Candidate
from codesearch.searching.ranking.rerank import rerank
from codesearch.searching.ranking.weights import WEIGHTS, Weights
from codesearch.searching.request import SearchRequest, SimilarRequest
from codesearch.searching.stores.protocol import Match, Scope, SearchStore

__all__ = ["STABLE_LIMIT", "Answer", "Searcher", "depth"]

STABLE_LIMIT = 50
"""Up to this limit, the limit does not change the order of the hits."""
_CANDIDATES = 100  # of each arm


def depth(limit: int) -> int:
    """Return how many candidates each arm gives: 100, beyond a limit of 50 twice the limit."""
    return max(_CANDIDATES, 2 * limit)


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a request, best first, and where it asks for them their explanations."""

    hits: tuple[Hit, ...]
    explanations: tuple[Explanation, ...] = ()


class Searcher:
    """Answers requests from a store. Reads only; as thread-safe as the store is.

    ``embedder`` is called when a request first needs the model, never for a lexical one.
    """

    def __init__(
        self,
        store: SearchStore,
        embedder: Callable[[], Embedder],
        weights: Weights = WEIGHTS,
        words: Scorer | None = word_likeness,
    ) -> None:
        """``words`` compares words by their meaning, where a question in words is asked of vectors too."""
        self._store = store
        self._embedder = embedder
        self._weights = weights
        self._words = words

    def answer(self, request: SearchRequest | SimilarRequest, scorer: Scorer | None = None) -> Answer:
        """Answer a request. ``scorer`` is the reranker that a ``SearchRequest`` names."""
        if isinstance(request, SimilarRequest):
            from codesearch.searching.similar import nearest_to  # late: few ask this

            near = nearest_to(request, self._store, self._embedder)
            return Answer(tuple(self._hits(list(map(Fold, near)), {})))
        trace = Trace() if request.explain else None
        hits = self.search(request, scorer, trace)
        return Answer(tuple(hits), tuple(trace.explanations()) if trace else ())

    def search(
        self, request: SearchRequest, scorer: Scorer | None = None, trace: Trace | None = None
    ) -> list[Hit]:
        """Return the ``limit`` best chunks, best first; ``trace`` learns why they are.

        Only chunks that match the pattern answer; with an empty query all of them do, by path, with scores
        of 0. ``scorer`` judges the first candidates again.
        """
        if request.is_listing:
            ranked = self._by_path(request)
        else:
            ranked = self._ranked(request, trace)
            if scorer:
                reranking = rerank(request.query, ranked, scorer)
                ranked = reranking.candidates
                if trace:
                    trace.reranked(reranking)
        found = fold(ranked)[: request.limit] if request.fold else list(map(Fold, ranked[: request.limit]))
        if trace:
            trace.hits([one.best.ref for one in found])
        stems = {} if request.is_listing else Query(request.query).stems
        return self._hits(found, stems)

    # -- candidates

    def _by_path(self, request: SearchRequest) -> list[Candidate]:
        pattern = parse_pattern(request.pattern)
        assert pattern is not None, "a request has a query or a pattern"
        with self._store.snapshot():
            matches = pattern.matching(self._store.texts(Scope(request.scope)))
            places = sorted((text.path, text.start_byte, ref) for ref, text in matches)
            first = [ref for _, _, ref in places[: None if request.fold else request.limit]]
            chunks = self._store.chunks(first)
        return [Candidate(ref, chunks[ref], 0.0) for ref in first if ref in chunks]

    def _ranked(self, request: SearchRequest, trace: Trace | None) -> list[Candidate]:
        query = Query(request.query, kind=request.kind)
        count = depth(request.limit)
        with self._store.snapshot():
            scope = self._scope(request)
            query = informed(query, self._store, self._weights.columns)
            lexical: list[Match] = []
            if request.mode != "semantic":
                lexical = self._store.lexical(query.asked_terms, count, self._weights.columns, scope)
            vector = self._embedded(query) if request.uses_vectors else None  # late: the model may still load
            semantic = [] if vector is None else self._store.nearest(vector, count, scope)
            if trace:
                trace.lists(lexical, semantic)
            if request.mode == "semantic":
                return self._by_cosine(query, semantic, trace)
            return self._fused(query, lexical, semantic, scope, trace)

    def _scope(self, request: SearchRequest) -> Scope:
        pattern = parse_pattern(request.pattern)
        scope = Scope(request.scope)
        return scope if pattern is None else replace(scope, only=_matching(pattern, self._store, scope))

    def _embedded(self, query: Query) -> NDArray[np.float32] | None:
        """Return the vector of the query, (dim,); None, and load no model, while nothing is embedded."""
        if not self._store.has_vectors():
            return None
        vectors = [encode_query(self._embedder(), passage) for passage in query.passages]
        together: NDArray[np.float32] = np.sum(vectors, axis=0)
        return together if len(vectors) == 1 else together / (np.linalg.norm(together) or 1.0)

    # -- ranking

    def _by_cosine(self, query: Query, semantic: Sequence[Match], trace: Trace | None) -> list[Candidate]:
        scores = {match.ref: max(match.score, 0.0) for match in semantic}
        chunks = self._chunks(scores)
        weights = self._weights.by_cosine()
        return ranking.rank(chunks, scores, query, ranking.SEMANTIC, weights, watch=trace)

    def _fused(
        self,
        query: Query,
        lexical: Sequence[Match],
        semantic: Sequence[Match],
        scope: Scope,
        trace: Trace | None,
    ) -> list[Candidate]:
        share = self._weights.share_for(query) if semantic else 1.0
        scores = ranking.fuse([match.ref for match in lexical], semantic, share, self._weights)
        named = named_by(query, self._store, scope, self._weights.columns, lexical)
        chunks = self._chunks([*scores, *named])
        words = self._words if semantic and not query.is_name and not query.is_long else None
        near = ranking.cosine_shares(semantic)
        return ranking.rank(
            chunks, scores, query, ranking.HYBRID, self._weights, words=words, near=near, watch=trace
        )

    def _chunks(self, refs: Iterable[ChunkRef]) -> dict[ChunkRef, Chunk]:
        return self._store.chunks(dict.fromkeys(refs))

    # -- hits

    def _hits(self, found: Sequence[Fold], stems: Mapping[str, float]) -> list[Hit]:
        """Return hits, each with the other places of its text; without stems no lines of them are best."""
        shown = [candidate.ref for one in found for candidate in (one.best, *one.copies)]
        copies = self._store.copies(shown)
        return [self._hit(one, copies, stems) for one in found]

    def _hit(
        self, found: Fold, copies: Mapping[ChunkRef, Mapping[ChunkRef, Chunk]], stems: Mapping[str, float]
    ) -> Hit:
        best = found.best
        same = list(copies.get(best.ref, {}).items())
        for copy in found.copies:
            same += [(copy.ref, copy.chunk), *copies.get(copy.ref, {}).items()]
        chunk = best.chunk
        return Hit(
            root=best.ref.root,
            path=chunk.path,
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            language=chunk.language,
            kind=chunk.kind,
            symbol=chunk.symbol,
            score=round(best.score, 6),
            text=chunk.text,
            copies=tuple(Copy(ref.root, c.path, c.start_line, c.end_line) for ref, c in same),
            best_lines=_best_lines(chunk, stems) if stems else None,
        )


def _best_lines(chunk: Chunk, stems: Mapping[str, float]) -> tuple[int, int]:
    first, last = best_lines(chunk.text, stems)
    return chunk.start_line + first, chunk.start_line + last


def _matching(pattern: Pattern, store: SearchStore, scope: Scope) -> dict[str, NDArray[np.int64]]:
    """Return by root the ids of the chunks that match, ascending."""
    found: dict[str, list[int]] = {}
    for ref, _ in pattern.matching(store.texts(scope)):
        found.setdefault(ref.root, []).append(ref.id)
    return {root: np.array(sorted(ids), np.int64) for root, ids in found.items()}
