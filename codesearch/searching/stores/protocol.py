"""The interface between searching and whatever stores chunks: candidates, chunks by reference, snapshots.

``single.py`` implements it over the index of one root, ``union.py`` over several. A store orders equal scores
by path, never by the order in which chunks were written: the same tree gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, ChunkRef, Filter
from codesearch.storage.known_names import KnownNames
from codesearch.storage.rows import ChunkText, Ids

__all__ = ["EVERYTHING", "Match", "Scope", "SearchStore"]


class Match(NamedTuple):
    """A candidate of one arm; a higher score is better, and comparable within one list only."""

    ref: ChunkRef
    score: float


@dataclass(frozen=True, slots=True)
class Scope:
    """The chunks that may answer."""

    filter: Filter = field(default_factory=Filter)
    only: Mapping[str, Ids] | None = None
    """By root the ids of the chunks that may, ascending (those that match a pattern); None for all."""


EVERYTHING = Scope()


class SearchStore(Protocol):
    """Chunks of one or several roots, as far as searching needs them. Any thread may ask."""

    @property
    def roots(self) -> tuple[str, ...]:
        """The roots whose chunks these are."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Answer every question inside the block from the same state."""

    def lexical(
        self, terms: Sequence[str], limit: int, columns: Sequence[float], scope: Scope = EVERYTHING
    ) -> list[Match]:
        """Return the best chunks by BM25, best first, scored with the statistics of all chunks.

        A term that comes twice counts twice. ``columns`` weigh the names that a chunk defines, the words of
        its path and its text.
        """

    def nearest(self, vector: NDArray[np.float32], limit: int, scope: Scope = EVERYTHING) -> list[Match]:
        """Return the chunks whose vectors are nearest to a unit vector (dim,), best first, with cosines."""

    def definitions(
        self, names: Iterable[str], scope: Scope = EVERYTHING, limit: int | None = None
    ) -> list[ChunkRef]:
        """Return the chunks that define one of the names, by path."""

    def frequencies(self, terms: Iterable[str]) -> tuple[Mapping[str, int], int]:
        """Return how many chunks hold each token, and how many chunks there are; (1 each, 1) if unknown."""

    def defined_names(self) -> KnownNames:
        """Return every name that is defined, case-folded."""

    def chunks(self, refs: Iterable[ChunkRef]) -> dict[ChunkRef, Chunk]:
        """Return chunks by reference; those that were removed meanwhile are missing."""

    def chunks_of(self, root: str, path: str) -> dict[ChunkRef, Chunk]:
        """Return the chunks of a file in its order; {} for a file that is not indexed."""

    def chunk_at(self, root: str, path: str, line: int) -> ChunkRef | None:
        """Return the chunk that holds a line of a file, None where none does."""

    def texts(self, scope: Scope = EVERYTHING) -> Iterator[tuple[ChunkRef, ChunkText]]:
        """Yield the text of every chunk in scope. To be read inside ``snapshot()``."""

    def vector(self, ref: ChunkRef) -> NDArray[np.float32] | None:
        """Return the stored vector of a chunk, (dim,), None before it is embedded."""

    def has_vectors(self) -> bool:
        """Return whether ``nearest`` compares anything."""

    def copies(self, refs: Iterable[ChunkRef]) -> Mapping[ChunkRef, Mapping[ChunkRef, Chunk]]:
        """Return for chunks the same text at the same path of other roots, for which they stand.

        Those that have none may be missing.
        """
