"""The state of an index: its files, chunks, model and size on disk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from codesearch.models.embedder import Model
from codesearch.quick_dataclass import dataclass
from codesearch.storage import metadata as recorded
from codesearch.storage.adapter_file import AdapterFile
from codesearch.storage.folders.locations import Location, folder_bytes
from codesearch.storage.metadata import LastRefresh, ModelRecord
from codesearch.storage.store import Store
from codesearch.vectors.vector_index import VectorIndex

__all__ = ["Status", "read_status"]


_DAMAGED = "what tuning learned cannot be read and is not used; to learn it again, run: codesearch tune"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an index; loads no model."""

    root: str
    directory: str
    model: str
    """The model of the stored vectors; before the first one, the model that would be used."""
    fingerprint: str
    """"" before the first vector."""
    backend: str
    """Of the process that has the model loaded, else of the last one that embedded; "" before that."""
    device: str
    dtype: str
    dim: int
    files: int
    chunks: int
    embedded: int
    total: int
    """Chunks that should have a vector: all but those of generated pages."""
    skipped: Mapping[str, int]
    """Files left out by the last refresh, by reason."""
    bytes: int
    """On disk, all files of the index together."""
    vector_index: str
    """"hnsw" where a saved graph answers, "exact" where every vector is compared."""
    tuned: str
    """What tuning to this code gained (codesearch tune); "" where it was not tuned."""
    last_refresh: datetime | None
    """When the last refresh ended, UTC; None where none has."""
    notes: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the last refresh left nothing undone."""
        return self.last_refresh is not None and self.embedded == self.total


def read_status(
    location: Location, store: Store, model: Model, vectors: VectorIndex, adapter_file: AdapterFile
) -> Status:
    """Read the state of an index from one snapshot of its store."""
    with store.reading():
        counts = store.counts()
        record = recorded.read(store, ModelRecord)
        last = recorded.read(store, LastRefresh)
    kind = vectors.kind
    adapter = adapter_file.adapter(record.fingerprint) if record else None
    damaged = (_DAMAGED,) if adapter_file.is_damaged else ()
    notes = dict.fromkeys((*(last.notes if last else ()), *vectors.notes, *damaged))
    runtime = model.runtime() if model.is_loaded else record
    return Status(
        root=str(location.root),
        directory=str(location.directory),
        model=record.name if record else model.name,
        fingerprint=record.fingerprint if record else "",
        backend=runtime.backend if runtime else "",
        device=runtime.device if runtime else "",
        dtype=runtime.dtype if runtime else "",
        dim=record.dim if record else 0,
        files=counts.files,
        chunks=counts.chunks,
        embedded=counts.embedded,
        total=counts.to_embed,
        skipped=dict(last.skipped) if last else {},
        bytes=folder_bytes(location.directory),
        vector_index=kind,
        tuned=adapter.note if adapter else "",
        last_refresh=last.finished_at if last else None,
        notes=tuple(notes),
    )
