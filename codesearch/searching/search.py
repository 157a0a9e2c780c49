"""Query to hits: candidates from the full text and from the vectors, then one ranking.

Each arm gives several times as many candidates as are asked for; filters apply before that, so a
filter never empties a list that has answers. An index whose vectors are not complete answers with its
text and with what is embedded so far. Nothing here writes, and a lexical search touches neither the
vectors nor the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import BadQuery, CodesearchError
from codesearch.models.embedder import encode_documents, encode_query
from codesearch.records import Copy, Embedder, Filter, Hit, Scorer, StoredChunk
from codesearch.searching import ranking
from codesearch.searching.explain import Trace
from codesearch.searching.folding import Folded, folded
from codesearch.searching.pattern import Pattern
from codesearch.searching.query import Query
from codesearch.searching.rerank import rerank
from codesearch.searching.signals.definition_places import definition_in, only_definition
from codesearch.searching.signals.near_names import near_names
from codesearch.storage.rows import Ids, Scored
from codesearch.tokens import match_expression, tokenize

if TYPE_CHECKING:
    from codesearch.searching.several.union import UnionStore
    from codesearch.storage.store import Store
    from codesearch.vectors.vector_index import VectorIndex

__all__ = ["MODES", "Searcher"]

MODES = ("hybrid", "semantic", "lexical")

_EVERYTHING = Filter()

_DEPTH = 5  # candidates of each arm, in multiples of the limit
_MIN_CANDIDATES = 100
_MAX_DEFINITIONS = 200  # of one name: more says that the name says little


class Searcher:
    """Answers questions from one store. Reads only; as thread-safe as the store and the vectors are.

    ``vectors`` and ``embedder`` are called when a question first needs them, never for a lexical one.
    """

    def __init__(
        self,
        root: str,
        store: Store | UnionStore,
        vectors: Callable[[], VectorIndex | UnionStore],
        embedder: Callable[[], Embedder],
        weights: ranking.Weights = ranking.WEIGHTS,
    ) -> None:
        self._root = root
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._weights = weights

    def search(
        self,
        query: str,
        limit: int = 10,
        mode: str = "hybrid",
        filter: Filter = _EVERYTHING,
        *,
        pattern: Pattern | None = None,
        scorer: Scorer | None = None,
        trace: Trace | None = None,
        fold: bool = False,
    ) -> list[Hit]:
        """The ``limit`` best chunks, best first. BadQuery for an empty query or an unknown mode.

        Only chunks that match the ``pattern`` answer; with one, an empty query asks for them in path order,
        with scores of 0. ``scorer`` judges the first candidates again, ``trace`` learns why they are first.
        ``fold`` makes one hit of a text that stands in several places.
        """
        _check(limit, mode)
        if pattern is not None and not query.strip():
            ranked = self._in_path_order(None if fold else limit, filter, pattern)
        else:
            asked = Query(query)
            ranked = self._ranked(asked, max(_MIN_CANDIDATES, limit * _DEPTH), mode, filter, pattern, trace)
            if scorer:
                judged = rerank(asked.text, ranked, scorer)
                ranked = judged.candidates
                if trace:
                    trace.reranked(judged)
        found = (folded(ranked) if fold else [Folded(candidate) for candidate in ranked])[:limit]
        if trace:
            trace.answered([one.best.id for one in found])
        return [self._hit(one.best, one.copies) for one in found]

    def similar(self, path: str, line: int, limit: int = 10, filter: Filter = _EVERYTHING) -> list[Hit]:
        """The chunks nearest to the one that holds this line, without itself; scores are cosines."""
        with self._store.reading():
            own = self._store.chunk_at(path, line)
            if own is None:
                raise BadQuery(
                    f"nothing is indexed at {path}:{line}; give a line of an indexed file, FILE:LINE"
                )
            return self._nearest(self._vector_of(own), limit, filter, own)

    def similar_to_symbol(
        self, symbol: str, path: str | None = None, limit: int = 10, filter: Filter = _EVERYTHING
    ) -> list[Hit]:
        """The same for the definition of a symbol, in a file or, where it is the only one, in the index."""
        with self._store.reading():
            if path is None:
                own = only_definition(self._store, symbol).id
            else:
                own = definition_in(self._store, path, symbol).id
            return self._nearest(self._vector_of(own), limit, filter, own)

    def similar_to_code(self, code: str, limit: int = 10, filter: Filter = _EVERYTHING) -> list[Hit]:
        """The same for code that is in no file."""
        if not code.strip():
            raise BadQuery("the code is empty; give some lines to look for")
        vector = self._embedded(code)
        with self._store.reading():
            return self._nearest(vector, limit, filter)

    def _ranked(  # noqa: PLR0917 - what one search hands down
        self,
        asked: Query,
        depth: int,
        mode: str,
        filter: Filter,
        pattern: Pattern | None,
        trace: Trace | None,
    ) -> list[ranking.Candidate]:
        meaning = self._meaning(asked) if mode != "lexical" else None
        with self._store.reading():
            allowed = self._allowed(filter, pattern)
            asked = self._spelt(asked)
            dense = [] if meaning is None else self._vectors().nearest(meaning, depth, allowed)
            lexical = [] if mode == "semantic" else self._lexical(asked, depth, allowed)
            if trace:
                trace.lists(lexical, dense)
            if mode == "semantic":
                return self._by_vectors(asked, dense, trace)
            return self._fused(asked, lexical, dense, allowed, trace)

    def _in_path_order(self, limit: int | None, filter: Filter, pattern: Pattern) -> list[ranking.Candidate]:
        with self._store.reading():
            texts = pattern.matching(self._store.texts(self._store.ids_matching(filter)))
            first = sorted((text.path, text.start_byte, text.id) for text in texts)[:limit]
            chunks = self._store.chunks([id_ for _, _, id_ in first])
        return [ranking.Candidate(id_, chunks[id_].chunk, 0.0) for _, _, id_ in first]

    def _allowed(self, filter: Filter, pattern: Pattern | None) -> Ids | None:
        """Ids of the chunks that may answer, ascending; None for all."""
        ids = self._store.ids_matching(filter)
        if pattern is None:
            return ids
        return np.array([text.id for text in pattern.matching(self._store.texts(ids))], np.int64)

    def _nearest(
        self, vector: NDArray[np.float32], limit: int, filter: Filter, own: int | None = None
    ) -> list[Hit]:
        _check(limit)
        near = self._vectors().nearest(vector, limit + 1, self._store.ids_matching(filter))
        near = [scored for scored in near if scored.id != own][:limit]
        found = self._store.chunks([scored.id for scored in near])
        return [self._hit(ranking.Candidate(s.id, found[s.id].chunk, s.score)) for s in near if s.id in found]

    def _spelt(self, query: Query) -> Query:
        """The query, or, for a name that nothing defines, with the defined names that it may stand for."""
        if not query.is_name or self._store.define([query.names[0].last]):
            return query
        name = query.names[0].last
        whole = tokenize(name)[:1]
        # A name that is used here, but defined elsewhere, is no typo.
        typos = bool(whole) and not self._store.lexical(f'"{whole[0]}"', 1)
        return replace(query, near=tuple(near_names(name, self._store.defined_names(), typos=typos)))

    def _lexical(self, query: Query, depth: int, allowed: Ids | None) -> list[Scored]:
        expression = match_expression(query.text)
        if not expression:
            return []
        return self._store.lexical(expression, depth, self._weights.columns, allowed)

    def _meaning(self, query: Query) -> NDArray[np.float32] | None:
        """The vector of the query, (dim,); None, and no model loaded, while nothing is embedded yet."""
        if not self._store.vector_count():
            return None
        return encode_query(self._embedder(), query.text)

    def _by_vectors(
        self, query: Query, dense: Sequence[Scored], trace: Trace | None
    ) -> list[ranking.Candidate]:
        scores = {s.id: max(s.score, 0.0) for s in dense}
        return ranking.rank(self._read(scores), scores, query, ranking.SEMANTIC, self._weights, watch=trace)

    def _fused(
        self,
        query: Query,
        lexical: Sequence[Scored],
        dense: Sequence[Scored],
        allowed: Ids | None,
        trace: Trace | None,
    ) -> list[ranking.Candidate]:
        share = self._weights.lexical_share_name if query.is_name else self._weights.lexical_share
        scores = ranking.fuse(
            [s.id for s in lexical], [s.id for s in dense], share if dense else 1.0, self._weights.rrf_k
        )
        chunks = self._read([*scores, *self._definers(query, allowed)])
        return ranking.rank(chunks, scores, query, ranking.HYBRID, self._weights, watch=trace)

    def _definers(self, query: Query, allowed: Ids | None) -> list[int]:
        """Chunks that define a name of the query, whether or not an arm found them."""
        names = [name.last for name in query.names]
        ids = self._store.define(names) if names else []
        if allowed is not None:
            permitted = set(allowed.tolist())
            ids = [id_ for id_ in ids if id_ in permitted]
        return ids[:_MAX_DEFINITIONS]

    def _read(self, ids: Iterable[int]) -> list[StoredChunk]:
        return list(self._store.chunks(list(dict.fromkeys(ids))).values())

    def _vector_of(self, id_: int) -> NDArray[np.float32]:
        stored = self._store.vectors([id_])
        if len(stored):
            vector: NDArray[np.float32] = stored.matrix[0]
            return vector
        text = self._store.chunks([id_])[id_].chunk.embedded_text
        return self._embedded(text)

    def _embedded(self, text: str) -> NDArray[np.float32]:
        encoded = encode_documents(self._embedder(), [text])
        if encoded.failed:
            raise CodesearchError("the model gives no finite vector for this code; try another part of it")
        vector: NDArray[np.float32] = encoded.vectors[0]
        return vector

    def _hit(self, candidate: ranking.Candidate, copies: Sequence[ranking.Candidate] = ()) -> Hit:
        chunk = candidate.chunk
        return Hit(
            root=self._root,
            path=chunk.path,
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            language=chunk.language,
            kind=chunk.kind,
            symbol=chunk.symbol,
            score=round(candidate.score, 6),
            text=chunk.text,
            copies=tuple(
                Copy(self._root, copy.chunk.path, copy.chunk.start_line, copy.chunk.end_line)
                for copy in copies
            ),
        )


def _check(limit: int, mode: str = MODES[0]) -> None:
    if mode not in MODES:
        raise BadQuery(f"mode is {mode!r}, expected one of {', '.join(MODES)}")
    if limit < 1:
        raise BadQuery(f"limit is {limit}, expected at least 1")
