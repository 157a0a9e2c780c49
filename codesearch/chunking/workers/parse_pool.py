"""Files in, chunks (or documented definitions) out, through parsing processes of limited time and memory.

A file whose parse takes too long or too much, or brings its process down, is cut at lines instead and a
note says so; the process is replaced, and the file remembered by its content (unparsable.py), so that it
is never parsed again. A language that does this again and again gets less time, and is cut at lines in
the end. Nothing is ever parsed in this process: no grammar is known to be bounded, and 4 KB can cost one
0.4 GB between two of the moments at which it could be cancelled. Where no process can be started, all is
cut at lines. Processes are started when they are needed, by running this package (not by spawning the
user's program again: a script without a main guard is fine); a small job has one.

No library does this. The executors of the standard library (and loky, which is built on them) have no limit
for one task, and a worker that dies breaks the whole pool with everything in it; multiprocessing imports the
user's program anew; pebble ends single tasks, but is LGPL, runs on multiprocessing, and limits no memory.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from codesearch.chunking.chunk import ChunkOptions, chunks_from_spans, is_parsed
from codesearch.chunking.spans import Span, line_spans
from codesearch.chunking.syntax.doc_comments import DocumentedDefinition
from codesearch.chunking.workers.memory_limit import NEEDS_WATCHING, resident_bytes
from codesearch.chunking.workers.parse_process import ParseProcess
from codesearch.chunking.workers.parse_worker import Task
from codesearch.chunking.workers.unparsable import Unparsable
from codesearch.files.languages import LANGUAGES, Language
from codesearch.records import Chunk, SourceFile

__all__ = ["ChunkPool", "ChunkedFile", "DocumentedFile"]

_SMALL_JOB_FILES, _SMALL_JOB_BYTES = 24, 200_000
"""For a job within both, a second process would start longer than it helps."""
_STRIKES = 4
"""Files of one language that may end their process before the others get less time ..."""
_SHORT_SECONDS = 1.0
_MAX_STRIKES = 32
"""... and before the language is given up."""
_WATCH_SECONDS = 0.25
"""Between two looks at the memory of processes that have no limit of their own."""
_MAX_STILLBORN = 3
"""Processes that may die before they are ready until no more are started."""
_AHEAD_FILES, _AHEAD_BYTES = 16, 8_000_000
"""How far reading may be ahead of the consumer: files per process, and bytes."""


class ChunkedFile(NamedTuple):
    """One file's chunks. ``note`` says what the user should know about how they came about."""

    file: SourceFile
    chunks: list[Chunk]
    note: str | None


class DocumentedFile(NamedTuple):
    """One file's documented definitions; none where it cannot be parsed."""

    file: SourceFile
    data: bytes
    definitions: list[DocumentedDefinition]


_Result = TypeVar("_Result")


class ChunkPool:
    """Up to ``workers`` parsing processes. A context manager; leaving it ends the processes."""

    def __init__(
        self,
        workers: int | None = None,
        timeout_seconds: float = 10.0,
        options: ChunkOptions | None = None,
        unparsable: Unparsable | None = None,
    ) -> None:
        """``unparsable``: the files that are known to end a process; None for what this pool learns."""
        self._count = max(1, workers if workers is not None else min(4, _cores()))
        self._timeout = timeout_seconds
        self._options = options or ChunkOptions()
        self._unparsable = unparsable or Unparsable()
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="codesearch-parse")
        self._idle: queue.SimpleQueue[ParseProcess] = queue.SimpleQueue()
        self._processes: set[ParseProcess] = set()
        self._lock = threading.Lock()
        self._strikes: Counter[str] = Counter()
        self._stillborn = 0
        self._closed = threading.Event()

    def __enter__(self) -> ChunkPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; what they were at is lost."""
        self._closed.set()
        with self._lock:
            processes = list(self._processes)
        for process in processes:
            process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in list(self._processes):
            self._discard(process)

    def chunk_many(self, files: Iterable[tuple[SourceFile, bytes]]) -> Iterator[ChunkedFile]:
        """Chunks of every file, in the order given. ``files`` is read in this thread, a little ahead."""
        return self._in_order(self._chunk, files)

    def documented_many(self, files: Iterable[tuple[SourceFile, bytes]]) -> Iterator[DocumentedFile]:
        """The documented definitions of every file, likewise."""
        return self._in_order(self._documented, files)

    def _in_order(
        self,
        work: Callable[[SourceFile, bytes], _Result],
        files: Iterable[tuple[SourceFile, bytes]],
    ) -> Iterator[_Result]:
        source = iter(files)
        first = list(islice(source, _SMALL_JOB_FILES + 1))
        small = len(first) <= _SMALL_JOB_FILES and sum(len(data) for _, data in first) <= _SMALL_JOB_BYTES
        if small:
            yield from (work(file, data) for file, data in first)
            return
        waiting: deque[tuple[Future[_Result], int]] = deque()
        ahead = 0
        for file, data in chain(first, source):
            waiting.append((self._threads.submit(work, file, data), len(data)))
            ahead += len(data)
            while len(waiting) > _AHEAD_FILES * self._count or ahead > _AHEAD_BYTES:
                future, size = waiting.popleft()
                ahead -= size
                yield future.result()
        while waiting:
            yield waiting.popleft()[0].result()

    def _chunk(self, file: SourceFile, data: bytes) -> ChunkedFile:
        spans, problem = self._spans(data, file.language)
        note = None if problem is None else f"{file.path}: {problem}; cut at lines"
        return ChunkedFile(file, chunks_from_spans(file.path, data, file.language, spans), note)

    def _documented(self, file: SourceFile, data: bytes) -> DocumentedFile:
        known = LANGUAGES.get(file.language) if file.language else None
        found = self._performed("documented", data, known) if known and known.grammar else []
        return DocumentedFile(file, data, found if isinstance(found, list) else [])

    def _spans(self, data: bytes, language: str | None) -> tuple[list[Span], str | None]:
        known = LANGUAGES.get(language) if language else None
        if known is None or not is_parsed(language):
            return line_spans(data, language, self._options), None
        answer = self._performed("spans", data, known)
        if isinstance(answer, list) and (answer[-1].end if answer else 0) != len(data):
            answer = "the parsing process answered for another file"
        if isinstance(answer, list):
            return answer, None
        return line_spans(data, language, self._options), answer

    def _performed(self, task: Task, data: bytes, known: Language) -> list[Any] | str:
        """The answer, or why there is none."""
        if self._strikes[known.name] >= _MAX_STRIKES:
            return f"the {known.name} grammar failed too often"
        if self._stillborn >= _MAX_STILLBORN or not sys.executable:
            return "no parsing process can be started"
        if self._unparsable.has(data, known.name):
            return f"parsing it as {known.name} ended a process before"
        return self._ask(task, data, known.name)

    def _seconds(self, language: str) -> float:
        return self._timeout if self._strikes[language] < _STRIKES else min(self._timeout, _SHORT_SECONDS)

    def _ask(self, task: Task, data: bytes, language: str) -> list[Any] | str:
        """The answer, or what went wrong. A process that failed is gone afterwards."""
        process: ParseProcess | None = None
        seconds = self._seconds(language)
        try:
            process = self._take()
            answer = process.ask(task, data, language, self._options, seconds)
        except ValueError as error:
            if process is not None:
                self._idle.put(process)
            return f"parsing failed ({error})"
        except (OSError, EOFError):
            return self._failed(process, data, language, seconds)
        self._idle.put(process)
        return answer

    def _failed(self, process: ParseProcess | None, data: bytes, language: str, seconds: float) -> str:
        if process is None or not process.ready:
            self._stillborn += 1
        if process is None:
            return "no parsing process can be started"
        code = self._discard(process)
        if not process.ready:
            return f"the process that was to parse it ended ({code})"
        if not self._closed.is_set():
            self._unparsable.add(data, language)
        self._strikes[language] += 1
        if process.overdue:
            return f"parsing as {language} took longer than {seconds:g} s"
        if process.oversized:
            return f"parsing as {language} took more memory than it may"
        return f"the process that parsed it as {language} ended ({code})"

    def _take(self) -> ParseProcess:
        with contextlib.suppress(queue.Empty):
            while True:
                process = self._idle.get_nowait()
                if process.is_running():
                    return process
                self._discard(process)  # it died between two jobs: no file's fault
        process = ParseProcess()
        with self._lock:
            self._processes.add(process)
            if len(self._processes) == 1:
                threading.Thread(target=self._watch, name="codesearch-parse-clock", daemon=True).start()
        if self._closed.is_set():
            process.kill()
        return process

    def _discard(self, process: ParseProcess) -> int | None:
        with self._lock:
            self._processes.discard(process)
        return process.end()

    def _watch(self) -> None:
        """The clock: kills what is overdue or too large, until no process is left or the pool is closed."""
        looked = 0.0
        while not self._closed.wait(min(0.1, self._timeout / 4)):
            with self._lock:
                processes = list(self._processes)
                if not processes:
                    return
            now = time.monotonic()
            for process in processes:
                process.kill_if_overdue(now)
            if NEEDS_WATCHING and now - looked > _WATCH_SECONDS:
                looked = now
                held = resident_bytes([process.pid for process in processes])
                for process in processes:
                    process.kill_if_oversized(held)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
