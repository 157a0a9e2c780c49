"""A searcher over several roots: the same ranking, with hits that say which root they are from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from codesearch.records import Chunk, Copy, Embedder, Hit
from codesearch.searching.ranking import Candidate
from codesearch.searching.search import Searcher
from codesearch.searching.several.union import UnionStore
from codesearch.searching.several.union_names import part_of, unlabelled

__all__ = ["UnionSearcher"]


class UnionSearcher(Searcher):
    """Made for one search, as its union is."""

    def __init__(self, union: UnionStore, embedder: Callable[[], Embedder]) -> None:
        super().__init__("", union, lambda: union, embedder)
        self._union = union

    def _hit(self, candidate: Candidate, copies: Sequence[Candidate] = ()) -> Hit:
        chunks = [*self._union.twins(candidate.id)]
        for copy in copies:
            chunks += [copy.chunk, *self._union.twins(copy.id)]
        place = self._place(candidate.chunk)
        return replace(
            super()._hit(candidate),
            root=place.root,
            path=place.path,
            copies=tuple(self._place(chunk) for chunk in chunks),
        )

    def _place(self, chunk: Chunk) -> Copy:
        root = self._union.parts[part_of(chunk.path)].root
        return Copy(root, unlabelled(chunk.path), chunk.start_line, chunk.end_line)
