"""Data files: JSON lines, gzip at its quickest level, a hundred thousand rows a file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["ShardWriter", "line_of", "read_rows"]

_ROWS = 100_000


def line_of(record: Any) -> str:
    """A frozen record as one line of JSON."""
    return json.dumps(asdict(record), ensure_ascii=False) + "\n"


class ShardWriter:
    """``<name>-000.jsonl.gz`` and on. A context manager."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._rows = 0
        self._stream: Any = None
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}-[0-9]*.jsonl.gz"):
            old.unlink()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, line: str) -> None:
        """One row, its newline included."""
        if self._rows % _ROWS == 0:
            if self._stream is not None:
                self._stream.close()
            path = self._folder / f"{self._name}-{self._rows // _ROWS:03}.jsonl.gz"
            self._stream = gzip.open(path, "wt", compresslevel=1, encoding="utf-8", newline="\n")  # noqa: SIM115
        self._rows += 1
        self._stream.write(line)


def read_rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """All rows of ``name``, in the order written."""
    for path in sorted(folder.glob(f"{name}-[0-9]*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as stream:
            for line in stream:
                yield json.loads(line)
