"""Bring an engine up to date with the index of a root: what is new is written, what is gone is deleted.

Chunks have the same name on every machine, so an upload that is killed goes on where it was, two machines may
upload the same commit, and uploading twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from codesearch.distributed.engines.protocol import Engine, EngineRecord, TextModel
from codesearch.distributed.engines.rows import EngineRow, chunk_uuid, make_row
from codesearch.errors import CodesearchError, ModelMismatch
from codesearch.models.embedder import Model, encode_documents
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, Embedder, Progress
from codesearch.storage import metadata
from codesearch.storage.metadata import ModelRecord
from codesearch.storage.store import Store

__all__ = ["Upload", "agreed_record", "delete_chunks", "upload"]

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Upload:
    """Counts of one upload."""

    written: int
    deleted: int
    kept: int


def upload(
    store: Store, engine: Engine, root: str, progress: Progress, text_model: Model | None = None
) -> Upload:
    """Upload the index of a root under the name ``root``.

    ``text_model`` makes a second vector of each chunk, where the engine is new or was made with it; None
    takes the one that the engine was made with, if any.

    Raises:
        ModelMismatch: the engine holds vectors of another model. CodesearchError: the index is not complete.
    """
    counts = store.counts()
    if counts.embedded < counts.to_embed or not counts.chunks:
        raise CodesearchError(
            f"{counts.embedded:,} of {counts.to_embed:,} chunks are embedded; "
            "let codesearch index finish first"
        )
    text = _text_model(store, engine, text_model)
    embedder = text.load() if text else None
    there = engine.uuids(root)
    with store.reading():
        here = {chunk_uuid(root, chunk): id_ for path in store.files() for id_, chunk in _chunks(store, path)}
        new = sorted(here[uuid] for uuid in here.keys() - there)
        source, done = iter(new), 0
        progress("upload", 0, len(new))
        while batch := list(islice(source, _BATCH)):
            engine.write(root, list(_rows(store, root, batch, embedder)))
            done += len(batch)
            progress("upload", done, len(new))
    gone = delete_chunks(engine, root, there - here.keys())
    return Upload(len(new), gone, len(there) - gone)


def delete_chunks(engine: Engine, root: str, uuids: Iterable[UUID]) -> int:
    """Delete chunks of a root, some at a time; how many there were."""
    gone = sorted(uuids)
    for start in range(0, len(gone), _BATCH):
        engine.delete(root, gone[start : start + _BATCH])
    return len(gone)


def _chunks(store: Store, path: str) -> Iterator[tuple[int, Chunk]]:
    for found in store.chunks_of(path):
        yield found.id, found.chunk


def _rows(store: Store, root: str, ids: list[int], text: Embedder | None) -> Iterator[EngineRow]:
    vectors = store.vectors(ids)
    by_id = dict(zip(vectors.ids.tolist(), vectors.matrix, strict=True))
    stored = store.chunks(ids)
    second = {} if text is None else _embedded(text, {id_: one.chunk for id_, one in stored.items()})
    for id_, one in stored.items():
        yield make_row(root, one.chunk, by_id.get(id_), second.get(id_))


def _embedded(embedder: Embedder, chunks: Mapping[int, Chunk]) -> dict[int, NDArray[np.float32]]:
    """The vectors of chunks; one whose vector is not finite has none."""
    found = encode_documents(embedder, [chunk.embedded_text for chunk in chunks.values()])
    return {id_: found.vectors[at] for at, id_ in enumerate(chunks) if at not in found.failed}


def agreed_record(
    engine: Engine, name: str, fingerprint: str, make: Callable[[], EngineRecord]
) -> EngineRecord:
    """The record of the engine's collection, which is created from ``make()`` where there is none.

    Raises:
        ModelMismatch: the collection holds vectors of another model than this one.
    """
    record = engine.record()
    if record is None:
        record = make()
        engine.create(record)
    elif record.fingerprint != fingerprint:
        remedy = "use another collection, or embed with the collection's model: "
        raise ModelMismatch(record.model, name, f"{remedy}codesearch index --model {record.model} --rebuild")
    return record


def _text_model(store: Store, engine: Engine, text: Model | None) -> Model | None:
    """The model of the second vectors, once the engine's record and the index agree on the first."""
    mine = metadata.read(store, ModelRecord)
    assert mine is not None, "the vectors of a complete index have a model"

    def make() -> EngineRecord:
        tokens = store.row_lengths().tokens
        average = float(tokens.mean()) if len(tokens) else 1.0
        second = TextModel(text.name, text.named, text.fingerprint, text.load().dim) if text else None
        return EngineRecord(mine.name, mine.named, mine.fingerprint, mine.dim, average, text=second)

    return _second(agreed_record(engine, mine.name, mine.fingerprint, make).text, text)


def _second(stored: TextModel | None, given: Model | None) -> Model | None:
    """The model of the engine's second vectors. ModelMismatch where another one is given."""
    if given is None:
        if stored is None:
            return None
        known = Model.recorded(stored.model, stored.named, stored.fingerprint)
        return _second(stored, known)
    if stored is None or stored.fingerprint != given.fingerprint:
        raise ModelMismatch(
            stored.model if stored else "no model for text",
            given.name,
            "leave --text-model out, or upload to another collection",
        )
    return given
