"""The interface of an engine. ``store.py`` makes a ``SearchStore`` of it, ``upload.py`` fills it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from codesearch.distributed.engines.rows import EngineRow
from codesearch.errors import CodesearchError
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk

__all__ = ["ANYWHERE", "Engine", "EngineRecord", "Found", "TextModel", "Where", "one_vector"]


@dataclass(frozen=True, slots=True)
class TextModel:
    """The model of the second vectors."""

    model: str
    named: bool
    fingerprint: str
    dim: int


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """Whose vectors an engine holds, and how its terms were weighed."""

    model: str
    named: bool
    fingerprint: str
    dim: int
    average_length: float
    """Tokens of a chunk; fixed when the collection is made, so that stored weights stay comparable."""
    short_dim: int = 0
    """Numbers of the first stage's vectors, the first of the stored ones (Matryoshka); 0 for one stage."""
    text: TextModel | None = None
    """Of the second vector that every chunk has, by a model for prose."""

    def as_json(self) -> str:
        """Return it as engines store it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> EngineRecord:
        """Read what ``as_json`` wrote."""
        return cls.from_fields(json.loads(text))

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> EngineRecord:
        """Read what ``dataclasses.asdict`` made of one."""
        text = fields.get("text")
        return cls(**{**fields, "text": None if text is None else TextModel(**text)})


@dataclass(frozen=True, slots=True)
class Where:
    """Chunks that may answer. None does not restrict."""

    paths: tuple[str, ...] | None = None
    uuids: tuple[UUID, ...] | None = None
    key: str | None = None
    """A name that they define, case-folded."""


ANYWHERE = Where()


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate of one arm."""

    uuid: UUID
    score: float


class Engine(Protocol):
    """One collection, or one schema, that holds chunks of many roots. Every write is idempotent."""

    def record(self) -> EngineRecord | None:
        """Return what was written down when it was made; None where nothing is there."""

    def create(self, record: EngineRecord) -> None:
        """Make an empty place for chunks. Nothing happens where it is there already."""

    def roots(self) -> list[str]:
        """Return the roots that have chunks, by name."""

    def uuids(self, root: str) -> set[UUID]:
        """Return every chunk of a root."""

    def files(self, root: str) -> Mapping[str, str | None]:
        """Return path -> language of every file of a root."""

    def write(self, root: str, rows: Sequence[EngineRow]) -> None:
        """Store chunks; those that are there are replaced."""

    def delete(self, root: str, uuids: Sequence[UUID]) -> None:
        """Remove chunks; those that are not there are passed over."""

    def words(
        self, roots: Sequence[str], terms: Sequence[str], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the best chunks by BM25, best first. A term that is repeated counts as often."""

    def near(
        self, roots: Sequence[str], vector: NDArray[np.float32], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the chunks nearest to a unit vector (dim,), best first; scores are cosines."""

    def near_by_text(
        self, roots: Sequence[str], vector: NDArray[np.float32], limit: int, where: Where = ANYWHERE
    ) -> list[Found]:
        """Return the same by the second vectors; asked only where the record has a model for text."""

    def chunks(self, roots: Sequence[str], where: Where) -> Iterator[tuple[str, UUID, Chunk]]:
        """Yield (root, name, chunk) of the chunks there, in no order."""

    def keys(self, roots: Sequence[str]) -> set[str]:
        """Return every name that is defined, case-folded."""

    def vector(self, uuid: UUID) -> NDArray[np.float32] | None:
        """Return the stored vector of a chunk, (dim,)."""

    def has_vectors(self, roots: Sequence[str]) -> bool:
        """Return whether ``near`` compares anything."""

    def close(self) -> None:
        """Free what is held."""


def one_vector(record: EngineRecord, engine: str) -> None:
    """CodesearchError for a record that asks for more than one vector a chunk."""
    if record.text is not None:
        raise CodesearchError(f"{engine} holds one vector a chunk; --text-model needs a Qdrant server")
