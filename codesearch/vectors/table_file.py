"""``vectors.f32``: the vectors of an index in the form in which they are compared, to be mapped into memory.

A cache of the database like the graph: written whole beside its place and renamed, used for exactly the
database and model that it names; what came later is read from the database. A line of JSON, then chunk ids
(int64), then the vectors (float32); of many vectors their codes too (``codes.py``): the centre, the factors
(float32) and the planes (uint64). Each part begins on a page.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, replace
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from codesearch.storage.folders.filesystem import replace_atomically
from codesearch.vectors.codes import BITS, Codes, words_of
from codesearch.vectors.exact import VectorTable
from codesearch.vectors.graph_file import Origin
from codesearch.vectors.row_file import RowFile

__all__ = ["CODED_FROM", "TABLE", "read_table", "remove_table", "write_table"]

TABLE = "vectors.f32"
CODED_FROM = 3_000_000
"""Numbers (vectors times dim) from which on vectors have codes: 12,000 of 256."""
_FORMAT = 2
_PAGE = 4096
"""Bytes: a mapping begins on one, and the line before the numbers fits."""

_Parts = dict[str, tuple[type[np.generic], tuple[int, ...]]]
"""The type and the shape of each part, in their order."""


def write_table(directory: Path, origin: Origin, table: VectorTable, *, coded_from: int = CODED_FROM) -> None:
    """Write the live vectors of a table. OSError where that fails, and the old file stays."""
    ids, matrix = table.live()
    is_coded = matrix.size >= coded_from
    line = json.dumps(
        {
            "format": _FORMAT,
            **asdict(origin),
            "count": len(ids),
            "last_seq": table.last_seq,
            "is_coded": is_coded,
        }
    )
    temporary = directory / f"{TABLE}.{os.getpid()}.tmp"
    try:
        for left in directory.glob(f"{TABLE}.*.tmp"):  # by a writer that was killed
            left.unlink(missing_ok=True)
        with temporary.open("wb") as file:
            file.write(line.encode().ljust(_PAGE))
            _write_pages(file, ids)
            _write_pages(file, matrix)
            if is_coded:
                codes = Codes.of(matrix)
                for part in (codes.centre, codes.factors, codes.planes):
                    _write_pages(file, part)
        replace_atomically(temporary, directory / TABLE)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _write_pages(file: BinaryIO, array: NDArray[Any]) -> None:
    file.write(np.ascontiguousarray(array).data)
    file.write(bytes(-file.tell() % _PAGE))


def read_table(directory: Path, origin: Origin) -> VectorTable | None:
    """Map the file; None where there is none, or it is of another index or model, or not whole."""
    try:
        with (directory / TABLE).open("rb") as file:
            found = json.loads(file.read(_PAGE))
            expected = {"format": _FORMAT, **asdict(origin)}
            if {key: found.get(key) for key in expected} != expected:
                return None
            count, last_seq = int(found["count"]), int(found["last_seq"])
            parts = _parts(count, origin.dim, bool(found["is_coded"]))
            size = _PAGE + sum(_pages_of(kind, shape) for kind, shape in parts.values())
            if count < 1 or os.fstat(file.fileno()).st_size != size:
                return None
            mapped = _mapped(file, parts)
            start = _PAGE + _pages_of(*parts["ids"])
            rows = RowFile(file, start, origin.dim) if "planes" in parts else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    newer = np.zeros((0, origin.dim), np.float32)
    table = VectorTable(0, last_seq, mapped["ids"], newer, mapped["rows"])
    if rows is None:
        return table
    codes = Codes(mapped["centre"], mapped["factors"], mapped["planes"])
    return replace(table, codes=codes, file=rows)


def _parts(count: int, dim: int, is_coded: bool) -> _Parts:
    parts: _Parts = {"ids": (np.int64, (count,)), "rows": (np.float32, (count, dim))}
    if is_coded:
        parts["centre"] = np.float32, (dim,)
        parts["factors"] = np.float32, (count,)
        parts["planes"] = np.uint64, (BITS, words_of(dim), count)
    return parts


def _pages_of(kind: type[np.generic], shape: tuple[int, ...]) -> int:
    """Return the bytes of the pages that a part takes."""
    return -(-prod(shape) * np.dtype(kind).itemsize // _PAGE) * _PAGE


def _mapped(file: BinaryIO, parts: _Parts) -> dict[str, NDArray[Any]]:
    """Map each part by itself, as a plain array: each look at a memmap takes as long as a small product."""
    mapped, start = {}, _PAGE
    for name, (kind, shape) in parts.items():
        mapped[name] = np.asarray(np.memmap(file, kind, "r", start, shape))
        start += _pages_of(kind, shape)
    return mapped


def remove_table(directory: Path) -> None:
    """Delete the file, if there is one."""
    with suppress(OSError):
        (directory / TABLE).unlink(missing_ok=True)
