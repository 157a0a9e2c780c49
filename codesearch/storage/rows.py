"""Records of the store: frozen, no SQL.

Kept apart from ``store.py`` so that pure functions (ranking) can name these without importing a stage.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass

__all__ = [
    "ChunkIdentity",
    "ChunkText",
    "Counts",
    "FileChange",
    "Ids",
    "ScoredRow",
    "StoredFile",
    "StoredVectors",
    "text_hash",
]

Ids = NDArray[np.int64]
"""(n,) int64 chunk ids, ascending unless said otherwise."""


def text_hash(text: str) -> bytes:
    """Identity of an embedded text, 16 bytes: equal texts share a vector, in one file and across indexes."""
    return blake2b(text.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was when it was last indexed."""

    id: int
    path: str
    size: int
    stamp: int
    """``SourceFile.stamp``."""
    content_hash: bytes
    language: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Exact numbers of one snapshot."""

    files: int
    chunks: int
    embedded: int
    """Chunks that have a vector."""
    to_embed: int
    """Chunks that have one or are to get one: all but those of generated pages."""


@dataclass(frozen=True, slots=True)
class ChunkText:
    """A chunk as far as its text and place go."""

    id: int
    path: str
    start_byte: int
    start_line: int
    text: str


@dataclass(frozen=True, slots=True)
class ChunkIdentity:
    """A chunk, and what it has in common with the same one in another index."""

    id: int
    path: str
    text_hash: bytes
    """Of the embedded text: path, scope and text."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """The effect of replacing one file on its chunks."""

    added: int
    reused: int
    removed: int


class ScoredRow(NamedTuple):
    """A candidate of one retriever; higher is better, comparable within one list only."""

    id: int
    score: float


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Rows of the vector table in the order of ``seqs`` (ascending)."""

    ids: Ids
    """(n,) int64 chunk ids, in the order in which their vectors were written."""
    seqs: Ids
    """(n,) int64 sequence numbers, ascending, never reused."""
    matrix: NDArray[np.float32]
    """(n, dim) float32, rounded to float16 on disk."""

    def __len__(self) -> int:
        return len(self.ids)
