"""Write an index into one file, from one snapshot of its store.

Text is left out: chunks are stretches of files, and who imports has the files. What travels is what takes
time to make again: where the files are cut, the names in them, and the vectors.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np

from codesearch.errors import CodesearchError
from codesearch.files.repositories.git import run_git
from codesearch.index.portable.archive import write_archive
from codesearch.index.portable.manifest import FORMAT, Manifest, Part
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk
from codesearch.storage import metadata
from codesearch.storage.metadata import ModelRecord
from codesearch.storage.rows import StoredFile
from codesearch.storage.store import Store

__all__ = ["CHUNKS", "VECTORS", "export_index"]

CHUNKS, VECTORS = "chunks.jsonl", "vectors.f16"
_FIELDS = (
    "start_byte",
    "end_byte",
    "start_line",
    "end_line",
    "kind",
    "symbol",
    "scope",
    "signature",
    "definitions",
)


@dataclass(slots=True)
class _Counts:
    files: int = 0
    chunks: int = 0
    vectors: int = 0


def export_index(store: Store, root: Path, target: Path) -> Manifest:
    """Write the index of ``root`` to ``target``, which appears whole or not at all.

    ``chunks.jsonl`` has a line for each file: path, language, content hash, and its chunks. ``vectors.f16``
    has the vectors of these chunks in the same order, ``dim`` little-endian float16 each, without the chunks
    whose
    ``embedded`` is false.

    Raises:
        CodesearchError: the file cannot be written.
    """
    if target.exists() and not target.is_file():  # a device would be replaced
        raise CodesearchError(f"cannot write {target}: it is no regular file; give a name that is free")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with TemporaryDirectory(prefix="codesearch-export-") as folder:
            parts = {CHUNKS: Path(folder) / CHUNKS, VECTORS: Path(folder) / VECTORS}
            with store.reading():
                manifest = _write_parts(store, root, parts)
            with unfinished.open("xb") as stream:
                write_archive(stream, manifest, parts)
                stream.flush()
                os.fsync(stream.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise CodesearchError(f"cannot write {target} ({error.strerror or error})") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def _write_parts(store: Store, root: Path, parts: Mapping[str, Path]) -> Manifest:
    counts = _Counts()
    with parts[CHUNKS].open("w", encoding="utf-8") as chunks, parts[VECTORS].open("wb") as vectors:
        for path, file in sorted(store.files().items()):
            _write_file(store, file, chunks, vectors, counts)
            assert path == file.path
    model = metadata.read(store, ModelRecord)
    return Manifest(
        format=FORMAT,
        program=f"codesearch {version('mlx-jinabert')}",
        commit=_commit(root),
        text_version=store.meta("text_version", "") or "",
        model=model.name if model else "",
        model_named=model.named if model else False,
        fingerprint=model.fingerprint if model else "",
        dim=model.dim if model else 0,
        files=counts.files,
        chunks=counts.chunks,
        vectors=counts.vectors,
        parts={name: Part(path.stat().st_size, _sha256(path)) for name, path in parts.items()},
    )


def _write_file(store: Store, file: StoredFile, chunks: IO[str], vectors: IO[bytes], counts: _Counts) -> None:
    stored = store.chunks_of(file.path)
    if not _tiles([one.chunk for one in stored]):  # the importer cuts it
        return
    found = store.vectors([one.id for one in stored])
    by_id = dict(zip(found.ids.tolist(), found.matrix, strict=True))
    rows = [
        {**{key: getattr(one.chunk, key) for key in _FIELDS}, "embedded": one.id in by_id} for one in stored
    ]
    record = {"path": file.path, "language": file.language, "hash": file.content_hash.hex(), "chunks": rows}
    chunks.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    matrix = [by_id[one.id] for one in stored if one.id in by_id]
    if matrix:
        vectors.write(np.stack(matrix).astype("<f2").tobytes())
    counts.files += 1
    counts.chunks += len(stored)
    counts.vectors += len(matrix)


def _tiles(chunks: Sequence[Chunk]) -> bool:
    """Whether each chunk begins where the one before ends, so that the file's bytes give their texts."""
    edges = [chunk.start_byte for chunk in chunks[1:]]
    return edges == [chunk.end_byte for chunk in chunks[:-1]]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _commit(root: Path) -> str:
    """The commit that is checked out, for people; "" where git does not say."""
    return (
        (run_git(root, "rev-parse", "--verify", "--quiet", "HEAD") or b"").decode("ascii", "replace").strip()
    )
