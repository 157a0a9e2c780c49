"""Several indexes that answer as one: the questions a ``Searcher`` asks, put to each and merged.

Ranks and BM25 scores of separate indexes say nothing about each other, so merging finished answers would
be wrong. What is comparable is merged instead, before the one ranking over all of it: cosines of one
model, and BM25 scores whose statistics are those of all roots together (``bm25.py``).

A chunk that stands at the same place of several roots (worktrees, forks) is one candidate, that of the
first root: checking out a branch twice must not make its code look common. ``twins`` finds the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import BadQuery, CodesearchError
from codesearch.records import Chunk, Filter, StoredChunk
from codesearch.searching.several.bm25 import Collection, pooled_scores
from codesearch.searching.several.union_names import (
    by_part,
    global_id,
    global_ids,
    local_ids,
    part_of,
    stored_chunk,
    unlabelled,
)
from codesearch.storage.rows import ChunkIdentity, ChunkText, Ids, Scored, StoredVectors
from codesearch.tokens import terms_of

if TYPE_CHECKING:
    from codesearch.storage.store import Store
    from codesearch.vectors.vector_index import VectorIndex

__all__ = ["Part", "PartFailed", "UnionStore"]


@dataclass(frozen=True, slots=True)
class Part:
    """One root of a union."""

    root: str
    store: Store
    vectors: Callable[[], VectorIndex] | None
    """None: nothing in it is compared by meaning (a search by words, another model's vectors)."""
    filter: Filter
    """What of it is searched."""


class PartFailed(Exception):
    """One root cannot answer, the cause says why; the others may."""

    def __init__(self, position: int) -> None:
        self.position = position
        super().__init__(f"root {position} of the search failed")


class UnionStore:
    """The reading methods of ``Store`` that searching needs, over all parts. Made for one search."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One snapshot of each store."""
        with ExitStack() as stack:
            for at, part in enumerate(self.parts):
                with _blaming(at):
                    stack.enter_context(part.store.reading())
            yield

    # -- chunks

    def ids_matching(self, wanted: Filter) -> Ids | None:
        """Ids that the filters of the parts let through, ascending; None where they restrict nothing.

        The filter of the search is theirs already: ``wanted`` has to be empty.
        """
        assert not wanted, "a union is searched by the filters of its parts"
        if not any(part.filter for part in self.parts):
            return None
        return np.concatenate([global_ids(at, self._allowed(at)) for at in range(len(self.parts))])

    def chunks(self, ids: Iterable[int]) -> dict[int, StoredChunk]:
        """Chunks by id, their paths labelled."""
        found: dict[int, StoredChunk] = {}
        for at, local in by_part(ids):
            with _blaming(at):
                chunks = [stored_chunk(at, stored) for stored in self.parts[at].store.chunks(local).values()]
            found.update({stored.id: stored for stored in chunks})
        return found

    def chunks_of(self, path: str) -> list[StoredChunk]:
        """The chunks of a file (a labelled path), in its order."""
        at = part_of(path)
        with _blaming(at):
            return [stored_chunk(at, found) for found in self.parts[at].store.chunks_of(unlabelled(path))]

    def chunk_at(self, path: str, line: int) -> int | None:
        """Id of the chunk that holds a line of a file (a labelled path), in the first root that has it."""
        at = part_of(path)
        with _blaming(at):
            found = self.parts[at].store.chunk_at(unlabelled(path), line)
        if found is None:
            return None
        id_ = global_id(at, found)
        return self._first_twins([id_]).get(id_, id_)

    def texts(self, allowed: Ids | None = None) -> Iterator[ChunkText]:
        """The texts of all chunks, or of these."""
        for at, part in enumerate(self.parts):
            ids = None if allowed is None else local_ids(at, allowed)
            with _blaming(at):
                for text in part.store.texts(ids):
                    yield replace(text, id=global_id(at, text.id), path=f"{part.root}/{text.path}")

    # -- candidates

    def lexical(
        self, match: str, limit: int, weights: Sequence[float] = (1.0, 1.0, 1.0), allowed: Ids | None = None
    ) -> list[Scored]:
        """Best chunks of all parts by one BM25; ``match`` is a ``lexical.match_expression``."""
        collections = [self._collection(at, terms_of(match), weights) for at in range(len(self.parts))]
        found: list[Scored] = []
        for at, scores in enumerate(pooled_scores(collections)):
            ids = collections[at].lengths.ids
            if allowed is not None:  # the statistics are those of everything, as in one index
                scores[~np.isin(ids, local_ids(at, allowed))] = 0
            found += _best(global_ids(at, ids), scores, limit)
        return self._without_twins(found)[:limit]

    def define(self, names: Iterable[str]) -> list[int]:
        """Chunks of all parts that define one of the names."""
        wanted, found = list(names), list[Scored]()
        for at, part in enumerate(self.parts):
            with _blaming(at):
                found += [Scored(global_id(at, id_), 0.0) for id_ in part.store.define(wanted)]
        return [scored.id for scored in self._without_twins(found)]

    def defined_names(self) -> list[str]:
        """Every name that a chunk of any part defines."""
        names: set[str] = set()
        for at, part in enumerate(self.parts):
            with _blaming(at):
                names.update(part.store.defined_names())
        return sorted(names)

    def nearest(self, query: NDArray[np.float32], limit: int, allowed: Ids | None = None) -> list[Scored]:
        """Chunks of all parts nearest to a vector; score is the cosine."""
        found: list[Scored] = []
        for at, part in enumerate(self.parts):
            if part.vectors is not None:
                with _blaming(at):
                    mine = None if allowed is None or not part.filter else local_ids(at, allowed)
                    near = part.vectors().nearest(query, limit, mine)
                found += [Scored(global_id(at, scored.id), scored.score) for scored in near]
        return self._without_twins(found)[:limit]

    def vectors(self, ids: Iterable[int]) -> StoredVectors:
        """The stored vectors of chunks of one part; none where they are not compared."""
        [(at, local)] = by_part(ids)
        with _blaming(at):
            return self.parts[at].store.vectors(local if self.parts[at].vectors else [])

    def vector_count(self) -> int:
        """Vectors that ``nearest`` compares."""
        return sum(part.store.vector_count() for part in self.parts if part.vectors)

    # -- the same chunk in several roots

    def twins(self, id_: int) -> list[Chunk]:
        """The same text at the same path of other roots, in their order, as far as it is searched."""
        [(at, local)] = by_part([id_])
        found: list[int] = []
        for mine in self._identities(at, local):
            for other in set(range(len(self.parts))) - {at}:
                theirs = self._at_same_place(other, [mine.path])
                found += [global_id(other, theirs[mine.text_hash])] if mine.text_hash in theirs else []
        chunks = self.chunks(found)
        return [chunks[twin].chunk for twin in sorted(chunks)]

    def _without_twins(self, found: Sequence[Scored]) -> list[Scored]:
        """Best first; what several roots hold at one place stands for its first root, once."""
        ordered = sorted(found, key=lambda scored: (-scored.score, scored.id))
        first = self._first_twins([scored.id for scored in ordered])
        best: dict[int, Scored] = {}
        for scored in ordered:
            id_ = first.get(scored.id, scored.id)
            best.setdefault(id_, Scored(id_, scored.score))
        return sorted(best.values(), key=lambda scored: (-scored.score, scored.id))

    def _first_twins(self, ids: Sequence[int]) -> dict[int, int]:
        """For those ids that an earlier root holds too: the id that they have in the first such root."""
        first: dict[int, int] = {}
        for at, local in by_part(ids):
            identities = self._identities(at, local) if at else []
            for earlier in range(at):
                theirs = self._at_same_place(earlier, {mine.path for mine in identities})
                for mine in identities:
                    if mine.text_hash in theirs:
                        twin = global_id(earlier, theirs[mine.text_hash])
                        first.setdefault(global_id(at, mine.id), twin)
        return first

    def _identities(self, position: int, ids: Iterable[int]) -> list[ChunkIdentity]:
        with _blaming(position):
            return self.parts[position].store.identities(ids)

    def _at_same_place(self, position: int, paths: Iterable[str]) -> dict[bytes, int]:
        """The searched chunks of files of a part, by the identity of their text, which holds the path."""
        with _blaming(position):
            found = {
                theirs.text_hash: theirs.id for theirs in self.parts[position].store.identities_in(paths)
            }
        if found and self.parts[position].filter:
            allowed = set(self._allowed(position).tolist())
            return {text: id_ for text, id_ in found.items() if id_ in allowed}
        return found

    def _allowed(self, position: int) -> Ids:
        part = self.parts[position]
        with _blaming(position):
            ids = part.store.ids_matching(part.filter)
            return part.store.row_lengths().ids if ids is None else ids

    def _collection(self, position: int, terms: Sequence[str], weights: Sequence[float]) -> Collection:
        store = self.parts[position].store
        with _blaming(position):
            return Collection(store.row_lengths(), tuple(store.postings(term, weights) for term in terms))


@contextmanager
def _blaming(position: int) -> Iterator[None]:
    """Errors inside are those of this part; a query that cannot be asked is nobody's."""
    try:
        yield
    except BadQuery:
        raise
    except CodesearchError as error:
        raise PartFailed(position) from error


def _best(ids: Ids, scores: NDArray[np.float64], limit: int) -> list[Scored]:
    """The highest positive scores, best first; equal ones by id."""
    positive = np.flatnonzero(scores > 0)
    order = positive[np.lexsort((ids[positive], -scores[positive]))[:limit]]
    return [Scored(int(ids[at]), float(scores[at])) for at in order]
