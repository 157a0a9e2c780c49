"""Chunks that may be answers: all of them side by side, and what several signals ask about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, reduce
from operator import and_
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codesearch.records import Chunk, ChunkRef
from codesearch.searching.signals.words import Holding, holding

__all__ = ["Candidate", "Candidates", "Scores", "Step", "adding", "best_first", "unchanged"]

Scores = NDArray[np.float64]
"""(n,): of candidates, in the order of their places."""
Step = Callable[[Scores], Scores]
"""Gives candidates other scores. What it was made of does not depend on scores: it may be applied often."""


class Candidate(NamedTuple):
    """A chunk that may be an answer, and its score."""

    ref: ChunkRef
    chunk: Chunk
    score: float


class Candidates:
    """Chunks that may be answers, by absolute path and position. Sums of scores depend on their order too.

    Scores are no part of them: signals change those alone, and what they ask of the chunks is computed once.
    """

    def __init__(self, chunks: Mapping[ChunkRef, Chunk]) -> None:
        folders = {root: f"{root}/" for root in {ref.root for ref in chunks}}
        ordered = sorted(
            chunks.items(), key=lambda one: (folders[one[0].root], one[1].path, one[1].start_byte)
        )
        self.refs: list[ChunkRef] = [ref for ref, _ in ordered]
        self.chunks: list[Chunk] = [chunk for _, chunk in ordered]
        self._holding: dict[str, Holding] = {}

    def __len__(self) -> int:
        return len(self.refs)

    @cached_property
    def file_of(self) -> list[tuple[str, str]]:
        """The root and the path of each."""
        return [(ref.root, chunk.path) for ref, chunk in zip(self.refs, self.chunks, strict=True)]

    @cached_property
    def of_files(self) -> list[tuple[str, str]]:
        """The root and the path of each file, once."""
        return list(dict.fromkeys(self.file_of))

    @cached_property
    def files(self) -> NDArray[np.intp]:
        """(n,): the number of each one's file, ascending, because those of a file are neighbours."""
        number = {file: at for at, file in enumerate(self.of_files)}
        return np.array([number[file] for file in self.file_of], np.intp)

    @cached_property
    def _first_of_file(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.diff(self.files, prepend=-1))

    @cached_property
    def folded(self) -> list[str]:
        """The text of each, case-folded."""
        return [chunk.text.casefold() for chunk in self.chunks]

    @cached_property
    def _folded_paths(self) -> list[str]:
        """The path of each file, case-folded."""
        return [path.casefold() for _, path in self.of_files]

    def holding(self, stem: str) -> Holding:
        """Return which hold a stem in their path or text, (n,)."""
        if stem not in self._holding:
            by_path = holding(self._folded_paths, stem)[self.files]
            self._holding[stem] = holding(self.folded, stem) | by_path
        return self._holding[stem]

    def held_at_most(self, words: Collection[str]) -> NDArray[np.intp]:
        """Return how many of these case-folded words each text holds at most, (n,), by the stems looked for.

        A text without a stem has no word that it is a part of, and most texts are without.
        """
        held = np.zeros(len(self), np.intp)
        for word in words:
            known = [which for stem, which in self._holding.items() if stem in word]
            held += reduce(and_, known) if known else 1
        return held

    def leading(self, scores: Scores) -> NDArray[np.intp]:
        """Return the numbers of the best of each file, of equal ones the first."""
        best = np.maximum.reduceat(scores, self._first_of_file)
        among_best = np.flatnonzero(scores == best[self.files])
        return among_best[np.flatnonzero(np.diff(self.files[among_best], prepend=-1))]

    def among(self, refs: Collection[ChunkRef]) -> NDArray[np.bool_]:
        """Return which are among these, (n,)."""
        return np.array([ref in refs for ref in self.refs], np.bool_)

    def ranked(self, scores: Scores) -> list[Candidate]:
        """Return them best first."""
        values = scores.tolist()
        return [Candidate(self.refs[at], self.chunks[at], values[at]) for at in best_first(scores).tolist()]


def best_first(scores: Scores) -> NDArray[np.intp]:
    """Return the numbers of candidates by their score, of equal ones by their place."""
    return np.argsort(-scores, kind="stable")


def adding(gains: Sequence[float]) -> Step:
    """Return the step that adds so much to each score."""
    added = np.array(gains, np.float64)
    return lambda scores: scores + added


def unchanged(scores: Scores) -> Scores:
    """Leave the scores as they are, as a step."""
    return scores
