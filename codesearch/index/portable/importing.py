"""Read a portable index into the store of a root that holds the same sources, or nearly.

What the archive says is never believed further than it has to be: see ``matching.py`` for texts. Vectors go
to this index alone, not to the cache that all indexes share, and only under a model whose fingerprint they
carry. A refresh afterwards cuts and embeds what did not match.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np

from codesearch.errors import PortableIndexError
from codesearch.index.portable.archive import read_archive
from codesearch.index.portable.download import local_copy
from codesearch.index.portable.export import CHUNKS, VECTORS
from codesearch.index.portable.manifest import Manifest
from codesearch.index.portable.matching import ImportedFile, match, parse
from codesearch.models.embedder import Model
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, Progress, SourceFile
from codesearch.storage import metadata
from codesearch.storage.lexical.tokens import document
from codesearch.storage.metadata import ModelRecord, check_model
from codesearch.storage.store import Store
from codesearch.vectors.vector_index import FINGERPRINT

__all__ = ["ImportResult", "import_index"]

_BATCH_FILES = 256
_LONGEST_LINE = 64 << 20
"""Characters of one file's chunks; an archive that has more in a line is refused before it is parsed."""
_UNIT = 0.01
"""How far the length of a vector may be from 1; float16 rounds by less than a thousandth."""


@dataclass(slots=True)
class ImportResult:
    """Counts of one import."""

    files: int = 0
    """Files of the archive that are the same on disk, and were taken over."""
    other_files: int = 0
    """Files of the archive that are missing here or have another content."""
    chunks: int = 0
    vectors: int = 0
    notes: list[str] = field(default_factory=list)


def import_index(
    store: Store,
    root: Path,
    model: Model,
    source: str,
    *,
    sha256: str | None,
    max_file_bytes: int,
    progress: Progress,
) -> ImportResult:
    """Take over everything in ``source`` that fits the files below ``root``.

    Committed in batches of files: a kill costs one batch, and a second import goes on from there. Nothing
    that was indexed before is lost unless the archive has the same file.

    Raises:
        PortableIndexError: see ``download``, ``archive`` and ``matching``.
        ModelMismatch: the index holds vectors of another model than the archive.
    """
    try:
        with (
            local_copy(source, sha256) as path,
            path.open("rb") as stream,
            TemporaryDirectory(prefix="codesearch-import-") as folder,
        ):
            manifest = read_archive(stream, (CHUNKS, VECTORS), Path(folder))
            vectors = _vectors(Path(folder) / VECTORS, manifest)
            run = _Import(store, root, max_file_bytes, vectors, ImportResult())
            run.take_vectors = run.agree_on_model(manifest, model)
            run.agree_on_version(manifest)
            with Path(folder, CHUNKS).open(encoding="utf-8", errors="strict") as lines:
                run.read(lines, manifest.files, progress)
            return run.imported
    except PortableIndexError as error:
        raise PortableIndexError(error.problem, source) from error
    except UnicodeDecodeError as error:
        raise PortableIndexError(f"its chunks are not UTF-8 ({error.reason})", source) from error


def _vectors(path: Path, manifest: Manifest) -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
    """(n, dim) float16, mapped from the file."""
    expected = manifest.vectors * manifest.dim * 2
    if path.stat().st_size != expected:
        raise PortableIndexError(f"its vectors have {path.stat().st_size:,} bytes, expected {expected:,}")
    shape = (manifest.vectors, manifest.dim)
    if not expected:
        return np.zeros(shape, np.float16)
    return np.memmap(path, np.dtype("<f2"), "r", shape=shape)


@dataclass(slots=True)
class _Import:
    store: Store
    root: Path
    max_file_bytes: int
    vectors: np.ndarray[tuple[int, int], np.dtype[np.float16]]
    imported: ImportResult
    take_vectors: bool = False
    _at: int = 0
    """Vectors that belong to the files read so far."""

    def agree_on_model(self, manifest: Manifest, model: Model) -> bool:
        """Whether the vectors are usable here; writes down whose they are."""
        if not manifest.vectors:
            return False
        record = metadata.read(self.store, ModelRecord)
        theirs = Model(manifest.model) if manifest.model_named else model
        if theirs.fingerprint != manifest.fingerprint:
            self.imported.notes.append(
                f"its vectors are those of another version of {manifest.model}; the chunks are embedded here"
            )
            return False
        if record is not None and self.store.vector_count():
            check_model(record, theirs, self.root)
            return True
        record = ModelRecord(manifest.model, manifest.model_named, manifest.fingerprint, manifest.dim)
        with self.store.transaction():
            metadata.write(self.store, record)
            self.store.set_meta(FINGERPRINT, record.fingerprint)
        return True

    def agree_on_version(self, manifest: Manifest) -> None:
        """Let the next refresh cut everything again where another version made the archive."""
        version = self.store.meta("text_version")
        if version is None or version != manifest.text_version:
            self.store.set_meta("text_version", manifest.text_version)

    def read(self, lines: IO[str], total: int, progress: Progress) -> None:
        done, source = 0, _bounded(lines)
        while batch := list(islice(source, _BATCH_FILES)):
            with self.store.transaction():
                for line in batch:
                    self._take(parse(line))
            done += len(batch)
            progress("import", done, total)
        if self._at != len(self.vectors):
            raise PortableIndexError(f"it has {len(self.vectors):,} vectors for {self._at:,} chunks")

    def _take(self, file: ImportedFile) -> None:
        first, self._at = self._at, self._at + sum(file.embedded)
        found = match(file, self.root, self.max_file_bytes)
        if found is None:
            self.imported.other_files += 1
            return
        source, chunks = found
        self.store.replace_file(source, file.hash, chunks, [document(chunk) for chunk in chunks])
        self.imported.files += 1
        self.imported.chunks += len(chunks)
        if self.take_vectors and self._at <= len(self.vectors):
            self._put_vectors(source, chunks, file.embedded, self.vectors[first : self._at])

    def _put_vectors(
        self,
        source: SourceFile,
        chunks: Sequence[Chunk],
        embedded: Sequence[bool],
        rows: np.ndarray[tuple[int, int], np.dtype[np.float16]],
    ) -> None:
        lengths = np.linalg.norm(rows.astype(np.float32), axis=1)
        usable = iter((np.abs(lengths - 1) < _UNIT).tolist())
        stored = self.store.chunks_of(source.path)
        assert len(stored) == len(chunks)
        keep, ids = [], []
        for one, has in zip(stored, embedded, strict=True):
            good = has and next(usable)
            if has:
                keep.append(good)
            if good:
                ids.append(one.id)
        if ids:
            self.imported.vectors += self.store.put_vectors(ids, rows[np.array(keep)].astype(np.float32))


def _bounded(lines: IO[str]) -> Iterator[str]:
    while line := lines.readline(_LONGEST_LINE):
        if not line.endswith("\n") and len(line) == _LONGEST_LINE:
            raise PortableIndexError(f"a line of its chunks has more than {_LONGEST_LINE:,} characters")
        yield line
