"""Read the files that may have changed: new content goes to the chunker, the rest is sorted out here.

A file whose content is what is stored is only noted. One that turns out not to be worth indexing is
remembered by size and time, so that the next refresh need not open it to find that out again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from codesearch.files.content.generated import is_generated_page
from codesearch.files.content.source import Skip, read_source
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, SourceFile
from codesearch.storage.rows import StoredFile
from codesearch.storage.store import Store
from codesearch.updating.changes import is_racy

__all__ = ["Leftovers", "PassedOver", "Reader"]

_PASSED_KEY = "passed_over"
_TRANSIENT = frozenset({"too large", "unreadable", "vanished"})
"""Reasons that say nothing about the content, or that another setting takes away."""


@dataclass(slots=True)
class PassedOver:
    """Files that were opened and found not worth indexing: path -> [size, stamp, reason]."""

    entries: dict[str, list[int | str]]

    @classmethod
    def read(cls, store: Store) -> PassedOver:
        """As the last refresh left it."""
        return cls(json.loads(store.meta(_PASSED_KEY) or "{}"))

    def write(self, store: Store, walked: Sequence[SourceFile]) -> None:
        """Keep the entries of files that are still there."""
        paths = {file.path for file in walked}
        kept = {path: entry for path, entry in sorted(self.entries.items()) if path in paths}
        store.set_meta(_PASSED_KEY, json.dumps(kept))

    def reason(self, file: SourceFile, last_read_ns: int | None) -> str | None:
        """Why the file was passed over, if it is still as it was then."""
        entry = self.entries.get(file.path)
        if entry is None or entry[:2] != [file.size, file.stamp] or is_racy(file, last_read_ns):
            return None
        return str(entry[2])

    def reasons(self) -> dict[str, str]:
        """Why, by path."""
        return {path: str(entry[2]) for path, entry in self.entries.items()}

    def add(self, file: SourceFile, reason: str) -> None:
        """Remember it, unless the reason may be gone next time."""
        if reason not in _TRANSIENT:
            self.entries[file.path] = [file.size, file.stamp, reason]


@dataclass(slots=True)
class Leftovers:
    """Files that were read and need no chunks."""

    same: list[SourceFile] = field(default_factory=list)
    """Content as stored; size and time may be new."""
    skips: list[Skip] = field(default_factory=list)
    undecoded: list[str] = field(default_factory=list)
    """Paths of files in an encoding that nobody knows."""


class Reader:
    """Reads files of one root and keeps apart what has not changed."""

    def __init__(
        self,
        root: Path,
        stored: Mapping[str, StoredFile],
        max_file_bytes: int,
        encodings: Mapping[str, str] | None = None,
    ) -> None:
        """``encodings`` are those that the repository declares, by path."""
        self._root = root
        self._stored = stored
        self._max_file_bytes = max_file_bytes
        self._encodings = encodings or {}
        self.generated: set[str] = set()
        self._sorted = Leftovers()
        self._digests: dict[str, bytes] = {}
        self._lines: dict[str, tuple[int, ...]] = {}

    def changed(self, files: Sequence[SourceFile]) -> Iterator[tuple[SourceFile, bytes]]:
        """The files whose content is new, with it. The language is the one that the content tells."""
        for file in files:
            source = read_source(self._root, file, self._max_file_bytes, self._encodings.get(file.path))
            if isinstance(source, Skip):
                self._sorted.skips.append(self._precise(source))
                continue
            digest = source.identity
            if not source.is_decoded:
                self._sorted.undecoded.append(file.path)
            known = self._stored.get(file.path)
            if known and (known.content_hash, known.language) == (digest, source.file.language):
                self._sorted.same.append(source.file)
                continue
            if is_generated_page(source.data, source.file.language):
                self.generated.add(file.path)
            self._digests[file.path] = digest
            if source.lines is not None:
                self._lines[file.path] = source.lines
            yield source.file, source.data

    def digest(self, path: str) -> bytes:
        """Content hash of a file that ``changed`` has given out; once."""
        return self._digests.pop(path)

    def placed(self, path: str, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """Chunks of a file that ``changed`` has given out, with the lines of the file itself; once."""
        lines = self._lines.pop(path, None)
        if lines is None:
            return chunks
        return [
            replace(
                chunk,
                start_line=lines[min(chunk.start_line, len(lines)) - 1],
                end_line=lines[min(chunk.end_line, len(lines)) - 1],
            )
            for chunk in chunks
        ]

    def take(self) -> Leftovers:
        """Return the files that were sorted out since the last call."""
        taken, self._sorted = self._sorted, Leftovers()
        return taken

    def _precise(self, skip: Skip) -> Skip:
        """A file that is gone is not the same as one that may not be read."""
        if skip.reason == "unreadable" and not (self._root / skip.file.path).exists():
            return Skip(skip.file, "vanished")
        return skip
