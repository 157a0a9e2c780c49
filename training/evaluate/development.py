"""The development split: annotated questions to real checkouts, answered by cosine alone.

No ranking rules, no word search: the chunks of the product, with their headers, ranked by the model's
vectors. What the whole product makes of a model is measured by ``python -m benches.retrieval``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benches.retrieval.data.annotations import Query, Repository, load_repositories
from benches.retrieval.metrics import DEPTH, ndcg
from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.files.content.source import SourceText, read_source
from codesearch.files.walk import walk
from codesearch.records import Chunk, Hit, SourceFile
from training.evaluate.records import Measured, Ranker, Slice
from training.evaluate.words import share_a_word

__all__ = ["DevelopmentTask", "chunks_of"]


class DevelopmentTask:
    """NDCG@10 of every question of every repository."""

    name = "development, semantic only"

    def __init__(self, annotations: Path, checkouts: Path) -> None:
        self._repositories = load_repositories(annotations, checkouts, None)
        self.chunks = [chunks_of(repository.root) for repository in self._repositories]
        self.slices = self._slices()

    def measure(self, ranker: Ranker) -> tuple[Measured, ...]:
        """Questions in the order of the repositories."""
        values = [
            value
            for repository, chunks in zip(self._repositories, self.chunks, strict=True)
            for value in _measure(ranker, repository, chunks)
        ]
        return (Measured(f"NDCG@{DEPTH}", np.array(values)),)

    def _slices(self) -> tuple[Slice, ...]:
        asked = [query for repository in self._repositories for query in repository.queries]
        categories = np.array([query.category for query in asked])
        unshared = np.array(
            [
                not any(
                    _shows(query, chunk) and share_a_word(query.text, chunk.embedded_text) for chunk in chunks
                )
                for repository, chunks in zip(self._repositories, self.chunks, strict=True)
                for query in repository.queries
            ]
        )
        return (
            Slice("all questions", (np.arange(len(asked)),)),
            Slice("no word shared with the answer", (np.flatnonzero(unshared),)),
            *(
                Slice(name, (np.flatnonzero(categories == name),))
                for name in sorted(set(categories.tolist()))
            ),
        )


def chunks_of(root: Path) -> list[Chunk]:
    """Every chunk that an index of this folder holds."""
    with ChunkPool(1) as pool:
        return [chunk for file in pool.chunk_many(_sources(root)) for chunk in file.chunks]


def _sources(root: Path) -> Iterator[tuple[SourceFile, bytes]]:
    for file in walk(root).files:
        source = read_source(root, file)
        if isinstance(source, SourceText):
            yield source.file, source.data


def _measure(ranker: Ranker, repository: Repository, chunks: Sequence[Chunk]) -> Iterator[float]:
    scorer = ranker.over([chunk.embedded_text for chunk in chunks])
    rows = scorer.scores([query.text for query in repository.queries], "query")
    for query, row in zip(repository.queries, rows, strict=True):
        best = np.argsort(-row, kind="stable")[:DEPTH]
        yield ndcg(query.targets, [_hit(chunks[at]) for at in best])


def _shows(query: Query, chunk: Chunk) -> bool:
    return any(target.found_in(_hit(chunk)) for target in query.targets)


def _hit(chunk: Chunk) -> Hit:
    return Hit(
        "",
        chunk.path,
        chunk.start_line,
        chunk.end_line,
        chunk.language,
        chunk.kind,
        chunk.symbol,
        0.0,
        chunk.text,
    )
