"""Three tiers of vectors, for more of them than fit into memory: compare coarsely, finely, then exactly.

- hot: the signs of the numbers, one bit each, in memory, all compared (Hamming distance);
- warm: int8 codes with a scale for each vector, a mapped file, read for the candidates of the hot tier;
- cold: float16 vectors, a file or an object (``s3://…`` through fsspec), of which only the ranges of the last
  candidates are fetched.

A folder of tiers is written once and never changed; ids are row numbers. 256 numbers are 32, 260 and 512
bytes. Sources: Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002 (signs);
rescoring of quantised vectors as in Qdrant and in the sentence-transformers documentation of embedding
quantisation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import CodesearchError
from codesearch.quick_dataclass import dataclass
from codesearch.storage.folders.filesystem import replace_atomically
from codesearch.storage.rows import ScoredRow

__all__ = ["Tiers", "write_tiers"]

MANIFEST, SIGNS, CODES, SCALES, COLD = "manifest.json", "signs.u64", "codes.i8", "scales.f32", "full.f16"
_FORMAT = 1
_BLOCK = 1 << 15
"""Rows compared at a time: what is made of them on the way fits a core's cache."""
COARSE, FINE = 64, 4
"""Candidates of the hot and of the warm tier for each result, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    format: int
    count: int
    dim: int
    fingerprint: str
    """Of the model that made the vectors."""


def write_tiers(folder: Path, blocks: Iterable[NDArray[Any]], dim: int, fingerprint: str = "") -> int:
    """Write the tiers of blocks of vectors (n, dim), which are normalised; return how many there are.

    The manifest comes last: a folder without one is no folder of tiers. Raises ValueError for a width that is
    no multiple of 64 and for vectors of another width, OSError where the disk is full.
    """
    if dim <= 0 or dim % 64:
        raise ValueError(f"dim is {dim}, expected a multiple of 64")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    count = 0
    with (
        (folder / SIGNS).open("wb") as signs,
        (folder / CODES).open("wb") as codes,
        (folder / SCALES).open("wb") as scales,
        (folder / COLD).open("wb") as cold,
    ):
        files = (signs, codes, scales, cold)
        for block in blocks:
            if block.ndim != 2 or block.shape[1] != dim:
                raise ValueError(f"vectors of shape {block.shape}, expected (n, {dim})")
            for out, part in zip(files, _encoded(block), strict=True):
                out.write(part.tobytes())
            count += len(block)
        for out in files:
            out.flush()
            os.fsync(out.fileno())
    manifest = json.dumps(asdict(_Manifest(_FORMAT, count, dim, fingerprint)))
    (folder / f"{MANIFEST}.new").write_text(manifest, encoding="utf-8")
    replace_atomically(folder / f"{MANIFEST}.new", folder / MANIFEST)
    return count


def _encoded(block: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Signs, codes, scales and float16 of unit vectors."""
    wide = np.asarray(block, np.float32)
    unit = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    scales = np.maximum(np.abs(unit).max(axis=1), np.finfo(np.float32).tiny) / 127
    codes = np.rint(unit / scales[:, None]).astype(np.int8)
    return _signs(unit), codes, scales.astype(np.float32), unit.astype(np.float16)


def _signs(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(n, dim / 64): a bit for each number above 0."""
    return np.packbits(vectors > 0, axis=1).view(np.uint64)


class Tiers:
    """A folder that ``write_tiers`` wrote. Any thread may ask."""

    def __init__(self, folder: Path, cold: str | None = None, *, threads: int | None = None) -> None:
        """``cold``: where the float16 vectors lie, a path or an fsspec address; None: in the folder.

        Raises CodesearchError for a folder that is none, damaged, or of another version, and where fsspec is
        needed and missing.
        """
        self._manifest = manifest = _read_manifest(folder)
        self.dim, self.fingerprint = manifest.dim, manifest.fingerprint
        shape = (manifest.count, manifest.dim)
        _check_size(folder / SIGNS, manifest.count * manifest.dim // 8)
        _check_size(folder / CODES, manifest.count * manifest.dim)
        _check_size(folder / SCALES, manifest.count * 4)
        self._signs = np.fromfile(folder / SIGNS, np.uint64).reshape(manifest.count, manifest.dim // 64)
        self._codes: NDArray[np.int8] = _mapped(folder / CODES, np.int8, shape)
        self._scales: NDArray[np.float32] = _mapped(folder / SCALES, np.float32, shape[:1])
        self._cold = _Cold(cold or str(folder / COLD), *shape)
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="codesearch-tiers")

    def __len__(self) -> int:
        return self._manifest.count

    def __enter__(self) -> Tiers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def nearest(
        self, query: NDArray[np.float32], limit: int, *, coarse: int = COARSE, fine: int = FINE
    ) -> list[ScoredRow]:
        """Rows nearest to a unit vector (dim,), best first, equal ones by id; scores are cosines.

        ``coarse`` and ``fine`` are the candidates of the hot and the warm tier for each result; ``fine`` 0
        leaves the cold tier alone, scores are then those of the int8 codes.
        """
        query = np.ascontiguousarray(query, np.float32)
        if query.shape != (self.dim,):
            raise ValueError(f"the query has shape {query.shape}, the stored vectors are ({self.dim},)")
        if limit < 1 or not len(self):
            return []
        rows = self._hot(query, coarse * limit)
        rows, scores = self._warm(query, rows, (fine or 1) * limit)
        if fine:
            scores = np.asarray(self._cold.rows(rows) @ query, np.float32)
        order = np.lexsort((rows, -scores))[:limit]
        return [ScoredRow(int(rows[at]), float(scores[at])) for at in order]

    def _hot(self, query: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """The rows whose signs differ least, of every block."""
        wanted = _signs(query[None])[0]
        starts = range(0, len(self), _BLOCK)
        found = list(self._pool.map(lambda start: self._compared(start, wanted, count), starts))
        rows, distances = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return rows[_least(distances, count)]

    def _compared(
        self, start: int, wanted: NDArray[np.uint64], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
        block = self._signs[start : start + _BLOCK]
        distances = np.bitwise_count(block ^ wanted).sum(axis=1, dtype=np.uint16)
        best = _least(distances, count)
        return best + start, distances[best]

    def _warm(
        self, query: NDArray[np.float32], rows: NDArray[np.int64], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        rows = np.sort(rows)  # the file is read from its beginning to its end
        scores = (self._codes[rows].astype(np.float32) @ query) * self._scales[rows]
        best = _least(-scores, count)
        return rows[best], scores[best]


class _Cold:
    """The float16 vectors, mapped or in object storage."""

    def __init__(self, address: str, count: int, dim: int) -> None:
        self._address = address
        self._row = 2 * dim
        self._files: Any = None
        if "://" not in address:
            _check_size(Path(address), count * self._row)
            self._mapped: NDArray[np.float16] = _mapped(Path(address), np.float16, (count, dim))
            return
        try:
            import fsspec
        except ImportError as error:
            raise CodesearchError(f"{error}; pip install 'mlx-jinabert[remote-index]'") from error
        try:
            self._files, self._path = fsspec.core.url_to_fs(address)
            size = int(self._files.size(self._path))
        except Exception as error:  # those of the file systems share no base
            raise CodesearchError(f"{address} cannot be opened: {error}") from error
        _check_bytes(address, size, count * self._row)

    def rows(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, dim) float32, in the order of ``rows``."""
        if self._files is None:
            return self._mapped[rows].astype(np.float32)
        starts = [int(row) * self._row for row in rows]
        try:
            parts = self._files.cat_ranges(
                [self._path] * len(starts), starts, [start + self._row for start in starts], on_error="raise"
            )
        except Exception as error:
            raise CodesearchError(f"{self._address} cannot be read: {error}") from error
        return np.frombuffer(b"".join(parts), np.float16).reshape(len(starts), -1).astype(np.float32)


def _least(values: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Places of the ``count`` least values, in no order."""
    if count >= len(values):
        return np.arange(len(values))
    return np.argpartition(values, count)[:count]


def _read_manifest(folder: Path) -> _Manifest:
    try:
        found = _Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CodesearchError(f"{folder} is no folder of vector tiers: {error}") from error
    if found.format != _FORMAT:
        raise CodesearchError(
            f"{folder} is of format {found.format}, this version knows {_FORMAT}; write it anew"
        )
    return found


def _mapped(path: Path, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    if not shape[0]:  # an empty file cannot be mapped
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", shape=shape)


def _check_size(path: Path, expected: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CodesearchError(f"{path} is missing: {error}") from error
    _check_bytes(str(path), size, expected)


def _check_bytes(name: str, size: int, expected: int) -> None:
    if size != expected:
        raise CodesearchError(f"{name} has {size:,} bytes, expected {expected:,}; write the tiers anew")
