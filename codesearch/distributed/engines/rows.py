"""Chunks as rows of an engine: an id that every machine computes alike, their terms, their vector."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk
from codesearch.storage.lexical.tokens import document
from codesearch.storage.reading import definition_key

__all__ = ["COLUMNS", "EngineRow", "chunk_from", "chunk_uuid", "impact", "make_row", "payload_of", "short_id"]

COLUMNS = (3.0, 2.0, 1.0)
"""Weights of a chunk's names, of the words of its path and of its text: those of
``ranking.Weights.columns``.
"""
_NAMESPACE = uuid.UUID("6f1f3a52-5c52-5f0e-9d63-0d9f1c6a7a10")
_K1, _B = 1.2, 0.75
_FIELDS = (
    "path",
    "start_byte",
    "end_byte",
    "start_line",
    "end_line",
    "language",
    "kind",
    "symbol",
    "signature",
    "text",
)


@dataclass(frozen=True, slots=True)
class EngineRow:
    """One chunk as engines store it."""

    uuid: uuid.UUID
    chunk: Chunk
    keys: tuple[str, ...]
    """Case-folded last parts of the names that it defines."""
    terms: Mapping[str, float]
    """Term -> occurrences, each counting as much as its column."""
    length: int
    """Tokens of all columns."""
    vector: NDArray[np.float32] | None
    """(dim,) float32 of unit length; None before it is embedded."""
    text_vector: NDArray[np.float32] | None = None
    """The same by the model for text, where there is one."""


def make_row(
    root: str,
    chunk: Chunk,
    vector: NDArray[np.float32] | None,
    text_vector: NDArray[np.float32] | None = None,
) -> EngineRow:
    """Describe a chunk of a root."""
    columns = document(chunk)
    terms: Counter[str] = Counter()
    length = 0
    for text, weight in zip((columns.symbol, columns.path, columns.body), COLUMNS, strict=True):
        tokens = text.split()
        length += len(tokens)
        for token in tokens:
            terms[token] += weight  # type: ignore[assignment]
    keys = tuple(sorted({definition_key(name) for name in chunk.definitions} - {""}))
    return EngineRow(chunk_uuid(root, chunk), chunk, keys, terms, length, vector, text_vector)


def chunk_uuid(root: str, chunk: Chunk) -> uuid.UUID:
    """The same chunk of the same root has the same name on every machine (UUID version 5, RFC 9562)."""
    where = f"{root}\0{chunk.path}\0{chunk.start_byte}\0{chunk.start_line}\0{chunk.embedded_text}"
    return uuid.uuid5(_NAMESPACE, where)


def short_id(name: uuid.UUID) -> int:
    """Its first 63 bits: an id as ``ChunkRef`` has it."""
    return name.int >> 65


def impact(weight: float, length: int, average: float) -> float:
    """BM25's weight of a term in a chunk, without idf (k1 1.2, b 0.75, as SQLite's FTS5 has them)."""
    return weight * (_K1 + 1) / (weight + _K1 * (1 - _B + _B * length / max(average, 1.0)))


def payload_of(row: EngineRow) -> dict[str, Any]:
    """The chunk as JSON."""
    chunk = row.chunk
    names = {"scope": list(chunk.scope), "definitions": list(chunk.definitions), "keys": list(row.keys)}
    return {**{key: getattr(chunk, key) for key in _FIELDS}, **names}


def chunk_from(payload: Mapping[str, Any]) -> Chunk:
    """The chunk of a payload."""
    names: dict[str, Sequence[str]] = {key: tuple(payload[key]) for key in ("scope", "definitions")}
    return Chunk(**{key: payload[key] for key in _FIELDS}, **names)  # type: ignore[arg-type]
