"""Several indexes that answer as one: what a search asks, put to each and merged.

Ranks and BM25 scores of separate indexes say nothing about each other, so merging finished answers would
be wrong. What is comparable is merged instead, before the one ranking over all of it: cosines of one
model, and BM25 scores whose statistics are those of all roots together (``bm25.py``).

A chunk that stands at the same place of several roots (worktrees, forks) is one candidate, that of the
first root: checking out a branch twice must not make its code look common. ``copies`` finds the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import BadQuery, CodesearchError
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, ChunkRef
from codesearch.searching.stores.bm25 import Collection, pooled_scores
from codesearch.searching.stores.order import BM25_ROUNDING, COSINE_ROUNDING, Place, by_score_and_place
from codesearch.searching.stores.protocol import EVERYTHING, Match, Scope
from codesearch.searching.stores.single import SingleStore
from codesearch.storage.known_names import KnownNames
from codesearch.storage.rows import ChunkIdentity, ChunkText, Ids

__all__ = ["Part", "PartError", "UnionStore"]


@dataclass(frozen=True, slots=True)
class Part:
    """One root of a union."""

    store: SingleStore
    under: tuple[str, ...] = ()
    """The sub-folders and files of it that are searched; () for all."""

    def scope(self, scope: Scope) -> Scope:
        """Return the part of a scope that lies in this root."""
        return replace(scope, filter=replace(scope.filter, under=self.under)) if self.under else scope


class PartError(Exception):
    """One root cannot answer, the cause says why; the others may."""

    def __init__(self, root: str) -> None:
        self.root = root
        super().__init__(f"{root} cannot be searched")


class UnionStore:
    """The chunks of several roots, whose order decides which of several equal ones stands for all."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = {part.store.root: part for part in parts}

    @property
    def roots(self) -> tuple[str, ...]:
        """The roots in their order."""
        return tuple(self._parts)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Answer every question inside the block from one snapshot of each index."""
        with ExitStack() as stack:
            for part in self._parts.values():
                with _blaming(part):
                    stack.enter_context(part.store.snapshot())
            yield

    # -- candidates

    def lexical(
        self, terms: Sequence[str], limit: int, columns: Sequence[float], scope: Scope = EVERYTHING
    ) -> list[Match]:
        """Return the best chunks of all roots by one BM25."""
        if not terms:
            return []
        parts = list(self._parts.values())
        collections = [_collection(part, terms, columns) for part in parts]
        found: list[Match] = []
        for part, collection, scores in zip(parts, collections, pooled_scores(collections), strict=True):
            with _blaming(part):
                allowed = part.store.ids(part.scope(scope))
            if allowed is not None:  # the statistics are those of everything, as in one index
                scores[~np.isin(collection.lengths.ids, allowed)] = 0
            found += _best(part.store.root, collection.lengths.ids, scores, limit)
        return self._merged(found, limit, BM25_ROUNDING)

    def nearest(self, vector: NDArray[np.float32], limit: int, scope: Scope = EVERYTHING) -> list[Match]:
        """Return the chunks of all roots that are nearest to a unit vector (dim,)."""
        found: list[Match] = []
        for part in self._parts.values():
            with _blaming(part):
                found += part.store.nearest(vector, limit, part.scope(scope))
        return self._merged(found, limit, COSINE_ROUNDING)

    def _merged(self, found: Sequence[Match], limit: int, rounding: float) -> list[Match]:
        """Order candidates of several roots; what several hold at one place stands for the first, once."""
        first = self._first_holders([match.ref for match in found])
        best: dict[ChunkRef, Match] = {}
        for match in sorted(found, key=lambda match: -match.score):
            ref = first.get(match.ref, match.ref)
            best.setdefault(ref, Match(ref, match.score))
        return by_score_and_place(list(best.values()), self._places, rounding)[:limit]

    def _places(self, found: Sequence[Match]) -> Mapping[int, Place]:
        places: dict[ChunkRef, Place] = {}
        for part, refs in self._by_part(match.ref for match in found):
            with _blaming(part):
                known = part.store.store.places(ref.id for ref in refs)
            for ref in refs:
                path, start = known.get(ref.id, ("", 0))
                places[ref] = (f"{ref.root}/{path}", start)
        return {at: places[match.ref] for at, match in enumerate(found)}

    def definitions(
        self, names: Iterable[str], scope: Scope = EVERYTHING, limit: int | None = None
    ) -> list[ChunkRef]:
        """Return the chunks of all roots that define one of the names, by root and path."""
        wanted, found = list(names), list[ChunkRef]()
        for part in self._parts.values():
            with _blaming(part):
                found += part.store.definitions(wanted, part.scope(scope))
        first = self._first_holders(found)
        return list(dict.fromkeys(first.get(ref, ref) for ref in found))[:limit]

    def frequencies(self, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """Return how many chunks of all roots hold each token, and how many there are."""
        wanted, total = list(terms), 0
        holding = dict.fromkeys(wanted, 0)
        for part in self._parts.values():
            with _blaming(part):
                counts, rows = part.store.frequencies(wanted)
            total += rows
            for term, count in counts.items():
                holding[term] += count
        return holding, total

    def defined_names(self) -> KnownNames:
        """Return every name that a chunk of any root defines."""
        names: list[KnownNames] = []
        for part in self._parts.values():
            with _blaming(part):
                names.append(part.store.defined_names())
        return KnownNames.of_several(names)

    # -- chunks

    def chunks(self, refs: Iterable[ChunkRef]) -> dict[ChunkRef, Chunk]:
        """Return chunks by reference."""
        found: dict[ChunkRef, Chunk] = {}
        for part, mine in self._by_part(refs):
            with _blaming(part):
                found |= part.store.chunks(mine)
        return found

    def chunks_of(self, root: str, path: str) -> dict[ChunkRef, Chunk]:
        """Return the chunks of a file in its order."""
        part = self._parts[root]
        with _blaming(part):
            return part.store.chunks_of(root, path)

    def chunk_at(self, root: str, path: str, line: int) -> ChunkRef | None:
        """Return the chunk that holds a line of a file, in the first root that has it."""
        part = self._parts[root]
        with _blaming(part):
            found = part.store.chunk_at(root, path, line)
        return None if found is None else self._first_holders([found]).get(found, found)

    def texts(self, scope: Scope = EVERYTHING) -> Iterator[tuple[ChunkRef, ChunkText]]:
        """Yield the text of every chunk in scope; paths begin with the root."""
        for part in self._parts.values():
            with _blaming(part):
                for ref, text in part.store.texts(part.scope(scope)):
                    yield ref, replace(text, path=f"{ref.root}/{text.path}")

    def vector(self, ref: ChunkRef) -> NDArray[np.float32] | None:
        """Return the stored vector of a chunk."""
        part = self._parts[ref.root]
        with _blaming(part):
            return part.store.vector(ref)

    def has_vectors(self) -> bool:
        """Return whether a chunk of any root is embedded."""
        for part in self._parts.values():
            with _blaming(part):
                if part.store.has_vectors():
                    return True
        return False

    # -- the same chunk in several roots

    def copies(self, refs: Iterable[ChunkRef]) -> dict[ChunkRef, dict[ChunkRef, Chunk]]:
        """Return for chunks the same text at the same path of other roots, as far as they are searched."""
        found: dict[ChunkRef, list[ChunkRef]] = {}
        for part, mine in self._by_part(refs):
            others = [other for other in self._parts.values() if other is not part]
            for chunk, holder in self._held_too(part, mine, others):
                found.setdefault(ChunkRef(part.store.root, chunk), []).append(holder)
        chunks = self.chunks(holder for holders in found.values() for holder in holders)
        return {
            ref: {holder: chunks[holder] for holder in holders if holder in chunks}
            for ref, holders in found.items()
        }

    def _first_holders(self, refs: Iterable[ChunkRef]) -> dict[ChunkRef, ChunkRef]:
        """Return for each chunk that an earlier root holds too the chunk of the first such root."""
        first: dict[ChunkRef, ChunkRef] = {}
        parts = list(self._parts.values())
        for part, mine in self._by_part(refs):
            for chunk, holder in self._held_too(part, mine, parts[: parts.index(part)]):
                first.setdefault(ChunkRef(part.store.root, chunk), holder)
        return first

    def _held_too(
        self, part: Part, refs: Sequence[ChunkRef], others: Sequence[Part]
    ) -> Iterator[tuple[int, ChunkRef]]:
        """Yield the ids of chunks that other roots hold too, and those that hold them, in their order."""
        mine = _identities(part, refs) if others else []
        for other in others:
            holders = _holders(other, {chunk.path for chunk in mine})
            for chunk in mine:
                if chunk.text_hash in holders:
                    yield chunk.id, ChunkRef(other.store.root, holders[chunk.text_hash])

    def _by_part(self, refs: Iterable[ChunkRef]) -> list[tuple[Part, list[ChunkRef]]]:
        by_root: dict[str, list[ChunkRef]] = {}
        for ref in refs:
            by_root.setdefault(ref.root, []).append(ref)
        return [(self._parts[root], mine) for root, mine in by_root.items()]


def _collection(part: Part, terms: Sequence[str], columns: Sequence[float]) -> Collection:
    store = part.store.store
    with _blaming(part):
        return Collection(store.row_lengths(), tuple(store.postings(term, columns) for term in terms))


def _identities(part: Part, refs: Sequence[ChunkRef]) -> list[ChunkIdentity]:
    with _blaming(part):
        return part.store.store.identities([ref.id for ref in refs])


def _holders(part: Part, paths: Iterable[str]) -> dict[bytes, int]:
    """Return the searched chunks of files of a root, by the identity of their text, which holds the path."""
    with _blaming(part):
        held = {chunk.text_hash: chunk.id for chunk in part.store.store.identities_in(paths)}
        allowed = part.store.ids(part.scope(EVERYTHING)) if held else None
    if allowed is None:
        return held
    searched = set(allowed.tolist())
    return {text: id_ for text, id_ in held.items() if id_ in searched}


@contextmanager
def _blaming(part: Part) -> Iterator[None]:
    """Raise a PartError for what goes wrong inside; a BadQuery would go wrong in every root."""
    try:
        yield
    except BadQuery:
        raise
    except CodesearchError as error:
        raise PartError(part.store.root) from error


def _best(root: str, ids: Ids, scores: NDArray[np.float64], limit: int) -> list[Match]:
    """Return the ``limit`` highest positive scores and those that tie with the last of them."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) > limit:
        least = np.partition(scores[positive], -limit)[-limit] - BM25_ROUNDING
        positive = positive[scores[positive] >= least]
    return [Match(ChunkRef(root, int(ids[at])), float(scores[at])) for at in positive]
