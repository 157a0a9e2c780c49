"""The first half of a refresh: afterwards the text of every file is searchable.

Walk, compare, read what may have changed, chunk what did, commit in batches of about a second. A kill
costs one batch; the next refresh finds what is missing by comparing again. A file that vanishes or
cannot be read meanwhile is counted and passed over, never an error.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch.chunking.version import VERSION
from codesearch.errors import TooManyFiles, counted
from codesearch.files.languages import place_in_line
from codesearch.files.repositories.roots import git_top_level, is_wide
from codesearch.files.walk import Walk, walk
from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk, Progress, SourceFile
from codesearch.storage.folders.locations import unparsable_path
from codesearch.storage.lexical import tokens as lexical
from codesearch.storage.metadata import Settings
from codesearch.storage.rows import FileChange, StoredFile
from codesearch.storage.store import Store
from codesearch.updating import left_out, words_only
from codesearch.updating.changes import compare
from codesearch.updating.reading import PassedOver, Reader
from codesearch.updating.tally import Deadline, Tally

if TYPE_CHECKING:
    from codesearch.chunking.workers.parse_pool import ChunkedFile

__all__ = ["MAX_FILES", "TextStage"]

MAX_FILES = 50_000
"""More than that is indexed only when the user says so."""
MAX_UNASKED = 5_000
"""The same for the first index of a folder that is in no git repository: perhaps typed in the wrong place."""
_COUNTED = 500_000
"""Where counting stops that only serves the message."""
_BATCH_FILES, _BATCH_SECONDS = 256, 1.0
_NAMED = 5  # notes about single files
_VERSION = f"{VERSION}.{lexical.VERSION}"
"""Files are chunked again when either changes; chunks whose text stays keep their vectors."""

_LAST_READ = "last_read_ns"
"""Key of ``store.meta``: when the last refresh that read everything began to, ns since the epoch."""
_LEAST_WALK_SECONDS = 2.0
"""How long the tree is walked at least, whatever the deadline."""


@dataclass(slots=True)
class TextStage:
    """One run over a tree."""

    root: Path
    store: Store
    settings: Settings
    tally: Tally
    deadline: Deadline
    progress: Progress
    too_large: dict[str, str] = field(default_factory=dict)
    """Path -> reason of files that are looked at again each time."""

    def run(self) -> bool:
        """Bring the text up to date; False where the deadline came first."""
        started_ns = time.time_ns()
        outdated = self.store.meta("text_version", _VERSION) != _VERSION
        last_read_ns = None if outdated else self._last_read_ns()
        if outdated:
            self.tally.notes.append("files are cut otherwise than before: all of them were chunked again")
        with self.tally.timed("walk"):
            walked = self._walk()
            self.tally.notes += left_out.news(self.store, walked.left_out)
            stored = self.store.files()
            passed = PassedOver.read(self.store)
            worth = self._worth_opening(walked.files, passed, last_read_ns)
            changes = compare(worth, self._seen(stored, walked), last_read_ns)
        self.tally.files_reused += changes.unchanged
        with self.tally.timed("chunk"):
            self._remove(changes.removed)
            known = {} if outdated else stored
            in_line = sorted(changes.to_read, key=lambda file: place_in_line(file.language))
            reader = Reader(self.root, known, self.settings.max_file_bytes, walked.encodings)
            complete = _Chunking(self, reader, passed, set(stored)).run(in_line) and walked.complete
        words_only.settle(self.store, walked.generated, embed=self.settings.generated)
        if complete:
            with self.store.transaction():
                passed.write(self.store, walked.files)
                left_out.write(self.store, {**walked.left_out, **passed.reasons(), **self.too_large})
                if outdated:  # a chunk that is reused keeps its tokens, which may be another version's
                    self.store.refill_lexical(lexical.document)
                self.store.set_meta("text_version", _VERSION)
                # Where no file was doubtful at the older time, none is until one changes.
                if in_line or changes.removed or last_read_ns is None:
                    self.store.set_meta(_LAST_READ, str(started_ns))
        return complete

    def _last_read_ns(self) -> int | None:
        known = self.store.meta(_LAST_READ)
        return None if known is None else int(known)

    def _walk(self) -> Walk:
        large = self.settings.allow_large
        if is_wide(self.root) and not large:
            raise TooManyFiles(
                f"{self.root} is a home folder or holds one; name the project below it, "
                "or confirm with --yes (allow_large=True)"
            )
        self.progress("walk", 0, 0)
        options = self.settings.walk_options(None if large else _COUNTED)
        least = Deadline(_LEAST_WALK_SECONDS)  # else a short wait would never find anything
        walked = walk(self.root, options, lambda: self.deadline.passed and least.passed)
        self.tally.notes += walked.notes[:_NAMED]
        count = len(walked.files)
        self.progress("walk", count, count)
        if count > MAX_UNASKED and not large and self._is_first_outside_git():
            raise TooManyFiles(
                f"{self.root} is no git repository and has {count:,} files to index "
                f"({_by_folder(walked.files)}); name the folder that you mean, or confirm with --yes "
                "(allow_large=True)"
            )
        if count > MAX_FILES and not large:
            raise TooManyFiles(
                f"{self.root} has {count:,} files to index, the limit is {MAX_FILES:,}; exclude some in "
                ".codesearchignore, take a sub-folder with --root-here, or confirm with --yes "
                "(allow_large=True)"
            )
        self.tally.skipped.update(walked.skipped)
        return walked

    def _is_first_outside_git(self) -> bool:
        return git_top_level(self.root) is None and not self.store.counts().files

    def _seen(self, stored: Mapping[str, StoredFile], walked: Walk) -> Mapping[str, StoredFile]:
        """Return the stored files, without those that were merely not seen now: those stay.

        They lie in folders that cannot be read, or behind the place where the deadline ended the walk.
        """
        if not walked.complete:
            found = {file.path for file in walked.files}
            return {path: file for path, file in stored.items() if path in found}
        if not walked.unreadable:
            return stored
        kept = {path for path in stored if path.startswith(walked.unreadable)}
        if kept:
            folders = ", ".join(folder or "." for folder in walked.unreadable[:_NAMED])
            self.tally.notes.append(
                f"cannot be read: {folders}; {counted(len(kept), 'file')} stay as they were indexed"
            )
        return {path: file for path, file in stored.items() if path not in kept}

    def _worth_opening(
        self, walked: Sequence[SourceFile], passed: PassedOver, last_read_ns: int | None
    ) -> list[SourceFile]:
        worth = []
        for file in walked:
            reason = passed.reason(file, last_read_ns)
            if reason is None:
                worth.append(file)
            else:
                self.tally.skipped[reason] += 1
        return worth

    def _remove(self, paths: Sequence[str]) -> None:
        if paths:
            self.tally.chunks_removed += self.store.remove_files(paths)
            self.tally.files_removed += len(paths)


@dataclass(slots=True)
class _Chunking:
    """Reading, chunking and committing the files of one run."""

    stage: TextStage
    reader: Reader
    passed: PassedOver
    known: set[str]
    """Paths that are stored; one of them that is read anew has changed, others are added."""
    done: int = 0
    complaints: int = 0
    undecoded: list[str] = field(default_factory=list)

    def run(self, to_read: Sequence[SourceFile]) -> bool:
        if not to_read:
            return True
        from codesearch.chunking.workers.parse_pool import ChunkPool
        from codesearch.chunking.workers.unparsable import Unparsable

        stage, total = self.stage, len(to_read)
        stage.progress("chunk", 0, total)
        with ChunkPool(unparsable=Unparsable(unparsable_path())) as pool:
            for batch in _batches(pool.chunk_many(self.reader.changed(to_read))):
                self._commit(batch)
                stage.progress("chunk", self.done, total)
                if stage.deadline.passed and self.done < total:
                    break
        if self.undecoded:
            names = ", ".join(self.undecoded[:_NAMED])
            more = f" and {len(self.undecoded) - _NAMED:,} more" if len(self.undecoded) > _NAMED else ""
            stage.tally.notes.append(
                f"in an encoding that is not known, undecodable bytes replaced: {names}{more}"
            )
        if self.complaints > _NAMED:
            stage.tally.notes.append(f"{self.complaints - _NAMED} more files like that")
        return self.done == total

    def _commit(self, batch: Sequence[ChunkedFile]) -> None:
        sorted_out = self.reader.take()
        with self.stage.store.transaction():
            for item in batch:
                self._replace(item.file, item.chunks)
                self._complain(item.note)
            for file in sorted_out.same:
                self.stage.store.touch_file(file)
            for skip in sorted_out.skips:
                self._skip(skip.file, skip.reason)
        self.undecoded += sorted_out.undecoded
        read = [item.file.path for item in batch]
        words_only.note(self.stage.store, read, self.reader.generated.intersection(read))
        self.stage.tally.files_reused += len(sorted_out.same)
        self.done += len(batch) + len(sorted_out.same) + len(sorted_out.skips)

    def _replace(self, file: SourceFile, chunks: Sequence[Chunk]) -> None:
        chunks = self.reader.placed(file.path, chunks)
        documents = [lexical.document(part) for part in chunks]
        change = self.stage.store.replace_file(file, self.reader.digest(file.path), chunks, documents)
        self._count(file, change)

    def _count(self, file: SourceFile, change: FileChange) -> None:
        tally = self.stage.tally
        tally.files_changed += file.path in self.known
        tally.files_added += file.path not in self.known
        tally.chunks_added += change.added
        tally.chunks_reused += change.reused
        tally.chunks_removed += change.removed

    def _skip(self, file: SourceFile, reason: str) -> None:
        """Out of the index, unless it merely cannot be read now: then what was read before stays."""
        self.stage.tally.skipped[reason] += 1
        self.passed.add(file, reason)
        if reason == "too large":
            self.stage.too_large[file.path] = reason
        if file.path in self.known and reason != "unreadable":
            self.stage._remove([file.path])

    def _complain(self, note: str | None) -> None:
        if note is not None:
            self.complaints += 1
            if self.complaints <= _NAMED:
                self.stage.tally.notes.append(note)


def _by_folder(files: Sequence[SourceFile]) -> str:
    """The folders at the top with the most files, as in ``data/ 4,000, src/ 120, 3 more``."""
    counts = Counter(f"{file.path.partition('/')[0]}/" if "/" in file.path else "." for file in files)
    named = [f"{folder} {count:,}" for folder, count in counts.most_common(_NAMED)]
    return ", ".join([*named, f"{len(counts) - _NAMED} more folders"] if len(counts) > _NAMED else named)


def _batches(chunked: Iterable[ChunkedFile]) -> Iterator[list[ChunkedFile]]:
    """Batches of about a second; the last one may be empty, and carries what was sorted out at the end."""
    batch: list[ChunkedFile] = []
    started = time.monotonic()
    for item in chunked:
        batch.append(item)
        if len(batch) >= _BATCH_FILES or time.monotonic() - started >= _BATCH_SECONDS:
            yield batch
            batch, started = [], time.monotonic()
    yield batch
