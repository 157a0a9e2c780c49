"""Bring an engine up to date with the index of a root: what is new is written, what is gone is deleted.

Chunks have the same name on every machine, so an upload that is killed goes on where it was, two machines may
upload the same commit, and uploading twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from codesearch.distributed.engines.protocol import Engine, EngineRecord
from codesearch.distributed.engines.rows import EngineRow, chunk_uuid, make_row
from codesearch.errors import CodesearchError, ModelMismatch
from codesearch.records import Chunk, Progress
from codesearch.storage import metadata
from codesearch.storage.metadata import ModelRecord
from codesearch.storage.store import Store

__all__ = ["Upload", "delete_chunks", "upload"]

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Upload:
    """Counts of one upload."""

    written: int
    deleted: int
    kept: int


def upload(store: Store, engine: Engine, root: str, progress: Progress) -> Upload:
    """Upload the index of a root under the name ``root``.

    Raises:
        ModelMismatch: the engine holds vectors of another model. CodesearchError: the index is not complete.
    """
    counts = store.counts()
    if counts.embedded < counts.to_embed or not counts.chunks:
        raise CodesearchError(
            f"{counts.embedded:,} of {counts.to_embed:,} chunks are embedded; "
            "let codesearch index finish first"
        )
    _agree(store, engine)
    there = engine.uuids(root)
    with store.reading():
        here = {chunk_uuid(root, chunk): id_ for path in store.files() for id_, chunk in _chunks(store, path)}
        new = sorted(here[uuid] for uuid in here.keys() - there)
        source, done = iter(new), 0
        progress("upload", 0, len(new))
        while batch := list(islice(source, _BATCH)):
            engine.write(root, list(_rows(store, root, batch)))
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


def _rows(store: Store, root: str, ids: list[int]) -> Iterator[EngineRow]:
    vectors = store.vectors(ids)
    by_id = dict(zip(vectors.ids.tolist(), vectors.matrix, strict=True))
    for id_, stored in store.chunks(ids).items():
        yield make_row(root, stored.chunk, by_id.get(id_))


def _agree(store: Store, engine: Engine) -> None:
    mine = metadata.read(store, ModelRecord)
    assert mine is not None, "the vectors of a complete index have a model"
    record = engine.record()
    if record is None:
        tokens = store.row_lengths().tokens
        average = float(tokens.mean()) if len(tokens) else 1.0
        engine.create(EngineRecord(mine.name, mine.named, mine.fingerprint, mine.dim, average))
    elif record.fingerprint != mine.fingerprint:
        raise ModelMismatch(
            record.model,
            mine.name,
            "upload to another collection, or index with the collection's model: "
            f"codesearch index --model {record.model} --rebuild",
        )
