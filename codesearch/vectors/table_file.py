"""``vectors.f32``: the vectors of an index in the form in which they are compared, to be mapped into memory.

A cache of the database like the graph: written whole beside its place and renamed, used for exactly the
database and model that it names; what came later is read from the database. A line of JSON, then chunk ids
(int64), then the vectors (float32), each from a page on.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from codesearch.storage.folders.filesystem import replace_atomically
from codesearch.storage.rows import Ids
from codesearch.vectors.exact import VectorTable
from codesearch.vectors.graph_file import Origin

__all__ = ["TABLE", "read_table", "remove_table", "write_table"]

TABLE = "vectors.f32"
_FORMAT = 1
_PAGE = 4096
"""Bytes: a mapping begins on one, and the line before the numbers fits."""


def write_table(directory: Path, origin: Origin, table: VectorTable) -> None:
    """Write the live vectors of a table. OSError where that fails, and the old file stays."""
    ids, matrix = table.live()
    line = json.dumps({"format": _FORMAT, **asdict(origin), "count": len(ids), "last_seq": table.last_seq})
    temporary = directory / f"{TABLE}.{os.getpid()}.tmp"
    try:
        for left in directory.glob(f"{TABLE}.*.tmp"):  # by a writer that was killed
            left.unlink(missing_ok=True)
        with temporary.open("wb") as file:
            file.write(line.encode().ljust(_PAGE))
            _write_page(file, ids)
            _write_page(file, matrix)
        replace_atomically(temporary, directory / TABLE)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _write_page(file: BinaryIO, array: NDArray[Any]) -> None:
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
            start = 2 * _PAGE + (8 * count - 1) // _PAGE * _PAGE
            size = start + -(-4 * count * origin.dim // _PAGE) * _PAGE
            if count < 1 or os.fstat(file.fileno()).st_size != size:
                return None
            ids: Ids = np.memmap(file, np.int64, "r", _PAGE, (count,))
            rows: NDArray[np.float32] = np.memmap(file, np.float32, "r", start, (count, origin.dim))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    # As plain arrays: each look at a part of a memmap takes as long as a small product.
    return VectorTable(0, last_seq, np.asarray(ids), np.zeros((0, origin.dim), np.float32), np.asarray(rows))


def remove_table(directory: Path) -> None:
    """Delete the file, if there is one."""
    with suppress(OSError):
        (directory / TABLE).unlink(missing_ok=True)
