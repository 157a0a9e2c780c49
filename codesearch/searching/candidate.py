"""A chunk in the ranking: one that may be an answer, and its score so far."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from codesearch.records import Chunk, ChunkRef

__all__ = ["Candidate", "best_first", "by_place"]


class Candidate(NamedTuple):
    """A chunk that may be an answer, and its score so far.

    Every signal makes new ones of all candidates: a named tuple is made in a third of a data class's time.
    """

    ref: ChunkRef
    chunk: Chunk
    score: float

    @property
    def file(self) -> tuple[str, str]:
        """The file of the chunk among those of all roots."""
        return (self.ref.root, self.chunk.path)

    def scored(self, score: float) -> Candidate:
        """Return the same chunk with another score."""
        return Candidate(self.ref, self.chunk, score)

    def plus(self, gain: float) -> Candidate:
        """Return the same chunk with a higher score."""
        return self.scored(self.score + gain) if gain else self


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Order candidates that stand by place by score; equal ones stay by place, because sorting is stable."""
    return sorted(candidates, key=attrgetter("score"), reverse=True)


def by_place(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Order candidates by absolute path and position. Sums of scores depend on their order too."""
    folders: dict[str, str] = {}

    def place(candidate: Candidate) -> tuple[str, str, int]:
        root, chunk = candidate.ref.root, candidate.chunk
        return (folders.setdefault(root, f"{root}/"), chunk.path, chunk.start_byte)

    return sorted(candidates, key=place)
