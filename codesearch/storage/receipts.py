"""Usage records: how many questions, how long the answers took. Kept on this machine, sent nowhere.

A line a question: when, by whom it was asked (command line or agent), which root, how long it took, how many
hits, how many tokens the answer has, and how many the files have that its hits stand in. Not the question.
``CODESEARCH_STATS=0`` switches it off.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from codesearch import caller
from codesearch.files.content.regular import read_regular
from codesearch.quick_dataclass import dataclass
from codesearch.records import Hit
from codesearch.storage.folders.home import index_home

__all__ = ["BYTES_PER_TOKEN", "Receipt", "receipts", "receipts_file", "record"]

BYTES_PER_TOKEN = 4
"""Of code and of English, about; the same for answers and for files."""
_LARGEST_BYTES = 4 << 20
"""Then the older half is dropped."""
_MOST_BYTES = 4 * _LARGEST_BYTES


@dataclass(frozen=True, slots=True)
class Receipt:
    """One question that was answered."""

    at: float
    """Seconds since the epoch."""
    by: str
    """"command line", or the tool of an agent."""
    root: str
    seconds: float
    hits: int
    tokens: int
    file_tokens: int
    """Of the whole files that hold the hits, each once."""


def record(by: str, root: str, started: float, hits: Sequence[Hit], answer_bytes: int) -> None:
    """Write down a question that began at ``started`` (``time.monotonic``). Never fails, never waits."""
    if caller.variable("CODESEARCH_STATS").lower() in ("0", "no", "off", "false"):
        return
    receipt = Receipt(
        at=round(time.time(), 1),
        by=by,
        root=root,
        seconds=round(time.monotonic() - started, 4),
        hits=len(hits),
        tokens=answer_bytes // BYTES_PER_TOKEN,
        file_tokens=sum(_sizes(hits)) // BYTES_PER_TOKEN,
    )
    with contextlib.suppress(OSError):
        _append(json.dumps(asdict(receipt)) + "\n")


def receipts() -> list[Receipt]:
    """All that are kept, oldest first; lines that cannot be read are left out."""
    found = []
    with contextlib.suppress(OSError):
        content = read_regular(receipts_file(), _MOST_BYTES) or b""
        for line in content.decode("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                found.append(Receipt(**json.loads(line)))
    return found


def receipts_file() -> Path:
    """Where they are."""
    return index_home() / "receipts.jsonl"


def _sizes(hits: Iterable[Hit]) -> Iterator[int]:
    for path in {Path(hit.root) / hit.path for hit in hits}:
        with contextlib.suppress(OSError):
            yield path.stat().st_size


def _append(line: str) -> None:
    path = receipts_file()
    if path.exists() and not path.is_file():  # a pipe would wait for a reader
        return
    if path.exists() and path.stat().st_size > _LARGEST_BYTES:
        lines = path.read_bytes().splitlines(keepends=True)
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(b"".join(lines[len(lines) // 2 :]))
        scratch.replace(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, line.encode())  # one call: lines of several processes don't mix
    finally:
        os.close(handle)
